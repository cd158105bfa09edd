package vmath

import "github.com/darray-go/darray/internal/lanes"

var divisions = []Function{
	{
		Name: "Fmod", Arity: 2, Doc: "is x - n y exactly, with the integer n = x/y toward zero; it has x's sign.",
		Method: "n = trunc(x/y) and one FMA, corrected by y, where the quotient is below 2^53; else modular arithmetic on the significands, with 2^k mod y by repeated squaring",
		Source: "Knuth, TAOCP 2, 4.6.3; Dekker 1971",
		ULP:    0, ULP32: 0,
		Float64: fmod, Float32: fmod32,
	},
	{
		Name: "Remainder", Arity: 2, Doc: "is x - n y with the integer n = x/y toward -Inf; it has y's sign.",
		Method: "Fmod, exact, plus y where the signs differ, rounded once",
		Source: "as Fmod",
		ULP:    0.5, ULP32: 0.5,
		Float64: remainder, Float32: remainder32,
	},
	{
		Name: "FloorDivide", Arity: 2, Doc: "is the greatest integer not above x/y, rounded once.",
		Method: "floor(x/y), corrected by the sign of the remainder, which one FMA gives",
		Source: "as Fmod",
		ULP:    1, ULP32: 1,
		Float64: floorDivide, Float32: floorDivide32,
	},
}

// shortFmod is x mod y for 0 <= x/y < 2^53, y not infinite: the quotient is at most 1 too large, and every value is exact.
func shortFmod(x, y lanes.F) lanes.F {
	r := x.Div(y).Trunc().FNMA(y, x)
	return r.Lt(0).Select(r.Add(y), r)
}

// fmodPositive is x mod y for x and y without sign; NaN for 0 and NaN as y, Inf and NaN as x.
func fmodPositive(p *lanes.Program, x, y lanes.F, long func(p *lanes.Program, x, y lanes.F) lanes.F) lanes.F {
	usual := x.Div(y).Lt(0x1p53).And(y.Lt(p.Inf()))
	return p.RareOne(usual.Not(), shortFmod(x, y), func() lanes.F {
		z := long(p, x, y)
		z = y.Eq(p.Inf()).Select(x, z) // NaN stays NaN
		z = y.Gt(0).And(x.Lt(p.Inf())).Select(z, p.NaN())
		return z
	})
}

func fmod(p *lanes.Program, x ...lanes.F) lanes.F {
	return fmodPositive(p, x[0].Abs(), x[1].Abs(), longFmod).CopySign(x[0])
}

func fmod32(p *lanes.Program, x ...lanes.F) lanes.F {
	return fmodPositive(p, x[0].Abs(), x[1].Abs(), longFmod32).CopySign(x[0])
}

// longFmod is x mod y for finite x and y > 0 with x/y >= 2^53. With x = a 2^i and y = m 2^j, both significands integers of 53
// bits, it is (a 2^k mod m) 2^j with k = i - j.
func longFmod(p *lanes.Program, x, y lanes.F) lanes.F {
	a, i := significand(x)
	m, j := significand(y)
	k := i.Sub(j)                                // 1 to 2098
	power := powerOfTwo(k.Mul(1.0 / 64).Floor()) // 2^k mod m by k's bits, the first six, up to 2^32, at once
	bits := k.Add(lanes.Magic).Bits()
	for bit := 5; bit >= 0; bit-- {
		power = productModulo(power, power, m)
		odd := bits.And(uint64(1) << bit).Gt(0)
		power = odd.Select(below(power.Add(power), m), power)
	}
	return twoPowers(productModulo(below(a, m), power, m), j)
}

// significand is x = s 2^e with 2^52 <= s < 2^53, an integer, for finite x > 0; e is an integer.
func significand(x lanes.F) (s, e lanes.F) {
	tiny := x.Lt(0x1p-1022)
	x = tiny.Select(x.Mul(0x1p54), x)
	s = x.Bits().And(1<<52 - 1).Or(0x4330000000000000).Float()
	e = x.Bits().Shr(52).Or(0x4330000000000000).Float().Sub(0x1p52)
	return s, e.Sub(tiny.Select(1075+54, 1075))
}

// below is x mod m for 0 <= x < 2m.
func below(x, m lanes.F) lanes.F { return x.Ge(m).Select(x.Sub(m), x) }

// productModulo is a b mod m for integers 0 <= a, b < m and 2^52 <= m < 2^53. All values are integers of at most 53 bits.
func productModulo(a, b, m lanes.F) lanes.F {
	ab := twoProd(a, b)
	r := shortFmod(ab.hi, m)
	r = ab.lo.Gt(0).Select(r.Sub(m), r) // the low part is at most 2^52 in size: the sum is within (-m, m)
	r = r.Add(ab.lo)
	return r.Lt(0).Select(r.Add(m), r)
}

// longFmod32 is x mod y for what float32 holds: x mod 2^k y by parts, k falling by 48.
func longFmod32(_ *lanes.Program, x, y lanes.F) lanes.F {
	for _, scale := range []float64{0x1p240, 0x1p192, 0x1p144, 0x1p96, 0x1p48} {
		x = shortFmod(x, y.Mul(scale))
	}
	return shortFmod(x, y)
}

func remainder(p *lanes.Program, x ...lanes.F) lanes.F {
	return toDivisor(fmod(p, x...), x[1])
}

func remainder32(p *lanes.Program, x ...lanes.F) lanes.F {
	return toDivisor(fmod32(p, x...), x[1])
}

// toDivisor is r + y where their signs differ; 0 gets y's sign.
func toDivisor(r, y lanes.F) lanes.F {
	moved := r.XorSign(y).Lt(0).Select(r.Add(y), r)
	return r.Eq(0).Select(r.CopySign(y), moved)
}

func floorDivide(p *lanes.Program, x ...lanes.F) lanes.F {
	q := x[0].Div(x[1])
	whole, rest := floorQuotient(q, x[0], x[1])
	return p.RareOne(q.Abs().Lt(0x1p53).And(x[1].Abs().Lt(p.Inf())).Not(), whole, func() lanes.F {
		more, _ := floorQuotient(rest.Div(x[1]), rest, x[1])
		return floorSpecial(p, q, whole.Add(more), x[0], x[1])
	})
}

func floorDivide32(p *lanes.Program, x ...lanes.F) lanes.F {
	q := x[0].Div(x[1])
	whole, rest := floorQuotient(q, x[0], x[1])
	return p.RareOne(q.Abs().Lt(0x1p53).And(x[1].Abs().Lt(p.Inf())).Not(), whole, func() lanes.F {
		more, _ := floorQuotient(rest.Div(x[1]), rest, x[1])
		s := twoSum(whole, more)
		// to odd, so that the second rounding, to float32, sees on which side of its ties the sum is
		one := s.lo.XorSign(s.hi).Lt(0).SelectI(^uint64(0), 1)
		even := s.hi.Bits().And(1).Eq(0).And(s.lo.Ne(0))
		odd := s.hi.Bits().Add(even.SelectI(one, 0)).Float()
		return floorSpecial(p, q, odd, x[0], x[1])
	})
}

// floorQuotient is floor(x/y), where q is x/y rounded and below 2^53, and x less y times it; from 2^53 on it is q, and the rest
// is exact too.
func floorQuotient(q, x, y lanes.F) (whole, rest lanes.F) {
	whole = q.Floor()
	rest = whole.FNMA(y, x)
	return rest.XorSign(y).Lt(0).And(q.Abs().Lt(0x1p53)).Select(whole.Sub(1), whole), rest
}

// floorSpecial is whole, but the quotient where that is no finite number, and -1 or 0 where y is infinite.
func floorSpecial(p *lanes.Program, q, whole, x, y lanes.F) lanes.F {
	whole = q.Abs().Lt(p.Inf()).Select(whole, q)
	infinite := y.Abs().Eq(p.Inf()).And(x.Abs().Lt(p.Inf()))
	return infinite.Select(x.XorSign(y).Lt(0).Select(-1, q), whole)
}
