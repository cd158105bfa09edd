package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"weak"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/internal/ref/bitwise"
)

// onRoot is a cluster whose root does small work alone.
func onRoot(_ int, c *exec.Config) { c.SmallWork = 0 }

// counted collects roots, compares them with the reference and gives the counts of plans.
func counted(t *testing.T, cl *cluster, roots ...*array.Node) exec.PlanCounts {
	t.Helper()
	blocks, stats, err := cl.Collect(context.Background(), roots)
	if err != nil {
		t.Fatalf("%v: %v", roots, err)
	}
	for i, root := range roots {
		want, err := bitwise.Eval(root)
		if err != nil {
			t.Fatal(err)
		}
		if err := ref.Equal(blocks[i], want); err != nil {
			t.Errorf("%s: %v", root, err)
		}
	}
	return stats.Plans
}

// TestPlanKept: a graph of the same structure has a plan already, with whatever data; one of another structure has not.
func TestPlanKept(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(1, 2))
	x := func(shape ...int) *array.Node { return array.Data(ref.Random(rng, array.Float64, shape, 0), 0) }
	holes := func(shape ...int) *array.Node { return array.Data(ref.Random(rng, array.Float64, shape, 0.5), 0) }
	whole := func(d array.DType, shape ...int) *array.Node { return array.Data(ref.Random(rng, d, shape, 0), 0) }
	shared := x(10)
	graphs := []struct {
		name string
		make func() []*array.Node
		hit  bool // also the first time
	}{
		{"a + b", func() []*array.Node { return []*array.Node{apply(array.Add, x(10), x(10))} }, false},
		{"a + b with nulls", func() []*array.Node { return []*array.Node{apply(array.Add, holes(10), x(10))} }, true},
		{"a + a", func() []*array.Node { return []*array.Node{apply(array.Add, shared, shared)} }, false},
		{"a - b", func() []*array.Node { return []*array.Node{apply(array.Subtract, x(10), x(10))} }, false},
		{"11 elements", func() []*array.Node { return []*array.Node{apply(array.Add, x(11), x(11))} }, false},
		{"a table", func() []*array.Node { return []*array.Node{apply(array.Add, x(2, 5), x(2, 5))} }, false},
		{"a row over a table", func() []*array.Node { return []*array.Node{apply(array.Add, x(2, 5), x(5))} }, false},
		{"a column over a table", func() []*array.Node { return []*array.Node{apply(array.Add, x(2, 5), x(2, 1))} }, false},
		{"a reshape", func() []*array.Node {
			return []*array.Node{array.Reshape(apply(array.Add, x(10), x(10)), array.Shape{5, 2}, 0)}
		}, false},
		{"operands reshaped", func() []*array.Node {
			return []*array.Node{apply(array.Add, array.Reshape(x(10), array.Shape{5, 2}, 0), array.Reshape(x(10), array.Shape{5, 2}, 0))}
		}, false},
		{"float32", func() []*array.Node {
			return []*array.Node{apply(array.Add, whole(array.Float32, 10), whole(array.Float32, 10))}
		}, false},
		{"a number", func() []*array.Node { return []*array.Node{apply(array.Add, x(10), number(2.0))} }, false},
		{"another number", func() []*array.Node { return []*array.Node{apply(array.Add, x(10), number(3.0))} }, false},
		{"the number as an int", func() []*array.Node { return []*array.Node{apply(array.Add, x(10), number(3))} }, true},
		{"the number and float32", func() []*array.Node {
			return []*array.Node{apply(array.Add, whole(array.Float32, 10), number(3))}
		}, false},
		{"two results", func() []*array.Node {
			a := x(10)
			return []*array.Node{apply(array.Square, a), apply(array.Sum, a)}
		}, false},
		{"in another order", func() []*array.Node {
			a := x(10)
			return []*array.Node{apply(array.Sum, a), apply(array.Square, a)}
		}, false},
		{"nothing to compute", func() []*array.Node { return []*array.Node{x(10)} }, false},
		{"no elements", func() []*array.Node { return []*array.Node{apply(array.Add, x(0), x(0))} }, false},
		{"a range", func() []*array.Node {
			return []*array.Node{array.Arange(array.ScalarOf(0), array.ScalarOf(9), array.ScalarOf(1), 0)}
		}, false},
		{"centred", func() []*array.Node {
			a := holes(4, 5)
			return []*array.Node{apply(array.Subtract, a, apply(array.Mean, a))}
		}, false},
	}
	for _, p := range []int{1, 2, 3} {
		for _, setting := range []func(int, *exec.Config){onRoot, func(int, *exec.Config) {}} {
			cl := local(t, p, setting)
			var want exec.PlanCounts
			for _, g := range graphs {
				for i := range 3 {
					if g.hit || i > 0 {
						want.Hits++
					} else {
						want.Misses++
						want.Kept++
					}
					if got := counted(t, cl, g.make()...); got != want {
						t.Fatalf("%d ranks, %s for the %d. time: %+v, want %+v", p, g.name, i+1, got, want)
					}
				}
			}
			cl.stop()
		}
	}
}

// TestPlanKeptOfFiles: a column's plan is for the files as they were.
func TestPlanKeptOfFiles(t *testing.T) {
	leak.Check(t)
	for _, overQUIC := range []bool{false, true} {
		cl := make3(t, overQUIC, func(_ int, c *exec.Config) {
			c.Open = func(_ context.Context, s *array.Source) (exec.Reader, error) {
				value := float64(len(s.Version[0]))
				b, err := array.FromSlice(slices.Repeat([]float64{value}, 100))
				return &column{b, new(bool)}, err
			}
		})
		twice := func(version string) (*array.Block, exec.PlanCounts) {
			s := &array.Source{Format: "test", Paths: []string{"a"}, Column: "x", Name: "f.x", Version: []string{version}}
			n := array.File(s, array.Float64, 100, 0)
			blocks, stats, err := cl.Collect(context.Background(), []*array.Node{apply(array.Add, n, n)})
			if err != nil {
				t.Fatal(err)
			}
			return blocks[0], stats.Plans
		}
		for i, tt := range []struct {
			version string
			hits    int
		}{{"v", 0}, {"v", 1}, {"v2", 1}, {"v2", 2}, {"v", 3}} {
			b, counts := twice(tt.version)
			values, err := array.Values[float64](b)
			if err != nil {
				t.Fatal(err)
			}
			if values[99] != float64(2*len(tt.version)) || counts.Hits != tt.hits || counts.Hits+counts.Misses != i+1 {
				t.Errorf("version %s: value %v, %+v; want %d and %d hits", tt.version, values[99], counts, 2*len(tt.version), tt.hits)
			}
		}
		cl.stop()
	}
}

// TestPlansKeptAreBounded: of ever new graphs the last are kept; a large one never is.
func TestPlansKeptAreBounded(t *testing.T) {
	leak.Check(t)
	cl := local(t, 1)
	x := data(t, floats(10))
	first := func() *array.Node { return apply(array.Add, x, number(-1.0)) }
	before := counted(t, cl, first())
	most := 0
	for i := range 3000 {
		_, stats, err := cl.Collect(context.Background(), []*array.Node{apply(array.Add, x, number(float64(i)))})
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, stats.Plans.Kept)
	}
	if limit := 2 * exec.CachedWords / 10; most > limit { // words of an outline: see array.Outline
		t.Errorf("%d plans are kept, want at most %d", most, limit)
	}
	if after := counted(t, cl, apply(array.Add, x, number(2999.0))); after.Hits != before.Hits+1 {
		t.Errorf("the last plan is not there: %+v, then %+v", before, after)
	}
	if after := counted(t, cl, first()); after.Hits != before.Hits+1 {
		t.Errorf("the first plan is still there: %+v", after)
	}
	for range 400 { // in use it stays, whatever else comes
		counted(t, cl, first())
		for range 5 {
			counted(t, cl, apply(array.Add, x, number(rand.Float64())))
		}
	}
	if after := counted(t, cl, first()); after.Hits != before.Hits+402 {
		t.Errorf("a plan in use was dropped: %+v", after)
	}
	long := x
	for i := range 200 {
		long = apply(array.Add, long, number(float64(i)))
	}
	kept := counted(t, cl, long)
	if again := counted(t, cl, long); again.Hits != kept.Hits || again.Kept != kept.Kept {
		t.Errorf("a plan of 400 nodes is kept: %+v, then %+v", kept, again)
	}
}

// TestPlanKeepsNoData: after a Collect nothing of the user's stays with the executor, nor the result that the user drops.
func TestPlanKeepsNoData(t *testing.T) {
	leak.Check(t)
	graphs := []func(a, b *array.Node) *array.Node{
		func(a, b *array.Node) *array.Node { return apply(array.Add, a, array.Reshape(b, array.Shape{12}, 0)) },
		func(a, b *array.Node) *array.Node { return apply(array.Subtract, b, apply(array.Mean, a)) },
		func(a, b *array.Node) *array.Node {
			return array.Reshape(apply(array.Sum, apply(array.Multiply, a, array.Reshape(b, array.Shape{12}, 0))), array.Shape{1, 1}, 0)
		},
		func(a, _ *array.Node) *array.Node { return array.Reshape(a, array.Shape{4, 3}, 0) },
	}
	for _, p := range []int{1, 3} {
		for _, alone := range []bool{true, false} {
			cl := local(t, p, func(_ int, c *exec.Config) {
				if alone {
					c.SmallWork = 0
				}
			})
			for i := range 2 * len(graphs) {
				blocks, nodes := dropped(t, cl, graphs[i/2])
				if p > 1 && !alone { // ranks that serve let go of a task when they hear of its end, at the latest with the next one
					counted(t, cl, number(1.0))
				}
				for range 3 {
					runtime.GC()
				}
				for k, b := range blocks {
					if b.Value() != nil {
						t.Errorf("%d ranks, alone %v: block %d of graph %d is kept alive", p, alone, k, i/2)
					}
				}
				for k, n := range nodes {
					if n.Value() != nil {
						t.Errorf("%d ranks, alone %v: node %d of graph %d is kept alive", p, alone, k, i/2)
					}
				}
			}
			cl.stop()
		}
	}
}

// dropped collects a graph over two new blocks and forgets all of it.
func dropped(t *testing.T, cl *cluster, graph func(a, b *array.Node) *array.Node) (blocks []weak.Pointer[array.Block], nodes []weak.Pointer[array.Node]) {
	t.Helper()
	a, b := data(t, floats(12)), data(t, floats(12), 3, 4)
	root := graph(a, b)
	out, _, err := cl.Collect(context.Background(), []*array.Node{root})
	if err != nil {
		t.Fatal(err)
	}
	blocks = []weak.Pointer[array.Block]{weak.Make(a.Block()), weak.Make(b.Block()), weak.Make(out[0])}
	return blocks, []weak.Pointer[array.Node]{weak.Make(a), weak.Make(root)}
}

// TestPlanLimit: a plan that is too large is refused each time, one that fits is not held against it.
func TestPlanLimit(t *testing.T) {
	leak.Check(t)
	cl := local(t, 2, onRoot, func(_ int, c *exec.Config) { c.MemoryLimit = 20_000 })
	for range 3 {
		for _, n := range []int{100, 5000, 1000} {
			_, stats, err := cl.Collect(context.Background(), []*array.Node{apply(array.Add, data(t, floats(n)), number(1.0))})
			if errors.Is(err, exec.ErrMemory) != (n == 5000) || err != nil && !strings.Contains(err.Error(), "the limit is 20 KiB") {
				t.Errorf("%d elements: %v", n, err)
			}
			if err == nil && stats.Plans.Kept > 2 {
				t.Errorf("%d elements: %+v", n, stats.Plans)
			}
		}
	}
}

// TestConcurrentPlans: goroutines collect what has the same plan, and what has not, each its own data.
func TestConcurrentPlans(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 3} {
		cl := local(t, p, onRoot)
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for i := range 50 {
					n := 10 + i%3
					xs := slices.Repeat([]float64{float64(g)}, n)
					a, b := data(t, xs), data(t, slices.Repeat([]float64{float64(i)}, n))
					block, err := cl.CollectOne(context.Background(), apply(array.Add, a, b))
					if err != nil {
						t.Error(err)
						return
					}
					total, err := cl.CollectOne(context.Background(), apply(array.Sum, apply(array.Multiply, a, number(float64(i%2)))))
					if err != nil {
						t.Error(err)
						return
					}
					values, _ := array.Values[float64](block)
					sum, _ := array.Values[float64](total)
					if want := float64(g + i); len(values) != n || values[0] != want || values[n-1] != want || sum[0] != float64(g*n*(i%2)) {
						t.Errorf("%d + %d is %v, the sum %v", g, i, values, sum)
					}
				}
			})
		}
		all.Wait()
		cl.stop()
	}
}

// TestFailedRunAgain: what a run that failed has left in its memory is not there for the next one.
func TestFailedRunAgain(t *testing.T) {
	leak.Check(t)
	var fail bool
	cl := local(t, 2, onRoot, func(_ int, c *exec.Config) {
		c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(ctx context.Context, l *array.Launch) error {
			if fail {
				return errDevice
			}
			return ctx.Err()
		}}
	})
	x := data(t, floats(10))
	centred := apply(array.Subtract, x, apply(array.Mean, x))
	counted(t, cl, centred)
	fail = true
	if _, err := cl.CollectOne(context.Background(), centred); !errors.Is(err, errDevice) || !strings.Contains(err.Error(), "run t0 = mean(x0)") {
		t.Errorf("the error is %v", err)
	}
	fail = false
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := cl.CollectOne(ctx, centred); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if got := counted(t, cl, centred); got != (exec.PlanCounts{Hits: 3, Misses: 1, Kept: 1}) {
		t.Errorf("%+v", got)
	}
	if _, err := cl.execs[1].CollectOne(context.Background(), centred); err == nil {
		t.Error("rank 1 could collect")
	}
	wrong := apply(array.Add, x, data(t, floats(11)))
	if _, err := cl.CollectOne(context.Background(), wrong); !errors.Is(err, array.ErrShape) {
		t.Errorf("the error is %v", err)
	}
}

// BenchmarkSmall collects expressions over ten elements.
func BenchmarkSmall(b *testing.B) {
	x, y := data(b, floats(10)), data(b, floats(10))
	chain := x
	for range 5 {
		chain = apply(array.Add, chain, y)
	}
	for _, p := range []int{1, 2} {
		for _, bb := range []struct {
			name string
			root *array.Node
		}{{"add", apply(array.Add, x, y)}, {"chain of 5", chain}, {"sum", apply(array.Sum, x)}, {"mean of sum", apply(array.Mean, apply(array.Add, x, y))}} {
			b.Run(fmt.Sprintf("%s/p=%d", bb.name, p), func(b *testing.B) {
				cl := local(b, p, onRoot)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := cl.CollectOne(context.Background(), bb.root); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
