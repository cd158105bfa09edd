package cpu_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// TestAxesEdges reduces tables at the edges of leaves, tiles and vectors, of all types, with and without nulls, which begin
// somewhere in their memory, against the reference, by all instruction sets. The devices stay, so that they use memory again
// for other ops and sizes.
func TestAxesEdges(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(4, 9))
	ops := []array.Op{
		array.Sum, array.Prod, array.Min, array.Max, array.Mean, array.Var, array.Any, array.All, array.ArgMin, array.ArgMax, array.Count,
	}
	devices := map[kern.ISA]*cpu.Device{}
	for _, isa := range isas() {
		devices[isa] = device(t, 2, isa)
	}
	cases := 400
	if testing.Short() || *only != "" {
		cases = 100
	}
	for k := range cases {
		op, d := ops[k%len(ops)], array.DTypes()[rng.IntN(len(array.DTypes()))]
		switch {
		case op == array.Any || op == array.All:
			d = array.Bool
		case (op == array.Mean || op == array.Var) && !d.Float():
			d = []array.DType{array.Float32, array.Float64}[k%2]
		case (op == array.Sum || op == array.Prod) && !d.Float() && d.Size() < 8:
			d = []array.DType{array.Int64, array.Uint64, array.Float32, array.Float64}[k%4]
		case op == array.Count, d != array.Bool:
		case op.HasAux():
			d = array.Int16
		}
		shape := array.Shape{1 + rng.IntN(3), 1 + rng.IntN(100), 1 + rng.IntN(130)}
		switch k % 13 {
		case 5:
			shape = array.Shape{1, 1 + rng.IntN(3), 1022 + rng.IntN(5)}
		case 7:
			shape = array.Shape{1, 31 + rng.IntN(4), 1022 + rng.IntN(1100)}
		case 9:
			shape = array.Shape{1, 63 + rng.IntN(200), 1 + rng.IntN(3)}
		case 11:
			shape = array.Shape{1, 1 + rng.IntN(2), 8190 + rng.IntN(4)}
		}
		x := ref.Random(rng, d, array.Shape{shape.Len() + 200}, []float64{0, 0, 0.01, 0.5}[rng.IntN(4)]).Slice(k%67, k%67+shape.Len())
		whole, _ := x.Reshape(shape)
		n := array.Reduce(op, 0, array.Data(whole, 0), rng.IntN(3))
		if err := n.Err(); err != nil {
			t.Fatalf("%s of %s: %v", op, d, err)
		}
		want, err := ref.Eval(n)
		if err != nil {
			t.Fatal(err)
		}
		for isa, device := range devices {
			if err := ref.Equal(result(t, device, overAxes(n, x, k%5 == 0), n), want); err != nil {
				t.Errorf("case %d: %s of %s%v, %s: %v", k, n, d, shape, isa, err)
			}
		}
	}
}

// TestAxesAllocations: a reduction over axes that is known allocates the slice of its forests and what says whether there
// can be nulls.
func TestAxesAllocations(t *testing.T) {
	leak.Check(t)
	device := device(t, 2, kern.Best())
	for _, rows := range []int{2, 100, 300} {
		for axis := range 2 {
			for _, op := range []array.Op{array.Sum, array.Max, array.Mean, array.Var} {
				x := tame(ref.Random(rand.New(rand.NewPCG(1, 2)), array.Float64, array.Shape{rows, 1000}, 0))
				flat, _ := x.Reshape(array.Shape{x.Len()})
				l := overAxes(array.Reduce(op, 0, array.Data(x, 0), axis), flat, false)
				got := testing.AllocsPerRun(50, func() {
					if _, err := device.Run(context.Background(), l); err != nil {
						t.Fatal(err)
					}
				})
				if got > 3 {
					t.Errorf("%s over axis %d of %d rows: %v allocations", op, axis, rows, got)
				}
			}
		}
	}
}

// ending is a context that ends when it has been asked some times.
type ending struct {
	context.Context
	left atomic.Int64
}

func (e *ending) Err() error {
	if e.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestAxesEnd: a reduction looks at its context again and again, also where one goroutine has one piece of work.
func TestAxesEnd(t *testing.T) {
	leak.Check(t)
	x := array.NewBlock(array.Float64, array.Shape{1 << 19}, false)
	for _, inner := range []int{1, 3, 1024} {
		for _, threads := range []int{1, 3} {
			for _, op := range []array.Op{array.Sum, array.Var, array.CumSum} {
				device := device(t, threads, kern.Best())
				length := 1 << 9
				o := array.Output{DType: array.Float64, Op: op, Reduce: op.IsReduction(), Scan: op.IsScan(), Out: array.Float64}
				o.Extent = array.Extent{Outer: x.Len() / length / inner, Length: length, Inner: inner}
				n := o.Extent.Len()
				p := &array.Program{Domain: array.Shape{n}, Inputs: []array.Input{{DType: array.Float64, Name: "x"}}, Outputs: []array.Output{o}}
				l := &array.Launch{Program: p, Hi: n, Operands: []*array.Block{x.Slice(0, n)}, Results: make([]*array.Block, 1)}
				l.Results[0] = array.NewBlock(array.Float64, array.Shape{o.Results(n)}, false)
				ctx := &ending{Context: context.Background()}
				ctx.left.Store(1)
				if _, err := device.Run(ctx, l); !errors.Is(err, context.Canceled) {
					t.Errorf("%s of %v, %d threads: %v", op, o.Extent, threads, err)
				}
				if _, err := device.Run(context.Background(), l); err != nil {
					t.Errorf("%s of %v, %d threads, again: %v", op, o.Extent, threads, err)
				}
			}
		}
	}
}
