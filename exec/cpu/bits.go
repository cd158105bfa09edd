package cpu

import (
	"encoding/binary"
	"math/bits"

	"github.com/darray-go/darray/array"
)

// mask is a bit for each element of a chunk, the first in the lowest bit of the first word. Bits past the chunk's
// length mean nothing.
type mask [chunk / 64]uint64

// allValid is a mask of ones.
var allValid = func() (m mask) {
	for i := range m {
		m[i] = ^uint64(0)
	}
	return m
}()

// orValid is m, or ones where there is no mask.
func (m *mask) orValid() *mask {
	if m == nil {
		return &allValid
	}
	return m
}

// load reads n bits of a bitmap from bit at on.
func (m *mask) load(bitmap []byte, at, n int) {
	shift := at & 7
	for i := range (n + 63) / 64 {
		b := bitmap[at>>3+8*i:]
		if len(b) > 8 {
			m[i] = binary.LittleEndian.Uint64(b)>>shift | uint64(b[8])<<(64-shift)
			continue
		}
		var last [9]byte
		copy(last[:], b)
		m[i] = binary.LittleEndian.Uint64(last[:])>>shift | uint64(last[8])<<(64-shift)
	}
}

// store writes the first n bits to a bitmap from bit at on and leaves the others as they are.
func (m *mask) store(bitmap []byte, at, n int) {
	if at&7 == 0 {
		whole := n / 64
		for i, word := range m[:whole] {
			binary.LittleEndian.PutUint64(bitmap[at>>3+8*i:], word)
		}
		if whole < len(m) {
			var last [8]byte
			binary.LittleEndian.PutUint64(last[:], m[whole])
			array.CopyBits(bitmap, at+64*whole, last[:], 0, n-64*whole)
		}
		return
	}
	var bytes [chunk / 8]byte
	for i, word := range m {
		binary.LittleEndian.PutUint64(bytes[8*i:], word)
	}
	array.CopyBits(bitmap, at, bytes[:], 0, n)
}

// count counts the ones among the first n bits.
func (m *mask) count(n int) int {
	count := 0
	for _, word := range m[:n/64] {
		count += bits.OnesCount64(word)
	}
	if n%64 > 0 {
		count += bits.OnesCount64(m[n/64] << (64 - n%64))
	}
	return count
}

// pack takes the first n of a register of bools. Eight bytes of 0 or 1 become eight bits by one multiplication: it adds
// up copies of the word so that bit 0 of byte i comes to bit 56+i, and no two bits meet.
func (m *mask) pack(bools []byte, n int) {
	const gather = 0x0102040810204080
	for i := range (n + 63) / 64 {
		var word uint64
		for k := 0; k < 64 && 64*i+k < n; k += 8 {
			b := binary.LittleEndian.Uint64(bools[64*i+k:]) & ones // the padding can be anything
			word |= b * gather >> 56 << k
		}
		m[i] = word
	}
}

// unpack gives a register of bools, whole words.
func (m *mask) unpack(bools []byte) {
	const (
		each = 0x8040201008040201 // bit i of byte i
		most = 0x7f7f7f7f7f7f7f7f
	)
	for i := 0; i+8 <= len(bools); i += 8 {
		b := m[i/64] >> (i % 64) & 0xff
		b = b * ones & each // not zero in byte i where bit i is set
		binary.LittleEndian.PutUint64(bools[i:], (b+most)>>7&ones)
	}
}
