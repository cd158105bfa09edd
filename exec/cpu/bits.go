package cpu

import (
	"encoding/binary"
	"math"

	"github.com/darray-go/darray/array"
)

// loadBits reads n bits of a bitmap from bit at on into whole words.
func loadBits(dst, bitmap []byte, at, n int) {
	shift := at & 7
	for i := 0; i < n; i += 64 {
		b := bitmap[(at+i)>>3:]
		var word, high uint64
		if len(b) > 8 {
			word, high = binary.LittleEndian.Uint64(b), uint64(b[8])
		} else {
			var last [8]byte
			copy(last[:], b)
			word = binary.LittleEndian.Uint64(last[:])
		}
		binary.LittleEndian.PutUint64(dst[i/8:], word>>shift|high<<(64-shift))
	}
}

// elementBits is a scalar as it lies in memory, in the low bytes.
func elementBits(v array.Scalar) uint64 {
	if v.DType() == array.Float32 {
		return uint64(math.Float32bits(float32(v.Float())))
	}
	return v.Bits()
}

// fromElement is the scalar that lies in memory with these low bytes.
func fromElement(d array.DType, bits uint64) array.Scalar {
	switch d {
	case array.Bool:
		bits &= 1
	case array.Float32:
		bits = math.Float64bits(float64(math.Float32frombits(uint32(bits))))
	case array.Float64:
	default:
		return array.ScalarFromBits(array.Uint64, bits).Cast(d)
	}
	return array.ScalarFromBits(d, bits)
}

// cellBits is a scalar as a cell holds it: an element, or of a bool a word of equal bits.
func cellBits(v array.Scalar) uint64 {
	if v.DType() == array.Bool {
		return -v.Bits()
	}
	return elementBits(v)
}
