package cpu

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/darray-go/darray/array"
)

const (
	// columnTile is the least and mostColumns the greatest number of columns that a goroutine takes at a time, where there are as
	// many: their accumulators stay in the first or second level of cache. columnCell is how many elements it should find there.
	columnTile  = 1024
	mostColumns = 8 * columnTile
	columnCell  = 8 * columnTile
	// splitColumns is the least where columns are shared out because rows are few.
	splitColumns = 128
	// segmentElements is the least of a segment, so that its node is small against it.
	segmentElements = 64 * leaf
)

// grid is the pieces of a reduction over rows: cells, which are a tile of the columns of a block, or segments of their rows.
type grid struct {
	job      *job
	lo       int // the element of the domain that the first block begins with
	width    int // columns of a tile
	tiles    int // of a block
	cells    int
	rowLo    int // rows of the part in its blocks
	rowHi    int
	segment  int // rows
	segment0 int // the first one's number
	segments int // of a cell
	most     int // cells of a piece, where each has one segment
	atOnce   int // rows that are folded at once

	// Of cells that go in segments, until the last of these is done:
	forests []array.ColumnForest // by segment
	left    []atomic.Int32       // by cell: segments that are not done
}

// columns reduces runs with other runs between their elements: row by row, a tile of columns at a time. The part is whole
// blocks, or row leaves of the only one.
func (j *job) columns(ctx context.Context) error {
	g, e := &j.grid, j.extent
	block, n := e.Length*e.Inner, j.launch.Hi-j.launch.Lo
	g.lo, g.rowLo, g.rowHi = j.launch.Lo, 0, e.Length
	blocks := n / block
	if j.out.Partial {
		g.lo, g.rowLo, g.rowHi, blocks = 0, j.launch.Lo/e.Inner, j.launch.Hi/e.Inner, 1
	}
	threads := j.device.threads
	if n <= aloneElements {
		threads = 1
	}
	g.cut(e.Inner, blocks, threads)
	g.atOnce = array.RowLeaf
	if n*j.out.DType.Size() >= aheadBytes { // from memory, a few rows side by side come faster than one or many
		g.atOnce = min(max(columnCell/2/g.width, 4), array.RowLeaf)
	}
	count := (g.cells + g.most - 1) / g.most
	if g.joined() {
		count = g.cells * g.segments
		g.forests = slices.Grow(g.forests[:0], count)[:count]
		g.left = slices.Grow(g.left[:0], g.cells)[:g.cells]
		for cell := range g.left {
			g.left[cell].Store(int32(g.segments))
		}
	}
	if j.out.Partial {
		j.launch.Columns[j.slot] = nil
	}
	err := j.device.each(ctx, count, n, g)
	if err != nil {
		clear(g.forests)
	}
	return err
}

// joined reports whether what goroutines find of a cell is put together when its last segment is done.
func (g *grid) joined() bool { return g.segments > 1 || g.job.out.Partial }

// cut says what the pieces are.
func (g *grid) cut(inner, blocks, threads int) {
	rows := g.rowHi - g.rowLo
	leaves := (rows + array.RowLeaf - 1) / array.RowLeaf
	computed := g.job.source.direct == nil // a launch a row must be worth it
	g.width = min(inner, max(columnTile, min(columnCell/rows&^63, mostColumns)))
	if computed {
		g.width = min(inner, mostColumns)
	}
	g.tiles = (inner + g.width - 1) / g.width
	if threads > 1 && !computed && blocks*g.tiles*leaves < 4*threads && g.width >= 2*splitColumns {
		g.width = max((inner/(2*threads)+63)&^63, splitColumns)
		g.tiles = (inner + g.width - 1) / g.width
	}
	g.cells = blocks * g.tiles
	g.segment = g.segmentOf(rows, threads)
	g.segment0 = g.rowLo / g.segment
	g.segments = (g.rowHi+g.segment-1)/g.segment - g.segment0
	g.most = 1
	if g.segments == 1 {
		g.most = min(max(leastMorsel/(rows*g.width), 1), max(g.cells/(perThread*threads), 1))
		if threads == 1 {
			g.most = g.cells
		}
	}
}

// segmentOf is the rows that are one piece: all of them where there are cells enough to share out, else a power of two of
// leaves, so that each segment is a node of the tree.
func (g *grid) segmentOf(rows, threads int) int {
	size, want := array.RowLeaf, threads
	if g.cells < threads {
		want = 4 * threads
	}
	for size < rows {
		pieces := g.cells * ((rows + size - 1) / size)
		small := size*g.width < segmentElements && pieces/2 >= want
		if threads > 1 && g.cells < 4*threads && pieces <= 32*threads && !small {
			break
		}
		size *= 2
	}
	return size
}

func (g *grid) begin() hands {
	w := g.job.device.columnWorkers.take()
	w.begin(g)
	return w
}

// finish joins the segments of a cell and stores what comes of it.
func (w *columnWorker) finish(cell int) {
	g := w.grid
	w.nodes = w.nodes[:0]
	for k, f := range g.forests[cell*g.segments : (cell+1)*g.segments] {
		for _, c := range f {
			w.push(c)
		}
		clear(f)
		g.forests[cell*g.segments+k] = f[:0]
	}
	if g.job.out.Partial {
		w.leave(cell)
	} else {
		w.store(cell)
	}
}

// leave puts a cell's nodes into those of all columns.
func (w *columnWorker) leave(cell int) {
	g, j := w.grid, w.job
	lo := cell % g.tiles * g.width
	j.write.Lock() // all columns have counts as soon as one has
	defer j.write.Unlock()
	columns := &j.launch.Columns[j.slot]
	if *columns == nil {
		*columns = make(array.ColumnForest, len(w.nodes))
		for k, c := range w.nodes {
			(*columns)[k] = array.NewColumns(j.out.Op, j.acc, j.extent.Inner)
			(*columns)[k].Level, (*columns)[k].Index, (*columns)[k].Rows = c.Level, c.Index, c.Rows
		}
	}
	for k, c := range w.nodes {
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
		w.release(c)
	}
}
