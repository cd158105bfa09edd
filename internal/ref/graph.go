package ref

import (
	"math/rand/v2"

	"github.com/darray-go/darray/array"
)

// RandomGraph is a random expression of about depth ops over random operands of a random type, some of them with nulls:
// broadcasting, Go numbers, casts, where, ranges, other shapes of the same elements, running sums, matrix products, and reductions in the
// middle (x - mean(x), over some axes or all). Its shape is random too, at times empty; two in three graphs have more elements than one leaf of the
// reduction tree. It has no error.
func RandomGraph(rng *rand.Rand, depth int) *array.Node {
	g := grower{rng: rng, shape: randomShape(rng)}
	n := g.grow(depth)
	switch rng.IntN(6) {
	case 0, 1:
		n = g.reduce(n)
	case 2:
		n = g.reduceAxes(n)
	}
	return n
}

// grower makes nodes of one shape, and of shapes that broadcast to it.
type grower struct {
	rng   *rand.Rand
	shape array.Shape
}

func randomShape(rng *rand.Rand) array.Shape {
	switch rng.IntN(14) {
	case 12:
		return array.Shape{1 + rng.IntN(3), 1 + rng.IntN(80), 1 + rng.IntN(40)}
	case 13:
		return array.Shape{1 + rng.IntN(70), rng.IntN(4), 1 + rng.IntN(9)}
	case 0:
		return array.Shape{}
	case 1:
		return array.Shape{0}
	case 2:
		return array.Shape{1 + rng.IntN(100)}
	case 3:
		return array.Shape{1 + rng.IntN(10), 1 + rng.IntN(10)}
	case 4, 5:
		return array.Shape{1 + rng.IntN(20), 1 + rng.IntN(200)}
	case 6:
		return array.Shape{1 + rng.IntN(10), 1 + rng.IntN(20), 1 + rng.IntN(20)}
	case 7:
		return array.Shape{1024 * (1 + rng.IntN(4))}
	}
	return array.Shape{1000 + rng.IntN(4000)}
}

// grow is a node of the grower's shape, or of one that broadcasts to it.
func (g *grower) grow(depth int) *array.Node {
	if depth <= 0 {
		return g.leaf()
	}
	for { // some ops are not defined for some types: draw again
		if n := g.op(depth); n.Err() == nil {
			return n
		}
	}
}

func (g *grower) op(depth int) *array.Node {
	switch g.rng.IntN(13) {
	case 10:
		x := g.grow(depth - 1)
		return array.Apply(array.Maximum, 0, array.KeepDims(g.reduceAxes(x), 0), x)
	case 11:
		return g.scan(g.grow(depth - 1))
	case 12:
		return g.product(g.grow(depth - 1))
	case 0:
		return array.CastTo(g.grow(depth-1), g.dtype(), 0)
	case 1:
		x := g.grow(depth - 1)
		return array.Apply(array.Subtract, 0, x, g.reduce(x))
	case 2:
		x := g.grow(depth - 1)
		flat := array.Reshape(x, array.Shape{count(x.Shape())}, 0)
		return array.Reshape(array.Apply(array.Square, 0, flat), x.Shape(), 0)
	case 3:
		return g.apply(g.choose(2), g.number(), g.grow(depth-1))
	case 4:
		return array.Apply(g.choose(3), 0, g.grow(depth-1), g.grow(depth/2), g.grow(depth/2))
	case 5, 6:
		return g.apply(g.choose(1), g.grow(depth-1))
	}
	left := g.rng.IntN(depth)
	return g.apply(g.choose(2), g.grow(left), g.grow(depth-1-left))
}

// apply is an op over its operands. The last one is a leaf where its sign counts: that of a NaN which an op made is not defined.
func (g *grower) apply(op array.Op, args ...*array.Node) *array.Node {
	if op == array.SignBit || op == array.CopySign {
		args[len(args)-1] = g.leaf()
	}
	if last := &args[len(args)-1]; op.Fault(array.Int64) != nil && g.rng.IntN(8) > 0 { // else most graphs were errors
		wrong := array.Equal
		if op == array.Pow {
			wrong = array.Less
		}
		*last = array.Apply(array.Where, 0, array.Apply(wrong, 0, *last, array.NumberOperand(scalar(0))), array.NumberOperand(scalar(1)), *last)
	}
	return array.Apply(op, 0, args...)
}

// product multiplies x, as rows of a few elements, by a small matrix.
func (g *grower) product(x *array.Node) *array.Node {
	inner := 1
	for k := 2; k <= 12; k++ {
		if count(x.Shape())%k == 0 && g.rng.IntN(2) == 0 {
			inner = k
		}
	}
	right := array.Data(Random(g.rng, g.dtype(), array.Shape{inner, inner}, 0), 0)
	rows := array.Reshape(x, array.Shape{count(x.Shape()) / inner, inner}, 0)
	return array.Reshape(array.Matmul(rows, right, 0), x.Shape(), 0)
}

// choose picks an element-wise op of the given number of operands, cast aside.
func (g *grower) choose(arity int) array.Op {
	ops := array.Ops()
	for {
		op := ops[g.rng.IntN(len(ops))]
		if !op.IsReduction() && !op.IsScan() && op != array.Cast && op.Info().Arity == arity {
			return op
		}
	}
}

// reductions are all of them; each is defined for every type.
var reductions = []array.Op{
	array.Sum, array.Prod, array.Min, array.Max, array.Mean, array.Count, array.Any, array.All, array.ArgMin, array.ArgMax, array.Var,
}

// reduce draws among the reductions of all axes.
func (g *grower) reduce(x *array.Node) *array.Node {
	return array.Apply(reductions[g.rng.IntN(len(reductions))], 0, x)
}

// reduceAxes draws among the reductions and the sets of axes.
func (g *grower) reduceAxes(x *array.Node) *array.Node {
	if len(x.Shape()) == 0 {
		return g.reduce(x)
	}
	axes := g.rng.Perm(len(x.Shape()))[:1+g.rng.IntN(len(x.Shape()))]
	switch op := reductions[g.rng.IntN(len(reductions))]; op {
	case array.ArgMin, array.ArgMax:
		return array.Reduce(op, 0, x, axes[0])
	case array.Var:
		return array.Variance(0, x, float64(g.rng.IntN(3)), axes...)
	default:
		return array.Reduce(op, 0, x, axes...)
	}
}

// scan is a running sum or product in x's shape.
func (g *grower) scan(x *array.Node) *array.Node {
	op := array.CumSum
	if g.rng.IntN(3) == 0 {
		op = array.CumProd
	}
	if axes := len(x.Shape()); axes > 0 && g.rng.IntN(2) == 0 {
		return array.Scan(op, 0, x, g.rng.IntN(axes))
	}
	return array.Reshape(array.Scan(op, 0, x), x.Shape(), 0)
}

func (g *grower) leaf() *array.Node {
	shape, nulls := g.shape, 0.0
	if g.rng.IntN(3) == 0 {
		shape = g.narrow()
	}
	switch g.rng.IntN(8) {
	case 0:
		return array.Full(scalar(randomElement(g.rng, g.dtype(), true)), g.narrow(), 0)
	case 1:
		return array.Reshape(g.arange(count(shape)), shape, 0)
	}
	if g.rng.IntN(3) == 0 {
		nulls = g.rng.Float64()
	}
	return array.Data(Random(g.rng, g.dtype(), shape, nulls), 0)
}

// arange is a range of n integers or floats.
func (g *grower) arange(n int) *array.Node {
	if g.rng.IntN(2) == 0 {
		start, step := g.rng.IntN(20)-10, 1+g.rng.IntN(5)
		return array.Arange(scalar(start), scalar(start+n*step), scalar(step), 0)
	}
	start, step := g.rng.NormFloat64(), 0.1+g.rng.Float64()
	return array.Arange(scalar(start), scalar(start+(float64(n)-0.5)*step), scalar(step), 0)
}

// narrow is a shape that broadcasts to the grower's: axes left off at the front or of extent 1.
func (g *grower) narrow() array.Shape {
	shape := append(array.Shape{}, g.shape[g.rng.IntN(len(g.shape)+1):]...)
	for axis := range shape {
		if g.rng.IntN(3) == 0 {
			shape[axis] = 1
		}
	}
	return shape
}

// number is a Go number in an expression.
func (g *grower) number() *array.Node {
	if g.rng.IntN(2) == 0 {
		return array.NumberOperand(scalar(g.rng.IntN(7) - 3))
	}
	return array.NumberOperand(scalar(float64(g.rng.IntN(13)-6) / 4))
}

func (g *grower) dtype() array.DType {
	all := array.DTypes()
	return all[g.rng.IntN(len(all))]
}

func scalar(v any) array.Scalar {
	s, _ := array.ScalarFrom(v)
	return s
}
