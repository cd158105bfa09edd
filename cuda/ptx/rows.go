package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// Finish is what becomes of the nodes of runs: values in type Out, as array.Partial's Value gives them. Validity is that the
// result has validity; it must where Nullable. Correction is a variance's.
type Finish struct {
	Out        array.DType
	Validity   bool
	Correction float64
}

// rowThreads is the size of the blocks of kernels whose warps work by themselves.
const rowThreads = 256

// Leaves gives the nodes of the leaves of runs that lie one after another: a warp a leaf. It is for whole reductions (one run)
// and for reductions over rows.
//
//   - Count: leaves to make, those of the first run first; a run has ceil(Length / array.LeafSize).
//   - Length: elements of a run. First: the index in its run of the operand's first element, for ArgMin and ArgMax: not 0 for a
//     part of one run alone, which begins with a leaf.
//   - Values, ValuesBit, Validity, ValidityBit: operand 0, from the first element of the first run on.
//   - Nodes: a node a leaf; for a scan Sums, a word a leaf.
func Leaves(op array.Op, d array.DType, nulls bool) (*Kernel, error) {
	if !reduces(op, d) && !scans(op, d) {
		return nil, undefined(op, d)
	}
	r := newRoutine("leaves", rowThreads)
	t := treeOf(op, d)
	lane := r.lane()
	length, first := r.param(Length, 0), r.param(First, 0)
	perRun := r.leavesOf(length, leafBits)
	r.warps(r.param(Count, 0), func(at string) {
		run := r.word("div.u64", at, perRun)
		from := r.word("shl.b64", r.word("sub.s64", at, r.word("mul.lo.s64", run, perRun)), immediate(leafBits)) // in the run
		n := r.least(r.word("sub.s64", length, from), immediate(array.LeafSize))
		l := leaf{tree: t, dtype: d, nulls: nulls, width: lanesOf, lane: r.widen(lane), n: n}
		l.element = r.word("mad.lo.s64", run, length, from)
		l.index = r.word("add.s64", first, from)
		out, one := r.leaf(&l), r.truth("setp.eq.u32", lane, "0")
		if op.IsScan() {
			r.put(array.Uint64, out.acc, r.param(Sums, 0), at, one)
			return
		}
		r.storeNode(out, r.param(Nodes, 0), at, one)
	})
	return r.kernel(fmt.Sprintf("leaves of %s of %s%s", op, d, nullsText(nulls)), rowThreads/lanesOf), nil
}

// leafBits is log2 of array.LeafSize.
const leafBits = 10

func log2(n int) int {
	bits := 0
	for ; n > 1; n /= 2 {
		bits++
	}
	return bits
}

// leaf is a leaf that width lanes fold: lane l has elements l, l+width, ... A leaf of fewer lanes than 32 has one a lane at most.
type leaf struct {
	tree
	dtype   array.DType
	nulls   bool
	width   int
	lane    string  // of the width, a word
	n       string  // elements, 1 to array.LeafSize; 0: nothing is asked for
	element string  // of the operand: the leaf's first
	index   string  // of that in its run
	only    *loaded // the lane's element, where it has one at most and that is loaded
}

// counted is whether lanes count their elements; else a leaf has as many as it is asked for.
func (l *leaf) counted() bool { return l.nulls || l.positions() }

// loaded is an element in registers: widened, its index in the leaf, and whether there is such a one and it is not null.
type loaded struct{ x, at, present string }

// unrolled is how many elements of a leaf a lane loads before it joins the first.
const unrolled = 4

// leaf gives the leaf's node, in the first of its lanes.
func (r *routine) leaf(l *leaf) node {
	counted := l.counted()
	if l.only != nil && !counted && l.op != array.Var && l.op != array.Count { // joined to the identity it stays what it is
		identity := hexWord(l.identity(l.dtype))
		return r.lanes(l, node{acc: r.word("selp.b64", l.only.x, identity, l.only.present), count: l.n}, false)
	}
	identity := r.constant(l.identity(l.dtype))
	out := node{acc: r.variable(word, identity), count: l.n}
	if l.positions() {
		out.aux = r.variable(word, "0")
	}
	if counted {
		out.count = r.variable(word, "0")
	}
	r.elements(l, l.op == array.Count, func(x, at, present string) { r.fold(l.tree, l.index, &out, counted, x, at, present) })
	out = r.lanes(l, out, counted)
	if l.op == array.Var {
		r.deviationsOf(l, &out)
	}
	return out
}

// fold joins an element to a node: x at a place of what begins at index of its run, where it is present.
func (r *routine) fold(t tree, index string, out *node, counted bool, x, at, present string) {
	switch {
	case t.positions():
		better := r.truth("or.pred", r.truth("setp.eq.u64", out.count, "0"), r.before(t, x, out.acc))
		better = r.truth("and.pred", present, better)
		r.choose(out.acc, x, better)
		r.choose(out.aux, r.word("add.s64", index, at), better)
	case t.op != array.Count:
		r.choose(out.acc, r.join(t, out.acc, x), present)
	}
	if counted {
		r.when(present, "add.s64", out.count, out.count, "1")
	}
}

// lanes joins the lanes in halves: each with the one that is half as many lanes further on.
func (r *routine) lanes(l *leaf, n node, counted bool) node {
	for by := l.width / 2; by > 0; by /= 2 {
		right := n
		for i, reg := range n.regs() {
			if counted || reg != &n.count {
				*right.regs()[i] = r.shuffled("down", *reg, immediate(by))
			}
		}
		joined := node{}
		switch {
		case l.positions():
			joined = r.combine(l.tree, n, right, true)
		default:
			joined.acc, joined.count = r.join(l.tree, n.acc, right.acc), n.count
			if counted {
				joined.count = r.word("add.s64", n.count, right.count)
			}
		}
		n = joined
	}
	return n
}

// deviationsOf fills in the sum of squared deviations from the leaf's mean, which takes the elements once more.
func (r *routine) deviationsOf(l *leaf, n *node) {
	sum, count := n.acc, n.count
	if l.width > 1 { // from the first lane to all
		first := r.half("and.b32", r.half("mov.u32", "%tid.x"), immediate(31&^(l.width-1)))
		sum = r.shuffled("idx", sum, first)
		if l.nulls {
			count = r.shuffled("idx", count, first)
		}
	}
	mean := r.word("div.rn.f64", sum, r.word("cvt.rn.f64.u64", count))
	sums := tree{array.Sum, array.Float64}
	squares := node{acc: r.variable(word, hexWord(sums.identity(array.Float64))), count: count}
	r.elements(l, false, func(x, _, present string) {
		deviation := r.word("sub.rn.f64", x, mean)
		r.choose(squares.acc, r.join(sums, squares.acc, r.word("mul.rn.f64", deviation, deviation)), present)
	})
	squares = r.lanes(&leaf{tree: sums, width: l.width}, squares, false)
	n.aux = r.word("selp.b64", squares.acc, "0", r.truth("setp.ne.u64", n.count, "0"))
}

// elements hands join the lane's elements in order. Several are loaded at a time; blind is that their values do not count.
func (r *routine) elements(l *leaf, blind bool, join func(x, at, present string)) {
	if l.width < lanesOf {
		join(l.only.x, l.only.at, l.only.present)
		return
	}
	begin := r.variable(word, "0")
	first := r.word("add.s64", l.element, l.lane)
	pointer := ""
	if l.dtype != array.Bool && !blind {
		pointer = r.variable(word, r.word("mad.lo.s64", first, immediate(l.dtype.Size()), r.param(Values, 0)))
	}
	r.loop(begin, immediate(unrolled*lanesOf), l.n, func() {
		var all [unrolled]loaded
		from := r.word("add.s64", begin, l.lane)
		for i := range all {
			e := loaded{at: r.ahead(from, i*lanesOf)}
			inside := r.truth("setp.lt.u64", e.at, l.n)
			switch {
			case blind:
			case pointer == "":
				e.x = r.operand(l.dtype, r.word("add.s64", l.element, e.at), inside)
			default:
				e.x = r.fetch(l.dtype, fmt.Sprintf("[%s+%d]", pointer, i*lanesOf*l.dtype.Size()), inside)
			}
			e.present = inside
			if l.nulls {
				e.present = r.present(true, r.word("add.s64", l.element, e.at), inside)
			}
			all[i] = e
		}
		for _, e := range all {
			join(e.x, e.at, e.present)
		}
		if pointer != "" {
			r.do("add.s64", pointer, pointer, immediate(unrolled*lanesOf*l.dtype.Size()))
		}
	})
}

// ahead is a word and so many more.
func (r *routine) ahead(x string, more int) string {
	if more == 0 {
		return x
	}
	return r.word("add.s64", x, immediate(more))
}

// preload loads the only element that a lane has, where inside holds.
func (r *routine) preload(l *leaf, inside string) {
	index := r.word("add.s64", l.element, l.lane)
	l.only = &loaded{at: l.lane, present: r.present(l.nulls, index, inside)}
	if l.op != array.Count {
		l.only.x = r.operand(l.dtype, index, inside)
	}
}
