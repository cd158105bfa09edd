package array

import (
	"fmt"
	"math"
	"slices"
)

// Extent is how a reduction or scan over neighbouring axes sees its operand: Outer blocks one after another, each of Length
// rows of Inner elements; the elements of one column of a block are a run, which is reduced to one value.
type Extent struct{ Outer, Length, Inner int }

// Len is the number of elements; Runs the number of runs.
func (e Extent) Len() int { return e.Outer * e.Length * e.Inner }

// Runs is the number of runs.
func (e Extent) Runs() int { return e.Outer * e.Inner }

// Whole reports whether there is one run alone, of all elements in their order.
func (e Extent) Whole() bool { return e.Outer == 1 && e.Inner == 1 }

// Reduce is the reduction of a over axes, negative ones counting from the last; no axes are all of them. The axes that are
// left give the shape. ArgMin and ArgMax take one axis or none, none being the flattened array. An error as ErrShape where
// an axis is not there or named twice.
func Reduce(op Op, pc uintptr, a *Node, axes ...int) *Node {
	return made(op.String(), pc, a, func() (*Node, error) { return reduce(op, pc, a, 0, axes) })
}

// Variance is Reduce by Var with a correction, which must be a finite number: the sum of squared deviations is divided by
// the number of elements less the correction. 0 is the population's variance, 1 that of a sample.
func Variance(pc uintptr, a *Node, correction float64, axes ...int) *Node {
	return variance("var", pc, a, correction, axes)
}

// variance is Variance by the name that errors give it.
func variance(name string, pc uintptr, a *Node, correction float64, axes []int) *Node {
	return made(name, pc, a, func() (*Node, error) { return reduce(Var, pc, a, correction, axes) })
}

// Scan is the running reduction of a along an axis, in a's shape; without an axis, of the flattened array, 1-D.
func Scan(op Op, pc uintptr, a *Node, axis ...int) *Node {
	return made(op.String(), pc, a, func() (*Node, error) { return scan(op, pc, a, axis) })
}

// made is what make gives, or a node with its error under the name of what was called; a itself where it has one.
func made(name string, pc uintptr, a *Node, make func() (*Node, error)) *Node {
	if failed := a.failed(pc); failed != nil {
		return failed
	}
	n, err := make()
	if err != nil {
		return Failed(pc, fmt.Errorf("%s: %w", name, err))
	}
	return n
}

func reduce(op Op, pc uintptr, a *Node, correction float64, axes []int) (*Node, error) {
	if !op.Valid() || !op.IsReduction() {
		return nil, fmt.Errorf("%w: %s is no reduction", ErrGraph, op)
	}
	if math.IsNaN(correction) || math.IsInf(correction, 0) {
		return nil, fmt.Errorf("%w: the correction %v is no finite number", ErrDType, correction)
	}
	in, out, err := operandTypes(op, []*Node{a})
	if err != nil {
		return nil, err
	}
	if axes, err = resolve(axes, a.shape); err != nil {
		return nil, err
	}
	if op.Info().Rule == RuleArg && len(axes) > 1 {
		return nil, fmt.Errorf("%w: an index along axes %v together has no one number; name one axis, or none for the flattened array", ErrShape, axes)
	}
	n := &Node{kind: KindReduce, op: op, dtype: out, few: [maxArity]*Node{CastTo(a, in[0], pc)}, pc: pc}
	n.args = n.few[:1]
	if op == Var {
		n.scalar = ScalarOf(0.0)
		if correction != 0 { // not -0: equal graphs have equal bytes
			n.scalar = ScalarOf(correction)
		}
	}
	if len(axes) > 0 && len(axes) < len(a.shape) {
		n.axes = axes
		n.shape = make(Shape, 0, len(a.shape)-len(axes))
		for i, d := range a.shape {
			if !slices.Contains(axes, i) {
				n.shape = append(n.shape, d)
			}
		}
	}
	return n, nil
}

// axesOf says how many axes there are.
func axesOf(shape Shape) string {
	switch len(shape) {
	case 0:
		return "are no axes"
	case 1:
		return "is 1 axis"
	}
	return fmt.Sprintf("are %d axes", len(shape))
}

// resolve gives axes counted from the first, ascending.
func resolve(axes []int, shape Shape) ([]int, error) {
	if len(axes) == 0 {
		return nil, nil
	}
	out := make([]int, 0, len(axes))
	for _, axis := range axes {
		at := axis
		if at < 0 {
			at += len(shape)
		}
		if at < 0 || at >= len(shape) {
			return nil, fmt.Errorf("%w: axis %d is out of range for shape %v; there %s", ErrShape, axis, shape, axesOf(shape))
		}
		if slices.Contains(out, at) {
			return nil, fmt.Errorf("%w: axis %d of shape %v is named twice", ErrShape, axis, shape)
		}
		out = append(out, at)
	}
	slices.Sort(out)
	return out, nil
}

func scan(op Op, pc uintptr, a *Node, axes []int) (*Node, error) {
	if !op.Valid() || !op.IsScan() {
		return nil, fmt.Errorf("%w: %s is no scan", ErrGraph, op)
	}
	if len(axes) > 1 {
		return nil, fmt.Errorf("%w: a scan goes along one axis, not %v", ErrShape, axes)
	}
	in, out, err := operandTypes(op, []*Node{a})
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 {
		if len(a.shape) != 1 {
			a = Reshape(a, Shape{a.shape.Len()}, pc)
		}
		axes = []int{0}
	}
	if axes, err = resolve(axes, a.shape); err != nil {
		return nil, err
	}
	return &Node{kind: KindScan, op: op, dtype: out, shape: a.shape, axes: axes, args: []*Node{CastTo(a, in[0], pc)}, pc: pc}, nil
}

// Axes are the axes of Args[0] that a KindReduce reduces, ascending, none being all of them; of a KindScan the one that it
// goes along. Not to be changed.
func (n *Node) Axes() []int { return n.axes }

// Extent is how a KindReduce or KindScan sees its operand. Where the axes are not neighbours (axes of extent 1 aside), the
// operand is seen with its axes in the order of perm, the reduced ones last; else perm is nil.
func (n *Node) Extent() (e Extent, perm []int) {
	shape := n.args[0].shape
	e = Extent{1, 1, 1}
	if len(n.axes) == 0 {
		e.Length = shape.Len()
		return e, nil
	}
	runs, inside := 0, false
	for i, d := range shape {
		switch reduced := slices.Contains(n.axes, i); {
		case d == 1:
		case reduced:
			if !inside {
				runs++
			}
			inside = true
			e.Length *= d
		case runs == 0:
			e.Outer *= d
		default:
			inside = false
			e.Inner *= d
		}
	}
	if runs < 2 {
		return e, nil
	}
	for _, reduced := range []bool{false, true} {
		for i := range shape {
			if slices.Contains(n.axes, i) == reduced {
				perm = append(perm, i)
			}
		}
	}
	return Extent{e.Outer * e.Inner, e.Length, 1}, perm
}

// KeepDims is a reduction with the reduced axes left in, of extent 1, so that it broadcasts to what was reduced; also of
// element-wise ops of one operand over a reduction. An error for what is neither.
func KeepDims(a *Node, pc uintptr) *Node {
	if failed := a.failed(pc); failed != nil {
		return failed
	}
	of := a
	for of.kind == KindOp && len(of.args) == 1 {
		of = of.args[0]
	}
	if of.kind != KindReduce {
		return Failed(pc, fmt.Errorf("keep dims: %w: %s is no reduction; call it on one, as in the mean along axis 1", ErrShape, a))
	}
	kept := slices.Clone(of.args[0].shape)
	for i := range kept {
		if len(of.axes) == 0 || slices.Contains(of.axes, i) {
			kept[i] = 1
		}
	}
	if kept.Equal(a.shape) {
		return a
	}
	return Reshape(a, kept, pc)
}
