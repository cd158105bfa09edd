package vmath

import (
	"github.com/darray-go/darray/internal/lanes"
)

// trigonometrics are the functions of angles; reduction is what they share.
var trigonometrics = []Function{
	{
		Name: "Sin", Arity: 1, Doc: "is the sine of x radians.",
		Method: reduction + "; polynomials of degree 13 (sine) and 14 (cosine) on |r| <= pi/4, both computed and one chosen. " +
			"float32: r = x - n pi, one polynomial of degree 13 on |r| <= pi/2",
		Source: reductionSource,
		ULP:    1, ULP32: 1,
		Float64: func(p *lanes.Program, x ...lanes.F) lanes.F { return sine(p, x[0], false) },
		Float32: func(p *lanes.Program, x ...lanes.F) lanes.F { return sine32(p, x[0], false) },
	},
	{
		Name: "Cos", Arity: 1, Doc: "is the cosine of x radians.",
		Method: "as sin, a quadrant on", Source: reductionSource,
		ULP: 1, ULP32: 1,
		Float64: func(p *lanes.Program, x ...lanes.F) lanes.F { return sine(p, x[0], true) },
		Float32: func(p *lanes.Program, x ...lanes.F) lanes.F { return sine32(p, x[0], true) },
	},
	{
		Name: "Tan", Arity: 1, Doc: "is the tangent of x radians.",
		Method: "sine and cosine as by sin, each with its tail, and the quotient corrected by the remainder of the division",
		Source: reductionSource,
		ULP:    1, ULP32: 1,
		Float64: tan, Float32: tan32,
	},
}

const (
	reduction = "x = n pi/2 + r, r as a sum of two floats: Cody and Waite's reduction with FMA in three parts for |x| < 2^20, " +
		"Payne and Hanek's beyond"
	reductionSource = "Cody and Waite 1980; Boldo, Daumas and Li 2009; Payne and Hanek 1983; Muller, Elementary Functions, 3rd ed., ch. 11"
)

// halfPi is pi/2 in parts: the first two make half a float of 106 bits; a product of halfPiMiddle, of 32 bits, with an n below
// 2^21 is exact, and halfPiRest is the remainder after it.
const (
	twoOverPi    = 0x1.45f306dc9c883p-1
	halfPiHi     = 0x1.921fb54442d18p+0
	halfPiLo     = 0x1.1a62633145c07p-54
	halfPiMiddle = 0x1.1a626332p-54
	halfPiRest   = -0x1.747f23e32ed7p-87
)

// The coefficients of (sin r - r)/r^3 and of (cos r - 1 + r^2/2)/r^4 in powers of r^2, for |r| <= 0.7854; sollya/trig.sollya.
var (
	sineCoefficients = []float64{
		-0x1.5555555555548p-3, 0x1.111111110f76p-7, -0x1.a01a019bf2b7ap-13, 0x1.71de355fa46d5p-19, -0x1.ae5e54ffce7d4p-26,
		0x1.5d8e6226d3873p-33,
	}
	cosineCoefficients = []float64{
		0x1.555555555554cp-5, -0x1.6c16c16c15222p-10, 0x1.a01a019cbfd3p-16, -0x1.27e4f81315bccp-22, 0x1.1ee9f198517c6p-29,
		-0x1.8fb15657b90d1p-37,
	}
)

// quadrant reduces |x|: it is n pi/2 + r with |r| <= pi/4, and code is n + first in its low bits.
func quadrant(p *lanes.Program, abs lanes.F, first int) (r dd, code lanes.I) {
	magic := lanes.Magic + float64(first)
	shifted := abs.FMA(twoOverPi, magic)
	n := shifted.Sub(magic)
	u := n.FNMA(halfPiHi, abs) // exact: a multiple of 2^-53 below 1
	hi := n.FNMA(halfPiMiddle, u)
	lo := n.FNMA(halfPiRest, n.FNMA(halfPiMiddle, u.Sub(hi))) // exact but for the last step
	out := p.Rare(beyond(abs, 0x1p20), func() []lanes.F {
		r, n := manyTurns(p, abs, func(turns lanes.F) lanes.F { return turns.Round() })
		return []lanes.F{r.hi, r.lo, n.Add(magic)}
	}, hi, lo, shifted)
	return dd{out[0], out[1]}, out[2].Bits()
}

// sineCosine are the sine and the cosine of r, each a value and a tail.
func sineCosine(p *lanes.Program, r dd) (sin, cos dd) {
	u := r.hi.Mul(r.hi)
	half := r.hi.Mul(0.5)
	w := half.FNMA(r.hi, 1) // 1 - r^2/2
	above := p.F(1).Sub(w)
	tail := r.hi.FNMA(r.lo, half.FNMA(r.hi, above)) // what the rounding of w lost, and r.lo brings
	cos = dd{w, u.Mul(u).FMA(inWays(u, 2, cosineCoefficients...), tail)}
	sin = dd{r.hi, r.hi.Mul(u).FMA(inWays(u, 2, sineCoefficients[1:]...).FMA(u, sineCoefficients[0]), above.FNMA(r.lo, r.lo))}
	return sin, cos
}

// sine is the sine of x, or its cosine: the sine a quadrant on.
func sine(p *lanes.Program, x lanes.F, cosine bool) lanes.F {
	first := 0
	if cosine {
		first = 1
	}
	r, code := quadrant(p, x.Abs(), first)
	sin, cos := sineCosine(p, r)
	y := odd(p, code).Select(cos.value(), sin.value())
	sign := code.Shl(62)
	if !cosine {
		sign = sign.Xor(x.Bits())
	}
	return y.XorSign(sign.Float())
}

// odd holds where the lowest bit is set.
func odd(p *lanes.Program, code lanes.I) lanes.M { return p.I(0).Gt(code.Shl(63)) }

// tan is sin/cos, or -cos/sin in the odd quadrants.
func tan(p *lanes.Program, x ...lanes.F) lanes.F {
	r, code := quadrant(p, x[0].Abs(), 0)
	sin, cos := sineCosine(p, r)
	s, c := fastTwoSum(sin.hi, sin.lo), fastTwoSum(cos.hi, cos.lo)
	swap := odd(p, code)
	above := dd{swap.Select(c.hi, s.hi), swap.Select(c.lo, s.lo)}
	below := dd{swap.Select(s.hi, c.hi), swap.Select(s.lo, c.lo)}
	y := quotient(p, above, below).value()
	return y.XorSign(code.Shl(63).Xor(x[0].Bits()).Float())
}

// quotient is a / b, where neither it nor 1/b leaves the normal numbers, within some 2^-100 of it.
func quotient(p *lanes.Program, a, b dd) dd {
	inverse := p.F(1).Div(b.hi)
	q := a.hi.Mul(inverse)
	rest := q.FNMA(b.lo, q.FNMA(b.hi, a.hi).Add(a.lo)) // a - q*b
	return dd{q, rest.Mul(inverse)}
}
