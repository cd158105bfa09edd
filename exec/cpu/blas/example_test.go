package blas_test

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/darray-go/darray/exec/cpu/blas"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// gonum's matrices, and what its LAPACK solves with them, multiply by these kernels once they are in use.
func ExampleFloat64() {
	before := blas64.Implementation()
	blas64.Use(blas.Float64{Multiplier: blas.New[float64](0, kern.AVX512)})
	defer blas64.Use(before)

	a := mat.NewDense(2, 3, []float64{0, 1, 2, 3, 4, 5})
	b := mat.NewDense(3, 2, []float64{1, 0, 0, 1, 1, 1})
	var c mat.Dense
	c.Mul(a, b)
	fmt.Println(mat.Formatted(&c))
	// Output:
	// ⎡2  3⎤
	// ⎣8  9⎦
}
