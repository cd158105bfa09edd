package arrowipc_test

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/arrowipc"
)

const benchRows = 16 << 20

// benchNumbers is a batch of columns of 16 Mi random float64 values, rounded to two decimals.
func benchNumbers(columns int) arrow.RecordBatch {
	rng := rand.New(rand.NewPCG(1, 2))
	xs := make([]float64, benchRows)
	for i := range xs {
		xs[i] = float64(rng.IntN(100_000)) / 100
	}
	b := arrowarray.NewData(arrow.PrimitiveTypes.Float64, benchRows, []*memory.Buffer{nil, memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(xs))}, nil, 0, 0)
	var fields []arrow.Field
	var all []arrow.Array
	for i := range columns {
		fields = append(fields, arrow.Field{Name: string(rune('a' + i)), Type: b.DataType()})
		all = append(all, arrowarray.MakeFromData(b))
	}
	return arrowarray.NewRecordBatch(arrow.NewSchema(fields, nil), all, benchRows)
}

// benchTexts is a batch of one column of 8 Mi strings of 1 to 22 bytes.
func benchTexts() arrow.RecordBatch {
	const text = "strings of some length"
	rng := rand.New(rand.NewPCG(1, 2))
	b := arrowarray.NewStringBuilder(memory.DefaultAllocator)
	for range benchRows / 2 {
		b.Append(text[:1+rng.IntN(len(text))])
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "s", Type: arrow.BinaryTypes.String}}, nil)
	return arrowarray.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, benchRows/2)
}

func benchBytes(r arrow.RecordBatch) (n int64) {
	for _, c := range r.Columns() {
		n += int64(c.Data().SizeInBytes())
	}
	return n
}

// benchFile writes a batch to a file.
func benchFile(b *testing.B, r arrow.RecordBatch, o format.WriteOptions) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "x.arrow")
	out, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	write(b, out, r, o)
	return path
}

func write(b *testing.B, w io.Writer, r arrow.RecordBatch, o format.WriteOptions) {
	b.Helper()
	e, err := format.Create(arrowipc.Format, w, r.Schema(), o)
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Write(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRead opens a file and reads all of it.
func BenchmarkRead(b *testing.B) {
	for name, r := range map[string]arrow.RecordBatch{"numbers": benchNumbers(4), "texts": benchTexts()} {
		for _, compression := range []string{"none", "lz4", "zstd"} {
			path := benchFile(b, r, format.WriteOptions{Compression: compression})
			b.Run(name+"/"+compression, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(benchBytes(r))
				for b.Loop() {
					in, err := format.OpenLocal(path, format.Options{})
					if err != nil {
						b.Fatal(err)
					}
					f, err := format.Open(b.Context(), arrowipc.Format, in, format.Options{})
					if err != nil {
						b.Fatal(err)
					}
					all := make([]int, f.Schema.NumFields())
					for i := range all {
						all[i] = i
					}
					if _, err := f.Read(b.Context(), all, 0, f.Rows); err != nil {
						b.Fatal(err)
					}
					if err := f.Close(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkBatch opens a file and reads one batch of it, which is a view.
func BenchmarkBatch(b *testing.B) {
	path := benchFile(b, benchNumbers(4), format.WriteOptions{})
	b.ReportAllocs()
	for b.Loop() {
		in, err := format.OpenLocal(path, format.Options{})
		if err != nil {
			b.Fatal(err)
		}
		f, err := format.Open(b.Context(), arrowipc.Format, in, format.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Read(b.Context(), []int{2}, 0, f.Batches[0]); err != nil {
			b.Fatal(err)
		}
		if err := f.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWrite writes to nowhere.
func BenchmarkWrite(b *testing.B) {
	for name, r := range map[string]arrow.RecordBatch{"numbers": benchNumbers(4), "texts": benchTexts()} {
		for _, compression := range []string{"none", "lz4", "zstd"} {
			b.Run(name+"/"+compression, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(benchBytes(r))
				for b.Loop() {
					write(b, io.Discard, r, format.WriteOptions{Compression: compression})
				}
			})
		}
	}
}
