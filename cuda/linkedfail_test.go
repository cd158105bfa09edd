package cuda_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/partition"
)

// TestWrongRuns: what cannot be moved is said, and nothing is begun.
func TestWrongRuns(t *testing.T) {
	leak.Check(t)
	ctx := t.Context()
	rng := rand.New(rand.NewPCG(9, 9))
	type runs = []partition.Range
	for _, c := range []struct {
		name string
		call func(m *team, g array.Group, flags, numbers *array.Block) error
		want string
	}{
		{"a part of bits that begins within a byte", func(m *team, g array.Group, flags, _ *array.Block) error {
			return g.Allgather(ctx, flags.Slice(3, 19), flags, runs{{Lo: 0, Hi: 16}})
		}, "part: bits [0,16) begin at bit 3 of a byte; runs of bools and of validity begin at multiples of 8 elements"},
		{"a result of bits that does", func(m *team, g array.Group, flags, _ *array.Block) error {
			return g.Allgather(ctx, flags.Slice(0, 16), flags, runs{{Lo: 4, Hi: 20}})
		}, "result: rank 0: bits [4,20) begin at bit 4"},
		{"validity", func(m *team, g array.Group, _, numbers *array.Block) error {
			return g.Bcast(ctx, numbers.Slice(1, 5), 0)
		}, "bits [0,4) begin at bit 1"},
		{"sent bits", func(m *team, g array.Group, flags, _ *array.Block) error {
			return g.Alltoall(ctx, flags, runs{{Lo: 9, Hi: 12}}, flags, runs{{Lo: 16, Hi: 19}})
		}, "part: rank 0: bits [9,12) begin at bit 1"},
		{"received bits", func(m *team, g array.Group, flags, _ *array.Block) error {
			return g.Alltoall(ctx, flags, runs{{Lo: 8, Hi: 11}}, flags, runs{{Lo: 20, Hi: 23}})
		}, "result: rank 0: bits [20,23) begin at bit 4"},
		{"a block of the host", func(m *team, g array.Group, _, _ *array.Block) error {
			return g.Bcast(ctx, array.NewBlock(array.Int8, array.Shape{3}, false), 0)
		}, "memory of the host; Hold it"},
		{"no such root", func(m *team, g array.Group, flags, _ *array.Block) error { return g.Bcast(ctx, flags, 1) }, "root 1 of 1 ranks"},
		{"types", func(m *team, g array.Group, flags, numbers *array.Block) error {
			return g.Allgather(ctx, flags, numbers, runs{{Lo: 0, Hi: 40}})
		}, "the part is bool, the result float64"},
		{"too few runs", func(m *team, g array.Group, flags, _ *array.Block) error { return g.Allgather(ctx, flags, flags, nil) }, "0 runs for 1 ranks"},
		{"a run outside", func(m *team, g array.Group, flags, _ *array.Block) error {
			return g.Alltoall(ctx, flags, runs{{Lo: 0, Hi: 41}}, flags, runs{{Lo: 0, Hi: 41}})
		}, "run [0,41) of rank 0, of 40 elements"},
		{"another length", func(m *team, g array.Group, flags, _ *array.Block) error {
			return g.Alltoall(ctx, flags, runs{{Lo: 0, Hi: 8}}, flags, runs{{Lo: 8, Hi: 15}})
		}, "sends itself 8 elements, and receives 7"},
		{"another part", func(m *team, g array.Group, flags, _ *array.Block) error {
			return g.Allgather(ctx, flags.Slice(0, 8), flags, runs{{Lo: 8, Hi: 15}})
		}, "a part of 8 elements for the 7 of [8,15)"},
		{"validity of one", func(m *team, g array.Group, _, numbers *array.Block) error {
			bare := must[*array.Block](t)(g.Room(array.Float64, 40, false))
			at, _ := bare.Far()
			defer at.Release()
			return g.Allgather(ctx, bare, numbers, runs{{Lo: 0, Hi: 40}})
		}, "one of the part and the result has validity"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := joined(t, 1, fake.Options{})
			flags := m.hold(t, 0, ref.Random(rng, array.Bool, array.Shape{40}, 0).DropValidity(), false)
			floats := m.hold(t, 0, ref.Random(rng, array.Float64, array.Shape{40}, 0.5), true)
			err := c.call(m, m.groups[0], flags, floats)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "cuda:0: ") {
				t.Fatalf("%v; %q is wanted", err, c.want)
			}
			again := m.groups[0].Bcast(ctx, flags, 0)
			if again == nil || again.Error() != "the group of devices is broken: "+err.Error() {
				t.Errorf("afterwards: %v", again)
			}
			if _, err := m.groups[0].Room(array.Bool, 1, false); err == nil || !strings.HasPrefix(err.Error(), "the group of devices is broken: ") {
				t.Errorf("room afterwards: %v", err)
			}
		})
	}
}

// TestRankThatNeverComes: the others wait until their contexts end, and compute by themselves afterwards.
func TestRankThatNeverComes(t *testing.T) {
	errGone := errors.New("rank 3 is lost")
	rng := rand.New(rand.NewPCG(11, 12))
	x := numbers(rng, 500)
	for name, call := range map[string]func(ctx context.Context, g array.Group, b, to *array.Block) error{
		"bcast": func(ctx context.Context, g array.Group, b, _ *array.Block) error { return g.Bcast(ctx, b, 3) },
		"allgather": func(ctx context.Context, g array.Group, b, to *array.Block) error {
			return g.Allgather(ctx, b, to, []partition.Range{{Lo: 0, Hi: 8}, {Lo: 8, Hi: 16}, {Lo: 16, Hi: 24}, {Lo: 24, Hi: 32}})
		},
		"ragged allgather": func(ctx context.Context, g array.Group, b, to *array.Block) error {
			return g.Allgather(ctx, b, to, []partition.Range{{Lo: 24, Hi: 32}, {Lo: 8, Hi: 16}, {Lo: 16, Hi: 24}, {Lo: 0, Hi: 8}})
		},
		"alltoall": func(ctx context.Context, g array.Group, b, to *array.Block) error {
			all := []partition.Range{{Lo: 0, Hi: 2}, {Lo: 2, Hi: 4}, {Lo: 4, Hi: 6}, {Lo: 6, Hi: 8}}
			return g.Alltoall(ctx, b, all, to, all)
		},
	} {
		t.Run(name, func(t *testing.T) {
			seeds(t, 2, func(t *testing.T, seed uint64) {
				m := joined(t, 4, fake.Options{Seed: seed})
				var parts, results []*array.Block
				for rank := range 3 {
					parts = append(parts, m.hold(t, rank, array.NewBlock(array.Int32, array.Shape{8}, false), false))
					results = append(results, m.hold(t, rank, array.NewBlock(array.Int32, array.Shape{32}, false), false))
				}
				ctx, stop := context.WithCancelCause(t.Context())
				began := count(m.v, "ncclGroupEnd")
				var waiting sync.WaitGroup
				for rank := range 3 {
					waiting.Go(func() {
						err := call(ctx, m.groups[rank], parts[rank], results[rank])
						if !errors.Is(err, errGone) {
							t.Errorf("rank %d: %v", rank, err)
							return
						}
						again := call(ctx, m.groups[rank], parts[rank], results[rank])
						if !errors.Is(again, errGone) || !strings.HasPrefix(again.Error(), "the group of devices is broken: cuda:") {
							t.Errorf("rank %d, afterwards: %v", rank, again)
						}
						l := devicetest.Launch(t, apply(array.Square, array.Data(x, 0)), x)
						devicetest.Same(t, m.runners[rank], l)
					})
				}
				for count(m.v, "ncclGroupEnd") < began+3 { // what is freed meanwhile looks at all streams
					for _, d := range m.devices {
						check(t, must[*cuda.Buffer](t)(d.Alloc(ctx, 8)).Free())
					}
				}
				stop(errGone)
				waiting.Wait()
				for rank := range 3 { // where others may still write nobody else is to
					cached := func(b *array.Block) int {
						before := m.devices[rank].MemoryStats().Cached
						at, _ := b.Far()
						at.Release()
						return m.devices[rank].MemoryStats().Cached - before
					}
					into, from := results[rank], parts[rank]
					if name == "bcast" {
						into, from = from, into
					}
					if n := cached(into); n != 0 {
						t.Errorf("rank %d: %d bytes are for use again", rank, n)
					}
					if n := cached(from); n == 0 {
						t.Errorf("rank %d: nothing is for use again", rank)
					}
				}
			})
		})
	}
}

// count is how often a function was called.
func count(v *cuda.Driver, name string) (n int) {
	for _, call := range v.Machine().Calls() {
		if call == name {
			n++
		}
	}
	return n
}

// TestJoin: groups that cannot be.
func TestJoin(t *testing.T) {
	leak.Check(t)
	ctx := t.Context()
	m, other := newTeam(t, 2, fake.Options{}), newTeam(t, 1, fake.Options{Seed: 1})
	id := must[[]byte](t)(m.runners[0].NewGroup())
	if _, err := m.runners[0].Join(ctx, id[:100], 0, 2); err == nil || !strings.Contains(err.Error(), "a group's name of 100 bytes, it has 128") {
		t.Errorf("half a name: %v", err)
	}
	if _, err := m.runners[0].Join(ctx, id, 2, 2); err == nil {
		t.Error("rank 2 of 2")
	}
	if _, err := other.runners[0].Join(ctx, id, 1, 2); err == nil || !strings.Contains(err.Error(), "nobody made the group's name here") {
		t.Errorf("a machine in another process: %v", err)
	}
	cut, stop := context.WithCancelCause(ctx)
	errGone := errors.New("rank 1 is lost")
	go func() {
		for count(m.v, "ncclCommGetAsyncError") == 0 {
			runtime.Gosched()
		}
		stop(errGone)
	}()
	if _, err := m.runners[0].Join(cut, id, 0, 2); !errors.Is(err, errGone) {
		t.Errorf("a rank that never joins: %v", err)
	}
	id = must[[]byte](t)(m.runners[0].NewGroup())
	err := m.each(ctx, func(ctx context.Context, rank int) error {
		_, err := m.runners[0].Join(ctx, id, rank, 2) // both the same device
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "invalid usage") {
		t.Errorf("a device twice: %v", err)
	}
	none := newTeam(t, 1, fake.Options{Libraries: []string{}})
	_, err = none.runners[0].NewGroup()
	_, join := none.runners[0].Join(ctx, id, 0, 1)
	if !errors.Is(err, cuda.ErrLibrary) || !errors.Is(join, cuda.ErrLibrary) || !strings.Contains(err.Error(), "libnccl2") {
		t.Errorf("no NCCL: %v, %v", err, join)
	}
}

// TestRunnerClosedFirst: a runner that is closed before its group says so, and nothing is left.
func TestRunnerClosedFirst(t *testing.T) {
	leak.Check(t)
	m := joined(t, 1, fake.Options{})
	b := must[*array.Block](t)(m.groups[0].Room(array.Int8, 4, false))
	at, _ := b.Far()
	check(t, m.runners[0].Close())
	if err := m.groups[0].Bcast(t.Context(), b, 0); err == nil {
		t.Error("a runner that is closed moved a block")
	}
	at.Release()
	check(t, m.groups[0].Close())
}

// TestEveryCallOfAGroupFails: whichever call fails at one of two ranks, both end, and everything comes back.
func TestEveryCallOfAGroupFails(t *testing.T) {
	leak.Check(t)
	// life is all that a group does. Where the n-th call of a name fails it says whether there was one.
	life := func(name string, n int) (called bool, calls []string, err error) {
		m := newTeam(t, 2, fake.Options{Seed: uint64(n)})
		before := len(m.v.Machine().Calls())
		m.v.Machine().FailOf(name, n, 3)
		if name == "ncclCommAbort" { // which is for what failed
			m.v.Machine().FailOf("ncclBroadcast", 1, 3)
		}
		far := make([][]array.Far, 2)
		if err = m.join(t.Context()); err == nil {
			err = m.each(t.Context(), func(ctx context.Context, rank int) error {
				keep := func(b *array.Block, err error) (*array.Block, error) {
					if err == nil {
						at, _ := b.Far()
						far[rank] = append(far[rank], at)
					}
					return b, err
				}
				g := m.groups[rank]
				part, err := keep(g.Hold(ctx, array.NewBlock(array.Float32, array.Shape{16}, false), true))
				if err != nil {
					return err
				}
				to, err := keep(g.Room(array.Float32, 32, true))
				if err != nil {
					return err
				}
				halves := []partition.Range{{Lo: 0, Hi: 8}, {Lo: 8, Hi: 13}}
				if rank == 1 { // what the first sends is as much as the second receives
					halves[0], halves[1] = partition.Range{Lo: 0, Hi: 5}, partition.Range{Lo: 8, Hi: 16}
				}
				swap := []partition.Range{{Lo: 0, Hi: halves[0].Len()}, {Lo: 16, Hi: 21}}
				if rank == 1 {
					swap[1] = partition.Range{Lo: 8, Hi: 16}
				}
				if err := g.Bcast(ctx, part, 1); err != nil {
					return err
				}
				if err := g.Allgather(ctx, part, to, []partition.Range{{Lo: 16, Hi: 32}, {Lo: 0, Hi: 16}}); err != nil {
					return err
				}
				return g.Alltoall(ctx, part, halves, to, swap)
			})
		}
		m.far = slices.Concat(far...)
		err = errors.Join(err, m.leave())
		calls = m.v.Machine().Calls()[before:]
		called = len(slices.DeleteFunc(slices.Clone(calls), func(call string) bool { return call != name })) >= n
		closed := m.close()
		if left := m.v.Machine().Leaks(); called && len(left) > 0 || errors.Is(closed, cuda.ErrInvalidContext) {
			t.Errorf("call %d of %s failed: left open: %v: %v", n, name, left, closed)
		}
		return called, calls, errors.Join(err, closed, m.v.Close())
	}
	_, calls, err := life("", 1)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(calls)
	failed := map[string]bool{}
	for _, name := range slices.Compact(append(calls, "ncclCommAbort")) {
		for n := 1; ; n += 1 + n/8 { // of those that are called most, not each
			called, _, err := life(name, n)
			if !called {
				break
			}
			if failed[name] = true; err == nil || name == "ncclCommAbort" && !strings.Contains(err.Error(), name) {
				t.Fatalf("call %d of %s failed: %v", n, name, err)
			}
		}
	}
	for _, name := range []string{"ncclCommInitRankConfig", "ncclCommGetAsyncError", "ncclBroadcast", "ncclSend", "ncclRecv", "ncclGroupEnd", "ncclCommAbort"} {
		if !failed[name] {
			t.Errorf("no call of %s failed", name)
		}
	}
}
