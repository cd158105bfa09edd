package cpu

import (
	"context"
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// columnWorker folds row leaves of a tile. It belongs to one goroutine.
type columnWorker struct {
	*grid
	n     int             // columns of the tile
	room  *array.Block    // where elements are computed
	free  []array.Columns // nodes that have been joined to others
	rows  []row           // of the leaf
	join  kern.Loop       // of two accumulators
	cast  kern.Loop       // to the accumulator's type; nil where it is the elements'
	acc   []byte          // the accumulators, in their type
	bits  []byte          // bools of a row from a word on
	wide  []byte          // a row in the accumulator's type
	mean  []byte          // var
	valid []uint64        // of a row
}

// row is a row of a tile: elements from at on, of a block.
type row struct {
	block *array.Block
	at    int
}

func newColumnWorker(g *grid) *columnWorker {
	o := g.out
	words := (g.width+63)/64 + 1
	w := &columnWorker{
		grid: g, rows: make([]row, array.RowLeaf), acc: array.AllocBytes(8 * g.width),
		wide: array.AllocBytes(8 * g.width), bits: array.AllocBytes(8 * words), valid: make([]uint64, words),
	}
	op := elementOf[o.Op]
	if o.Op == array.Var {
		w.mean = array.AllocBytes(8 * g.width)
	}
	if o.Op != array.Count && !(o.Op == array.ArgMin || o.Op == array.ArgMax) {
		w.join = g.kernels.Element(op, g.job.acc, kern.VV)
	}
	if o.DType != g.job.acc && o.Op != array.Count {
		w.cast = g.kernels.Cast(o.DType, g.job.acc)
	}
	return w
}

// elementOf is the element-wise op that joins two accumulators.
var elementOf = map[array.Op]array.Op{
	array.Sum: array.Add, array.Mean: array.Add, array.Var: array.Add, array.Prod: array.Multiply,
	array.Min: array.Minimum, array.Max: array.Maximum, array.Any: array.LogicalOr, array.All: array.LogicalAnd,
}

// forest is the tree over rows [lo, hi) of a tile.
func (w *columnWorker) forest(ctx context.Context, block, at, lo, hi int) (array.ColumnForest, error) {
	e := w.out.Extent
	from := at * w.width
	w.n = min(w.width, e.Inner-from)
	var f array.ColumnForest
	for r := lo; r < hi; r += array.RowLeaf {
		n := min(array.RowLeaf, hi-r)
		start := ((w.first+block)*e.Length+r)*e.Inner + from
		if err := w.load(ctx, start, n); err != nil {
			return nil, err
		}
		c := w.fold(n, r)
		c.Level, c.Index, c.Rows = 0, uint64(r/array.RowLeaf), uint64(n)
		f = w.push(f, c)
	}
	return f, nil
}

// push is ColumnForest.Push that keeps the memory of joined nodes.
func (w *columnWorker) push(f array.ColumnForest, c array.Columns) array.ColumnForest {
	for len(f) > 0 {
		left := f[len(f)-1]
		if left.Level != c.Level || left.Index%2 != 0 || left.Index+1 != c.Index {
			break
		}
		w.free = append(w.free, c)
		c = array.CombineColumns(w.out.Op, w.job.acc, left, c)
		c.Level, c.Index = left.Level+1, left.Index/2
		f = f[:len(f)-1]
	}
	return append(f, c)
}

// node is memory for a node of the tile, whose contents mean nothing.
func (w *columnWorker) node() array.Columns {
	if n := len(w.free); n > 0 && len(w.free[n-1].Acc) == w.n {
		c := w.free[n-1]
		w.free = w.free[:n-1]
		c.Count = nil
		return c
	}
	return array.NewColumns(w.out.Op, w.job.acc, w.n)
}

// load finds or computes n rows of the tile, the first of which begins at element start of the domain.
func (w *columnWorker) load(ctx context.Context, start, n int) error {
	inner := w.out.Extent.Inner
	if w.source.direct != nil {
		for i := range n {
			w.rows[i] = row{w.source.direct, start + i*inner - w.launch.Lo}
		}
		return nil
	}
	if w.n == inner {
		b, err := w.source.elements(ctx, start, start+n*inner, &w.room)
		for i := range n {
			w.rows[i] = row{b, i * inner}
		}
		return err
	}
	stride := (w.width + 63) &^ 63
	for i := range n { // each row has room of its own, behind the one before
		b, err := w.source.into(ctx, start+i*inner, start+i*inner+w.n, i*stride, array.RowLeaf*stride, &w.room)
		if err != nil {
			return err
		}
		w.rows[i] = row{b, 0}
	}
	return nil
}

// present is a row's elements as they lie there; bools moved to the start of a word.
func (w *columnWorker) present(r row) []byte {
	values, _, offset := r.block.Raw()
	if r.block.DType() == array.Bool {
		array.CopyBits(w.bits, 0, values, offset+r.at, w.n)
		return w.bits
	}
	size := r.block.DType().Size()
	return values[(offset+r.at)*size:][:w.n*size]
}

// validity takes up a row's validity; false where nothing is null.
func (w *columnWorker) validity(r row) bool {
	_, validity, offset := r.block.Raw()
	if validity == nil || array.CountBits(validity, offset+r.at, w.n) == w.n {
		return false
	}
	clear(w.valid)
	array.CopyBits(array.Bytes(w.valid), 0, validity, offset+r.at, w.n)
	return true
}

// elements is a row in the accumulator's type, with the identity in the place of nulls.
func (w *columnWorker) elements(r row, nulls bool) []byte {
	x := w.present(r)
	if w.cast != nil {
		w.cast(w.wide, x, nil, nil, w.n)
		x = w.wide[:8*w.n]
	}
	if !nulls {
		return x
	}
	identity := array.Identity(w.out.Op, w.job.acc)
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
	c := w.node()
	c.Rows = uint64(n)
	w.count(&c, n)
	switch w.out.Op {
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
	if w.job.acc.Size() == 8 && w.job.acc != array.Bool {
		acc = array.Bytes(c.Acc)
	}
	w.begin(acc, array.Identity(w.out.Op, w.job.acc))
	for _, r := range w.rows[:n] {
		w.join(acc, acc, w.elements(r, w.validity(r)), nil, w.n)
	}
	if &acc[0] == &w.acc[0] {
		for i := range c.Acc {
			c.Acc[i] = element(w.job.acc, acc, i)
		}
	}
	if w.out.Op == array.Var {
		w.deviations(&c, n)
	}
	return c
}

// begin gives each column an accumulator.
func (w *columnWorker) begin(acc []byte, identity uint64) {
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

// count counts what is not null in the rows, where something is.
func (w *columnWorker) count(c *array.Columns, n int) {
	for _, r := range w.rows[:n] {
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
	mean, sums := array.View[float64](w.mean)[:w.n], array.View[float64](array.Bytes(c.Acc))
	for i, sum := range sums {
		if mean[i] = sum / float64(n); c.Count != nil {
			mean[i] = sum / float64(c.Count[i])
		}
	}
	identity := array.Identity(array.Sum, array.Float64)
	squares := array.Bytes(c.Aux)
	setAll(c.Aux, identity)
	subtract, square := w.kernels.Element(array.Subtract, array.Float64, kern.VV), w.kernels.Element(array.Square, array.Float64, kern.VV)
	for _, r := range w.rows[:n] {
		nulls := w.validity(r)
		subtract(w.wide, w.elements(r, false), w.mean, nil, w.n)
		square(w.wide, w.wide, nil, nil, w.n)
		if nulls {
			fillNulls(array.Float64, w.wide, w.wide[:8*w.n], w.valid, identity)
		}
		w.join(squares, squares, w.wide, nil, w.n)
	}
}

// positions finds the first least or greatest of each column.
func (w *columnWorker) positions(c *array.Columns, n, index int) {
	c.SpreadCount()
	setAll(c.Count, 0)
	for i, r := range w.rows[:n] {
		nulls := w.validity(r)
		x := w.present(r)
		for k := range c.Acc {
			if nulls && w.valid[k/64]>>(k%64)&1 == 0 {
				continue
			}
			p := array.Partial{Acc: element(w.out.DType, x, k), Aux: uint64(index + i), Count: 1}
			p = array.Combine(w.out.Op, w.job.acc, array.Partial{Acc: c.Acc[k], Aux: c.Aux[k], Count: c.Count[k]}, p)
			c.Acc[k], c.Aux[k], c.Count[k] = p.Acc, p.Aux, p.Count
		}
	}
}
