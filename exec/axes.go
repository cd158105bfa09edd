package exec

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// overAxes adds the value of a reduction or scan over w.
func (g *graph) overAxes(v *value, n *array.Node, w view) int {
	operand := g.values[w.value]
	extent, perm := n.Extent()
	switch {
	case v.n == 0: // nothing to compute
		return g.add(&value{kind: array.KindFull, dtype: v.dtype, n: 0, shape: v.shape, scalar: array.ScalarFromBits(v.dtype, 0)}, key{})
	case operand.n == 0 && v.n > 1: // what there is for no elements, everywhere
		none := &value{kind: v.kind, op: v.op, dtype: v.dtype, n: 1, whole: true, args: []int{w.value}, scalar: v.scalar}
		at := g.add(none, key{})
		return g.add(&value{kind: array.KindOp, op: array.FillNull, dtype: v.dtype, n: v.n, shape: v.shape, args: []int{at, at}}, key{})
	case extent.Whole():
		v.whole = v.n == 1 || operand.whole
		v.args = []int{w.value}
	default:
		v.extent, v.reduced = extent, n.Axes()
		v.whole = operand.whole || extent.Outer == 1 // whole rows of one block: the root joins them
		v.args = []int{w.value}
	}
	if made := operand.kind == array.KindArange || operand.kind == array.KindFull; made && v.kind == array.KindScan && extent.Inner > 1 {
		v.args[0] = g.store(w.value, v.whole)
	}
	if perm != nil && operand.kind != array.KindFull {
		if operand.kind == array.KindArange {
			v.args[0] = g.store(w.value, true)
		}
		v.axes, v.strides = permuted(w.shape, perm)
		v.whole = v.whole || g.values[v.args[0]].whole
	}
	if v.kind == array.KindScan && extent.Whole() && g.split(v) {
		v.args = append(v.args, g.total(v))
	}
	k := key{}
	if !extent.Whole() {
		k.text = fmt.Sprint(v.extent, v.axes, v.strides)
	}
	return g.add(v, k)
}

// total is the reduction of what v scans: its trees tell each rank what comes before its part.
func (g *graph) total(v *value) int {
	op := array.Sum
	if v.op == array.CumProd {
		op = array.Prod
	}
	return g.add(&value{kind: array.KindReduce, op: op, dtype: v.dtype, n: 1, whole: true, args: v.args[:1:1]}, key{})
}

// permuted is the extents of a shape with its axes in the order of perm, and the steps along them; axes of extent 1 aside.
func permuted(shape array.Shape, perm []int) (array.Shape, [][]int) {
	steps := shape.BroadcastStrides(shape)
	axes, strides := make(array.Shape, 0, len(perm)), make([]int, 0, len(perm))
	for _, axis := range perm {
		if shape[axis] != 1 {
			axes, strides = append(axes, shape[axis]), append(strides, steps[axis])
		}
	}
	return axes, [][]int{strides}
}

// heldByAll reports whether v is computed from what every rank holds whole, element by element: then all of them do, and
// where only the root needs it the root alone.
func (g *graph) heldByAll(v *value) bool {
	held := false
	for _, a := range v.args {
		switch w := g.values[a]; {
		case w.n == v.n && w.whole:
			held = true
		case w.n != 1 && w.kind != array.KindFull && w.kind != array.KindArange:
			return false
		}
	}
	return held
}

// reads is the operands that computing v reads: of a scan, not the total.
func (g *graph) reads(v *value) []int {
	if v.kind == array.KindScan {
		return v.args[:1]
	}
	return v.args
}

// overAxes is the output of a reduction or scan of a register.
func (b *builder) overAxes(v *value, reg array.Reg) array.Output {
	o := array.Output{Reg: reg, DType: b.program.RegType(reg), Reduce: v.kind == array.KindReduce, Scan: v.kind == array.KindScan, Op: v.op}
	if v.extent != (array.Extent{}) {
		o.Extent, o.Axes = v.extent, v.reduced
	}
	if o.Reduce && !o.Whole() {
		o.Out = v.dtype
		if v.op == array.Var {
			o.Correction = v.scalar.Float()
		}
	}
	return o
}
