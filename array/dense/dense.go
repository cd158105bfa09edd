// Package dense shows blocks as gonum's matrices and vectors, and these as blocks, without a copy where the layouts allow it. A plain
// slice needs nothing of this package: array.Values is a block's elements as a []float64, of any shape, row after row.
package dense

import (
	"fmt"
	"runtime"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/darray-go/darray/array"
)

// Matrix is a 2-D block of float64 as a matrix. It shares the block's memory: what is written to the one is seen in the other, so a matrix
// that is written to belongs with a block that nothing else computes with, and the memory lives as long as either. Only a block that is
// Borrowed (over a mapped file or an Arrow array, which a matrix could not keep, and which may be read-only) is copied.
// ErrDType, ErrShape or ErrNull where the block is of another type or number of axes, has no elements, or a null; bits that say that all
// elements are valid do not matter.
func Matrix(b *array.Block) (*mat.Dense, error) {
	data, err := float64s(b, "matrix", 2)
	if err != nil {
		return nil, err
	}
	return mat.NewDense(b.Shape()[0], b.Shape()[1], data), nil
}

// Vector is a 1-D block of float64 as a vector, with memory and errors as those of Matrix.
func Vector(b *array.Block) (*mat.VecDense, error) {
	data, err := float64s(b, "vector", 1)
	if err != nil {
		return nil, err
	}
	return mat.NewVecDense(b.Len(), data), nil
}

// float64s is the values of a block that a view of so many axes can be over.
func float64s(b *array.Block, view string, axes int) ([]float64, error) {
	if b == nil {
		return nil, fmt.Errorf("dense: %w: there is no block to make a %s of", array.ErrShape, view)
	}
	shape := b.Shape()
	switch far, _ := b.Far(); {
	case b.DType() != array.Float64:
		return nil, fmt.Errorf("dense: %w: a %s is of float64, the block of %s; Cast it before it is collected", array.ErrDType, view, b.DType())
	case len(shape) != axes:
		return nil, fmt.Errorf("dense: %w: a %s has %d axes, the block's shape is %v; Reshape it", array.ErrShape, view, axes, shape)
	case b.Len() == 0:
		return nil, fmt.Errorf("dense: %w: a %s has at least one element, the block's shape is %v", array.ErrShape, view, shape)
	case far != nil:
		return nil, fmt.Errorf("dense: %w: the elements lie in the memory of %s; collect them first", array.ErrDType, far.Device())
	}
	if n := b.NullN(); n > 0 {
		return nil, fmt.Errorf("dense: %w: %d of %d elements, and a %s has none; FillNull gives them values",
			array.ErrNull, n, b.Len(), view)
	}
	data, err := array.Values[float64](b)
	if err != nil {
		return nil, fmt.Errorf("dense: %w", err)
	}
	if b.Borrowed() {
		data = slices.Clone(data)
		runtime.KeepAlive(b) // which the borrowed memory stays with, until here
	}
	return data[:len(data):len(data)], nil
}
