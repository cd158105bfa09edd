package vmath

import "github.com/darray-go/darray/internal/lanes"

var roots = []Function{
	{
		Name: "Cbrt", Arity: 1, Doc: "is the cube root of x.",
		Method: "r = x^(-1/3) to 11% by a third of the bits, then to 2^-38 by a polynomial of degree 8 in 1 - x r^3; x r^2, and one step of Newton's with the remainder in two parts",
		Source: "W. Kahan, Computing a Real Cube Root, 1991, for the first step",
		ULP:    1, ULP32: 1,
		Float64: cbrt, Float32: cbrt32,
	},
	{
		Name: "Hypot", Arity: 2, Doc: "is the square root of x*x + y*y, without overflow or underflow on the way; infinite where x or y is, be the other NaN.",
		Method: "x*x + y*y in two parts, square root, and one step of Newton's with the exact remainder; operands scaled where the larger is outside 2^-400 to 2^500",
		Source: "C. F. Borges, An improved algorithm for hypot(a,b), 2019",
		ULP:    1, ULP32: 1,
		Float64: hypot, Float32: hypot32,
	},
}

// cbrtCoefficients are ((1-h)^(-1/3) - 1)/h on |h| <= 0.1148, within 2^-38.5 of the root; sollya/roots.sollya.
var cbrtCoefficients = []float64{
	0x1.55555554fabe2p-2, 0x1.c71c71c51fccbp-3, 0x1.61f9b487fcfap-3, 0x1.26fac4ed2c5e4p-3, 0x1.ff3861da3f1edp-4, 0x1.c66664516baedp-4,
	0x1.a48d6e84ba212p-4, 0x1.824ba96317c5cp-4,
}

func cbrt(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	usual := size.Ge(0x1p-900).And(size.Lt(p.Inf()))
	return p.RareOne(usual.Not(), cbrtPositive(size), func() lanes.F {
		y := cbrtPositive(size.Mul(0x1p300)).Mul(0x1p-100)
		return size.Gt(0).And(size.Lt(1)).Select(y, size)
	}).CopySign(x[0])
}

// cbrtPositive is the cube root for 2^-900 <= x < Inf.
func cbrtPositive(x lanes.F) lanes.F {
	r := cbrtInverse(x, cbrtCoefficients...)
	s := r.Mul(r)
	y := x.Mul(s)
	square := twoProd(y, y)
	rest := y.FNMA(square.lo, y.FNMA(square.hi, x)) // x - y^3
	return rest.FMA(s.Mul(1.0/3), y)
}

// cbrtInverse is x^(-1/3) as near as the coefficients are.
func cbrtInverse(x lanes.F, cs ...float64) lanes.F {
	const third = 1<<32/3 + 1
	r := x.Program().I(0x553f0000).Sub(x.Bits().Shr(32).Mul32(third).Shr(32)).Shl(32).Float()
	h := x.Mul(r).FNMA(r.Mul(r), 1)
	return r.Mul(h).FMA(inWays(h, 2, cs...), r)
}

func cbrt32(p *lanes.Program, x ...lanes.F) lanes.F {
	size := x[0].Abs()
	r := cbrtInverse(size, cbrtCoefficients...)
	s := r.Mul(r)
	y := size.Mul(s)
	y = y.FNMA(y.Mul(y), size).FMA(s.Mul(1.0/3), y)
	usual := size.Gt(0).And(size.Lt(p.Inf()))
	return usual.Select(y, size).CopySign(x[0])
}

func hypot(p *lanes.Program, x ...lanes.F) lanes.F {
	a, b := x[0].Abs(), x[1].Abs()
	most, least := a.Max(b), b.Min(a) // of NaN and another, each is once the second operand
	usual := most.Ge(0x1p-400).And(most.Le(0x1p500)).AndNot(a.Unordered(b))
	return p.RareOne(usual.Not(), hypotUsual(p, most, least), func() lanes.F {
		up := most.Lt(1)
		factor, inverse := up.Select(0x1p600, 0x1p-600), up.Select(0x1p-600, 0x1p600)
		y := hypotUsual(p, most.Mul(factor), least.Mul(factor)).Mul(inverse)
		y = most.Eq(0).Select(0, y)
		y = a.Unordered(b).Select(p.NaN(), y)
		return a.Eq(p.Inf()).Or(b.Eq(p.Inf())).Select(p.Inf(), y)
	})
}

func hypotUsual(p *lanes.Program, most, least lanes.F) lanes.F {
	a, b := twoProd(most, most), twoProd(least, least)
	s := fastTwoSum(a.hi, b.hi)
	h := s.hi.Sqrt()
	rest := h.FNMA(h, s.hi).Add(s.lo.Add(a.lo.Add(b.lo)))
	return rest.FMA(p.F(0.5).Div(h), h)
}

func hypot32(p *lanes.Program, x ...lanes.F) lanes.F {
	y := x[0].FMA(x[0], x[1].Mul(x[1])).Sqrt()
	infinite := x[0].Abs().Eq(p.Inf()).Or(x[1].Abs().Eq(p.Inf()))
	return infinite.Select(p.Inf(), y)
}
