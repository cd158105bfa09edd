package vmath

import "github.com/darray-go/darray/internal/lanes"

// The coefficients for lanes of float32 of (asin r - r)/r^3 for |r| <= 1/2 and of (atan r - r)/r^3 for |r| <= 0.67, in powers
// of r^2, within 2^-31.7 and 2^-30.3; sollya/narrow.sollya.
var (
	arcsineNarrow    = []float64{0x1.55554cp-3, 0x1.3338ap-4, 0x1.6caa42p-5, 0x1.04b3c8p-5, 0x1.d74498p-7, 0x1.33f1bep-5}
	arctangentNarrow = []float64{
		-0x1.55554cp-2, 0x1.99955cp-3, -0x1.243d84p-3, 0x1.c0b4fp-4, -0x1.521f02p-4, 0x1.9f6f14p-5, -0x1.196d3p-6,
	}
)

// narrowTurns are pi and its half as sums of two float32.
var narrowTurns = turns{0x1.921fb6p+1, -0x1.777a5cp-24, 0x1.921fb6p+0, -0x1.777a5cp-25}

func arcsine32(p *lanes.Program, x lanes.F, cosine bool) lanes.F {
	return arcsine(p, x, cosine, narrowTurns, arcsineNarrow)
}

func atan32(p *lanes.Program, x ...lanes.F) lanes.F { return atanBy(p, x[0], arctangent32) }

func atan232(p *lanes.Program, y ...lanes.F) lanes.F {
	return atan2By(p, y[0], y[1], sizes{0x1p60, 0x1p-60, 0x1p-14, 0x1p70}, arctangent32)
}

// arctangent32 is arctangent for lanes of float32. a - b is exact; what a + b rounds is little beside pi/4.
func arctangent32(p *lanes.Program, a, b, k, turn lanes.F) lanes.F {
	diagonal := a.Gt(b.Mul(arctangentCut))
	above, below := diagonal.Select(a.Sub(b), a), diagonal.Select(a.Add(b), b)
	inverse := p.F(1).Div(below)
	q := above.Mul(inverse)
	low := q.FNMA(below, above).Mul(inverse)
	z := q.Mul(q)
	k = k.Add(diagonal.Select(turn, p.F(0)))
	base := dd{k.Mul(narrowTurns.half / 2), k.Mul(narrowTurns.halfLow / 2)}
	base.lo = base.lo.Add(k.FMS(narrowTurns.half/2, base.hi))
	t := dd{q.XorSign(turn), low.FNMA(z, low).XorSign(turn)} // the derivative is 1 - z + ...
	return angle(base, t, z, arctangentNarrow)
}

// arctangentCut is which quotients are brought down by pi/4.
const arctangentCut = 0x1.57p-1
