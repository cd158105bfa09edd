package devicetest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/internal/ref/bitwise"
)

// Uses are expressions over a table, a row of it as long, and a square of as many columns.
var Uses = []func(x, row, square *array.Node) *array.Node{
	func(x, _, _ *array.Node) *array.Node { return x },
	func(x, _, _ *array.Node) *array.Node { return array.Reshape(x, array.Shape{x.Shape().Len()}, 0) },
	func(x, _, _ *array.Node) *array.Node { return apply(array.Add, x, x) },
	func(x, row, _ *array.Node) *array.Node { return apply(array.Maximum, x, row) },
	func(x, _, _ *array.Node) *array.Node { return apply(array.Sum, x) },
	func(x, _, _ *array.Node) *array.Node { return apply(array.Var, x) },
	func(x, _, _ *array.Node) *array.Node { return apply(array.ArgMax, x) },
	func(x, _, _ *array.Node) *array.Node { return apply(array.Subtract, x, apply(array.Mean, x)) },
	func(x, _, _ *array.Node) *array.Node { return array.Reduce(array.Sum, 0, x, 0) },
	func(x, _, _ *array.Node) *array.Node { return array.Reduce(array.Sum, 0, x, 1) },
	func(x, _, _ *array.Node) *array.Node {
		return apply(array.Subtract, x, array.KeepDims(array.Reduce(array.Mean, 0, x, 1), 0))
	},
	func(x, _, _ *array.Node) *array.Node { return apply(array.CumSum, x) },
	func(x, _, _ *array.Node) *array.Node { return array.Scan(array.CumSum, 0, x, 1) },
	func(x, _, square *array.Node) *array.Node { return array.Matmul(x, square, 0) },
	func(x, _, square *array.Node) *array.Node {
		return array.Matmul(square, array.Reshape(x, []int{square.Shape()[0], x.Shape()[0]}, 0), 0)
	},
	func(_, _, square *array.Node) *array.Node { return array.Matmul(square, square, 0) },
	func(x, row, square *array.Node) *array.Node {
		return apply(array.Multiply, array.Matmul(x, array.Matmul(square, square, 0), 0), row)
	},
	func(x, row, _ *array.Node) *array.Node {
		return apply(array.Where, apply(array.Less, x, row), x, array.NumberOperand(array.ScalarOf(3)))
	},
	func(x, row, _ *array.Node) *array.Node { return apply(array.Count, apply(array.Equal, x, row)) },
}

// TestParts is the part of the suite that persists arrays on several ranks, each with a device of its own, and computes with them. Where the
// devices are linked, something goes from one to another.
func (s Suite) TestParts(t *testing.T) {
	s.Apart = true
	e := s.cluster(t, 3)
	crossed, linked := 0, false
	for i, d := range types() {
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		columns := 1 + rng.IntN(30)
		random := func(shape ...int) *array.Node { return array.Data(ref.Random(rng, d, shape, float64(i%2)/5), 0) }
		given := []*array.Node{random(50+rng.IntN(1500/columns), columns), random(columns), random(columns, columns)}
		kept, err := e.Persist(t.Context(), given)
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range Uses {
			root := use(kept[0], kept[1], kept[2])
			if root.Err() != nil {
				continue // not of this type
			}
			plan, err := e.Explain(t.Context(), []*array.Node{root})
			if err != nil {
				t.Fatal(err)
			}
			linked = !strings.Contains(plan.String(), "go through their hosts")
			got, stats, err := e.Collect(t.Context(), []*array.Node{root})
			if err != nil {
				t.Fatalf("%s: %v", root, err)
			}
			crossed += stats.Moved["devices"]
			want, err := bitwise.Eval(use(given[0], given[1], given[2]))
			if err == nil {
				err = ref.Equal(got[0], want)
			}
			if err != nil {
				t.Errorf("%s: %v", root, err)
			}
		}
	}
	if _, ok := s.Open(t).(exec.Linked); ok && linked != (crossed > 0) {
		t.Errorf("%d bytes went from device to device", crossed)
	}
}
