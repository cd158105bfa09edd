package comm_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

func TestCartShapes(t *testing.T) {
	leak.Check(t)
	comms := local(t, 12)
	for _, tc := range []struct {
		dims []int
		want []int // nil: an error
	}{
		{[]int{0}, []int{12}},
		{[]int{0, 0}, []int{4, 3}},
		{[]int{0, 0, 0}, []int{3, 2, 2}},
		{[]int{0, 6}, []int{2, 6}},
		{[]int{2, 0, 0}, []int{2, 3, 2}},
		{[]int{3, 3}, []int{3, 3}},
		{[]int{5, 0}, nil},
		{[]int{4, 4}, nil},
		{[]int{-1}, nil},
		{nil, nil},
	} {
		errs := each(comms, func(c *comm.Comm) error {
			g, err := comm.NewCart(t.Context(), c, tc.dims, nil, false)
			if g == nil || err != nil {
				return err
			}
			defer g.Close()
			if !slices.Equal(g.Dims(), tc.want) {
				return fmt.Errorf("got %v", g.Dims())
			}
			for r := range g.Comm().Size() {
				if back := g.Rank(g.Coords(r)); back != r {
					return fmt.Errorf("rank %d is at %v, where rank %d is", r, g.Coords(r), back)
				}
			}
			return nil
		})
		for r, err := range errs {
			if (err == nil) != (tc.want != nil) {
				t.Errorf("%v, want %v: rank %d: %v", tc.dims, tc.want, r, err)
			}
		}
	}
}

// Every rank learns its neighbours' places, over edges, around rings, and with itself as neighbour.
func TestNeighborExchange(t *testing.T) {
	leak.Check(t)
	for _, dims := range [][]int{{6}, {2, 3}, {3, 2}, {6, 1}, {2, 1, 3}} {
		for _, ring := range []bool{false, true} {
			periodic := slices.Repeat([]bool{ring}, len(dims))
			spmd(t, local(t, 6), func(c *comm.Comm) error {
				g, err := comm.NewCart(t.Context(), c, dims, periodic, true)
				if err != nil {
					return err
				}
				at := g.Coords(g.Comm().Rank())
				for axis, n := range dims {
					mine := func(way int) []int { return append([]int{way}, at...) }
					low, high := make([]int, len(at)+1), make([]int, len(at)+1)
					if err := comm.NeighborExchange(t.Context(), g, axis, mine(-1), mine(1), low, high); err != nil {
						return err
					}
					for _, side := range []struct {
						got      []int
						disp, by int
					}{{low, -1, 1}, {high, 1, -1}} {
						want := make([]int, len(at)+1)
						if x := at[axis] + side.disp; ring || x >= 0 && x < n {
							want = append([]int{side.by}, at...)
							want[1+axis] = (x + n) % n
						}
						if !slices.Equal(side.got, want) {
							return fmt.Errorf("%v, ring %v, axis %d, at %v: got %v, want %v", dims, ring, axis, at, side.got, want)
						}
					}
				}
				return g.Close()
			})
		}
	}
}
