package ptx

import (
	"math"

	"github.com/darray-go/darray/array"
)

// floats writes an op on floats. Whatever rounds says how (.rn), as the compiler may fuse what does not.
func (k *kernel) floats(op array.Op, d array.DType, x, y string) string {
	if op.Info().Go.Float == array.Library {
		return k.library(op, d, x, y)
	}
	c := classOf(d)
	do := func(instruction string, operands ...string) string {
		return k.in(c, typed(instruction, d), operands...)
	}
	switch op {
	case array.Add:
		return do("add.rn", x, y)
	case array.Subtract:
		return do("sub.rn", x, y)
	case array.Multiply:
		return do("mul.rn", x, y)
	case array.Square:
		return do("mul.rn", x, x)
	case array.Divide:
		return do("div.rn", x, y)
	case array.Reciprocal:
		return do("div.rn", floatOf(d, 1), x)
	case array.Sqrt:
		return do("sqrt.rn", x)
	case array.Negative:
		return do("neg", x)
	case array.Abs:
		return do("abs", x)
	case array.Minimum:
		return k.extreme("min", d, x, y)
	case array.Maximum:
		return k.extreme("max", d, x, y)
	case array.Floor, array.Ceil, array.Trunc, array.Round:
		return k.in(c, rounds(wholes[op], d), x)
	case array.Sign:
		return k.signOfFloat(d, x)
	case array.CopySign:
		return k.copySign(d, x, y)
	case array.NextAfter:
		return k.nextAfter(d, x, y)
	case array.SignBit:
		return k.truth("setp.lt.s"+untyped(d)[1:], x, "0")
	case array.IsNaN:
		return k.truth(typed("setp.nan", d), x, x)
	case array.IsInf:
		return k.truth(typed("setp.eq", d), do("abs", x), floatOf(d, math.Inf(1)))
	case array.IsFinite:
		return k.truth(typed("setp.lt", d), do("abs", x), floatOf(d, math.Inf(1)))
	case array.NotEqual:
		return k.truth(typed("setp.neu", d), x, y)
	}
	return k.truth(typed("setp."+comparisons[op], d), x, y)
}

// wholes are the ways to round to a whole number.
var wholes = map[array.Op]string{array.Floor: "rmi", array.Ceil: "rpi", array.Trunc: "rzi", array.Round: "rni"}

// rounds is the instruction that rounds a float to a whole number.
func rounds(way string, d array.DType) string { return "cvt." + way + "." + kind(d) + "." + kind(d) }

// extreme is the minimum or maximum, NaN if either is: the instruction has -0 below +0, but gives the number beside a NaN.
func (k *kernel) extreme(which string, d array.DType, x, y string) string {
	number := k.in(classOf(d), typed(which, d), x, y)
	return k.in(classOf(d), "selp."+moved(d), floatOf(d, math.NaN()), number, k.truth(typed("setp.nan", d), x, y))
}

// signOfFloat is -1, +0 or 1; NaN for NaN.
func (k *kernel) signOfFloat(d array.DType, x string) string {
	zero, c, selects := floatOf(d, 0), classOf(d), "selp."+moved(d)
	s := k.in(c, selects, zero, x, k.truth(typed("setp.eq", d), x, zero))
	s = k.in(c, selects, floatOf(d, 1), s, k.truth(typed("setp.gt", d), x, zero))
	return k.in(c, selects, floatOf(d, -1), s, k.truth(typed("setp.lt", d), x, zero))
}

// signMask is the sign's bit, restMask the others.
func signMask(d array.DType) string { return hex(d, 1<<(8*d.Size()-1)) }

func restMask(d array.DType) string { return hex(d, 1<<(8*d.Size()-1)-1) }

// copySign is x with the sign of y, of NaN too.
func (k *kernel) copySign(d array.DType, x, y string) string {
	c, plain := classOf(d), untyped(d)
	return k.in(c, "or."+plain, k.in(c, "and."+plain, x, restMask(d)), k.in(c, "and."+plain, y, signMask(d)))
}

// nextAfter moves the bits of x by one: up where that leads away from 0, which has its own neighbours.
func (k *kernel) nextAfter(d array.DType, x, y string) string {
	c, plain, zero := classOf(d), untyped(d), floatOf(d, 0)
	sized := "s" + plain[1:]
	away := k.truth("xor.pred", k.truth(typed("setp.gt", d), y, x), k.truth(typed("setp.gt", d), x, zero))
	next := k.in(c, "add."+sized, x, k.in(c, "selp."+plain, "-1", "1", away))
	least := k.in(c, "or."+plain, k.in(c, "and."+plain, y, signMask(d)), "1")
	next = k.in(c, "selp."+plain, least, next, k.truth(typed("setp.eq", d), x, zero))
	next = k.in(c, "selp."+plain, y, next, k.truth(typed("setp.eq", d), x, y))
	return k.in(c, "selp."+moved(d), floatOf(d, math.NaN()), next, k.truth(typed("setp.nan", d), x, y))
}
