package ptx

import (
	"fmt"

	"github.com/darray-go/darray/array"
)

// wrap is the low bits of a register, extended as one holds an element of d: what is below 32 bits by its sign.
func (a *asm) wrap(d array.DType, x string) string {
	switch d {
	case array.Int8:
		return a.half("cvt.s32.s8", x)
	case array.Int16:
		return a.half("cvt.s32.s16", x)
	case array.Uint8:
		return a.half("and.b32", x, "0xFF")
	case array.Uint16:
		return a.half("and.b32", x, "0xFFFF")
	}
	return x
}

// ints writes an op on integers. y is "" for 0 in comparisons.
func (k *kernel) ints(op array.Op, d array.DType, x, y string) string {
	c := classOf(d)
	do := func(instruction string, operands ...string) string { return k.in(c, instruction, operands...) }
	number, plain := kind(d), untyped(d) // "s32", "b32"
	sized := "s" + number[1:]
	switch op {
	case array.Add:
		return k.wrap(d, do("add."+sized, x, y))
	case array.Subtract:
		return k.wrap(d, do("sub."+sized, x, y))
	case array.Multiply:
		return k.wrap(d, do("mul.lo."+sized, x, y))
	case array.Square:
		return k.wrap(d, do("mul.lo."+sized, x, x))
	case array.Negative:
		return k.wrap(d, do("neg."+sized, x))
	case array.Abs:
		return k.wrap(d, do("max."+sized, x, do("neg."+sized, x)))
	case array.Sign:
		return k.sign(d, x)
	case array.Minimum:
		return do("min."+number, x, y)
	case array.Maximum:
		return do("max."+number, x, y)
	case array.BitwiseAnd:
		return do("and."+plain, x, y)
	case array.BitwiseOr:
		return do("or."+plain, x, y)
	case array.BitwiseXor:
		return do("xor."+plain, x, y)
	case array.BitwiseInvert:
		return k.wrap(d, do("not."+plain, x))
	case array.BitwiseLeftShift:
		return k.wrap(d, do("shl."+plain, x, k.shift(d, y)))
	case array.BitwiseRightShift:
		return do("shr."+number, x, k.shift(d, y))
	case array.FloorDivide, array.Remainder, array.Fmod:
		return k.divide(op, d, x, y)
	case array.Pow:
		return k.power(d, x, y)
	case array.Philox:
		return k.philox(x, y)
	}
	if y == "" {
		y = "0"
	}
	return k.truth("setp."+comparisons[op]+"."+number, x, y)
}

// comparisons are the names of comparisons; that of floats that are not equal is true for NaN.
var comparisons = map[array.Op]string{
	array.Equal: "eq", array.NotEqual: "ne", array.Less: "lt", array.LessEqual: "le", array.Greater: "gt", array.GreaterEqual: "ge",
}

// sign is -1, 0 or 1.
func (k *kernel) sign(d array.DType, x string) string {
	c, selects := classOf(d), "selp."+untyped(d)
	positive := k.in(c, selects, "1", "0", k.truth("setp.ne."+kind(d), x, "0"))
	if d.Unsigned() {
		return positive
	}
	return k.in(c, selects, "-1", positive, k.truth("setp.lt."+kind(d), x, "0"))
}

// shift is the amount that bits are moved by: 32 bits wide, and from the element's width on, where everything leaves, and of
// negative amounts, no less than that. Instructions take what is above the register's width for that width.
func (k *kernel) shift(d array.DType, y string) string {
	if classOf(d) == half {
		return y
	}
	return k.half("cvt.u32.u64", k.word("min.u64", y, "64"))
}

// divide is the quotient rounded down, what it leaves, or what the one rounded toward 0 leaves; 0 where y is. The least
// integer and -1 stay away from the instruction, which says nothing of them: the quotient by -1 is -x, which wraps.
func (k *kernel) divide(op array.Op, d array.DType, x, y string) string {
	c, number, plain := classOf(d), kind(d), untyped(d)
	sized := "s" + number[1:]
	zero := k.truth("setp.eq."+number, y, "0")
	odd, minus := zero, ""
	if d.Signed() {
		minus = k.truth("setp.eq."+number, y, "-1")
		odd = k.truth("or.pred", zero, minus)
	}
	quotient := k.in(c, "div."+number, x, k.in(c, "selp."+plain, "1", y, odd))
	if d.Signed() {
		quotient = k.in(c, "selp."+plain, k.in(c, "neg."+sized, x), quotient, minus)
	}
	rest := k.in(c, "sub."+sized, x, k.in(c, "mul.lo."+sized, quotient, y))
	if d.Signed() && op != array.Fmod { // of another sign than y, and not 0
		other := k.truth("setp.lt."+number, k.in(c, "xor."+plain, rest, y), "0")
		down := k.truth("and.pred", other, k.truth("setp.ne."+number, rest, "0"))
		if op == array.FloorDivide {
			quotient = k.in(c, "selp."+plain, k.in(c, "sub."+sized, quotient, "1"), quotient, down)
		} else {
			rest = k.in(c, "selp."+plain, k.in(c, "add."+sized, rest, y), rest, down)
		}
	}
	result := rest
	if op == array.FloorDivide {
		result = quotient
	}
	return k.wrap(d, k.in(c, "selp."+plain, "0", result, zero))
}

// power is x multiplied y times, by squaring; 0 where y is negative.
func (k *kernel) power(d array.DType, x, y string) string {
	c, number, plain := classOf(d), kind(d), untyped(d)
	sized := "s" + number[1:]
	z, base, rest := k.in(c, "mov."+plain, "1"), k.in(c, "mov."+plain, x), k.in(c, "mov."+plain, y)
	loop, end := k.label("power"), k.label("powered")
	none := k.truth("setp.le."+number, rest, "0")
	k.at(loop)
	k.when(none, "bra", end)
	odd := k.truth("setp.ne."+number, k.in(c, "and."+plain, rest, "1"), "0")
	k.when(odd, "mul.lo."+sized, z, z, base)
	k.do("mul.lo."+sized, base, base, base)
	k.do("shr."+number, rest, rest, "1")
	k.do("setp.le."+number, none, rest, "0")
	k.do("bra", loop)
	k.at(end)
	if d.Signed() {
		z = k.in(c, "selp."+plain, "0", z, k.truth("setp.lt."+number, y, "0"))
	}
	return k.wrap(d, z)
}

// hex is the low bits of an integer as an operand.
func hex(d array.DType, bits uint64) string {
	if classOf(d) == half {
		return fmt.Sprintf("0x%08X", uint32(bits))
	}
	return fmt.Sprintf("0x%016X", bits)
}
