package cpu

import (
	"math"

	"github.com/darray-go/darray/array"
)

// Runs and rows of few elements: a loop of package kern costs more to call than they take.

const (
	fewInRow = array.Lanes // elements of a run: none has a lane twice
	fewWide  = 16          // columns
)

// few reduces n elements of a block to an accumulator's bits, n up to fewInRow and none null; false where there is no loop.
func few(op array.Op, b *array.Block, at, n int) (bits uint64, ok bool) {
	values, _, offset := b.Raw()
	at += offset
	switch b.DType() {
	case array.Float64:
		return math.Float64bits(joinFew[float64](op, array.View[float64](values)[at:at+n])), true
	case array.Float32:
		if op == array.Min || op == array.Max {
			return math.Float64bits(float64(joinFew[float32](op, array.View[float32](values)[at:at+n]))), true
		}
		return math.Float64bits(joinFew[float64](op, array.View[float32](values)[at:at+n])), true
	case array.Int64:
		return uint64(joinFew[int64](op, array.View[int64](values)[at:at+n])), true
	case array.Uint64:
		return joinFew[uint64](op, array.View[uint64](values)[at:at+n]), true
	}
	return 0, false
}

// knowsFew reports whether few and fewColumns know a reduction.
func knowsFew(op array.Op) bool {
	return op == array.Sum || op == array.Mean || op == array.Prod || op == array.Min || op == array.Max
}

// joinFew joins lanes of one element each in halves; those that have none hold the identity, which changes nothing.
func joinFew[A, T anyNumber](op array.Op, x []T) A {
	var lanes [fewInRow]A
	for i, v := range x {
		lanes[i] = A(v)
	}
	n := len(x)
	for w := fewInRow / 2; w > 0; w /= 2 {
		if n <= w {
			continue
		}
		left, right := lanes[:n-w], lanes[w:n]
		joinInto(op, left, right)
		n = w
	}
	return lanes[0]
}

// joinInto is acc[i] = acc[i] joined with x[i].
func joinInto[A, T anyNumber](op array.Op, acc []A, x []T) {
	acc = acc[:len(x)]
	switch op {
	case array.Prod:
		for i, v := range x {
			acc[i] *= A(v)
		}
	case array.Min:
		for i, v := range x {
			acc[i] = min(acc[i], A(v))
		}
	case array.Max:
		for i, v := range x {
			acc[i] = max(acc[i], A(v))
		}
	default:
		for i, v := range x {
			acc[i] += A(v)
		}
	}
}

// fewColumns folds n whole rows of up to fewWide columns, none null; false where there is no loop.
func (w *columnWorker) fewColumns(c *array.Columns, n int) bool {
	b, at := w.rows[0].block, w.rows[0].at
	if w.n != w.out.Extent.Inner || w.n > fewWide || !knowsFew(w.out.Op) {
		return false
	}
	values, _, offset := b.Raw()
	at += offset
	acc, size := array.Bytes(c.Acc), n*w.n
	switch {
	case b.DType() == array.Float64:
		foldFew(w.out.Op, array.View[float64](acc), array.View[float64](values)[at:at+size])
	case b.DType() == array.Float32 && w.job.acc == array.Float64:
		foldFew(w.out.Op, array.View[float64](acc), array.View[float32](values)[at:at+size])
	case b.DType() == array.Int64:
		foldFew(w.out.Op, array.View[int64](acc), array.View[int64](values)[at:at+size])
	case b.DType() == array.Uint64:
		foldFew(w.out.Op, c.Acc, array.View[uint64](values)[at:at+size])
	default:
		return false
	}
	return true
}

// foldFew joins rows as wide as acc, one after another.
func foldFew[A, T anyNumber](op array.Op, acc []A, x []T) {
	for i := range acc {
		acc[i] = A(x[i])
	}
	for x = x[len(acc):]; len(x) > 0; x = x[len(acc):] {
		joinInto(op, acc, x[:len(acc)])
	}
}

// firstRows finds the row of the first least or greatest of each column, none null.
func firstRows[T anyNumber](w *columnWorker, c *array.Columns, n, index int) {
	best := array.View[T](w.acc)[:w.n]
	for i, r := range w.rows[:n] {
		x := array.View[T](w.present(r))[:w.n]
		switch {
		case i == 0:
			copy(best, x)
			setAll(c.Aux, uint64(index))
		case w.out.Op == array.ArgMin:
			for k, v := range x {
				if b := best[k]; (v < b || v != v) && b == b {
					best[k], c.Aux[k] = v, uint64(index+i)
				}
			}
		default:
			for k, v := range x {
				if b := best[k]; (v > b || v != v) && b == b {
					best[k], c.Aux[k] = v, uint64(index+i)
				}
			}
		}
	}
	for k := range c.Acc {
		c.Acc[k] = element(w.out.DType, w.acc, k)
	}
}

// firstRowsOf is firstRows of the register's type; false for bool.
func (w *columnWorker) firstRowsOf(c *array.Columns, n, index int) bool {
	switch w.out.DType {
	case array.Int8:
		firstRows[int8](w, c, n, index)
	case array.Int16:
		firstRows[int16](w, c, n, index)
	case array.Int32:
		firstRows[int32](w, c, n, index)
	case array.Int64:
		firstRows[int64](w, c, n, index)
	case array.Uint8:
		firstRows[uint8](w, c, n, index)
	case array.Uint16:
		firstRows[uint16](w, c, n, index)
	case array.Uint32:
		firstRows[uint32](w, c, n, index)
	case array.Uint64:
		firstRows[uint64](w, c, n, index)
	case array.Float32:
		firstRows[float32](w, c, n, index)
	case array.Float64:
		firstRows[float64](w, c, n, index)
	default:
		return false
	}
	return true
}
