package ref

import (
	"math"
	"math/big"

	"github.com/darray-go/darray/array"
)

// integer is a bool or integer element as the number that it is; false for the other types.
func integer(x any) (*big.Int, bool) {
	switch x := x.(type) {
	case bool:
		if x {
			return big.NewInt(1), true
		}
		return big.NewInt(0), true
	case int8:
		return big.NewInt(int64(x)), true
	case int16:
		return big.NewInt(int64(x)), true
	case int32:
		return big.NewInt(int64(x)), true
	case int64:
		return big.NewInt(x), true
	case uint8:
		return big.NewInt(int64(x)), true
	case uint16:
		return big.NewInt(int64(x)), true
	case uint32:
		return big.NewInt(int64(x)), true
	case uint64:
		return new(big.Int).SetUint64(x), true
	}
	return nil, false
}

// float is a float element as a float64, which holds every float32.
func float(x any) float64 {
	if f, ok := x.(float32); ok {
		return float64(f)
	}
	return x.(float64)
}

// width is the bits of an integer type, and whether it has a sign.
func width(d array.DType) (bits uint, signed bool) {
	switch d {
	case array.Int8:
		return 8, true
	case array.Int16:
		return 16, true
	case array.Int32:
		return 32, true
	case array.Int64:
		return 64, true
	case array.Uint8:
		return 8, false
	case array.Uint16:
		return 16, false
	case array.Uint32:
		return 32, false
	}
	return 64, false
}

// bounds are the least and the greatest value of an integer type.
func bounds(d array.DType) (low, high *big.Int) {
	bits, signed := width(d)
	one := big.NewInt(1)
	if signed {
		half := new(big.Int).Lsh(one, bits-1)
		return new(big.Int).Neg(half), new(big.Int).Sub(half, one)
	}
	return new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(one, bits), one)
}

// wrapped is the element of integer type d that equals v modulo 2^width: the low bits of v's two's complement.
func wrapped(v *big.Int, d array.DType) any {
	low := uint64(v.Int64()) // where v fits, and so do its bits
	if !v.IsInt64() {
		low = new(big.Int).And(v, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	}
	switch d {
	case array.Int8:
		return int8(low)
	case array.Int16:
		return int16(low)
	case array.Int32:
		return int32(low)
	case array.Int64:
		return int64(low)
	case array.Uint8:
		return uint8(low)
	case array.Uint16:
		return uint16(low)
	case array.Uint32:
		return uint32(low)
	}
	return low
}

// rounded is f as an element of float type d.
func rounded(f float64, d array.DType) any {
	if d == array.Float32 {
		return float32(f)
	}
	return f
}

// cast converts an element that is not null: integers wrap, floats truncate toward zero and stop at the type's bounds,
// NaN becomes the integer 0, everything but zero (NaN too) is true; what a float type cannot hold rounds once, to nearest even.
func cast(x any, d array.DType) any {
	v, isInteger := integer(x)
	isFloat := d == array.Float32 || d == array.Float64
	switch {
	case isInteger && d == array.Bool:
		return v.Sign() != 0
	case isInteger && d == array.Float32:
		f, _ := new(big.Float).SetInt(v).Float32()
		return f
	case isInteger && d == array.Float64:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f
	case isInteger:
		return wrapped(v, d)
	case d == array.Bool:
		return float(x) != 0
	case isFloat:
		return rounded(float(x), d)
	}
	return truncated(float(x), d)
}

// truncated is a float as an element of integer type d.
func truncated(f float64, d array.DType) any {
	low, high := bounds(d)
	switch {
	case math.IsNaN(f):
		return wrapped(new(big.Int), d)
	case math.IsInf(f, 1):
		return wrapped(high, d)
	case math.IsInf(f, -1):
		return wrapped(low, d)
	}
	v, _ := big.NewFloat(f).Int(nil)
	if v.Cmp(low) < 0 {
		v = low
	}
	if v.Cmp(high) > 0 {
		v = high
	}
	return wrapped(v, d)
}

// arangeAt is start + i*step: exact and wrapped for integers; for floats the product and the sum each round to float64,
// and the result once more to float32 where that is the type.
func arangeAt(d array.DType, start, step any, i int) any {
	if s, ok := integer(start); ok {
		t, _ := integer(step)
		v := new(big.Int).Mul(t, big.NewInt(int64(i)))
		return wrapped(v.Add(v, s), d)
	}
	product := float64(i) * float(step)
	return rounded(float(start)+float64(product), d) // the conversion keeps the compiler from fusing the two
}
