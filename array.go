package darray

import (
	"context"
	"fmt"
	"runtime"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
)

// The types below are the parts of an array; package array documents their methods.
type (
	// Block is a collected result: one contiguous, Arrow-backed array.
	Block = array.Block
	// DType is an element type.
	DType = array.DType
	// Shape is the extent along each axis, row-major.
	Shape = array.Shape
	// Element is a Go type that arrays can be made of.
	Element = array.Element
	// Number is an Element that is not bool.
	Number = array.Number
	// Plan is what Collect would do: moves, bytes, peak memory and devices. It prints itself.
	Plan = exec.Plan
	// Stats says what a run moved and how long it took.
	Stats = exec.Stats
)

// The element types, named as in NumPy.
const (
	Bool    = array.Bool
	Int8    = array.Int8
	Int16   = array.Int16
	Int32   = array.Int32
	Int64   = array.Int64
	Uint8   = array.Uint8
	Uint16  = array.Uint16
	Uint32  = array.Uint32
	Uint64  = array.Uint64
	Float32 = array.Float32
	Float64 = array.Float64
)

// Array is a lazy, immutable N-dimensional array: a description until it is collected. It is cheap to copy and safe to
// share between goroutines. A mistake in building one (shapes, types, a column that is not there) is kept, and returned
// by Err and by the call that runs it. The zero value is not valid.
type Array struct {
	node *array.Node
}

// Operand is what element-wise operations take: an Array, or a Go number, which follows the type of the arrays it meets
// (a weak scalar, as in NumPy 2).
type Operand interface {
	Array | bool | int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// operand turns what the user passed into a node.
func operand[T Operand](x T) *array.Node {
	if a, ok := any(x).(Array); ok {
		return a.n()
	}
	s, _ := array.ScalarFrom(x)
	return array.NumberOperand(s)
}

// n is a's node; the zero Array becomes an error that says so.
func (a Array) n() *array.Node {
	if a.node == nil {
		return array.Failed(0, fmt.Errorf("%w: the zero Array has no elements; make one with FromSlice, Open or Arange", ErrShape))
	}
	return a.node
}

// caller is the program counter of the user's line: skip counts the functions between caller and the user.
func caller(skip int) uintptr {
	var pcs [1]uintptr
	runtime.Callers(skip+2, pcs[:])
	return pcs[0]
}

// apply is what every generated element-wise function calls; the user is two frames up. To look there takes longer than
// all the rest, so it is done only for those who have to be told, now or when an element has no result.
func apply(op array.Op, args ...*array.Node) Array {
	n := array.Apply(op, 0, args...)
	if n.Err() != nil || op.Fault(n.DType()) != nil {
		n = array.Apply(op, caller(2), args...)
	}
	return Array{n}
}

// Cast converts to another element type: integers wrap, floats truncate toward zero and saturate (NaN is 0), bool is x != 0.
func (a Array) Cast(d DType) Array {
	n := array.CastTo(a.n(), d, 0)
	if n.Err() != nil {
		n = array.CastTo(a.n(), d, caller(1))
	}
	return Array{n}
}

// Filter is the rows of a, along its first axis, for which mask is true: a bool a row; where it is null they go. As a[mask] in NumPy. How many
// there are is known when it is collected: until then Len is negative, and the length fits whatever the same mask has filtered.
func (a Array) Filter(mask Array) Array { return Array{array.Filter(a.n(), mask.n(), caller(1))} }

// Slice is rows [lo, hi) of a along its first axis, 0 <= lo <= hi; as in Python an end beyond the last row is the last row. Files are read
// and expressions computed for these rows alone, where that gives the same.
func (a Array) Slice(lo, hi int) Array { return Array{array.Slice(a.n(), lo, hi, caller(1))} }

// Reshape is the same elements in row-major order under another shape of as many elements.
func (a Array) Reshape(shape ...int) Array {
	n := array.Reshape(a.n(), shape, 0)
	if n.Err() != nil {
		n = array.Reshape(a.n(), shape, caller(1))
	}
	return Array{n}
}

// DType is the element type of the result.
func (a Array) DType() DType { return a.n().DType() }

// Shape is the result's shape; empty for a scalar. It must not be changed.
func (a Array) Shape() Shape { return a.n().Shape() }

// Len is the number of elements; NDim the number of axes.
func (a Array) Len() int { return a.n().Shape().Len() }

// NDim is the number of axes.
func (a Array) NDim() int { return len(a.n().Shape()) }

// Err is the first mistake made in building a, with file:line; nil if there is none. It does not block.
func (a Array) Err() error { return a.n().Err() }

// String is the expression, not its values: collect it to see them.
func (a Array) String() string {
	if err := a.Err(); err != nil {
		return "array: " + err.Error()
	}
	return fmt.Sprintf("%s %s%v", a.node, a.node.DType(), a.node.Shape())
}

// Collect runs the expression on the default cluster and returns the result, whole, in this process. It blocks until the
// result is there.
func (a Array) Collect() (*Block, error) { return a.CollectContext(context.Background()) }

// CollectContext is Collect with a context whose end stops the run within 100 ms and leaves the cluster usable.
func (a Array) CollectContext(ctx context.Context) (*Block, error) {
	c, err := Default()
	if err != nil {
		return nil, err
	}
	return c.collectOne(ctx, a)
}

// Explain says what Collect would do on the default cluster, without doing it.
func (a Array) Explain() (*Plan, error) {
	c, err := Default()
	if err != nil {
		return nil, err
	}
	return c.Explain(context.Background(), a)
}

// Item collects an array of one element to a Go value. ErrDType where T is another type, ErrShape where a has more
// elements, array.ErrNull where the element is null. It blocks.
func Item[T Element](a Array) (T, error) {
	var zero T
	if err := a.Err(); err != nil {
		return zero, err
	}
	if a.Len() != 1 {
		return zero, fmt.Errorf("item: %w: shape %v has %d elements, not one; reduce it first", ErrShape, a.Shape(), a.Len())
	}
	b, err := a.Collect()
	if err != nil {
		return zero, err
	}
	values, err := Values[T](b)
	if err != nil {
		return zero, err
	}
	if b.IsNull(0) {
		return zero, fmt.Errorf("item: %w", array.ErrNull)
	}
	return values[0], nil
}

// Values views a block's values without a copy (bool: unpacked into a new slice). The memory stays the block's.
// Elements under a null hold an unspecified value. ErrDType where T is another type.
func Values[T Element](b *Block) ([]T, error) { return array.Values[T](b) }
