package blas

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/darray-go/darray/array"
)

const (
	// packedSide bounds the rows of A and the columns of B that are packed at once: 8 MiB of float64 each, in the last cache.
	packedSide = 4096
	// nearBytes is how much of the packed B a task goes over again and again: half of a second-level cache of 512 KiB.
	nearBytes = 256 << 10
	// threadWork is how many multiply-adds make a further thread worth its start: some 50 us of them.
	threadWork = 1 << 20
	// leastRows is how many rows a task takes at least, so that it reads its part of B more than once.
	leastRows = 32
)

// product is one product under way and its memory.
type product[T Float] struct {
	kernel  kernel[T]
	threads int
	alpha   T
	a, b    []T // packed
	tiles   []T // a tile of C for each thread
}

// multiply runs the blocks of C and the steps of k one after another.
func (m *Multiplier[T]) multiply(ctx context.Context, alpha T, a, b Matrix[T], beta T, c Matrix[T]) error {
	if c.Rows == 0 || c.Cols == 0 {
		return ctx.Err()
	}
	if c.Cols == 1 && c.Stride == 1 { // one row is less work than one column, and its bits are the same
		a, b = b.transpose(), a.transpose()
		c = Matrix[T]{Rows: 1, Cols: c.Rows, Stride: c.Rows, Data: c.Data}
	}
	k := a.Cols
	if alpha == 0 {
		k = 0
	}
	if beta != 1 && (beta != 0 || k == 0) {
		scale(c, beta)
	}
	if k == 0 {
		return ctx.Err()
	}
	rows, cols := evenly(c.Rows, m.kernel.rows), evenly(c.Cols, m.kernel.cols)
	r := m.begin(rows, cols, k)
	defer m.free.Put(r)
	r.alpha, r.threads = alpha, m.threadsFor(c.Rows, c.Cols, k)
	for i := 0; i < c.Rows; i += rows {
		for j := 0; j < c.Cols; j += cols {
			for p := 0; p < k; p += Depth {
				left := a.part(i, p, min(rows, c.Rows-i), min(Depth, k-p))
				right := b.part(p, j, left.Cols, min(cols, c.Cols-j))
				if err := r.step(ctx, left, right, c.part(i, j, left.Rows, right.Cols), p > 0 || beta != 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// begin gives a product with memory for packed blocks, used before or new.
func (m *Multiplier[T]) begin(rows, cols, k int) *product[T] {
	r, _ := m.free.Get().(*product[T])
	if r == nil {
		r = &product[T]{kernel: m.kernel, tiles: alloc[T](m.threads * m.kernel.rows * m.kernel.cols)}
	}
	if n := rows * min(k, Depth); cap(r.a) < n {
		r.a = alloc[T](n)
	}
	if n := cols * min(k, Depth); cap(r.b) < n {
		r.b = alloc[T](n)
	}
	return r
}

func alloc[T Float](n int) []T { return array.View[T](array.AllocBytes(n * size[T]())) }

// size is the bytes of an element.
func size[T Float]() int { return array.DTypeOf[T]().Size() }

// evenly cuts a side of C into equal parts of packedSide at most, in whole panels.
func evenly(n, panel int) int { return ceil(ceil(n, ceil(n, packedSide)), panel) * panel }

// ceil is n/d, rounded up.
func ceil(n, d int) int { return (n + d - 1) / d }

// threadsFor is how many threads a product of rows x k and k x cols is worth.
func (m *Multiplier[T]) threadsFor(rows, cols, k int) int {
	work := float64(rows) * float64(cols) * float64(k)
	return int(min(float64(m.threads), 1+work/threadWork))
}

// scale is C = beta*C, or zero where beta is zero, whatever C holds.
func scale[T Float](c Matrix[T], beta T) {
	for i := range c.Rows {
		row := c.Data[i*c.Stride:][:c.Cols]
		if beta == 0 {
			clear(row)
			continue
		}
		for j := range row {
			row[j] *= beta
		}
	}
}

// step joins the product of A and B, at most Depth deep, to C; without add C holds nothing yet. It is two passes over all
// threads: one packs, one multiplies.
func (r *product[T]) step(ctx context.Context, a, b, c Matrix[T], add bool) error {
	rowPanels, colPanels := ceil(c.Rows, r.kernel.rows), ceil(c.Cols, r.kernel.cols)
	packsA, packsB := ceil(rowPanels, packPanels), ceil(colPanels, packPanels)
	err := each(ctx, r.threads, packsA+packsB, func(task, _ int) {
		if task < packsA {
			pack(r.a, a.transpose(), r.kernel.rows, task*packPanels)
		} else {
			pack(r.b, b, r.kernel.cols, (task-packsA)*packPanels)
		}
	})
	if err != nil {
		return err
	}
	// A task is some panels of A by as many of B as stay near. Eight tasks a thread, so that none waits long for the last.
	near := max(1, nearBytes/(Depth*r.kernel.cols*size[T]()))
	far := min(r.kernel.taskRows/r.kernel.rows, rowPanels*ceil(colPanels, near)/(8*r.threads))
	far = max(far, ceil(leastRows, r.kernel.rows))
	rowTasks := ceil(rowPanels, far)
	return each(ctx, r.threads, rowTasks*ceil(colPanels, near), func(task, thread int) {
		i, j := task%rowTasks*far, task/rowTasks*near
		r.task(a.Cols, c, add, span{i, min(rowPanels, i+far)}, span{j, min(colPanels, j+near)}, thread)
	})
}

// span is a run of panels.
type span struct{ lo, hi int }

// task joins the tiles of some panels of A and some of B to C.
func (r *product[T]) task(depth int, c Matrix[T], add bool, rows, cols span, thread int) {
	tile := r.tiles[thread*r.kernel.rows*r.kernel.cols:][:r.kernel.rows*r.kernel.cols]
	for i := rows.lo; i < rows.hi; i++ {
		a := r.a[i*r.kernel.rows*depth:][:r.kernel.rows*depth]
		for j := cols.lo; j < cols.hi; j++ {
			b := r.b[j*r.kernel.cols*depth:][:r.kernel.cols*depth]
			row, col := i*r.kernel.rows, j*r.kernel.cols
			if row+r.kernel.rows <= c.Rows && col+r.kernel.cols <= c.Cols {
				r.kernel.run(depth, r.alpha, a, b, c.Data[row*c.Stride+col:], c.Stride, add)
				continue
			}
			edge := c.part(row, col, min(r.kernel.rows, c.Rows-row), min(r.kernel.cols, c.Cols-col))
			r.edge(depth, a, b, edge, tile, add)
		}
	}
}

// edge joins a tile that C cuts off: by way of a whole one.
func (r *product[T]) edge(depth int, a, b []T, c Matrix[T], tile []T, add bool) {
	if add {
		for i := range c.Rows {
			copy(tile[i*r.kernel.cols:], c.Data[i*c.Stride:][:c.Cols])
		}
	}
	r.kernel.run(depth, r.alpha, a, b, tile, r.kernel.cols, add)
	for i := range c.Rows {
		copy(c.Data[i*c.Stride:][:c.Cols], tile[i*r.kernel.cols:])
	}
}

// each runs the tasks 0..tasks on several goroutines, the caller's being one, each taking the next that is left. It returns
// when they have ended: with ctx's error where that ended first.
func each(ctx context.Context, threads, tasks int, do func(task, thread int)) error {
	var next atomic.Int64
	run := func(thread int) {
		for ctx.Err() == nil {
			task := int(next.Add(1)) - 1
			if task >= tasks {
				return
			}
			do(task, thread)
		}
	}
	var others sync.WaitGroup
	for thread := 1; thread < min(threads, tasks); thread++ {
		others.Go(func() { run(thread) })
	}
	run(0)
	others.Wait()
	return ctx.Err()
}
