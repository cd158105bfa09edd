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

// piece is the elements that a goroutine takes at a time, about a morsel: whole leaves of a long run.
const piece = 128 * array.LeafSize

// longRow is the tree over elements [lo, hi) of the run that begins at start.
func (j *job) longRow(ctx context.Context, start, lo, hi int) (array.Forest, error) {
	forests := make([]array.Forest, (hi-lo+piece-1)/piece)
	err := each(ctx, j.device.threads, len(forests), j.begin, func(w *rowWorker, k int) error {
		from, to := lo+k*piece, min(lo+(k+1)*piece, hi)
		b, err := j.source.elements(ctx, from, to, &w.room)
		if err != nil {
			return err
		}
		forests[k] = w.push(nil, b, 0, from-start, to-from)
		return nil
	})
	var all array.Forest
	for _, f := range forests {
		for _, p := range f {
			all = all.Push(j.leafOp(), j.acc, p)
		}
	}
	return all, err
}

// leafOp is the op that joins nodes.
func (j *job) leafOp() array.Op { return joins(j.out.Op) }

// shortRows reduces runs of up to a piece, as many at a time as make one.
func (j *job) shortRows(ctx context.Context, length int) error {
	rows, most := (j.launch.Hi-j.launch.Lo)/length, max(piece/length, 1)
	return each(ctx, j.device.threads, (rows+most-1)/most, j.begin, func(w *rowWorker, k int) error {
		lo, hi := k*most, min((k+1)*most, rows)
		b, err := j.source.elements(ctx, j.launch.Lo+lo*length, j.launch.Lo+hi*length, &w.room)
		if err != nil {
			return err
		}
		w.values, w.ok = w.values[:0], w.ok[:0]
		direct := length <= fewInRow && knowsFew(j.out.Op) && !b.HasNulls()
		for row := range hi - lo {
			var p array.Partial
			if direct {
				p.Acc, direct = few(j.out.Op, b, row*length, length)
				p.Count = uint64(length)
			}
			switch {
			case direct:
			case length <= array.LeafSize:
				p = w.leaf.partial(b, row*length, length, 0)
			default:
				p = w.push(w.nodes[:0], b, row*length, 0, length).Total(j.out.Op, j.acc)
			}
			value, ok := p.Value(j.out.Op, j.acc, j.out.Out, j.out.Correction)
			w.values, w.ok = append(w.values, value), append(w.ok, ok)
		}
		j.write.Lock()
		defer j.write.Unlock()
		for i, v := range w.values {
			j.result.SetScalar(lo+i, v, w.ok[i])
		}
		return nil
	})
}

// rowWorker is what a goroutine needs for runs.
type rowWorker struct {
	job    *job
	leaf   *runLeaf
	room   *array.Block
	nodes  array.Forest
	values []array.Scalar
	ok     []bool

	gathered, scanned *array.Block // a column of a scan
}

func (j *job) begin() *rowWorker {
	return &rowWorker{job: j, leaf: newLeaf(j.kernels, j.out.Op, j.out.DType)}
}

// push adds the leaves of n elements of a block, whose first has the given index in its run.
func (w *rowWorker) push(f array.Forest, b *array.Block, at, index, n int) array.Forest {
	for i := 0; i < n; i += array.LeafSize {
		f = f.Push(w.job.leafOp(), w.job.acc, w.leaf.partial(b, at+i, min(array.LeafSize, n-i), index+i))
	}
	return f
}
