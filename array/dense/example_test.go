package dense_test

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/array/dense"
)

// A collected block is solved for by gonum, and the solution goes on as a block, all over the same memory.
func Example() {
	b, err := array.FromSlice([]float64{2, 1, 1, 3}, 2, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := dense.Matrix(b)
	if err != nil {
		fmt.Println(err)
		return
	}
	var x mat.VecDense
	if err := x.SolveVec(m, mat.NewVecDense(2, []float64{4, 7})); err != nil {
		fmt.Println(err)
		return
	}
	solution, err := dense.Block(&x)
	if err != nil {
		fmt.Println(err)
		return
	}
	values, err := array.Values[float64](solution)
	fmt.Printf("%.1f %v\n", values, err)
	// Output: [1.0 2.0] <nil>
}
