package parquet_test

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/parquet"
)

// benchRows of four columns are 268 MB of values.
const benchRows = 8 << 20

// benchBatch is rows of four columns of prices: two decimals, in a wide range.
func benchBatch(n int, seed uint64) arrow.RecordBatch {
	r := rand.New(rand.NewPCG(seed, 7))
	fields := make([]arrow.Field, 4)
	columns := make([]arrow.Array, 4)
	for i := range fields {
		fields[i] = arrow.Field{Name: string(rune('a' + i)), Type: arrow.PrimitiveTypes.Float64, Nullable: true}
		b := arrowarray.NewFloat64Builder(memory.DefaultAllocator)
		b.Reserve(n)
		for range n {
			b.UnsafeAppend(math.Round(r.Float64()*1e8) / 100)
		}
		columns[i] = b.NewArray()
	}
	return arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(n))
}

// benchFile writes benchRows, once a compression; DARRAY_BENCH_DIR keeps the files, for other programs to read.
func benchFile(b *testing.B, codec string) string {
	dir := os.Getenv("DARRAY_BENCH_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	path := filepath.Join(dir, codec+".parquet")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	batch := benchBatch(1<<20, 1)
	e, err := format.Create(parquet.Format, w, batch.Schema(), format.WriteOptions{Compression: codec})
	if err != nil {
		b.Fatal(err)
	}
	for i := range benchRows >> 20 {
		if err := e.Write(b.Context(), benchBatch(1<<20, uint64(i))); err != nil {
			b.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkRead opens a file and reads all rows of one column or four; SetBytes counts their values.
func BenchmarkRead(b *testing.B) {
	for _, codec := range []string{"none", "snappy", "zstd"} {
		path := benchFile(b, codec)
		for _, columns := range [][]int{{1}, {0, 1, 2, 3}} {
			b.Run(fmt.Sprintf("%s/%d", codec, len(columns)), func(b *testing.B) {
				b.SetBytes(int64(benchRows * 8 * len(columns)))
				b.ReportAllocs()
				for b.Loop() {
					in, err := format.OpenLocal(path, format.Options{})
					if err != nil {
						b.Fatal(err)
					}
					file, err := format.Open(b.Context(), parquet.Format, in, format.Options{})
					if err != nil {
						b.Fatal(err)
					}
					if _, err := file.Read(b.Context(), columns, 0, file.Rows); err != nil {
						b.Fatal(err)
					}
					if err := file.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkWrite writes a million rows of four columns to nowhere.
func BenchmarkWrite(b *testing.B) {
	batch := benchBatch(1<<20, 1)
	for _, o := range []format.WriteOptions{{Compression: "none"}, {}, {Compression: "zstd"}, {Compression: "none", Plain: true}} {
		b.Run(fmt.Sprintf("%s/plain=%v", o.Compression, o.Plain), func(b *testing.B) {
			b.SetBytes(4 << 23)
			b.ReportAllocs()
			for b.Loop() {
				e, err := format.Create(parquet.Format, io.Discard, batch.Schema(), o)
				if err != nil {
					b.Fatal(err)
				}
				if err := e.Write(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
