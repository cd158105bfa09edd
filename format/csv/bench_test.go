package csv_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/format/csv"
	"github.com/darray-go/darray/format/formattest"
)

// sampleText is about 200 MB of four columns, each value made by add.
func sampleText(add func(r *rand.Rand, b []byte) []byte) []byte {
	const size = 200_000_000
	r := rand.New(rand.NewPCG(1, 1))
	b := append(make([]byte, 0, size+1000), "a,b,c,d\n"...)
	for len(b) < size {
		for c := range 4 {
			if c > 0 {
				b = append(b, ',')
			}
			b = add(r, b)
		}
		b = append(b, '\n')
	}
	return b
}

// texts are what is measured.
var texts = []struct {
	name string
	add  func(r *rand.Rand, b []byte) []byte
}{
	{"float2", func(r *rand.Rand, b []byte) []byte {
		return strconv.AppendFloat(b, float64(r.IntN(2_000_000)-1_000_000)/100, 'f', 2, 64)
	}},
	{"float17", func(r *rand.Rand, b []byte) []byte { return strconv.AppendFloat(b, r.NormFloat64(), 'g', -1, 64) }},
	{"int", func(r *rand.Rand, b []byte) []byte {
		return strconv.AppendInt(b, int64(r.IntN(2_000_000_000)-1_000_000_000), 10)
	}},
	{"string", func(r *rand.Rand, b []byte) []byte { return append(b, "some words of text"[:5+r.IntN(13)]...) }},
	{"quoted", func(r *rand.Rand, b []byte) []byte {
		return append(append(append(b, '"'), "some, words of text"[:5+r.IntN(14)]...), '"')
	}},
	{"time", func(r *rand.Rand, b []byte) []byte {
		return fmt.Appendf(b, "2012-%02d-%02dT12:34:%02d", 1+r.IntN(12), 1+r.IntN(28), r.IntN(60))
	}},
}

// BenchmarkOpen counts the records and samples them.
func BenchmarkOpen(b *testing.B) {
	for _, c := range texts {
		b.Run(c.name, func(b *testing.B) {
			data := sampleText(c.add)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				f, err := format.Open(b.Context(), csv.Format, format.Memory("x.csv", data), format.Options{})
				if err != nil {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
}

// BenchmarkRead parses all columns, and one of the four.
func BenchmarkRead(b *testing.B) {
	for _, c := range texts {
		data := sampleText(c.add)
		f := formattest.Open(b, csv.Format, "x.csv", data, format.Options{})
		for _, columns := range [][]int{{0, 1, 2, 3}, {1}} {
			b.Run(fmt.Sprintf("%s/%d", c.name, len(columns)), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := f.Read(b.Context(), columns, 0, f.Rows); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkWrite writes what was read; its bytes are those of the text.
func BenchmarkWrite(b *testing.B) {
	for _, c := range texts {
		data := sampleText(c.add)
		f := formattest.Open(b, csv.Format, "x.csv", data, format.Options{})
		columns, err := f.Read(b.Context(), []int{0, 1, 2, 3}, 0, f.Rows)
		if err != nil {
			b.Fatal(err)
		}
		batch := newBatch(f.Schema, columns, f.Rows)
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				e, err := format.Create(csv.Format, io.Discard, f.Schema, format.WriteOptions{})
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

func newBatch(s *arrow.Schema, columns []arrow.Array, rows int) arrow.RecordBatch {
	return arrowarray.NewRecordBatch(s, columns, int64(rows))
}
