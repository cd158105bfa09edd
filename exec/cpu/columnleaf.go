package cpu

import (
	"context"
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// columnWorker folds row leaves of a cell. It belongs to one goroutine, and is used again when that is done.
type columnWorker struct {
	device *Device
	grid   *grid
	job    *job
	n      int                // columns of the tile
	room   *array.Block       // where elements are computed
	free   []array.Columns    // nodes that have been joined to others
	nodes  array.ColumnForest // of the cell
	rows   kern.Rows          // joins rows of elements to accumulators; nil for bools
	join   kern.Loop          // of two rows of accumulators
	cast   kern.Loop          // to the accumulator's type; nil where it is the elements'
	wider  kern.Loop          // of accumulators to words; nil where they are
	acc    []byte             // the accumulators, in their type
	bits   []byte             // bools of a row from a word on
	wide   []byte             // a row in the accumulator's type
	mean   []byte             // var
	valid  []uint64           // of a row
	number [1]float64         // an operand of a loop
	done   int                // leaves

	// The rows of the leaf: the first one's element of a block, the elements to the next, and which have nulls.
	block  *array.Block
	at     int
	stride int
	nulls  [array.RowLeaf]bool
}

// begin takes up a job.
func (w *columnWorker) begin(g *grid) {
	j := g.job
	o := j.out
	w.device, w.grid, w.job = j.device, g, j
	if words := (g.width+63)/64 + 1; len(w.acc) < 8*g.width {
		w.acc, w.wide, w.mean, w.bits, w.valid = array.AllocBytes(8*g.width), nil, nil, array.AllocBytes(8*words), make([]uint64, words)
	}
	w.rows, w.join, w.cast, w.wider = nil, nil, nil, nil
	switch o.Op {
	case array.Count, array.ArgMin, array.ArgMax:
		return
	case array.Var:
		w.rows = j.kernels.Rows(array.Sum, o.DType, kern.OfX)
	default:
		w.rows = j.kernels.Rows(o.Op, o.DType, kern.OfX)
	}
	w.join = j.kernels.Element(elementOf(o.Op), j.acc, kern.VV)
	if o.DType != j.acc {
		w.cast = j.kernels.Cast(o.DType, j.acc)
	}
	if wide := wideOf(j.acc); wide != j.acc && j.acc != array.Bool {
		w.wider = j.kernels.Cast(j.acc, wide)
	}
}

// end lets go of the job.
func (w *columnWorker) end() {
	w.grid, w.job, w.block = nil, nil, nil
	if len(w.free) > ownNodes {
		w.device.nodes.put(w.free[ownNodes:])
		clear(w.free[ownNodes:])
		w.free = w.free[:ownNodes]
	}
	w.device.columnWorkers.put(w)
}

// elementOf is the element-wise op that joins two accumulators.
func elementOf(op array.Op) array.Op {
	switch op {
	case array.Prod:
		return array.Multiply
	case array.Min:
		return array.Minimum
	case array.Max:
		return array.Maximum
	case array.Any:
		return array.LogicalOr
	case array.All:
		return array.LogicalAnd
	}
	return array.Add
}

// piece does some cells, or a segment of one.
func (w *columnWorker) piece(ctx context.Context, k int) error {
	g := w.grid
	if g.joined() {
		cell, lo := k/g.segments, (g.segment0+k%g.segments)*g.segment
		if err := w.segment(ctx, cell, max(lo, g.rowLo), min(lo+g.segment, g.rowHi)); err != nil {
			return err
		}
		g.forests[k] = append(g.forests[k][:0], w.nodes...)
		if g.left[cell].Add(-1) == 0 {
			w.finish(cell)
		}
		return nil
	}
	for cell := k * g.most; cell < min((k+1)*g.most, g.cells); cell++ {
		if err := w.segment(ctx, cell, g.rowLo, g.rowHi); err != nil {
			return err
		}
		w.store(cell)
	}
	return nil
}

// leavesUnasked is how many leaves are folded until the context is asked whether it has ended.
const leavesUnasked = 16

// segment makes the tree over rows [lo, hi) of a cell.
func (w *columnWorker) segment(ctx context.Context, cell, lo, hi int) error {
	g, e := w.grid, w.job.extent
	block, from := cell/g.tiles, cell%g.tiles*g.width
	w.n, w.nodes = min(g.width, e.Inner-from), w.nodes[:0]
	for r := lo; r < hi; r += array.RowLeaf {
		if w.done++; w.done%leavesUnasked == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		n := min(array.RowLeaf, hi-r)
		start := g.lo + (block*e.Length+r)*e.Inner + from
		if err := w.load(ctx, start, n); err != nil {
			return err
		}
		c := w.fold(n, r)
		c.Level, c.Index, c.Rows = 0, uint64(r/array.RowLeaf), uint64(n)
		w.push(c)
	}
	return nil
}

// load finds or computes n rows of the tile, the first of which begins at element start of the domain.
func (w *columnWorker) load(ctx context.Context, start, n int) (err error) {
	source, inner := &w.job.source, w.job.extent.Inner
	w.stride = inner
	if source.direct != nil || w.n == inner {
		w.block, w.at, err = source.elements(ctx, start, start+n*inner, &w.room)
		return err
	}
	w.stride = (w.grid.width + 63) &^ 63 // each row has room of its own, behind the one before
	for i := range n {
		if err := source.into(ctx, start+i*inner, start+i*inner+w.n, i*w.stride, array.RowLeaf*w.stride, &w.room); err != nil {
			return err
		}
	}
	w.block, w.at = w.room, 0
	return nil
}

// present is a row's elements as they lie there; bools moved to the start of a word.
func (w *columnWorker) present(r int) []byte {
	values, _, offset := w.block.Raw()
	at := offset + w.at + r*w.stride
	if w.block.DType() == array.Bool {
		array.CopyBits(w.bits, 0, values, at, w.n)
		return w.bits
	}
	size := w.block.DType().Size()
	return values[at*size:][:w.n*size]
}

// validity takes up a row's validity; false where nothing is null.
func (w *columnWorker) validity(r int) bool {
	if !w.nulls[r] {
		return false
	}
	_, validity, offset := w.block.Raw()
	clear(w.valid)
	array.CopyBits(array.Bytes(w.valid), 0, validity, offset+w.at+r*w.stride, w.n)
	return true
}

// elements is a row in the accumulator's type, with the identity in the place of nulls.
func (w *columnWorker) elements(r int, nulls bool) []byte {
	x := w.present(r)
	if w.cast != nil || nulls {
		w.buffer(&w.wide)
	}
	if w.cast != nil {
		w.cast(w.wide, x, nil, nil, w.n)
		x = w.wide[:8*w.n]
	}
	if !nulls {
		return x
	}
	identity := array.Identity(w.job.out.Op, w.job.acc)
	switch w.job.acc {
	case array.Bool:
		for i, word := range array.View[uint64](x) {
			if i >= len(w.valid) {
				break
			}
			if word &= w.valid[i]; identity != 0 {
				word |= ^w.valid[i]
			}
			array.View[uint64](x)[i] = word
		}
		return x
	case array.Float32:
		identity = uint64(math.Float32bits(float32(math.Float64frombits(identity))))
	}
	fillNulls(w.job.acc, w.wide, x, w.valid, identity)
	return w.wide[:len(x)]
}

// fold is the node over the first n of the rows, the first of which is number index of its run.
func (w *columnWorker) fold(n, index int) array.Columns {
	c, j := w.node(), w.job
	c.Rows = uint64(n)
	w.count(&c, n)
	switch j.out.Op {
	case array.Count:
		clear(c.Acc)
		return c
	case array.ArgMin, array.ArgMax:
		if c.Count != nil || !w.firstRowsOf(&c, n, index) {
			w.positions(&c, n, index)
		}
		return c
	}
	if c.Count == nil && w.fewColumns(&c, n) {
		return c
	}
	acc := w.acc
	if j.acc.Size() == 8 && j.acc != array.Bool {
		acc = array.Bytes(c.Acc)
	}
	w.joinRows(acc, n)
	switch {
	case w.wider != nil:
		w.wider(array.Bytes(c.Acc), acc, nil, nil, w.n)
	case j.acc == array.Bool:
		for i := range c.Acc {
			c.Acc[i] = element(array.Bool, acc, i)
		}
	}
	if j.out.Op == array.Var {
		w.deviations(&c, n)
	}
	return c
}

// joinRows joins the first n of the rows in their order: those without nulls some at once, the first of all as it is.
func (w *columnWorker) joinRows(acc []byte, n int) {
	first := 0
	switch {
	case w.rows == nil || w.nulls[0]:
		w.identity(acc, array.Identity(w.job.out.Op, w.job.acc))
	case w.cast != nil:
		w.cast(acc, w.from(0), nil, nil, w.n)
		first = 1
	default:
		copy(acc[:w.n*w.block.DType().Size()], w.from(0))
		first = 1
	}
	for r := first; r < n; {
		if w.rows == nil || w.nulls[r] {
			w.join(acc, acc, w.elements(r, w.validity(r)), nil, w.n)
			r++
			continue
		}
		some := w.plain(r, n)
		w.rows(acc, w.from(r), nil, w.n, some, w.stride)
		r += some
	}
}

// plain is how many rows from r on, of n in all, are to be folded at once; none of them has nulls.
func (w *columnWorker) plain(r, n int) int {
	some := 1
	for some < w.grid.atOnce && r+some < n && !w.nulls[r+some] {
		some++
	}
	return some
}

// from is the elements from row r on; not for bools.
func (w *columnWorker) from(r int) []byte {
	values, _, offset := w.block.Raw()
	return values[(offset+w.at+r*w.stride)*w.block.DType().Size():]
}

// identity gives each column an accumulator.
func (w *columnWorker) identity(acc []byte, identity uint64) {
	switch d := w.job.acc; {
	case d == array.Bool:
		for i := range (w.n + 63) / 64 {
			array.View[uint64](acc)[i] = -identity
		}
	case d == array.Float32:
		setAll(array.View[uint32](acc)[:w.n], math.Float32bits(float32(math.Float64frombits(identity))))
	case d.Size() == 1:
		setAll(acc[:w.n], byte(identity))
	case d.Size() == 2:
		setAll(array.View[uint16](acc)[:w.n], uint16(identity))
	case d.Size() == 4:
		setAll(array.View[uint32](acc)[:w.n], uint32(identity))
	default:
		setAll(array.View[uint64](acc)[:w.n], identity)
	}
}

func setAll[T uint8 | uint16 | uint32 | uint64](xs []T, v T) {
	for i := range xs {
		xs[i] = v
	}
}

// count finds the rows with nulls and counts what is not null, where something is.
func (w *columnWorker) count(c *array.Columns, n int) {
	_, validity, offset := w.block.Raw()
	if validity == nil {
		clear(w.nulls[:n])
		return
	}
	for r := range n {
		w.nulls[r] = array.CountBits(validity, offset+w.at+r*w.stride, w.n) < w.n
		if !w.validity(r) {
			continue
		}
		c.SpreadCount()
		for k := range c.Count {
			c.Count[k] -= w.valid[k/64]>>(k%64)&1 ^ 1
		}
	}
}

// deviations fills in the sums of squared deviations from the means of the rows.
func (w *columnWorker) deviations(c *array.Columns, n int) {
	kernels, mean, wide := w.job.kernels, w.buffer(&w.mean), w.buffer(&w.wide)
	w.number[0] = float64(n)
	divide(kernels, mean, array.Bytes(c.Acc), &w.number, w.n)
	if c.Count != nil {
		means := array.View[float64](mean)
		for i, sum := range array.View[float64](array.Bytes(c.Acc)) {
			means[i] = sum / float64(c.Count[i])
		}
	}
	identity := array.Identity(array.Sum, array.Float64)
	squares := array.Bytes(c.Aux)
	setAll(c.Aux, identity)
	rows := kernels.Rows(array.Sum, w.job.out.DType, kern.OfDeviation)
	subtract, square := kernels.Element(array.Subtract, array.Float64, kern.VV), kernels.Element(array.Square, array.Float64, kern.VV)
	for r := 0; r < n; {
		if !w.nulls[r] {
			some := w.plain(r, n)
			rows(squares, w.from(r), mean, w.n, some, w.stride)
			r += some
			continue
		}
		w.validity(r)
		subtract(wide, w.elements(r, false), mean, nil, w.n)
		square(wide, wide, nil, nil, w.n)
		fillNulls(array.Float64, wide, wide[:8*w.n], w.valid, identity)
		w.join(squares, squares, wide, nil, w.n)
		r++
	}
}

// positions finds the first least or greatest of each column.
func (w *columnWorker) positions(c *array.Columns, n, index int) {
	c.SpreadCount()
	setAll(c.Count, 0)
	setAll(c.Acc, array.Identity(w.job.out.Op, w.job.acc))
	clear(c.Aux)
	for i := range n {
		nulls := w.validity(i)
		x := w.present(i)
		for k := range c.Acc {
			if nulls && w.valid[k/64]>>(k%64)&1 == 0 {
				continue
			}
			p := array.Partial{Acc: element(w.job.out.DType, x, k), Aux: uint64(index + i), Count: 1}
			p = array.Combine(w.job.out.Op, w.job.acc, array.Partial{Acc: c.Acc[k], Aux: c.Aux[k], Count: c.Count[k]}, p)
			c.Acc[k], c.Aux[k], c.Count[k] = p.Acc, p.Aux, p.Count
		}
	}
}
