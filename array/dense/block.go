package dense

import (
	"fmt"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/darray-go/darray/array"
)

// Block is a matrix as a 2-D block of float64, or a vector (a mat.RawVectorer) as one of one axis. A block is not to change while arrays use
// it, so neither is a matrix that it shares memory with. That is so for a *mat.Dense (any mat.RawMatrixer) whose rows follow each other, its
// stride being its columns, and for a *mat.VecDense (any mat.RawVectorer) with an increment of 1. All others are copied: slices of wider
// matrices, columns of matrices, transposes, and triangular, symmetric and banded ones. An empty matrix is a block without elements.
// ErrShape where there is no matrix, or one that does not hold what it says.
func Block(m mat.Matrix) (b *array.Block, err error) {
	defer func() { // a matrix may be of any type, and a nil of one
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("dense: %w: the %T cannot be read: %v", array.ErrShape, m, r)
		}
	}()
	switch m := m.(type) {
	case nil:
		return nil, fmt.Errorf("dense: %w: there is no matrix to make a block of", array.ErrShape)
	case mat.RawMatrixer:
		return general(m.RawMatrix())
	case mat.RawVectorer:
		return vector(m.RawVector())
	}
	return general(mat.DenseCopyOf(m).RawMatrix())
}

func general(m blas64.General) (*array.Block, error) {
	rows, cols := m.Rows, m.Cols
	shape := array.Shape{rows, cols}
	if err := shape.Check(); err != nil {
		return nil, fmt.Errorf("dense: %w", err)
	}
	if rows == 0 || cols == 0 {
		return array.NewBlock(array.Float64, shape, false), nil
	}
	// The last row may end before its stride does.
	if m.Stride < cols || len(m.Data) < cols || (len(m.Data)-cols)/m.Stride < rows-1 {
		return nil, fmt.Errorf("dense: %w: %d values with stride %d are no matrix of %d x %d", array.ErrShape, len(m.Data), m.Stride, rows, cols)
	}
	if n := rows * cols; m.Stride == cols || rows == 1 {
		return array.FromSlice(m.Data[:n:n], rows, cols)
	}
	b := array.NewBlock(array.Float64, shape, false)
	values, err := array.Values[float64](b)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		copy(values[i*cols:(i+1)*cols], m.Data[i*m.Stride:])
	}
	return b, nil
}

func vector(v blas64.Vector) (*array.Block, error) {
	switch {
	case v.N < 0 || v.N > 0 && (v.Inc < 1 || len(v.Data) < 1 || (len(v.Data)-1)/v.Inc < v.N-1):
		return nil, fmt.Errorf("dense: %w: %d values with increment %d are no vector of %d", array.ErrShape, len(v.Data), v.Inc, v.N)
	case v.Inc == 1 || v.N < 2:
		return array.FromSlice(v.Data[:v.N:v.N])
	}
	b := array.NewBlock(array.Float64, array.Shape{v.N}, false)
	values, err := array.Values[float64](b)
	if err != nil {
		return nil, err
	}
	for i := range values {
		values[i] = v.Data[i*v.Inc]
	}
	return b, nil
}
