package ptx

// philox writes the op of that name: element index of the stream of a seed, both words. It is Philox4x32-10, the counter being half
// the index and the halves of the block its two elements.
func (a *asm) philox(index, seed string) string {
	k0, k1 := a.halves(seed)
	c0, c1 := a.halves(a.word("shr.u64", index, "1"))
	c2, c3 := "", "" // 0
	xor := func(x, y string) string {
		if y == "" {
			return x
		}
		return a.half("xor.b32", x, y)
	}
	for round := range 10 {
		if round > 0 {
			k0, k1 = a.half("add.u32", k0, "0x9E3779B9"), a.half("add.u32", k1, "0xBB67AE85")
		}
		low0, high0 := a.half("mul.lo.u32", c0, "0xD2511F53"), a.half("mul.hi.u32", c0, "0xD2511F53")
		low1, high1 := "", ""
		if c2 != "" {
			low1, high1 = a.half("mul.lo.u32", c2, "0xCD9E8D57"), a.half("mul.hi.u32", c2, "0xCD9E8D57")
		}
		c0, c1, c2, c3 = xor(xor(k0, c1), high1), low1, xor(xor(high0, c3), k1), low0
	}
	odd := a.truth("setp.ne.u64", a.word("and.b64", index, "1"), "0")
	low, high := a.half("selp.b32", c2, c0, odd), a.half("selp.b32", c3, c1, odd)
	return a.word("mov.b64", "{"+low+", "+high+"}")
}

// halves are the lower and the upper half of a word.
func (a *asm) halves(x string) (low, high string) {
	low, high = a.fresh(half), a.fresh(half)
	a.do("mov.b64", "{"+low+", "+high+"}", x)
	return low, high
}
