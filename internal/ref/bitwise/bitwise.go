// Package bitwise is package ref with the bits of exec/cpu/vmath: what a graph gives where the functions that are not
// rounded correctly have the values that they have in Go. Tests that compare bits take it in the place of ref; by how much
// those values miss the exact ones is measured by exec/cpu/vmath's own tests.
package bitwise

import (
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/ref"
)

// Eval computes n as ref.Eval does.
func Eval(n *array.Node) (*array.Block, error) {
	return ref.EvalWith(n, Library(kern.New(kern.Go)))
}

// Library is the functions of a set of loops, one element at a time.
func Library(set *kern.Set) ref.Library {
	return func(op array.Op, d array.DType, x, y float64) float64 {
		loop := set.Element(op, d, kern.VV)
		if loop == nil {
			return math.NaN()
		}
		if d == array.Float32 {
			z := []float32{0}
			loop(array.Bytes(z), array.Bytes([]float32{float32(x)}), array.Bytes([]float32{float32(y)}), nil, 1)
			return float64(z[0])
		}
		z := []float64{0}
		loop(array.Bytes(z), array.Bytes([]float64{x}), array.Bytes([]float64{y}), nil, 1)
		return z[0]
	}
}
