package parquet_test

import (
	"cmp"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// limits are the smallest and the largest value of an array, by looking at all; none where there are only nulls and NaNs.
func limits(a arrow.Array) (lo, hi any, any bool) {
	switch a := a.(type) {
	case *arrowarray.Boolean:
		for i := range a.Len() {
			if a.IsNull(i) {
				continue
			}
			v := a.Value(i)
			if !any {
				lo, hi, any = v, v, true
			}
			lo, hi = lo.(bool) && v, hi.(bool) || v
		}
		return lo, hi, any
	case *arrowarray.Int8:
		return limitsOf(a, a.Value)
	case *arrowarray.Int16:
		return limitsOf(a, a.Value)
	case *arrowarray.Int32:
		return limitsOf(a, a.Value)
	case *arrowarray.Int64:
		return limitsOf(a, a.Value)
	case *arrowarray.Uint8:
		return limitsOf(a, a.Value)
	case *arrowarray.Uint16:
		return limitsOf(a, a.Value)
	case *arrowarray.Uint32:
		return limitsOf(a, a.Value)
	case *arrowarray.Uint64:
		return limitsOf(a, a.Value)
	case *arrowarray.Float32:
		return limitsOf(a, a.Value)
	case *arrowarray.Float64:
		return limitsOf(a, a.Value)
	case *arrowarray.Date32:
		return limitsOf(a, func(i int) int32 { return int32(a.Value(i)) })
	case *arrowarray.Time32:
		return limitsOf(a, func(i int) int32 { return int32(a.Value(i)) })
	case *arrowarray.Time64:
		return limitsOf(a, func(i int) int64 { return int64(a.Value(i)) })
	case *arrowarray.Timestamp:
		return limitsOf(a, func(i int) int64 { return int64(a.Value(i)) })
	case *arrowarray.Duration:
		return limitsOf(a, func(i int) int64 { return int64(a.Value(i)) })
	}
	return nil, nil, false
}

func limitsOf[T cmp.Ordered](a arrow.Array, value func(int) T) (lo, hi any, any bool) {
	var from, to T
	for i := range a.Len() {
		if v := value(i); !a.IsNull(i) && v == v {
			if !any {
				from, to, any = v, v, true
			}
			from, to = min(from, v), max(to, v)
		}
	}
	return from, to, any
}

// checkBounds compares what a file says of a column's row groups with their values. It returns how many bounds there were.
func checkBounds(t *testing.T, file *format.File, column int) int {
	t.Helper()
	known, at := 0, 0
	for g, n := range file.Batches {
		if file.Bounds[column] == nil || !file.Bounds[column][g].Known {
			at += n
			continue
		}
		known++
		b := file.Bounds[column][g]
		lo, hi, any := limits(read(t, file, column, at, at+n))
		at += n
		if !any || !same(b.Min.Value(), lo) || !same(b.Max.Value(), hi) {
			t.Errorf("%s, row group %d: bounds %v, %v; want %v, %v", file.Schema.Field(column).Type, g, b.Min.Value(), b.Max.Value(), lo, hi)
		}
	}
	return known
}

// same compares bounds; zeros of either sign are the same.
func same(a, b any) bool { return a == b }

// TestBounds: every type of numbers and times has bounds, which are those of its values. The files' only row group with a NaN has none.
func TestBounds(t *testing.T) {
	leak.Check(t)
	for _, d := range append(formattest.Numbers(), formattest.Times()...) {
		for _, nulls := range []bool{false, true} {
			batch := formattest.Batch([]arrow.DataType{d}, 400, nulls, 21)
			file := formattest.Open(t, parquet.Format, "a.parquet", formattest.Encode(t, parquet.Format, format.WriteOptions{BatchRows: 30}, batch), format.Options{})
			if known := checkBounds(t, file, 0); known < len(file.Batches)/2 {
				t.Errorf("%s: %d bounds of %d row groups", d, known, len(file.Batches))
			}
		}
	}
}

// TestFloatBounds: zeros are widened to both signs, infinities are values, and row groups of NaNs or nulls alone say nothing.
func TestFloatBounds(t *testing.T) {
	leak.Check(t)
	nan, inf, minus := math.NaN(), math.Inf(1), math.Copysign(0, -1)
	groups := [][]float64{{1, 2}, {0, 1}, {-1, minus}, {nan, nan}, {inf, -inf}, {0, 0}, {minus, minus}}
	want := [][2]float64{{1, 2}, {minus, 1}, {-1, 0}, {}, {-inf, inf}, {minus, 0}, {minus, 0}}
	b := arrowarray.NewFloat64Builder(memory.DefaultAllocator)
	for _, g := range groups {
		b.AppendValues(g, nil)
	}
	b.AppendNulls(2)
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true}}, nil)
	batch := arrowarray.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 16)
	file := formattest.Open(t, parquet.Format, "a.parquet", formattest.Encode(t, parquet.Format, format.WriteOptions{BatchRows: 2}, batch), format.Options{})
	for i, got := range file.Bounds[0] {
		known := i != 3 && i != 7
		if got.Known != known {
			t.Errorf("row group %d: known %v, want %v", i, got.Known, known)
		}
		if known && (math.Float64bits(got.Min.Float()) != math.Float64bits(want[i][0]) || math.Float64bits(got.Max.Float()) != math.Float64bits(want[i][1])) {
			t.Errorf("row group %d: %v, %v; want %v", i, got.Min.Float(), got.Max.Float(), want[i])
		}
	}
}
