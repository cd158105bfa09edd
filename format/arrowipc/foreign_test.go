package arrowipc_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/endian"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

var codecs = map[string][]ipc.Option{"": nil, "lz4": {ipc.WithLZ4()}, "zstd": {ipc.WithZstd()}}

// TestReadWhatArrowWrites reads every type and compression that arrow-go writes, in both formats, mapped and copied, and compares it with
// what arrow-go's own readers make of the same bytes.
func TestReadWhatArrowWrites(t *testing.T) {
	leak.Check(t)
	for _, nulls := range []bool{false, true} {
		if testing.Short() && !nulls {
			continue
		}
		batches := sample(everyType(), nulls, 0, 100, 1, 70, 9, 0, 300)
		for codec, options := range codecs {
			for _, stream := range []bool{false, true} {
				data := encode(t, stream, batches[0].Schema(), batches, options...)
				path, want := save(t, data), theirs(t, stream, data)
				for _, copying := range []bool{false, true} {
					f := openFile(t, path, format.Options{Copy: copying})
					if f.Compression != codec || f.Mapped == copying || len(f.Batches) != len(want) {
						t.Fatalf("compression %q, mapped %v, batches %v", f.Compression, f.Mapped, f.Batches)
					}
					checkBatches(t, f, want)
				}
			}
		}
	}
}

// TestArrowReadsWhatIsWritten reads what is written here with arrow-go's reader: every type, out of records that begin at any row.
func TestArrowReadsWhatIsWritten(t *testing.T) {
	leak.Check(t)
	for _, nulls := range []bool{false, true} {
		if testing.Short() && !nulls {
			continue
		}
		whole := formattest.Batch(everyType(), 600, nulls, 8)
		records := []arrow.RecordBatch{whole.NewSlice(13, 13), whole.NewSlice(13, 200), whole.NewSlice(200, 201), whole.NewSlice(201, 600)}
		for _, o := range []format.WriteOptions{{}, {BatchRows: 64}, {BatchRows: 37, Compression: "lz4"}, {BatchRows: 100, Compression: "zstd"}} {
			data := formattest.Encode(t, arrowipc.Format, o, records...)
			want := whole.NewSlice(13, 600)
			var got []arrow.RecordBatch
			rows := 0
			for _, b := range theirs(t, false, data) {
				if o.BatchRows > 0 && b.NumRows() > int64(o.BatchRows) {
					t.Errorf("%d rows in a batch of %d", b.NumRows(), o.BatchRows)
				}
				got = append(got, b)
				for c := range int(b.NumCols()) {
					if err := formattest.Equal(b.Column(c), arrowarray.NewSlice(want.Column(c), int64(rows), int64(rows)+b.NumRows())); err != nil {
						t.Fatalf("%s from row %d: %v", b.Column(c).DataType(), rows, err)
					}
				}
				rows += int(b.NumRows())
			}
			if rows != 587 {
				t.Errorf("arrow-go reads %d rows", rows)
			}
			f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
			if f.Compression != o.Compression || !f.Schema.Equal(whole.Schema()) {
				t.Errorf("compression %q, schema %s", f.Compression, f.Schema)
			}
			checkBatches(t, f, got)
		}
	}
}

const flights = "../../examples/data/flights-200k.arrow"

// TestFlights reads a file made by another program and compares it with arrow-go's reader, and its sums with constants.
func TestFlights(t *testing.T) {
	leak.Check(t)
	f := openFile(t, flights, format.Options{})
	data, err := os.ReadFile(flights)
	if err != nil {
		t.Fatal(err)
	}
	row := 0
	for _, b := range theirs(t, false, data) {
		for k := range int(b.NumCols()) {
			if err := formattest.Equal(read(t, f, k, row, row+int(b.NumRows())), b.Column(k)); err != nil {
				t.Error(err)
			}
		}
		row += int(b.NumRows())
	}
	if row != f.Rows || f.Rows != 200_000 {
		t.Errorf("%d rows, arrow-go reads %d", f.Rows, row)
	}
	for k, want := range map[string]int{"delay": 1_500_159, "distance": 145_847_125} {
		column, err := f.Column(k)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, x := range read(t, f, column, 0, f.Rows).(*arrowarray.Int16).Values() {
			sum += int(x)
		}
		if sum != want {
			t.Errorf("the sum of %s is %d, want %d", k, sum, want)
		}
	}
}

// TestOldAndForeign: streams as written until 2019 are read, those of the other byte order are refused.
func TestOldAndForeign(t *testing.T) {
	leak.Check(t)
	fields := []arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}
	schema := arrow.NewSchema(fields, nil)
	b := arrowarray.NewInt32Builder(memory.DefaultAllocator)
	for i := range int32(50) {
		b.Append(i)
	}
	whole := arrowarray.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 50)
	batches := []arrow.RecordBatch{whole.NewSlice(0, 20), whole.NewSlice(20, 50)}
	mark := []byte{0xff, 0xff, 0xff, 0xff} // stands before every message since; the small values here hold none
	old := bytes.ReplaceAll(encode(t, true, schema, batches), mark, nil)
	checkBatches(t, formattest.Open(t, arrowipc.Format, "x.arrows", old, format.Options{}), batches)

	big := encode(t, true, arrow.NewSchemaWithEndian(fields, nil, endian.BigEndian), nil)
	_, err := format.Open(t.Context(), arrowipc.Format, format.Memory("x.arrows", big), format.Options{})
	if err == nil || !strings.Contains(err.Error(), "big-endian") {
		t.Error(err)
	}
}

func TestWithoutRowsOrColumns(t *testing.T) {
	leak.Check(t)
	none := arrow.NewSchema(nil, nil)
	all := formattest.Batch(everyType(), 0, false, 1)
	for name, data := range map[string][]byte{
		"no batches":    encode(t, false, all.Schema(), nil),
		"no batches, s": encode(t, true, all.Schema(), nil),
		"empty batch":   encode(t, false, all.Schema(), []arrow.RecordBatch{all}),
		"empty, zstd":   encode(t, true, all.Schema(), []arrow.RecordBatch{all}, ipc.WithZstd()),
		"no columns":    encode(t, false, none, nil),
		"no columns, s": encode(t, true, none, nil),
		"ours":          formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, all),
		"ours, none":    formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, arrowarray.NewRecordBatch(none, nil, 0)),
	} {
		f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
		if f.Rows != 0 {
			t.Errorf("%s: %d rows", name, f.Rows)
		}
		for i := range f.Schema.NumFields() {
			if a := read(t, f, i, 0, 0); a.Len() != 0 {
				t.Errorf("%s: %v", name, a)
			}
		}
	}
	rows := arrowarray.NewRecordBatch(none, nil, 12)
	for _, data := range [][]byte{encode(t, true, none, []arrow.RecordBatch{rows}), formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, rows)} {
		if f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{}); f.Rows != 12 {
			t.Errorf("%d rows of no columns", f.Rows)
		}
	}
}

// TestRepeatedNames: columns of one name are read by their number.
func TestRepeatedNames(t *testing.T) {
	leak.Check(t)
	fields := []arrow.Field{{Name: "a", Type: arrow.PrimitiveTypes.Int8}, {Name: "a", Type: arrow.BinaryTypes.String}}
	columns := []arrow.Array{formattest.Random(fields[0].Type, 9, false, 1), formattest.Random(fields[1].Type, 9, false, 1)}
	b := arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 9)
	f := formattest.Open(t, arrowipc.Format, "x.arrow", encode(t, false, b.Schema(), []arrow.RecordBatch{b}), format.Options{})
	checkBatches(t, f, []arrow.RecordBatch{b})
	if !slices.Equal(f.Schema.FieldIndices("a"), []int{0, 1}) {
		t.Error(f.Schema)
	}
}

// TestMisaligned: buffers that lie at any byte, as those of a file within another may, are copied where numbers cannot lie so.
func TestMisaligned(t *testing.T) {
	leak.Check(t)
	batches := sample(everyType(), true, 100, 40)
	data := encode(t, false, batches[0].Schema(), batches)
	for shift := 1; shift < 8; shift += 2 {
		f := formattest.Open(t, arrowipc.Format, "x.arrow", append(make([]byte, shift), data...)[shift:], format.Options{})
		checkBatches(t, f, batches)
	}
}
