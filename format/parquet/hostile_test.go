package parquet_test

import (
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/parquet"
	"github.com/darray-go/darray/internal/leak"
)

// TestHostile breaks small files of several kinds of columns, compressions, encodings and page versions, with checksums and without.
func TestHostile(t *testing.T) {
	leak.Check(t)
	text := arrow.BinaryTypes.String
	types := []arrow.DataType{
		arrow.PrimitiveTypes.Float64, arrow.PrimitiveTypes.Int16, arrow.FixedWidthTypes.Boolean, text,
		arrow.ListOf(text), &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: text},
	}
	batch := formattest.Batch(types, 20, true, 3)
	number := formattest.Batch(formattest.Numbers()[4:5], 40, true, 3)
	v2 := arrowparquet.WithDataPageVersion(arrowparquet.DataPageV2)
	delta := arrowparquet.WithEncoding(arrowparquet.Encodings.DeltaBinaryPacked)
	for name, data := range map[string][]byte{
		"checksums": formattest.Encode(t, parquet.Format, format.WriteOptions{BatchRows: 10}, batch),
		"V1":        library(t, batch, 20, arrowparquet.WithCompression(compress.Codecs.Snappy)),
		"V2":        library(t, batch, 20, v2, arrowparquet.WithCompression(compress.Codecs.Zstd)),
		"plain":     library(t, batch, 20, arrowparquet.WithDictionaryDefault(false)),
		"gzip":      library(t, number, 40, arrowparquet.WithCompression(compress.Codecs.Gzip)),
		"brotli":    library(t, number, 40, arrowparquet.WithCompression(compress.Codecs.Brotli)),
		"lz4":       library(t, number, 40, arrowparquet.WithCompression(compress.Codecs.Lz4Raw)),
		"delta":     library(t, number, 40, arrowparquet.WithDictionaryDefault(false), delta),
	} {
		t.Run(name, func(t *testing.T) { formattest.Hostile(t, parquet.Format, "a.parquet", data, 5) })
	}
}
