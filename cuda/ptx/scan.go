package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// A scan adds up the elements of a leaf one by one and joins them to what is in front of the leaf: the tree over all leaves
// before, closed as array.Forest's Total does. That joins the node of the lowest bit of the leaf's number to those of the higher
// ones, one after another. So the launches are Leaves (ColumnSums where Inner is above 1) for level 0, Pairs for each level that has
// a node, and Scan or ScanRows; the last one alone where no run is longer than a leaf.
//
// A level of Sums holds the whole nodes of each run whose leaves are not all before the part, run by run. Levels lie one
// after another (ScanLevels).

// ScanLevels gives how many nodes of a run each level of Sums has: leaf numbers [first, first+n).
func ScanLevels(first, n int) []int {
	var levels []int
	for end := first + n; end > first; end, first = end/2, first/2 {
		levels = append(levels, end-first)
	}
	return levels
}

// Scan gives the running values of runs. A thread a leaf of a run; runs beside each other have threads beside each other.
//
//   - Count: leaves of runs, Outer*ceil(Length/array.LeafSize)*Inner: of a block one after another, in each its columns.
//   - Outer, Length, Inner: the extent. First: the index in its run of the operand's first element, a multiple of array.LeafSize; not 0
//     for a part of one run alone.
//   - Values, ValuesBit, Validity, ValidityBit: operand 0.
//   - Sums: the levels; Before: the nodes of the tree over all before First, of which those are read that First has a bit for.
//     Neither is read where First is 0 and Length at most array.LeafSize.
//   - Result: of output 0, as many elements as the operand. Its validity is the operand's: see Bits.
func Scan(op array.Op, d array.DType, nulls bool) (*Kernel, error) {
	if !scans(op, d) {
		return nil, undefined(op, d)
	}
	r := newRoutine("scan", scanThreads)
	t := treeOf(op, d)
	length, inner := r.param(Length, 0), r.param(Inner, 0)
	perRun := r.leavesOf(length, leafBits)
	r.everyThread(func(at string) {
		block, number, column := r.inExtent(at, perRun, inner)
		front, joined := r.front(t, d, r.word("mad.lo.s64", block, inner, column), r.runs(), number, perRun)
		from := r.word("shl.b64", number, immediate(leafBits))
		l := rowLeaves{tree: t, dtype: d, nulls: nulls, inner: inner}
		l.element = r.word("mad.lo.s64", r.word("mul.lo.s64", block, length), inner, column)
		end := r.least(length, r.word("add.s64", from, immediate(array.LeafSize)))
		acc := r.variable(word, hexWord(t.identity(d)))
		r.column(&l, from, end, func(x, row, present string) {
			r.choose(acc, r.join(t, acc, x), present)
			value := r.word("selp.b64", r.join(t, front, acc), acc, joined)
			index := r.word("mad.lo.s64", row, inner, l.element)
			r.put(d, value, r.param(Result, 0), index, r.truth("setp.lt.u64", row, end))
		})
	})
	return r.kernel(fmt.Sprintf("%s of %s%s", op, d, nullsText(nulls)), scanThreads), nil
}

// scanThreads is the size of the blocks of kernels whose threads work by themselves: small, as there is a thread a leaf.
const scanThreads = 64

// everyThread has every thread of the grid do body for its number, in steps of the grid's threads, up to Count.
func (r *routine) everyThread(body func(at string)) {
	at := r.word("mul.wide.u32", r.half("mov.u32", "%ctaid.x"), immediate(r.threads))
	r.do("add.s64", at, at, r.widen(r.half("mov.u32", "%tid.x")))
	stride := r.word("mul.wide.u32", r.half("mov.u32", "%nctaid.x"), immediate(r.threads))
	r.loop(at, stride, r.param(Count, 0), func() { body(at) })
}

// inExtent is where item number at is of blocks of perBlock rows of inner columns: the block, the row in it and the column.
func (r *routine) inExtent(at, perBlock, inner string) (block, row, column string) {
	all := r.word("div.u64", at, inner)
	column = r.word("sub.s64", at, r.word("mul.lo.s64", all, inner))
	block = r.word("div.u64", all, perBlock)
	row = r.word("sub.s64", all, r.word("mul.lo.s64", block, perBlock))
	return block, row, column
}

// runs is how many there are.
func (r *routine) runs() string { return r.word("mul.lo.s64", r.param(Outer, 0), r.param(Inner, 0)) }

// front is what is in front of a leaf, which is number of the part's in its run, and whether there is something.
func (r *routine) front(t tree, d array.DType, run, runs, number, perRun string) (front, joined string) {
	first := r.word("shr.u64", r.param(First, 0), immediate(leafBits))
	leaves := r.variable(word, r.word("add.s64", first, number)) // of the run before this one, as numbers of a level
	begin, n, level := r.variable(word, first), r.variable(word, perRun), r.variable(word, r.param(Sums, 0))
	before := r.variable(word, r.param(Before, 0))
	front = r.variable(word, hexWord(t.identity(d)))
	joined = r.truth("setp.ne.u64", leaves, "0")
	some := r.variable(half, "0")
	again, skip, out := r.label("level"), r.label("even"), r.label("top")
	r.at(again)
	r.when(r.truth("setp.eq.u64", leaves, "0"), "bra", out)
	r.when(r.truth("setp.eq.u64", r.word("and.b64", leaves, "1"), "0"), "bra", skip)
	last := r.word("sub.s64", leaves, "1")
	early := r.truth("setp.lt.u64", last, begin)
	index := r.word("mad.lo.s64", run, n, r.word("sub.s64", last, begin))
	x := r.word("ld.global.u64", "["+r.word("selp.b64", before, r.word("mad.lo.s64", index, "8", level), early)+"]")
	r.do("selp.b64", front, r.join(t, x, front), x, r.truth("setp.ne.u32", some, "0"))
	r.do("mov.b32", some, "1")
	r.at(skip)
	r.do("mad.lo.s64", level, r.word("mul.lo.s64", runs, n), "8", level)
	end := r.word("shr.u64", r.word("add.s64", begin, n), "1")
	r.do("shr.u64", begin, begin, "1")
	r.do("sub.s64", n, end, begin)
	r.do("shr.u64", leaves, leaves, "1")
	r.do("add.s64", before, before, "8")
	r.do("bra", again)
	r.at(out)
	return front, joined
}

// Pairs gives the next level of Sums: each node joins two of the level below.
//
//   - Count: nodes to make, of all runs: ScanLevels' of the next level for each. Length: those of a run given. First: the number of
//     a run's first that is given.
//   - Sums 0: the level below; Sums 1: the one made.
//   - Before: the word of the level below, of the node before First; it is read where First is odd.
func Pairs(op array.Op, d array.DType) (*Kernel, error) {
	if !scans(op, d) {
		return nil, undefined(op, d)
	}
	r := newRoutine("pairs", rowThreads)
	t := treeOf(op, d)
	length, first := r.param(Length, 0), r.param(First, 0)
	begin := r.word("shr.u64", first, "1")
	perRun := r.word("sub.s64", r.word("shr.u64", r.word("add.s64", first, length), "1"), begin)
	r.everyThread(func(at string) {
		run := r.word("div.u64", at, perRun)
		number := r.word("add.s64", begin, r.word("sub.s64", at, r.word("mul.lo.s64", run, perRun)))
		right := r.word("sub.s64", r.word("add.s64", r.word("shl.b64", number, "1"), "1"), first) // of the run's, from 0
		place := r.word("mad.lo.s64", r.word("mad.lo.s64", run, length, right), "8", r.param(Sums, 0))
		left := r.word("sub.s64", place, "8")
		left = r.word("selp.b64", r.param(Before, 0), left, r.truth("setp.eq.u64", right, "0"))
		x, y := r.word("ld.global.u64", "["+left+"]"), r.word("ld.global.u64", "["+place+"]")
		r.put(array.Uint64, r.join(t, x, y), r.param(Sums, 1), at, "")
	})
	return r.kernel(fmt.Sprintf("pairs of nodes of %s of %s", op, d), rowThreads), nil
}

// ColumnSums gives level 0 of Sums where Inner is above 1: a thread a leaf, with the leaf's lanes in its registers.
//
//   - Count, Outer, Length, Inner, Values, ValuesBit, Validity, ValidityBit: as those of Scan. Sums: of each run its leaves.
func ColumnSums(op array.Op, d array.DType, nulls bool) (*Kernel, error) {
	if !scans(op, d) {
		return nil, undefined(op, d)
	}
	r := newRoutine("column_sums", scanThreads)
	t := treeOf(op, d)
	length, inner := r.param(Length, 0), r.param(Inner, 0)
	perRun := r.leavesOf(length, leafBits)
	r.everyThread(func(at string) {
		block, number, column := r.inExtent(at, perRun, inner)
		first := r.word("mad.lo.s64", r.word("mul.lo.s64", block, length), inner, column)
		var lanes [array.Lanes]string
		for i := range lanes {
			lanes[i] = r.variable(word, hexWord(t.identity(d)))
		}
		begin := r.variable(word, r.word("shl.b64", number, immediate(leafBits)))
		end := r.least(length, r.word("add.s64", begin, immediate(array.LeafSize)))
		r.loop(begin, immediate(array.Lanes), end, func() {
			for i, lane := range lanes {
				at := r.word("add.s64", begin, immediate(i))
				index, inside := r.word("mad.lo.s64", at, inner, first), r.truth("setp.lt.u64", at, end)
				present := r.present(nulls, index, inside)
				r.choose(lane, r.join(t, lane, r.operand(d, index, inside)), present)
			}
		})
		for by := array.Lanes / 2; by > 0; by /= 2 {
			for i := range by {
				r.do("mov.b64", lanes[i], r.join(t, lanes[i], lanes[i+by]))
			}
		}
		run := r.word("mad.lo.s64", block, inner, column)
		r.put(array.Uint64, lanes[0], r.param(Sums, 0), r.word("mad.lo.s64", run, perRun, number), "")
	})
	return r.kernel(fmt.Sprintf("leaves of %s of columns of %s%s", op, d, nullsText(nulls)), scanThreads), nil
}

// Bits moves a bitmap so that it begins with bit 0 of its buffer: the validity of a scan, or bools.
//
//   - Count: bits. Values, ValuesBit: where they are. Result: where they go.
func Bits() *Kernel {
	r := newRoutine("bits", rowThreads)
	lane, count := r.lane(), r.param(Count, 0)
	r.warps(r.leavesOf(count, 5), func(at string) {
		base := r.word("shl.b64", at, "5")
		index := r.word("add.s64", base, r.widen(lane))
		bit := r.operand(array.Bool, index, r.truth("setp.lt.u64", index, count))
		r.vote(r.truth("setp.ne.u64", bit, "0"), r.param(Result, 0), base, lane)
	})
	return r.kernel("a bitmap moved", rowThreads)
}

// scans reports whether a scan takes elements of type d.
func scans(op array.Op, d array.DType) bool {
	return op.Valid() && op.IsScan() && (d.Float() || d == array.Int64 || d == array.Uint64)
}
