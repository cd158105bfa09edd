package blas

import "github.com/darray-go/darray/exec/cpu/kern"

// kernel64 and kernel32 choose among the kernels of x86-64.
func kernel64(isa kern.ISA) kernel[float64] {
	switch isa {
	case kern.AVX512:
		return kernel[float64]{8, 24, simdRows, gemmFloat64AVX512}
	case kern.AVX2:
		return kernel[float64]{4, 12, simdRows, gemmFloat64AVX2}
	}
	return kernel[float64]{goSide, goSide, goRows, gemm64}
}

func kernel32(isa kern.ISA) kernel[float32] {
	switch isa {
	case kern.AVX512:
		return kernel[float32]{8, 48, simdRows, gemmFloat32AVX512}
	case kern.AVX2:
		return kernel[float32]{4, 24, simdRows, gemmFloat32AVX2}
	}
	return kernel[float32]{goSide, goSide, goRows, gemm32}
}
