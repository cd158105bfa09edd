package parquet_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// changed are the types that Parquet does not have; how their values come back is in TestChanged.
var changed = []arrow.DataType{
	arrow.FixedWidthTypes.Date64, arrow.FixedWidthTypes.Time32s, arrow.FixedWidthTypes.Timestamp_s,
	arrow.BinaryTypes.StringView, arrow.BinaryTypes.BinaryView,
	&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.PrimitiveTypes.Int64},
	arrow.LargeListOf(arrow.BinaryTypes.String),
}

// refused reports whether Create refuses a type.
func refused(t arrow.DataType) bool {
	switch t.ID() {
	case arrow.DECIMAL32, arrow.DECIMAL64, arrow.INTERVAL_MONTHS, arrow.INTERVAL_DAY_TIME, arrow.INTERVAL_MONTH_DAY_NANO,
		arrow.LIST_VIEW, arrow.LARGE_LIST_VIEW, arrow.SPARSE_UNION, arrow.DENSE_UNION, arrow.RUN_END_ENCODED:
		return true
	}
	return false
}

func isChanged(t arrow.DataType) bool {
	return slices.ContainsFunc(changed, func(c arrow.DataType) bool { return arrow.TypeEqual(c, t) })
}

// held are the types that come back as they were.
func held() []arrow.DataType {
	all := slices.Concat(formattest.Numbers(), formattest.Times(), formattest.Texts(), formattest.Others())
	return slices.DeleteFunc(all, func(t arrow.DataType) bool { return refused(t) || isChanged(t) })
}

func TestRoundTrip(t *testing.T) {
	leak.Check(t)
	for _, o := range []format.WriteOptions{
		{},
		{Plain: true, BatchRows: 30},
		{Compression: "none", Plain: true},
		{Compression: "gzip", BatchRows: 333},
		{Compression: "brotli", BatchRows: 99},
		{Compression: "zstd", BatchRows: 100},
		{Compression: "lz4", Plain: true, BatchRows: 101},
		{Compression: "lz4"},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) { formattest.RoundTrip(t, parquet.Format, "a.parquet", held(), o) })
	}
}

// TestChanged: dates in milliseconds come back in days, seconds in milliseconds, views as what they view, dictionaries of numbers as the
// numbers, and the element of a large list by the name that Parquet has for it.
func TestChanged(t *testing.T) {
	leak.Check(t)
	w := arrow.FixedWidthTypes
	back := []arrow.DataType{
		w.Date32, w.Time32ms, w.Timestamp_ms, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, arrow.PrimitiveTypes.Int64,
		arrow.LargeListOfField(arrow.Field{Name: "element", Type: arrow.BinaryTypes.String, Nullable: true}),
	}
	batch := formattest.Batch(changed, 500, true, 5)
	file := formattest.Open(t, parquet.Format, "a.pq", formattest.Encode(t, parquet.Format, format.WriteOptions{BatchRows: 120}, batch), format.Options{})
	for i, want := range back {
		got := read(t, file, i, 0, file.Rows)
		if got.DataType().String() != want.String() { // they differ in the metadata of elements
			t.Errorf("%s came back as %s, want %s", changed[i], got.DataType(), want)
			continue
		}
		for row := range got.Len() {
			if a, b := text(got, row), text(batch.Column(i), row); a != b {
				t.Fatalf("%s, row %d: %s, want %s", changed[i], row, a, b)
			}
		}
	}
}

// text is a value by what it means, which is the same in either type.
func text(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *arrowarray.Date32:
		return a.Value(i).ToTime().String()
	case *arrowarray.Date64:
		return a.Value(i).ToTime().String()
	case *arrowarray.Time32:
		return a.Value(i).ToTime(a.DataType().(*arrow.Time32Type).Unit).String()
	case *arrowarray.Timestamp:
		return a.Value(i).ToTime(a.DataType().(*arrow.TimestampType).Unit).String()
	}
	return a.ValueStr(i)
}

// TestRefused: types that Parquet does not hold are refused at once, with the column's name.
func TestRefused(t *testing.T) {
	leak.Check(t)
	nested := []arrow.DataType{
		arrow.ListOf(arrow.FixedWidthTypes.Duration_s), arrow.ListOf(&arrow.Decimal32Type{Precision: 3, Scale: 1}),
	}
	for _, d := range append(formattest.Others(), nested...) {
		if !refused(d) && !slices.ContainsFunc(nested, func(n arrow.DataType) bool { return n == d }) {
			continue
		}
		s := arrow.NewSchema([]arrow.Field{{Name: "fine", Type: arrow.PrimitiveTypes.Int8}, {Name: "odd", Type: d, Nullable: true}}, nil)
		_, err := format.Create(parquet.Format, &bytes.Buffer{}, s, format.WriteOptions{})
		if err == nil || !strings.Contains(err.Error(), `"odd"`) || !strings.Contains(err.Error(), d.String()) {
			t.Errorf("%s: %v", d, err)
		}
	}
	one := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int8}}, nil)
	if _, err := format.Create(parquet.Format, &bytes.Buffer{}, one, format.WriteOptions{Compression: "lzma"}); err == nil || !strings.Contains(err.Error(), "use none, snappy") {
		t.Error(err)
	}
	if _, err := format.Create(parquet.Format, &bytes.Buffer{}, arrow.NewSchema(nil, nil), format.WriteOptions{}); err == nil {
		t.Error("a file without columns")
	}
}

// read gives rows of one column.
func read(t testing.TB, file *format.File, column, lo, hi int) arrow.Array {
	t.Helper()
	got, err := file.Read(t.Context(), []int{column}, lo, hi)
	if err != nil {
		t.Fatalf("column %q, rows [%d, %d): %v", file.Schema.Field(column).Name, lo, hi, err)
	}
	return got[0]
}

// TestGroups: row groups have the rows that were asked for, however the records were cut.
func TestGroups(t *testing.T) {
	leak.Check(t)
	batch := formattest.Batch(held(), 1000, true, 9)
	for _, c := range []struct {
		rows int
		cut  []int
		want []int
	}{
		{300, []int{1000}, []int{300, 300, 300, 100}},
		{500, []int{1, 2, 3, 494, 500}, []int{500, 500}},
		{1000, []int{999, 1}, []int{1000}},
		{7, []int{14, 0, 7, 3}, []int{7, 7, 7, 3}},
		{0, []int{400, 600}, []int{1000}},
	} {
		var parts []arrow.RecordBatch
		at := int64(0)
		for _, n := range c.cut {
			parts = append(parts, batch.NewSlice(at, at+int64(n)))
			at += int64(n)
		}
		data := formattest.Encode(t, parquet.Format, format.WriteOptions{BatchRows: c.rows}, parts...)
		file := formattest.Open(t, parquet.Format, "a.parquet", data, format.Options{})
		if !slices.Equal(file.Batches, c.want) {
			t.Errorf("%d rows of %v: row groups of %v", c.rows, c.cut, file.Batches)
		}
		for i := range file.Schema.NumFields() {
			if err := formattest.Equal(read(t, file, i, 0, file.Rows), arrowarray.NewSlice(batch.Column(i), 0, at)); err != nil {
				t.Errorf("%d rows of %v, column %d: %v", c.rows, c.cut, i, err)
			}
		}
	}
}

// TestCompression: the file tells its codec.
func TestCompression(t *testing.T) {
	leak.Check(t)
	for name, want := range map[string]string{"": "snappy", "none": "", "zstd": "zstd", "gzip": "gzip", "brotli": "brotli", "lz4": "lz4"} {
		data := formattest.Encode(t, parquet.Format, format.WriteOptions{Compression: name}, formattest.Batch(held(), 10, true, 1))
		if got := formattest.Open(t, parquet.Format, "a.parquet", data, format.Options{}).Compression; got != want {
			t.Errorf("%q was written as %q", name, got)
		}
	}
}
