package cpu_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/ref"
)

// BenchmarkAxes reduces and scans 10 million float64 as tables of several shapes, on one goroutine.
func BenchmarkAxes(b *testing.B) {
	const n = 10_000_000
	x := ref.Random(rand.New(rand.NewPCG(1, 2)), array.Float64, array.Shape{n}, 0)
	xs := array.View[float64](func() []byte { v, _, o := x.Raw(); return v[8*o:] }())
	for i := range xs[:n] {
		xs[i] = float64(i%1000) * 0.37
	}
	device := cpu.New(cpu.Config{Threads: 1})
	defer device.Close()
	for _, e := range []array.Extent{
		{},
		{Outer: 1000, Length: 10000, Inner: 1},
		{Outer: 100000, Length: 100, Inner: 1},
		{Outer: n / 4, Length: 4, Inner: 1},
		{Outer: 1, Length: 1000, Inner: 10000},
		{Outer: 1, Length: 100000, Inner: 100},
		{Outer: 1, Length: n / 4, Inner: 4},
		{Outer: 100, Length: 100, Inner: 1000},
	} {
		for _, op := range []array.Op{array.Sum, array.Max, array.Var, array.ArgMax, array.CumSum} {
			o := array.Output{DType: array.Float64, Op: op, Reduce: op.IsReduction(), Scan: op.IsScan(), Extent: e, Out: array.Float64}
			if op == array.ArgMax {
				o.Out = array.Int64
			}
			p := &array.Program{Domain: array.Shape{n}, Inputs: []array.Input{{DType: array.Float64, Name: "x"}}, Outputs: []array.Output{o}}
			l := &array.Launch{Program: p, Hi: n, Operands: []*array.Block{x}, Results: make([]*array.Block, 1)}
			if !o.Tree() {
				l.Results[0] = array.NewBlock(o.Result(), array.Shape{o.Results(n)}, false)
			}
			b.Run(fmt.Sprintf("%s/%dx%dx%d", op, e.Outer, e.Length, e.Inner), func(b *testing.B) {
				b.SetBytes(8 * n)
				for b.Loop() {
					if _, err := device.Run(context.Background(), l); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
