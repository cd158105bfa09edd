package cpu_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
)

// looking is a context that tells who looks at it, for one goroutine, and ends when that says so.
type looking struct {
	context.Context
	look func() (end bool)
}

func (l *looking) Err() error {
	if l.look() {
		return context.Canceled
	}
	return nil
}

// TestScanColumnsLooks: a scan along an outer axis looks at its context for each few pages of the result. Its first columns go
// through all of them, and where they are fresh the machine has to find them.
func TestScanColumnsLooks(t *testing.T) {
	leak.Check(t)
	const huge = 2 << 20
	device := cpu.New(cpu.Config{Threads: 1})
	defer device.Close()
	for _, shape := range []array.Shape{{20, 1 << 16}, {4000, 600}, {70_000, 9}, {3, 1 << 19}} {
		for _, nulls := range []bool{false, true} {
			x := array.NewBlock(array.Float64, shape, nulls)
			x.SetScalar(0, array.ScalarOf(1.0), true)
			l := overAxes(array.Scan(array.CumSum, 0, array.Data(x, 0), 0), x, false)
			values, err := array.Values[float64](l.Results[0])
			if err != nil {
				t.Fatal(err)
			}
			for i := range values {
				values[i] = math.Inf(-1) // no running sum of these
			}
			rows, most := 0, 0
			_, err = device.Run(&looking{context.Background(), func() bool {
				last := rows
				for rows < shape[0] && !math.IsInf(values[rows*shape[1]], -1) {
					rows++
				}
				most = max(most, rows-last)
				return rows == shape[0]
			}}, l)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v: after the first columns it was told to end: %v", shape, err)
			}
			if rowBytes := 8 * shape[1]; rows != shape[0] || most*rowBytes > max(huge, rowBytes) {
				t.Errorf("%v: between two looks it wrote %d of %d rows, which span %.1f MiB", shape, most, rows, float64(most*rowBytes)/(1<<20))
			}
		}
	}
}
