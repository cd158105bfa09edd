package cpu

import (
	"context"

	"github.com/darray-go/darray/array"
)

// rows reduces runs of elements that lie one after another, each by a tree counted from its start. The part is whole runs or,
// where there is one alone, leaves of it; that leaves as a forest.
func (j *job) rows(ctx context.Context) error {
	length := j.out.Extent.Length
	if j.out.Whole() {
		length = max(j.launch.Program.Domain.Len(), 1)
	}
	if length <= piece && !j.out.Whole() {
		return j.shortRows(ctx, length)
	}
	for lo := j.launch.Lo; lo < j.launch.Hi; {
		row := lo / length
		hi := min((row+1)*length, j.launch.Hi)
		f, err := j.longRow(ctx, row*length, lo, hi)
		if err != nil {
			return err
		}
		if j.out.Whole() {
			j.forest = f
			return nil
		}
		value, ok := f.Total(j.out.Op, j.acc).Value(j.out.Op, j.acc, j.out.Out, j.out.Correction)
		j.result.SetScalar(row-j.launch.Lo/length, value, ok)
		lo = hi
	}
	return nil
}

// piece is the most elements that a goroutine takes at a time, about a morsel: whole leaves of a long run.
const piece = 128 * array.LeafSize

// longRow is the tree over elements [lo, hi) of the run that begins at start.
func (j *job) longRow(ctx context.Context, start, lo, hi int) (array.Forest, error) {
	size := j.share(hi - lo)
	err := j.each(ctx, (hi-lo-1)/size+1, hi-lo, func(ctx context.Context, w *rowWorker, k int) error {
		from := lo + k*size
		n := min(size, hi-from)
		b, at, err := j.source.elements(ctx, from, from+n, &w.room)
		if err != nil {
			return err
		}
		w.nodes = w.push(w.nodes[:0], b, at, from-start, n)
		j.trees.put(j.leafOp(), j.acc, k, w.nodes)
		return nil
	})
	if err != nil {
		j.trees.drop()
		return nil, err
	}
	return j.trees.take(), nil
}

// share is how many of n elements are a piece: whole leaves.
func (j *job) share(n int) int {
	leaves := (n/(perThread*j.device.threads) + array.LeafSize - 1) / array.LeafSize
	return min(max(leaves*array.LeafSize, leastMorsel), piece)
}

// leafOp is the op that joins nodes.
func (j *job) leafOp() array.Op { return joins(j.out.Op) }

// shortRows reduces runs of up to a piece, as many at a time as make one.
func (j *job) shortRows(ctx context.Context, length int) error {
	n := j.launch.Hi - j.launch.Lo
	r := &j.runs
	r.length, r.rows, r.most = length, n/length, max(j.share(n)/length, 1)
	return j.each(ctx, (r.rows+r.most-1)/r.most, n, reduceRows)
}

// reduceRows is piece k of shortRows.
func reduceRows(ctx context.Context, w *rowWorker, k int) error {
	j, length := w.job, w.job.runs.length
	lo, hi := k*j.runs.most, min((k+1)*j.runs.most, j.runs.rows)
	b, at, err := j.source.elements(ctx, j.launch.Lo+lo*length, j.launch.Lo+hi*length, &w.room)
	if err != nil {
		return err
	}
	if w.leaf.leaves != nil && !anyNull(b, at, (hi-lo)*length) {
		w.accs = sized(w.accs, hi-lo)
		w.leaf.runs(w.accs, elementsFrom(b, at), length)
		j.store(lo, w.accs, nil, nil)
		return nil
	}
	w.accs, w.aux, w.counts = sized(w.accs, hi-lo), sized(w.aux, hi-lo), sized(w.counts, hi-lo)
	for row := range hi - lo {
		var p array.Partial
		if length <= array.LeafSize {
			p = w.leaf.partial(b, at+row*length, length, 0)
		} else {
			w.nodes = w.push(w.nodes[:0], b, at+row*length, 0, length)
			p = w.nodes.Total(j.out.Op, j.acc)
		}
		w.accs[row], w.aux[row], w.counts[row] = p.Acc, p.Aux, p.Count
	}
	j.store(lo, w.accs, w.aux, uneven(w.counts, length))
	return nil
}

// uneven is counts, nil where all are n.
func uneven(counts []uint64, n int) []uint64 {
	for _, c := range counts {
		if c != uint64(n) {
			return counts
		}
	}
	return nil
}

// anyNull reports whether some of n elements of a block from at on is null.
func anyNull(b *array.Block, at, n int) bool {
	_, validity, offset := b.Raw()
	return validity != nil && array.CountBits(validity, offset+at, n) < n
}

// rowWorker is what a goroutine needs for runs. It is used again when the goroutine is done.
type rowWorker struct {
	device *Device
	job    *job
	leaf   runLeaf
	room   *array.Block
	nodes  array.Forest

	accs, aux, counts []uint64 // of the runs of a piece

	gathered, scanned *array.Block // a column of a scan
}

// begin takes up a job.
func (w *rowWorker) begin(j *job) {
	w.device, w.job, w.gathered, w.scanned = j.device, j, nil, nil
	w.leaf.begin(j.kernels, j.out.Op, j.out.DType)
}

func (w *rowWorker) piece(ctx context.Context, k int) error { return w.job.runs.f(ctx, w, k) }

func (w *rowWorker) end() {
	w.job = nil
	w.device.rowWorkers.put(w)
}

// push adds the leaves of n elements of a block, whose first has the given index in its run.
func (w *rowWorker) push(f array.Forest, b *array.Block, at, index, n int) array.Forest {
	op, acc := w.job.leafOp(), w.job.acc
	i := 0
	if w.leaf.leaves != nil && n >= array.LeafSize && !anyNull(b, at, n) {
		w.accs = sized(w.accs, n/array.LeafSize)
		w.leaf.leaves(w.accs, elementsFrom(b, at), nil, array.LeafSize)
		for _, a := range w.accs {
			f = f.Push(op, acc, array.Partial{Index: uint64(index+i) / array.LeafSize, Acc: a, Count: array.LeafSize})
			i += array.LeafSize
		}
	}
	for ; i < n; i += array.LeafSize {
		f = f.Push(op, acc, w.leaf.partial(b, at+i, min(array.LeafSize, n-i), index+i))
	}
	return f
}

// elementsFrom is the elements of a block of numbers from element at on, and what its memory has behind them.
func elementsFrom(b *array.Block, at int) []byte {
	values, _, offset := b.Raw()
	return values[(offset+at)*b.DType().Size():]
}

// runs reduces runs of length elements from x on, none of them null: accs[i] is the accumulator of run i. There are leaves.
func (f *runLeaf) runs(accs []uint64, x []byte, length int) {
	if length <= array.LeafSize {
		f.leaves(accs, x, nil, length)
		return
	}
	size, whole := f.dtype.Size(), length/array.LeafSize
	f.nodes = sized(f.nodes, (length+array.LeafSize-1)/array.LeafSize)
	for i := range accs {
		x := x[i*length*size:]
		f.leaves(f.nodes[:whole], x, nil, array.LeafSize)
		if rest := length % array.LeafSize; rest > 0 {
			f.leaves(f.nodes[whole:], x[whole*array.LeafSize*size:], nil, rest)
		}
		accs[i] = joinNodes(f.op, f.acc, f.nodes)
	}
}
