package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// A column of a block is a run with other runs' elements in between. A thread takes a segment of a column: up to SegmentLeaves
// leaves of array.RowLeaf rows, from a leaf on whose number is a multiple of the segment's leaves, so that what comes of it is
// one node of the tree over rows. Threads beside each other have columns beside each other.

// SegmentLevels and SegmentLeaves bound a segment: the nodes that a thread keeps under way.
const (
	SegmentLevels = 8
	SegmentLeaves = 1 << SegmentLevels
)

// Columns reduces columns. With values it gives those of whole columns, of one segment each; else nodes.
//
//   - Count: segments of columns, Outer*Segments*Inner: those of a block one after another, in each its columns.
//   - Length: rows of a block. Inner: columns of a block. Segment: rows of a segment, array.RowLeaf times a power of two, at most
//     SegmentLeaves; a block has Segments = ceil(Length/Segment).
//   - First: the index in its run of the operand's first row, for ArgMin and ArgMax.
//   - Values, ValuesBit, Validity, ValidityBit: operand 0, from the first block's first row on.
//   - Nodes: a node for each of Count; or, with values, Result and ResultValid (with Validity) of output 0, likewise.
func Columns(op array.Op, d array.DType, nulls bool, values *Finish) (*Kernel, error) {
	r, t, err := newColumns("columns", op, d, values)
	if err != nil {
		return nil, err
	}
	segment := r.param(Segment, 0)
	r.segments(t, segment, values, func(block, column, from, n string) node {
		l := rowLeaves{tree: t, dtype: d, nulls: nulls, inner: r.param(Inner, 0)}
		row := r.word("mad.lo.s64", block, r.param(Length, 0), from)
		l.element = r.word("mad.lo.s64", row, l.inner, column)
		l.index = r.word("add.s64", r.param(First, 0), from)
		return r.climb(t, n, array.RowLeaf, func(begin, end string) node { return r.rowLeaf(&l, begin, end) })
	})
	return r.kernel(fmt.Sprintf("%s of columns of %s%s%s", op, d, nullsText(nulls), valuesText(values)), rowThreads), nil
}

// ColumnNodes joins what Columns gave: up to SegmentLeaves nodes of a column, whose segments lie one after another, become one.
//
//   - Count: Outer*Segments*Inner. Length: nodes of a column of a block. Inner: columns. Segment: nodes that become one, a power
//     of two, at most SegmentLeaves; Segments = ceil(Length/Segment).
//   - Nodes 0: those given. Nodes 1: those made; or, with values, Result and ResultValid.
func ColumnNodes(op array.Op, d array.DType, values *Finish) (*Kernel, error) {
	r, t, err := newColumns("column_nodes", op, d, values)
	if err != nil {
		return nil, err
	}
	r.segments(t, r.param(Segment, 0), values, func(block, column, from, n string) node {
		inner := r.param(Inner, 0)
		first := r.word("mad.lo.s64", r.word("mad.lo.s64", block, r.param(Length, 0), from), inner, column)
		return r.climb(t, n, 1, func(begin, _ string) node {
			return r.loadNode(r.param(Nodes, 0), r.word("mad.lo.s64", begin, inner, first), op.HasAux(), "")
		})
	})
	return r.kernel(fmt.Sprintf("nodes of %s of columns of %s%s", op, d, valuesText(values)), rowThreads), nil
}

func newColumns(name string, op array.Op, d array.DType, values *Finish) (*routine, tree, error) {
	t := treeOf(op, d)
	if !reduces(op, d) {
		return nil, t, undefined(op, d)
	}
	if values != nil {
		if err := values.check(op, d); err != nil {
			return nil, t, err
		}
	}
	return newRoutine(name, rowThreads), t, nil
}

func valuesText(values *Finish) string {
	if values == nil {
		return ""
	}
	return " to " + values.Out.String()
}

// segments has each thread make the node of a segment: rows [from, from+n) of a column of a block. Threads without one do that of
// the last, so that warps stay whole, and leave it.
func (r *routine) segments(t tree, segment string, values *Finish, make func(block, column, from, n string) node) {
	lane, count, length, inner := r.lane(), r.param(Count, 0), r.param(Length, 0), r.param(Inner, 0)
	perBlock := r.word("div.u64", r.word("sub.s64", r.word("add.s64", length, segment), "1"), segment)
	r.warps(r.leavesOf(count, 5), func(at string) {
		base := r.word("shl.b64", at, "5")
		mine := r.word("add.s64", base, r.widen(lane))
		inside := r.truth("setp.lt.u64", mine, count)
		item := r.least(mine, r.word("sub.s64", count, "1"))
		block, number, column := r.inExtent(item, perBlock, inner)
		from := r.word("mul.lo.s64", number, segment)
		n := make(block, column, from, r.least(r.word("sub.s64", length, from), segment))
		if values != nil {
			r.finish(t, n, *values, base, lane, inside)
			return
		}
		r.storeNode(n, r.param(Nodes, made(r)), mine, inside)
	})
}

// made is the index of the nodes that a kernel makes: 1 where it is given nodes too.
func made(r *routine) int {
	if _, given := r.loaded[Param{Kind: Nodes}]; given {
		return 1
	}
	return 0
}

// climb makes the tree over n rows, of which each unit gives a node: one node waits on each level for its right sibling. leaf makes the
// node of rows [begin, end).
func (r *routine) climb(t tree, n string, unit int, leaf func(begin, end string) node) node {
	var waiting [SegmentLevels + 1]node
	for i := range waiting {
		waiting[i] = r.absent(t.op)
	}
	begin, number := r.variable(word, "0"), r.variable(word, "0")
	r.loop(begin, immediate(unit), n, func() {
		own := r.absent(t.op)
		made := leaf(begin, r.least(r.word("add.s64", begin, immediate(unit)), n))
		r.set(own, made)
		stop := r.label("waits")
		for level := range waiting {
			odd := r.truth("setp.ne.u64", r.word("and.b64", number, immediate(1<<level)), "0")
			join := r.label("join")
			r.when(odd, "bra", join)
			r.set(waiting[level], own)
			r.do("bra.uni", stop)
			r.at(join)
			r.set(own, r.combine(t, waiting[level], own, false))
		}
		r.at(stop)
		r.do("add.s64", number, number, "1")
	})
	total, some := r.absent(t.op), r.variable(word, "0")
	for level := range waiting {
		skip, first := r.label("none"), r.label("first")
		r.when(r.truth("setp.eq.u64", r.word("and.b64", number, immediate(1<<level)), "0"), "bra", skip)
		r.when(r.truth("setp.eq.u64", some, "0"), "bra", first)
		r.set(total, r.combine(t, waiting[level], total, false))
		r.do("bra.uni", skip)
		r.at(first)
		r.set(total, waiting[level])
		r.do("mov.b64", some, "1")
		r.at(skip)
	}
	return total
}

// rowLeaves are leaves of rows of a column.
type rowLeaves struct {
	tree
	dtype   array.DType
	nulls   bool
	inner   string
	element string // of the operand: row 0 of the segment
	index   string // of that row in the run
}

// rowLeaf joins rows [begin, end) of the column in their order.
func (r *routine) rowLeaf(l *rowLeaves, begin, end string) node {
	counted := l.nulls || l.positions()
	out := node{acc: r.variable(word, hexWord(l.identity(l.dtype))), count: r.word("sub.s64", end, begin)}
	if l.positions() {
		out.aux = r.variable(word, "0")
	}
	if counted {
		out.count = r.variable(word, "0")
	}
	if l.op == array.Count && !l.nulls {
		return out
	}
	r.column(l, begin, end, func(x, at, present string) { r.fold(l.tree, l.index, &out, counted, x, at, present) })
	if l.op == array.Var {
		mean := r.word("div.rn.f64", out.acc, r.word("cvt.rn.f64.u64", out.count))
		sums := tree{array.Sum, array.Float64}
		squares := r.variable(word, hexWord(sums.identity(array.Float64)))
		r.column(l, begin, end, func(x, _, present string) {
			deviation := r.word("sub.rn.f64", x, mean)
			r.choose(squares, r.join(sums, squares, r.word("mul.rn.f64", deviation, deviation)), present)
		})
		out.aux = r.word("selp.b64", squares, "0", r.truth("setp.ne.u64", out.count, "0"))
	}
	return out
}

// column hands join the elements of rows [begin, end) in order, several loaded at a time.
func (r *routine) column(l *rowLeaves, begin, end string, join func(x, at, present string)) {
	row := r.variable(word, begin)
	pointer, stride := "", ""
	if l.op != array.Count && l.dtype != array.Bool {
		index := r.word("mad.lo.s64", begin, l.inner, l.element)
		pointer = r.variable(word, r.word("mad.lo.s64", index, immediate(l.dtype.Size()), r.param(Values, 0)))
		stride = r.word("mul.lo.s64", l.inner, immediate(l.dtype.Size()))
	}
	r.loop(row, immediate(unrolled), end, func() {
		var all [unrolled]loaded
		for i := range all {
			e := loaded{at: r.ahead(row, i)}
			inside := r.truth("setp.lt.u64", e.at, end)
			index := ""
			if l.nulls || l.dtype == array.Bool {
				index = r.word("mad.lo.s64", e.at, l.inner, l.element)
			}
			e.present = r.present(l.nulls, index, inside)
			switch {
			case pointer != "":
				e.x = r.fetch(l.dtype, "["+pointer+"]", inside)
				r.do("add.s64", pointer, pointer, stride)
			case l.op != array.Count:
				e.x = r.operand(l.dtype, index, inside)
			}
			all[i] = e
		}
		for _, e := range all {
			join(e.x, e.at, e.present)
		}
	})
}
