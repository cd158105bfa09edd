package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/internal/ref/bitwise"
)

// check collects roots and compares each with the reference.
func check(t *testing.T, cl *cluster, roots ...*array.Node) {
	t.Helper()
	blocks, _, err := cl.Collect(context.Background(), roots)
	for i, root := range roots {
		want, wrong := bitwise.Eval(root)
		if wrong != nil && sameFault(err, wrong) {
			return
		}
		if err != nil {
			continue // a later root's
		}
		if wrong != nil {
			t.Fatal(wrong)
		}
		if err := ref.Equal(blocks[i], want); err != nil {
			t.Errorf("%d ranks: %s: %v", len(cl.comms), root, err)
		}
	}
	if err != nil {
		t.Fatalf("%d ranks: %v: %v", len(cl.comms), roots, err)
	}
}

// sameFault reports whether two errors are about the same element without a result.
func sameFault(err, want error) bool {
	e, w := (*array.ElementError)(nil), (*array.ElementError)(nil)
	return errors.As(err, &e) && errors.As(want, &w) && e.Error() == w.Error()
}

// graphs is the random graphs that a cluster is tried with; -count gives no others, the seeds are fixed.
const graphs = 4

// TestRandomGraphs runs random expressions over any number of ranks and any split.
func TestRandomGraphs(t *testing.T) {
	leak.Check(t)
	for p := 1; p <= 9; p++ {
		for seed := range uint64(2) {
			cl := local(t, p, func(_ int, c *exec.Config) {
				if seed > 0 {
					c.Layout = uneven(seed)
				}
			})
			for i := range uint64(graphs) {
				rng := rand.New(rand.NewPCG(seed*100+i, uint64(p)))
				roots := make([]*array.Node, 1+rng.IntN(3))
				for k := range roots {
					roots[k] = ref.RandomGraph(rng, 1+rng.IntN(6))
				}
				check(t, cl, roots...)
			}
			cl.stop()
		}
	}
}

func shapesOf(rng *rand.Rand) []array.Shape {
	return []array.Shape{{}, {0}, {1}, {7}, {1, 1}, {5, 3}, {0, 3}, {2, 3, 4}, {1 + rng.IntN(1500)}}
}

// TestEveryOp runs each op on each type and a round of shapes.
func TestEveryOp(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{1, 3}, []int{3}) {
		cl := local(t, p)
		rng := rand.New(rand.NewPCG(uint64(p), 7))
		for _, op := range array.Ops() {
			for _, d := range array.DTypes() {
				var roots []*array.Node
				for _, shape := range shapesOf(rng) {
					args := make([]*array.Node, op.Info().Arity)
					for i := range args {
						args[i] = array.Data(ref.Random(rng, d, shape, float64(rng.IntN(2))/4), 0)
					}
					n := array.CastTo(args[0], array.Float32, 0)
					if op != array.Cast {
						n = apply(op, args...)
					}
					if n.Err() == nil {
						roots = append(roots, n)
					}
				}
				check(t, cl, roots...)
			}
		}
		cl.stop()
	}
}

func TestBroadcasting(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 3, 4} {
		for seed := range uint64(2) {
			cl := local(t, p, func(_ int, c *exec.Config) { c.Layout = uneven(seed) })
			rng := rand.New(rand.NewPCG(seed, 3))
			random := func(shape ...int) *array.Node {
				return array.Data(ref.Random(rng, array.Float64, shape, 0.1), 0)
			}
			row, column, table := random(6), random(5, 1), random(5, 6)
			x := random(6)
			computed := apply(array.Square, row)
			check(t, cl,
				apply(array.Add, table, row),
				apply(array.Add, row, column),
				apply(array.Multiply, apply(array.Add, table, row), column),
				apply(array.Add, table, computed),
				computed,
				apply(array.Sum, apply(array.Add, row, column)),
				apply(array.Subtract, array.Reshape(x, array.Shape{6, 1}, 0), array.Reshape(x, array.Shape{1, 6}, 0)),
				// one element count, two ways to broadcast, and a reshape between them
				apply(array.Add, array.Reshape(apply(array.Add, table, row), array.Shape{6, 5}, 0), random(5)),
				apply(array.Add, table, array.Arange(array.ScalarOf(0.0), array.ScalarOf(6.0), array.ScalarOf(1.0), 0)),
				apply(array.Add, table, array.Arange(array.ScalarOf(7.0), array.ScalarOf(8.0), array.ScalarOf(3.0), 0)), // one element
				array.Arange(array.ScalarOf(0), array.ScalarOf(20), array.ScalarOf(3), 0),
				array.Full(array.ScalarOf(2.5), array.Shape{3, 4}, 0),
				array.Full(array.ScalarOf(true), nil, 0),
				apply(array.Add, number(2.0), number(3.5)),
				apply(array.Add, random(0, 6), row),
				array.Reshape(table, array.Shape{30}, 0),
				table,
			)
			cl.stop()
		}
	}
}

// TestSameBits: a reduction has the same bits for any number of ranks and any split.
func TestSameBits(t *testing.T) {
	leak.Check(t)
	const n = 20_000
	rng := rand.New(rand.NewPCG(5, 5))
	x := array.Data(ref.Random(rng, array.Float64, array.Shape{n}, 0.01), 0)
	y := data(t, floats(n))
	roots := []*array.Node{
		apply(array.Sum, y), apply(array.Mean, y), apply(array.Prod, x), apply(array.Min, x), apply(array.Max, y),
		apply(array.Count, x), apply(array.Subtract, y, apply(array.Mean, y)),
		apply(array.Divide, apply(array.Sum, y), apply(array.Count, y)),
		apply(array.Sum, apply(array.Square, apply(array.Subtract, y, apply(array.Mean, y)))),
	}
	want := make([]*array.Block, len(roots))
	for i, root := range roots {
		var err error
		if want[i], err = bitwise.Eval(root); err != nil {
			t.Fatal(err)
		}
	}
	for p := 1; p <= 9; p++ {
		for seed := range uint64(4) {
			cl := local(t, p, func(_ int, c *exec.Config) {
				if seed > 0 {
					c.Layout = uneven(seed)
				}
			})
			blocks, _, err := cl.Collect(context.Background(), roots)
			if err != nil {
				t.Fatal(err)
			}
			for i := range roots {
				if err := ref.Equal(blocks[i], want[i]); err != nil {
					t.Errorf("%d ranks, split %d: %s: %v", p, seed, roots[i], err)
				}
			}
			cl.stop()
		}
	}
}

// TestLongAndWide: more operations and more results than one program holds, and a diamond that doubles at each step.
func TestLongAndWide(t *testing.T) {
	leak.Check(t)
	cl := local(t, 3)
	chain, diamond := data(t, floats(100)), data(t, floats(100))
	var roots []*array.Node
	for i := range 600 {
		chain = apply(array.Add, chain, number(float64(i)))
		if i%2 == 0 {
			roots = append(roots, chain)
		}
	}
	for range 60 {
		diamond = apply(array.Minimum, diamond, apply(array.Add, diamond, diamond))
	}
	centred := data(t, floats(2000))
	for range 20 {
		centred = apply(array.Subtract, centred, apply(array.Mean, centred))
	}
	check(t, cl, append(roots, diamond, centred)...)
}

// TestNoGrowth: a Collect leaves nothing behind, on no rank.
func TestNoGrowth(t *testing.T) {
	leak.Check(t)
	cl := local(t, 3)
	n := xPlusMean(t, 3000)
	objects := func(collects int) int {
		for range collects {
			if _, _, err := cl.Collect(context.Background(), []*array.Node{n}); err != nil {
				t.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapObjects)
	}
	const collects = 2000
	before := objects(collects / 10) // what pools keep is there
	if after := objects(collects); after-before > collects/4 {
		t.Errorf("%d objects on the heap, %d after %d more Collects", before, after, collects)
	}
}

func TestProgress(t *testing.T) {
	leak.Check(t)
	var last, of int
	cl := local(t, 2, func(_ int, c *exec.Config) {
		c.Progress = func(done, total int) {
			if done < last || total < done {
				t.Errorf("%d of %d done after %d", done, total, last)
			}
			last, of = done, total
		}
	})
	check(t, cl, apply(array.Square, data(t, floats(3000))))
	if last != of || of != 9000 { // scatter, run, gather
		t.Errorf("%d of %d elements done at the end", last, of)
	}
}

func ExamplePlan() {
	x, _ := array.FromSlice(make([]float64, 10_000_000))
	y, _ := array.FromSlice(make([]float64, 10_000_000))
	plan, err := exec.NewPlan(
		[]*array.Node{array.Apply(array.Add, 0, array.Data(x, 0), array.Data(y, 0))},
		exec.Setting{Ranks: 4, Device: "cpu"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(plan)
	// Output:
	// scatter x0 root->block(4) 76 MiB
	// scatter x1 root->block(4) 76 MiB
	// run x0 + x1 float64 cpu
	// gather block(4)->root 76 MiB
	// peak memory 82 MiB on the root, 61 MiB on other ranks
}
