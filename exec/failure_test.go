package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

var errDevice = errors.New("the device is on fire")

// xPlusMean has every kind of step but reads: scatter, two runs, a reduction that all ranks need, a gather.
func xPlusMean(t testing.TB, n int) *array.Node {
	x := data(t, floats(n))
	return apply(array.Add, x, apply(array.Mean, x))
}

// TestFailingDevice: an error on one rank, at any step, ends the Collect with a RankError that names it, and the next
// Collect works.
func TestFailingDevice(t *testing.T) {
	leak.Check(t)
	for _, overQUIC := range []bool{false, true} {
		for bad := range 3 {
			for at := range int64(2) {
				var runs atomic.Int64
				each := func(rank int, c *exec.Config) {
					if rank == bad {
						c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(context.Context, *array.Launch) error {
							if runs.Add(1)-1 == at {
								return errDevice
							}
							return nil
						}}
					}
				}
				cl := make3(t, overQUIC, each)
				n := xPlusMean(t, 20_000)
				_, _, err := cl.Collect(context.Background(), []*array.Node{n})
				var re *comm.RankError
				if !errors.As(err, &re) || re.Rank != bad || !strings.Contains(err.Error(), "on fire") || !strings.HasPrefix(re.Op, "run ") {
					t.Errorf("run %d failed on rank %d: the error is %v", at, bad, err)
				}
				if !overQUIC && !errors.Is(err, errDevice) {
					t.Errorf("%v does not wrap the device's error", err)
				}
				check(t, cl, n)
				cl.stop()
			}
		}
	}
}

func make3(t *testing.T, overQUIC bool, each func(int, *exec.Config)) *cluster {
	if overQUIC {
		return quic(t, 3, each)
	}
	return local(t, 3, each)
}

// TestCancel ends a Collect while a rank computes; the cluster stays usable.
func TestCancel(t *testing.T) {
	leak.Check(t)
	for _, overQUIC := range []bool{false, true} {
		for stuck := range 3 {
			ctx, cancel := context.WithCancel(context.Background())
			var once sync.Once
			cl := make3(t, overQUIC, func(rank int, c *exec.Config) {
				if rank == stuck {
					c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(ctx context.Context, _ *array.Launch) (err error) {
						once.Do(func() {
							cancel()
							<-ctx.Done() // until the executor says so
							err = ctx.Err()
						})
						return err
					}}
				}
			})
			n := xPlusMean(t, 20_000)
			if _, _, err := cl.Collect(ctx, []*array.Node{n}); !errors.Is(err, context.Canceled) {
				t.Errorf("rank %d was computing: the error is %v", stuck, err)
			}
			check(t, cl, n)
			cl.stop()
		}
	}
}

// TestCancelWaits: a Collect that is broken off returns when no rank of its process works on it any more, as the memory that
// they read and write is its caller's again.
func TestCancelWaits(t *testing.T) {
	leak.Check(t)
	for range 20 {
		ctx, cancel := context.WithCancel(context.Background())
		var late atomic.Bool
		cl := local(t, 3, func(rank int, c *exec.Config) {
			if rank == 2 {
				c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(ctx context.Context, _ *array.Launch) error {
					cancel()
					<-ctx.Done()
					for range 1000 { // it does not notice at once
						runtime.Gosched()
					}
					late.Store(true)
					return ctx.Err()
				}}
			}
		})
		dst := array.NewBlock(array.Float64, array.Shape{100_000}, false)
		if _, err := cl.CollectInto(ctx, apply(array.Add, data(t, floats(100_000)), number(1.0)), dst); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		if !late.Load() {
			t.Fatal("rank 2 is still computing into the destination")
		}
		cl.stop()
	}
}

func TestMemoryLimit(t *testing.T) {
	leak.Check(t)
	cl := local(t, 2, func(_ int, c *exec.Config) { c.MemoryLimit = 1 << 20 })
	big, small := apply(array.Add, data(t, floats(200_000)), number(1.0)), xPlusMean(t, 1000)
	_, _, err := cl.Collect(context.Background(), []*array.Node{big})
	if !errors.Is(err, exec.ErrMemory) || !strings.Contains(err.Error(), "1.6 MiB at once on rank 0 of 2, the limit is 1 MiB") {
		t.Errorf("the error is %v", err)
	}
	check(t, cl, small)
}

// TestTooLarge: what no machine holds is refused, with or without a limit, also where the sum of the bytes overflows.
func TestTooLarge(t *testing.T) {
	full := func(n int) *array.Node { return array.Full(array.ScalarOf(1.0), array.Shape{n}, 0) }
	for _, limit := range []int{0, 1 << 20, math.MaxInt} {
		for _, roots := range [][]*array.Node{
			{full(math.MaxInt / 8)},
			{full(1 << 59), array.Full(array.ScalarOf(2.0), array.Shape{1 << 59}, 0)},
		} {
			for _, p := range []int{1, 3} {
				s := exec.Setting{Ranks: p, Device: "cpu", Options: exec.Options{MemoryLimit: limit}}
				if _, err := exec.NewPlan(roots, s); !errors.Is(err, exec.ErrMemory) {
					t.Errorf("limit %d: the error is %v", limit, err)
				}
			}
		}
	}
}

func TestFailedGraph(t *testing.T) {
	leak.Check(t)
	cl := local(t, 2)
	n := apply(array.Add, data(t, floats(3)), data(t, floats(4)))
	if _, _, err := cl.Collect(context.Background(), []*array.Node{n}); !errors.Is(err, array.ErrShape) {
		t.Errorf("the error is %v", err)
	}
	cl.stop()
	if _, _, err := cl.Collect(context.Background(), []*array.Node{data(t, floats(3))}); !errors.Is(err, comm.ErrClosed) || !strings.HasPrefix(err.Error(), "the cluster is closed") {
		t.Errorf("after Close the error is %v", err)
	}
}

// TestSPMD: all ranks collect; those with another graph are found out.
func TestSPMD(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 2, 4} {
		comms, err := comm.NewLocal(p)
		if err != nil {
			t.Fatal(err)
		}
		execs := make([]*exec.Executor, p)
		for r, c := range comms {
			defer c.Close()
			if execs[r], err = exec.New(exec.Config{Comm: c, Device: cpu.New(cpu.Config{Threads: 1})}); err != nil {
				t.Fatal(err)
			}
		}
		for round := range 3 {
			errs := make([]error, p)
			blocks := make([][]*array.Block, p)
			var all sync.WaitGroup
			for r, e := range execs {
				all.Go(func() {
					n := apply(array.Add, data(t, floats(100)), number(1.0))
					if round == 1 && r == p-1 && p > 1 {
						n = apply(array.Add, data(t, floats(100)), number(2.0))
					}
					blocks[r], _, errs[r] = e.CollectSPMD(context.Background(), []*array.Node{n})
				})
			}
			all.Wait()
			for r, err := range errs {
				want := round == 1 && p > 1
				if got := errors.Is(err, comm.ErrDiverged); got != want || !want && err != nil {
					t.Errorf("%d ranks, round %d: rank %d got %v", p, round, r, err)
				}
				if got := len(blocks[r]); (got == 1) != (err == nil && r == 0) {
					t.Errorf("%d ranks, round %d: rank %d got %d blocks", p, round, r, got)
				}
			}
		}
	}
}

// TestConcurrentCollects: they queue up.
func TestConcurrentCollects(t *testing.T) {
	leak.Check(t)
	cl := local(t, 3)
	var all sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		n := apply(array.Sum, data(t, floats(1000*(i+1))))
		all.Go(func() { _, _, errs[i] = cl.Collect(context.Background(), []*array.Node{n}) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

// TestFiles: ranks read what they reach, and get the rest from rank 0.
func TestFiles(t *testing.T) {
	leak.Check(t)
	xs := floats(10_000)
	block, err := array.FromSlice(xs)
	if err != nil {
		t.Fatal(err)
	}
	for _, overQUIC := range []bool{false, true} {
		closed := make([]bool, 3)
		opens := make([]int, 3)
		cl := make3(t, overQUIC, func(rank int, c *exec.Config) {
			c.Open = func(_ context.Context, s *array.Source) (exec.Reader, error) {
				opens[rank]++
				if s.Column == "secret" || overQUIC && rank == 1 {
					return nil, fmt.Errorf("no such file on rank %d", rank)
				}
				return &column{block, &closed[rank]}, nil
			}
		})
		file := func(name string) *array.Node {
			return array.File(&array.Source{Format: "test", Paths: []string{"a"}, Column: name, Name: "f." + name}, array.Float64, len(xs), 0)
		}
		x := file("x")
		table := array.Reshape(x, array.Shape{2, 5000}, 0)
		for range 2 {
			blocks, _, err := cl.Collect(context.Background(), []*array.Node{
				apply(array.Add, file("x"), number(1.0)), x, apply(array.Sum, x), apply(array.Add, table, array.Reshape(x, array.Shape{2, 5000}, 0)),
			})
			if err != nil {
				t.Fatal(err)
			}
			first, _ := array.Values[float64](blocks[0])
			second, _ := array.Values[float64](blocks[1])
			for i, v := range xs {
				if first[i] != v+1 || second[i] != v {
					t.Fatalf("element %d: %v and %v of %v", i, first[i], second[i], v)
				}
			}
		}
		for rank, n := range opens {
			if n != 1 {
				t.Errorf("rank %d opened the column %d times", rank, n)
			}
		}
		plan, err := cl.Explain(context.Background(), []*array.Node{apply(array.Negative, x)})
		if err != nil {
			t.Fatal(err)
		}
		if apart := strings.Contains(plan.String(), "the root for ranks [1]: no such file on rank 1"); apart != overQUIC {
			t.Errorf("the plan is:\n%s", plan)
		}
		if _, _, err := cl.Collect(context.Background(), []*array.Node{file("secret")}); err == nil || !strings.Contains(err.Error(), "no such file") {
			t.Errorf("the error is %v", err)
		}
		cl.stop()
		for rank, c := range closed {
			if unreachable := overQUIC && rank == 1; c == unreachable {
				t.Errorf("rank %d: closed is %v", rank, c)
			}
		}
	}
}

// TestFailingReader: a rank that cannot read its part says so while the root still deals out large blocks to it.
func TestFailingReader(t *testing.T) {
	leak.Check(t)
	const n = 200_000
	block, err := array.FromSlice(floats(n))
	if err != nil {
		t.Fatal(err)
	}
	for _, overQUIC := range []bool{false, true} {
		for bad := range 3 {
			closed := make([]bool, 3)
			cl := make3(t, overQUIC, func(rank int, c *exec.Config) {
				c.Open = func(context.Context, *array.Source) (exec.Reader, error) {
					if rank == bad {
						return &broken{column{block, &closed[rank]}}, nil
					}
					return &column{block, &closed[rank]}, nil
				}
			})
			x := array.File(&array.Source{Name: "f.x"}, array.Float64, n, 0)
			_, _, err := cl.Collect(context.Background(), []*array.Node{apply(array.Add, x, data(t, floats(n)))})
			var re *comm.RankError
			if !errors.As(err, &re) || re.Rank != bad || !strings.Contains(err.Error(), "read f.x") || !strings.Contains(err.Error(), "bad sector") {
				t.Errorf("rank %d could not read: the error is %v", bad, err)
			}
			check(t, cl, xPlusMean(t, 1000))
			cl.stop()
		}
	}
}

// broken is a column that opens and cannot be read.
type broken struct{ column }

func (*broken) Read(context.Context, int, int) ([]*array.Block, error) {
	return nil, errors.New("bad sector")
}

// TestComputedOnce counts what devices compute: a shared expression once, small work on the root alone.
func TestComputedOnce(t *testing.T) {
	leak.Check(t)
	var elements, launches atomic.Int64
	count := func(_ int, c *exec.Config) {
		c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(_ context.Context, l *array.Launch) error {
			launches.Add(1)
			elements.Add(int64((l.Hi - l.Lo) * len(l.Program.Code)))
			return nil
		}}
	}
	cl := local(t, 3, count)
	x := data(t, floats(3000))
	double := func() *array.Node { return apply(array.Add, x, x) } // two nodes, one value
	check(t, cl, apply(array.Square, double()), apply(array.Negative, double()), double())
	if e, l := elements.Load(), launches.Load(); e != 9000 || l != 3 {
		t.Errorf("%d elements computed in %d launches, want 9000 in 3", e, l)
	}
	cl.stop()
	launches.Store(0)
	cl = local(t, 3, count, func(_ int, c *exec.Config) { c.SmallWork = 0 })
	check(t, cl, apply(array.Square, x))
	if l := launches.Load(); l != 1 {
		t.Errorf("%d launches for 3000 elements, want 1 on the root", l)
	}
}
