package csv

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time: a word is eight bytes of text, the first in the lowest.

const (
	ones  = 0x0101010101010101
	lows  = 0x7f7f7f7f7f7f7f7f
	highs = 0x8080808080808080
)

// word is the eight bytes at i, which must be there.
func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// spread is a byte eight times.
func spread(c byte) uint64 { return ones * uint64(c) }

// equal has the high bit of each byte of x that is the one of pattern, and no other bit.
func equal(x, pattern uint64) uint64 {
	y := x ^ pattern
	return ^((y&lows + lows) | y | lows)
}

// first has, as its lowest bit, the high bit of the first byte of x that is the one of pattern; bits above may be wrong.
func first(x, pattern uint64) uint64 {
	y := x ^ pattern
	return (y - ones) &^ y & highs
}

// gather moves the high bits of eight bytes together.
func gather(m uint64) uint64 { return (m >> 7) * 0x0102040810204080 >> 56 }

// fieldEnd is where the field without quotes at i ends: at a delimiter, a line feed, a quote, or the end of the text.
func fieldEnd(b []byte, i int, comma byte) int {
	commas, feeds, quotes := spread(comma), spread('\n'), spread('"')
	for ; i+8 <= len(b); i += 8 {
		x := word(b, i)
		if m := first(x, commas) | first(x, feeds) | first(x, quotes); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == comma || c == '\n' || c == '"' {
			return i
		}
	}
	return len(b)
}
