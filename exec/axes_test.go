package exec_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// reductions are the ops that take any set of axes; scans and indices take one.
var reductions = []array.Op{
	array.Sum, array.Prod, array.Min, array.Max, array.Mean, array.Count, array.Any, array.All, array.Var,
}

// overAxes is every reduction and scan of an array over every set of its axes.
func overAxes(x *array.Node) []*array.Node {
	var out []*array.Node
	axes := len(x.Shape())
	for _, op := range reductions {
		for set := 1; set < 1<<axes; set++ {
			var list []int
			for axis := range axes {
				if set>>axis&1 != 0 {
					list = append(list, axis)
				}
			}
			out = append(out, array.KeepDims(array.Reduce(op, 0, x, list...), 0))
		}
	}
	for axis := range axes {
		out = append(out, array.Variance(0, x, 1, axis))
		for _, op := range []array.Op{array.ArgMin, array.ArgMax} {
			out = append(out, array.Reduce(op, 0, x, axis-axes))
		}
		for _, op := range []array.Op{array.CumSum, array.CumProd} {
			out = append(out, array.Scan(op, 0, x, axis))
		}
	}
	for _, op := range []array.Op{array.ArgMin, array.ArgMax, array.CumSum, array.CumProd} {
		out = append(out, array.Apply(op, 0, x))
	}
	return out
}

// TestOverAxes holds every reduction and scan over every set of axes against the reference, for each element type, any
// number of ranks and any split.
func TestOverAxes(t *testing.T) {
	leak.Check(t)
	shapes := []array.Shape{
		{2050}, {3, 1100}, {1100, 3}, {70, 33}, {2, 65, 9}, {5, 1, 40}, {1, 31}, {1, 1}, {0, 3}, {3, 0}, {2, 3, 2, 35}, {33, 1},
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, p := range ranksOf(upTo9, []int{1, 2, 3, 8}) {
		cl := local(t, p, func(_ int, c *exec.Config) {
			if p%2 == 0 {
				c.Layout = uneven(uint64(p))
			}
		})
		for i, d := range array.DTypes() {
			shape := shapes[(i+p*5)%len(shapes)]
			x := array.Data(ref.Random(rng, d, shape, float64((p+i)%3)/4), 0)
			y := array.Apply(array.Maximum, 0, x, x) // computed
			all := overAxes(x)
			computed, flat := overAxes(y), overAxes(array.Reshape(y, array.Shape{shape.Len()}, 0))
			check(t, cl, all[(p+i)%len(all)], computed[rng.IntN(len(all))], flat[rng.IntN(len(flat))])
			check(t, cl, all[rng.IntN(len(all))])
			if i == p {
				check(t, cl, all...)
				check(t, cl, flat...)
			}
		}
		cl.stop()
	}
}

// TestCutLeaves: where rows stay whole, leaves of what is reduced together lie on several ranks; the bits are the same.
func TestCutLeaves(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(7, 8))
	for _, shape := range []array.Shape{{50, 77}, {9, 1025}, {1000, 3}, {31, 512}} {
		for _, p := range ranksOf([]int{2, 3, 7}, []int{3, 7}) {
			x := array.Data(ref.Random(rng, array.DTypes()[rng.IntN(11)], shape, float64(rng.IntN(2))/4), 0)
			roots := []*array.Node{array.Reduce(array.Var, 0, x, 1), apply(array.Mean, x)}
			for _, op := range append(reductions, array.ArgMin, array.ArgMax) {
				roots = append(roots, apply(op, apply(array.Minimum, x, x)))
			}
			roots = append(roots, apply(array.Subtract, roots[1], roots[0]), array.Reduce(array.Sum, 0, x, 0))
			plan, err := exec.NewPlan(roots, exec.Setting{Ranks: p, Device: "cpu"})
			if err != nil {
				t.Fatal(err)
			}
			for r := range p {
				if n := plan.Steps[0].Layout().Range(r).Len(); n > 2*shape.Len()/p+64*shape[1] {
					t.Errorf("%v over %d ranks: rank %d has %d elements:\n%s", shape, p, r, n, plan)
				}
			}
			cl := local(t, p)
			check(t, cl, roots...)
			cl.stop()
			if p > 3 {
				continue
			}
			cl = quic(t, p) // by messages
			check(t, cl, roots...)
			cl.stop()
		}
	}
}

// TestScanBesideCutLeaves: a scan of everything in a run that reduces everything too, where the parts of a length that it is cut
// in proportion to cut leaves.
func TestScanBesideCutLeaves(t *testing.T) {
	leak.Check(t)
	x := data(t, floats(1100*array.LeafSize), 1100, array.LeafSize)
	rows := array.Reduce(array.Sum, 0, x, 1)
	roots := []*array.Node{
		apply(array.Sum, apply(array.Multiply, x, apply(array.Mean, x))), // in the run of the scan, and before it
		apply(array.CumSum, x),
		apply(array.Sum, apply(array.Multiply, rows, rows)), // of 1100 elements: leaves that are too long to deal out
	}
	want, _, err := local(t, 1).Collect(context.Background(), roots)
	if err != nil {
		t.Fatal(err)
	}
	for p := 2; p <= 4; p++ {
		got, _, err := local(t, p).Collect(context.Background(), roots)
		if err != nil {
			t.Fatalf("p=%d: %v", p, err)
		}
		for i := range got {
			a, _, _ := got[i].Raw()
			b, _, _ := want[i].Raw()
			if !bytes.Equal(a, b) {
				t.Errorf("p=%d: result %d differs from that of one rank", p, i)
			}
		}
	}
}

// TestRangeReducedEverywhere: what every rank computes of a range that all of them have is not gathered for them once more.
func TestRangeReducedEverywhere(t *testing.T) {
	leak.Check(t)
	cube := array.Reshape(array.Arange(array.ScalarOf(0.0), array.ScalarOf(60.0), array.ScalarOf(1.0), 0), array.Shape{3, 4, 5}, 0)
	means := array.Reduce(array.Mean, 0, cube, 0, 2)
	root := apply(array.Sum, apply(array.Maximum, data(t, floats(400), 100, 4), means))
	cl := local(t, 3)
	plan, err := cl.Explain(t.Context(), []*array.Node{root})
	if err != nil || slices.ContainsFunc(plan.Steps, func(s exec.Step) bool { return s.Kind == exec.Gather || s.Kind == exec.Bcast }) {
		t.Errorf("%v: %v", plan, err)
	}
	check(t, cl, root)
}
