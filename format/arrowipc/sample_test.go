package arrowipc_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
)

// deep are types within types, where a reader or a writer can lose its place among arrays and buffers.
func deep() []arrow.DataType {
	number, text := arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String
	field := func(name string, t arrow.DataType) arrow.Field {
		return arrow.Field{Name: name, Type: t, Nullable: true}
	}
	words := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint16, ValueType: text}
	union := arrow.DenseUnionOf([]arrow.Field{field("a", number), field("b", text), field("v", arrow.BinaryTypes.StringView)}, []arrow.UnionTypeCode{0, 7, 9})
	point := arrow.StructOf(field("x", arrow.PrimitiveTypes.Float64), field("s", text), field("d", words))
	return []arrow.DataType{
		arrow.ListOf(words), arrow.LargeListOf(point), arrow.StructOf(field("u", union), field("i", number)), arrow.StructOf(field("p", point)), arrow.ListOf(union),
		arrow.FixedSizeListOf(2, arrow.ListOf(text)), arrow.ListViewOf(arrow.ListOf(union)), arrow.MapOf(text, point),
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int64, arrow.ListOf(number)), arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int16, words),
		arrow.SparseUnionOf([]arrow.Field{field("v", arrow.BinaryTypes.BinaryView), field("l", arrow.ListOf(number))}, []arrow.UnionTypeCode{1, 0}),
		arrow.ListOf(arrow.FixedWidthTypes.Boolean), arrow.StructOf(field("b", arrow.FixedWidthTypes.Boolean), field("n", arrow.Null)),
		arrow.LargeListViewOf(arrow.BinaryTypes.StringView), &arrow.FixedSizeBinaryType{ByteWidth: 16},
	}
}

// everyType is each type of the suite, and deep ones.
func everyType() []arrow.DataType {
	return slices.Concat(formattest.Numbers(), formattest.Times(), formattest.Texts(), formattest.Others(), deep())
}

// sample makes batches of so many rows. Those of a column with a dictionary share it, as the file format wants; others begin at row 0,
// as arrow-go does not write list views that begin elsewhere.
func sample(types []arrow.DataType, nulls bool, rows ...int) (out []arrow.RecordBatch) {
	total := 0
	for _, n := range rows {
		total += n
	}
	whole := formattest.Batch(types, total, nulls, 7)
	lo := 0
	for i, n := range rows {
		columns := make([]arrow.Array, len(types))
		for c, t := range types {
			if columns[c] = arrowarray.NewSlice(whole.Column(c), int64(lo), int64(lo+n)); !strings.Contains(t.String(), "dictionary") {
				columns[c] = formattest.Random(t, n, nulls, uint64(100*i+c))
			}
		}
		out = append(out, arrowarray.NewRecordBatch(whole.Schema(), columns, int64(n)))
		lo += n
	}
	return out
}

// encode writes batches with arrow-go's own writers.
func encode(t testing.TB, stream bool, schema *arrow.Schema, batches []arrow.RecordBatch, options ...ipc.Option) []byte {
	t.Helper()
	var out bytes.Buffer
	options = append(options, ipc.WithSchema(schema))
	var w interface {
		Write(arrow.RecordBatch) error
		Close() error
	} = ipc.NewWriter(&out, options...)
	if !stream {
		file, err := ipc.NewFileWriter(&out, options...)
		if err != nil {
			t.Fatal(err)
		}
		w = file
	}
	for _, b := range batches {
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// theirs is each batch of a file or a stream as arrow-go reads it.
func theirs(t testing.TB, stream bool, data []byte) (out []arrow.RecordBatch) {
	t.Helper()
	if stream {
		r, err := ipc.NewReader(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Release)
		for r.Next() {
			b := r.RecordBatch()
			b.Retain()
			out = append(out, b)
		}
		if r.Err() != nil {
			t.Fatal(r.Err())
		}
		return out
	}
	r, err := ipc.NewFileReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	for i := range r.NumRecords() {
		b, err := r.RecordBatchAt(i)
		if err != nil {
			t.Fatal(err)
		}
		b.Retain()
		out = append(out, b)
	}
	return out
}

// save puts bytes into a file of the test.
func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.arrow")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// openFile opens a file that must be good, and closes it with the test.
func openFile(t testing.TB, path string, o format.Options) *format.File {
	t.Helper()
	in, err := format.OpenLocal(path, o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := format.Open(t.Context(), arrowipc.Format, in, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// read reads rows of one column that can be read.
func read(t testing.TB, f *format.File, column, lo, hi int) arrow.Array {
	t.Helper()
	out, err := f.Read(t.Context(), []int{column}, lo, hi)
	if err != nil {
		t.Fatal(err)
	}
	return out[0]
}

// checkBatches compares what a file gives with batches: each of them, and runs of rows over their borders, value by value.
func checkBatches(t *testing.T, f *format.File, batches []arrow.RecordBatch) {
	t.Helper()
	starts := []int{0}
	for _, b := range batches {
		starts = append(starts, starts[len(starts)-1]+int(b.NumRows()))
	}
	rows := starts[len(batches)]
	if f.Rows != rows {
		t.Fatalf("%d rows, want %d", f.Rows, rows)
	}
	for c, field := range f.Schema.Fields() {
		for i, b := range batches {
			if err := formattest.Equal(read(t, f, c, starts[i], starts[i+1]), b.Column(c)); err != nil {
				t.Fatalf("%s of batch %d: %v", field.Type, i, err)
			}
		}
		for _, at := range starts {
			lo, hi := max(0, at-9), min(rows, at+13)
			got := read(t, f, c, lo, hi)
			if err := arrowarray.ValidateFull(got); err != nil {
				t.Errorf("%s [%d, %d): %v", field.Type, lo, hi, err)
			}
			for k := range got.Len() {
				i := slices.IndexFunc(starts, func(s int) bool { return s > lo+k }) - 1
				theirs, row := batches[i].Column(c), lo+k-starts[i]
				if got.IsNull(k) != theirs.IsNull(row) || got.ValueStr(k) != theirs.ValueStr(row) {
					t.Fatalf("%s: row %d is %s, want %s", field.Type, lo+k, got.ValueStr(k), theirs.ValueStr(row))
				}
			}
		}
	}
}

// texts is a batch of one column of strings.
func texts(all ...string) arrow.RecordBatch {
	b := arrowarray.NewStringBuilder(memory.DefaultAllocator)
	b.AppendValues(all, nil)
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil)
	return arrowarray.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, int64(len(all)))
}
