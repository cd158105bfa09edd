package kern

import "math/bits"

// The multipliers of Philox4x32 and the steps of its key (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC'11).
const (
	philoxM0, philoxM1 = 0xd2511f53, 0xcd9e8d57
	philoxW0, philoxW1 = 0x9e3779b9, 0xbb67ae85
)

// philoxRounds are those of Philox4x32-10.
const philoxRounds = 10

// philox4x32 is the block of four random words of a counter under a key.
func philox4x32(c [4]uint32, k0, k1 uint32) [4]uint32 {
	c0, c1, c2, c3 := c[0], c[1], c[2], c[3]
	for range philoxRounds {
		high0, low0 := bits.Mul32(philoxM0, c0)
		high1, low1 := bits.Mul32(philoxM1, c2)
		c0, c1, c2, c3 = high1^c1^k0, low1, high0^c3^k1, low0
		k0 += philoxW0
		k1 += philoxW1
	}
	return [4]uint32{c0, c1, c2, c3}
}

// philox is element x of the stream of a seed: the halves of block x/2 are elements 2(x/2) and 2(x/2)+1.
func philox(x, seed uint64) uint64 {
	w := philox4x32([4]uint32{uint32(x >> 1), uint32(x >> 33)}, uint32(seed), uint32(seed>>32))
	if x&1 != 0 {
		return uint64(w[3])<<32 | uint64(w[2])
	}
	return uint64(w[1])<<32 | uint64(w[0])
}
