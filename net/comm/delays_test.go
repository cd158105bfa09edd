package comm_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/comm/sched"
	"github.com/darray-go/darray/net/link"
)

// mix is a number that looks random and is the same for the same arguments, whoever asks first (after splitmix64).
func mix(xs ...int) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, x := range xs {
		h += uint64(x) * 0xbf58476d1ce4e5b9
		h ^= h >> 30
		h *= 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// delayed holds messages back at random: late(h) for each of them, on sending, on receiving, or both. What a link does
// with a message that comes early, late, or before its receive is then all met.
func delayed(ts []link.Transport, seed int, late func(h uint64) link.Fault) []link.Transport {
	out := make([]link.Transport, len(ts))
	for r, t := range ts {
		at := func(way int) func(peer, n int, h link.Header) link.Fault {
			if mix(seed, r, way)%3 == 0 {
				return nil // then the link's own ways past Send and Recv are open
			}
			return func(peer, n int, _ link.Header) link.Fault { return late(mix(seed, r, way, peer, n)) }
		}
		out[r] = link.NewFault(t, link.Plan{Send: at(0), Recv: at(1)})
	}
	return out
}

// sleep delays a third of the messages by up to 50 ms, which is longer than a receive waits before it asks.
func sleep(h uint64) link.Fault {
	if h%3 > 0 {
		return link.Fault{}
	}
	return link.Fault{Delay: time.Duration(h>>8%50_000) * time.Microsecond}
}

// yield gives way to others some times.
func yield(h uint64) link.Fault {
	for range h % 4 {
		runtime.Gosched()
	}
	return link.Fault{}
}

// everyWay runs every collective by every algorithm that fits, forced, over none, one and uneven counts of elements of some
// types, which change with the algorithm and the number of ranks.
func everyWay(t *testing.T, comms []*comm.Comm, types int, sizes []int) {
	t.Helper()
	p := len(comms)
	hosts := make([]int, p)
	for r := range hosts {
		hosts[r] = r / 3
	}
	all, turn := kinds(), p
	for _, op := range sched.Ops() {
		for _, name := range sched.Algorithms(op) {
			if !sched.Fits(op, name, sched.Task{Size: p, Hosts: hosts}) {
				continue
			}
			ctx := comm.ByAlgorithm(t.Context(), name, hosts)
			some := slices.Concat(all[turn%len(all):], all[:turn%len(all)])[:types]
			turn++
			spmd(t, comms, func(c *comm.Comm) error {
				for i, n := range sizes {
					for _, k := range some {
						for _, f := range k.checks[op] {
							if err := f(ctx, c, (i+turn)%p, n); err != nil {
								return fmt.Errorf("%s of %s by %s, n=%d: %w", op, k.name, name, n, err)
							}
						}
					}
				}
				return nil
			})
		}
	}
}

// ranksOf is what a matrix runs over: all, or some where each costs more.
func ranksOf(all, some []int) []int {
	if slow() {
		return some
	}
	return all
}

// slow reports whether a test is to do what finds most: -short, or the race detector, under which everything takes ten times
// as long. The runs without either do all.
func slow() bool { return raceEnabled || testing.Short() }

// wireSizes are counts for links that have a cost: up to 9 ranks, the last one is more than a link sends
// without waiting, of most types.
func wireSizes(p int) []int {
	switch {
	case p > 9:
		return []int{p + 1}
	case p > 5:
		return []int{0, 1, p + 1, 2500}
	default:
		return []int{0, 1, p + 1, 6000}
	}
}

func TestAlgorithmsDelayedMem(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33}, []int{2, 5, 8, 16}) {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sizes, types := []int{0, 1, p + 1, 600}, 7
				if p > 9 {
					sizes, types = []int{0, 1, p + 1}, 2
				}
				start := time.Now()
				everyWay(t, joined(t, delayed(link.NewMem(p), p, sleep)), types, sizes)
				t.Logf("delays of %v in all", time.Since(start))
				if p > 2 && time.Since(start) < time.Second {
					t.Error("no message was held back")
				}
			})
		})
	}
}

func TestAlgorithmsDelayedQUIC(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 16}, []int{3, 8}) {
		t.Run(fmt.Sprintf("p=%d", p), func(t *testing.T) {
			everyWay(t, joined(t, delayed(quicTransports(t, p), p, yield)), 2, wireSizes(p))
		})
	}
}
