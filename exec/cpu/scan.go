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
	err := j.each(ctx, pieces-1, hi-lo, func(ctx context.Context, w *rowWorker, k int) error {
		from := lo + k*piece
		b, at, err := j.source.elements(ctx, from, from+piece, &w.room)
		if err != nil {
			return err
		}
		nodes[k] = w.push(nil, b, at, from-start, piece)
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
	return j.each(ctx, pieces, hi-lo, func(ctx context.Context, w *rowWorker, k int) error {
		from, to := lo+k*piece, min(lo+(k+1)*piece, hi)
		b, at, err := j.source.elements(ctx, from, to, &w.room)
		if err != nil {
			return err
		}
		out := j.result.Slice(from-j.launch.Lo, to-j.launch.Lo)
		w.run(out, 0, b, at, from-start, to-from, fronts[k], false)
		j.copyValidity(out, b, at)
		return nil
	})
}

// scanShort is runs of up to a piece, as many at a time as make one.
func (j *job) scanShort(ctx context.Context, length int) error {
	rows, most := (j.launch.Hi-j.launch.Lo)/length, max(piece/length, 1)
	return j.each(ctx, (rows+most-1)/most, rows*length, func(ctx context.Context, w *rowWorker, k int) error {
		lo, hi := k*most*length, min((k+1)*most, rows)*length
		b, at, err := j.source.elements(ctx, j.launch.Lo+lo, j.launch.Lo+hi, &w.room)
		if err != nil {
			return err
		}
		out := j.result.Slice(lo, hi)
		for i := 0; i < hi-lo; i += length {
			w.run(out, i, b, at+i, 0, length, nil, false)
		}
		j.copyValidity(out, b, at)
		return nil
	})
}

// copyValidity makes null what is null in b from element at on.
func (j *job) copyValidity(out, b *array.Block, at int) {
	_, to, offset := out.Raw()
	if to == nil {
		return
	}
	j.write.Lock() // neighbours share bytes
	defer j.write.Unlock()
	if _, from, first := b.Raw(); from != nil {
		array.CopyBits(to, offset, from, first+at, out.Len())
	} else {
		array.SetBits(to, offset, out.Len())
	}
}

// run scans n elements of a block from element at on into out from element to on. The first has the given index in its run, before which the
// tree over what comes earlier stands. It gives the tree over what comes before the rest of the run, if there is more.
func (w *rowWorker) run(out *array.Block, to int, b *array.Block, at, index, n int, before array.Forest, more bool) array.Forest {
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
		w.leaf.running(values[(offset+to+i)*width:], x, size, front, index+i > 0)
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
	// lookBytes is how much of an array rows may span until a scan of columns looks whether its context has ended, a huge page:
	// the first column to be written may have the machine find them all, which took 30 ms a page at worst.
	lookBytes = 2 << 20
)

// scanColumns gives the running values of runs with others between their elements: a few columns moved together, scanned as
// runs of their own, and moved back. The part is whole blocks, and what is scanned lies in memory: plans see to it.
func (j *job) scanColumns(ctx context.Context) error {
	e := j.out.Extent
	block := e.Length * e.Inner
	for lo := j.launch.Lo; lo < j.launch.Hi; lo += block {
		var room *array.Block
		b, at, err := j.source.elements(ctx, lo, lo+block, &room)
		if err != nil {
			return err
		}
		out := j.result.Slice(lo-j.launch.Lo, lo-j.launch.Lo+block)
		err = j.each(ctx, (e.Inner+lineColumns-1)/lineColumns, block, func(ctx context.Context, w *rowWorker, k int) error {
			return w.line(ctx, out, b, at, k*lineColumns, min(lineColumns, e.Inner-k*lineColumns))
		})
		if err != nil {
			return err
		}
		j.copyValidity(out, b, at)
	}
	return nil
}

// line scans n columns of a block, which begins with element at of b, from column c on.
func (w *rowWorker) line(ctx context.Context, out, b *array.Block, at, c, n int) error {
	var before [lineColumns]array.Forest
	length := w.job.out.Extent.Length
	if w.gathered == nil {
		w.gathered = array.NewBlock(b.DType(), array.Shape{lineColumns * min(length, lineRows)}, b.HasNulls())
		w.scanned = array.NewBlock(out.DType(), array.Shape{lineColumns * min(length, lineRows)}, false)
	}
	for row := 0; row < length; row += lineRows {
		if err := w.lineRows(ctx, out, b, at, c, n, row, before[:n]); err != nil {
			return err
		}
	}
	return nil
}

// lineRows scans the rows of n columns from row on, before which the columns' trees stand.
func (w *rowWorker) lineRows(ctx context.Context, out, b *array.Block, first, c, n, row int, before []array.Forest) error {
	length, inner := w.job.out.Extent.Length, w.job.out.Extent.Inner
	rows := min(length-row, lineRows)
	from, bits, at := b.Raw()
	to, valid, _ := w.gathered.Raw()
	at += first + row*inner + c
	err := strips(ctx, rows, inner*b.DType().Size(), func(lo, hi int) {
		transpose(b.DType(), strided{to, lo, rows, 1}, strided{from, at + lo*inner, 1, inner}, n, hi-lo)
		for r := lo; r < hi && bits != nil; r++ {
			for k := range n {
				array.CopyBits(valid, k*rows+r, bits, at+r*inner+k, 1)
			}
		}
	})
	if err != nil {
		return err
	}
	for k := range n {
		before[k] = w.run(w.scanned, k*rows, w.gathered, k*rows, row, rows, before[k], row+rows < length)
	}
	from, _, _ = w.scanned.Raw()
	to, _, at = out.Raw()
	at += row*inner + c
	return strips(ctx, rows, inner*out.DType().Size(), func(lo, hi int) {
		transpose(out.DType(), strided{to, at + lo*inner, 1, inner}, strided{from, lo, rows, 1}, n, hi-lo)
	})
}

// strips calls f for a few rows at a time, until ctx ends.
func strips(ctx context.Context, rows, rowBytes int, f func(lo, hi int)) error {
	few := max(lookBytes/rowBytes, 1)
	for lo := 0; lo < rows; lo += few {
		if err := ctx.Err(); err != nil {
			return err
		}
		f(lo, min(lo+few, rows))
	}
	return nil
}

// strided is where elements lie: that of row r and column k at first + r*rows + k*columns.
type strided struct {
	bytes                []byte
	first, columns, rows int
}

// transpose moves length rows of n elements of 4 or 8 bytes.
func transpose(d array.DType, to, from strided, n, length int) {
	if d.Size() == 4 {
		transposeOf[uint32](to, from, n, length)
		return
	}
	transposeOf[uint64](to, from, n, length)
}

func transposeOf[T uint32 | uint64](to, from strided, n, length int) {
	dst, src := array.View[T](to.bytes)[to.first:], array.View[T](from.bytes)[from.first:]
	for r := range length {
		for k := range n {
			dst[k*to.columns+r*to.rows] = src[k*from.columns+r*from.rows]
		}
	}
}
