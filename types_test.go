package darray_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// TestTypes: every type goes from a file through a frame into another file and back, at 1 to 5 ranks, whole, filtered and in part; numbers are
// arrays on the way, the rest is carried along.
func TestTypes(t *testing.T) {
	darray.UseFormat(parquet.Format)
	all := slices.Concat(formattest.Numbers(), formattest.Times(), formattest.Texts(), formattest.Others())
	all = slices.DeleteFunc(all, func(d arrow.DataType) bool { return d.ID() == arrow.FIXED_SIZE_LIST }) // a null list becomes a list of nulls
	for _, tt := range []struct {
		format format.Format
		types  []arrow.DataType
		codecs []string
	}{
		{arrowipc.Format, all, []string{"none", "lz4", "zstd"}},
		{parquet.Format, slices.Concat(formattest.Numbers(), []arrow.DataType{arrow.FixedWidthTypes.Date32, arrow.FixedWidthTypes.Timestamp_us, arrow.BinaryTypes.String, arrow.ListOf(arrow.PrimitiveTypes.Int64)}), []string{"none", "zstd"}},
	} {
		for _, codec := range tt.codecs {
			for p := 1; p <= 5; p++ {
				t.Run(fmt.Sprintf("%s/%s/ranks=%d", tt.format.Name, codec, p), func(t *testing.T) {
					leak.Check(t)
					c, err := darray.Local(p)
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					for _, rows := range []int{0, 1, 130} {
						checkTypes(t, c, tt.format, tt.types, codec, rows)
					}
				})
			}
		}
	}
}

func checkTypes(t *testing.T, c *darray.Cluster, f format.Format, types []arrow.DataType, codec string, rows int) {
	t.Helper()
	batch := formattest.Batch(types, rows, true, uint64(rows))
	dir := t.TempDir()
	first := filepath.Join(dir, "a"+f.Extensions[0])
	parts := []arrow.RecordBatch{batch.NewSlice(0, int64(rows/2)), batch.NewSlice(int64(rows/2), int64(rows))}
	if err := os.WriteFile(first, formattest.Encode(t, f, format.WriteOptions{Compression: codec}, parts...), 0o600); err != nil {
		t.Fatal(err)
	}
	second := filepath.Join(dir, "b"+f.Extensions[0])
	frame, err := darray.Open(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WriteFrame(t.Context(), frame, second, darray.WriteOptions{Compression: codec}); err != nil {
		t.Fatal(err)
	}
	if frame, err = darray.Open(second); err != nil {
		t.Fatal(err)
	}
	bools := frame.Col("c0") // of which some are null
	for name, part := range map[string]*darray.Frame{"whole": frame, "rows": frame.Slice(rows/3, rows), "filtered": frame.Filter(bools)} {
		got, err := c.CollectFrame(t.Context(), part)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range types {
			want := arrowarray.NewSlice(batch.Column(i), 0, int64(rows))
			switch name {
			case "rows":
				want = arrowarray.NewSlice(batch.Column(i), int64(rows/3), int64(rows))
			case "filtered":
				want = kept(t, batch.Column(i), batch.Column(0).(*arrowarray.Boolean))
			}
			if err := formattest.Equal(got.Column(i), want); err != nil {
				t.Errorf("%d rows, %s: %s: %v", rows, name, types[i], err)
			}
		}
	}
}

// kept is the values for which a mask is true, one by one.
func kept(t *testing.T, a arrow.Array, mask *arrowarray.Boolean) arrow.Array {
	t.Helper()
	one := []arrow.Array{arrowarray.NewSlice(a, 0, 0)}
	for i := range mask.Len() {
		if mask.IsValid(i) && mask.Value(i) {
			one = append(one, arrowarray.NewSlice(a, int64(i), int64(i+1)))
		}
	}
	out, err := format.Concat(one)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
