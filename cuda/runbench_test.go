package cuda_test

import (
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/exec/devicetest"
)

// BenchmarkRun is what the host does for one element that stays on the device, the simulated driver's calls included.
func BenchmarkRun(b *testing.B) {
	r := simulated(b, fake.Options{}, cuda.Options{})
	x := array.NewBlock(array.Float64, array.Shape{1}, false)
	nx := array.Data(x, 0)
	l := devicetest.Launch(b, array.Apply(array.Add, 0, nx, nx), x)
	l.Again, l.Stay = []bool{true}, []bool{true}
	l.Results[0] = nil
	if _, err := r.Run(b.Context(), l); err != nil {
		b.Fatal(err)
	}
	release := func(block *array.Block) {
		far, _ := block.Far()
		far.Release()
	}
	defer release(l.Operands[0])
	release(l.Results[0])
	b.ReportAllocs()
	for b.Loop() {
		l.Results[0] = nil
		if _, err := r.Run(b.Context(), l); err != nil {
			b.Fatal(err)
		}
		release(l.Results[0])
	}
}
