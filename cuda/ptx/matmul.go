package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// TileRows and TileColumns are the rectangle of a product that a block of threads computes at a time.
const (
	TileRows    = 64
	TileColumns = 64
)

// tileInner is how much of the inner axis lies in shared memory at a time; it divides array.MatmulBlock. tilePad spreads the rows of
// the left tile over the banks of that memory.
const (
	tileInner = 16
	tilePad   = 1
)

// A thread has results each tileStep rows and columns from the next, so that neighbours read neighbouring elements.
const (
	matmulThreads = 256
	tileStep      = 16
	tileEach      = TileRows / tileStep
)

// MatmulTiles is the tiles of a part [lo, hi) of a product: what Count of its kernel counts.
func MatmulTiles(e array.Extents, lo, hi int) int {
	first, end := e.RowsOf(lo, hi)
	return (end - first + TileRows - 1) / TileRows * ((e.Columns + TileColumns - 1) / TileColumns)
}

// Matmul gives a part of a matrix product, as array.Matmul says; nulls are the caller's.
//
//   - Count: MatmulTiles of the part [Lo, Hi).
//   - First: Lo mod Columns, where the part begins in its first row. Length: Hi-Lo. Inner: the inner axis. ColumnCount: Columns.
//   - Values 0 and ValuesBit 0: the left operand, from the row on that the part begins in. Values 1 and ValuesBit 1: the right one.
//   - Result: of output 0, Hi-Lo elements; of bool it is to be filled with zeros beforehand.
func Matmul(d array.DType) (*Kernel, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("ptx: %w: no product of %s", array.ErrDType, d)
	}
	r := &product{routine: newRoutine("matmul", matmulThreads), dtype: d, class: half, size: 4}
	if d.Size() == 8 {
		r.class, r.size = word, 8
	}
	r.write()
	return r.kernel(fmt.Sprintf("matrix product of %s", d), 1), nil
}

// product is the kernel of a matrix product under construction.
type product struct {
	*routine
	dtype array.DType
	class class // of an element in a register
	size  int   // of an element in shared memory

	x, y          string // threads: the place in the tile
	left, right   string // where the thread reads the tiles
	toLeft, toRow string // where it writes them
	inner         string
	columns       string
	rows          string
	row, column   string // of the tile's first result
	sums, blocks  [tileEach * tileEach]string
}

func (r *product) write() {
	r.once(func() {
		r.head = fmt.Appendf(r.head, "\t.shared .align 8 .b8 left[%d];\n\t.shared .align 8 .b8 right[%d];\n",
			TileRows*(tileInner+tilePad)*r.size, tileInner*TileColumns*r.size)
	})
	thread := r.half("mov.u32", "%tid.x")
	r.inner, r.columns = r.param(Inner, 0), r.param(ColumnCount, 0)
	end := r.word("add.s64", r.param(First, 0), r.param(Length, 0))
	r.rows = r.upTo(end, r.columns)
	across := r.word("shr.u64", r.word("add.s64", r.columns, immediate(TileColumns-1)), immediate(log2(TileColumns)))
	r.x, r.y = r.widen(r.half("and.b32", thread, immediate(tileStep-1))), r.widen(r.half("shr.u32", thread, immediate(log2(tileStep))))
	left, right := r.word("mov.u64", "left"), r.word("mov.u64", "right")
	r.left = r.word("mad.lo.s64", r.y, immediate((tileInner+tilePad)*r.size), left)
	r.right = r.word("mad.lo.s64", r.x, immediate(r.size), right)
	r.toLeft = r.word("mad.lo.s64", r.x, immediate(r.size), r.left)
	r.toRow = r.word("mad.lo.s64", r.widen(thread), immediate(r.size), right)

	at := r.word("cvt.u64.u32", r.half("mov.u32", "%ctaid.x"))
	r.loop(at, r.word("cvt.u64.u32", r.half("mov.u32", "%nctaid.x")), r.param(Count, 0), func() {
		down := r.word("div.u64", at, across)
		r.row = r.word("shl.b64", down, immediate(log2(TileRows)))
		r.column = r.word("shl.b64", r.word("sub.s64", at, r.word("mul.lo.s64", down, across)), immediate(log2(TileColumns)))
		r.tile(thread)
	})
}

// upTo is the quotient rounded up.
func (r *product) upTo(n, by string) string {
	return r.word("div.u64", r.word("sub.s64", r.word("add.s64", n, by), "1"), by)
}

// mov is the instruction that sets an element's register.
func (r *product) mov() string { return "mov.b" + immediate(8*r.size) }

// tile computes the results of a tile.
func (r *product) tile(thread string) {
	zero := "0"
	for i := range r.blocks {
		r.blocks[i] = r.variable(r.class, zero)
		if r.dtype.Float() {
			r.sums[i] = r.variable(r.class, zero)
		}
	}
	k := r.variable(word, "0")
	r.loop(k, immediate(tileInner), r.inner, func() {
		r.fill(k, thread)
		r.do("bar.sync", "0")
		for i := range tileInner {
			r.step(i)
		}
		r.do("bar.sync", "0")
		if r.dtype.Float() {
			r.flush(k)
		}
	})
	results := r.blocks
	if r.dtype.Float() {
		for i, sum := range r.sums {
			r.do(typed("add.rn", r.dtype), sum, sum, r.blocks[i]) // 0 where nothing is left: adding that changes no sum, which is never -0
		}
		results = r.sums
	}
	r.store(results)
}

// flush ends a block of array.MatmulBlock products.
func (r *product) flush(k string) {
	on := r.label("inside")
	behind := r.word("and.b64", r.word("add.s64", k, immediate(tileInner)), immediate(array.MatmulBlock-1))
	r.when(r.truth("setp.ne.u64", behind, "0"), "bra", on)
	for i, sum := range r.sums {
		r.do(typed("add.rn", r.dtype), sum, sum, r.blocks[i])
		r.do(r.mov(), r.blocks[i], "0")
	}
	r.at(on)
}

// fill loads the tiles from element k of the inner axis on, zeros behind the ends: their products change nothing, as a block
// that is -0 has no other effect than one that is 0.
func (r *product) fill(k, thread string) {
	var values [2 * tileEach]string
	across := r.word("add.s64", k, r.x)
	inK := r.truth("setp.lt.u64", across, r.inner)
	for i := range tileEach {
		row := r.word("add.s64", r.row, r.word("add.s64", r.y, immediate(i*tileStep)))
		inside := r.truth("and.pred", inK, r.truth("setp.lt.u64", row, r.rows))
		values[i] = r.given(0, r.word("mad.lo.s64", row, r.inner, across), inside)
	}
	column := r.word("add.s64", r.column, r.widen(r.half("and.b32", thread, immediate(TileColumns-1))))
	inColumns := r.truth("setp.lt.u64", column, r.columns)
	first := r.word("add.s64", k, r.widen(r.half("shr.u32", thread, immediate(log2(TileColumns)))))
	for i := range tileEach {
		down := r.word("add.s64", first, immediate(i*matmulThreads/TileColumns))
		inside := r.truth("and.pred", inColumns, r.truth("setp.lt.u64", down, r.inner))
		values[tileEach+i] = r.given(1, r.word("mad.lo.s64", down, r.columns, column), inside)
	}
	store := "st.shared.b" + immediate(8*r.size)
	for i := range tileEach {
		r.do(store, fmt.Sprintf("[%s+%d]", r.toLeft, i*tileStep*(tileInner+tilePad)*r.size), values[i])
		r.do(store, fmt.Sprintf("[%s+%d]", r.toRow, i*matmulThreads*r.size), values[tileEach+i])
	}
}

// given is an element of an operand, 0 where inside does not hold.
func (r *product) given(operand int, index, inside string) string {
	base := r.param(Values, operand)
	if r.dtype == array.Bool {
		return r.half("cvt.u32.u64", r.bit(base, r.param(ValuesBit, operand), index, inside))
	}
	x := r.variable(r.class, "0")
	r.when(inside, "ld.global."+inMemory(r.dtype), x, r.address(base, index, r.dtype.Size()))
	return x
}

// step adds the products of element i of the tiles' inner axis.
func (r *product) step(i int) {
	var xs, ys [tileEach]string
	load := "ld.shared.b" + immediate(8*r.size)
	for n := range tileEach {
		xs[n] = r.in(r.class, load, fmt.Sprintf("[%s+%d]", r.left, (n*tileStep*(tileInner+tilePad)+i)*r.size))
		ys[n] = r.in(r.class, load, fmt.Sprintf("[%s+%d]", r.right, (i*TileColumns+n*tileStep)*r.size))
	}
	for a, x := range xs {
		for b, y := range ys {
			to := r.blocks[a*tileEach+b]
			switch {
			case r.dtype == array.Bool:
				r.do("or.b32", to, to, r.half("and.b32", x, y))
			case r.dtype.Float():
				r.do(typed("fma.rn", r.dtype), to, x, y, to)
			case r.class == word:
				r.do("mad.lo.s64", to, x, y, to)
			default:
				r.do("mad.lo.s32", to, x, y, to)
			}
		}
	}
}

// store puts the results in memory that are of the part.
func (r *product) store(results [tileEach * tileEach]string) {
	first, length, base := r.param(First, 0), r.param(Length, 0), r.param(Result, 0)
	for a := range tileEach {
		row := r.word("add.s64", r.row, r.word("add.s64", r.y, immediate(a*tileStep)))
		for b := range tileEach {
			column := r.word("add.s64", r.column, r.word("add.s64", r.x, immediate(b*tileStep)))
			at := r.word("sub.s64", r.word("mad.lo.s64", row, r.columns, column), first)
			inside := r.truth("setp.lt.u64", at, length) // also what lies before the part, at wrapping
			inside = r.truth("and.pred", inside, r.truth("setp.lt.u64", column, r.columns))
			x := results[a*tileEach+b]
			if r.dtype != array.Bool {
				r.when(inside, "st.global."+unsigned(r.dtype), r.address(base, at, r.dtype.Size()), x)
				continue
			}
			to := r.word("mad.lo.s64", r.word("shr.u64", at, "5"), "4", base)
			bit := r.half("shl.b32", x, r.half("and.b32", r.half("cvt.u32.u64", at), "31"))
			r.when(inside, "red.global.or.b32", "["+to+"]", bit)
		}
	}
}

// ProductNulls gives the validity of a part of a product: an element is null where its row of the left operand or its column of the
// right one has a null. left and right say which operand has validity. A row's bit is the reduction All over its validity,
// and so is a column's: bools to Reduction.
//
//   - Count: elements of the part. First: where it begins in its first row. ColumnCount: of the product.
//   - Values 0, ValuesBit 0: a bit for each row from that one on. Values 1, ValuesBit 1: one for each column.
//   - Result: a bit for each element.
func ProductNulls(left, right bool) *Kernel {
	r := newRoutine("product_nulls", rowThreads)
	lane, count, columns := r.lane(), r.param(Count, 0), r.param(ColumnCount, 0)
	r.warps(r.leavesOf(count, 5), func(at string) {
		base := r.word("shl.b64", at, "5")
		index := r.word("add.s64", base, r.widen(lane))
		inside := r.truth("setp.lt.u64", index, count)
		place := r.word("add.s64", index, r.param(First, 0))
		row := r.word("div.u64", place, columns)
		column := r.word("sub.s64", place, r.word("mul.lo.s64", row, columns))
		ok := inside
		for operand, of := range [...]struct {
			has   bool
			index string
		}{{left, row}, {right, column}} {
			if of.has {
				bit := r.bit(r.param(Values, operand), r.param(ValuesBit, operand), of.index, inside)
				ok = r.truth("and.pred", ok, r.truth("setp.ne.u64", bit, "0"))
			}
		}
		r.vote(ok, r.param(Result, 0), base, lane)
	})
	return r.kernel("nulls of a matrix product", rowThreads)
}
