package ref

// Philox is Philox4x32-10, written down from the paper (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC'11): the words of the block of a counter under a key, the lowest word first.
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	l0, r0, l1, r1 := uint64(counter[1]), uint64(counter[0]), uint64(counter[3]), uint64(counter[2])
	const low = 1<<32 - 1
	for round := range uint64(10) {
		k0 := (uint64(key[0]) + round*0x9e3779b9) & low // Weyl's sequences of the golden ratio and of sqrt(3)-1
		k1 := (uint64(key[1]) + round*0xbb67ae85) & low
		p0, p1 := 0xd2511f53*r0, 0xcd9e8d57*r1
		l0, r0, l1, r1 = p1&low, p1>>32^k0^l0, p0&low, p0>>32^k1^l1
	}
	return [4]uint32{uint32(r0), uint32(l0), uint32(r1), uint32(l1)}
}

// PhiloxAt is element i of the stream of a seed.
func PhiloxAt(i, seed uint64) uint64 {
	block := i / 2
	words := Philox([4]uint32{uint32(block), uint32(block >> 32), 0, 0}, [2]uint32{uint32(seed), uint32(seed >> 32)})
	half := words[:2]
	if i%2 == 1 {
		half = words[2:]
	}
	return uint64(half[0]) + uint64(half[1])<<32
}
