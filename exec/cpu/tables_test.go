package cpu_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/ref"
)

var threads = flag.Int("axes.threads", 0, "the goroutines of a benchmark")

// BenchmarkAxesOfTables reduces tables of 1000 columns by all goroutines.
func BenchmarkAxesOfTables(b *testing.B) {
	device := cpu.New(cpu.Config{Threads: *threads})
	defer device.Close()
	for _, d := range []array.DType{array.Float64, array.Float32} {
		for _, rows := range []int{1, 100, 1000, 10_000} {
			x := ref.Random(rand.New(rand.NewPCG(1, 2)), d, array.Shape{rows, 1000}, 0)
			x = tame(x)
			flat, _ := x.Reshape(array.Shape{x.Len()})
			for axis := range 2 {
				for _, op := range []array.Op{array.Sum, array.Max, array.Mean, array.Var} {
					l := overAxes(array.Reduce(op, 0, array.Data(x, 0), axis), flat, false)
					b.Run(fmt.Sprintf("%s/%s/%dx1000/axis%d", op, d, rows, axis), func(b *testing.B) {
						b.SetBytes(int64(x.Len() * d.Size()))
						b.ReportAllocs()
						for b.Loop() {
							if _, err := device.Run(context.Background(), l); err != nil {
								b.Fatal(err)
							}
						}
					})
				}
			}
		}
	}
}

// tame is a block of finite numbers of the same type and shape.
func tame(x *array.Block) *array.Block {
	out := array.NewBlock(x.DType(), x.Shape(), false)
	for i := range x.Len() {
		out.SetScalar(i, array.ScalarOf(float64(i%1000)*0.37).Cast(x.DType()), true)
	}
	return out
}
