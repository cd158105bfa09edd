package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

// arcsine32 is arcsine without tails.
func arcsine32(p *lanes.Program, x lanes.F, cosine bool) lanes.F {
	abs := x.Abs()
	big := abs.Ge(0.5)
	z := big.Select(abs.FNMA(0.5, 0.5), x.Mul(x))
	root := z.Sqrt()
	none := p.F(0)
	var base, t lanes.F
	if cosine {
		base = big.Select(x.Lt(0).Select(math.Pi, none), halfPiHi)
		t = big.Select(root.Add(root).XorSign(x), x.Neg())
	} else {
		base = big.Select(halfPiHi, none)
		t = big.Select(root.Mul(-2), abs)
	}
	y := angle32(base, t, z, arcsineCoefficients32)
	if cosine {
		return y
	}
	return y.XorSign(x)
}

// angle32 is base + t + t z c(z).
func angle32(base, t, z lanes.F, c []float64) lanes.F {
	return base.Add(t.Mul(z).FMA(z.Estrin(c...), t))
}

func atan32(p *lanes.Program, x ...lanes.F) lanes.F {
	abs := p.F(0x1p200).Min(x[0].Abs()) // NaN remains
	steep := abs.Gt(1)
	a, b := steep.Select(p.F(1), abs), steep.Select(abs, p.F(1))
	return arctangent32(p, a, b, steep.Select(halfPiHi, p.F(0)), steep.Select(p.F(-1), 1)).XorSign(x[0])
}

// arctangent32 is base + turn atan(a/b) for 0 <= a <= b, not both 0; turn is 1 or -1.
func arctangent32(p *lanes.Program, a, b, base, turn lanes.F) lanes.F {
	diagonal := a.Gt(b.Mul(math.Sqrt2 - 1))
	t := diagonal.Select(a.Sub(b), a).Div(diagonal.Select(a.Add(b), b))
	base = turn.FMA(diagonal.Select(math.Pi/4, p.F(0)), base)
	return angle32(base, t.XorSign(turn), t.Mul(t), arctangentCoefficients32)
}

// atan232 has operands y and x, whose quotients are normal numbers of float64.
func atan232(p *lanes.Program, y ...lanes.F) lanes.F {
	absY, absX := y[0].Abs(), y[1].Abs()
	a, b := absX.Min(absY), absY.Max(absX) // one of them is NaN where an operand is
	steep := absY.Gt(absX)
	out := p.Rare(beyond(b, 0x1p200).Or(a.Gt(0).Not()), func() []lanes.F {
		one := p.F(1)
		q := a.Div(b.Eq(0).Select(one, b))
		return []lanes.F{a.Eq(math.Inf(1)).And(b.Eq(math.Inf(1))).Select(one, q), one}
	}, a, b)
	negative := p.I(0).Gt(y[1].Bits())
	turn := p.F(1).XorSign(y[1])
	turn = steep.Select(turn.Neg(), turn)
	base := steep.Select(halfPiHi, negative.Select(math.Pi, p.F(0)))
	return arctangent32(p, out[0], out[1], base, turn).XorSign(y[0])
}
