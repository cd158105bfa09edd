package blas

// FMA32 is the fused multiply-add of float32 in Go.
var FMA32 = fma32
