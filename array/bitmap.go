package array

import (
	"encoding/binary"
	"math/bits"
)

// Bitmaps hold one bit an element, the least significant bit of a byte first: validity, and the values of bool blocks.

// bitmapBytes is the bytes of n bits.
func bitmapBytes(n int) int { return n/8 + (n%8+7)/8 }

// bit reads bit i of a bitmap.
func bit(bitmap []byte, i int) bool { return bitmap[i>>3]>>(i&7)&1 != 0 }

// SetBits sets bits [lo, lo+n) of a bitmap.
func SetBits(bitmap []byte, lo, n int) {
	i, hi := lo, lo+n
	for ; i < hi && i&7 != 0; i++ {
		bitmap[i>>3] |= 1 << (i & 7)
	}
	for ; i+8 <= hi; i += 8 {
		bitmap[i>>3] = 0xff
	}
	for ; i < hi; i++ {
		bitmap[i>>3] |= 1 << (i & 7)
	}
}

// CountBits counts the set bits among [lo, lo+n) of a bitmap.
func CountBits(bitmap []byte, lo, n int) int {
	count, i, hi := 0, lo, lo+n
	for ; i < hi && i&7 != 0; i++ {
		count += int(bitmap[i>>3] >> (i & 7) & 1)
	}
	for ; i+64 <= hi; i += 64 {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(bitmap[i>>3:]))
	}
	for ; i < hi; i++ {
		count += int(bitmap[i>>3] >> (i & 7) & 1)
	}
	return count
}

// CopyBits copies n bits of src from bit srcLo to dst at bit dstLo; the other bits of dst stay. Neighbouring ranges of one
// bitmap share a byte, so they must not be written by two goroutines at once.
func CopyBits(dst []byte, dstLo int, src []byte, srcLo, n int) {
	head := min(n, -dstLo&7) // up to the first whole byte of dst
	copyEachBit(dst, dstLo, src, srcLo, head)
	d, s, whole := (dstLo+head)>>3, srcLo+head, (n-head)>>3
	if shift := s & 7; shift == 0 {
		copy(dst[d:d+whole], src[s>>3:])
	} else {
		for i, x := range src[s>>3 : s>>3+whole] { // each byte of dst joins two of src
			dst[d+i] = x>>shift | src[s>>3+i+1]<<(8-shift)
		}
	}
	done := head + 8*whole
	copyEachBit(dst, dstLo+done, src, srcLo+done, n-done)
}

func copyEachBit(dst []byte, dstLo int, src []byte, srcLo, n int) {
	for i := range n {
		d, mask := (dstLo+i)>>3, byte(1)<<((dstLo+i)&7)
		if bit(src, srcLo+i) {
			dst[d] |= mask
		} else {
			dst[d] &^= mask
		}
	}
}
