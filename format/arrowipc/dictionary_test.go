package arrowipc_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// worded is a column of a dictionary of words: indices of it, below 0 for nulls.
func worded(index arrow.DataType, words []string, indices ...int) arrow.Array {
	values := texts(words...).Column(0)
	t := &arrow.DictionaryType{IndexType: index, ValueType: arrow.BinaryTypes.String}
	narrow := arrowarray.NewBuilder(memory.DefaultAllocator, index)
	for i := range indices {
		if indices[i] < 0 {
			narrow.AppendNull()
		} else if err := narrow.AppendValueFromString(fmt.Sprint(indices[i])); err != nil {
			panic(err)
		}
	}
	return arrowarray.NewDictionaryArray(t, narrow.NewArray(), values)
}

// inRecords makes a record of one column out of each array.
func inRecords(columns ...arrow.Array) (out []arrow.RecordBatch) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "d", Type: columns[0].DataType(), Nullable: true}}, nil)
	for _, c := range columns {
		out = append(out, arrowarray.NewRecordBatch(schema, []arrow.Array{c}, int64(c.Len())))
	}
	return out
}

// strings of a column's values; "(null)" for nulls.
func stringsOf(a arrow.Array) (out []string) {
	for i := range a.Len() {
		out = append(out, a.ValueStr(i))
	}
	return out
}

// TestDictionaries: a dictionary that grows, in streams and in files, is read as it is at each batch, and one that is replaced in a stream
// gives each batch its own.
func TestDictionaries(t *testing.T) {
	leak.Check(t)
	ab, abc, xy := []string{"a", "b"}, []string{"a", "b", "c"}, []string{"x", "", "y"}
	for name, c := range map[string]struct {
		columns []arrow.Array
		want    string
	}{
		"same":     {[]arrow.Array{worded(arrow.PrimitiveTypes.Int8, ab, 0, 1, -1), worded(arrow.PrimitiveTypes.Int8, ab, 1)}, "a b (null) b"},
		"delta":    {[]arrow.Array{worded(arrow.PrimitiveTypes.Int8, ab, 0, 1, -1), worded(arrow.PrimitiveTypes.Int8, abc, 2, 0)}, "a b (null) c a"},
		"replaced": {[]arrow.Array{worded(arrow.PrimitiveTypes.Uint16, ab, 0, 1, -1), worded(arrow.PrimitiveTypes.Uint16, xy, 2, -1, 1, 0), worded(arrow.PrimitiveTypes.Uint16, abc, 2)}, "a b (null) y (null)  x c"},
		"empty":    {[]arrow.Array{worded(arrow.PrimitiveTypes.Int64, nil, -1, -1), worded(arrow.PrimitiveTypes.Int64, abc, 2, 1)}, "(null) (null) c b"},
	} {
		records := inRecords(c.columns...)
		for codec, options := range codecs {
			stream := encode(t, true, records[0].Schema(), records, append(options, ipc.WithDictionaryDeltas(true))...)
			plain := encode(t, true, records[0].Schema(), records, options...)
			ours := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: codec}, records...)
			for kind, data := range map[string][]byte{"deltas": stream, "stream": plain, "file": ours} {
				f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
				if got := strings.Join(stringsOf(read(t, f, 0, 0, f.Rows)), " "); got != c.want {
					t.Errorf("%s %s %q: %q, want %q", name, kind, codec, got, c.want)
				}
				checkValues(t, f, c.columns)
			}
			var out []string
			for _, b := range theirs(t, false, ours) {
				out = append(out, stringsOf(b.Column(0))...)
			}
			if got := strings.Join(out, " "); got != c.want {
				t.Errorf("arrow-go reads %q out of %s, want %q", got, name, c.want)
			}
		}
	}
}

// checkValues compares each batch's values, and pairs of rows.
func checkValues(t *testing.T, f *format.File, columns []arrow.Array) {
	t.Helper()
	var want []string
	for _, c := range columns {
		want = append(want, stringsOf(c)...)
	}
	for lo := range f.Rows - 1 {
		if got := stringsOf(read(t, f, 0, lo, lo+2)); got[0] != want[lo] || got[1] != want[lo+1] {
			t.Errorf("rows from %d are %q, want %q", lo, got, want[lo:lo+2])
		}
	}
}

// TestRandomDictionaries writes records whose dictionaries have nothing to do with each other, nested ones too.
func TestRandomDictionaries(t *testing.T) {
	leak.Check(t)
	text := arrow.BinaryTypes.String
	types := []arrow.DataType{
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Uint8, ValueType: text},
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.PrimitiveTypes.Int64},
		arrow.ListOf(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: text}),
	}
	var records []arrow.RecordBatch
	for i, n := range []int{40, 1, 0, 300} {
		records = append(records, formattest.Batch(types, n, true, uint64(i)))
	}
	for _, rows := range []int{0, 16} {
		f := formattest.Open(t, arrowipc.Format, "x.arrow", formattest.Encode(t, arrowipc.Format, format.WriteOptions{BatchRows: rows}, records...), format.Options{})
		for c := range types {
			var want []string
			for _, r := range records {
				want = append(want, stringsOf(r.Column(c))...)
			}
			if got := stringsOf(read(t, f, c, 0, f.Rows)); strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s: the values differ", types[c])
			}
		}
	}
}

// TestDictionaryOfLists: values that cannot be unified may be one dictionary for all batches, and are refused where they change.
func TestDictionaryOfLists(t *testing.T) {
	leak.Check(t)
	inner := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	for _, value := range []arrow.DataType{arrow.ListOf(arrow.PrimitiveTypes.Int64), arrow.ListOf(inner), arrow.StructOf(arrow.Field{Name: "d", Type: inner, Nullable: true})} {
		typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: value}
		values := formattest.Random(value, 10, true, 1)
		indices := func(xs ...int16) arrow.Array {
			b := arrowarray.NewInt16Builder(memory.DefaultAllocator)
			b.AppendValues(xs, nil)
			return b.NewArray()
		}
		records := inRecords(arrowarray.NewDictionaryArray(typ, indices(3, 9, 0), values), arrowarray.NewDictionaryArray(typ, indices(1, 1), values))
		f := formattest.Open(t, arrowipc.Format, "x.arrow", formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, records...), format.Options{})
		for k, i := range []int{3, 9, 0, 1, 1} {
			if got, want := read(t, f, 0, k, k+1).ValueStr(0), values.ValueStr(i); got != want {
				t.Errorf("%s: row %d is %s, want %s", value, k, got, want)
			}
		}
		other := inRecords(arrowarray.NewDictionaryArray(typ, indices(2), formattest.Random(value, 10, true, 2)))[0]
		e, err := format.Create(arrowipc.Format, &bytes.Buffer{}, other.Schema(), format.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(e.Write(t.Context(), records[0]), e.Write(t.Context(), other)); err == nil || !strings.Contains(err.Error(), "changes from one record to the next") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// TestDictionaryOverflow: more values than indices can name are refused, with what to do.
func TestDictionaryOverflow(t *testing.T) {
	leak.Check(t)
	words := func(from int) (out []string) {
		for i := range 100 {
			out = append(out, fmt.Sprint("word", from+i))
		}
		return out
	}
	first, second := worded(arrow.PrimitiveTypes.Int8, words(0), 99), worded(arrow.PrimitiveTypes.Int8, words(50), 99)
	e, err := format.Create(arrowipc.Format, &bytes.Buffer{}, inRecords(first)[0].Schema(), format.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(e.Write(t.Context(), inRecords(first)[0]), e.Write(t.Context(), inRecords(second)[0]))
	if err == nil || !strings.Contains(err.Error(), "150 values together, and its indices can name 128; use a wider type of index") {
		t.Error(err)
	}
	stream := encode(t, true, inRecords(first)[0].Schema(), inRecords(first, second))
	f := formattest.Open(t, arrowipc.Format, "x.arrow", stream, format.Options{})
	if _, err := f.Read(t.Context(), []int{0}, 0, 2); err == nil || !strings.Contains(err.Error(), "read fewer at a time") {
		t.Error(err)
	}
	if got := stringsOf(read(t, f, 0, 1, 2)); got[0] != "word149" {
		t.Error(got)
	}
}

// TestIndexBounds: an index that names no value is refused; under a null it may be anything.
func TestIndexBounds(t *testing.T) {
	leak.Check(t)
	for _, index := range indexTypes() {
		for _, bad := range []int{3, 100} {
			column := worded(index, []string{"a", "b", "c"}, 0, 2, bad)
			record := inRecords(column)[0]
			data := encode(t, false, record.Schema(), []arrow.RecordBatch{record, record})
			f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
			for _, span := range [][2]int{{2, 3}, {0, 3}, {1, 6}} {
				if _, err := f.Read(t.Context(), []int{0}, span[0], span[1]); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("beyond the end of its dictionary: %d of 3", bad)) {
					t.Errorf("%s %v: %v", index, span, err)
				}
			}
			if got := stringsOf(read(t, f, 0, 0, 2)); got[1] != "c" {
				t.Error(got)
			}
		}
	}
	column := worded(arrow.PrimitiveTypes.Int8, []string{"a"}, 0, -1)
	column.Data().Buffers()[1].Bytes()[1] = 77
	record := inRecords(column)[0]
	f := formattest.Open(t, arrowipc.Format, "x.arrow", encode(t, false, record.Schema(), []arrow.RecordBatch{record}), format.Options{})
	if got := stringsOf(read(t, f, 0, 0, 2)); got[1] != "(null)" {
		t.Error(got)
	}
}

func indexTypes() []arrow.DataType {
	p := arrow.PrimitiveTypes
	return []arrow.DataType{p.Int8, p.Uint8, p.Int16, p.Uint16, p.Int32, p.Uint32, p.Int64, p.Uint64}
}
