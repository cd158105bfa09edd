package array

// Buffers are b's values and, where it has any, its validity as they travel, each from its first element on: views of b,
// but for bits that do not begin a byte, which are copied. Buffers of a block of NewBlock are all of its memory, to be
// filled.
func (b *Block) Buffers() [][]byte {
	bufs := [][]byte{b.valueBytes()}
	if b.validity != nil {
		bufs = append(bufs, bitsFrom(b.validity, b.offset, b.n))
	}
	return bufs
}

func (b *Block) valueBytes() []byte {
	if b.dtype == Bool {
		return bitsFrom(b.values, b.offset, b.n)
	}
	return b.bytes()
}

// bitsFrom is n bits of a bitmap from bit lo on: a view where they begin a byte, else a copy.
func bitsFrom(bitmap []byte, lo, n int) []byte {
	if n == 0 {
		return nil
	}
	if lo%8 == 0 {
		return bitmap[lo/8 : lo/8+bitmapBytes(n)]
	}
	out := make([]byte, bitmapBytes(n))
	CopyBits(out, 0, bitmap, lo, n)
	return out
}
