package main

import (
	"github.com/mmcloughlin/avo/operand"

	"github.com/darray-go/darray/array"
)

// wider are the types of 32 and 64 bits, which have shifts by a count of their own in both instruction sets.
var wider = groups{{array.Int32, array.Uint32}, {array.Int64, array.Uint64}}

// exactOps are the ops whose result is one of few bits' changes: rounding to whole numbers, signs, bits.
var exactOps = []elementwise{
	rounding(array.Floor, 0x9),
	rounding(array.Ceil, 0xa),
	rounding(array.Trunc, 0xb),
	rounding(array.Round, 0x8),
	{op: array.Sign, dtypes: floats, forms: []form{vv}, stream: true, constants: func(r *routine, d array.DType) []vec {
		return []vec{r.every(d.Size(), signBit(d.Size())), r.every(d.Size(), oneBits(d)), r.zero()}
	}, body: func(r *routine, d array.DType, x, c []vec) vec {
		one := r.do(r.VORPS, r.do(r.VANDPS, x[0], c[0]), c[1])
		other := r.do(r.VANDPS, r.where(d, notEqualOrdered, x[0], c[2]), one)
		return r.do(r.VORPS, other, r.where(d, unordered, x[0], x[0]))
	}},
	{op: array.Sign, dtypes: signed, forms: []form{vv}, constants: func(r *routine, d array.DType) []vec {
		return append([]vec{r.every(d.Size(), 1), r.every(1, 0xff)}, extremeConstants(r, d)...)
	}, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.maximum(d, r.minimum(d, x[0], c[0], c[2:]), c[1], c[2:])
	}},
	{op: array.Sign, dtypes: unsigned, forms: []form{vv}, constants: func(r *routine, d array.DType) []vec {
		return append([]vec{r.every(d.Size(), 1)}, extremeConstants(r, d)...)
	}, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.minimum(d, x[0], c[0], c[1:])
	}},
	{op: array.CopySign, dtypes: floats, forms: []form{vv, vs, sv}, stream: true, constants: func(r *routine, d array.DType) []vec {
		return []vec{r.every(d.Size(), signBit(d.Size()))}
	}, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.do(r.VORPS, r.do(r.VANDPS, x[1], c[0]), r.do(r.VANDNPS, c[0], x[0]))
	}},
	{op: array.Reciprocal, dtypes: floats, forms: []form{vv}, stream: true, constants: func(r *routine, d array.DType) []vec {
		return []vec{r.every(d.Size(), oneBits(d))}
	}, body: func(r *routine, d array.DType, x, c []vec) vec {
		return r.do(of(d, nil, nil, nil, nil, r.VDIVPS, r.VDIVPD), c[0], x[0])
	}},
	{op: array.NextAfter, dtypes: floats, forms: []form{vv, vs, sv}, stream: true, constants: func(r *routine, d array.DType) []vec {
		return []vec{r.every(d.Size(), signBit(d.Size())), r.every(d.Size(), 1), r.zero()}
	}, body: (*routine).nextAfter},
	{op: array.Philox, dtypes: groups{{array.Uint64}}, forms: []form{vv, vs, sv}, constants: philoxConstants, body: (*routine).philox},
	{op: array.BitwiseAnd, dtypes: signless, forms: []form{vv, vs}, body: func(r *routine, _ array.DType, x, _ []vec) vec {
		return r.do(r.VANDPS, x[0], x[1])
	}},
	{op: array.BitwiseOr, dtypes: signless, forms: []form{vv, vs}, body: func(r *routine, _ array.DType, x, _ []vec) vec {
		return r.do(r.VORPS, x[0], x[1])
	}},
	{op: array.BitwiseXor, dtypes: signless, forms: []form{vv, vs}, body: func(r *routine, _ array.DType, x, _ []vec) vec {
		return r.do(r.VXORPS, x[0], x[1])
	}},
	{op: array.BitwiseInvert, dtypes: signless, forms: []form{vv}, constants: func(r *routine, _ array.DType) []vec {
		return []vec{r.every(1, 0xff)}
	}, body: func(r *routine, _ array.DType, x, c []vec) vec {
		return r.do(r.VXORPS, x[0], c[0])
	}},
	{op: array.BitwiseLeftShift, dtypes: wider, forms: []form{vv, vs, sv}, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.do(of(d, nil, nil, r.VPSLLVD, r.VPSLLVQ, nil, nil), x[0], x[1])
	}},
	{op: array.BitwiseRightShift, dtypes: groups{{array.Uint32}, {array.Uint64}}, forms: []form{vv, vs, sv}, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.do(of(d, nil, nil, r.VPSRLVD, r.VPSRLVQ, nil, nil), x[0], x[1])
	}},
	{op: array.BitwiseRightShift, dtypes: groups{{array.Int32}, {array.Int64}}, forms: []form{vv, vs, sv}, constants: func(r *routine, _ array.DType) []vec {
		return []vec{r.zero()}
	}, body: func(r *routine, d array.DType, x, c []vec) vec {
		if d == array.Int64 { // shift the bits of -1-x where negative, so that zeros come after them too; AVX2 has no other way
			var negative vec
			if r.isa == avx512 {
				negative = r.vec()
				r.VPSRAQ(operand.U8(63), x[0], negative)
			} else {
				negative = r.do(r.VPCMPGTQ, c[0], x[0])
			}
			return r.do(r.VXORPS, r.do(r.VPSRLVQ, r.do(r.VXORPS, x[0], negative), x[1]), negative)
		}
		return r.do(r.VPSRAVD, x[0], x[1])
	}},
	{op: array.BitwiseLeftShift, dtypes: groups{{array.Int8, array.Uint8}, {array.Int16, array.Uint16}}, forms: []form{vv, vs, sv}, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.shiftParts(d, x[0], x[1], r.VPSLLVW, r.VPSLLVD, true)
	}},
	{op: array.BitwiseRightShift, dtypes: groups{{array.Uint8}, {array.Uint16}}, forms: []form{vv, vs, sv}, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.shiftParts(d, x[0], x[1], r.VPSRLVW, r.VPSRLVD, false)
	}},
	{op: array.BitwiseRightShift, dtypes: groups{{array.Int8}, {array.Int16}}, forms: []form{vv, vs, sv}, body: func(r *routine, d array.DType, x, _ []vec) vec {
		return r.shiftParts(d, x[0], x[1], r.VPSRAVW, r.VPSRAVD, false)
	}},
}

// shiftParts shifts integers of 8 and 16 bits each by its own count, as there are instructions for words in AVX-512 only and for
// bytes in none: the parts of a wider lane one after the other, each where it loses what is shifted out of it, the lowest place
// for a shift to the left, else the highest.
func (r *routine) shiftParts(d array.DType, x, counts vec, words, doubles instruction, left bool) vec {
	size, wide, shift := d.Size(), 4, doubles
	if r.isa == avx512 {
		wide, shift = 2, words
	}
	if size == wide {
		return r.do(shift, x, counts)
	}
	var out vec
	for at := 0; at < wide; at += size {
		below, above, others := uint8(8*at), uint8(8*(wide-size-at)), uint8(8*(wide-size))
		count := r.shiftRight(wide, r.shiftLeft(wide, counts, above), others)
		var part vec
		if left {
			part = r.do(shift, r.shiftRight(wide, x, below), count)
			part = r.shiftRight(wide, r.shiftLeft(wide, part, others), above)
		} else {
			part = r.do(shift, r.shiftLeft(wide, x, above), count)
			part = r.shiftLeft(wide, r.shiftRight(wide, part, others), below)
		}
		if at > 0 {
			part = r.do(r.VORPS, out, part)
		}
		out = part
	}
	return out
}

// rounding is an op that rounds floats to whole ones: mode is the direction, and that nothing is said of inexact ones.
func rounding(op array.Op, mode uint8) elementwise {
	return elementwise{op: op, dtypes: floats, forms: []form{vv}, stream: true, body: func(r *routine, d array.DType, x, _ []vec) vec {
		v := r.vec()
		switch {
		case r.isa == avx512:
			of(d, nil, nil, nil, nil, r.VRNDSCALEPS, r.VRNDSCALEPD)(operand.U8(mode), x[0], v)
		case d == array.Float32:
			r.VROUNDPS(operand.U8(mode), x[0], v)
		default:
			r.VROUNDPD(operand.U8(mode), x[0], v)
		}
		return v
	}}
}

// oneBits is 1 as a float of type d.
func oneBits(d array.DType) uint64 {
	if d == array.Float32 {
		return 0x3f800000
	}
	return 0x3ff0000000000000
}

// Comparisons of floats by VCMPPD, quiet ones.
const (
	equalOrdered    = 0x00
	lessOrdered     = 0x11
	notEqualOrdered = 0x0c
)

// where has all bits set in the lanes of floats for which the comparison holds, none in the others.
func (r *routine) where(d array.DType, comparison uint8, x, y vec) vec {
	v := r.vec()
	compare := of(d, nil, nil, nil, nil, r.VCMPPS, r.VCMPPD)
	if r.isa == avx2 {
		compare(operand.U8(comparison), y, x, v)
		return v
	}
	k := r.K()
	compare(operand.U8(comparison), y, x, k)
	if d == array.Float32 {
		r.VPMOVM2D(k, v)
	} else {
		r.VPMOVM2Q(k, v)
	}
	return v
}

// nextAfter goes by the bits, which lie in the order of the magnitudes: one more or one less. t is -1 where it is one more.
func (r *routine) nextAfter(d array.DType, x, c []vec) vec {
	sign, one, zero := c[0], c[1], c[2]
	add := of(d, nil, nil, nil, nil, r.VPADDD, r.VPADDQ)
	subtract := of(d, nil, nil, nil, nil, r.VPSUBD, r.VPSUBQ)
	t := r.do(r.VXORPS, r.where(d, lessOrdered, x[0], x[1]), r.where(d, lessOrdered, x[0], zero))
	next := r.do(subtract, r.do(subtract, x[0], r.do(add, t, t)), one)
	least := r.do(r.VORPS, r.do(r.VANDPS, x[1], sign), one) // from 0 on
	isZero := r.where(d, equalOrdered, x[0], zero)
	next = r.do(r.VORPS, r.do(r.VANDPS, isZero, least), r.do(r.VANDNPS, isZero, next))
	equal := r.where(d, equalOrdered, x[0], x[1])
	next = r.do(r.VORPS, r.do(r.VANDPS, equal, x[1]), r.do(r.VANDNPS, equal, next))
	return r.do(r.VORPS, next, r.where(d, unordered, x[0], x[1]))
}
