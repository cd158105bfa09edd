package parquet_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/klauspost/compress/zstd"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/internal/leak"
)

// onePage is a file of one column that cannot be null, with one V1 page whose bytes are given; unpacked is 0 for their number.
func onePage(t *testing.T, d arrow.DataType, codec compress.Compression, values, unpacked int, encoding arrowparquet.Encoding, body []byte) []byte {
	t.Helper()
	if unpacked == 0 {
		unpacked = len(body)
	}
	batch := formattest.Batch([]arrow.DataType{d}, 10, false, 1)
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: d}}, nil)
	data := library(t, arrowarray.NewRecordBatch(schema, batch.Columns(), 10), 10, arrowparquet.WithDictionaryDefault(false))
	page := []byte{0x15, 0x00} // data page
	for _, v := range []int{unpacked, len(body)} {
		page = binary.AppendUvarint(append(page, 0x15), uint64(v)<<1)
	}
	page = binary.AppendUvarint(append(page, 0x2c, 0x15), uint64(values)<<1)
	page = append(page, 0x15, byte(encoding)<<1, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00)
	page = append(page, body...)
	_, at := footer(t, data)
	return withFooter(t, append(append([]byte("PAR1"), page...), data[at:]...), func(m *metadata.FileMetaData) {
		c := m.RowGroups[0].Columns[0].MetaData
		c.DataPageOffset, c.DictionaryPageOffset, c.TotalCompressedSize, c.NumValues = 4, nil, int64(len(page)), int64(values)
		c.TotalUncompressedSize = int64(len(page) + unpacked)
		c.Codec = 0
		if codec == compress.Codecs.Zstd {
			c.Codec = 6
		} else if codec == compress.Codecs.Snappy {
			c.Codec = 1
		}
		m.RowGroups[0].NumRows, m.NumRows = int64(values), int64(values)
	})
}

func uvarints(v ...uint64) (b []byte) {
	for _, x := range v {
		b = binary.AppendUvarint(b, x)
	}
	return b
}

// TestBombs: few bytes that stand for gigabytes are errors, and take no more memory than the budget allows.
func TestBombs(t *testing.T) {
	leak.Check(t)
	e := arrowparquet.Encodings
	number, text := arrow.PrimitiveTypes.Int64, arrow.BinaryTypes.String
	const budget = 32 << 20
	var zeros bytes.Buffer
	w, err := zstd.NewWriter(&zeros)
	if err != nil {
		t.Fatal(err)
	}
	for range 256 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"a block of 2^32 deltas", onePage(t, number, 0, 100, 0, e.DeltaBinaryPacked, append(uvarints(1<<32-128, 1, 100, 0, 0), make([]byte, 16)...)), "deltas"},
		{"lengths in a block of 2^31", onePage(t, text, 0, 100, 0, e.DeltaLengthByteArray, append(uvarints(1<<31, 1, 100, 0, 0), make([]byte, 16)...)), "deltas"},
		{"2^30 lengths", onePage(t, text, 0, 1<<27, 0, e.DeltaLengthByteArray, append(uvarints(1<<16, 1, 1<<27, 0, 0), make([]byte, 16)...)), "budget"},
		{"2^31 rows", onePage(t, number, 0, 1<<31-1, 80, e.Plain, make([]byte, 80)), "budget"},
		{"too few values", onePage(t, number, 0, 100, 80, e.Plain, make([]byte, 80)), "fewer values"},
		{"a page of 2 GiB", onePage(t, number, compress.Codecs.Zstd, 10, 1<<31-1, e.Plain, zeros.Bytes()), "budget"},
		{"a page that unpacks to more", onePage(t, number, compress.Codecs.Zstd, 10, 80, e.Plain, zeros.Bytes()), "unpack"},
		{"a page that says it unpacks to more", onePage(t, number, compress.Codecs.Snappy, 10, 80, e.Plain, uvarints(1<<32-1, 0, 0)), "unpack"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := readAll(t.Context(), c.data, format.Options{Budget: budget})
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 3*budget {
			t.Errorf("%s: took %d bytes", c.name, took)
		}
	}
	// 3000 values, each of which is the one before and a byte more.
	const n = 3000
	prefixes := uvarints(1<<14, 32, n, 0) // one block of 32 times 512 deltas
	prefixes = append(prefixes, uvarints(2)...)
	prefixes = append(prefixes, make([]byte, 32)...)
	suffixes := append(uvarints(1<<14, 32, n, 2, 0), make([]byte, 32)...)
	grow := append(append(prefixes, suffixes...), bytes.Repeat([]byte("x"), n)...)
	data := onePage(t, text, 0, n, 0, e.DeltaByteArray, grow)
	if err := readAll(t.Context(), data, format.Options{Budget: 4 << 20}); err == nil || !strings.Contains(err.Error(), "budget") {
		t.Errorf("texts that grow beyond the budget: %v", err)
	}
	if err := readAll(t.Context(), data, format.Options{Budget: budget}); err != nil {
		t.Errorf("texts that grow: %v", err)
	}
}
