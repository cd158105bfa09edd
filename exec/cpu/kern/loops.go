package kern

import (
	"math"

	"github.com/darray-go/darray/array"
)

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

type float interface{ float32 | float64 }

type number interface{ integer | float }

// unsigned are the types for moving elements of their size.
type unsigned interface {
	uint8 | uint16 | uint32 | uint64
}

// ones is a word of a bitmap that is true throughout.
const ones = ^uint64(0)

// picks are the loops of where by type and form.
var picks = [array.Float64 + 1][VSS + 1]Loop{
	array.Bool: {VV: whereBits},
	array.Int8: whereForms[uint8](), array.Int16: whereForms[uint16](), array.Int32: whereForms[uint32](), array.Int64: whereForms[uint64](),
	array.Uint8: whereForms[uint8](), array.Uint16: whereForms[uint16](), array.Uint32: whereForms[uint32](), array.Uint64: whereForms[uint64](),
	array.Float32: whereForms[uint32](), array.Float64: whereForms[uint64](),
}

func whereForms[T unsigned]() [VSS + 1]Loop {
	return [...]Loop{VV: where[T], VSV: whereVSV[T], VVS: whereVVS[T], VSS: whereVSS[T]}
}

// whereBits is dst[i] = y[i] where x[i], else z[i], all of them bitmaps.
func whereBits(dst, x, y, z []byte, n int) {
	n = (n + 63) / 64
	d, c := array.View[uint64](dst)[:n], array.View[uint64](x)[:n]
	a, b := array.View[uint64](y)[:n], array.View[uint64](z)[:n]
	for i := range d {
		d[i] = a[i]&c[i] | b[i]&^c[i]
	}
}

// truth is a bool as a bit.
func truth(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// absInt is the absolute value; the least signed integer wraps to itself.
func absInt[T integer](x T) T {
	if x < 0 {
		return -x
	}
	return x
}

// sign is -1, 0 or 1; NaN for NaN.
func sign[T number](x T) T {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -T(1)
	case x == 0:
		return 0 // also for -0
	}
	return x
}

// nextAfter is the next float after x towards y; y where they are equal, as 0 and -0 are.
func nextAfter[T float](x, y T) T {
	if x == y {
		return y
	}
	if x, ok := any(x).(float32); ok {
		return T(math.Nextafter32(x, float32(y)))
	}
	return T(math.Nextafter(float64(x), float64(y)))
}

// floorDivide is the quotient rounded down; 0 where y is, which is an error that the check of the divisors finds.
func floorDivide[T integer](x, y T) T {
	if y == 0 {
		return 0
	}
	q := x / y
	if r := x - q*y; (r|-r)&(r^y) < 0 { // not 0, and of another sign than y; one test, as its outcome is anybody's guess
		q--
	}
	return q
}

// remainder is what floorDivide leaves, with the sign of y; 0 where y is.
func remainder[T integer](x, y T) T {
	if y == 0 {
		return 0
	}
	r := x % y
	if (r|-r)&(r^y) < 0 { // as above
		r += y
	}
	return r
}

// fmod is what the quotient rounded toward 0 leaves, with the sign of x; 0 where y is 0.
func fmod[T integer](x, y T) T {
	if y == 0 {
		return 0
	}
	return x % y
}

// power is x multiplied y times, by squaring; 0 where y is negative, which is an error that its check finds.
func power[T integer](x, y T) T {
	if y < 0 {
		return 0
	}
	z := T(1)
	for ; y > 0; y >>= 1 {
		if y&1 != 0 {
			z *= x
		}
		x *= x
	}
	return z
}
