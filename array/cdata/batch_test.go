//go:build cgo

package cdata_test

import (
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/arrow/memory/mallocator"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/array/cdata"
	"github.com/darray-go/darray/array/cdata/cdatatest"
	"github.com/darray-go/darray/internal/leak"
)

// kinds is a batch with columns of many types, of which each has nulls where its type knows them.
const kinds = `[
{"i":1,"f":0.5,"b":true,"s":"one","l":[1,2],"w":[1,2,3],"t":"2024-02-29T12:00:00Z","d":"1.25","st":{"x":1,"y":"p"},"m":[{"key":"k","value":1}],"dict":"red"},
{"i":null,"f":null,"b":null,"s":null,"l":null,"w":null,"t":null,"d":null,"st":null,"m":null,"dict":null},
{"i":3,"f":-0.0,"b":false,"s":"","l":[],"w":[4,null,6],"t":"1969-12-31T23:59:59Z","d":"-9.99","st":{"x":null,"y":"q"},"m":[],"dict":"blue"},
{"i":4,"f":1e300,"b":true,"s":"four\u0000","l":[null,4],"w":[7,8,9],"t":"1970-01-01T00:00:00Z","d":"0","st":{"x":4,"y":null},"m":[{"key":"a","value":null},{"key":"b","value":2}],"dict":"red"},
{"i":5,"f":2,"b":null,"s":"a longer string that no view holds inline","l":[5,6,7],"w":[0,0,0],"t":null,"d":"3","st":{"x":5,"y":"r"},"m":null,"dict":"green"}
]`

func kindsSchema() *arrow.Schema {
	m := arrow.NewMetadata([]string{"unit"}, []string{"m/s"})
	return arrow.NewSchema([]arrow.Field{
		{Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true, Metadata: m},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int8), Nullable: true},
		{Name: "w", Type: arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32), Nullable: true},
		{Name: "t", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "d", Type: &arrow.Decimal128Type{Precision: 10, Scale: 2}, Nullable: true},
		{Name: "st", Type: arrow.StructOf(
			arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
			arrow.Field{Name: "y", Type: arrow.BinaryTypes.LargeString, Nullable: true}), Nullable: true},
		{Name: "m", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int16), Nullable: true},
		{Name: "dict", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
	}, &m)
}

func kindsBatch(t *testing.T, mem memory.Allocator) arrow.RecordBatch {
	t.Helper()
	batch, _, err := arrowarray.RecordFromJSON(mem, kindsSchema(), strings.NewReader(kinds))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func roundTrip(t *testing.T, what string, batch arrow.RecordBatch) arrow.RecordBatch {
	t.Helper()
	s := cdata.NewStructs()
	defer s.Close()
	if err := cdata.ExportBatch(batch, s.Array(), s.Schema()); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	back, err := cdata.ImportBatch(s.Array(), s.Schema())
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return back
}

// TestBatchRoundTrip also has slices, whose columns begin within bytes of their bitmaps. All memory is an allocator's that counts.
func TestBatchRoundTrip(t *testing.T) {
	leak.Check(t)
	for name, of := range map[string]memory.Allocator{"Go's memory": memory.NewGoAllocator(), "C's memory": mallocator.NewMallocator()} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(of)
			defer mem.AssertSize(t, 0)
			whole := kindsBatch(t, mem)
			for lo := range 6 {
				for hi := lo; hi < 6; hi++ {
					batch := whole.NewSlice(int64(lo), int64(hi))
					back := roundTrip(t, "slice", batch)
					if !back.Schema().Equal(batch.Schema()) {
						t.Errorf("schema is %v, want %v", back.Schema(), batch.Schema())
					}
					for i, c := range back.Columns() {
						if !arrowarray.Equal(c, batch.Column(i)) {
							t.Errorf("rows [%d, %d) of %s: %v, want %v", lo, hi, batch.ColumnName(i), c, batch.Column(i))
						}
					}
					back.Release()
					batch.Release()
				}
			}
			whole.Release()
		})
	}
}

// TestBatchOutlives uses what came back after all that it was made of is released.
func TestBatchOutlives(t *testing.T) {
	leak.Check(t)
	mem := memory.NewCheckedAllocator(mallocator.NewMallocator())
	defer mem.AssertSize(t, 0)
	batch := kindsBatch(t, mem)
	back := roundTrip(t, "batch", batch)
	batch.Release()
	churn(64)
	want := kindsBatch(t, memory.NewGoAllocator())
	if !arrowarray.RecordEqual(back, want) {
		t.Errorf("%v, want %v", back, want)
	}
	column := back.Column(3)
	column.Retain()
	back.Release()
	if !arrowarray.Equal(column, want.Column(3)) {
		t.Errorf("a column that outlives its batch: %v", column)
	}
	column.Release()
}

// TestBatchInC has C read structs that begin at an offset: once for themselves and once for their children is once too often.
func TestBatchInC(t *testing.T) {
	leak.Check(t)
	inner := arrow.StructOf(arrow.Field{Name: "a", Type: arrow.PrimitiveTypes.Int32}, arrow.Field{Name: "b", Type: arrow.PrimitiveTypes.Float64})
	builder := arrowarray.NewRecordBuilder(memory.NewGoAllocator(), arrow.NewSchema([]arrow.Field{{Name: "s", Type: inner}}, nil))
	st := builder.Field(0).(*arrowarray.StructBuilder)
	for i := range 20 {
		st.Append(true)
		st.FieldBuilder(0).(*arrowarray.Int32Builder).Append(int32(i))
		st.FieldBuilder(1).(*arrowarray.Float64Builder).Append(float64(1000 * i))
	}
	batch := builder.NewRecordBatch()
	s := cdata.NewStructs()
	defer s.Close()
	if err := cdata.ExportBatch(batch.NewSlice(5, 9), s.Array(), s.Schema()); err != nil {
		t.Fatal(err)
	}
	if got := consume(t, "slice", s); got.Sum != 26*1001 || got.Valid != 8 { // 5+6+7+8
		t.Errorf("C finds %+v in rows 5 to 8, want a sum of 26026 over 8", got)
	}
}

func TestBatchOfUnions(t *testing.T) {
	leak.Check(t)
	build := func(data []int64, more []float64) (arrow.Array, arrow.Array) {
		a, b := arrowarray.NewInt64Builder(memory.NewGoAllocator()), arrowarray.NewFloat64Builder(memory.NewGoAllocator())
		a.AppendValues(data, nil)
		b.AppendValues(more, nil)
		return a.NewArray(), b.NewArray()
	}
	codes := arrowarray.NewInt8Builder(memory.NewGoAllocator())
	codes.AppendValues([]int8{0, 1, 0, 1}, nil)
	places := arrowarray.NewInt32Builder(memory.NewGoAllocator())
	places.AppendValues([]int32{0, 0, 1, 1}, nil)
	types := codes.NewArray()
	x, y := build([]int64{1, 2, 3, 4}, []float64{.1, .2, .3, .4})
	sparse, err := arrowarray.NewSparseUnionFromArrays(types, []arrow.Array{x, y})
	if err != nil {
		t.Fatal(err)
	}
	x, y = build([]int64{1, 3}, []float64{.2, .4})
	dense, err := arrowarray.NewDenseUnionFromArrays(types, places.NewArray(), []arrow.Array{x, y})
	if err != nil {
		t.Fatal(err)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "sparse", Type: sparse.DataType()}, {Name: "dense", Type: dense.DataType()}}, nil)
	whole := arrowarray.NewRecordBatch(schema, []arrow.Array{sparse, dense}, 4)
	for lo := range int64(4) {
		batch := whole.NewSlice(lo, 4)
		back := roundTrip(t, "unions", batch)
		for i := range 2 {
			if got, want := back.Column(i).String(), batch.Column(i).String(); got != want {
				t.Errorf("%s from row %d: %s, want %s", batch.ColumnName(i), lo, got, want)
			}
		}
	}
}

func TestBatchWithoutColumns(t *testing.T) {
	leak.Check(t)
	batch := arrowarray.NewRecordBatch(arrow.NewSchema(nil, nil), nil, 7)
	if back := roundTrip(t, "no columns", batch); back.NumRows() != 7 || back.NumCols() != 0 {
		t.Errorf("%d x %d, want 7 x 0", back.NumRows(), back.NumCols())
	}
}

func TestImportBatchReleases(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	for _, collected := range []bool{false, true} {
		var made cdatatest.Releases
		func() {
			made = cdatatest.Numbers(s.Array(), s.Schema(), 50, 9, true, 3)
			batch, err := cdata.ImportBatch(s.Array(), s.Schema())
			if err != nil {
				t.Fatal(err)
			}
			if c, ok := batch.Column(2).(*arrowarray.Int64); !ok || c.Len() != 50 || c.NullN() != 17 || c.Value(49) != 49 || batch.ColumnName(2) != "c" {
				t.Errorf("column 2 is %v", batch.Column(2))
			}
			b, err := array.FromArrow(batch.Column(1))
			if err != nil {
				t.Fatal(err)
			}
			if !collected {
				batch.Release()
			}
			churn(400)
			if x, ok := b.Scalar(40); !ok || x != array.ScalarOf(int64(40)) {
				t.Errorf("the block over a column has %v", x)
			}
			if made.Array() != 0 {
				t.Errorf("released while a block is over it")
			}
			runtime.KeepAlive(b)
		}()
		eventually(t, "the batch is released", func() bool { return made.Array() == 1 })
	}
	made := cdatatest.Numbers(s.Array(), s.Schema(), 50, 9, true, 3)
	batch, err := cdata.ImportBatch(s.Array(), s.Schema())
	if err != nil {
		t.Fatal(err)
	}
	batch.Release()
	if made.Array() != 1 {
		t.Errorf("Release released the array %d times, want once, and at once", made.Array())
	}
}

func TestExportErrors(t *testing.T) {
	leak.Check(t)
	s := cdata.NewStructs()
	defer s.Close()
	good := random(t, array.Int8, array.Shape{3}, 0, false)
	batch := func(dt arrow.DataType, a arrow.Array) arrow.RecordBatch {
		return arrowarray.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "x", Type: dt}}, nil), []arrow.Array{a}, int64(a.Len()))
	}
	odd := &arrow.Time32Type{Unit: arrow.Nanosecond} // which there is not
	oddArray := arrowarray.MakeFromData(arrowarray.NewData(odd, 0, []*memory.Buffer{nil, nil}, nil, 0, 0))
	for name, err := range map[string]error{
		"no array address":  cdata.Export(good, 0, s.Schema()),
		"no batch address":  cdata.ExportBatch(kindsBatch(t, memory.DefaultAllocator), 0, s.Schema()),
		"no block":          cdata.Export(nil, s.Array(), s.Schema()),
		"zero block":        cdata.Export(new(array.Block), s.Array(), s.Schema()),
		"no batch":          cdata.ExportBatch(nil, s.Array(), s.Schema()),
		"no elements a row": cdata.Export(array.NewBlock(array.Int8, array.Shape{3, 0}, false), s.Array(), s.Schema()),
		"odd type":          cdata.ExportBatch(batch(odd, oddArray), s.Array(), s.Schema()),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if cdatatest.Peek(s.Array(), release) != 0 || cdatatest.Peek(s.Schema(), schemaRelease) != 0 {
			t.Errorf("%s: something was exported", name)
		}
	}
	if err := cdata.Export(new(array.Block), s.Array(), 0); !errors.Is(err, array.ErrDType) {
		t.Errorf("zero block: %v, want ErrDType", err)
	}
	if err := cdata.Export(good, s.Array(), 0); err != nil {
		t.Errorf("without a schema: %v", err)
	}
	s.Close()
	s.Close()
	if err := cdata.Export(good, s.Array(), s.Schema()); err == nil {
		t.Error("no error for structs that are closed")
	}
}

// named is an extension type of any storage.
type named struct{ arrow.ExtensionBase }

func newNamed(storage arrow.DataType) *named { return &named{arrow.ExtensionBase{Storage: storage}} }

type namedArray struct{ arrowarray.ExtensionArrayBase }

func (*named) ArrayType() reflect.Type { return reflect.TypeFor[namedArray]() }
func (*named) ExtensionName() string   { return "test.named" }
func (*named) Serialize() string       { return "" }
func (*named) Deserialize(storage arrow.DataType, _ string) (arrow.ExtensionType, error) {
	return newNamed(storage), nil
}

func (n *named) ExtensionEquals(other arrow.ExtensionType) bool {
	return arrow.TypeEqual(n.Storage, other.StorageType())
}

// TestBatchOfExtensions has an extension type of plain storage, which goes out under its name, and one of lists, which cannot.
func TestBatchOfExtensions(t *testing.T) {
	leak.Check(t)
	one := func(dt arrow.ExtensionType, json string) arrow.RecordBatch {
		storage, _, err := arrowarray.FromJSON(memory.DefaultAllocator, dt.StorageType(), strings.NewReader(json))
		if err != nil {
			t.Fatal(err)
		}
		a := arrowarray.NewExtensionArrayWithStorage(dt, storage)
		return arrowarray.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "x", Type: dt, Nullable: true}}, nil), []arrow.Array{a}, int64(a.Len()))
	}
	plain := one(newNamed(arrow.PrimitiveTypes.Int64), "[1, null, 3]")
	back := roundTrip(t, "plain", plain)
	storage := plain.Column(0).(arrowarray.ExtensionArray).Storage()
	f := back.Schema().Field(0)
	if name, _ := f.Metadata.GetValue("ARROW:extension:name"); name != "test.named" || !arrowarray.Equal(back.Column(0), storage) {
		t.Errorf("comes back as %v: %v", f, back.Column(0))
	}
	s := cdata.NewStructs()
	defer s.Close()
	lists := one(newNamed(arrow.ListOf(arrow.PrimitiveTypes.Int64)), "[[1, 2], null]")
	if err := cdata.ExportBatch(lists, s.Array(), s.Schema()); err == nil || !strings.Contains(err.Error(), `column "x"`) {
		t.Errorf("lists: %v, want an error that names the column", err)
	}
}
