package cpu

import "github.com/darray-go/darray/array"

// Rows of few elements: a loop of package kern costs more to call than they take.

// fewWide is how many columns are few.
const fewWide = 16

// knowsFew reports whether fewColumns knows a reduction.
func knowsFew(op array.Op) bool {
	return op == array.Sum || op == array.Mean || op == array.Prod || op == array.Min || op == array.Max
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
	if w.stride != w.n || w.n > fewWide || !knowsFew(w.job.out.Op) {
		return false
	}
	values, _, offset := w.block.Raw()
	at, acc, size := offset+w.at, array.Bytes(c.Acc), n*w.n
	op, d := w.job.out.Op, w.block.DType()
	switch {
	case d == array.Float64:
		foldFew(op, array.View[float64](acc), array.View[float64](values)[at:at+size])
	case d == array.Float32:
		foldFew(op, array.View[float64](acc), array.View[float32](values)[at:at+size])
	case d == array.Int64:
		foldFew(op, array.View[int64](acc), array.View[int64](values)[at:at+size])
	case d == array.Uint64:
		foldFew(op, c.Acc, array.View[uint64](values)[at:at+size])
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
	for i := range n {
		x := array.View[T](w.present(i))[:w.n]
		switch {
		case i == 0:
			copy(best, x)
			setAll(c.Aux, uint64(index))
		case w.job.out.Op == array.ArgMin:
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
		c.Acc[k] = element(w.job.out.DType, w.acc, k)
	}
}

// firstRowsOf is firstRows of the register's type; false for bool.
func (w *columnWorker) firstRowsOf(c *array.Columns, n, index int) bool {
	switch w.job.out.DType {
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
