//go:build !amd64

package blas

import "github.com/darray-go/darray/exec/cpu/kern"

func kernel64(kern.ISA) kernel[float64] { return kernel[float64]{goSide, goSide, goRows, gemm64} }

func kernel32(kern.ISA) kernel[float32] { return kernel[float32]{goSide, goSide, goRows, gemm32} }
