package cpu_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/leak"
)

// TestManyPieces: memory does not grow with the number of pieces that a run goes in.
func TestManyPieces(t *testing.T) {
	leak.Check(t)
	const n = 1 << 51
	for _, threads := range []int{1, 4} {
		for _, in := range []array.Input{
			{Kind: array.InputIota, DType: array.Float64, Value: array.ScalarOf(0.0), Step: array.ScalarOf(1.0)},
			{Kind: array.InputConst, DType: array.Float64, Value: array.ScalarOf(3.0)},
		} {
			for _, op := range []array.Op{array.ArgMax, array.Var} {
				device := device(t, threads, kern.Best())
				for _, e := range []array.Extent{{}, {Outer: 2, Length: n / 2, Inner: 1}, {Outer: 1, Length: n / 128, Inner: 128}} {
					o := array.Output{DType: array.Float64, Op: op, Reduce: true, Extent: e}
					l := &array.Launch{Hi: n, Results: make([]*array.Block, 1)}
					if e != (array.Extent{}) {
						if o.Out = array.Float64; op == array.ArgMax {
							o.Out = array.Int64
						}
						l.Results[0] = array.NewBlock(o.Out, array.Shape{e.Outer * e.Inner}, true)
					}
					l.Program = &array.Program{Domain: array.Shape{n}, Inputs: []array.Input{in}, Outputs: []array.Output{o}}
					ctx := &ending{Context: context.Background()}
					ctx.left.Store(100)
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					_, err := device.Run(ctx, l)
					runtime.ReadMemStats(&after)
					if !errors.Is(err, context.Canceled) {
						t.Errorf("%s over %v, %d threads: %v", op, e, threads, err)
					}
					if got := after.TotalAlloc - before.TotalAlloc; got > 16<<20 {
						t.Errorf("%s over %v, %d threads, took %d MiB", op, e, threads, got>>20)
					}
				}
			}
		}
	}
}

// TestAnyOrder: the trees of pieces are joined in order, whichever is done first, and few are kept.
func TestAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 50, 513} {
		var want array.Forest
		pieces := make([]array.Forest, n)
		for k := range pieces {
			for i := range 3 {
				p := array.Partial{Index: uint64(3*k + i), Acc: rng.Uint64(), Count: 1}
				pieces[k] = pieces[k].Push(array.Sum, array.Uint64, p)
				want = want.Push(array.Sum, array.Uint64, p)
			}
		}
		for _, window := range []int{1, 2, 7, n} {
			order := rng.Perm(n)
			slices.SortFunc(order, func(a, b int) int { return a/window - b/window })
			got, most := cpu.Joined(array.Sum, array.Uint64, pieces, order)
			if !slices.Equal(got, want) {
				t.Errorf("%d pieces in any order of %d: %v, not %v", n, window, got, want)
			}
			if most > window/2+2 {
				t.Errorf("%d pieces in any order of %d: %d trees at once", n, window, most)
			}
		}
	}
}

// TestSegments: a table whose tiles go in segments and are not equally wide has the bits of one whose tiles go in one.
func TestSegments(t *testing.T) {
	leak.Check(t)
	if *only != "" { // emulated: too slow
		t.Skip("emulated")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for _, nulls := range []bool{false, true} {
		for _, shape := range []array.Shape{{300, 1100}, {3000, 20}} {
			x := array.NewBlock(array.Float64, array.Shape{shape.Len()}, nulls)
			for i := range x.Len() {
				x.SetScalar(i, array.ScalarOf(rng.NormFloat64()), !nulls || rng.IntN(5) > 0)
			}
			for _, op := range []array.Op{array.Sum, array.Var, array.ArgMin} {
				for _, computed := range []bool{false, true} {
					node := array.Reduce(op, 0, array.Reshape(array.Data(x, 0), shape, 0), 0)
					want := result(t, device(t, 1, kern.Best()), overAxes(node, x, computed), node)
					for _, threads := range []int{2, 5} {
						device := device(t, threads, kern.Best())
						for range 2 {
							if got := result(t, device, overAxes(node, x, computed), node); !sameBlock(got, want) {
								t.Fatalf("%s over the rows of %v by %d threads differs", op, shape, threads)
							}
						}
						if got := partial(t, device, overAxes(node, x, computed), op, node.DType()); !sameBlock(got, want) {
							t.Fatalf("%s over the rows of %v by %d threads, in two parts, differs", op, shape, threads)
						}
					}
				}
			}
		}
	}
}

// partial runs a launch as two parts that leave as trees, which it joins.
func partial(t *testing.T, device *cpu.Device, l *array.Launch, op array.Op, out array.DType) *array.Block {
	t.Helper()
	p := *l.Program
	p.Outputs = slices.Clone(p.Outputs)
	o := &p.Outputs[0]
	o.Partial = true
	cut := 7 * array.RowLeaf * o.Extent.Inner
	acc := array.AccumulatorType(op, o.DType)
	var all array.ColumnForest
	for _, part := range [][2]int{{0, cut}, {cut, l.Hi}} {
		one := &array.Launch{Program: &p, Lo: part[0], Hi: part[1], Results: make([]*array.Block, 1), Columns: make([]array.ColumnForest, 1)}
		one.Operands = []*array.Block{l.Operands[0].Slice(part[0], part[1])}
		if _, err := device.Run(context.Background(), one); err != nil {
			t.Fatal(err)
		}
		for _, c := range one.Columns[0] {
			all = all.Push(op, acc, c)
		}
	}
	return all.Result(op, acc, out, 0)
}

// sameBlock reports whether two blocks have the same bits.
func sameBlock(x, y *array.Block) bool {
	for i := range x.Len() {
		a, valid := x.Scalar(i)
		b, also := y.Scalar(i)
		if valid != also || valid && !same(a, b) {
			return false
		}
	}
	return x.Len() == y.Len()
}
