package arrowipc_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/endian"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// TestRefusedRecords: what does not fit the schema is refused, and an encoder that has failed stays so.
func TestRefusedRecords(t *testing.T) {
	leak.Check(t)
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int8}}, nil)
	record := func(columns ...arrow.Array) arrow.RecordBatch {
		var fields []arrow.Field
		for i, c := range columns {
			fields = append(fields, arrow.Field{Name: fmt.Sprint("x", i), Type: c.DataType(), Nullable: true})
		}
		return arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(columns[0].Len()))
	}
	good := formattest.Random(arrow.PrimitiveTypes.Int8, 20, false, 1)
	for _, c := range []struct {
		r    arrow.RecordBatch
		kind error
		want string
	}{
		{record(good, good), array.ErrShape, "2 columns for a schema of 1"},
		{record(formattest.Random(arrow.PrimitiveTypes.Int16, 20, false, 1)), array.ErrDType, `column "x" is int16, the schema says int8`},
		{record(formattest.Random(arrow.PrimitiveTypes.Int8, 20, true, 1)), array.ErrNull, "the schema allows none"},
	} {
		e, err := format.Create(arrowipc.Format, io.Discard, schema, format.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Write(t.Context(), c.r); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
		if e.Write(t.Context(), record(good)) == nil || e.Close() == nil {
			t.Error("an encoder works after it has failed")
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	e, err := format.Create(arrowipc.Format, io.Discard, schema, format.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Write(ended, record(good)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	foreign := arrow.NewSchemaWithEndian(schema.Fields(), nil, endian.NonNativeEndian)
	if _, err := format.Create(arrowipc.Format, io.Discard, foreign, format.WriteOptions{}); err == nil || !strings.Contains(err.Error(), "the other byte order") {
		t.Error(err)
	}
	for o, want := range map[format.WriteOptions]string{
		{Compression: "gzip"}: `compression "gzip" is not of this format; use lz4, zstd or none`,
		{BatchRows: -1}:       "batches of -1 rows",
	} {
		if _, err := format.Create(arrowipc.Format, io.Discard, schema, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
}

// fullDisk accepts some bytes, then none.
type fullDisk struct{ left int }

var errFull = errors.New("no space left on device")

func (d *fullDisk) Write(p []byte) (int, error) {
	if len(p) > d.left {
		return 0, errFull
	}
	d.left -= len(p)
	return len(p), nil
}

// TestFullDisk fails a write after every so many bytes.
func TestFullDisk(t *testing.T) {
	leak.Check(t)
	batch := sample(smallTypes(), true, 100)[0]
	whole := len(formattest.Encode(t, arrowipc.Format, format.WriteOptions{BatchRows: 64}, batch))
	for space := range whole + 1 {
		e, err := format.Create(arrowipc.Format, &fullDisk{space}, batch.Schema(), format.WriteOptions{BatchRows: 64})
		if err == nil {
			err = errors.Join(e.Write(t.Context(), batch), e.Close())
		}
		if errors.Is(err, errFull) != (space < whole) {
			t.Errorf("%d bytes of %d: %v", space, whole, err)
		}
	}
}

// TestBatchSizes: without BatchRows a batch takes about 64 MiB, of multiples of 64 rows, whatever the columns.
func TestBatchSizes(t *testing.T) {
	leak.Check(t)
	if testing.Short() {
		t.Skip("takes gigabytes under the race detector; run it without -short")
	}
	const rows = 9601
	long := strings.Repeat("x", 16<<10)
	b := arrowarray.NewStringBuilder(memory.DefaultAllocator)
	for range rows {
		b.Append(long)
	}
	list := arrowarray.NewListBuilder(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64)
	for range rows {
		list.Append(true)
		list.ValueBuilder().(*arrowarray.Int64Builder).Append(1)
	}
	columns := []arrow.Array{b.NewArray(), list.NewArray()}
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: columns[0].DataType()}, {Name: "l", Type: columns[1].DataType()}}, nil)
	data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, arrowarray.NewRecordBatch(schema, columns, rows))
	f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
	for i, n := range f.Batches {
		if size := n * (16<<10 + 18); size > 65<<20 || i < len(f.Batches)-1 && (n%64 != 0 || size < 60<<20) {
			t.Errorf("batch %d has %d rows, %d bytes", i, n, size)
		}
	}
	if err := formattest.Equal(read(t, f, 0, 0, f.Rows), columns[0]); err != nil {
		t.Error(err)
	}
}

// TestNotQuadratic: batches hold what their rows refer to, and not all that the record has.
func TestNotQuadratic(t *testing.T) {
	leak.Check(t)
	for _, typ := range everyType() {
		whole := formattest.Batch([]arrow.DataType{typ}, 20_000, true, 1)
		size := func(rows int) int {
			return len(formattest.Encode(t, arrowipc.Format, format.WriteOptions{BatchRows: rows}, whole))
		}
		if one, many := size(0), size(200); many > 2*one+100*2000 {
			t.Errorf("%s: %d bytes in one batch, %d in a hundred", typ, one, many)
		}
	}
}

// TestSlicesOverExactMemory writes slices of arrays whose buffers end where their rows do, as those of a mapped file.
func TestSlicesOverExactMemory(t *testing.T) {
	leak.Check(t)
	batches := sample(everyType(), true, 333)
	f := formattest.Open(t, arrowipc.Format, "x.arrow", formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, batches...), format.Options{})
	all := make([]int, f.Schema.NumFields())
	for i := range all {
		all[i] = i
	}
	var again []arrow.RecordBatch
	for _, span := range [][2]int{{0, 1}, {1, 100}, {100, 332}, {332, 333}} {
		columns, err := f.Read(t.Context(), all, span[0], span[1])
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, arrowarray.NewRecordBatch(f.Schema, columns, int64(span[1]-span[0])))
	}
	data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{Compression: "lz4"}, again...)
	g := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
	for c := range all {
		if err := formattest.Equal(read(t, g, c, 0, 333), batches[0].Column(c)); err != nil {
			t.Errorf("%s: %v", f.Schema.Field(c).Type, err)
		}
	}
	if bytes.Count(data, []byte("ARROW1")) < 2 {
		t.Error("the file has no magic at its ends")
	}
}

// TestExtensions: an extension type is carried by its storage, with the metadata that names it.
func TestExtensions(t *testing.T) {
	leak.Check(t)
	meta := arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"some.type", "{}"})
	schema := arrow.NewSchema([]arrow.Field{{Name: "e", Type: arrow.PrimitiveTypes.Int32, Nullable: true, Metadata: meta}}, &meta)
	column := formattest.Random(arrow.PrimitiveTypes.Int32, 10, true, 1)
	data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{}, arrowarray.NewRecordBatch(schema, []arrow.Array{column}, 10))
	f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
	if !f.Schema.Equal(schema) || !f.Schema.Field(0).Metadata.Equal(meta) || !f.Schema.Metadata().Equal(meta) {
		t.Errorf("%s, want %s", f.Schema, schema)
	}
	if err := formattest.Equal(read(t, f, 0, 0, 10), column); err != nil {
		t.Error(err)
	}
}

// mark is an extension type.
type mark struct{ arrow.ExtensionBase }

type markArray struct{ arrowarray.ExtensionArrayBase }

func (*mark) ArrayType() reflect.Type { return reflect.TypeFor[markArray]() }
func (*mark) ExtensionName() string   { return "darray.mark" }
func (*mark) Serialize() string       { return "" }
func (m *mark) String() string        { return "extension<darray.mark>" }
func (m *mark) ExtensionEquals(t arrow.ExtensionType) bool {
	return t.ExtensionName() == m.ExtensionName()
}

func (*mark) Deserialize(storage arrow.DataType, _ string) (arrow.ExtensionType, error) {
	return &mark{arrow.ExtensionBase{Storage: storage}}, nil
}

// TestRegisteredExtension: a type that the program knows comes back as that type, alone and in lists, over several batches.
func TestRegisteredExtension(t *testing.T) {
	leak.Check(t)
	uuid := &mark{arrow.ExtensionBase{Storage: &arrow.FixedSizeBinaryType{ByteWidth: 16}}}
	if err := arrow.RegisterExtensionType(uuid); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := arrow.UnregisterExtensionType(uuid.ExtensionName()); err != nil {
			t.Error(err)
		}
	}()
	stored := formattest.Random(uuid.StorageType(), 100, true, 1)
	column := arrowarray.NewExtensionArrayWithStorage(uuid, stored)
	lists := formattest.Random(arrow.ListOf(uuid.StorageType()), 100, true, 2).Data()
	typ := arrow.ListOf(uuid)
	elements := arrowarray.NewExtensionArrayWithStorage(uuid, arrowarray.MakeFromData(lists.Children()[0]))
	listed := arrowarray.MakeFromData(arrowarray.NewData(typ, 100, lists.Buffers(), []arrow.ArrayData{elements.Data()}, lists.NullN(), 0))
	schema := arrow.NewSchema([]arrow.Field{{Name: "u", Type: uuid, Nullable: true}, {Name: "l", Type: typ, Nullable: true}}, nil)
	batch := arrowarray.NewRecordBatch(schema, []arrow.Array{column, listed}, 100)
	for _, compression := range []string{"none", "zstd"} {
		data := formattest.Encode(t, arrowipc.Format, format.WriteOptions{BatchRows: 30, Compression: compression}, batch)
		f := formattest.Open(t, arrowipc.Format, "x.arrow", data, format.Options{})
		for c := range 2 {
			for _, span := range [][2]int{{0, 100}, {5, 20}, {25, 70}} {
				if err := formattest.Equal(read(t, f, c, span[0], span[1]), arrowarray.NewSlice(batch.Column(c), int64(span[0]), int64(span[1]))); err != nil {
					t.Errorf("%s %v: %v", schema.Field(c).Type, span, err)
				}
			}
		}
	}
}
