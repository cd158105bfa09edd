package blas

import (
	"math"

	"github.com/darray-go/darray/exec/cpu/kern"
)

// kernel multiplies a panel of A, rows high, by a panel of B, cols wide, into a tile of C: with sums s = 0 and
// s = FMA(a[p*rows+i], b[p*cols+j], s) for p in 0..k, c[i*stride+j] = FMA(alpha, s, c[i*stride+j]), or FMA(alpha, s, 0)
// without add.
type kernel[T Float] struct {
	rows, cols int // multiples of 4
	taskRows   int // rows of C in a task at most: some milliseconds
	run        func(k int, alpha T, a, b, c []T, stride int, add bool)
}

// kernelOf is the kernel of an instruction set.
func kernelOf[T Float](isa kern.ISA) kernel[T] {
	var k kernel[T]
	switch k := any(&k).(type) {
	case *kernel[float64]:
		*k = kernel64(isa)
	case *kernel[float32]:
		*k = kernel32(isa)
	}
	return k
}

const (
	goSide   = 4   // of the tile of the kernels in Go
	goRows   = 32  // of a task in Go
	simdRows = 512 // of a task in AVX2 and AVX-512
)

// gemm64 is the kernel in Go.
func gemm64(k int, alpha float64, a, b, c []float64, stride int, add bool) {
	for i := range goSide {
		var s0, s1, s2, s3 float64
		for p := range k {
			x, y := a[p*goSide+i], (*[goSide]float64)(b[p*goSide:])
			s0, s1, s2, s3 = math.FMA(x, y[0], s0), math.FMA(x, y[1], s1), math.FMA(x, y[2], s2), math.FMA(x, y[3], s3)
		}
		row := (*[goSide]float64)(c[i*stride:])
		if !add {
			*row = [goSide]float64{}
		}
		for j, s := range [goSide]float64{s0, s1, s2, s3} {
			row[j] = math.FMA(alpha, s, row[j])
		}
	}
}

// gemm32 is the kernel in Go.
func gemm32(k int, alpha float32, a, b, c []float32, stride int, add bool) {
	for i := range goSide {
		var s0, s1, s2, s3 float32
		for p := range k {
			x, y := a[p*goSide+i], (*[goSide]float32)(b[p*goSide:])
			s0, s1, s2, s3 = fma32(x, y[0], s0), fma32(x, y[1], s1), fma32(x, y[2], s2), fma32(x, y[3], s3)
		}
		row := (*[goSide]float32)(c[i*stride:])
		if !add {
			*row = [goSide]float32{}
		}
		for j, s := range [goSide]float32{s0, s1, s2, s3} {
			row[j] = fma32(alpha, s, row[j])
		}
	}
}

// fma32 is x*y + z, rounded once. In float64 the product is exact and the sum rounds, then a float32 rounds again: wrong
// only where the first rounding lands in the middle between two float32, whose low 28 bits are zero.
func fma32(x, y, z float32) float32 {
	sum := float64(x)*float64(y) + float64(z)
	if bits := math.Float64bits(sum); bits&(1<<28-1) != 0 {
		return float32(sum)
	}
	return offMiddle(float64(x)*float64(y), float64(z), sum)
}

// offMiddle is sum, which is x+y rounded, as float32, rounded as if sum were exact: what was rounded off (Knuth's two-sum)
// decides to which side of the middle it goes.
func offMiddle(x, y, sum float64) float32 {
	part := sum - x
	lost := (x - (sum - part)) + (y - part)
	switch {
	case lost > 0:
		sum = math.Nextafter(sum, math.Inf(1))
	case lost < 0:
		sum = math.Nextafter(sum, math.Inf(-1))
	}
	return float32(sum)
}
