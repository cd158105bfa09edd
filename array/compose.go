package array

import "fmt"

// What follows is made of other ops; each comment says which, and that is its definition.

// Std is the standard deviation: the square root of Variance in float64; of a float32 array it is rounded to float32 at the end,
// so that a variance that is no float32 has its root.
func Std(pc uintptr, a *Node, correction float64, axes ...int) *Node {
	return rootOf(pc, a, variance("std", pc, CastTo(a, Float64, pc), correction, axes))
}

// Norm is the Euclidean norm over axes, sqrt(sum(x*x)) in float64; of a float32 array it is rounded to float32 at the end.
func Norm(pc uintptr, a *Node, axes ...int) *Node {
	return rootOf(pc, a, sum("norm", pc, Apply(Square, pc, CastTo(a, Float64, pc)), axes))
}

// rootOf is the square root of what was made of a in float64, in the type of functions of a.
func rootOf(pc uintptr, a, of *Node) *Node {
	out := Float64
	if a.dtype == Float32 {
		out = Float32
	}
	return CastTo(Apply(Sqrt, pc, of), out, pc)
}

// sum is Reduce by Sum by the name that errors give it.
func sum(name string, pc uintptr, a *Node, axes []int) *Node {
	return made(name, pc, a, func() (*Node, error) { return reduce(Sum, pc, a, 0, axes) })
}

// CountNonzero counts the elements over axes that are neither zero nor null: the sum of x != 0.
func CountNonzero(pc uintptr, a *Node, axes ...int) *Node {
	return sum("count_nonzero", pc, CastTo(a, Bool, pc), axes)
}

// Dot is the sum of x*y of two 1-D arrays of one length; integers and bools multiply in 64 bits, floats in their common type.
func Dot(pc uintptr, x, y *Node) *Node {
	for _, a := range []*Node{x, y} {
		if failed := a.failed(pc); failed != nil {
			return failed
		}
	}
	if len(x.shape) != 1 || !x.shape.Equal(y.shape) {
		return Failed(pc, fmt.Errorf("dot: %w: shapes %v and %v; it takes two 1-D arrays of one length: Matmul multiplies matrices, Vdot any shapes", ErrShape, x.shape, y.shape))
	}
	return dot(pc, x, y)
}

// Vdot is Dot of the flattened arrays, which must have as many elements each.
func Vdot(pc uintptr, x, y *Node) *Node {
	for _, a := range []*Node{x, y} {
		if failed := a.failed(pc); failed != nil {
			return failed
		}
	}
	if x.shape.Len() != y.shape.Len() {
		return Failed(pc, fmt.Errorf("vdot: %w: %d elements and %d", ErrShape, x.shape.Len(), y.shape.Len()))
	}
	flat := Shape{x.shape.Len()}
	return dot(pc, Reshape(x, flat, pc), Reshape(y, flat, pc))
}

func dot(pc uintptr, x, y *Node) *Node {
	d, err := common([]*Node{x, y})
	if err != nil {
		return Failed(pc, fmt.Errorf("dot: %w", err))
	}
	d, _ = sumTypes(d)
	return Apply(Sum, pc, Apply(Multiply, pc, CastTo(x, d, pc), CastTo(y, d, pc)))
}
