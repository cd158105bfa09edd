package main

import (
	"slices"

	"github.com/mmcloughlin/avo/operand"

	"github.com/darray-go/darray/array"
)

// numbers are all types but bool.
var numbers = slices.Concat(signed, unsigned, floats)

// signBit is the uppermost bit of size bytes.
func signBit(size int) uint64 { return 1 << (8*size - 1) }

// elementwises are the ops with routines.
var elementwises = []elementwise{
	{op: array.Add, dtypes: slices.Concat(signless, floats), forms: []form{vv, vs}, stream: true, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.add(d, x[0], x[1])
	}},
	{op: array.Subtract, dtypes: slices.Concat(signless, floats), forms: []form{vv, vs, sv}, stream: true, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.subtract(d, x[0], x[1])
	}},
	{op: array.Multiply, dtypes: slices.Concat(signless, floats), forms: []form{vv, vs}, stream: true, constants: multiplyConstants, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.multiply(d, x[0], x[1], c)
	}},
	{op: array.Square, dtypes: slices.Concat(signless, floats), forms: []form{vv}, stream: true, constants: multiplyConstants, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.multiply(d, x[0], x[0], c)
	}},
	{op: array.Divide, dtypes: floats, forms: []form{vv, vs, sv}, stream: true, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.do(of(d, nil, nil, nil, nil, r.VDIVPS, r.VDIVPD), x[0], x[1])
	}},
	{op: array.Sqrt, dtypes: floats, forms: []form{vv}, stream: true, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.do(of(d, nil, nil, nil, nil, r.VSQRTPS, r.VSQRTPD), x[0])
	}},
	{
		op: array.Negative, dtypes: slices.Concat(signless, floats), forms: []form{vv}, stream: true,
		constants: func(r *routine, d array.DType) []vec {
			if d.Float() {
				return []vec{r.every(d.Size(), signBit(d.Size()))}
			}
			return []vec{r.zero()}
		},
		body: func(r *routine, d array.DType, x, c []vec) vec {
			if d.Float() {
				return r.do(r.VXORPS, x[0], c[0])
			}
			return r.subtract(d, c[0], x[0])
		},
	},
	{ // of unsigned integers it is a copy
		op: array.Abs, dtypes: slices.Concat(signed, floats), forms: []form{vv}, stream: true,
		constants: func(r *routine, d array.DType) []vec {
			if d.Float() {
				return []vec{r.every(d.Size(), signBit(d.Size())-1)}
			}
			return []vec{r.zero()}
		},
		body: func(r *routine, d array.DType, x, c []vec) vec {
			switch {
			case d.Float():
				return r.do(r.VANDPS, x[0], c[0])
			case d == array.Int64 && r.isa == avx2: // turn the bits where negative and add 1
				negative := r.do(r.VPCMPGTQ, c[0], x[0])
				return r.do(r.VPSUBQ, r.do(r.VXORPS, x[0], negative), negative)
			}
			return r.do(of(d, r.VPABSB, r.VPABSW, r.VPABSD, r.VPABSQ, nil, nil), x[0])
		},
	},
	{op: array.Minimum, dtypes: numbers, forms: []form{vv, vs}, stream: true, constants: extremeConstants, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.minimum(d, x[0], x[1], c)
	}},
	{op: array.Maximum, dtypes: numbers, forms: []form{vv, vs}, stream: true, constants: extremeConstants, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.maximum(d, x[0], x[1], c)
	}},
}

// add is x + y.
func (r *routine) add(d array.DType, x, y vec) vec {
	return r.do(of(d, r.VPADDB, r.VPADDW, r.VPADDD, r.VPADDQ, r.VADDPS, r.VADDPD), x, y)
}

// subtract is x - y.
func (r *routine) subtract(d array.DType, x, y vec) vec {
	return r.do(of(d, r.VPSUBB, r.VPSUBW, r.VPSUBD, r.VPSUBQ, r.VSUBPS, r.VSUBPD), x, y)
}

// multiplyConstants are what multiply wants.
func multiplyConstants(r *routine, d array.DType) []vec {
	if d.Size() == 1 {
		return []vec{r.every(2, 0x00ff), r.every(2, 0xff00)}
	}
	return nil
}

// multiply is x * y.
func (r *routine) multiply(d array.DType, x, y vec, constants []vec) vec {
	switch {
	case d.Size() == 1: // by 16 bits: the lower bytes, then the upper ones, which stay upper if one factor does
		low, high := constants[0], constants[1]
		even := r.do(r.VANDPS, r.do(r.VPMULLW, x, y), low)
		odd := r.do(r.VPMULLW, r.shiftRight(2, x, 8), r.do(r.VANDPS, y, high))
		return r.do(r.VORPS, even, odd)
	case d.Size() == 8 && !d.Float() && r.isa == avx2: // by 32 bits: the upper halves' product is past the word
		cross := r.do(r.VPADDQ, r.do(r.VPMULUDQ, r.shiftRight(8, x, 32), y), r.do(r.VPMULUDQ, x, r.shiftRight(8, y, 32)))
		return r.do(r.VPADDQ, r.do(r.VPMULUDQ, x, y), r.shiftLeft(8, cross, 32))
	}
	return r.do(of(d, nil, r.VPMULLW, r.VPMULLD, r.VPMULLQ, r.VMULPS, r.VMULPD), x, y)
}

// shiftRight and shiftLeft move the bits of lanes of size bytes; zeros come after them.
func (r *routine) shiftRight(size int, x vec, by uint8) vec {
	if by == 0 {
		return x
	}
	v := r.vec()
	map[int]instruction{2: r.VPSRLW, 4: r.VPSRLD, 8: r.VPSRLQ}[size](operand.U8(by), x, v)
	return v
}

func (r *routine) shiftLeft(size int, x vec, by uint8) vec {
	if by == 0 {
		return x
	}
	v := r.vec()
	map[int]instruction{2: r.VPSLLW, 4: r.VPSLLD, 8: r.VPSLLQ}[size](operand.U8(by), x, v)
	return v
}

// extremeConstants are what minimum and maximum want.
func extremeConstants(r *routine, d array.DType) []vec {
	if d == array.Uint64 && r.isa == avx2 {
		return []vec{r.every(8, signBit(8))}
	}
	return nil
}

// minimum is that of IEEE 754-2019 for floats. The instruction gives its second operand where one is NaN and where both are
// zeros; so its two orders give both operands there, and else the same twice: or-ed, a NaN stays NaN and -0 wins.
func (r *routine) minimum(d array.DType, x, y vec, constants []vec) vec {
	switch {
	case d.Float():
		op := of(d, nil, nil, nil, nil, r.VMINPS, r.VMINPD)
		return r.do(r.VORPS, r.do(op, x, y), r.do(op, y, x))
	case d.Size() == 8 && r.isa == avx2:
		return r.pick(r.above64(d, x, y, constants), y, x)
	case d.Signed():
		return r.do(of(d, r.VPMINSB, r.VPMINSW, r.VPMINSD, r.VPMINSQ, nil, nil), x, y)
	}
	return r.do(of(d, r.VPMINUB, r.VPMINUW, r.VPMINUD, r.VPMINUQ, nil, nil), x, y)
}

// maximum is as minimum, but that and-ing for +0 may lose a NaN, which then comes by the comparison that finds it.
func (r *routine) maximum(d array.DType, x, y vec, constants []vec) vec {
	switch {
	case d.Float():
		op := of(d, nil, nil, nil, nil, r.VMAXPS, r.VMAXPD)
		both := r.do(r.VANDPS, r.do(op, x, y), r.do(op, y, x))
		compare := of(d, nil, nil, nil, nil, r.VCMPPS, r.VCMPPD)
		if r.isa == avx2 {
			nan := r.vec()
			compare(operand.U8(unordered), y, x, nan)
			return r.do(r.VORPS, both, nan)
		}
		nan := r.K()
		compare(operand.U8(unordered), y, x, nan)
		of(d, nil, nil, nil, nil, r.VADDPS, r.VADDPD)(y, x, nan, both)
		return both
	case d.Size() == 8 && r.isa == avx2:
		return r.pick(r.above64(d, x, y, constants), x, y)
	case d.Signed():
		return r.do(of(d, r.VPMAXSB, r.VPMAXSW, r.VPMAXSD, r.VPMAXSQ, nil, nil), x, y)
	}
	return r.do(of(d, r.VPMAXUB, r.VPMAXUW, r.VPMAXUD, r.VPMAXUQ, nil, nil), x, y)
}

// above64 is a mask of the lanes where x > y, for 64-bit integers in AVX2, which compares them signed: with the sign bits
// turned, unsigned ones lie in the same order.
func (r *routine) above64(d array.DType, x, y vec, constants []vec) vec {
	if d.Unsigned() {
		x, y = r.do(r.VXORPS, x, constants[0]), r.do(r.VXORPS, y, constants[0])
	}
	return r.do(r.VPCMPGTQ, x, y)
}

// pick is x where the mask of 64-bit lanes is set, else y; AVX2.
func (r *routine) pick(mask, x, y vec) vec {
	v := r.vec()
	r.VBLENDVPD(mask, x, y, v)
	return v
}
