package kern

import "github.com/darray-go/darray/array"

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
