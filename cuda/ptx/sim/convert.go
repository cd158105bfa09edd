package sim

import (
	"math"
	"math/big"
)

const cvtTypes = "u8|s8|u16|s16|u32|s32|u64|s64|f32|f64"

// buildConvert is cvt. Which modifiers a pair of types needs, the language says; others are refused.
func buildConvert(b *builder, got []string) {
	round, ftz, sat, to, from := got[0], got[1] != "", got[2] != "", dtypes[got[3]], dtypes[got[4]]
	intRound := round == "rni" || round == "rzi" || round == "rmi" || round == "rpi"
	toLow, toHigh := to.limits()
	fromLow, fromHigh := from.limits()
	floats := to.class == float && from.class == float
	switch {
	case to.integer() && from.integer() && round != "",
		to.integer() && from.class == float && !intRound,
		to.class == float && from.integer() && (round == "" || intRound),
		floats && to.size == from.size && round != "" && !intRound,
		floats && to.size < from.size && (round == "" || intRound),
		floats && to.size > from.size && round != "",
		sat && to.integer() && from.integer() && toLow <= fromLow && toHigh >= fromHigh,
		ftz && !(to.class == float && to.size == 4) && !(from.class == float && from.size == 4):
		b.fail("cvt.%s.%s with these modifiers is not in the language", to.name, from.name)
		return
	}
	var f func1
	switch {
	case to.integer() && from.integer():
		f = intToInt(to, from, sat)
	case to.integer():
		f = floatToInt(to, from, round, ftz)
	case from.integer():
		f = intToFloat(to, from, round, sat)
	default:
		f = floatToFloat(to, from, round, ftz, sat)
	}
	if !b.args(2) {
		return
	}
	x := b.sourceOrSpecial(1, from, true)
	d := b.dst(0, to, true)
	mask := from.mask()
	if to.class == signed && b.err == nil && b.s.args[0].kind == regOperand {
		if r := b.regType(&b.s.args[0]); r.size > to.size {
			inner, wide := f, r.mask()
			f = func(x uint64) uint64 { return signExtend(inner(x), to.size) & wide }
		}
	}
	b.in.run = apply1(d, x, func(x uint64) uint64 { return f(x & mask) })
}

// clamp brings an integer, signed as from is, into the range of a type.
func clamp(v uint64, from, to dtype) uint64 {
	lo, hi := to.limits()
	if from.class == signed && int64(v) < 0 {
		return uint64(max(int64(v), lo)) & to.mask()
	}
	return min(v, hi)
}

func intToInt(to, from dtype, sat bool) func1 {
	ext, mask := extend(from), to.mask()
	if sat {
		return func(x uint64) uint64 { return clamp(ext(x), from, to) }
	}
	return func(x uint64) uint64 { return ext(x) & mask }
}

// floatToInt rounds as told and stays within the range of the type. NaN becomes 0, or the highest bit alone where either type has
// 64 bits (PTX ISA, cvt, integer notes).
func floatToInt(to, from dtype, round string, ftz bool) func1 {
	whole := integral(round)
	nan := uint64(0)
	if from.size == 8 || to.size == 8 {
		nan = 1 << (to.bits() - 1)
	}
	lo, hi := to.limits()
	return func(x uint64) uint64 {
		v := widen(x, from, ftz)
		if v != v {
			return nan
		}
		v = whole(v)
		switch {
		case v >= math.Ldexp(1, to.bits()-int(boolean(to.class == signed))):
			return hi
		case v <= float64(lo):
			return uint64(lo) & to.mask()
		case v < 0:
			return uint64(int64(v)) & to.mask()
		}
		return uint64(v)
	}
}

// widen reads a float of either type.
func widen(x uint64, from dtype, ftz bool) float64 {
	if from.size == 8 {
		return toF64(x)
	}
	if ftz {
		x = flush(x)
	}
	return float64(toF32(x))
}

func integral(round string) func(float64) float64 {
	return map[string]func(float64) float64{"rni": math.RoundToEven, "rzi": math.Trunc, "rmi": math.Floor, "rpi": math.Ceil}[round]
}

func intToFloat(to, from dtype, round string, sat bool) func1 {
	ext := extend(from)
	return func(x uint64) uint64 {
		v := ext(x)
		negative := from.class == signed && int64(v) < 0
		var out uint64
		switch {
		case round != "rn":
			out = directed(v, negative, to, round)
		case to.size == 8 && from.class == signed:
			out = fromF64(float64(int64(v)))
		case to.size == 8:
			out = fromF64(float64(v))
		case from.class == signed:
			out = fromF32(float32(int64(v)))
		default:
			out = fromF32(float32(v))
		}
		if !sat {
			return out
		}
		if to.size == 8 {
			return sat64(out)
		}
		return sat32(out)
	}
}

// directed converts an integer with a rounding other than to nearest.
func directed(v uint64, negative bool, to dtype, round string) uint64 {
	n := new(big.Int).SetUint64(v)
	if negative {
		n.SetInt64(int64(v))
	}
	prec := uint(53)
	if to.size == 4 {
		prec = 24
	}
	mode := map[string]big.RoundingMode{"rz": big.ToZero, "rm": big.ToNegativeInf, "rp": big.ToPositiveInf}[round]
	f, _ := new(big.Float).SetPrec(prec).SetMode(mode).SetInt(n).Float64()
	if to.size == 4 {
		return fromF32(float32(f))
	}
	return fromF64(f)
}

func floatToFloat(to, from dtype, round string, ftz, sat bool) func1 {
	whole := integral(round)
	return func(x uint64) uint64 {
		v := widen(x, from, ftz)
		var out uint64
		switch {
		case to.size == 4 && from.size == 8:
			out = fromF32(narrow(v, round))
		case whole != nil:
			v = whole(v)
			fallthrough
		default:
			out = fromF64(v)
			if to.size == 4 {
				out = fromF32(float32(v))
			}
		}
		if ftz && to.size == 4 {
			out = flush(out)
		}
		switch {
		case sat && to.size == 4:
			return sat32(out)
		case sat:
			return sat64(out)
		}
		return out
	}
}
