package arrowipc_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format/arrowipc"
)

// mixedSchema has every readable type, and between them types of every buffer layout that are only stepped over.
func mixedSchema() *arrow.Schema {
	point := arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true}, arrow.Field{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true})
	between := []arrow.DataType{
		arrow.BinaryTypes.String,
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
		point,
		arrow.ListOf(arrow.PrimitiveTypes.Int32),
		arrow.BinaryTypes.StringView,
		arrow.Null,
		arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Int16),
		arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64),
		&arrow.Decimal128Type{Precision: 10, Scale: 2},
		arrow.LargeListOf(point),
		&arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"},
		arrow.RunEndEncodedOf(arrow.PrimitiveTypes.Int32, arrow.BinaryTypes.LargeBinary),
		arrow.DenseUnionOf([]arrow.Field{{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true}}, []arrow.UnionTypeCode{5}),
		arrow.SparseUnionOf([]arrow.Field{{Name: "v", Type: arrow.BinaryTypes.BinaryView, Nullable: true}}, []arrow.UnionTypeCode{3}),
		arrow.ListViewOf(arrow.PrimitiveTypes.Uint8),
	}
	var fields []arrow.Field
	for i, other := range between {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("other%d", i), Type: other, Nullable: true})
		if i < len(array.DTypes()) {
			d := array.DTypes()[i]
			fields = append(fields, arrow.Field{Name: d.String(), Type: d.Arrow(), Nullable: true})
		}
	}
	return arrow.NewSchema(append(fields, arrow.Field{Name: "last", Type: arrow.PrimitiveTypes.Float64, Nullable: true}), nil)
}

// numericSchema has one column of every readable type.
func numericSchema(t testing.TB) *arrow.Schema {
	var names []string
	for _, d := range array.DTypes() {
		names = append(names, d.String())
	}
	s, err := arrowipc.NewSchema(names, array.DTypes())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// randomBatches makes a batch of each length, with about one null in nulls (0: none).
func randomBatches(schema *arrow.Schema, nulls int, lengths ...int) []arrow.RecordBatch {
	rng := rand.New(rand.NewPCG(1, 2))
	var batches []arrow.RecordBatch
	for _, n := range lengths {
		b := arrowarray.NewRecordBuilder(memory.NewGoAllocator(), schema)
		for _, field := range b.Fields() {
			if d, ok := field.(*arrowarray.BinaryDictionaryBuilder); ok { // the file format wants the same one in all batches
				if err := d.InsertStringDictValues(words()); err != nil {
					panic(err)
				}
			}
		}
		for range n {
			for _, field := range b.Fields() {
				appendRandom(rng, field, nulls)
			}
		}
		batches = append(batches, b.NewRecordBatch())
	}
	return batches
}

// words is a dictionary of ten.
func words() *arrowarray.String {
	b := arrowarray.NewStringBuilder(memory.NewGoAllocator())
	for i := range 10 {
		b.Append(fmt.Sprint("word", i))
	}
	return b.NewStringArray()
}

// appendRandom appends one value to a builder of any type in mixedSchema.
func appendRandom(rng *rand.Rand, b arrowarray.Builder, nulls int) {
	if nulls > 0 && rng.IntN(nulls) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *arrowarray.BooleanBuilder:
		b.Append(rng.IntN(2) == 0)
	case *arrowarray.StructBuilder:
		b.Append(true)
		for i := range b.NumField() {
			appendRandom(rng, b.FieldBuilder(i), nulls)
		}
	case *arrowarray.DenseUnionBuilder:
		b.Append(5)
		appendRandom(rng, b.Child(0), nulls)
	case *arrowarray.SparseUnionBuilder:
		b.Append(3)
		appendRandom(rng, b.Child(0), nulls)
	case *arrowarray.FixedSizeListBuilder:
		b.Append(true)
		for range 3 {
			appendRandom(rng, b.ValueBuilder(), nulls)
		}
	case *arrowarray.ListViewBuilder:
		b.AppendWithSize(true, 2)
		for range 2 {
			appendRandom(rng, b.ValueBuilder(), nulls)
		}
	case *arrowarray.MapBuilder:
		b.Append(true)
		appendRandom(rng, b.KeyBuilder(), 0)
		appendRandom(rng, b.ItemBuilder(), nulls)
	case arrowarray.ListLikeBuilder:
		b.Append(true)
		for range rng.IntN(3) {
			appendRandom(rng, b.ValueBuilder(), nulls)
		}
	case *arrowarray.RunEndEncodedBuilder:
		b.Append(1)
		appendRandom(rng, b.ValueBuilder(), nulls)
	case *arrowarray.BinaryDictionaryBuilder:
		if err := b.AppendString(fmt.Sprint("word", rng.IntN(10))); err != nil {
			panic(err)
		}
	case *arrowarray.LargeStringBuilder, *arrowarray.StringBuilder, *arrowarray.BinaryBuilder,
		*arrowarray.StringViewBuilder, *arrowarray.BinaryViewBuilder:
		text := strings.Repeat("longtext", rng.IntN(4)) + fmt.Sprint("abc", rng.IntN(10)) // base64, as binary builders ask for
		if err := b.AppendValueFromString(text); err != nil {
			panic(err)
		}
	case *arrowarray.NullBuilder:
		b.AppendNull()
	case *arrowarray.TimestampBuilder:
		b.Append(arrow.Timestamp(rng.Int64()))
	case *arrowarray.Float32Builder, *arrowarray.Float64Builder, *arrowarray.Decimal128Builder:
		if err := b.AppendValueFromString(fmt.Sprint(float64(rng.IntN(2000)-1000) / 4)); err != nil {
			panic(err)
		}
	default:
		if err := b.AppendValueFromString(fmt.Sprint(rng.IntN(100))); err != nil {
			panic(fmt.Sprintf("%T: %v", b, err))
		}
	}
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

// save puts bytes into a file of the test.
func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.arrow")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// open opens a file that must be good, and closes it with the test.
func open(t testing.TB, path string, o arrowipc.Options) *arrowipc.File {
	t.Helper()
	f, err := arrowipc.Open(path, o)
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

// element is one value for comparison: a null, or its bits.
type element struct {
	null bool
	bits uint64
}

func elements(t testing.TB, b *array.Block) []element {
	t.Helper()
	out := make([]element, b.Len())
	for i := range out {
		s, ok := b.Scalar(i)
		out[i] = element{null: !ok}
		if ok {
			out[i].bits = s.Bits()
		}
	}
	return out
}

// want is column i of all batches as arrow-go holds them.
func want(t testing.TB, batches []arrow.RecordBatch, i int) []element {
	t.Helper()
	out := []element{}
	for _, b := range batches {
		block, err := array.FromArrow(b.Column(i))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, elements(t, block)...)
	}
	return out
}

// checkRanges reads ranges of every readable column, at and around the batches' borders, and compares them with batches.
func checkRanges(t *testing.T, f *arrowipc.File, batches []arrow.RecordBatch) {
	t.Helper()
	borders := []int{0, 9}
	rows := 0
	for _, b := range batches {
		if b.NumRows() > 0 {
			rows += int(b.NumRows())
			borders = append(borders, rows-1, rows)
		}
	}
	if f.Rows != rows {
		t.Fatalf("%d rows, want %d", f.Rows, rows)
	}
	for i, field := range f.Schema.Fields() {
		if _, err := array.FromArrowType(field.Type); err != nil {
			continue
		}
		all := want(t, batches, i)
		for k, lo := range borders {
			for l, hi := range borders {
				if lo > hi || (k+l+i)%3 != 0 { // a third of them for each column
					continue
				}
				b, err := f.Read(context.Background(), i, lo, hi)
				if err != nil {
					t.Fatalf("%s [%d, %d): %v", field.Name, lo, hi, err)
				}
				got := elements(t, b)
				if len(got) != hi-lo || b.DType().Arrow().ID() != field.Type.ID() {
					t.Fatalf("%s [%d, %d): %d elements of %s", field.Name, lo, hi, len(got), b.DType())
				}
				for k := range got {
					if got[k] != all[lo+k] {
						t.Fatalf("%s [%d, %d): row %d is %v, want %v", field.Name, lo, hi, lo+k, got[k], all[lo+k])
					}
				}
			}
		}
	}
}
