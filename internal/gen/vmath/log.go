package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

var logarithms = []Function{
	{
		Name: "Log", Arity: 1, Doc: "is the natural logarithm of x.",
		Method: "x = 2^e m with m in [sqrt(1/2), sqrt(2)); f = m - 1, log m = f - f*f/2 + s*(f*f/2 + s*s*P(s*s)) with s = f/(2+f), the first terms in two parts; minimax polynomial of degree 6. float32: log m = f - f*f/2 + f*f*f*P(f), P of degree 8, without a division",
		Source: "fdlibm (Ng 1993), e_log.c; Muller, Elementary Functions, 3rd ed., ch. 11",
		ULP:    1, ULP32: 1,
		Float64: log, Float32: log32, Narrow: true,
	},
	{
		Name: "Log2", Arity: 1, Doc: "is the logarithm of x to base 2; exact for powers of 2.",
		Method: "log m as Log, in two parts, times 1/log 2 in two parts, plus e. float32: f (c + d) + f*f*P(f) with 1/log 2 = c + d, P of degree 9, plus e",
		Source: "fdlibm (Ng 1993), e_log.c; Dekker 1971",
		ULP:    1, ULP32: 1,
		Float64: log2, Float32: log232, Narrow: true,
	},
	{
		Name: "Log10", Arity: 1, Doc: "is the logarithm of x to base 10; exact for powers of 10.",
		Method: "log m as Log, in two parts, times 1/log 10 in two parts, plus e log10(2) in two parts. float32: as Log2",
		Source: "fdlibm (Ng 1993), e_log.c; Dekker 1971",
		ULP:    1, ULP32: 1,
		Float64: log10, Float32: log1032, Narrow: true,
	},
	{
		Name: "Log1p", Arity: 1, Doc: "is the natural logarithm of 1 + x, without the cancellation near 0.",
		Method: "1 + x in two parts = 2^e (m + c); m - 1 and c, or x where e is 0, then as Log with the term c/m",
		Source: "fdlibm (Ng 1993), s_log1p.c; Knuth, TAOCP 2, 4.2.2",
		ULP:    1, ULP32: 1,
		Float64: log1p, Float32: log1p32, Narrow: true,
	},
}

// The coefficients come from sollya/log.sollya: (log((1+s)/(1-s)) - 2s)/s^3 as a polynomial of s^2, for |s| <= 3 - 2 sqrt(2);
// the logarithm is within 2^-57.6 of itself with the first, within 2^-43.1 with the second.
var (
	logCoefficients = []float64{
		0x1.5555555555558p-1, 0x1.9999999995203p-2, 0x1.2492492e13abfp-2, 0x1.c71c62b58aec2p-3,
		0x1.7462c2c752057p-3, 0x1.39fc856682013p-3, 0x1.2b6f4ef50bdcdp-3,
	}
	log32Coefficients = []float64{
		0x1.5555555565585p-1, 0x1.999998c6d3303p-2, 0x1.249326f873cd8p-2, 0x1.c679693b881dp-3, 0x1.8ca6ceb63178bp-3,
	}
)

// The inverses of log 2 and log 10, and log10(2), whose first part has 17 zeros at its end.
const (
	log2eTail   = 0x1.777d0ffda0d24p-56
	log10e      = 0x1.bcb7b1526e50ep-2
	log10eTail  = 0x1.95355baaafad3p-57
	log10Two    = 0x1.3441350ap-2
	log10TwoLow = -0x1.0c0219dc1da99p-39
)

// split is x = 2^e m, for a positive normal x, with m in [sqrt(1/2), sqrt(2)); biased is e + 1023.
type split struct {
	e, m   lanes.F
	biased lanes.I
}

func splitNormal(x lanes.F) split {
	const rootHalf = 0x3fe6a09e667f3bcd // the bits of sqrt(1/2)
	t := x.Bits().Add(0x3ff0000000000000 - rootHalf)
	biased := t.Shr(52)
	return split{
		biased.Or(0x4330000000000000).Float().Sub(0x1p52 + 1023),
		t.And(1<<52 - 1).Add(rootHalf).Float(), biased,
	}
}

// splitPositive is it for subnormal x too. Of what has no logarithm it is something that only a region may replace.
func splitPositive(p *lanes.Program, x lanes.F) split {
	scaled := p.Rare(x.Lt(0x1p-1022), func() []lanes.F {
		return []lanes.F{x.Mul(0x1p54), p.F(54)}
	}, x, p.F(0))
	s := splitNormal(scaled[0])
	s.e = s.e.Sub(scaled[1])
	return s
}

// log1p is log(1 + a) for 1 + a in [sqrt(1/2), sqrt(2)), as a sum within 2^-57.5 of it whose second part is below 2^-4 of
// the first; not normalised. a.lo may be up to 2^-51 or, where that is more, 2^-51 of a.hi. Where a.lo is 0 and a.hi tiny it is a.
func (a dd) log1p() dd {
	s := logarithm(a.hi)
	// a.lo/(1 + a.hi) within 2^-5 of it
	q := a.hi.FMS(a.hi, a.hi).Add(1)
	return dd{s.hi, q.FMA(a.lo, s.lo)}
}

// logarithm is log(1 + f), likewise.
func logarithm(f lanes.F) dd {
	s := f.Div(f.Add(2))
	z := s.Mul(s)
	half := f.Mul(0.5)
	h := half.Mul(f)
	l := half.FMS(f, h)
	sum := fastTwoSum(f, h.Neg())
	tail := s.FMA(z.FMA(inWays(z, 2, logCoefficients...), h), sum.lo.Sub(l))
	return dd{sum.hi, tail}
}

// unlogged is y, but NaN for x < pole and for NaN, -Inf for pole, Inf for Inf: where distance, which is x - pole, is no
// positive number.
func unlogged(p *lanes.Program, x, distance, y lanes.F, pole float64) lanes.F {
	return p.RareOne(notPositive(distance), y, func() lanes.F {
		z := x.Eq(pole).Select(math.Inf(-1), p.NaN())
		return x.Gt(0).Or(x.IsNaN()).Select(x, z)
	})
}

func log(p *lanes.Program, x ...lanes.F) lanes.F {
	s := splitPositive(p, x[0])
	return unlogged(p, x[0], x[0], s.plus(logarithm(s.m.Sub(1))).value(), 0)
}

// plus is e log 2 + a, not normalised: the second part is below 2^-4 of the first. Within 2^-57 of the sum where a is a
// logarithm from here.
func (s split) plus(a dd) dd {
	sum := fastTwoSum(s.e.Mul(ln2Hi), a.hi) // the product is exact
	return dd{sum.hi, sum.lo.Add(s.e.FMA(ln2Lo, a.lo))}
}

// times is a * (c + tail), not normalised.
func (a dd) times(c, tail float64) dd {
	h := a.hi.Mul(c)
	return dd{h, a.lo.FMA(c, a.hi.FMA(tail, a.hi.FMS(c, h)))}
}

func log2(p *lanes.Program, x ...lanes.F) lanes.F {
	s := splitPositive(p, x[0])
	a := logarithm(s.m.Sub(1)).times(log2e, log2eTail)
	sum := fastTwoSum(s.e, a.hi)
	return unlogged(p, x[0], x[0], sum.hi.Add(sum.lo.Add(a.lo)), 0)
}

func log10(p *lanes.Program, x ...lanes.F) lanes.F {
	s := splitPositive(p, x[0])
	a := logarithm(s.m.Sub(1)).times(log10e, log10eTail)
	sum := fastTwoSum(s.e.Mul(log10Two), a.hi)
	return unlogged(p, x[0], x[0], sum.hi.Add(sum.lo.Add(s.e.FMA(log10TwoLow, a.lo))), 0)
}

// inverse is 2^-e, or 0 where that is less than 2^-1022.
func (s split) inverse() lanes.F {
	return s.e.Program().I(2046).Sub(s.biased).Shl(52).Float().Max(0)
}

// log1pWide is log(1 + x) for x > -1, as plus gives it; 0 for -0.
func log1pWide(x lanes.F) dd {
	one := twoSum(x, x.Program().F(1))
	s := splitNormal(one.hi)
	near := s.biased.Eq(1023) // 1 + x needs no splitting
	f := dd{near.Select(x, s.m.Sub(1)), near.Select(0, one.lo.Mul(s.inverse()))}
	return s.plus(f.log1p())
}

func log1p(p *lanes.Program, x ...lanes.F) lanes.F {
	y := log1pWide(x[0]).value()
	y = y.Bits().Or(x[0].Bits().And(signBit)).Float() // of -0
	return unlogged(p, x[0], x[0].Add(1), y, -1)
}

// logarithm32 is log(1 + f) within 2^-42.
func logarithm32(f lanes.F) lanes.F {
	s := f.Div(f.Add(2))
	z := s.Mul(s)
	return z.Mul(s).FMA(z.Estrin(log32Coefficients...), s.Add(s))
}
