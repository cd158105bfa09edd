package npy_test

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/formattest"
	"github.com/darray-go/darray/format/npy"
)

const benchRows, benchColumns = 8000, 4000

// benchFile is an array of 256 MB with zeros in a file, in one of the orders.
func benchFile(b *testing.B, descr, fortran string) string {
	path := filepath.Join(b.TempDir(), "x.npy")
	text := "{'descr': '" + descr + "', 'fortran_order': " + fortran + ", 'shape': (" + strconv.Itoa(benchRows) + ", " + strconv.Itoa(benchColumns) + "), }"
	for (len(text)+10)%64 != 0 {
		text += " "
	}
	data := written(text, 8*benchRows*benchColumns)
	for i := 128; i < len(data); i += 64 {
		data[i] = byte(i >> 6)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// BenchmarkRead opens and reads 8000 rows of 4000 float64: views, transposed, and with bytes turned round.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct{ name, descr, fortran string }{{"mapped", "<f8", "False"}, {"fortran", "<f8", "True"}, {"big-endian", ">f8", "False"}} {
		b.Run(c.name, func(b *testing.B) {
			path := benchFile(b, c.descr, c.fortran)
			b.SetBytes(8 * benchRows * benchColumns)
			b.ReportAllocs()
			for b.Loop() {
				in, err := format.OpenLocal(path, format.Options{})
				if err != nil {
					b.Fatal(err)
				}
				f, err := format.Open(b.Context(), npy.Format, in, format.Options{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := f.Read(b.Context(), []int{0}, 0, f.Rows); err != nil {
					b.Fatal(err)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkWrite writes 8 Mi float64 values and the bool ones of as many to nowhere.
func BenchmarkWrite(b *testing.B) {
	const n = 8 << 20
	for _, t := range []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Boolean} {
		for _, f := range []format.Format{npy.Format, npy.Zip} {
			b.Run(t.String()+" "+f.Name, func(b *testing.B) {
				data := arrowarray.NewData(t, n, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, 8*n))}, nil, 0, 0)
				column := arrowarray.MakeFromData(data)
				batch := arrowarray.NewRecordBatch(formattest.Batch([]arrow.DataType{t}, 0, false, 1).Schema(), []arrow.Array{column}, n)
				b.SetBytes(int64(n * t.(arrow.FixedWidthDataType).BitWidth() / 8))
				b.ReportAllocs()
				for b.Loop() {
					e, err := format.Create(f, io.Discard, batch.Schema(), format.WriteOptions{Rows: n})
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
}
