package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// ScanRows is Scan for runs that lie one after another: Inner is 1. A warp takes 32 leaves, a lane each, and moves 32 elements of
// each at a time through shared memory, so that lanes beside each other move elements beside each other.
func ScanRows(op array.Op, d array.DType, nulls bool) (*Kernel, error) {
	if !scans(op, d) {
		return nil, undefined(op, d)
	}
	s := &rowScan{routine: newRoutine("scan_rows", scanThreads), tree: treeOf(op, d), dtype: d, nulls: nulls}
	s.write()
	return s.kernel(fmt.Sprintf("%s of rows of %s%s", op, d, nullsText(nulls)), scanThreads), nil
}

// rowScan is the kernel under construction.
type rowScan struct {
	*routine
	tree
	dtype array.DType
	nulls bool

	lane, wide string // a half and a word
	own        string // where the lane's row begins in shared memory
	across     string // where the warp's rows have the lane's place
	first, n   string // the lane's leaf: the operand's element, and how many
	n32        string // that as a half
}

// rowBytes is a lane's row in shared memory: a word behind it, so that lanes do not meet on a bank.
const rowBytes = 8 * (lanesOf + 1)

func (s *rowScan) write() {
	s.once(func() {
		s.head = fmt.Appendf(s.head, "\t.shared .align 8 .b8 rows[%d];\n", scanThreads*rowBytes)
	})
	thread := s.half("mov.u32", "%tid.x")
	s.lane = s.half("and.b32", thread, "31")
	s.wide = s.widen(s.lane)
	rows := s.word("mov.u64", "rows")
	s.own = s.word("mad.lo.s64", s.widen(thread), immediate(rowBytes), rows)
	s.across = s.word("mad.lo.s64", s.widen(s.half("and.b32", thread, "-32")), immediate(rowBytes), rows)
	s.across = s.word("mad.lo.s64", s.wide, "8", s.across)
	count, length := s.param(Count, 0), s.param(Length, 0)
	perRun := s.leavesOf(length, leafBits)
	s.warps(s.leavesOf(count, 5), func(at string) {
		mine := s.word("add.s64", s.word("shl.b64", at, "5"), s.wide)
		inside := s.truth("setp.lt.u64", mine, count)
		item := s.least(mine, s.word("sub.s64", count, "1"))
		run := s.word("div.u64", item, perRun)
		number := s.word("sub.s64", item, s.word("mul.lo.s64", run, perRun))
		front, joined := s.front(s.tree, s.dtype, run, s.param(Outer, 0), number, perRun)
		from := s.word("shl.b64", number, immediate(leafBits))
		s.first = s.word("mad.lo.s64", run, length, from)
		s.n = s.least(s.word("sub.s64", length, from), immediate(array.LeafSize))
		s.n = s.word("selp.b64", s.n, "0", inside)
		s.n32 = s.half("cvt.u32.u64", s.n)
		acc := s.variable(word, hexWord(s.identity(s.dtype)))
		begin := s.variable(word, "0")
		longest := s.least(length, immediate(array.LeafSize))
		s.loop(begin, immediate(lanesOf), longest, func() {
			present := s.fetch(begin)
			s.do("bar.warp.sync", everyLane)
			s.row(begin, acc, front, joined, present)
			s.do("bar.warp.sync", everyLane)
			s.deliver(begin)
			s.do("bar.warp.sync", everyLane)
		})
	})
}

// leaves calls load, then keep with what it gave, for each of the warp's leaves, several at a time: with its number, the address of
// the lane's place in its row, whether the lane's element from begin on is in it, and that element of the operand.
func (s *rowScan) leaves(begin string, load, keep func(l *scanLeaf)) {
	number := s.variable(word, "0")
	at := s.word("add.s64", begin, s.wide)
	s.loop(number, immediate(unrolled), immediate(lanesOf), func() {
		place := s.word("mad.lo.s64", number, immediate(rowBytes), s.across)
		var all [unrolled]scanLeaf
		for i := range all {
			l := &all[i]
			l.number = s.ahead(number, i)
			from := s.half("cvt.u32.u64", l.number)
			l.place = fmt.Sprintf("[%s+%d]", place, i*rowBytes)
			l.inside = s.truth("setp.lt.u64", at, s.widen(s.half("shfl.sync.idx.b32", s.n32, from, "31", everyLane)))
			l.element = s.word("add.s64", s.shuffled("idx", s.first, from), at)
			load(l)
		}
		for i := range all {
			keep(&all[i])
		}
	})
}

// scanLeaf is a leaf of the warp's, as each lane sees it.
type scanLeaf struct{ number, place, inside, element, x string }

// fetch puts the elements of the leaves in shared memory, and gives which of the lane's are not null, bit by bit.
func (s *rowScan) fetch(begin string) (present string) {
	if s.nulls {
		present = s.variable(half, "0")
	}
	s.leaves(begin, func(l *scanLeaf) {
		l.x = s.operand(s.dtype, l.element, l.inside)
	}, func(l *scanLeaf) {
		s.do("st.shared.b64", l.place, l.x)
		if s.nulls {
			bits := s.half("vote.sync.ballot.b32", s.present(true, l.element, l.inside), everyLane)
			s.do("selp.b32", present, bits, present, s.truth("setp.eq.u64", l.number, s.wide))
		}
	})
	return present
}

// row joins the lane's elements one after another and puts what comes of each in its place.
func (s *rowScan) row(begin, acc, front, joined, present string) {
	end := s.variable(word, s.own)
	here := s.least(s.word("sub.s64", s.n, s.least(begin, s.n)), immediate(lanesOf))
	s.do("mad.lo.s64", end, here, "8", s.own)
	at := s.variable(word, s.own)
	s.loop(at, "8", end, func() {
		x := s.word("ld.shared.b64", "["+at+"]")
		next := s.join(s.tree, acc, x)
		if s.nulls {
			s.choose(acc, next, s.truth("setp.ne.b32", s.half("and.b32", present, "1"), "0"))
			s.do("shr.u32", present, present, "1")
		} else {
			s.do("mov.b64", acc, next)
		}
		s.do("st.shared.b64", "["+at+"]", s.word("selp.b64", s.join(s.tree, front, acc), acc, joined))
	})
}

// deliver stores what is in shared memory.
func (s *rowScan) deliver(begin string) {
	s.leaves(begin, func(l *scanLeaf) {
		l.x = s.word("ld.shared.b64", l.place)
	}, func(l *scanLeaf) {
		s.put(s.dtype, l.x, s.param(Result, 0), l.element, l.inside)
	})
}
