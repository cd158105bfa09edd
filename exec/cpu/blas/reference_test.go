package blas_test

import (
	"math"
	"math/big"

	"github.com/darray-go/darray/exec/cpu/blas"
)

// reference is C = alpha*A*B + beta*C element by element, in the order that the package lays down: sums from zero over 256
// products, each joined to C.
func reference[T blas.Float](alpha T, a, b blas.Matrix[T], beta T, c blas.Matrix[T]) {
	for i := range c.Rows {
		for j := range c.Cols {
			out := &c.Data[i*c.Stride+j]
			switch {
			case beta == 0:
				*out = 0
			case beta != 1:
				*out *= beta
			}
			if alpha == 0 {
				continue
			}
			for p := 0; p < a.Cols; p += 256 {
				var sum T
				for q := p; q < min(a.Cols, p+256); q++ {
					sum = fma(at(a, i, q), at(b, q, j), sum)
				}
				*out = fma(alpha, sum, *out)
			}
		}
	}
}

func at[T blas.Float](x blas.Matrix[T], i, j int) T {
	if x.Transposed {
		return x.Data[j*x.Stride+i]
	}
	return x.Data[i*x.Stride+j]
}

// fma is x*y + z rounded once: by the standard library for float64. For float32 the product is exact in float64, and rounding the
// sum twice is rounding it once unless the first puts it in the middle of two float32: then, and where those lie closer or end,
// exact arithmetic.
func fma[T blas.Float](x, y, z T) T {
	if _, ok := any(x).(float64); ok {
		return T(math.FMA(float64(x), float64(y), float64(z)))
	}
	plain := float64(x)*float64(y) + float64(z)
	if math.IsNaN(plain) || math.IsInf(plain, 0) || plain == 0 { // no rounding in any of them
		return T(plain)
	}
	const behind, middle = 1<<29 - 1, 1 << 28 // of the 52 bits of a float64 those that a float32 does not have
	if size := math.Abs(plain); size >= 0x1p-126 && size < 0x1p127 && math.Float64bits(plain)&behind != middle {
		return T(plain)
	}
	exact := func(v T) *big.Float { return new(big.Float).SetFloat64(float64(v)) }
	product := new(big.Float).SetPrec(48).Mul(exact(x), exact(y))
	out, _ := new(big.Float).SetPrec(600).Add(product, exact(z)).Float32()
	return T(out)
}

// sameBits reports whether two numbers are the same, any two NaN being so.
func sameBits[T blas.Float](x, y T) bool {
	if x != x || y != y {
		return x != x && y != y
	}
	return x == y && math.Signbit(float64(x)) == math.Signbit(float64(y))
}
