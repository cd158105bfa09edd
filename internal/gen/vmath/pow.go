package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

var powers = []Function{
	{
		Name: "Pow", Arity: 2, Doc: "is x to the power of y; 1 where y is 0 or x is 1, NaN where x < 0 and y is no integer.",
		Method: "exp(y log|x|): log in two parts within 2^-65 by s = f/(2+f) in two parts, log m = 2s + s^3 (2/3 + s*s*Q(s*s)) with Q of degree 7; product in two parts; then as Exp; the sign from y's parity",
		Source: "Dekker 1971; Muller, Elementary Functions, 3rd ed., ch. 11; special cases of IEEE 754-2019 section 9.2.1 and C Annex F",
		ULP:    1, ULP32: 1,
		Float64: pow, Float32: pow32,
	},
}

// powCoefficients are ((log((1+s)/(1-s)) - 2s)/s^3 - 2/3)/s^2 as a polynomial of s^2, for |s| <= 3 - 2 sqrt(2), within 2^-66.5
// of the logarithm; sollya/pow.sollya.
var powCoefficients = []float64{
	0x1.999999999999ap-2, 0x1.2492492492301p-2, 0x1.c71c71c74b654p-3, 0x1.745d173de787dp-3,
	0x1.3b13a95bc705ap-3, 0x1.11156956ef68dp-3, 0x1.e0144e0514675p-4, 0x1.dadb8fc5fc2dfp-4,
}

// log is log x within 2^-65 of it as a sum whose second part is at most some units in the last place of the first.
func (s split) log() dd {
	const third2, third2Tail = 0x1.5555555555555p-1, 0x1.5555555555555p-55 // 2/3
	f := s.m.Sub(1)
	d := f.Add(2)
	q := f.Div(d)
	r := q.FNMA(f.Sub(d.Sub(2)), q.FNMA(d, f)) // of the division, f - q*(2+f)
	low := r.Mul(q.FNMA(0.5, 0.5))             // times 1/(2+f) = (1-q)/2
	twice := q.Add(q)
	z := q.Mul(q)
	zLow := twice.FMA(low, q.FMS(q, z))
	cube := q.Mul(z)
	cubeLow := q.FMA(zLow, low.FMA(z, q.FMS(z, cube)))
	poly := inWays(z, 2, powCoefficients...)
	u := z.FMA(poly, third2)
	uLow := z.FMA(poly, u.Sub(third2).Neg()).Add(zLow.FMA(poly, third2Tail))
	t := cube.Mul(u)
	tLow := cube.FMA(uLow, cubeLow.FMA(u, cube.FMS(u, t)))
	sum := fastTwoSum(twice, t)
	tail := sum.lo.Add(low.FMA(2, tLow))
	all := fastTwoSum(s.e.Mul(ln2Hi), sum.hi) // the product is exact
	return dd{all.hi, all.lo.Add(s.e.FMA(ln2Lo, tail))}
}

// reduce is the sum as n log 2 + r, for |a.hi| < 1100.
func (a dd) reduce() reduced {
	shifted := a.hi.FMA(log2e, lanes.Magic)
	n := shifted.Sub(lanes.Magic)
	z := n.FNMA(ln2Hi, a.hi) // exact
	return reduced{shifted, fastTwoSum(z, n.FNMA(ln2Lo, a.lo))}
}

func pow(p *lanes.Program, x ...lanes.F) lanes.F {
	b, y := x[0].Abs(), x[1]
	l := splitPositive(p, b).log()
	h := l.hi.Mul(y)
	a := dd{h, l.lo.FMA(y, l.hi.FMS(y, h))}.reduce()
	e := a.r.exp()
	scaled := e.Bits().Add(a.n.Bits().Shl(52)).Float()
	z := p.RareOne(notPositive(b).Or(largeOrNaN(h, 708)), scaled, func() lanes.F {
		// The exponent, where log b is infinite too: over- and underflow are told by it.
		g := b.Eq(0).Select(math.Inf(-1), b.Eq(p.Inf()).Select(p.Inf(), l.hi)).Mul(y)
		z := twoPowers(e, a.n.Sub(lanes.Magic))
		z = g.Lt(-746).Select(0, g.Gt(709.8).Select(p.Inf(), z))
		z = g.IsNaN().Or(b.IsNaN()).Select(p.NaN(), z)
		one := y.Eq(0).Or(x[0].Eq(1)).Or(b.Eq(1).AndNot(y.IsNaN()))
		return one.Select(1, z)
	})
	return signed(p, x[0], y, z)
}

// signed is z with the sign of the power of a negative x; NaN where there is none.
func signed(p *lanes.Program, x, y, z lanes.F) lanes.F {
	return p.RareOne(p.I(0).Gt(x.Bits()), z, func() lanes.F {
		half := y.Mul(0.5)
		whole := y.Trunc().Eq(y)
		odd := whole.AndNot(half.Trunc().Eq(half))
		z := odd.Select(z.Neg(), z)
		return x.Lt(0).And(x.Gt(math.Inf(-1))).AndNot(whole).Select(p.NaN(), z)
	})
}

func pow32(p *lanes.Program, x ...lanes.F) lanes.F {
	b, y := x[0].Abs(), x[1]
	s := splitNormal(b)
	l := s.e.FMA(math.Ln2, log32Wide(s.m.Sub(1)))
	l = b.Eq(0).Select(math.Inf(-1), b.Lt(p.Inf()).Select(l, b))
	a := l.Mul(y)
	c := within(p, a, -200, 200)
	shifted := c.FMA(log2e, lanes.Magic)
	r := shifted.Sub(lanes.Magic).FNMA(math.Ln2, c)
	z := exponential32(r).Mul(reduced{n: shifted}.power())
	z = p.RareOne(a.IsNaN(), z, func() lanes.F {
		one := y.Eq(0).Or(x[0].Eq(1)).Or(b.Eq(1).AndNot(y.IsNaN()))
		return one.Select(1, p.NaN())
	})
	return signed(p, x[0], y, z)
}

// log32Wide is log(1 + f) within 2^-51.
func log32Wide(f lanes.F) lanes.F {
	s := f.Div(f.Add(2))
	z := s.Mul(s)
	return z.Mul(s).FMA(z.Estrin(logCoefficients...), s.Add(s))
}
