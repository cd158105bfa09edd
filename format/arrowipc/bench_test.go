package arrowipc_test

import (
	"path/filepath"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format/arrowipc"
)

// BenchmarkRead reads a column of 8 Mi float64 values, rounded to two decimals, out of four batches.
func BenchmarkRead(b *testing.B) {
	xs := make([]float64, 8<<20)
	for i := range xs {
		xs[i] = float64(i*7919%100_003) / 100
	}
	column, err := array.FromSlice(xs)
	if err != nil {
		b.Fatal(err)
	}
	for _, compression := range []string{"", "lz4", "zstd"} {
		path := filepath.Join(b.TempDir(), "x.arrow")
		o := arrowipc.WriteOptions{Compression: compression, BatchBytes: 16 << 20}
		if err := arrowipc.WriteFile(b.Context(), path, []string{"x"}, []*array.Block{column}, o); err != nil {
			b.Fatal(err)
		}
		f := open(b, path, arrowipc.Options{})
		for _, r := range []struct {
			name   string
			lo, hi int
		}{{"all", 0, f.Rows}, {"batch", 0, f.Batches[0]}, {"half", f.Rows / 32, f.Rows / 16}} {
			b.Run(compression+" "+r.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(8 * int64(r.hi-r.lo))
				for b.Loop() {
					if _, err := f.Read(b.Context(), 0, r.lo, r.hi); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
