package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

// piLo is what math.Pi leaves of pi.
const piLo = 0x1.1a62633145c07p-53

// The coefficients for float32: of (sin r)/r for |r| <= pi/2; of it and of cos r for |r| <= pi/4; sollya/trig.sollya.
var (
	sineCoefficients32 = []float64{
		1, -0x1.5555555547112p-3, 0x1.1111110a54714p-7, -0x1.a019fd58bdb41p-13, 0x1.71dcf82b7fc6ep-19, -0x1.ae03f1d47d9efp-26,
		0x1.52db7364d8324p-33,
	}
	shortSineCoefficients32 = []float64{
		1, -0x1.5555555552239p-3, 0x1.1111110c872fap-7, -0x1.a019f9396329bp-13, 0x1.71d76d1339fc8p-19, -0x1.a961a040946c8p-26,
	}
	shortCosineCoefficients32 = []float64{
		1, -0.5, 0x1.5555555553113p-5, -0x1.6c16c1676baa1p-10, 0x1.a019faaa62df2p-16, -0x1.27e02a89e1f5bp-22, 0x1.1bc7c49effb96p-29,
	}
)

// manyTurns32 is where manyTurns begins for float32: below it n is exact, and n times the two parts of pi misses n pi by 2^-80.
const manyTurns32 = 0x1p27

// sine32 is the sine of x, or its cosine: x = n pi + r, and for the cosine n is half an odd number.
func sine32(p *lanes.Program, x lanes.F, cosine bool) lanes.F {
	shifted := x.FMA(1/math.Pi, lanes.Magic)
	n := shifted.Sub(lanes.Magic)
	if cosine {
		x = x.Abs()
		shifted = x.FMA(1/math.Pi, -0.5).Add(lanes.Magic + 1)
		n = shifted.Sub(lanes.Magic).Sub(0.5)
	}
	r := n.FNMA(piLo, n.FNMA(math.Pi, x))
	out := p.Rare(beyond(x.Abs(), manyTurns32), func() []lanes.F {
		if cosine {
			r, n := manyTurns(p, x, func(turns lanes.F) lanes.F { return turns.FMA(0.5, -0.5).Round().FMA(2, 1) })
			return []lanes.F{r.hi, n.FMA(0.5, 0.5).Add(lanes.Magic)}
		}
		r, n := manyTurns(p, x.Abs(), func(turns lanes.F) lanes.F { return turns.Mul(0.5).Round().Mul(2) })
		return []lanes.F{r.hi.XorSign(x), n.FMA(0.5, lanes.Magic)}
	}, r, shifted)
	y := out[0].Mul(out[0].Mul(out[0]).Estrin(sineCoefficients32...))
	return y.XorSign(out[1].Bits().Shl(63).Float())
}

func tan32(p *lanes.Program, x ...lanes.F) lanes.F {
	shifted := x[0].FMA(twoOverPi, lanes.Magic)
	n := shifted.Sub(lanes.Magic)
	r := n.FNMA(halfPiLo, n.FNMA(halfPiHi, x[0]))
	out := p.Rare(beyond(x[0].Abs(), manyTurns32), func() []lanes.F {
		r, n := manyTurns(p, x[0].Abs(), func(turns lanes.F) lanes.F { return turns.Round() })
		return []lanes.F{r.hi.XorSign(x[0]), n.Add(lanes.Magic)}
	}, r, shifted)
	r = out[0]
	u := r.Mul(r)
	sin, cos := r.Mul(u.Estrin(shortSineCoefficients32...)), u.Estrin(shortCosineCoefficients32...)
	code := out[1].Bits()
	swap := odd(p, code)
	y := swap.Select(cos, sin).Div(swap.Select(sin, cos))
	return y.XorSign(code.Shl(63).Float())
}
