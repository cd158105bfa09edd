package main

import "github.com/darray-go/darray/array"

// philoxConstants are the multipliers of Philox4x32 and the steps of its key (see exec/cpu/kern/philox.go), in lanes of 64 bits.
func philoxConstants(r *routine, _ array.DType) []vec {
	return []vec{r.every(8, 0xd2511f53), r.every(8, 0xcd9e8d57), r.every(8, 0x9e3779b9), r.every(8, 0xbb67ae85), r.every(8, 1<<32-1)}
}

// philox keeps each word of a block in the lower half of a lane: a multiplication takes only that half of its operands, so that
// what lies above it does no harm until the end.
func (r *routine) philox(_ array.DType, x, c []vec) vec {
	block := r.shiftRight(8, x[0], 1)
	c0, c1 := block, r.shiftRight(8, block, 32)
	c2, c3 := r.zero(), r.zero()
	k0, k1 := x[1], r.shiftRight(8, x[1], 32)
	for round := range 10 {
		if round > 0 {
			k0, k1 = r.do(r.VPADDQ, k0, c[2]), r.do(r.VPADDQ, k1, c[3])
		}
		p0, p1 := r.do(r.VPMULUDQ, c0, c[0]), r.do(r.VPMULUDQ, c2, c[1])
		c0 = r.do(r.VXORPS, r.shiftRight(8, p1, 32), r.do(r.VXORPS, c1, k0))
		c2 = r.do(r.VXORPS, r.shiftRight(8, p0, 32), r.do(r.VXORPS, c3, k1))
		c1, c3 = p1, p0
	}
	odd := r.do(r.VPSUBQ, r.zero(), r.shiftRight(8, r.shiftLeft(8, x[0], 63), 63)) // all bits or none
	low := r.do(r.VXORPS, c0, r.do(r.VANDPS, odd, r.do(r.VXORPS, c0, c2)))
	high := r.do(r.VXORPS, c1, r.do(r.VANDPS, odd, r.do(r.VXORPS, c1, c3)))
	return r.do(r.VORPS, r.do(r.VANDPS, low, c[4]), r.shiftLeft(8, high, 32))
}
