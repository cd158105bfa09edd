package darray

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
)

// FromSlice is an array over xs, 1-D or of the given shape, without a copy (bool is packed): xs must not change until
// the results that use it are collected. ErrShape where the shape does not hold len(xs) elements.
func FromSlice[T Element](xs []T, shape ...int) Array {
	pc := caller(1)
	b, err := array.FromSlice(xs, shape...)
	if err != nil {
		return Array{array.Failed(pc, fmt.Errorf("from slice: %w", err))}
	}
	return Array{array.Data(b, pc)}
}

// FromArrow is an array over a numeric or bool Arrow array, without a copy; nulls are kept, a is retained.
// ErrDType for other Arrow types.
func FromArrow(a arrow.Array) Array {
	pc := caller(1)
	b, err := array.FromArrow(a)
	if err != nil {
		return Array{array.Failed(pc, fmt.Errorf("from arrow: %w", err))}
	}
	return Array{array.Data(b, pc)}
}

// FromBlock is an array over a collected block, without a copy.
func FromBlock(b *Block) Array { return Array{array.Data(b, caller(1))} }

// Arange is the half-open range [start, stop) by step: ceil((stop-start)/step) elements start + i*step, made where they are used.
func Arange[T Number](start, stop, step T) Array {
	return Array{array.Arange(array.ScalarOf(start), array.ScalarOf(stop), array.ScalarOf(step), caller(1))}
}

// Zeros is an array of zeros (false for bool), made where it is used.
func Zeros(dt DType, shape ...int) Array { return filled("zeros", 0, dt, shape) }

// Ones is an array of ones (true for bool), made where it is used.
func Ones(dt DType, shape ...int) Array { return filled("ones", 1, dt, shape) }

// filled is Full by the name that errors give it.
func filled(name string, v int, dt DType, shape Shape) Array {
	pc := caller(2)
	if !dt.Valid() {
		return Array{array.Failed(pc, fmt.Errorf("%s: %w: %s is not an element type", name, ErrDType, dt))}
	}
	if err := shape.Check(); err != nil {
		return Array{array.Failed(pc, fmt.Errorf("%s: %w", name, err))}
	}
	return Array{array.Full(array.ScalarOf(v).Cast(dt), shape, pc)}
}

// Full is one value over a shape, made where it is used.
func Full[T Element](value T, shape ...int) Array {
	return Array{array.Full(array.ScalarOf(value), shape, caller(1))}
}
