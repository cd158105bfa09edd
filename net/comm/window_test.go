package comm_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// Every rank gets from, puts to and accumulates at every rank; a plain sequential program on the side says what must come.
func TestWindow(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 2, 5} {
		for _, n := range ranksOf([]int{1, 9, 20_000}, []int{1, 9, 9_000}) {
			spmd(t, local(t, p), func(c *comm.Comm) error { return fenced(t, c, n) })
		}
	}
}

func fenced(t *testing.T, c *comm.Comm, n int) error {
	p, r := c.Size(), c.Rank()
	size := func(rank int) int { return n * (p + rank) }
	want := make([][]float64, p) // the memory of all ranks
	for rank := range want {
		want[rank] = input(rank, size(rank), 0)
	}
	mine := input(r, size(r), 0)
	w, err := comm.NewWindow(t.Context(), c, mine, comm.Sum[float64])
	if err != nil {
		return err
	}
	for epoch := range 3 {
		got := make([][]float64, p)
		for target := range p {
			got[target] = make([]float64, n)
			err := errors.Join(
				w.Put(target, n*r, input(r, n, epoch)),
				w.Accumulate(target, 0, input(r, n, epoch+10)),
				w.Put(target, size(target)-1, input(r, 1, epoch)), // the last rank's stays
				w.Get(target, n*((r+1)%p), got[target]),
			)
			if err != nil {
				return err
			}
		}
		if err := w.Fence(t.Context()); err != nil {
			return err
		}
		for target := range p {
			lo := n * ((r + 1) % p)
			if err := same(got[target], want[target][lo:lo+n]); err != nil {
				return fmt.Errorf("epoch %d: get from rank %d: %w", epoch, target, err)
			}
			for origin := range p {
				m := want[target]
				copy(m[n*origin:], input(origin, n, epoch))
				for i, x := range input(origin, n, epoch+10) {
					m[i] += x
				}
				copy(m[size(target)-1:], input(origin, 1, epoch))
			}
		}
		if err := same(mine, want[r]); err != nil {
			return fmt.Errorf("epoch %d: the memory of rank %d: %w", epoch, r, err)
		}
	}
	return w.Close()
}

func TestWindowArguments(t *testing.T) {
	leak.Check(t)
	spmd(t, local(t, 2), func(c *comm.Comm) error {
		w, err := comm.NewWindow(t.Context(), c, make([]int32, 3+c.Rank()), nil)
		if err != nil {
			return err
		}
		for i, err := range []error{
			w.Put(2, 0, nil), w.Put(-1, 0, nil), w.Put(0, 3, []int32{1}), w.Put(0, -1, []int32{1}), w.Get(0, 4, nil),
			w.Get(1, 1, make([]int32, 4)), w.Accumulate(1, 0, []int32{1}),
		} {
			if err == nil {
				return fmt.Errorf("access %d was taken", i)
			}
		}
		return errors.Join(w.Put(1, 3, []int32{1}), w.Fence(t.Context()), w.Close())
	})
}
