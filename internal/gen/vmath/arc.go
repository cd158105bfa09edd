package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

// arcs are the functions that give angles.
var arcs = []Function{
	{
		Name: "Asin", Arity: 1, Doc: "is the angle from -pi/2 to pi/2 whose sine is x; NaN for |x| > 1.",
		Method: "|x| < 1/2: x plus a polynomial of degree 27; else pi/2 - 2 asin(sqrt((1-|x|)/2)), the root as a sum of two floats. float32: the same with degree 13",
		Source: arcsineSource,
		ULP:    1, ULP32: 1,
		Float64: func(p *lanes.Program, x ...lanes.F) lanes.F {
			return arcsine(p, x[0], false, wideTurns, arcsineCoefficients)
		},
		Float32: func(p *lanes.Program, x ...lanes.F) lanes.F { return arcsine32(p, x[0], false) }, Narrow: true,
	},
	{
		Name: "Acos", Arity: 1, Doc: "is the angle from 0 to pi whose cosine is x; NaN for |x| > 1.",
		Method: "pi/2 - asin(x) for |x| < 1/2; else 2 asin(sqrt((1-|x|)/2)), or pi minus it, as in asin", Source: arcsineSource,
		ULP: 1, ULP32: 1,
		Float64: func(p *lanes.Program, x ...lanes.F) lanes.F {
			return arcsine(p, x[0], true, wideTurns, arcsineCoefficients)
		},
		Float32: func(p *lanes.Program, x ...lanes.F) lanes.F { return arcsine32(p, x[0], true) }, Narrow: true,
	},
	{
		Name: "Atan", Arity: 1, Doc: "is the angle from -pi/2 to pi/2 whose tangent is x.",
		Method: "as atan2 of x and 1", Source: arctangentSource,
		ULP: 1, ULP32: 1,
		Float64: atan, Float32: atan32, Narrow: true,
	},
	{
		Name: "Atan2", Arity: 2, Doc: "is the angle from -pi to pi of the point whose ordinate is x and abscissa y.",
		Method: "t = a/b or (a-b)/(a+b) as a sum of two floats, with |t| <= sqrt(2)-1, where a and b are the smaller and the greater of the operands without sign; " +
			"polynomial of degree 25; added to a multiple of pi/4. Operands of extreme size are scaled, and a quotient of them below 2^-28 is its own arctangent. float32: |t| <= 0.67, a/b with its remainder, degree 15",
		Source: arctangentSource,
		ULP:    1, ULP32: 1,
		Float64: atan2, Float32: atan232, Narrow: true,
	},
}

const (
	arcsineSource    = "Cody and Waite 1980; the reduction of fdlibm's e_asin.c; Muller, Elementary Functions, 3rd ed."
	arctangentSource = "Cody and Waite 1980; the reduction of Cephes' atan.c; Muller, Elementary Functions, 3rd ed."
)

// The coefficients of (asin r - r)/r^3 for |r| <= 1/2 and of (atan r - r)/r^3 for |r| <= 0.4143, in powers of r^2;
// sollya/trig.sollya.
var (
	arcsineCoefficients = []float64{
		0x1.5555555555556p-3, 0x1.3333333332dcdp-4, 0x1.6db6db6e4397cp-5, 0x1.f1c71c14da09cp-6, 0x1.6e8bb2fe2329ap-6,
		0x1.1c4d1bf9d28bap-6, 0x1.c9d1cecf332c6p-7, 0x1.780cd7fa32f64p-7, 0x1.52df0d2510d0ap-7, 0x1.60a47d90a4778p-8,
		0x1.205df5d58257p-6, -0x1.f07d84df139b7p-7, 0x1.da67301f28b34p-6,
	}
	arctangentCoefficients = []float64{
		-0x1.5555555555555p-2, 0x1.9999999999816p-3, -0x1.2492492481dc2p-3, 0x1.c71c71bcb4aecp-4, -0x1.745d156a2afbdp-4,
		0x1.3b137c5db46e3p-4, -0x1.110d32e04c80ep-4, 0x1.e17f8e09dde85p-5, -0x1.abce6f1501167p-5, 0x1.722005dd39ee9p-5,
		-0x1.14d44da9e80c6p-5, 0x1.fbe1703f7c1c4p-7,
	}
)

// turns are pi and its half, each as a sum of two floats.
type turns struct{ pi, piLow, half, halfLow float64 }

var wideTurns = turns{math.Pi, piLo, halfPiHi, halfPiLo}

// arcsine is asin x = sign(x) (base + t + ...), or acos x = base + t + ..., where base is a multiple of pi/2 and t is x or
// twice the root, with their signs.
func arcsine(p *lanes.Program, x lanes.F, cosine bool, c turns, coefficients []float64) lanes.F {
	abs := x.Abs()
	big := abs.Ge(0.5)
	z := big.Select(abs.FNMA(0.5, 0.5), x.Mul(x)) // exact where big
	root := z.Sqrt()
	lost := root.FNMA(root, z).Div(root.Max(0x1p-100)) // twice what the rounding of the root lost; 0 for 0
	var base dd
	var t, tail lanes.F
	none := p.F(0)
	if cosine {
		base.hi = big.Select(x.Lt(0).Select(c.pi, none), c.half)
		base.lo = big.Select(x.Lt(0).Select(c.piLow, none), c.halfLow)
		t = big.Select(root.Add(root).XorSign(x), x.Neg())
		tail = big.Select(lost.XorSign(x), none)
	} else {
		base = dd{big.Select(c.half, none), big.Select(c.halfLow, none)}
		t = big.Select(root.Mul(-2), abs)
		tail = big.Select(lost.Neg(), none)
	}
	y := angle(base, dd{t, tail}, z, coefficients)
	if cosine {
		return y
	}
	return y.XorSign(x)
}

// angle is base + t + t.hi z c(z), where base is 0 or greater than t.
func angle(base, t dd, z lanes.F, c []float64) lanes.F {
	sum := fastTwoSum(base.hi, t.hi)
	tail := sum.lo.Add(base.lo.Add(t.lo))
	return sum.hi.Add(t.hi.Mul(z).FMA(inWays(z, 2, c[1:]...).FMA(z, c[0]), tail))
}

func atan(p *lanes.Program, x ...lanes.F) lanes.F { return atanBy(p, x[0], arctangent) }

// atanBy is the arctangent of |x| and 1, with the sign of x.
func atanBy(p *lanes.Program, x lanes.F, arctangent func(p *lanes.Program, a, b, k, turn lanes.F) lanes.F) lanes.F {
	abs := p.F(0x1p100).Min(x.Abs()) // NaN remains
	steep := abs.Gt(1)
	a, b := steep.Select(p.F(1), abs), steep.Select(abs, p.F(1))
	y := arctangent(p, a, b, steep.Select(2, p.F(0)), steep.Select(p.F(-1), 1))
	return y.XorSign(x)
}

// arctangent is k pi/4 + turn atan(a/b) for 0 <= a <= b, not both 0; k is 0, 2 or 4 and turn 1 or -1.
func arctangent(p *lanes.Program, a, b, k, turn lanes.F) lanes.F {
	diagonal := a.Gt(b.Mul(math.Sqrt2 - 1))
	less, more := fastTwoSum(b, a.Neg()), fastTwoSum(b, a)
	none := p.F(0)
	above := dd{diagonal.Select(less.hi.Neg(), a), diagonal.Select(less.lo.Neg(), none)}
	below := dd{diagonal.Select(more.hi, b), diagonal.Select(more.lo, none)}
	t := quotient(p, above, below)
	u := t.hi.Mul(t.hi)
	k = k.Add(diagonal.Select(turn, none))
	base := dd{hi: k.Mul(halfPiHi / 2)}
	base.lo = k.FMA(halfPiLo/2, k.FMS(halfPiHi/2, base.hi))
	t = dd{t.hi.XorSign(turn), t.lo.FNMA(u, t.lo).XorSign(turn)} // the derivative is 1 - u + ...
	return angle(base, t, u, arctangentCoefficients)
}

func atan2(p *lanes.Program, y ...lanes.F) lanes.F {
	return atan2By(p, y[0], y[1], sizes{0x1p500, 0x1p-400, 0x1p-28, 0x1p600}, arctangent)
}

// sizes are what atan2By scales by: from huge on and below tiny it does; a quotient below small is its own arctangent.
type sizes struct{ huge, tiny, small, factor float64 }

// atan2By has operands y and x. Those so great or small that their quotient or a remainder could leave the normal numbers are
// scaled; a small quotient stands for its arctangent.
func atan2By(p *lanes.Program, y, x lanes.F, limits sizes, arctangent func(p *lanes.Program, a, b, k, turn lanes.F) lanes.F) lanes.F {
	absY, absX := y.Abs(), x.Abs()
	a, b := absX.Min(absY), absY.Max(absX) // one of them is NaN where an operand is
	steep := absY.Gt(absX)
	// The comparison of bits holds for a NaN in b, that of floats for one in a.
	out := p.Rare(beyond(b, limits.huge).Or(a.Ge(limits.tiny).Not()), func() []lanes.F {
		infinite := a.Eq(math.Inf(1)).And(b.Eq(math.Inf(1)))
		one := p.F(1)
		q := a.Div(b.Eq(0).Select(one, b))
		q = infinite.Select(one, q) // of infinities or NaN, else the quotient
		small := q.Ge(limits.small).Not().Or(infinite)
		factor := b.Gt(1).Select(p.F(1/limits.factor), limits.factor)
		return []lanes.F{small.Select(q, a.Mul(factor)), small.Select(one, b.Mul(factor))}
	}, a, b)
	negative := p.I(0).Gt(x.Bits())
	turn := p.F(1).XorSign(x)
	turn = steep.Select(turn.Neg(), turn)
	k := steep.Select(2, negative.Select(4, p.F(0)))
	return arctangent(p, out[0], out[1], k, turn).XorSign(y)
}
