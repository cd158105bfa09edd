package cpu

import (
	"math"
	"math/bits"

	"github.com/darray-go/darray/array"
)

// anyNumber is an element type that is not bool.
type anyNumber interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// position is the index of the first least (argmin) or greatest (argmax) of n elements whose bit in valid is set, of the first
// NaN if there is one. One bit is set at least.
func position(op array.Op, d array.DType, x []byte, valid []uint64, n int) int {
	switch d {
	case array.Bool:
		return positionBool(op, array.View[uint64](x), valid)
	case array.Int8:
		return positionOf[int8](op, x, valid, n)
	case array.Int16:
		return positionOf[int16](op, x, valid, n)
	case array.Int32:
		return positionOf[int32](op, x, valid, n)
	case array.Int64:
		return positionOf[int64](op, x, valid, n)
	case array.Uint8:
		return positionOf[uint8](op, x, valid, n)
	case array.Uint16:
		return positionOf[uint16](op, x, valid, n)
	case array.Uint32:
		return positionOf[uint32](op, x, valid, n)
	case array.Uint64:
		return positionOf[uint64](op, x, valid, n)
	case array.Float32:
		return positionOf[float32](op, x, valid, n)
	}
	return positionOf[float64](op, x, valid, n)
}

// positionBool looks for the first false or true, else takes the first that is there.
func positionBool(op array.Op, x, valid []uint64) int {
	first := -1
	for i, word := range x {
		if op == array.ArgMin {
			word = ^word
		}
		if word &= valid[i]; word != 0 {
			return 64*i + bits.TrailingZeros64(word)
		}
		if first < 0 && valid[i] != 0 {
			first = 64*i + bits.TrailingZeros64(valid[i])
		}
	}
	return first
}

func positionOf[T anyNumber](op array.Op, x []byte, valid []uint64, n int) int {
	return positionNulls(op, array.View[T](x)[:n], valid)
}

// first is the index of the first element that equals best or is NaN.
func first[T anyNumber](x []byte, best T, n int) int {
	for i, v := range array.View[T](x)[:n] {
		if v == best || v != v {
			return i
		}
	}
	return 0
}

// firstOf is first for an element type and a value's bits as a Scalar has them.
func firstOf(d array.DType, x []byte, bits uint64, n int) int {
	switch d {
	case array.Int8:
		return first(x, int8(bits), n)
	case array.Int16:
		return first(x, int16(bits), n)
	case array.Int32:
		return first(x, int32(bits), n)
	case array.Uint8:
		return first(x, uint8(bits), n)
	case array.Uint16:
		return first(x, uint16(bits), n)
	case array.Uint32:
		return first(x, uint32(bits), n)
	case array.Float32:
		return first(x, float32(math.Float64frombits(bits)), n)
	case array.Float64:
		return first(x, math.Float64frombits(bits), n)
	}
	return first(x, bits, n)
}

// positionNulls is position one by one, where some are null.
func positionNulls[T anyNumber](op array.Op, xs []T, valid []uint64) int {
	at := -1
	var best T
	for i, v := range xs {
		if valid[i/64]>>(i%64)&1 == 0 {
			continue
		}
		if v != v {
			return i
		}
		if at < 0 || op == array.ArgMin && v < best || op == array.ArgMax && v > best {
			at, best = i, v
		}
	}
	return at
}

// allSet reports whether the first n bits are set.
func allSet(valid []uint64, n int) bool {
	for i := 0; i < n; i += 64 {
		if w := firstBits(n - i); valid[i/64]&w != w {
			return false
		}
	}
	return true
}
