package array

import (
	"fmt"

	"github.com/darray-go/darray/partition"
)

// Masks gives the masks under roots that have to be computed before it is known how many elements filters keep, each once: those that
// depend on no other. None: the graph can be computed.
func Masks(roots []*Node) []*Node {
	var masks []*Node
	waits := make(map[*Node]bool) // for a mask below it
	seen := make(map[*Node]bool)
	Walk(roots, func(n *Node) {
		for _, a := range n.args {
			waits[n] = waits[n] || waits[a]
		}
		if !n.unresolved() {
			return
		}
		if mask := n.args[len(n.args)-1]; n.kind == KindFilter && !waits[mask] && !seen[mask] {
			seen[mask] = true
			masks = append(masks, mask)
		}
		waits[n] = true
	})
	return masks
}

// Mask is a mask that has been computed: bools without nulls, here or where the driver is, and what they keep.
type Mask struct {
	Bools *Node
	*Selection
}

// Resolve gives the graph under roots with the filters whose masks are known run: what they keep has a length. All else that
// depends on it is made again with that length, and may become an error of shapes.
func Resolve(roots []*Node, known map[*Node]Mask) []*Node {
	again := make(map[*Node]*Node)
	Walk(roots, func(n *Node) {
		args, changed := n.args, false
		for i, a := range n.args {
			if again[a] != a {
				if !changed {
					args, changed = append([]*Node(nil), n.args...), true
				}
				args[i] = again[a]
			}
		}
		again[n] = n
		if m, ok := known[n.lastArg()]; ok && n.kind == KindFilter && n.of == nil && args[0].shape.Known() {
			again[n] = n.filtered(args[0], m)
		} else if changed {
			again[n] = n.over(args)
		}
	})
	out := make([]*Node, len(roots))
	for i, r := range roots {
		out[i] = again[r]
	}
	return out
}

func (n *Node) lastArg() *Node {
	if len(n.args) == 0 {
		return nil
	}
	return n.args[len(n.args)-1]
}

// filtered is n, a filter of a, by a mask that is known.
func (n *Node) filtered(a *Node, m Mask) *Node {
	if a.err != nil && a.carried() == nil {
		return a
	}
	if len(a.shape) == 1 {
		return Filtered(a, m.Bools, m.Selection, n.pc)
	}
	return overRows(a, n.pc, func(flat *Node, width int) *Node {
		wide := Apply(LogicalAnd, n.pc, Reshape(m.Bools, Shape{m.Bools.shape[0], 1}, n.pc), Full(ScalarOf(true), Shape{1, width}, n.pc))
		wide = Reshape(wide, Shape{flat.shape[0]}, n.pc)
		s := &Selection{Step: m.Step * width}
		for _, k := range m.Kept {
			s.Kept = append(s.Kept, k*width)
		}
		return Filtered(flat, wide, s, n.pc)
	})
}

// over is n over other operands, made by the constructor that made it.
func (n *Node) over(args []*Node) *Node {
	for _, a := range args {
		if failed := a.failed(n.pc); failed != nil && n.kind != KindFilter && n.kind != KindSlice {
			return failed
		}
	}
	out := n.remake(args)
	if n.place != nil && out.err == nil {
		return out.Placed(n.place)
	}
	return out
}

func (n *Node) remake(args []*Node) *Node {
	switch n.kind {
	case KindFilter:
		if n.of == nil {
			return Filter(args[0], args[1], n.pc)
		}
		return Filtered(args[0], args[1], n.Selection(), n.pc)
	case KindSlice:
		rows := n.of.(partition.Range)
		return Slice(args[0], rows.Lo, rows.Hi, n.pc)
	case KindReduce:
		if n.op == Var {
			return Variance(n.pc, args[0], n.scalar.Float(), n.axes...)
		}
		return Reduce(n.op, n.pc, args[0], n.axes...)
	case KindScan:
		return Scan(n.op, n.pc, args[0], n.axes...)
	case KindMatmul:
		return Matmul(args[0], args[1], n.pc)
	case KindReshape:
		return Reshape(args[0], n.shape, n.pc)
	case KindOp:
		if n.op == Cast {
			return CastTo(args[0], n.dtype, n.pc)
		}
		return Apply(n.op, n.pc, args...)
	}
	return Failed(n.pc, fmt.Errorf("%w: a node of kind %d has no operands", ErrGraph, n.kind))
}
