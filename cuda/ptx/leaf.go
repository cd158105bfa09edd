package ptx

import (
	"github.com/darray-go/darray/array"
)

// A warp takes a leaf of the tree of array/tree.go: its lanes are the tree's, each joining its elements in order from the
// identity, and are joined by shuffles in the tree's order. What the first lane then has is the leaf's node.

// fold is a reduction of one output.
type fold struct {
	sink  sink
	op    array.Op
	acc   array.DType
	total string // the lane's accumulator; "" for counts, which have none
	count string // the warp's elements that are not null; "" where all are
	// counted is that another fold has the same count.
	counted bool
}

// overLeaves writes the loops over leaves and over the rows of a leaf.
func (k *kernel) overLeaves() {
	next, row := k.label("leaf"), k.label("row")
	k.at(next)
	leaf := k.word("mov.b64", k.first)
	end := k.word("min.u64", k.word("add.s64", leaf, immediate(array.LeafSize)), k.param(Count, 0))
	for _, s := range k.graph.sinks {
		if o := &k.graph.program.Outputs[s.output]; o.Reduce {
			k.begin(s, o)
		}
	}
	k.at(row)
	k.elements()
	k.do("add.s64", k.first, k.first, immediate(k.slots*array.Lanes))
	k.when(k.truth("setp.lt.u64", k.first, end), "bra", row)
	node := k.word("shr.u64", leaf, immediate(10)) // of array.LeafSize
	size := k.word("sub.s64", end, leaf)
	for i := range k.folds {
		k.finish(&k.folds[i], node, size)
	}
	k.do("mov.b64", k.first, leaf)
	k.step(next)
}

// begin gives a fold the identity.
func (k *kernel) begin(s sink, o *array.Output) {
	f := fold{sink: s, op: o.Op, acc: array.AccumulatorType(o.Op, o.DType)}
	identity := array.Identity(f.op, f.acc)
	switch {
	case s.value == none:
	case f.acc == array.Bool:
		f.total = k.known(int(identity))
	default:
		f.total = k.in(classOf(f.acc), "mov."+moved(f.acc), fromScalar(f.acc, identity))
	}
	for i := range k.folds {
		if k.folds[i].sink.valid == s.valid {
			f.count, f.counted = k.folds[i].count, true
		}
	}
	if s.valid != k.truths[1] && !f.counted {
		f.count = k.half("mov.b32", "0")
	}
	k.folds = append(k.folds, f)
}

// join joins the elements of the slots, in order, to the lane's accumulator; what is null or behind the end leaves it as it
// is, which is what joining the identity does.
func (k *kernel) join(s sink) {
	var f *fold
	for i := range k.folds {
		if k.folds[i].sink == s {
			f = &k.folds[i]
		}
	}
	d := k.graph.program.Outputs[s.output].DType
	for slot := range k.slots {
		if f.count != "" && !f.counted {
			k.do("add.s32", f.count, f.count, k.half("popc.b32", k.vote(s.valid, slot)))
		}
		if s.value == none {
			continue
		}
		x, ok := k.value(s.value, slot), k.present(s.valid, slot)
		switch {
		case k.any(f):
			k.do("or.pred", f.total, f.total, k.truth("and.pred", x, ok))
		case f.acc == array.Bool:
			k.do("and.pred", f.total, f.total, k.truth("or.pred", x, k.truth("not.pred", ok)))
		default:
			k.when(ok, "mov."+untyped(f.acc), f.total, k.joined(f, f.total, k.cast(d, f.acc, x)))
		}
	}
}

// any reports whether a fold of bools joins them by or; else by and.
func (k *kernel) any(f *fold) bool {
	return f.acc == array.Bool && (f.op == array.Any || f.op == array.Max)
}

// joined is two accumulators in one, x before y.
func (k *kernel) joined(f *fold, x, y string) string {
	op := array.Add
	switch f.op {
	case array.Prod:
		op = array.Multiply
	case array.Min:
		op = array.Minimum
	case array.Max:
		op = array.Maximum
	}
	if f.acc.Float() {
		return k.floats(op, f.acc, x, y)
	}
	return k.ints(op, f.acc, x, y)
}

// finish joins the lanes and stores the leaf's node.
func (k *kernel) finish(f *fold, node, size string) {
	zero := k.derive(k.slots, "zero", func() string { return k.word("mov.u64", "0") })
	var total string
	switch {
	case f.total == "":
		total = zero
	case k.any(f):
		total = k.toScalar(f.acc, k.truth("vote.sync.any.pred", f.total, everyLane))
	case f.acc == array.Bool:
		total = k.toScalar(f.acc, k.truth("vote.sync.all.pred", f.total, everyLane))
	default:
		x := f.total
		for distance := array.Lanes / 2; distance > 0; distance /= 2 {
			x = k.joined(f, x, k.shuffle(f.acc, x, distance))
		}
		total = k.toScalar(f.acc, x)
	}
	count := size
	if f.count != "" {
		count = k.word("cvt.u64.u32", f.count)
	}
	at := k.word("mad.lo.s64", node, immediate(NodeBytes), k.param(Nodes, f.sink.output))
	k.when(k.leader(), "st.global.u64", "["+at+"]", total)
	k.when(k.leader(), "st.global.u64", "["+at+"+8]", zero)
	k.when(k.leader(), "st.global.u64", "["+at+"+16]", count)
}

// shuffle is the register of the lane that is so many behind; its own where there is none.
func (k *kernel) shuffle(d array.DType, x string, distance int) string {
	down := func(x string) string {
		return k.half("shfl.sync.down.b32", x, immediate(distance), "31", everyLane)
	}
	if classOf(d) == half {
		return down(x)
	}
	low, high := k.fresh(half), k.fresh(half)
	k.do("mov.b64", listed([]string{low, high}), x)
	return k.word("mov.b64", listed([]string{down(low), down(high)}))
}
