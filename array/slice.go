package array

import (
	"fmt"
	"slices"

	"github.com/darray-go/darray/partition"
)

// Slice is rows [lo, hi) of a along its first axis, 0 <= lo <= hi; as in Python an end beyond the last row is the last row. What is
// given (files, data, ranges) is cut there, so that nothing else is read or computed. ErrShape for other bounds and for a 0-D array.
func Slice(a *Node, lo, hi int, pc uintptr) *Node {
	if a.err != nil && a.carried() == nil {
		return a
	}
	if lo < 0 || hi < lo || len(a.shape) == 0 {
		return Failed(pc, fmt.Errorf("slice: %w: rows [%d, %d) of shape %v; 0 <= lo <= hi count along the first axis", ErrShape, lo, hi, a.shape))
	}
	if a.shape[0] == Unknown {
		return &Node{kind: KindSlice, dtype: a.dtype, shape: a.shape, args: []*Node{a}, of: partition.Range{Lo: lo, Hi: hi}, err: a.err, pc: pc}
	}
	rows := partition.Range{Lo: min(lo, a.shape[0]), Hi: min(hi, a.shape[0])}
	if rows.Len() == a.shape[0] {
		return a
	}
	c := cutter{ranges: []partition.Range{rows}, rows: a.shape[0], known: make(map[*Node]*Node), here: a.carried() != nil}
	if out := c.cut(a); out != nil {
		return out
	}
	if len(a.shape) > 1 {
		return overRows(a, pc, func(flat *Node, width int) *Node { return slice1(flat, rows.Lo*width, rows.Hi*width, pc) })
	}
	return slice1(a, rows.Lo, rows.Hi, pc)
}

// Restrict is the rows of a in ranges, which ascend and do not overlap, where they can be cut out of what is given; else nil.
func Restrict(a *Node, ranges []partition.Range) *Node {
	if a.err != nil && a.carried() == nil || len(a.shape) == 0 || a.shape[0] == Unknown {
		return nil
	}
	c := cutter{ranges: ranges, rows: a.shape[0], known: make(map[*Node]*Node)}
	return c.cut(a)
}

// Cut is Slice of an array that need not be computed whole for it, else nil; rows is within it. Masks of filters are cut too, so that the
// graph is this process's alone: the ranks of a program that every rank runs would not have equal ones.
func Cut(a *Node, lo, hi int) *Node {
	if a.err != nil && a.carried() == nil || !a.shape.Known() || len(a.shape) == 0 {
		return nil
	}
	c := cutter{ranges: []partition.Range{{Lo: lo, Hi: hi}}, rows: a.shape[0], known: make(map[*Node]*Node), here: true}
	return c.cut(a)
}

// slice1 is elements [lo, hi) of a 1-D array that has to be computed whole: by a mask that nobody needs to compute first.
func slice1(a *Node, lo, hi int, pc uintptr) *Node {
	n := a.shape[0]
	at := newArange(ScalarOf(int64(0)), ScalarOf(int64(1)), n, pc)
	number := func(v int) *Node { return NumberOperand(ScalarOf(int64(v))) }
	mask := Apply(LogicalAnd, pc, Apply(GreaterEqual, pc, at, number(lo)), Apply(Less, pc, at, number(hi)))
	s := &Selection{Step: max(64, (n/selectionPieces+63)&^63)}
	for from := 0; from < n; from += s.Step {
		s.Kept = append(s.Kept, partition.Range{Lo: lo, Hi: hi}.Intersect(partition.Range{Lo: from, Hi: min(from+s.Step, n)}).Len())
	}
	return Filtered(a, mask, s, pc)
}

// overRows does to the flattened array what f does, which keeps rows of so many elements whole.
func overRows(a *Node, pc uintptr, f func(flat *Node, width int) *Node) *Node {
	width := 1
	for _, d := range a.shape[1:] {
		width *= d
	}
	if width == 0 { // f cannot tell how many rows there are
		return Failed(pc, fmt.Errorf("filter: %w: rows of shape %v have no elements", ErrShape, a.shape))
	}
	out := f(Reshape(a, Shape{a.shape.Len()}, pc), width)
	if out.err != nil {
		return out
	}
	shape := slices.Clone(a.shape)
	shape[0] = out.shape[0] / width
	return Reshape(out, shape, pc)
}

// cutter cuts rows out of what a graph is given, instead of out of its result.
type cutter struct {
	ranges []partition.Range
	rows   int
	known  map[*Node]*Node // nil: it cannot be cut
	here   bool            // filters may be cut by the masks that are here
}

// maxCut bounds how deep and wide a graph is that is cut.
const maxCut = 10000

// kept is the number of rows.
func (c *cutter) kept() int {
	n := 0
	for _, r := range c.ranges {
		n += r.Len()
	}
	return n
}

func (c *cutter) cut(n *Node) *Node {
	if out, ok := c.known[n]; ok {
		return out
	}
	if len(c.known) >= maxCut {
		return nil
	}
	c.known[n] = nil // until it is known
	out := c.cutNow(n)
	c.known[n] = out
	return out
}

func (c *cutter) cutNow(n *Node) *Node {
	shape := append(Shape{c.kept()}, n.shape[1:]...)
	switch n.kind {
	case KindFull:
		return &Node{kind: KindFull, dtype: n.dtype, shape: shape, scalar: n.scalar, pc: n.pc, place: n.place}
	case KindFile:
		part := *n
		part.of, part.shape = n.Source().within(c.ranges, c.rows), shape
		return &part
	case KindArange:
		if len(c.ranges) > 1 || n.dtype.Float() { // whose elements are start + i*step, with i counted from the first
			return nil
		}
		lo := 0
		if len(c.ranges) == 1 {
			lo = c.ranges[0].Lo
		}
		return newArange(ScalarFromBits(n.dtype, n.scalar.bits+uint64(lo)*n.step.bits).Cast(n.dtype), n.step, shape[0], n.pc)
	case KindData:
		return c.cutData(n, shape)
	case KindReshape: // of the rows of a flat column
		if a := n.args[0]; a.kind == KindFile && len(a.shape) == 1 && a.Source().Width > 0 && a.shape.Len() == n.shape.Len() && a.Source().Width*c.rows == a.shape[0] {
			part := *a
			part.of, part.shape = a.Source().within(c.ranges, c.rows), Shape{shape.Len()}
			return Reshape(&part, shape, n.pc)
		}
	case KindOp:
		return c.cutOp(n, shape)
	case KindFilter:
		return c.cutFilter(n)
	}
	return nil
}

// cutFilter cuts what a filter goes over where the rows begin and end that it leaves.
func (c *cutter) cutFilter(n *Node) *Node {
	if !c.here || len(c.ranges) != 1 || n.of == nil || len(n.shape) != 1 {
		return nil
	}
	mask := n.args[1].Block()
	if mask == nil {
		return nil
	}
	rows := partition.Range{Lo: mask.nth(n.Selection(), c.ranges[0].Lo), Hi: mask.nth(n.Selection(), c.ranges[0].Hi)}
	inner := cutter{ranges: []partition.Range{rows}, rows: mask.n, known: make(map[*Node]*Node), here: true}
	a := inner.cut(n.args[0])
	if a == nil {
		return nil
	}
	part := mask.Slice(rows.Lo, rows.Hi)
	return Filtered(a, Data(part, n.pc), Select(part), n.pc)
}

// nth is the position of the k-th true of a mask, counted from 0; its length where it has no more.
func (b *Block) nth(s *Selection, k int) int {
	for i, kept := range s.Kept {
		if k >= kept {
			k -= kept
			continue
		}
		for at := i * s.Step; at < b.n; at++ {
			if bit(b.values, b.offset+at) {
				if k == 0 {
					return at
				}
				k--
			}
		}
	}
	return b.n
}

// cutData is one run of rows of a block that is here.
func (c *cutter) cutData(n *Node, shape Shape) *Node {
	b := n.Block()
	if b == nil || len(c.ranges) != 1 {
		return nil
	}
	if far, _ := b.Far(); far != nil {
		return nil
	}
	width := 1
	for _, d := range shape[1:] {
		width *= d
	}
	part, err := b.Slice(c.ranges[0].Lo*width, c.ranges[0].Hi*width).Reshape(shape)
	if err != nil {
		return nil
	}
	return Data(part, n.pc)
}

// cutOp cuts the operands that have all rows and leaves those that are repeated along them.
func (c *cutter) cutOp(n *Node, shape Shape) *Node {
	part := *n
	part.shape = shape
	part.args = make([]*Node, len(n.args))
	for i, a := range n.args {
		along := len(a.shape) == len(n.shape) && a.shape[0] == c.rows && c.rows != 1
		switch {
		case along:
			if part.args[i] = c.cut(a); part.args[i] == nil {
				return nil
			}
		case len(a.shape) == len(n.shape) && a.shape[0] != 1:
			return nil
		default:
			part.args[i] = a
		}
	}
	if c.rows == 1 { // to none
		return nil
	}
	return &part
}
