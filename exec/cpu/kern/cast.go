package kern

import "github.com/darray-go/darray/array"

// Cast is the loop that converts from one type to another as array.Scalar.Cast says; bools are bitmaps. nil where one of
// the types is none.
func (s *Set) Cast(from, to array.DType) Loop {
	if from > array.Float64 || to > array.Float64 {
		return nil
	}
	return s.casts[from][to]
}

// takeCasts puts the routines of k in the place of what is there, and the loops in Go where nothing is.
func (s *Set) takeCasts(k *kernels) {
	for from := array.Bool; from <= array.Float64; from++ {
		for to := array.Bool; to <= array.Float64; to++ {
			run, place := k.cast[from][to], &s.casts[from][to]
			if *place == nil || run.run != nil {
				*place = run.loop(spansOf(VV, to, from), castOf(from, to))
			}
		}
	}
}

// castOf finds the loop in Go.
func castOf(from, to array.DType) Loop {
	if from == to && from != array.Bool || from.Integer() && to.Integer() && from.Size() == to.Size() {
		return copies(from.Size())
	}
	switch from {
	case array.Bool:
		return castBool(to)
	case array.Int8:
		return castInt[int8](to)
	case array.Int16:
		return castInt[int16](to)
	case array.Int32:
		return castInt[int32](to)
	case array.Int64:
		return castInt[int64](to)
	case array.Uint8:
		return castInt[uint8](to)
	case array.Uint16:
		return castInt[uint16](to)
	case array.Uint32:
		return castInt[uint32](to)
	case array.Uint64:
		return castInt[uint64](to)
	case array.Float32:
		return castFloat[float32](to)
	case array.Float64:
		return castFloat[float64](to)
	}
	return nil
}

func castBool(to array.DType) Loop {
	switch to {
	case array.Bool:
		return copyBits
	case array.Int8, array.Uint8:
		return widen[uint8]
	case array.Int16, array.Uint16:
		return widen[uint16]
	case array.Int32, array.Uint32:
		return widen[uint32]
	case array.Int64, array.Uint64:
		return widen[uint64]
	case array.Float32:
		return widen[float32]
	case array.Float64:
		return widen[float64]
	}
	return nil
}

func castInt[S integer](to array.DType) Loop {
	switch to {
	case array.Bool:
		return notZero[S]
	case array.Int8:
		return convert[int8, S]
	case array.Int16:
		return convert[int16, S]
	case array.Int32:
		return convert[int32, S]
	case array.Int64:
		return convert[int64, S]
	case array.Uint8:
		return convert[uint8, S]
	case array.Uint16:
		return convert[uint16, S]
	case array.Uint32:
		return convert[uint32, S]
	case array.Uint64:
		return convert[uint64, S]
	case array.Float32:
		return convert[float32, S]
	case array.Float64:
		return convert[float64, S]
	}
	return nil
}

func castFloat[S float](to array.DType) Loop {
	switch to {
	case array.Bool:
		return notZero[S]
	case array.Int8:
		return saturate[int8, S]
	case array.Int16:
		return saturate[int16, S]
	case array.Int32:
		return saturate[int32, S]
	case array.Int64:
		return saturate[int64, S]
	case array.Uint8:
		return saturate[uint8, S]
	case array.Uint16:
		return saturate[uint16, S]
	case array.Uint32:
		return saturate[uint32, S]
	case array.Uint64:
		return saturate[uint64, S]
	case array.Float32:
		return convert[float32, S]
	case array.Float64:
		return convert[float64, S]
	}
	return nil
}

// copyBits is dst[i] = x[i] for bitmaps.
func copyBits(dst, x, _, _ []byte, n int) { copy(dst[:(n+63)/64*8], x) }

// widen is dst[i] = 1 where bit i of x is set, else 0.
func widen[D number](dst, x, _, _ []byte, n int) {
	d := array.View[D](dst)[:n]
	for i := range d {
		d[i] = D(x[i/8] >> (i % 8) & 1)
	}
}

// notZero is bit i of dst = x[i] != 0.
func notZero[S number](dst, x, _, _ []byte, n int) {
	a := array.View[S](x)[:n]
	for lo := 0; lo < n; lo += 8 {
		w := byte(0)
		for i, v := range a[lo:min(lo+8, n)] {
			w |= truth(v != 0) << i
		}
		dst[lo/8] = w
	}
}

// convert is dst[i] = D(x[i]): integers wrap, floats round once.
func convert[D, S number](dst, x, _, _ []byte, n int) {
	d := array.View[D](dst)[:n]
	a := array.View[S](x)[:n]
	for i := range d {
		d[i] = D(a[i])
	}
}

// saturate is dst[i] = x[i] truncated toward zero into D's range; NaN is 0. Go leaves conversions out of range to the
// processor, so none is made.
func saturate[D integer, S float](dst, x, _, _ []byte, n int) {
	d := array.View[D](dst)[:n]
	a := array.View[S](x)[:n]
	least, greatest := limits[D]()
	lo, hi := float64(least), 2*float64(greatest/2+1) // powers of two (or 0), so exact
	for i := range d {
		switch f := float64(a[i]); {
		case f >= hi:
			d[i] = greatest
		case f > lo:
			d[i] = D(f)
		case f <= lo:
			d[i] = least
		default: // NaN
			d[i] = 0
		}
	}
}

// limits are the least and the greatest value of D.
func limits[D integer]() (least, greatest D) {
	if greatest = ^D(0); greatest > 0 {
		return 0, greatest
	}
	for greatest = 1; greatest<<1+1 > 0; {
		greatest = greatest<<1 + 1
	}
	return -greatest - 1, greatest
}
