package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// caster writes the conversion of as many elements as it takes at once from x to dst.
type caster func(x, dst operand.Mem)

// castKernels are the conversions between all types but those that only copy, as array.Scalar.Cast says: integers wrap,
// floats truncate toward zero and saturate, NaN is 0.
func castKernels(k *kernUnit) {
	for _, isa := range isas {
		for _, from := range numbers {
			for _, to := range targets(from[0]) {
				k.cast(isa, from, to)
			}
		}
		for _, d := range slices.Concat(signless, floats) {
			k.castFromBits(isa, d)
			k.castToBits(isa, d)
		}
	}
}

// targets are the types that a number is converted to; wrapping is the same for signed and unsigned ones.
func targets(from array.DType) groups {
	var all groups
	if from.Float() {
		all = slices.Concat(signed, unsigned)
	} else {
		for _, to := range signless {
			if to[0].Size() != from.Size() {
				all = append(all, to)
			}
		}
	}
	for _, to := range floats {
		if to[0] != from {
			all = append(all, to)
		}
	}
	return all
}

// cast writes one conversion of numbers. Narrowing is the same for signed and unsigned sources, but the rest is not, so that
// each has its own.
func (k *kernUnit) cast(isa isa, from, to []array.DType) {
	r := k.unit.routine("cast"+goName(from[0])+goName(to[0]), isa, loopSignature, fmt.Sprintf("is dst[i] = %s(x[i]).", to[0]))
	x, dst, n := r.param("x"), r.param("dst"), r.param("n")
	lanes := r.castLanes(from[0], to[0])
	convert := r.caster(from[0], to[0])
	steps := min(4, 64/lanes)
	r.loop("loop", n, steps*lanes, func() {
		for s := range steps {
			convert(operand.Mem{Base: x, Disp: s * lanes * from[0].Size()}, operand.Mem{Base: dst, Disp: s * lanes * to[0].Size()})
		}
		r.ADDQ(operand.U32(uint32(steps*lanes*from[0].Size())), x)
		r.ADDQ(operand.U32(uint32(steps*lanes*to[0].Size())), dst)
	})
	r.end()
	for _, f := range from {
		for _, t := range to {
			k.add(isa, "cast", "cast"+goName(from[0])+goName(to[0]), steps*lanes, "array."+goName(f), "array."+goName(t))
		}
	}
}

// castLanes is how many elements fill a vector at their widest; some conversions go by way of float64.
func (r *routine) castLanes(from, to array.DType) int {
	if r.byFloat64(from, to) {
		return r.lanes(array.Float64)
	}
	return r.isa.width / max(from.Size(), to.Size())
}

// byFloat64 reports uint32 <-> float32 in AVX2, which knows no unsigned conversions.
func (r *routine) byFloat64(from, to array.DType) bool {
	return r.isa == avx2 && (from == array.Uint32 && to == array.Float32 || from == array.Float32 && to == array.Uint32)
}

// caster readies the registers for a conversion.
func (r *routine) caster(from, to array.DType) caster {
	switch {
	case from.Integer() && to.Integer() && from.Size() < to.Size():
		return func(x, dst operand.Mem) {
			v := r.vec()
			r.extend(from, to.Size(), x, v)
			r.store(v, dst)
		}
	case from.Integer() && to.Integer():
		narrow := r.narrower(from.Size(), to.Size(), r.isa.width)
		return func(x, dst operand.Mem) { narrow(r.load(x), dst) }
	case from.Integer() && to == array.Float64:
		widen := r.integerToFloat64(from)
		return func(x, dst operand.Mem) { r.store(widen(x), dst) }
	case from.Integer():
		return r.integerToFloat32(from)
	case from == array.Float32 && to == array.Float64:
		return func(x, dst operand.Mem) { r.store(r.double(x), dst) }
	case to == array.Float32:
		return func(x, dst operand.Mem) { r.storeBytes(r.single(r.load(x)), dst) }
	case to.Size() < 4 || to == array.Int32:
		return r.floatToShort(from, to)
	}
	return r.floatToLong(from, to)
}

// extend loads as many integers as the vector v holds of size bytes, by sign or zeros.
func (r *routine) extend(from array.DType, size int, x operand.Mem, v reg.VecVirtual) {
	signed := map[[2]int]instruction{
		{1, 2}: r.VPMOVSXBW, {1, 4}: r.VPMOVSXBD, {1, 8}: r.VPMOVSXBQ, {2, 4}: r.VPMOVSXWD, {2, 8}: r.VPMOVSXWQ, {4, 8}: r.VPMOVSXDQ,
	}
	unsigned := map[[2]int]instruction{
		{1, 2}: r.VPMOVZXBW, {1, 4}: r.VPMOVZXBD, {1, 8}: r.VPMOVZXBQ, {2, 4}: r.VPMOVZXWD, {2, 8}: r.VPMOVZXWQ, {4, 8}: r.VPMOVZXDQ,
	}
	if from.Signed() {
		signed[[2]int{from.Size(), size}](x, v)
	} else {
		unsigned[[2]int{from.Size(), size}](x, v)
	}
}

// narrower readies storing the low bytes of the lanes of a vector of width bytes.
func (r *routine) narrower(from, to, width int) func(v reg.VecVirtual, dst operand.Mem) {
	if from == to {
		return func(v reg.VecVirtual, dst operand.Mem) { r.VMOVUPS(v, dst) }
	}
	if r.isa == avx512 {
		truncate := map[[2]int]instruction{
			{8, 4}: r.VPMOVQD, {8, 2}: r.VPMOVQW, {8, 1}: r.VPMOVQB, {4, 2}: r.VPMOVDW, {4, 1}: r.VPMOVDB, {2, 1}: r.VPMOVWB,
		}[[2]int{from, to}]
		return func(v reg.VecVirtual, dst operand.Mem) { truncate(v, dst) }
	}
	// Each half of 16 bytes gathers its bytes, the upper one behind the place of the lower one's; then they are or-ed.
	half := 16 / from * to
	gather := r.perLane(1, func(i int) uint64 {
		at := i%16 - i/16*half
		if at < 0 || at >= half {
			return 0x80 // zero
		}
		return uint64(at/to*from + at%to)
	})
	return func(v reg.VecVirtual, dst operand.Mem) {
		if width == 16 {
			low := r.XMM()
			r.VPSHUFB(gather.AsX(), v, low)
			r.storeLow(low, half, dst)
			return
		}
		both, high := r.do(r.VPSHUFB, v, gather), r.XMM()
		r.VEXTRACTI128(operand.U8(1), both, high)
		r.VPOR(both.AsX(), high, high)
		r.storeLow(high, 2*half, dst)
	}
}

// storeLow stores the lower 4, 8 or 16 bytes.
func (r *routine) storeLow(v reg.VecVirtual, bytes int, to operand.Mem) {
	switch bytes {
	case 4:
		r.VMOVD(v, to)
	case 8:
		r.VMOVQ(v, to)
	default:
		r.VMOVUPS(v, to)
	}
}

// storeBytes stores a whole register of any size.
func (r *routine) storeBytes(v reg.VecVirtual, to operand.Mem) { r.VMOVUPS(v, to) }

// double loads float32 as a vector of float64; single rounds such a vector to half a one of float32.
func (r *routine) double(x operand.Op) vec {
	v := r.vec()
	r.VCVTPS2PD(x, v)
	return v
}

func (r *routine) single(x vec) reg.VecVirtual {
	v := r.register(r.isa.width / 2)
	if r.isa == avx512 {
		r.VCVTPD2PS(x, v)
	} else {
		r.VCVTPD2PSY(x, v)
	}
	return v
}

// castFromBits writes dst[i] = 1 where bit i of x is set, else 0.
func (k *kernUnit) castFromBits(isa isa, group []array.DType) {
	d := group[0]
	name := "castBool" + goName(d)
	r := k.unit.routine(name, isa, loopSignature, "is dst[i] = 1 where bit i of x is set, else 0.")
	const block = 64
	x, dst, n := r.param("x"), r.param("dst"), r.param("n")
	one, zero := r.every(d.Size(), oneOf(d)), r.zero()
	moved := map[int]array.DType{1: array.Int8, 2: array.Int16, 4: array.Int32, 8: array.Int64}[d.Size()]
	choose := r.chooser(moved, x)
	r.loop("loop", n, block, func() {
		for at := 0; at < block; at += r.lanes(d) {
			r.store(choose(at, one, zero), operand.Mem{Base: dst, Disp: at * d.Size()})
		}
		r.ADDQ(operand.U32(uint32(block*d.Size())), dst)
		r.ADDQ(operand.U32(block/8), x)
	})
	r.end()
	for _, to := range group {
		k.add(isa, "cast", name, block, "array.Bool", "array."+goName(to))
	}
}

// oneOf is the bits of 1.
func oneOf(d array.DType) uint64 {
	switch d {
	case array.Float32:
		return uint64(math.Float32bits(1))
	case array.Float64:
		return math.Float64bits(1)
	}
	return 1
}

// castToBits writes bit i of dst = x[i] != 0.
func (k *kernUnit) castToBits(isa isa, group []array.DType) {
	d := group[0]
	name := "cast" + goName(d) + "Bool"
	r := k.unit.routine(name, isa, loopSignature, "is bit i of dst = x[i] != 0.")
	block := 64
	if d.Size() == 8 {
		block = 32
	}
	x, dst, n := r.param("x"), r.param("dst"), r.param("n")
	in := inputs{r: r, addresses: []reg.GPVirtual{x, nil}, scalars: []vec{nil, r.zero()}}
	notEqual := comparisons[1]
	var fix func(vec) vec
	if isa == avx2 {
		fix = r.unscramble(d.Size())
	}
	r.loop("loop", n, block, func() {
		if isa == avx512 {
			r.compareMasks(notEqual, d, in.load, dst, block)
		} else {
			r.compareBits(notEqual, d, in.load, dst, block, nil, fix)
		}
		in.advance(block * d.Size())
		r.ADDQ(operand.U32(uint32(block/8)), dst)
	})
	r.end()
	for _, from := range group {
		k.add(isa, "cast", name, block, "array."+goName(from), "array.Bool")
	}
}
