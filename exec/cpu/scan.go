package cpu

import (
	"context"
	"math"

	"github.com/darray-go/darray/array"
)

// scan gives the running values of runs that lie one after another. Two passes: the leaves' nodes, from which what comes
// before each leaf follows, then the leaves' elements one by one.
func (j *job) scan(ctx context.Context) error {
	length := j.out.Extent.Length
	if j.out.Whole() {
		length = max(j.launch.Program.Domain.Len(), 1)
	}
	if length <= piece && !j.out.Whole() {
		return j.scanShort(ctx, length)
	}
	for lo := j.launch.Lo; lo < j.launch.Hi; {
		start := lo / length * length
		hi := min(start+length, j.launch.Hi)
		var before array.Forest
		if j.out.Whole() && j.launch.Before != nil {
			before = j.launch.Before[j.slot]
		}
		if err := j.scanLong(ctx, start, lo, hi, before); err != nil {
			return err
		}
		lo = hi
	}
	return nil
}

// scanLong is elements [lo, hi) of the run that begins at start, piece by piece.
func (j *job) scanLong(ctx context.Context, start, lo, hi int, before array.Forest) error {
	pieces := (hi - lo + piece - 1) / piece
	fronts := make([]array.Forest, pieces) // what comes before each piece
	nodes := make([]array.Forest, pieces)
	err := each(ctx, j.device.threads, pieces-1, j.begin, func(w *rowWorker, k int) error {
		from := lo + k*piece
		b, err := j.source.elements(ctx, from, from+piece, &w.room)
		if err != nil {
			return err
		}
		nodes[k] = w.push(nil, b, 0, from-start, piece)
		return nil
	})
	if err != nil {
		return err
	}
	for k := range fronts {
		fronts[k] = append(array.Forest(nil), before...)
		for _, p := range nodes[k] {
			before = before.Push(j.leafOp(), j.acc, p)
		}
	}
	return each(ctx, j.device.threads, pieces, j.begin, func(w *rowWorker, k int) error {
		from, to := lo+k*piece, min(lo+(k+1)*piece, hi)
		b, err := j.source.elements(ctx, from, to, &w.room)
		if err != nil {
			return err
		}
		out := j.result.Slice(from-j.launch.Lo, to-j.launch.Lo)
		w.run(out, b, 0, from-start, to-from, fronts[k], false)
		j.copyValidity(out, b)
		return nil
	})
}

// scanShort is runs of up to a piece, as many at a time as make one.
func (j *job) scanShort(ctx context.Context, length int) error {
	rows, most := (j.launch.Hi-j.launch.Lo)/length, max(piece/length, 1)
	return each(ctx, j.device.threads, (rows+most-1)/most, j.begin, func(w *rowWorker, k int) error {
		lo, hi := k*most*length, min((k+1)*most, rows)*length
		b, err := j.source.elements(ctx, j.launch.Lo+lo, j.launch.Lo+hi, &w.room)
		if err != nil {
			return err
		}
		out := j.result.Slice(lo, hi)
		for at := 0; at < hi-lo; at += length {
			w.run(out, b, at, 0, length, nil, false)
		}
		j.copyValidity(out, b)
		return nil
	})
}

// copyValidity makes null what is null in b.
func (j *job) copyValidity(out, b *array.Block) {
	_, to, offset := out.Raw()
	if to == nil {
		return
	}
	j.write.Lock() // neighbours share bytes
	defer j.write.Unlock()
	if _, from, at := b.Raw(); from != nil {
		array.CopyBits(to, offset, from, at, b.Len())
	} else {
		array.SetBits(to, offset, b.Len())
	}
}

// run scans n elements of a block into out from element at on. The first has the given index in its run, before which the
// tree over what comes earlier stands. It gives the tree over what comes before the rest of the run, if there is more.
func (w *rowWorker) run(out, b *array.Block, at, index, n int, before array.Forest, more bool) array.Forest {
	op, acc := w.job.leafOp(), w.job.acc
	for i := 0; i < n; i += array.LeafSize {
		size := min(array.LeafSize, n-i)
		front := before.Total(op, acc).Acc
		if more || i+size < n {
			before = before.Push(op, acc, w.leaf.partial(b, at+i, size, index+i))
		} else {
			w.leaf.validity(b, at+i, size)
		}
		x := w.leaf.present(b, at+i, size)
		values, _, offset := out.Raw()
		width := out.DType().Size()
		w.leaf.running(values[(offset+at+i)*width:], x, size, front, index+i > 0)
	}
	return before
}

// running joins the elements of a leaf one by one, nulls left out, and to what is in front of the leaf.
func (f *runLeaf) running(dst, x []byte, n int, front uint64, joined bool) {
	product, identity := f.op == array.Prod, array.Identity(f.op, f.acc)
	start := math.Float64frombits(identity)
	switch f.dtype {
	case array.Float32:
		running(array.View[float32](dst), array.View[float32](x)[:n], f.valid[:], math.Float64frombits(front), start, product, joined)
	case array.Float64:
		running(array.View[float64](dst), array.View[float64](x)[:n], f.valid[:], math.Float64frombits(front), start, product, joined)
	default: // 64-bit integers wrap alike
		running(array.View[uint64](dst), array.View[uint64](x)[:n], f.valid[:], front, identity, product, joined)
	}
}

// running computes in A: dst[i] = front + (x[0] + ... + x[i]), or the product; without what is in front of the first leaf.
func running[A uint64 | float64, T uint64 | float32 | float64](dst, x []T, valid []uint64, front, identity A, product, joined bool) {
	dst = dst[:len(x)]
	acc := identity
	if allSet(valid, len(x)) && joined && !product { // most of what is asked for
		for i, v := range x {
			acc += A(v)
			dst[i] = T(front + acc)
		}
		return
	}
	for i, v := range x {
		switch {
		case valid[i/64]>>(i%64)&1 == 0:
		case product:
			acc *= A(v)
		default:
			acc += A(v)
		}
		switch {
		case !joined:
			dst[i] = T(acc)
		case product:
			dst[i] = T(front * acc)
		default:
			dst[i] = T(front + acc)
		}
	}
}

const (
	// lineColumns is how many columns a scan moves together: a line of the cache of float64.
	lineColumns = 8
	// lineRows is how many rows of them: whole leaves, and about a morsel in all, so that they stay in the cache.
	lineRows = piece / lineColumns
)

// scanColumns gives the running values of runs with others between their elements: a few columns moved together, scanned as
// runs of their own, and moved back. The part is whole blocks, and what is scanned lies in memory: plans see to it.
func (j *job) scanColumns(ctx context.Context) error {
	e := j.out.Extent
	block := e.Length * e.Inner
	for lo := j.launch.Lo; lo < j.launch.Hi; lo += block {
		var room *array.Block
		b, err := j.source.elements(ctx, lo, lo+block, &room)
		if err != nil {
			return err
		}
		out := j.result.Slice(lo-j.launch.Lo, lo-j.launch.Lo+block)
		err = each(ctx, j.device.threads, (e.Inner+lineColumns-1)/lineColumns, j.begin, func(w *rowWorker, k int) error {
			return w.line(ctx, out, b, k*lineColumns, min(lineColumns, e.Inner-k*lineColumns))
		})
		if err != nil {
			return err
		}
		j.copyValidity(out, b)
	}
	return nil
}

// line scans n columns of a block from column c on.
func (w *rowWorker) line(ctx context.Context, out, b *array.Block, c, n int) error {
	var before [lineColumns]array.Forest
	length := w.job.out.Extent.Length
	if w.gathered == nil {
		w.gathered = array.NewBlock(b.DType(), array.Shape{lineColumns * min(length, lineRows)}, b.HasNulls())
		w.scanned = array.NewBlock(out.DType(), array.Shape{lineColumns * min(length, lineRows)}, false)
	}
	for row := 0; row < length; row += lineRows {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.lineRows(out, b, c, n, row, before[:n])
	}
	return nil
}

// lineRows scans the rows of n columns from row on, before which the columns' trees stand.
func (w *rowWorker) lineRows(out, b *array.Block, c, n, row int, before []array.Forest) {
	length, inner := w.job.out.Extent.Length, w.job.out.Extent.Inner
	rows := min(length-row, lineRows)
	from, bits, at := b.Raw()
	to, valid, _ := w.gathered.Raw()
	at += row*inner + c
	transpose(b.DType(), to, rows, 1, from[at*b.DType().Size():], 1, inner, n, rows)
	if bits != nil {
		for r := range rows {
			for k := range n {
				array.CopyBits(valid, k*rows+r, bits, at+r*inner+k, 1)
			}
		}
	}
	for k := range n {
		before[k] = w.run(w.scanned, w.gathered, k*rows, row, rows, before[k], row+rows < length)
	}
	from, _, _ = w.scanned.Raw()
	to, _, at = out.Raw()
	transpose(out.DType(), to[(at+row*inner+c)*out.DType().Size():], 1, inner, from, rows, 1, n, rows)
}

// transpose moves elements of 4 or 8 bytes: that of row r and column k, which lies at r*rows + k*columns in either.
func transpose(d array.DType, to []byte, columns, rows int, from []byte, fromColumns, fromRows, n, length int) {
	if d.Size() == 4 {
		transposeOf(array.View[uint32](to), columns, rows, array.View[uint32](from), fromColumns, fromRows, n, length)
		return
	}
	transposeOf(array.View[uint64](to), columns, rows, array.View[uint64](from), fromColumns, fromRows, n, length)
}

func transposeOf[T uint32 | uint64](to []T, columns, rows int, from []T, fromColumns, fromRows, n, length int) {
	for r := range length {
		for k := range n {
			to[k*columns+r*rows] = from[k*fromColumns+r*fromRows]
		}
	}
}
