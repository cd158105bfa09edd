package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// GroupNodes is how many nodes that lie one after another Combine joins to one: GroupLevels levels of the tree.
const (
	GroupNodes  = 1 << GroupLevels
	GroupLevels = 10
)

// Combine joins the nodes of runs: each GroupNodes of a run, from its first on, become one, and so does what is left at its
// end. d is the elements' type. A warp a group.
//
//   - Count: nodes to make, those of the first run first; a run has ceil(Length / GroupNodes).
//   - Length: nodes of a run.
//   - Nodes 0: the nodes given, run by run. Nodes 1: those made.
//
// So one node for a run is left after as many launches as Length has digits to the base GroupNodes. For a part of one run alone the
// groups are those that Climb finds.
func Combine(op array.Op, d array.DType) (*Kernel, error) {
	if !reduces(op, d) {
		return nil, undefined(op, d)
	}
	r := newRoutine("combine", rowThreads)
	t := treeOf(op, d)
	lane, length := r.lane(), r.param(Length, 0)
	perRun := r.leavesOf(length, GroupLevels)
	r.warps(r.param(Count, 0), func(at string) {
		run := r.word("div.u64", at, perRun)
		from := r.word("shl.b64", r.word("sub.s64", at, r.word("mul.lo.s64", run, perRun)), immediate(GroupLevels))
		n := r.least(r.word("sub.s64", length, from), immediate(GroupNodes))
		base := r.word("mad.lo.s64", run, length, from)
		all := r.absent(op)
		some := r.variable(word, "0") // 32 nodes become one, which a lane keeps
		r.loop(some, immediate(lanesOf), n, func() {
			index := r.word("add.s64", some, r.widen(lane))
			given := r.loadNode(r.param(Nodes, 0), r.word("add.s64", base, index), op.HasAux(), r.truth("setp.lt.u64", index, n))
			r.neighbours(t, given, lane, r.word("sub.s64", n, some))
			first := given.each(func(x string) string { return r.shuffled("idx", x, "0") })
			r.take(all, first, r.truth("setp.eq.u64", r.widen(lane), r.word("shr.u64", some, "5")))
		})
		r.neighbours(t, all, lane, r.leavesOf(n, 5))
		r.storeNode(all, r.param(Nodes, 1), at, r.truth("setp.eq.u32", lane, "0"))
	})
	return r.kernel(fmt.Sprintf("nodes of %s of %s, %d to one", op, d, GroupNodes), rowThreads/lanesOf), nil
}

// absent is a node of no elements in variables.
func (r *routine) absent(op array.Op) node {
	n := node{acc: r.variable(word, "0"), count: r.variable(word, "0")}
	if op.HasAux() {
		n.aux = r.variable(word, "0")
	}
	return n
}

// neighbours joins the first n of the warp's nodes in pairs, pairs of pairs and so on, one without a right neighbour staying as it
// is, so that the first lane has the node over all. The node's registers are variables.
func (r *routine) neighbours(t tree, own node, lane, n string) {
	by := r.variable(half, "1")
	again := r.label("level")
	r.at(again)
	right := own.each(func(x string) string { return r.shuffled("down", x, by) })
	there := r.truth("setp.lt.u64", r.widen(r.half("add.s32", lane, by)), n)
	r.take(own, r.combine(t, own, right, false), there)
	r.do("shl.b32", by, by, "1")
	r.when(r.truth("setp.lt.u32", by, immediate(lanesOf)), "bra", again)
}

// Climb cuts nodes [first, first+n) of one level, of one run, into those before the first group of GroupNodes whose numbers begin
// at a multiple of it, the groups, and those behind the last group: head + groups*GroupNodes + tail is n. Group i has number
// (first+head)/GroupNodes + i on the level that is GroupLevels higher.
func Climb(first, n int) (head, groups, tail int) {
	head = min(-first&(GroupNodes-1), n)
	groups = (n - head) / GroupNodes
	return head, groups, n - head - groups*GroupNodes
}

// RunValues gives the values of runs from their nodes, one each.
//
//   - Count: runs. Nodes: their nodes.
//   - Result, ResultValid (with Validity): of output 0, an element a run.
func RunValues(op array.Op, d array.DType, f Finish) (*Kernel, error) {
	if !reduces(op, d) {
		return nil, undefined(op, d)
	}
	if err := f.check(op, d); err != nil {
		return nil, err
	}
	r := newRoutine("values", rowThreads)
	lane, count := r.lane(), r.param(Count, 0)
	r.warps(r.leavesOf(count, 5), func(at string) {
		base := r.word("shl.b64", at, "5")
		index := r.word("add.s64", base, r.widen(lane))
		inside := r.truth("setp.lt.u64", index, count)
		r.finish(treeOf(op, d), r.loadNode(r.param(Nodes, 0), index, op.HasAux(), inside), f, base, lane, inside)
	})
	return r.kernel(fmt.Sprintf("values of %s of %s in %s", op, d, f.Out), rowThreads), nil
}

// check reports a result that is none of the reduction's.
func (f *Finish) check(op array.Op, d array.DType) error {
	natural := array.AccumulatorType(op, d)
	switch op.Info().Rule {
	case array.RuleCount, array.RuleArg:
		natural = array.Int64
	case array.RuleMean, array.RuleSum:
		if d.Float() {
			natural = d
		}
	}
	if f.Out != natural {
		return fmt.Errorf("ptx: %w: %s of %s is %s, not %s; cast it", array.ErrDType, op, d, natural, f.Out)
	}
	return nil
}

// reduces reports whether a reduction takes elements of type d.
func reduces(op array.Op, d array.DType) bool {
	if !op.Valid() || !op.IsReduction() || !d.Valid() {
		return false
	}
	switch op.Info().Rule {
	case array.RuleArg, array.RuleCount, array.RuleSame:
		return true
	case array.RuleTruth:
		return d == array.Bool
	case array.RuleMean:
		return d.Float()
	}
	return d.Float() || d == array.Int64 || d == array.Uint64
}

func undefined(op array.Op, d array.DType) error {
	return fmt.Errorf("ptx: %w: no %s of %s", array.ErrDType, op, d)
}

// nullsText is what comments say of nulls.
func nullsText(nulls bool) string {
	if nulls {
		return " with nulls"
	}
	return ""
}
