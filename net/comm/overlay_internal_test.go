package comm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// Whoever is left out, the ranks form one tree: each has one superior, is among its subordinates only, and the lowest one
// is above all.
func TestOverlayIsATree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		size := 1 + r.IntN(120)
		degree := []int{size, 2, 3, 16}[r.IntN(4)]
		gone := make([]bool, size)
		for range r.IntN(size) {
			gone[r.IntN(size)] = true
		}
		if r.IntN(2) == 0 {
			gone[0] = true
		}
		out := func(rank int) bool { return gone[rank] }
		above := make(map[int]int)
		for rank := range size {
			if gone[rank] {
				continue
			}
			for _, below := range subordinates(rank, size, degree, out) {
				if _, twice := above[below]; twice || gone[below] {
					t.Fatalf("%d ranks, degree %d, out %v: rank %d is below %d as well", size, degree, gone, below, rank)
				}
				above[below] = rank
			}
		}
		for rank := range size {
			if gone[rank] {
				continue
			}
			sup := superior(rank, degree, out)
			if got, ok := above[rank]; ok && got != sup || !ok && sup != rank {
				t.Fatalf("%d ranks, degree %d, out %v: rank %d has superior %d, but is below %d", size, degree, gone, rank, sup, got)
			}
			if sup == rank && slices.Index(gone, false) != rank || sup > rank {
				t.Fatalf("%d ranks, degree %d, out %v: rank %d has superior %d", size, degree, gone, rank, sup)
			}
		}
	}
}

func closeAll(t *testing.T, comms []*Comm) {
	var all sync.WaitGroup
	for _, c := range comms {
		all.Go(func() { c.Close() })
	}
	all.Wait()
}

// Above the limit ranks are joined along the tree only, and whoever is lost, an inner rank, the top, several at once: all
// others hear of it, and name the same one.
func TestTree(t *testing.T) {
	leak.Check(t)
	const p = 60
	for _, victims := range [][]int{{59}, {3}, {0}, {0, 1}, {1, 17}, {2, 3, 40, 41}, {0, 1, 2, 3}} {
		synctest.Test(t, func(t *testing.T) {
			ts := link.NewMem(p)
			comms := make([]*Comm, p)
			errs := make([]error, p)
			var all sync.WaitGroup
			for r, tr := range ts {
				all.Go(func() {
					comms[r], errs[r] = Join(t.Context(), Config{Rank: r, Size: p, Transport: tr, Root: ts[0].Addr(), starLimit: 10})
				})
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			defer closeAll(t, comms)
			synctest.Wait()
			for r, c := range comms {
				want := 1
				if children := min(p-1, r*treeDegree+treeDegree) - r*treeDegree; children > 0 {
					want += children
				}
				if r == 0 {
					want--
				}
				if n := len(c.Stats()); n != want {
					t.Errorf("rank %d is joined with %d ranks, want %d", r, n, want)
				}
			}
			for r, c := range comms {
				all.Go(func() {
					_, errs[r] = Recv(t.Context(), c, (r+7)%p, 0, make([]int, 1))
				})
			}
			synctest.Wait()
			begin := time.Now()
			for _, v := range victims {
				ts[v].Close()
			}
			all.Wait()
			if d := time.Since(begin); d > 100*time.Millisecond {
				t.Errorf("%v are lost: it took %v until all knew", victims, d)
			}
			first := -1
			for r, err := range errs {
				re := new(RankError)
				if slices.Contains(victims, r) {
					continue
				}
				if !errors.As(err, &re) || !slices.Contains(victims, re.Rank) {
					t.Errorf("%v are lost, rank %d: %v", victims, r, err)
				}
				if first < 0 {
					first = re.Rank
				}
				if re.Rank != first && victims[0] > 0 { // with the judge gone as well, they may differ in who was first
					t.Errorf("%v are lost, rank %d names rank %d, others rank %d", victims, r, re.Rank, first)
				}
			}
			// What is left works.
			for r, c := range comms {
				if slices.Contains(victims, r) {
					continue
				}
				all.Go(func() {
					d, err := c.Shrink(t.Context())
					if err == nil {
						var sum []int
						sum, err = Allreduce(t.Context(), d, Sum, []int{1})
						if err == nil && sum[0] != p-len(victims) {
							err = fmt.Errorf("%d ranks are left", sum[0])
						}
						err = errors.Join(err, d.Close())
					}
					if err != nil {
						t.Errorf("%v are lost, rank %d: shrink: %v", victims, r, err)
					}
				})
			}
			all.Wait()
		})
	}
}

// Many ranks come and go soon, and all hear of one that is lost.
func TestManyRanks(t *testing.T) {
	leak.Check(t)
	const p, victim = many, 3 * many / 4
	begin := time.Now()
	ts := link.NewMem(p)
	comms, err := overTransports(Config{}, ts)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Since(begin)
	errs := make([]error, p)
	var all sync.WaitGroup
	for r, c := range comms {
		all.Go(func() { errs[r] = Barrier(t.Context(), c) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	begin = time.Now()
	for r, c := range comms {
		all.Go(func() { _, errs[r] = Recv(t.Context(), c, (r+1)%p, 0, make([]int, 1)) })
	}
	ts[victim].Close()
	all.Wait()
	heard := time.Since(begin)
	for r, err := range errs {
		if re := new(RankError); r != victim && (!errors.As(err, &re) || re.Rank != victim) {
			t.Errorf("rank %d: %v", r, err)
		}
	}
	begin = time.Now()
	closeAll(t, comms)
	t.Logf("%d ranks: start %v, loss known to all %v, close %v", p, started, heard, time.Since(begin))
}
