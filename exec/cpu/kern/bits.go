package kern

import (
	"encoding/binary"
	"math/bits"
)

// CountBits is how many of the first n bits of a bitmap of whole words are set.
func CountBits(x []byte, n int) int {
	count, i := 0, 0
	for ; i+64 <= n; i += 64 {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(x[i/8:]))
	}
	if i < n {
		count += bits.OnesCount64(binary.LittleEndian.Uint64(x[i/8:]) << (64 - (n - i)))
	}
	return count
}

// anyBit reports whether one of the first n bits of a bitmap of whole words is set.
func anyBit(x []byte, n int) bool { return hasBit(x, n, 0) }

// allBits reports whether all of the first n bits of a bitmap of whole words are set.
func allBits(x []byte, n int) bool { return !hasBit(x, n, ones) }

// hasBit reports whether one of the first n bits of x, each turned by that of flip, is set.
func hasBit(x []byte, n int, flip uint64) bool {
	i := 0
	for ; i+64 <= n; i += 64 {
		if binary.LittleEndian.Uint64(x[i/8:])^flip != 0 {
			return true
		}
	}
	return i < n && (binary.LittleEndian.Uint64(x[i/8:])^flip)<<(64-(n-i)) != 0
}

// FirstBit is the number of the first of the first n bits of a bitmap of whole words that is set; n where none is.
func FirstBit(x []byte, n int) int {
	for i := 0; i < n; i += 64 {
		if w := binary.LittleEndian.Uint64(x[i/8:]); w != 0 {
			return min(i+bits.TrailingZeros64(w), n)
		}
	}
	return n
}
