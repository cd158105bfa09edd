package cpu

import "github.com/darray-go/darray/array"

// casts finds the loop that converts from one type to another as array.Scalar.Cast says.
func casts(from, to array.DType) loop {
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

func castBool(to array.DType) loop {
	switch to {
	case array.Bool, array.Int8, array.Uint8:
		return copyLoop
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

func castInt[S integer](to array.DType) loop {
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

func castFloat[S float](to array.DType) loop {
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

// copyLoop is dst[i] = x[i] for elements of a byte; dst may be the shorter one, as a bool register is padded.
func copyLoop(dst, x, _ []byte) { copy(dst, x) }

// widen is dst[i] = 1 where x[i], else 0.
func widen[D number](dst, x, _ []byte) {
	d := array.View[D](dst)
	x = x[:len(d)]
	for i := range d {
		d[i] = D(x[i])
	}
}

// notZero is dst[i] = x[i] != 0.
func notZero[S number](dst, x, _ []byte) {
	a := array.View[S](x)
	d := dst[:len(a)]
	for i := range a {
		d[i] = truth(a[i] != 0)
	}
}

// convert is dst[i] = D(x[i]): integers wrap, floats round once.
func convert[D, S number](dst, x, _ []byte) {
	d := array.View[D](dst)
	a := array.View[S](x)[:len(d)]
	for i := range d {
		d[i] = D(a[i])
	}
}

// saturate is dst[i] = x[i] truncated toward zero into D's range; NaN is 0. Go leaves conversions out of range to the
// processor, so none is made.
func saturate[D integer, S float](dst, x, _ []byte) {
	d := array.View[D](dst)
	a := array.View[S](x)[:len(d)]
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
