package ptx

import (
	"math"

	"github.com/darray-go/darray/array"
)

// cast converts as array.Scalar.Cast does: integers wrap, floats truncate toward zero and saturate, NaN is 0, bool is x != 0.
func (k *kernel) cast(from, to array.DType, x string) string {
	switch {
	case from == to:
		return x
	case from == array.Bool:
		one, zero := "1", "0"
		if to.Float() {
			one, zero = floatOf(to, 1), floatOf(to, 0)
		}
		return k.in(classOf(to), "selp."+moved(to), one, zero, x)
	case to == array.Bool && from.Float():
		return k.truth(typed("setp.neu", from), x, floatOf(from, 0))
	case to == array.Bool:
		return k.truth("setp.ne."+kind(from), x, "0")
	case from == array.Float32 && to == array.Float64:
		return k.word("cvt.f64.f32", x)
	case to.Float(): // one rounding
		return k.in(classOf(to), "cvt.rn."+kind(to)+"."+kind(from), x)
	case from.Float():
		return k.saturate(from, to, x)
	}
	return k.castInt(from, to, x)
}

// castInt keeps the low bits of an integer and extends them by the sign of its new type.
func (k *kernel) castInt(from, to array.DType, x string) string {
	switch a, b := classOf(from), classOf(to); {
	case a == half && b == word:
		return k.word("cvt."+string(kind(from)[0])+"64."+kind(from), x)
	case a == word && b == half:
		x = k.half("cvt.u32.u64", x)
	case a == b && (to.Size() >= 4 || to.Size() > from.Size() && (from.Unsigned() || to.Signed()) || to.Size() == from.Size() && from.Signed() == to.Signed()):
		return x
	}
	return k.wrap(to, x)
}

// saturate truncates toward zero into the range of an integer type. The instruction does so for 32 and 64 bits, but gives
// other numbers than 0 for some NaNs.
func (k *kernel) saturate(from, to array.DType, x string) string {
	c := classOf(to)
	n := k.in(c, "cvt.rzi."+kind(to)+"."+kind(from), x)
	if width := 8 * to.Size(); width < 32 && to.Unsigned() {
		n = k.half("min.u32", n, immediate(1<<width-1))
	} else if width < 32 {
		n = k.half("max.s32", k.half("min.s32", n, immediate(1<<(width-1)-1)), immediate(-1<<(width-1)))
	}
	return k.in(c, "selp."+untyped(to), "0", n, k.truth(typed("setp.nan", from), x, x))
}

// toScalar is an element as array.Scalar keeps it, 64 bits wide.
func (k *kernel) toScalar(d array.DType, x string) string {
	switch {
	case d == array.Bool:
		return k.word("selp.b64", "1", "0", x)
	case d == array.Float32:
		return k.word("cvt.f64.f32", x)
	case classOf(d) == half:
		return k.word("cvt."+string(kind(d)[0])+"64."+kind(d), x)
	}
	return x
}

// fromScalar is the bits of a scalar of type d as an operand.
func fromScalar(d array.DType, bits uint64) string {
	if d.Float() {
		return floatOf(d, math.Float64frombits(bits))
	}
	return hex(d, bits)
}
