package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// Rows gives the values of runs of at most array.LeafSize elements that lie one after another: a warp takes 32 runs at a time,
// as many at once as fit its lanes. width is RowsWidth of the runs' length.
//
//   - Count: runs. Length: elements of a run.
//   - Values, ValuesBit, Validity, ValidityBit: operand 0, from the first element of the first run on.
//   - Result, ResultValid (with Validity): of output 0, an element a run.
func Rows(op array.Op, d array.DType, nulls bool, width int, f Finish) (*Kernel, error) {
	if !reduces(op, d) {
		return nil, undefined(op, d)
	}
	if err := f.check(op, d); err != nil {
		return nil, err
	}
	if width != RowsWidth(width) {
		return nil, fmt.Errorf("ptx: %w: rows over %d lanes; take RowsWidth", array.ErrShape, width)
	}
	s := &shortRows{routine: newRoutine("rows", rowThreads), tree: treeOf(op, d), dtype: d, nulls: nulls, width: width}
	s.write(f)
	comment := fmt.Sprintf("%s of rows of %s%s, %d at once, to %s", op, d, nullsText(nulls), lanesOf/width, f.Out)
	return s.kernel(comment, rowThreads), nil
}

// RowsWidth is how many lanes of a warp a run of so many elements takes in Rows: a power of two.
func RowsWidth(length int) int {
	width := 1
	for width < min(length, lanesOf) {
		width *= 2
	}
	return width
}

// shortRows is the kernel under construction. In each step a warp folds as many runs as fit it; the lane whose run it is keeps
// what comes of one, so that at the end each has a run of its own.
type shortRows struct {
	*routine
	tree
	dtype array.DType
	nulls bool
	width int

	count, length string
	inRow         string // the lane's element of its run
	inRun         string // whether there is such a one
	source        string // the lane in which a step leaves the run that this one may keep
	turn          string // the step in which it does
	element, row  string // of the step: the first element and the number of the lane's run
	next          string // elements to those of the next step
}

// write writes the kernel.
func (s *shortRows) write(f Finish) {
	lane, atOnce, bits := s.lane(), lanesOf/s.width, immediate(log2(s.width))
	s.count, s.length = s.param(Count, 0), s.param(Length, 0)
	s.inRow = s.widen(s.half("and.b32", lane, immediate(s.width-1)))
	s.inRun = s.truth("setp.lt.u64", s.inRow, s.length)
	which := s.widen(s.half("shr.u32", lane, bits)) // of the runs of a step
	s.source = s.half("shl.b32", s.half("and.b32", lane, immediate(atOnce-1)), bits)
	s.turn = s.widen(s.half("shr.u32", lane, immediate(log2(atOnce))))
	s.next = s.word("mul.lo.s64", s.length, immediate(atOnce))
	s.warps(s.leavesOf(s.count, 5), func(at string) {
		base := s.word("shl.b64", at, "5")
		first := s.word("add.s64", base, which)
		s.element, s.row = s.variable(word, s.word("mul.lo.s64", first, s.length)), s.variable(word, first)
		all := s.absent(s.op)
		step, together := s.variable(word, "0"), min(s.width, unrolled)
		if s.width == lanesOf {
			together = 1
		}
		s.loop(step, immediate(together), immediate(s.width), func() { s.steps(all, step, together) })
		if !(&leaf{tree: s.tree, nulls: s.nulls}).counted() {
			all.count = s.length
		}
		inside := s.truth("setp.lt.u64", s.word("add.s64", base, s.widen(lane)), s.count)
		s.finish(s.tree, all, f, base, lane, inside)
	})
}

// steps folds the runs of some steps, whose elements are under way together, and hands out what comes of them.
func (s *shortRows) steps(all node, step string, together int) {
	leaves := make([]leaf, together)
	for i := range leaves {
		l := leaf{tree: s.tree, dtype: s.dtype, nulls: s.nulls, width: s.width, lane: s.inRow, index: "0", n: s.length}
		there := s.truth("setp.lt.u64", s.row, s.count)
		if l.element = s.word("mov.b64", s.element); s.width == lanesOf {
			l.n = s.word("selp.b64", s.length, "0", there)
		} else {
			s.preload(&l, s.truth("and.pred", s.inRun, there))
		}
		leaves[i] = l
		s.do("add.s64", s.element, s.element, s.next)
		s.do("add.s64", s.row, s.row, immediate(lanesOf/s.width))
	}
	for i := range leaves {
		mine := s.truth("setp.eq.u64", s.turn, s.ahead(step, i))
		out := s.leaf(&leaves[i])
		if !leaves[i].counted() {
			out.count = all.count
		}
		for k, reg := range all.regs() {
			if from := *out.regs()[k]; from != *reg {
				s.choose(*reg, s.shuffled("idx", from, s.source), mine)
			}
		}
	}
}
