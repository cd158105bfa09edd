package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// float64s is a float64 in every lane.
func (r *routine) float64s(v float64) vec { return r.every(8, math.Float64bits(v)) }

// floatOf is a value of a float type in every lane.
func (r *routine) floatOf(d array.DType, v float64) vec {
	if d == array.Float32 {
		return r.every(4, uint64(math.Float32bits(float32(v))))
	}
	return r.float64s(v)
}

// integerToFloat64 readies the conversion of a vector's lanes of integers, rounded once.
func (r *routine) integerToFloat64(from array.DType) func(x operand.Mem) vec {
	switch {
	case from.Size() == 8:
		words := r.wordsToFloat64(from)
		return func(x operand.Mem) vec { return words(r.load(x)) }
	case from == array.Uint32 && r.isa == avx2: // exact: as the low bits of 2^52
		base := r.float64s(0x1p52)
		return func(x operand.Mem) vec {
			v := r.vec()
			r.VPMOVZXDQ(x, v)
			return r.do(r.VSUBPD, r.do(r.VORPS, v, base), base)
		}
	}
	return func(x operand.Mem) vec {
		v := r.vec()
		switch {
		case from == array.Uint32:
			r.VCVTUDQ2PD(x, v)
		case from == array.Int32:
			r.VCVTDQ2PD(x, v)
		default:
			half := r.register(r.isa.width / 2)
			r.extend(from, 4, x, half)
			r.VCVTDQ2PD(half, v)
		}
		return v
	}
}

// wordsToFloat64 readies that of 64-bit integers. AVX2 has no instruction: the upper 32 bits become the low ones of 2^84,
// whose unit is 2^32, the lower 32 those of 2^52. What is too much is taken from the upper part, exactly, so that only the
// sum rounds. A signed one is made unsigned by 2^63 more.
func (r *routine) wordsToFloat64(from array.DType) func(v vec) vec {
	if r.isa == avx512 {
		return func(v vec) vec {
			out := r.vec()
			if from.Signed() {
				r.VCVTQQ2PD(v, out)
			} else {
				r.VCVTUQQ2PD(v, out)
			}
			return out
		}
	}
	upper, lower, excess := r.float64s(0x1p84), r.float64s(0x1p52), r.float64s(0x1p84+0x1p52)
	var sign vec
	if from.Signed() {
		excess, sign = r.float64s(0x1p84+0x1p63+0x1p52), r.every(8, signBit(8))
	}
	return func(v vec) vec {
		if sign != nil {
			v = r.do(r.VXORPS, v, sign)
		}
		high, low := r.do(r.VORPS, r.shiftRight(8, v, 32), upper), r.vec()
		r.VPBLENDD(operand.U8(0b10101010), lower, v, low)
		return r.do(r.VADDPD, r.do(r.VSUBPD, high, excess), low)
	}
}

// integerToFloat32 readies the conversion of integers, rounded once.
func (r *routine) integerToFloat32(from array.DType) caster {
	switch {
	case r.byFloat64(from, array.Float32):
		widen := r.integerToFloat64(from) // exact
		return func(x, dst operand.Mem) { r.storeBytes(r.single(widen(x)), dst) }
	case from.Size() == 8 && r.isa == avx512:
		return func(x, dst operand.Mem) {
			half := r.register(r.isa.width / 2)
			if from.Signed() {
				r.VCVTQQ2PS(x, half)
			} else {
				r.VCVTUQQ2PS(x, half)
			}
			r.storeBytes(half, dst)
		}
	case from.Size() == 8:
		return r.wordsToFloat32(from)
	}
	return func(x, dst operand.Mem) {
		v := r.vec()
		switch from {
		case array.Uint32:
			r.VCVTUDQ2PS(x, v)
		case array.Int32:
			r.VCVTDQ2PS(x, v)
		default:
			words := r.vec()
			r.extend(from, 4, x, words)
			r.VCVTDQ2PS(words, v)
		}
		r.store(v, dst)
	}
}

// wordsToFloat32 goes by float64, in AVX2. Two roundings would be one too many: so where a word may not fit 53 bits, its low
// 11 bits are first replaced by one above them that is set if any of them is (rounding to odd: Boldo and Melquiond, 2008).
func (r *routine) wordsToFloat32(from array.DType) caster {
	widen := r.wordsToFloat64(from)
	low, zero := r.every(8, 0x7ff), r.zero()
	var limit vec
	if from.Signed() {
		limit = r.every(8, 1<<52)
	}
	return func(x, dst operand.Mem) {
		v := r.load(x)
		odd := r.do(r.VORPS, v, r.do(r.VPADDQ, r.do(r.VANDPS, v, low), low))
		odd = r.do(r.VANDNPS, low, odd)
		above := v
		if limit != nil {
			above = r.do(r.VPADDQ, v, limit) // below 2^53 for -2^52 <= v < 2^52
		}
		fits := r.do(r.VPCMPEQQ, r.shiftRight(8, above, 53), zero)
		r.storeBytes(r.single(widen(r.pick(fits, v, odd))), dst)
	}
}

// floatToShort readies the conversion to integers up to int32. A float is brought into the type's range, where that has
// floats for both ends, and truncated.
func (r *routine) floatToShort(from, to array.DType) caster {
	if from == array.Float32 && to == array.Int32 {
		return r.float32ToInt32()
	}
	least, greatest := rangeOf(to)
	lo, hi := r.floatOf(from, least), r.floatOf(from, greatest)
	width := r.isa.width * 4 / from.Size()
	narrow := r.narrower(4, to.Size(), width)
	minimum, maximum := of(from, nil, nil, nil, nil, r.VMINPS, r.VMINPD), of(from, nil, nil, nil, nil, r.VMAXPS, r.VMAXPD)
	return func(x, dst operand.Mem) {
		v, ordered := r.ordered(from, r.load(x))
		v = r.do(maximum, r.do(minimum, v, hi), lo)
		narrow(r.truncate(from, v, ordered, width), dst)
	}
}

// rangeOf is the least and the greatest value of an integer type of 32 bits or less.
func rangeOf(d array.DType) (least, greatest float64) {
	if d.Unsigned() {
		return 0, math.Ldexp(1, 8*d.Size()) - 1
	}
	return -math.Ldexp(1, 8*d.Size()-1), math.Ldexp(1, 8*d.Size()-1) - 1
}

// ordered makes NaN zero: at once in AVX2, by a mask for the conversion in AVX-512.
func (r *routine) ordered(d array.DType, v vec) (vec, reg.OpmaskVirtual) {
	const noNaN = 0x07
	compare := of(d, nil, nil, nil, nil, r.VCMPPS, r.VCMPPD)
	if r.isa == avx512 {
		mask := r.K()
		compare(operand.U8(noNaN), v, v, mask)
		return v, mask
	}
	mask := r.vec()
	compare(operand.U8(noNaN), v, v, mask)
	return r.do(r.VANDPS, v, mask), nil
}

// truncate converts toward zero to int32 in a register of width bytes; with a mask, to zero where its bit is not set.
func (r *routine) truncate(from array.DType, v vec, mask reg.OpmaskVirtual, width int) reg.VecVirtual {
	out := r.register(width)
	switch {
	case mask == nil && from == array.Float32:
		r.VCVTTPS2DQ(v, out)
	case mask == nil:
		r.VCVTTPD2DQY(v, out)
	case from == array.Float32:
		r.VCVTTPS2DQ_Z(v, mask, out)
	default:
		r.VCVTTPD2DQ_Z(v, mask, out)
	}
	return out
}

// greaterEqual is 2's complement's overflow upward: a comparison that is false for NaN.
const greaterEqual = 0x1d

// float32ToInt32: what is too small or too great becomes 1<<31, the least number; where it was too great, all bits are turned.
func (r *routine) float32ToInt32() caster {
	limit := r.floatOf(array.Float32, 1<<31)
	greatest := r.every(4, 1<<31-1)
	return func(x, dst operand.Mem) {
		v, ordered := r.ordered(array.Float32, r.load(x))
		out := r.truncate(array.Float32, v, ordered, r.isa.width)
		if r.isa == avx512 {
			above := r.K()
			r.VCMPPS(operand.U8(greaterEqual), limit, v, above)
			r.VMOVDQA32(greatest, above, out)
			r.store(out, dst)
			return
		}
		above := r.vec()
		r.VCMPPS(operand.U8(greaterEqual), limit, v, above)
		r.store(r.do(r.VXORPS, out, above), dst)
	}
}

// floatToLong readies the conversion to uint32, int64 and uint64, of float32 mostly by way of float64, which is exact.
func (r *routine) floatToLong(from, to array.DType) caster {
	if from == array.Float32 && to == array.Uint32 && r.isa == avx512 { // NaN and what is too great as in float64ToUnsigned
		zero := r.zero()
		return func(x, dst operand.Mem) {
			out := r.vec()
			r.VCVTTPS2UDQ(r.do(r.VMAXPS, r.load(x), zero), out)
			r.store(out, dst)
		}
	}
	if from == array.Float32 && to == array.Uint64 && r.isa == avx512 { // as in float64ToUnsigned
		zero := r.zero()
		return func(x, dst operand.Mem) {
			half, out := r.YMM(), r.vec()
			r.VMOVUPS(x, half)
			r.VMAXPS(zero.AsY(), half, half)
			r.VCVTTPS2UQQ(half, out)
			r.store(out, dst)
		}
	}
	convert := r.float64ToLong(to)
	return func(x, dst operand.Mem) {
		if from == array.Float32 {
			convert(r.double(x), dst)
		} else {
			convert(r.load(x), dst)
		}
	}
}

func (r *routine) float64ToLong(to array.DType) func(v vec, dst operand.Mem) {
	switch {
	case r.isa == avx512 && to == array.Int64:
		return r.float64ToInt64Mask()
	case r.isa == avx512:
		return r.float64ToUnsigned(to)
	case to == array.Uint32:
		zero, greatest, base := r.zero(), r.float64s(1<<32-1), r.float64s(0x1p52)
		narrow := r.narrower(8, 4, r.isa.width)
		return func(v vec, dst operand.Mem) { // as the low bits of 2^52
			v = r.do(r.VMINPD, r.do(r.VMAXPD, v, zero), greatest)
			narrow(r.do(r.VADDPD, r.round(towardZero, v), base), dst)
		}
	}
	return r.float64ToWord(to)
}

// float64ToUnsigned: the instruction gives all ones for what is too great; the maximum gives zero for NaN, being the second.
func (r *routine) float64ToUnsigned(to array.DType) func(v vec, dst operand.Mem) {
	zero := r.zero()
	return func(v vec, dst operand.Mem) {
		v = r.do(r.VMAXPD, v, zero)
		out := r.register(r.isa.width * to.Size() / 8)
		if to == array.Uint32 {
			r.VCVTTPD2UDQ(v, out)
		} else {
			r.VCVTTPD2UQQ(v, out)
		}
		r.storeBytes(out, dst)
	}
}

// float64ToInt64Mask: the instruction gives the least number for what is too small or too great.
func (r *routine) float64ToInt64Mask() func(v vec, dst operand.Mem) {
	limit, greatest := r.float64s(0x1p63), r.every(8, 1<<63-1)
	return func(v vec, dst operand.Mem) {
		v, ordered := r.ordered(array.Float64, v)
		out, above := r.vec(), r.K()
		r.VCVTTPD2QQ_Z(v, ordered, out)
		r.VCMPPD(operand.U8(greaterEqual), limit, v, above)
		r.VMOVDQA64(greatest, above, out)
		r.store(out, dst)
	}
}

// Rounding modes of VROUNDPD, without the exception for inexact results.
const (
	downward   = 0x09
	towardZero = 0x0b
)

func (r *routine) round(mode uint8, v vec) vec {
	out := r.vec()
	r.VROUNDPD(operand.U8(mode), v, out)
	return out
}

// float64ToWord is float64 to 64-bit integers in AVX2: the whole number is cut into a high and a low part of 32 bits, exactly, and
// each is read off the low bits of a sum with 2^52, or with 1.5 * 2^52 where it is signed.
func (r *routine) float64ToWord(to array.DType) func(v vec, dst operand.Mem) {
	limit, least, highBase := 0x1p64, 0.0, 0x1p52
	if to.Signed() {
		limit, least, highBase = 0x1p63, -0x1p63, 0x1.8p52
	}
	above, below := r.float64s(limit), r.float64s(least)
	high52, low52, up, down := r.float64s(highBase), r.float64s(0x1p52), r.float64s(0x1p32), r.float64s(0x1p-32)
	return func(v vec, dst operand.Mem) {
		v, _ = r.ordered(array.Float64, v)
		great := r.vec()
		r.VCMPPD(operand.U8(greaterEqual), above, v, great)
		whole := r.round(towardZero, r.do(r.VMAXPD, v, below))
		high := r.round(downward, r.do(r.VMULPD, whole, down))
		low := r.do(r.VSUBPD, whole, r.do(r.VMULPD, high, up))
		bits := r.do(r.VORPS, r.shiftLeft(8, r.do(r.VADDPD, high, high52), 32), r.do(r.VXORPS, r.do(r.VADDPD, low, low52), low52))
		if to.Signed() { // all ones but the sign
			r.store(r.pick(great, r.shiftRight(8, great, 1), bits), dst)
			return
		}
		r.store(r.do(r.VORPS, bits, great), dst)
	}
}
