package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

var hyperbolics = []Function{
	{
		Name: "Sinh", Arity: 1, Doc: "is the hyperbolic sine of x.",
		Method: "|x| = n log 2 + r with |r| <= (log 2)/2; sinh r cosh(n log 2) + cosh r sinh(n log 2), minimax polynomials of degree 11 and 12; from 708 on exp(|x|)/2, scaled in two steps",
		Source: "Muller, Elementary Functions, 3rd ed., ch. 11",
		ULP:    1, ULP32: 1,
		Float64: sinh, Float32: sinh32,
	},
	{
		Name: "Cosh", Arity: 1, Doc: "is the hyperbolic cosine of x.",
		Method: "as Sinh, cosh r cosh(n log 2) + sinh r sinh(n log 2); from 708 on exp(|x|)/2, scaled in two steps",
		Source: "Muller, Elementary Functions, 3rd ed., ch. 11",
		ULP:    1, ULP32: 1,
		Float64: cosh, Float32: cosh32,
	},
	{
		Name: "Tanh", Arity: 1, Doc: "is the hyperbolic tangent of x.",
		Method: "(1 - 2^-n + E)/(1 + 2^-n + E) with 2|x| = n log 2 + r and E = exp(r) - 1, minimax polynomial of degree 12; all but 2^-n in two parts",
		Source: "fdlibm (Ng 1993), s_tanh.c",
		ULP:    1, ULP32: 1,
		Float64: tanh, Float32: tanh32,
	},
	{
		Name: "Asinh", Arity: 1, Doc: "is the inverse hyperbolic sine of x.",
		Method: "log(1 + u) as Log1p has it with u = |x| + p, p = x*x/(1 + sqrt(1+x*x)) with one step of Newton's, all in two parts; from 2^500 on log(2|x|)",
		Source: "fdlibm (Ng 1993), s_asinh.c",
		ULP:    1, ULP32: 1,
		Float64: asinh, Float32: asinh32,
	},
	{
		Name: "Acosh", Arity: 1, Doc: "is the inverse hyperbolic cosine of x.",
		Method: "log(1 + u) as Log1p has it with u = x - 1 + sqrt(x*x - 1), all in two parts; from 2^500 on log(2x)",
		Source: "fdlibm (Ng 1993), e_acosh.c",
		ULP:    1, ULP32: 1,
		Float64: acosh, Float32: acosh32,
	},
	{
		Name: "Atanh", Arity: 1, Doc: "is the inverse hyperbolic tangent of x.",
		Method: "log(1 + u)/2 as Log1p has it with u = 2|x|/(1-|x|) in two parts",
		Source: "fdlibm (Ng 1993), e_atanh.c",
		ULP:    1, ULP32: 1,
		Float64: atanh, Float32: atanh32,
	},
}

// growthCoefficients are (e^r - 1 - r)/r^2 on |r| <= (log 2)/2 such that the sum is within 2^-60.6 of e^r - 1;
// sollya/hyperbolic.sollya.
var growthCoefficients = []float64{
	0x1p-1, 0x1.5555555555557p-3, 0x1.5555555555557p-5, 0x1.1111111110051p-7, 0x1.6c16c16c156a5p-10, 0x1.a01a01ac1de81p-13,
	0x1.a01a01ab9882bp-16, 0x1.71de01acf7608p-19, 0x1.27e4cfaf0e5b1p-22, 0x1.af4ecab92d05fp-26, 0x1.1f86f0b04e1fbp-29,
}

// ratio is a / d, both normalised, as a sum within 2^-100 or so of it.
func (a dd) ratio(d dd) dd {
	inverse := d.hi.Program().F(1).Div(d.hi)
	q := a.hi.Mul(inverse)
	rest := q.FNMA(d.hi, a.hi).Add(q.FNMA(d.lo, a.lo))
	return dd{q, rest.Mul(inverse)}
}

// The coefficients of (sinh r - r)/r^3 and (cosh r - 1)/r^2 in r^2 on |r| <= (log 2)/2; the first sum is within 2^-60 of
// sinh r, the second within 2^-68 of cosh r; sollya/hyperbolic.sollya.
var (
	sinhCoefficients = []float64{
		0x1.5555555555556p-3, 0x1.1111111110704p-7, 0x1.a01a01a908b6bp-13, 0x1.71de0a21eeadap-19, 0x1.af3f48761b83bp-26,
	}
	coshCoefficients = []float64{
		0x1p-1, 0x1.5555555555556p-5, 0x1.6c16c16c15ff2p-10, 0x1.a01a01a81e4a3p-16, 0x1.27e4d80478248p-22, 0x1.1f790b6b6bca5p-29,
	}
)

// hyperbola is what sinh x and cosh x are made of: x = n log 2 + r; n had Magic added.
type hyperbola struct {
	n, z lanes.F
	sinh lanes.F // sinh r - z, where z is nearly r and a float without error
	cosh lanes.F // cosh r - 1
	up   lanes.F // 2^(n-1)
	down lanes.F // 2^(-n-1)
}

// hyperbolaOf is it for 0 <= x < 708.
func hyperbolaOf(x lanes.F) hyperbola {
	a := reduceApart(x)
	square := a.r.Mul(a.r)
	return hyperbola{
		a.n, a.z,
		square.Mul(a.r).FMS(square.Horner(sinhCoefficients...), a.c),
		square.FMA(square.Mul(square.Horner(coshCoefficients[1:]...)), square.Mul(coshCoefficients[0])), // the last is exact: cosh must not turn
		a.n.Bits().Add(1022).Shl(52).Float(),
		x.Program().I(1022).Sub(a.n.Bits()).Shl(52).Float(),
	}
}

// lost is what the rounding of up + down or up - down loses, times e^-r; it is 0 but where down is 2^-54 of up or less.
func (h hyperbola) lost(low lanes.F) lanes.F { return h.z.FNMA(low, low) }

// halfExp is e^x / 2 also where it is near overflow.
func (h hyperbola) halfExp() lanes.F {
	return twoPowers(h.z.Add(h.sinh.Add(h.cosh)).Add(1), h.n.Sub(lanes.Magic+1))
}

func sinh(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	h := hyperbolaOf(p.F(711).Min(size))
	s, c := h.up.Sub(h.down), h.up.Add(h.down) // of n log 2
	y := s.Add(c.FMA(h.z, s.FMA(h.cosh, c.FMA(h.sinh, h.lost(h.up.Sub(s).Sub(h.down))))))
	return p.RareOne(size.Ge(708), y, h.halfExp).XorSign(x[0])
}

func cosh(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	h := hyperbolaOf(p.F(711).Min(size))
	s, c := h.up.Sub(h.down), h.up.Add(h.down)
	y := c.Add(s.FMA(h.z, c.FMA(h.cosh, s.FMA(h.sinh, h.lost(h.up.Sub(c).Add(h.down))))))
	return p.RareOne(size.Ge(708), y, h.halfExp)
}

func tanh(p *lanes.Program, x ...lanes.F) lanes.F {
	size := p.F(20).Min(x[0].Abs()) // the result is 1 from there on
	a := reduceApart(size.Add(size))
	e := fastTwoSum(a.z, a.r.Mul(a.r).FMS(inWays(a.r, 2, growthCoefficients...), a.c))
	power := p.I(1023).Sub(a.n.Bits()).Shl(52).Float() // 2^-n
	less, more := p.F(1).Sub(power), power.Add(1)
	lost := power.FNMA(2, more.Sub(less)) // by the first less that by the second; not 0 from n = 53 on, where the result is about 1
	above, below := fastTwoSum(less, e.hi), fastTwoSum(more, e.hi)
	inverse := p.F(1).Div(below.hi)
	q := above.hi.Mul(inverse)
	rest := q.FNMA(below.hi, above.hi).Add(lost).Add(q.FNMA(below.lo.Add(e.lo), above.lo.Add(e.lo)))
	return rest.FMA(inverse, q).XorSign(x[0])
}

// log1pWide is log(1 + a) for a normalised a >= 0 that is below 2^1023, as split.plus gives it.
func (a dd) log1pWide() dd {
	one := twoSum(a.hi.Program().F(1), a.hi)
	s := splitNormal(one.hi)
	// Where a is small the first part is multiples of 2^-52, the second all the rest.
	return s.plus(dd{s.m.Sub(1), one.lo.Add(a.lo).Mul(s.inverse())}.log1p())
}

// tinySize is where asinh(x) and atanh(x) are x within 2^-57 of it, and log1pWide is not good enough below 2^-40 or so.
const tinySize = 0x1p-28

// logTwice is log(2x) for 1 < x < Inf.
func logTwice(x lanes.F) lanes.F {
	s := splitNormal(x)
	s.e = s.e.Add(1)
	return s.plus(logarithm(s.m.Sub(1))).value()
}

func asinh(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	square := twoProd(size, size)
	h := square.hi.Add(1).Sqrt()
	// q + rest/(2h) solves q (q + 2) = x*x
	q := square.hi.Div(h.Add(1))
	two := fastTwoSum(q.Max(2), q.Min(2))
	rest := q.FNMA(two.hi, square.hi).Add(q.FNMA(two.lo, square.lo))
	u := fastTwoSum(size, q)
	u = fastTwoSum(u.hi, rest.FMA(p.F(0.5).Div(h), u.lo))
	y := u.log1pWide().value()
	y = size.Lt(tinySize).Select(size, y)
	y = p.RareOne(size.Lt(0x1p500).Not(), y, func() lanes.F {
		return size.Lt(p.Inf()).Select(logTwice(size), size)
	})
	return y.XorSign(x[0])
}

func acosh(p *lanes.Program, x ...lanes.F) lanes.F {
	less := fastTwoSum(x[0], p.F(-1))
	square := twoProd(x[0], x[0])
	z := fastTwoSum(square.hi, p.F(-1)) // with square.lo it is x*x - 1
	h := z.hi.Sqrt()
	rest := h.FNMA(h, z.hi).Add(z.lo.Add(square.lo))
	u := fastTwoSum(h, less.hi)
	u = fastTwoSum(u.hi, rest.FMA(p.F(0.5).Div(h), u.lo.Add(less.lo)))
	y := u.log1pWide().value()
	usual := x[0].Gt(1).And(x[0].Lt(0x1p500))
	return p.RareOne(usual.Not(), y, func() lanes.F {
		z := x[0].Lt(p.Inf()).Select(logTwice(x[0]), x[0]) // of NaN too
		z = x[0].Eq(1).Select(0, z)
		return x[0].Lt(1).Select(p.NaN(), z)
	})
}

func atanh(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	u := dd{size.Add(size), p.F(0)}.ratio(fastTwoSum(p.F(1), size.Neg()))
	y := fastTwoSum(u.hi, u.lo).log1pWide().value().Mul(0.5)
	y = size.Lt(tinySize).Select(size, y)
	y = p.RareOne(size.Lt(1).Not(), y, func() lanes.F {
		return size.Eq(1).Select(p.Inf(), p.NaN())
	})
	return y.XorSign(x[0])
}

// The functions of float32, within 2^-42 or so.

// expm1By32 is e^x - 1 for 0 <= x <= 200.
func expm1By32(x lanes.F) lanes.F {
	shifted := x.FMA(log2e, lanes.Magic)
	r := shifted.Sub(lanes.Magic).FNMA(math.Ln2, x)
	s := r.Mul(r).FMA(inWays(r, 4, expm132Coefficients...), r)
	power := reduced{n: shifted}.power()
	return s.FMA(power, power.Sub(1))
}

func sinh32(p *lanes.Program, x ...lanes.F) lanes.F {
	e := expm1By32(within(p, x[0].Abs(), 0, 200))
	return e.Add(e.Div(e.Add(1))).Mul(0.5).CopySign(x[0])
}

func cosh32(p *lanes.Program, x ...lanes.F) lanes.F {
	e := expm1By32(within(p, x[0].Abs(), 0, 200)).Add(1)
	return e.Add(p.F(1).Div(e)).Mul(0.5)
}

func tanh32(p *lanes.Program, x ...lanes.F) lanes.F {
	size := within(p, x[0].Abs(), 0, 20)
	e := expm1By32(size.Add(size))
	return e.Div(e.Add(2)).CopySign(x[0])
}

// log1pBy32 is log(1 + x) for 0 <= x < Inf.
func log1pBy32(x lanes.F) lanes.F {
	s := splitNormal(x.Add(1))
	f := s.biased.Eq(1023).Select(x, s.m.Sub(1))
	return s.e.FMA(math.Ln2, logarithm32(f))
}

func asinh32(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	square := size.Mul(size)
	y := log1pBy32(size.Add(square.Div(square.Add(1).Sqrt().Add(1))))
	return size.Lt(p.Inf()).Select(y, size).CopySign(x[0])
}

func acosh32(p *lanes.Program, x ...lanes.F) lanes.F {
	less := x[0].Sub(1)
	y := log1pBy32(less.Add(less.Mul(x[0].Add(1)).Sqrt()))
	y = x[0].Lt(p.Inf()).Select(y, x[0])
	return x[0].Lt(1).Select(p.NaN(), y)
}

func atanh32(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	y := log1pBy32(size.Add(size).Div(p.F(1).Sub(size))).Mul(0.5)
	y = size.Eq(1).Select(p.Inf(), y)
	return size.Le(1).Select(y, p.NaN()).CopySign(x[0])
}
