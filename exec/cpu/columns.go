package cpu

import (
	"context"

	"github.com/darray-go/darray/array"
)

const (
	// columnTile is the columns that a goroutine takes at a time: their accumulators and a row of them stay in the first level of
	// cache.
	columnTile = 1024
	// computedTile is the same where the elements have to be computed: a launch a row must be worth it.
	computedTile = 8 * columnTile
)

// columns reduces runs with other runs between their elements: row by row, a tile of columns at a time. The part is whole
// blocks, or row leaves of the only one.
func (j *job) columns(ctx context.Context) error {
	e := j.out.Extent
	width := min(e.Inner, columnTile)
	if j.source.direct == nil {
		width = min(e.Inner, computedTile)
	}
	block := e.Length * e.Inner
	first := j.launch.Lo / block
	blocks := (j.launch.Hi+block-1)/block - first
	tiles := (e.Inner + width - 1) / width
	rowLo, rowHi := 0, e.Length
	if j.out.Partial {
		rowLo, rowHi = j.launch.Lo/e.Inner, j.launch.Hi/e.Inner
	}
	g := &grid{
		job: j, first: first, width: width, tiles: tiles, rowLo: rowLo, rowHi: rowHi,
		segment: segment(rowHi-rowLo, blocks*tiles, j.device.threads),
	}
	first0 := rowLo / g.segment
	g.segments = (rowHi+g.segment-1)/g.segment - first0
	g.forests = make([]array.ColumnForest, blocks*tiles*g.segments)
	err := each(ctx, j.device.threads, len(g.forests), func() *columnWorker { return newColumnWorker(g) }, func(w *columnWorker, k int) error {
		s := k % g.segments
		lo, hi := max((first0+s)*g.segment, rowLo), min((first0+s+1)*g.segment, rowHi)
		f, err := w.forest(ctx, k/g.segments/tiles, k/g.segments%tiles, lo, hi)
		g.forests[k] = f
		return err
	})
	if err != nil {
		return err
	}
	if j.out.Partial {
		j.launch.Columns[j.slot] = nil
	}
	for at := range blocks * tiles {
		g.finish(at)
	}
	return nil
}

// segment is the rows that are one task: all of them where there are tiles enough to share out, else a power of two of
// leaves, so that each segment is a node of the tree.
func segment(rows, tiles, threads int) int {
	size := array.RowLeaf
	for size < rows && (tiles >= 2*threads || size*4*threads < rows*tiles) {
		size *= 2
	}
	return size
}

// grid is the tasks of a reduction over rows: blocks, tiles of columns, segments of rows.
type grid struct {
	*job
	first    int // block of the domain
	width    int // columns of a tile
	tiles    int // of a block
	rowLo    int
	rowHi    int
	segment  int // rows
	segments int // of a tile
	forests  []array.ColumnForest
}

// finish joins the segments of a tile and stores what comes of it.
func (g *grid) finish(at int) {
	o := g.out
	var all array.ColumnForest
	for _, f := range g.forests[at*g.segments : (at+1)*g.segments] {
		for _, c := range f {
			all = all.Push(o.Op, g.acc, c)
		}
	}
	block, lo := at/g.tiles, at%g.tiles*g.width
	if !o.Partial {
		values := all.Result(o.Op, g.acc, o.Out, o.Correction)
		put(g.result, block*o.Extent.Inner+lo, values)
		return
	}
	columns := &g.launch.Columns[g.slot]
	if *columns == nil {
		*columns = make(array.ColumnForest, len(all))
		for k, c := range all {
			(*columns)[k] = array.NewColumns(o.Op, g.acc, o.Extent.Inner)
			(*columns)[k].Level, (*columns)[k].Index, (*columns)[k].Rows = c.Level, c.Index, c.Rows
		}
	}
	for k, c := range all {
		to := &(*columns)[k]
		copy(to.Acc[lo:], c.Acc)
		copy(to.Aux[min(lo, len(to.Aux)):], c.Aux)
		if c.Count != nil {
			to.SpreadCount()
		}
		if to.Count != nil {
			c.SpreadCount()
			copy(to.Count[lo:], c.Count)
		}
	}
}

// put copies the elements of from to element at of a block and on, with what is null.
func put(to *array.Block, at int, from *array.Block) {
	values, validity, offset := to.Raw()
	source, bits, start := from.Raw()
	if d := to.DType(); d == array.Bool {
		array.CopyBits(values, offset+at, source, start, from.Len())
	} else {
		copy(values[(offset+at)*d.Size():], source[start*d.Size():][:from.Len()*d.Size()])
	}
	switch {
	case validity == nil:
	case bits == nil:
		array.SetBits(validity, offset+at, from.Len())
	default:
		array.CopyBits(validity, offset+at, bits, start, from.Len())
	}
}
