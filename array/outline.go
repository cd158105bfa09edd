package array

import (
	"bytes"
	"math/bits"
	"slices"
)

// Outline is the structure of a graph, without its data: all that a plan depends on. Graphs of equal outlines differ in
// nothing but the contents of their blocks. The zero value is ready; one that is used again allocates nothing.
type Outline struct {
	words   []uint64  // a header for each node and what it says of it, then the roots: no outline is the beginning of another
	sources []*Source // in the order of Walk
	blocks  []*Block  // of the data nodes in the order of Walk; nil where this process does not hold them
	parts   []*Parts  // in the order of Walk
	nodes   []*Node   // in the order of Walk
}

// Of takes the outline of the graph under roots. False where the graph has more than so many nodes, or an error in it: then the
// outline says nothing. It keeps the graph alive until Clear.
func (o *Outline) Of(roots []*Node, most int) bool {
	o.Clear()
	for _, r := range roots {
		if o.visit(r, most, most) < 0 {
			o.Clear()
			return false
		}
	}
	o.words = append(o.words, outlineRoots|uint64(len(roots))<<8)
	for _, r := range roots {
		o.words = append(o.words, uint64(o.find(r)))
	}
	return true
}

// Clear lets go of the graph and keeps the memory for the next one.
func (o *Outline) Clear() {
	clear(o.sources)
	clear(o.blocks)
	clear(o.parts)
	clear(o.nodes)
	o.words, o.sources, o.blocks, o.parts, o.nodes = o.words[:0], o.sources[:0], o.blocks[:0], o.parts[:0], o.nodes[:0]
}

// Clone is a copy that keeps none of the graph's blocks and nodes alive.
func (o *Outline) Clone() Outline {
	return Outline{words: slices.Clone(o.words), sources: slices.Clone(o.sources)}
}

// Equal reports whether both are of one structure.
func (o *Outline) Equal(other *Outline) bool {
	return slices.Equal(o.words, other.words) && slices.EqualFunc(o.sources, other.sources, (*Source).Equal)
}

// Hash is equal where outlines are. Others can have the same.
func (o *Outline) Hash() uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: no pattern of its own
	h := uint64(odd)
	for _, w := range o.words {
		hi, lo := bits.Mul64(h^w, odd)
		h = hi ^ lo + odd // a product of 0 must not end it
	}
	return h
}

// Words is the size of the outline in words of 8 bytes.
func (o *Outline) Words() int { return len(o.words) }

// Blocks are those of the graph's data nodes in the order of Walk, nil where this process does not hold one. Not to be
// changed; valid until Clear.
func (o *Outline) Blocks() []*Block { return o.blocks }

// Parts are what the graph's nodes of KindParts are of, in the order of Walk. Not to be changed; valid until Clear.
func (o *Outline) Parts() []*Parts { return o.parts }

// outlineRoots begins the list of roots, as no node does.
const outlineRoots = 0xff

// visit adds a node after its operands, as Walk does, and gives its number; -1 where it cannot. It goes no deeper than a
// graph of so many nodes can be.
func (o *Outline) visit(n *Node, most, deep int) int {
	if at := o.find(n); at >= 0 {
		return at
	}
	if n.err != nil || deep == 0 || n.kind == KindSlice || n.kind == KindFilter && n.of == nil || len(n.args) > maxArity {
		return -1
	}
	var args [maxArity]uint64
	for i, a := range n.args {
		at := o.visit(a, most, deep-1)
		if at < 0 {
			return -1
		}
		args[i] = uint64(at)
	}
	if len(o.nodes) >= most {
		return -1
	}
	op := uint64(n.op)
	switch of := n.of.(type) { // which have no op
	case *Block:
		if far, _ := of.Far(); far != nil {
			op = 1
		}
	case *Parts:
		if of.Far {
			op = 1
		}
	}
	o.words = append(o.words, uint64(n.kind)|op<<8|uint64(n.dtype)<<16|uint64(n.scalar.dtype)<<24|uint64(n.step.dtype)<<32|
		uint64(len(n.args))<<40|uint64(len(n.shape))<<48|uint64(len(n.axes))<<56)
	for _, d := range n.shape {
		o.words = append(o.words, uint64(d))
	}
	for _, axis := range n.axes {
		o.words = append(o.words, uint64(axis))
	}
	o.words = append(o.words, args[:len(n.args)]...)
	if n.scalar.dtype != Invalid {
		o.words = append(o.words, n.scalar.bits)
	}
	if n.step.dtype != Invalid {
		o.words = append(o.words, n.step.bits)
	}
	switch n.kind {
	case KindData:
		o.blocks = append(o.blocks, n.Block())
	case KindFile:
		o.sources = append(o.sources, n.Source())
	case KindFilter:
		s := n.Selection()
		o.words = append(o.words, uint64(s.Step), uint64(len(s.Kept)))
		for _, k := range s.Kept {
			o.words = append(o.words, uint64(k))
		}
	case KindParts:
		p := n.Parts()
		o.parts = append(o.parts, p)
		o.words = append(o.words, uint64(p.Layout.Ranks()))
		for r := range p.Layout.Ranks() {
			o.words = append(o.words, uint64(p.Layout.Range(r).Len()))
		}
	}
	o.nodes = append(o.nodes, n)
	return len(o.nodes) - 1
}

// find gives a node's number, -1 where it has none. A graph worth an outline has so few nodes that looking at each costs
// less than a map; the last ones are the likeliest.
func (o *Outline) find(n *Node) int {
	for i := len(o.nodes) - 1; i >= 0; i-- {
		if o.nodes[i] == n {
			return i
		}
	}
	return -1
}

// Equal reports whether both name the same column of the same files as they were.
func (s *Source) Equal(t *Source) bool {
	return s == t || s.Column == t.Column && s.Name == t.Name && s.Format == t.Format && s.Width == t.Width &&
		s.Step == t.Step && s.Views == t.Views && s.Base == t.Base && bytes.Equal(s.Options, t.Options) &&
		slices.Equal(s.Paths, t.Paths) && slices.Equal(s.Version, t.Version) && slices.Equal(s.Rows, t.Rows) &&
		slices.EqualFunc(s.Index, t.Index, bytes.Equal)
}
