package vmath

import (
	"github.com/darray-go/darray/internal/lanes"
)

// The polynomials for lanes of float32, for 1 + f in [sqrt(1/2), sqrt(2)]: (log(1+f)/f - 1)/f and the same to bases 2 and 10
// less the inverses of log 2 and log 10; within 2^-30.3, 2^-30.1 and 2^-29.5 of the logarithm; sollya/narrow.sollya.
var (
	logNarrow = []float64{
		-0x1p-1, 0x1.555548p-2, -0x1.000008p-2, 0x1.99a478p-3, -0x1.555b8cp-3, 0x1.233af6p-3, -0x1.fc3e3ap-4, 0x1.e6dd24p-4,
		-0x1.dd992ap-4, 0x1.13be0cp-4,
	}
	log2Narrow = []float64{
		-0x1.715476p-1, 0x1.ec7088p-2, -0x1.7154b6p-2, 0x1.277f38p-2, -0x1.ec6f2p-3, 0x1.a40d22p-3, -0x1.6f0954p-3, 0x1.603298p-3,
		-0x1.570c7ap-3, 0x1.86f59cp-4,
	}
	log10Narrow = []float64{
		-0x1.bcb7b2p-3, 0x1.287a68p-3, -0x1.bcb72ep-4, 0x1.63d074p-4, -0x1.2892e6p-4, 0x1.f9e70ap-5, -0x1.b774eep-5, 0x1.a53fe8p-5,
		-0x1.a8348p-5, 0x1.fa50aap-6,
	}
)

// The inverses of log 2 and log 10 in two parts, and log10(2), whose first part has 7 zeros at its end.
const (
	log2eTail32   = 0x1.4ae0cp-26
	log10e32      = 0x1.bcb7b2p-2
	log10eTail32  = -0x1.5b235ep-27
	log10Two32    = 0x1.3441p-2
	log10TwoLow32 = 0x1.a84fbcp-21
)

// splitNormal32 is splitNormal for lanes of float32.
func splitNormal32(x lanes.F) split {
	const rootHalf = 0x3f3504f3 // the bits of sqrt(1/2)
	t := x.Bits().Add(0x3f800000 - rootHalf)
	biased := t.Shr(23)
	return split{
		biased.Or(0x4b000000).Float().Sub(0x1p23 + 127),
		t.And(1<<23 - 1).Add(rootHalf).Float(), biased,
	}
}

// splitPositive32 is it for subnormal x too. Of what has no logarithm it is something that only a region may replace.
func splitPositive32(p *lanes.Program, x lanes.F) split {
	scaled := p.Rare(x.Lt(0x1p-126), func() []lanes.F {
		return []lanes.F{x.Mul(0x1p25), p.F(25)}
	}, x, p.F(0))
	s := splitNormal32(scaled[0])
	s.e = s.e.Sub(scaled[1])
	return s
}

// narrowLog is e log 2 + log(1 + f) + low for lanes of float32.
func (s split) narrowLog(f, low lanes.F) lanes.F {
	sum := fastTwoSum(s.e.Mul(ln2Hi32), f) // the product is exact
	z := f.Mul(f)
	tail := s.e.FMA(ln2Lo32, low)
	return sum.hi.Add(sum.lo.Add(z.FMA(inWays(f, 2, logNarrow...), tail)))
}

// toBase is the logarithm to another base for lanes of float32: e base + f (c + tail) + f^2 P(f), where e*base.hi is
// exact; what f^2 rounds counts too.
func (s split) toBase(base dd, c, tail float64, coefficients []float64) lanes.F {
	f := s.m.Sub(1)
	h := f.Mul(c)
	sum := fastTwoSum(s.e.Mul(base.hi), h)
	square := f.Mul(f)
	low := f.FMS(f, square).FMA(coefficients[0], f.FMA(tail, f.FMS(c, h)))
	if base.lo != (lanes.F{}) {
		low = s.e.FMA(base.lo, low)
	}
	return sum.hi.Add(sum.lo.Add(square.FMA(inWays(f, 2, coefficients...), low)))
}

func log32(p *lanes.Program, x ...lanes.F) lanes.F {
	s := splitPositive32(p, x[0])
	return unlogged(p, x[0], x[0], s.narrowLog(s.m.Sub(1), p.F(0)), 0)
}

func log232(p *lanes.Program, x ...lanes.F) lanes.F {
	s := splitPositive32(p, x[0])
	return unlogged(p, x[0], x[0], s.toBase(dd{hi: p.F(1)}, log2e32, log2eTail32, log2Narrow), 0)
}

func log1032(p *lanes.Program, x ...lanes.F) lanes.F {
	s := splitPositive32(p, x[0])
	y := s.toBase(dd{p.F(log10Two32), p.F(log10TwoLow32)}, log10e32, log10eTail32, log10Narrow)
	return unlogged(p, x[0], x[0], y, 0)
}

func log1p32(p *lanes.Program, x ...lanes.F) lanes.F {
	one := twoSum(x[0], p.F(1))
	s := splitNormal32(one.hi)
	near := s.biased.Eq(127) // 1 + x needs no splitting
	f := near.Select(x[0], s.m.Sub(1))
	inverse := p.I(254).Sub(s.biased).Shl(23).Float().Max(0) // 2^-e, or 0
	low := near.Select(0, one.lo.Mul(inverse))
	y := s.narrowLog(f, f.FMS(f, f).Add(1).Mul(low)) // 1/(1+f) within 2^-4
	y = y.CopySign(x[0])                             // of -0; of others it is right
	return unlogged(p, x[0], x[0].Add(1), y, -1)
}
