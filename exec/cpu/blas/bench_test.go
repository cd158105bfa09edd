package blas_test

import (
	"fmt"
	"testing"

	"github.com/darray-go/darray/exec/cpu/blas"
	"github.com/darray-go/darray/exec/cpu/kern"
)

func BenchmarkMultiply(b *testing.B) {
	b.Run("float64", benchmarkMultiply[float64])
	b.Run("float32", benchmarkMultiply[float32])
}

func benchmarkMultiply[T blas.Float](b *testing.B) {
	for _, n := range []int{8, 64, 256, 1024, 2048, 4096} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%d/t%d", n, threads), func(b *testing.B) {
				m := blas.New[T](threads, kern.AVX512)
				x, y, z := random[T](n, n), random[T](n, n), random[T](n, n)
				b.ReportAllocs()
				for b.Loop() {
					if err := m.Multiply(b.Context(), 1, x, y, 0, z); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(2*float64(n)*float64(n)*float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
