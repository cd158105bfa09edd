package cuda_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// TestProductBands holds products that are done in several launches against the processor's, and ends one in the middle.
func TestProductBands(t *testing.T) {
	leak.Check(t)
	const rows, inner, columns = 300, 40, 70
	v := driver(t, fake.Options{})
	device := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
	r := must[*cuda.Runner](t)(cuda.NewRunner(device))
	defer func() { check(t, errors.Join(r.Close(), device.Close(), v.Close())) }()
	r.InBands(64 * inner * columns)
	e, _, err := array.MatmulShape(array.Shape{rows, inner}, array.Shape{inner, columns})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(8, 1))
	for _, d := range array.DTypes() {
		for _, part := range [][2]int{{0, rows * columns}, {columns + 3, 200*columns + 11}, {290 * columns, 290*columns + 1}} {
			lo, hi := part[0], part[1]
			first, end := e.RowsOf(lo, hi)
			x := ref.Random(rng, d, array.Shape{rows * inner}, 0.1).Slice(first*inner, end*inner)
			y := ref.Random(rng, d, array.Shape{inner * columns}, 0)
			done, calls := 0, 0
			devicetest.SameProduct(t, r, &array.Product{
				Extents: e, Lo: lo, Hi: hi, X: x, Y: y, Result: array.NewBlock(d, array.Shape{hi - lo}, true),
				Progress: func(n int) { done, calls = done+n, calls+1 },
			})
			if several := calls > 1; done != hi-lo || several != (d != array.Bool && end-first > 2*64) {
				t.Errorf("%s [%d, %d): %d elements in %d calls", d, lo, hi, done, calls)
			}
		}
	}

	// The first band is over when the third is queued.
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("enough")
	queued := func() (n int) {
		if v.Machine() == nil {
			return 0 // nobody counts
		}
		for _, op := range v.Machine().Trace() {
			if op.Name == "matmul" {
				n++
			}
		}
		return n
	}
	before := queued()
	x, y := ref.Random(rng, array.Float64, array.Shape{rows * inner}, 0), ref.Random(rng, array.Float64, array.Shape{inner * columns}, 0)
	err = r.Multiply(ctx, &array.Product{
		Extents: e, Hi: rows * columns, X: x, Y: y, Result: array.NewBlock(array.Float64, array.Shape{rows * columns}, false),
		Progress: func(int) { cancel(over) },
	})
	if n := queued() - before; !errors.Is(err, over) || v.Machine() != nil && (n < 2 || n > 3) {
		t.Errorf("%d of 5 bands were queued: %v", n, err)
	}
}
