package kern

import "github.com/darray-go/darray/array"

// Rows joins rows of elements to a row of n accumulators of the accumulator's type, in order: for r = 0, 1, ..., rows-1 and
// each i < n, x[r*stride+i] is joined to acc[i]; with OfDeviation (x[r*stride+i]-y[i])*(x[r*stride+i]-y[i]), where y is n
// float64. Elements are widened to the accumulator's type first. stride counts elements.
type Rows func(acc, x, y []byte, n, rows, stride int)

// rowsKernel is a Rows in assembly, but that stride counts bytes; n is a multiple of its block, rows is not 0.
type rowsKernel struct {
	run   func(acc, x, y *byte, n, rows, stride int)
	block int // a power of two: a vector of accumulators
}

// rowsTable is by op, the elements' type and what is joined.
type rowsTable [][array.Float64 + 1][OfDeviation + 1]rowsKernel

// Rows is the loop of a reduction over rows of elements of type d, as Fold has it, for OfX and, by Sum of floats, for
// OfDeviation; nil where there is none, which is so for Bool.
func (s *Set) Rows(op array.Op, d array.DType, of FoldOf) Rows {
	if op == array.Mean && d.Float() {
		op = array.Sum
	}
	if op > array.Max || d > array.Float64 || of > OfDeviation {
		return nil
	}
	return s.rows[op][d][of]
}

// takeRows puts the routines of k in the place of what is there, and the loops in Go where nothing is.
func (s *Set) takeRows(k *kernels) {
	for op := range s.rows {
		for d := range s.rows[op] {
			for of := range s.rows[op][d] {
				place := &s.rows[op][d][of]
				if *place == nil {
					*place = rowsInGo(array.Op(op), array.DType(d), FoldOf(of))
				}
				if op < len(k.rows) && k.rows[op][d][of].run != nil {
					*place = k.rows[op][d][of].rows(array.Op(op), array.DType(d), *place)
				}
			}
		}
	}
}

// rows is the kernel over whole vectors of columns and the loop before it over the rest.
func (k rowsKernel) rows(op array.Op, d array.DType, rest Rows) Rows {
	run, block, size, wide := k.run, k.block, d.Size(), array.AccumulatorType(op, d).Size()
	return func(acc, x, y []byte, n, rows, stride int) {
		m := n &^ (block - 1)
		if rows <= 0 || n <= 0 {
			return
		}
		if len(acc) < n*wide || len(x) < ((rows-1)*stride+n)*size || stride < 0 || y != nil && len(y) < n*wide {
			tooShort()
		}
		if m > 0 {
			run(first(acc), first(x), first(y), m, rows, stride*size)
		}
		if m < n {
			if y != nil {
				y = y[m*wide:]
			}
			rest(acc[m*wide:], x[m*size:], y, n-m, rows, stride)
		}
	}
}

// rowsInGo is the loop in Go; nil where there is none.
func rowsInGo(op array.Op, d array.DType, of FoldOf) Rows {
	switch {
	case of == OfDeviation && op == array.Sum && d == array.Float64:
		return rowDeviations[float64]
	case of == OfDeviation && op == array.Sum && d == array.Float32:
		return rowDeviations[float32]
	case of != OfX:
		return nil
	}
	switch op {
	case array.Sum:
		return widened(d, rowSums[int64, int64], rowSums[float64, float32], rowSums[float64, float64])
	case array.Prod:
		return widened(d, rowProducts[int64, int64], rowProducts[float64, float32], rowProducts[float64, float64])
	case array.Min, array.Max:
		return rowExtremes(op == array.Max, d)
	}
	return nil
}

// widened is the loop for elements of d: of 64-bit integers, which wrap alike, or of floats.
func widened(d array.DType, integers, singles, doubles Rows) Rows {
	switch d {
	case array.Int64, array.Uint64:
		return integers
	case array.Float32:
		return singles
	case array.Float64:
		return doubles
	}
	return nil
}

// overRows calls join for each row: with the accumulators and its elements.
func overRows[A, T number](acc, x []byte, n, rows, stride int, join func(acc []A, x []T)) {
	if n <= 0 {
		return
	}
	accs, xs := array.View[A](acc)[:n], array.View[T](x)
	for r := range rows {
		join(accs, xs[r*stride:][:n])
	}
}

func rowSums[A, T number](acc, x, _ []byte, n, rows, stride int) {
	overRows(acc, x, n, rows, stride, func(acc []A, x []T) {
		acc = acc[:len(x)]
		for i, v := range x {
			acc[i] += A(v)
		}
	})
}

func rowProducts[A, T number](acc, x, _ []byte, n, rows, stride int) {
	overRows(acc, x, n, rows, stride, func(acc []A, x []T) {
		acc = acc[:len(x)]
		for i, v := range x {
			acc[i] *= A(v)
		}
	})
}

func rowDeviations[T float](acc, x, y []byte, n, rows, stride int) {
	means := array.View[float64](y)
	overRows(acc, x, n, rows, stride, func(acc []float64, x []T) {
		acc, means := acc[:len(x)], means[:len(x)]
		for i, v := range x {
			difference := float64(v) - means[i]
			acc[i] += float64(difference * difference)
		}
	})
}

// rowExtremes is the loop of Min or Max over elements of d.
func rowExtremes(greatest bool, d array.DType) Rows {
	loops := [...][2]Rows{
		array.Int8:    {rowLeast[int8], rowGreatest[int8]},
		array.Int16:   {rowLeast[int16], rowGreatest[int16]},
		array.Int32:   {rowLeast[int32], rowGreatest[int32]},
		array.Int64:   {rowLeast[int64], rowGreatest[int64]},
		array.Uint8:   {rowLeast[uint8], rowGreatest[uint8]},
		array.Uint16:  {rowLeast[uint16], rowGreatest[uint16]},
		array.Uint32:  {rowLeast[uint32], rowGreatest[uint32]},
		array.Uint64:  {rowLeast[uint64], rowGreatest[uint64]},
		array.Float32: {rowLeast[float32], rowGreatest[float32]},
		array.Float64: {rowLeast[float64], rowGreatest[float64]},
	}
	if greatest {
		return loops[d][1]
	}
	return loops[d][0]
}

func rowLeast[T number](acc, x, _ []byte, n, rows, stride int) {
	overRows(acc, x, n, rows, stride, func(acc, x []T) {
		acc = acc[:len(x)]
		for i, v := range x {
			acc[i] = min(acc[i], v)
		}
	})
}

func rowGreatest[T number](acc, x, _ []byte, n, rows, stride int) {
	overRows(acc, x, n, rows, stride, func(acc, x []T) {
		acc = acc[:len(x)]
		for i, v := range x {
			acc[i] = max(acc[i], v)
		}
	})
}
