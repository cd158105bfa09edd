package array

import "math"

// SetScalar makes element i of a block that nobody else sees s, whose type is the block's, or null where valid is false; a
// block without validity keeps its element valid.
func (b *Block) SetScalar(i int, s Scalar, valid bool) {
	at := b.offset + i
	if b.validity != nil {
		setBit(b.validity, at, valid)
	}
	switch b.dtype {
	case Bool:
		setBit(b.values, at, s.bits != 0)
	case Int8, Uint8:
		b.values[at] = byte(s.bits)
	case Int16, Uint16:
		View[uint16](b.values)[at] = uint16(s.bits)
	case Int32, Uint32:
		View[uint32](b.values)[at] = uint32(s.bits)
	case Float32:
		View[float32](b.values)[at] = float32(math.Float64frombits(s.bits))
	default:
		View[uint64](b.values)[at] = s.bits
	}
}

// setBit sets or clears bit i of a bitmap.
func setBit(bitmap []byte, i int, on bool) {
	if on {
		bitmap[i>>3] |= 1 << (i & 7)
	} else {
		bitmap[i>>3] &^= 1 << (i & 7)
	}
}
