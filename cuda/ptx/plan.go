package ptx

import (
	"fmt"
	mathbits "math/bits"

	"github.com/darray-go/darray/array"
)

// Plan is the launches that compute an output over a buffer, one after another, and what they leave.
type Plan struct {
	Scratch []int // buffers beside the operand and the result: their sizes in bytes
	Stages  []Stage
	// Nodes is what is left for the caller to read, in order: the nodes of a Tree output. Nil where the result is written.
	Nodes []Run
}

// Stage is one launch. Parameters that it does not name are the operand's and the result's: Values, ValuesBit, Validity,
// ValidityBit, Result and ResultValid, and Before of a scan that does not begin with its run.
type Stage struct {
	Kernel  *Kernel
	Blocks  int                  // enough for a round each; fewer do as well
	Offset  int                  // elements of the operand before those that it begins with: to add to Values (bools: ValuesBit), ValidityBit
	Numbers map[ParamKind]uint64 // of the parameters that are numbers
	Scratch map[Param]Place      // of the parameters that are addresses of scratch
	Level   int                  // of a scan: Before is the address of the word of this level
}

// Place is somewhere in the scratch.
type Place struct{ Buffer, Offset int } // bytes

// Run is nodes that lie one after another: Count nodes of a level, from number Index on; or, of a Partial output, one
// node of each of Count columns, over Rows rows.
type Run struct {
	Place
	Count int
	Level int
	Index int
	Rows  int
}

// Part is what a plan is for: elements [Lo, Lo+N) of the domain, cut as Output.Unit says; N is above 0. Nulls is that the operand has
// validity, Validity that the result has.
type Part struct {
	Lo, N           int
	Nulls, Validity bool
	Threads         int // that keep the card busy; 0: Threads
}

// Threads is how many threads keep a large card busy.
const Threads = 1 << 17

// Reduction plans a reduction of a register's elements, which lie in a buffer from the part's first on.
func Reduction(o *array.Output, p Part) (*Plan, error) {
	b := &planner{output: o, part: p, finish: Finish{Out: o.Out, Validity: p.Validity, Correction: o.Correction}}
	e := o.Extent
	switch {
	case !o.Reduce || p.N < 1 || !o.Whole() && (e.Length < 1 || e.Inner < 1 || e.Outer < 1):
		return nil, fmt.Errorf("ptx: %w: no reduction of %d elements as %v", array.ErrGraph, p.N, e)
	case o.Whole():
		b.whole()
	case o.Partial:
		b.partial()
	case e.Inner == 1:
		b.rows(p.N/e.Length, e.Length)
	default:
		b.columns(p.N/(e.Length*e.Inner), e.Length, e.Inner, 0, 0, &b.finish)
	}
	return &b.plan, b.err
}

// planner makes a plan.
type planner struct {
	output *array.Output
	part   Part
	finish Finish
	plan   Plan
	err    error
}

// scratch is a new buffer.
func (b *planner) scratch(bytes int) Place {
	b.plan.Scratch = append(b.plan.Scratch, bytes)
	return Place{len(b.plan.Scratch) - 1, 0}
}

// stage adds a launch.
func (b *planner) stage(k *Kernel, err error, count int, numbers map[ParamKind]uint64, scratch map[Param]Place) *Stage {
	if err != nil {
		b.err = err
		k = &Kernel{Unit: 1}
	}
	numbers[Count] = uint64(count)
	b.plan.Stages = append(b.plan.Stages, Stage{Kernel: k, Blocks: (count + k.Unit - 1) / k.Unit, Numbers: numbers, Scratch: scratch})
	return &b.plan.Stages[len(b.plan.Stages)-1]
}

// leavesIn is how many leaves of some size n elements are.
func leavesIn(n, size int) int { return (n + size - 1) / size }

// whole leaves the nodes of a run of all elements: groups of leaves as one node each.
func (b *planner) whole() {
	leaves := leavesIn(b.part.N, array.LeafSize)
	first := b.part.Lo / array.LeafSize
	nodes := b.leaves(leaves, b.part.N, b.part.Lo)
	head, groups, tail := Climb(first, leaves)
	add := func(p Place, n, level, index int) {
		if n > 0 {
			b.plan.Nodes = append(b.plan.Nodes, Run{Place: p, Count: n, Level: level, Index: index})
		}
	}
	if groups > 0 {
		up := b.scratch(groups * NodeBytes)
		k, err := Combine(b.output.Op, b.output.DType)
		b.stage(k, err, groups, map[ParamKind]uint64{Length: uint64(groups * GroupNodes)}, map[Param]Place{
			{Kind: Nodes}: {nodes.Buffer, head * NodeBytes}, {Kind: Nodes, Index: 1}: up,
		})
		add(nodes, head, 0, first)
		add(up, groups, GroupLevels, (first+head)/GroupNodes)
	} else {
		add(nodes, head, 0, first)
	}
	behind := head + groups*GroupNodes
	add(Place{nodes.Buffer, behind * NodeBytes}, tail, 0, first+behind)
}

// leaves makes leaves of runs of length elements.
func (b *planner) leaves(count, length, first int) Place {
	nodes := b.scratch(count * NodeBytes)
	k, err := Leaves(b.output.Op, b.output.DType, b.part.Nulls)
	b.stage(k, err, count, map[ParamKind]uint64{Length: uint64(length), First: uint64(first)}, map[Param]Place{{Kind: Nodes}: nodes})
	return nodes
}

// rows reduces runs that lie one after another.
func (b *planner) rows(runs, length int) {
	op, d := b.output.Op, b.output.DType
	if length <= array.LeafSize && (length < lanesOf || runs >= b.threads()/4) { // a thread a run at least, else a warp a run
		k, err := Rows(op, d, b.part.Nulls, RowsWidth(length), b.finish)
		s := b.stage(k, err, runs, map[ParamKind]uint64{Length: uint64(length)}, nil)
		s.Blocks = leavesIn(runs, rowThreads)
		return
	}
	perRun := leavesIn(length, array.LeafSize)
	nodes := b.leaves(runs*perRun, length, 0)
	for perRun > 1 {
		groups := leavesIn(perRun, GroupNodes)
		up := b.scratch(runs * groups * NodeBytes)
		k, err := Combine(op, d)
		b.stage(k, err, runs*groups, map[ParamKind]uint64{Length: uint64(perRun)}, map[Param]Place{{Kind: Nodes}: nodes, {Kind: Nodes, Index: 1}: up})
		nodes, perRun = up, groups
	}
	k, err := RunValues(op, d, b.finish)
	b.stage(k, err, runs, map[ParamKind]uint64{}, map[Param]Place{{Kind: Nodes}: nodes})
}

// threads is how many should have something to do.
func (b *planner) threads() int {
	if b.part.Threads > 0 {
		return b.part.Threads
	}
	return Threads
}

// columns reduces rows [0, rows) of blocks that begin behind offset elements of the operand; first is the index of row 0. It
// gives values or, without finish, a node for each column, which it returns.
func (b *planner) columns(blocks, rows, inner, offset, first int, finish *Finish) Place {
	op, d := b.output.Op, b.output.DType
	leaves, segment := leavesIn(rows, array.RowLeaf), SegmentLeaves
	for segment > 1 && (segment/2 >= leaves || blocks*inner*leavesIn(leaves, segment) < b.threads()) {
		segment /= 2
	}
	var nodes Place
	n := leavesIn(leaves, segment)
	for level, given := 0, rows; ; level++ {
		values, to := finish, map[Param]Place{}
		if n > 1 || finish == nil {
			up := b.scratch(blocks * n * inner * NodeBytes)
			to[Param{Kind: Nodes, Index: min(level, 1)}] = up
			if level > 0 {
				to[Param{Kind: Nodes}] = nodes
			}
			nodes, values = up, nil
		} else if level > 0 {
			to[Param{Kind: Nodes}] = nodes
		}
		numbers := map[ParamKind]uint64{Length: uint64(given), Inner: uint64(inner), Segment: uint64(segment)}
		if level == 0 {
			numbers[First], numbers[Segment] = uint64(first), uint64(segment*array.RowLeaf)
			k, err := Columns(op, d, b.part.Nulls, values)
			b.stage(k, err, blocks*n*inner, numbers, to).Offset = offset
		} else {
			k, err := ColumnNodes(op, d, values)
			b.stage(k, err, blocks*n*inner, numbers, to)
		}
		if n == 1 {
			return nodes
		}
		given, segment = n, SegmentLeaves
		n = leavesIn(n, segment)
	}
}

// partial leaves nodes over rows for each column, as few as possible.
func (b *planner) partial() {
	inner := b.output.Extent.Inner
	first, rows := b.part.Lo/inner, b.part.N/inner
	leaf, end := first/array.RowLeaf, leavesIn(first+rows, array.RowLeaf)
	for leaf < end {
		level := mathbits.Len(uint(end-leaf)) - 1
		if leaf > 0 {
			level = min(level, mathbits.TrailingZeros(uint(leaf)))
		}
		lo := leaf * array.RowLeaf
		hi := min((leaf+1<<level)*array.RowLeaf, first+rows)
		nodes := b.columns(1, hi-lo, inner, (lo-first)*inner, lo, nil)
		b.plan.Nodes = append(b.plan.Nodes, Run{Place: nodes, Count: inner, Level: level, Index: leaf >> level, Rows: hi - lo})
		leaf += 1 << level
	}
}

// Running plans a scan. Its validity is the operand's, which the caller moves (Bits).
func Running(o *array.Output, p Part) (*Plan, error) {
	b := &planner{output: o, part: p}
	e := o.Extent
	if o.Whole() {
		e = array.Extent{Outer: 1, Length: p.N, Inner: 1}
	}
	if !o.Scan || p.N < 1 || e.Length < 1 || e.Inner < 1 {
		return nil, fmt.Errorf("ptx: %w: no scan of %d elements as %v", array.ErrGraph, p.N, e)
	}
	if e.Outer = p.N / (e.Length * e.Inner); o.Whole() {
		b.scan(e, p.Lo)
	} else {
		b.scan(e, 0)
	}
	return &b.plan, b.err
}

// scan is the launches over an extent, whose first element has an index in its run.
func (b *planner) scan(e array.Extent, first int) {
	op, d, nulls := b.output.Op, b.output.DType, b.part.Nulls
	perRun := leavesIn(e.Length, array.LeafSize)
	count := e.Runs() * perRun
	extent := func() map[ParamKind]uint64 {
		return map[ParamKind]uint64{
			Outer: uint64(e.Outer), Length: uint64(e.Length), Inner: uint64(e.Inner), First: uint64(first),
		}
	}
	sums := Place{-1, 0}
	if first > 0 || perRun > 1 {
		sums = b.levels(e, first, perRun, extent)
	}
	make := Scan
	if e.Inner == 1 && e.Length >= lanesOf {
		make = ScanRows
	}
	k, err := make(op, d, nulls)
	if sums.Buffer < 0 {
		sums = b.scratch(8) // an address to pass; nothing is read there
	}
	b.stage(k, err, count, extent(), map[Param]Place{{Kind: Sums}: sums})
}

// levels is the launches that make Sums.
func (b *planner) levels(e array.Extent, first, perRun int, extent func() map[ParamKind]uint64) Place {
	op, d, nulls, runs := b.output.Op, b.output.DType, b.part.Nulls, e.Runs()
	levels, words := ScanLevels(first/array.LeafSize, perRun), 0
	for _, n := range levels {
		words += runs * n
	}
	sums := b.scratch(8 * max(words, 1))
	if e.Inner == 1 {
		k, err := Leaves(op, d, nulls)
		b.stage(k, err, runs*perRun, extent(), map[Param]Place{{Kind: Sums}: sums})
	} else {
		k, err := ColumnSums(op, d, nulls)
		b.stage(k, err, runs*perRun, extent(), map[Param]Place{{Kind: Sums}: sums})
	}
	below := sums
	for level, n := range levels[:len(levels)-1] {
		above := Place{sums.Buffer, below.Offset + 8*runs*n}
		if levels[level+1] > 0 {
			k, err := Pairs(op, d)
			numbers := map[ParamKind]uint64{Length: uint64(n), First: uint64(first / array.LeafSize >> level)}
			b.stage(k, err, runs*levels[level+1], numbers, map[Param]Place{{Kind: Sums}: below, {Kind: Sums, Index: 1}: above}).Level = level
		}
		below = above
	}
	return sums
}
