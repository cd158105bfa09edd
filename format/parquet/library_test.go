package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// library writes a file by the library alone, without checksums: page versions and encodings that this package does not write.
func library(t testing.TB, batch arrow.RecordBatch, rows int, o ...arrowparquet.WriterProperty) []byte {
	t.Helper()
	var out bytes.Buffer
	o = append([]arrowparquet.WriterProperty{arrowparquet.WithMaxRowGroupLength(int64(rows)), arrowparquet.WithVersion(arrowparquet.V2_LATEST)}, o...)
	w, err := pqarrow.NewFileWriter(batch.Schema(), &out, arrowparquet.NewWriterProperties(o...), pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.WriteBuffered(batch); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// reference reads a file by the library alone.
func reference(t testing.TB, data []byte) arrow.Table {
	t.Helper()
	table, err := pqarrow.ReadTable(t.Context(), bytes.NewReader(data), arrowparquet.NewReaderProperties(nil), pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// withLibrary are the types that the library both writes and reads.
func withLibrary() []arrow.DataType {
	var all []arrow.DataType
	for _, d := range held() {
		if d.ID() != arrow.DURATION && d.ID() != arrow.FIXED_SIZE_LIST {
			all = append(all, d)
		}
	}
	return all
}

// TestLibrary reads files of small pages in all encodings, page versions and codecs, every run of rows between the edges of pages and row
// groups, and compares with the library's own reader.
func TestLibrary(t *testing.T) {
	leak.Check(t)
	e := arrowparquet.Encodings
	small := []arrowparquet.WriterProperty{arrowparquet.WithDataPageSize(100), arrowparquet.WithBatchSize(7)}
	number, floats, texts := formattest.Numbers()[2:9], formattest.Numbers()[9:], formattest.Texts()[:2]
	for _, c := range []struct {
		name  string
		types []arrow.DataType
		o     []arrowparquet.WriterProperty
	}{
		{"dictionary", withLibrary(), nil},
		{"dictionary that ends", withLibrary(), []arrowparquet.WriterProperty{arrowparquet.WithDictionaryPageSizeLimit(60)}},
		{"plain", withLibrary(), []arrowparquet.WriterProperty{arrowparquet.WithDictionaryDefault(false)}},
		{"delta", number, []arrowparquet.WriterProperty{arrowparquet.WithDictionaryDefault(false), arrowparquet.WithEncoding(e.DeltaBinaryPacked)}},
		{"stream split", append(floats, number...), []arrowparquet.WriterProperty{arrowparquet.WithDictionaryDefault(false), arrowparquet.WithEncoding(e.ByteStreamSplit)}},
		{"runs", formattest.Numbers()[:1], []arrowparquet.WriterProperty{arrowparquet.WithDictionaryDefault(false), arrowparquet.WithEncoding(e.RLE)}},
		{"delta lengths", texts, []arrowparquet.WriterProperty{arrowparquet.WithDictionaryDefault(false), arrowparquet.WithEncoding(e.DeltaLengthByteArray)}},
		{"delta texts", texts, []arrowparquet.WriterProperty{arrowparquet.WithDictionaryDefault(false), arrowparquet.WithEncoding(e.DeltaByteArray)}},
	} {
		for _, page := range []struct {
			version arrowparquet.DataPageVersion
			codec   compress.Compression
			nulls   bool
		}{
			{arrowparquet.DataPageV1, compress.Codecs.Uncompressed, true},
			{arrowparquet.DataPageV1, compress.Codecs.Snappy, false},
			{arrowparquet.DataPageV2, compress.Codecs.Zstd, true},
			{arrowparquet.DataPageV2, compress.Codecs.Uncompressed, false},
		} {
			if testing.Short() && !page.nulls {
				continue
			}
			t.Run(fmt.Sprintf("%s/%+v", c.name, page), func(t *testing.T) {
				o := append(append(small[:2:2], arrowparquet.WithDataPageVersion(page.version), arrowparquet.WithCompression(page.codec)), c.o...)
				checkLibrary(t, library(t, formattest.Batch(c.types, 100, page.nulls, 4), 45, o...))
			})
		}
	}
}

// checkLibrary compares every run of rows near edges.
func checkLibrary(t *testing.T, data []byte) {
	t.Helper()
	want := reference(t, data)
	file := formattest.Open(t, parquet.Format, "a.parquet", data, format.Options{})
	all := make([]int, file.Schema.NumFields())
	whole := make([]arrow.Array, len(all))
	for i := range all {
		all[i] = i
		var err error
		if whole[i], err = format.Concat(want.Column(i).Data().Chunks()); err != nil {
			t.Fatal(err)
		}
	}
	edges := []int{0, 1, 6, 7, 8, 15, 28, 44, 45, 46, 89, 90, 91, 99, 100}
	for _, lo := range edges {
		for _, hi := range edges {
			if hi < lo {
				continue
			}
			got, err := file.Read(t.Context(), all, lo, hi)
			if err != nil {
				t.Fatalf("rows [%d, %d): %v", lo, hi, err)
			}
			for i := range got {
				if err := formattest.Equal(got[i], arrowarray.NewSlice(whole[i], int64(lo), int64(hi))); err != nil {
					t.Fatalf("rows [%d, %d) of %s: %v", lo, hi, file.Schema.Field(i).Type, err)
				}
			}
		}
	}
}

// TestOldTimes reads timestamps in twelve bytes, as old programs (Impala, Spark) write them: nanoseconds of a day and the day, of UTC.
func TestOldTimes(t *testing.T) {
	leak.Check(t)
	b := arrowarray.NewTimestampBuilder(memory.DefaultAllocator, arrow.FixedWidthTypes.Timestamp_ns.(*arrow.TimestampType))
	for _, v := range []int64{0, 1, -1, 1_700_000_000_123_456_789, -1_700_000_000_123_456_789, 86_400_000_000_000, -86_400_000_000_000} {
		b.Append(arrow.Timestamp(v))
		b.AppendNull()
	}
	times := b.NewArray()
	s := arrow.NewSchema([]arrow.Field{{Name: "at", Type: times.DataType(), Nullable: true}}, nil)
	for _, dictionary := range []bool{false, true} {
		var out bytes.Buffer
		w, err := pqarrow.NewFileWriter(s, &out, arrowparquet.NewWriterProperties(arrowparquet.WithDictionaryDefault(dictionary)),
			pqarrow.NewArrowWriterProperties(pqarrow.WithDeprecatedInt96Timestamps(true)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.WriteBuffered(arrowarray.NewRecordBatch(s, []arrow.Array{times}, int64(times.Len()))), w.Close()); err != nil {
			t.Fatal(err)
		}
		file := formattest.Open(t, parquet.Format, "a.parquet", out.Bytes(), format.Options{})
		for lo := range times.Len() {
			if err := formattest.Equal(read(t, file, 0, lo, file.Rows), arrowarray.NewSlice(times, int64(lo), int64(times.Len()))); err != nil {
				t.Fatalf("from row %d: %v", lo, err)
			}
		}
	}
}

// TestRequired reads columns that cannot be null.
func TestRequired(t *testing.T) {
	leak.Check(t)
	nullable := formattest.Batch(withLibrary(), 100, false, 8)
	var fields []arrow.Field
	var columns []arrow.Array
	for i, f := range nullable.Schema().Fields() {
		if f.Type.ID() == arrow.NULL {
			continue
		}
		f.Nullable = false
		fields, columns = append(fields, f), append(columns, nullable.Column(i))
	}
	batch := arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 100)
	for _, version := range []arrowparquet.DataPageVersion{arrowparquet.DataPageV1, arrowparquet.DataPageV2} {
		for _, dictionary := range []bool{false, true} {
			checkLibrary(t, library(t, batch, 45, arrowparquet.WithDataPageSize(100), arrowparquet.WithBatchSize(7),
				arrowparquet.WithCompression(compress.Codecs.Zstd), arrowparquet.WithDataPageVersion(version), arrowparquet.WithDictionaryDefault(dictionary)))
		}
	}
}
