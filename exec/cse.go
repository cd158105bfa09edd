package exec

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/darray-go/darray/array"
)

// value is one distinct array of a graph: what all equal expressions stand for. It is a flat run of n elements in
// row-major order, so a reshape is no value of its own. KindReshape marks a constant or range that is stored as a block.
type value struct {
	kind   array.Kind
	op     array.Op
	dtype  array.DType
	n      int
	shape  array.Shape // of the first node that had this value
	args   []int       // earlier values
	scalar array.Scalar
	step   array.Scalar
	data   int   // KindData, KindParts: number of the driver's block, or of the parts
	far    bool  // KindData, KindParts: it lies in the memory of devices
	near   bool  // and is fetched, since others read it too
	lies   *deal // KindParts: as the parts do, whatever the layout of their length
	source *array.Source

	// axes are the extents, without those of 1, that operands with strides repeat along; nil where none does.
	axes    array.Shape
	strides [][]int // by operand: its steps along axes; nil where it lies as the result does, or is one element

	extents array.Extents    // KindMatmul
	chosen  *array.Selection // KindFilter
	pieces  *pieces          // this is those of another value, and the planner's

	extent  array.Extent // reductions and scans: the runs; zero for one run of all elements
	reduced []int        // the axes as the graph has them, for plans

	whole bool // every rank computes and holds all of it: one element, a small stored range, what the root has joined

	// What fuse finds out.
	class  int  // union-find parent; values of one class are seen along the same axes
	stage  int  // programs of one stage do not wait for each other
	group  int  // -1 for what is given
	stored bool // it leaves its program: a result, or read by another program

	// What the planner decides.
	deal     *deal
	name     string
	wanted   bool // beyond the scans over the same elements
	scanned  bool // of a reduction: a scan asks for its trees
	shared   bool // every rank needs it, not the root alone
	part     bool // some step has placed the ranks' parts
	placed   bool // some step has placed it whole on every rank
	gathered bool // some step makes it whole on the root
	kept     bool // a result that stays with the ranks
}

// leaf reports whether v is given and not computed.
func (v *value) leaf() bool {
	return v.kind == array.KindFull || v.kind == array.KindArange || v.kind == array.KindData || v.kind == array.KindFile || v.kind == array.KindParts
}

// parted is the layout of v's parts.
func (v *value) parted() *deal {
	if v.lies != nil {
		return v.lies
	}
	return v.deal
}

// copied reports whether a result over v is a copy, so that it has memory of its own: not the user's slice, which may
// change, nor a mapped file, which is gone with the last block over it while a slice of the values may live on.
func (v *value) copied() bool {
	return (v.kind == array.KindData || v.kind == array.KindFile) && !v.gathered
}

// view is a node of the graph: a value under a shape.
type view struct {
	value int
	shape array.Shape
}

// graph is the joined form of an expression graph: values in an order in which operands come first.
type graph struct {
	values []*value
	roots  []view
	again  []bool // by root: an earlier one has the same value, so that its block is a copy
	data   []int  // the values of the data nodes, by number
	parts  []int  // the values of the nodes of parts, by number

	known map[key]int // until the graph is joined
}

// key is what makes two values equal.
type key struct {
	kind         array.Kind
	op           array.Op
	dtype        array.DType
	n            int
	args         [3]int
	scalar, step uint64
	whole        bool
	text         string // what is seldom needed: the source, the shapes of broadcast operands
}

// nodesUnasked is how many nodes are joined until the context is asked whether it has ended: some 0.2 ms.
const nodesUnasked = 256

// given is what a graph's leaves are over, by number, and no part of a plan.
type given struct {
	blocks []*array.Block // of the data nodes; nil where this rank does not hold one
	parts  []*array.Parts
}

// join gives the values under roots, and what they are given. Every rank gets the same values from the same graph.
func join(ctx context.Context, roots []*array.Node) (*graph, given, error) {
	g, given, _, err := joined(ctx, roots)
	return g, given, err
}

// joined is join, and says which value each node is.
func joined(ctx context.Context, roots []*array.Node) (*graph, given, map[*array.Node]view, error) {
	g := &graph{known: make(map[key]int)}
	var of given
	views := make(map[*array.Node]view)
	var err error
	array.Walk(roots, func(n *array.Node) {
		if err == nil {
			err = n.Err()
		}
		if err == nil && (n.Kind() == array.KindSlice || n.Kind() == array.KindFilter && n.Selection() == nil) {
			err = array.ErrPending
		}
		if err == nil && len(views)%nodesUnasked == nodesUnasked-1 {
			err = ctx.Err()
		}
		if err == nil {
			views[n] = g.view(n, views)
			switch n.Kind() {
			case array.KindData:
				g.data = append(g.data, views[n].value)
				of.blocks = append(of.blocks, n.Block())
			case array.KindParts:
				g.parts = append(g.parts, views[n].value)
				of.parts = append(of.parts, n.Parts())
			}
		}
	})
	if err != nil {
		return nil, given{}, nil, err
	}
	for _, r := range roots {
		v := views[r]
		switch g.values[v.value].kind {
		case array.KindFull, array.KindArange:
			v.value = g.store(v.value, g.values[v.value].n == 1)
		}
		g.roots = append(g.roots, v)
	}
	g.again = make([]bool, len(g.roots))
	seen := make([]bool, len(g.values))
	for i, r := range g.roots {
		g.again[i], seen[r.value] = seen[r.value], true
	}
	g.known = nil
	return g, of, views, nil
}

// view is the value of one node whose operands have theirs.
func (g *graph) view(n *array.Node, views map[*array.Node]view) view {
	shape := n.Shape()
	if n.Kind() == array.KindReshape {
		return view{views[n.Args()[0]].value, shape}
	}
	v := &value{kind: n.Kind(), op: n.Op(), dtype: n.DType(), n: shape.Len(), shape: shape, scalar: n.Scalar(), step: n.Step()}
	v.whole = v.n == 1
	var k key
	switch v.kind {
	case array.KindData:
		v.data = len(g.data)
		k.args[0] = v.data
	case array.KindParts:
		v.data = len(g.parts)
		k.args[0] = v.data
		p := n.Parts()
		v.far, v.lies = p.Far, &deal{shape: shape, n: v.n, layout: p.Layout, name: nameOf(p.Layout)}
	case array.KindFile:
		v.source = n.Source()
		k.text = sourceKey(v.source) + fmt.Sprint(v.source.Rows)
	case array.KindOp:
		if v.n == 0 { // nothing to compute, whatever the operands are
			v.kind, v.op, v.scalar = array.KindFull, 0, array.ScalarFromBits(v.dtype, 0)
			break
		}
		k.text = g.operands(v, n.Args(), views)
	case array.KindMatmul:
		if v.n == 0 || n.Args()[0].Shape().Len() == 0 { // no elements, or sums of nothing
			v.kind, v.scalar = array.KindFull, array.ScalarFromBits(v.dtype, 0)
			break
		}
		k.text = g.matmul(v, n.Args(), views)
	case array.KindFilter:
		k.text = g.filter(v, n, views)
	case array.KindReduce, array.KindScan:
		return view{g.overAxes(v, n, views[n.Args()[0]]), shape}
	}
	return view{g.add(v, k), shape}
}

// operands fills in how v sees its operands; the text tells apart what differs in broadcasting alone.
func (g *graph) operands(v *value, args []*array.Node, views map[*array.Node]view) (text string) {
	v.args = make([]int, len(args))
	for i, a := range args {
		w := views[a]
		if n := g.values[w.value].n; n != v.n {
			if g.values[w.value].kind == array.KindArange { // which counts along the domain that it is read over
				w.value = g.store(w.value, true)
			}
			if n != 1 && g.values[w.value].kind != array.KindFull {
				if v.axes == nil {
					v.axes, v.strides = squeeze(v.shape), make([][]int, len(args))
				}
				v.strides[i] = squeezedStrides(w.shape, v.shape)
			}
		}
		v.args[i] = w.value
	}
	v.whole = v.whole || v.axes == nil && g.heldByAll(v)
	if v.axes != nil || len(args) > len(key{}.args) {
		text = fmt.Sprint(v.axes, v.strides, v.args)
	}
	return text
}

// store is a constant or range as a block: split over the ranks, or whole on each.
func (g *graph) store(leaf int, whole bool) int {
	of := g.values[leaf]
	return g.add(&value{kind: array.KindReshape, dtype: of.dtype, n: of.n, shape: of.shape, args: []int{leaf}, whole: whole}, key{})
}

// add gives the number of v, an old one where an equal value is known.
func (g *graph) add(v *value, k key) int {
	k.kind, k.op, k.dtype, k.n, k.whole = v.kind, v.op, v.dtype, v.n, v.whole
	k.scalar, k.step = v.scalar.Bits(), v.step.Bits()
	copy(k.args[:], v.args)
	if at, ok := g.known[k]; ok {
		return at
	}
	at := len(g.values)
	g.known[k] = at
	g.values = append(g.values, v)
	return at
}

// domain is the number of elements that computing v passes over.
func (g *graph) domain(v *value) int {
	if v.kind == array.KindReduce {
		return g.values[v.args[0]].n
	}
	return v.n
}

// split reports whether the ranks share the computing of v: its domain is dealt out.
func (g *graph) split(v *value) bool {
	if v.kind == array.KindReduce {
		return !g.values[v.args[0]].whole
	}
	return !v.whole
}

// squeeze drops the axes of extent 1.
func squeeze(s array.Shape) array.Shape {
	out := make(array.Shape, 0, len(s))
	for _, d := range s {
		if d != 1 {
			out = append(out, d)
		}
	}
	return out
}

// squeezedStrides is s.BroadcastStrides(out) along the axes that squeeze keeps.
func squeezedStrides(s, out array.Shape) []int {
	strides := make([]int, 0, len(out))
	for i, step := range s.BroadcastStrides(out) {
		if out[i] != 1 {
			strides = append(strides, step)
		}
	}
	return strides
}

// sourceKey tells whole columns apart.
func sourceKey(s *array.Source) string {
	text, _ := json.Marshal(s.Whole()) // a struct of strings
	return string(text)
}
