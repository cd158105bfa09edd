package comm_test

import (
	"fmt"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/shmlink"
)

// overShm joins p ranks that believe to be processes of one host and share memory.
func overShm(t testing.TB, p int) []*comm.Comm {
	t.Helper()
	return joined(t, shmTransports(t, p))
}

func shmTransports(t testing.TB, p int) []link.Transport {
	t.Helper()
	ts := quicTransports(t, p)
	for r, inner := range ts {
		over, err := shmlink.Over(inner, shmlink.Config{Arena: 64 << 20, LocalRanks: p})
		if err != nil {
			t.Fatal(err)
		}
		ts[r] = over
	}
	return ts
}

// The collectives over memory that the ranks share, which every pair of them must have agreed on.
func TestCollectivesShm(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{2, 3, 4, 7}, []int{2, 7}) {
		large := 70_000
		if p > 4 && slow() {
			large = 10_000 // still more than goes without waiting
		}
		comms := overShm(t, p)
		spmd(t, comms, func(c *comm.Comm) error {
			for _, n := range []int{0, 1, 30, large} {
				if err := checkAll(t.Context(), c, n%p, n); err != nil {
					return err
				}
			}
			for _, s := range c.Stats() {
				if s.Scheme != "shm" {
					return fmt.Errorf("rank %d speaks with rank %d by %s", c.Rank(), s.Rank, s.Scheme)
				}
			}
			return nil
		})
	}
}

// Memory of Alloc passes through every kind of operation like any other.
func TestAlloc(t *testing.T) {
	leak.Check(t)
	for _, comms := range [][]*comm.Comm{overShm(t, 3), local(t, 3)} {
		spmd(t, comms, func(c *comm.Comm) error {
			const n = 100_000
			out, in := comm.Alloc[float64](c, n), comm.Alloc[float64](c, n)
			defer comm.Free(c, out)
			defer comm.Free(c, in)
			if len(out) != n || len(in) != n || len(comm.Alloc[int](c, 0)) != 0 {
				return fmt.Errorf("%d and %d elements", len(out), len(in))
			}
			copy(out, input(c.Rank(), n, 0))
			p, r := c.Size(), c.Rank()
			if _, err := comm.Sendrecv(t.Context(), c, (r+1)%p, 0, out, (r-1+p)%p, 0, in); err != nil {
				return err
			}
			if err := same(in, input((r-1+p)%p, n, 0)); err != nil {
				return err
			}
			return comm.Barrier(t.Context(), c) // nobody frees what another still reads
		})
	}
}

func TestAlgorithmsDelayedShm(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, []int{3, 8}) {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			everyWay(t, joined(t, delayed(shmTransports(t, p), p, yield)), 2, wireSizes(p))
		})
	}
}
