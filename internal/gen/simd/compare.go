package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// comparison is a comparing op and how the instructions name it, or a test of one operand, which compares what is made of it.
type comparison struct {
	op      array.Op
	float   uint8 // of VCMPPD: quiet; only "not equal" holds for NaN
	integer uint8 // of VPCMPQ, AVX-512
	test    func(r *routine, d array.DType) (as array.DType, sides func(x vec) []vec)
}

// unordered is true where an operand is NaN.
const unordered = 0x03

var comparisons = []comparison{
	{op: array.Equal, float: equalOrdered, integer: 0},
	{op: array.NotEqual, float: 0x04, integer: 4},
	{op: array.Less, float: lessOrdered, integer: 1},
	{op: array.LessEqual, float: 0x12, integer: 2},
	{op: array.Greater, float: 0x1e, integer: 6},
	{op: array.GreaterEqual, float: 0x1d, integer: 5},
}

// tests are true by what a comparison of floats says of x or of its magnitude, and by the sign as an integer.
var tests = []comparison{
	{op: array.IsNaN, float: unordered, test: func(_ *routine, d array.DType) (array.DType, func(vec) []vec) {
		return d, func(x vec) []vec { return []vec{x, x} }
	}},
	{op: array.IsInf, float: equalOrdered, test: (*routine).magnitude},
	{op: array.IsFinite, float: lessOrdered, test: (*routine).magnitude},
	{op: array.SignBit, integer: 1, test: func(r *routine, d array.DType) (array.DType, func(vec) []vec) {
		zero := r.zero()
		return map[int]array.DType{4: array.Int32, 8: array.Int64}[d.Size()], func(x vec) []vec { return []vec{x, zero} }
	}},
}

// magnitude is |x| beside infinity.
func (r *routine) magnitude(d array.DType) (as array.DType, sides func(x vec) []vec) {
	infinity := map[array.DType]uint64{array.Float32: 0x7f800000, array.Float64: 0x7ff0000000000000}[d]
	mask, limit := r.every(d.Size(), signBit(d.Size())-1), r.every(d.Size(), infinity)
	return d, func(x vec) []vec { return []vec{r.do(r.VANDPS, x, mask), limit} }
}

func compareKernels(k *kernUnit) {
	for _, c := range comparisons {
		dtypes := numbers
		if c.op == array.Equal || c.op == array.NotEqual {
			dtypes = append(signless[:len(signless):len(signless)], floats...)
		}
		for _, isa := range isas {
			for _, group := range dtypes {
				for _, f := range []form{vv, vs} {
					k.comparison(c, isa, group, f)
				}
			}
		}
	}
	for _, c := range tests {
		for _, isa := range isas {
			for _, group := range floats {
				k.comparison(c, isa, group, vv)
			}
		}
	}
}

// comparison writes the loop that gives bit i of dst for element i.
func (k *kernUnit) comparison(c comparison, isa isa, group []array.DType, f form) {
	d := group[0]
	name := lower(c.op.Info().Func) + goName(d) + f.suffix()
	arity := c.op.Info().Arity
	r := k.unit.routine(name, isa, loopSignature, fmt.Sprintf("is bit i of dst = %s%s.", c.op, operandWords(arity, f)))
	block := 64
	if d.Size() == 8 {
		block = 32
	}
	in := r.inputs(d, arity, f)
	dst, n := r.param("dst"), r.param("n")
	as, load := d, in.load
	if c.test != nil {
		of, sides := c.test(r, d)
		as, load = of, func(at int) []vec { return sides(in.load(at)[0]) }
	}
	var constants []vec
	if d.Unsigned() && d.Size() == 8 && isa == avx2 {
		constants = []vec{r.every(8, signBit(8))}
	}
	var fix func(vec) vec
	if isa == avx2 {
		fix = r.unscramble(d.Size())
	}
	r.loop("loop", n, block, func() {
		if isa == avx512 {
			r.compareMasks(c, as, load, dst, block)
		} else {
			r.compareBits(c, as, load, dst, block, constants, fix)
		}
		in.advance(block * d.Size())
		r.ADDQ(operand.U32(uint32(block/8)), dst)
	})
	r.end()
	for _, s := range group {
		k.add(isa, "element", name, block, "array."+c.op.Info().Func, "array."+goName(s), f.name)
	}
}

// compareMasks writes a block of bits from mask registers.
func (r *routine) compareMasks(c comparison, d array.DType, load func(at int) []vec, dst reg.GPVirtual, block int) {
	op, predicate := of(d, r.VPCMPB, r.VPCMPW, r.VPCMPD, r.VPCMPQ, r.VCMPPS, r.VCMPPD), c.integer
	switch {
	case d.Float():
		predicate = c.float
	case d.Unsigned():
		op = of(d, r.VPCMPUB, r.VPCMPUW, r.VPCMPUD, r.VPCMPUQ, nil, nil)
	}
	lanes := r.lanes(d)
	for at := 0; at < block; at += lanes {
		x := load(at * d.Size())
		bits := r.K()
		op(operand.U8(predicate), x[1], x[0], bits)
		r.storeMask(lanes, bits, operand.Mem{Base: dst, Disp: at / 8})
	}
}

// storeMask stores the lanes' bits of a mask register.
func (r *routine) storeMask(lanes int, bits reg.OpmaskVirtual, to operand.Mem) {
	map[int]func(from, to operand.Op){8: r.KMOVB, 16: r.KMOVW, 32: r.KMOVD, 64: r.KMOVQ}[lanes](bits, to)
}

// compareBits writes a block of bits, 32 at a time from the sign bits of a vector of bytes. Wider masks are packed to bytes,
// which goes by halves of 16 bytes, so that the parts have to change places at the end.
func (r *routine) compareBits(c comparison, d array.DType, load func(at int) []vec, dst reg.GPVirtual, block int, constants []vec, fix func(vec) vec) {
	for at := 0; at < block; at += 32 {
		var masks []vec
		not := false
		for lane := 0; lane < 32; lane += r.lanes(d) {
			x := load((at + lane) * d.Size())
			var mask vec
			mask, not = r.compare(c, d, x[0], x[1], constants)
			masks = append(masks, mask)
		}
		for size := d.Size(); size > 1; size /= 2 {
			pack := map[int]instruction{2: r.VPACKSSWB, 4: r.VPACKSSDW, 8: r.lowHalves}[size]
			for i := range len(masks) / 2 {
				masks[i] = r.do(pack, masks[2*i], masks[2*i+1])
			}
			masks = masks[:len(masks)/2]
		}
		bits := r.GP32()
		r.VPMOVMSKB(fix(masks[0]), bits)
		if not {
			r.NOTL(bits)
		}
		r.MOVL(bits, operand.Mem{Base: dst, Disp: at / 8})
	}
}

// lowHalves packs lanes of 64 bits to 32 as the packing instructions do: those of the first operand, then those of the
// second, in each half of the vector.
func (r *routine) lowHalves(operands ...operand.Op) {
	r.VSHUFPS(append([]operand.Op{operand.U8(0b10_00_10_00)}, operands...)...)
}

// unscramble readies the registers for bringing the bytes that compareBits has packed from lanes of size bytes into order
// and gives the function that writes it.
func (r *routine) unscramble(size int) func(vec) vec {
	quarters := func(v vec) vec { // the middle two change places
		out := r.vec()
		r.VPERMQ(operand.U8(0b11_01_10_00), v, out)
		return out
	}
	switch size {
	case 1:
		return func(v vec) vec { return v }
	case 2:
		return quarters
	case 4: // bytes 0-3, 8-11, ... of the 32 lie in the lower half, the others in the upper
		order := r.perLane(4, func(i int) uint64 { return uint64(i%2*4 + i/2) })
		return func(v vec) vec { return r.do(r.VPERMD, order, v) }
	} // bytes 0-1, 4-5, ... and 2-3, 6-7, ...
	order := r.perLane(1, func(i int) uint64 { return uint64(i/2%2*8 + i%16/4*2 + i%2) })
	return func(v vec) vec { return r.do(r.VPSHUFB, quarters(v), order) }
}

// compare is a mask of the lanes where the comparison holds, or where it does not; AVX2, which for integers has only == and
// signed >. Unsigned ones up to 32 bits go by the minimum: x <= y where it is x.
func (r *routine) compare(c comparison, d array.DType, x, y vec, constants []vec) (mask vec, not bool) {
	if d.Float() {
		mask = r.vec()
		of(d, nil, nil, nil, nil, r.VCMPPS, r.VCMPPD)(operand.U8(c.float), y, x, mask)
		return mask, false
	}
	equal := of(d, r.VPCMPEQB, r.VPCMPEQW, r.VPCMPEQD, r.VPCMPEQQ, nil, nil)
	not = c.op == array.NotEqual || c.op == array.LessEqual || c.op == array.GreaterEqual
	if c.op == array.Equal || c.op == array.NotEqual {
		return r.do(equal, x, y), not
	}
	if c.op == array.Less || c.op == array.GreaterEqual || c.op == array.SignBit {
		x, y = y, x
	}
	switch { // now x > y, or not that
	case d.Size() == 8:
		return r.above64(d, x, y, constants), not
	case d.Signed():
		return r.do(of(d, r.VPCMPGTB, r.VPCMPGTW, r.VPCMPGTD, nil, nil, nil), x, y), not
	}
	return r.do(equal, r.do(of(d, r.VPMINUB, r.VPMINUW, r.VPMINUD, nil, nil, nil), x, y), x), !not
}
