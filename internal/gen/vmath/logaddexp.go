package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

var logSums = []Function{
	{
		Name: "LogAddExp", Arity: 2, Doc: "is the logarithm of e^x + e^y, without overflow.",
		Method: "max + log(1 + e^-|x-y|), the exponential and the logarithm in two parts; where max cancels the logarithm, log1p((e^max - 1) + e^min) with both exponentials within 2^-99 by Taylor's series in two parts; in three parts where the result is below 2^-40. The promise holds where the result is above 2^-85",
		Source: "as Exp and Log1p; Dekker 1971; Hida, Li and Bailey 2001; Ogita, Rump and Oishi 2005",
		ULP:    1, ULP32: 1,
		Float64: logAddExp, Float32: logAddExp32,
	},
}

func logAddExp(p *lanes.Program, x ...lanes.F) lanes.F {
	m := x[0].Max(x[1])
	l := logAddExpRest(x[0], x[1], m)
	sum := twoSum(m, l.hi)
	z := sum.hi.Add(sum.lo.Add(l.lo))
	// Below half of l its error is too much; 2^-900: where e^x below was cut off.
	rare := z.Abs().Lt(l.hi.FMA(0.5, 0x1p-900)).Or(largeOrNaN(z, math.Inf(1)))
	return p.RareOne(rare, z, func() lanes.F { return logAddExpNearZero(x[0], x[1], true) })
}

// logAddExpRest is log(1 + e^-|x-y|) within 2^-56 as a sum not normalised; m is the greater operand. Where |x-y| > 700 it is
// that of 700.
func logAddExpRest(x, y, m lanes.F) dd {
	least := y.Min(x) // the one of two that Max does not give, of NaN too
	d := twoSum(least, m.Neg())
	a := reduce(x.Program().F(-700).Max(d.hi)) // keeps NaN
	t := a.r.expSum()
	power := a.power()
	low := d.lo.Lt(1).Select(d.lo, 0) // of the infinite difference none
	t = fastTwoSum(t.hi.Mul(power), t.lo.Mul(power))
	t.lo = low.FMA(t.hi, t.lo)
	// 1 + t = 2^e (1 + f)
	half := t.hi.Mul(0.5)
	below := half.Sub(0.5)
	near := t.hi.Lt(0x1.a827999fcef32p-2) // sqrt(2) - 1
	f := dd{
		near.Select(t.hi, below),
		near.Select(t.lo, t.lo.FMA(0.5, half.Sub(below.Add(0.5)))),
	}
	return split{e: near.Select(0, 1)}.plus(f.log1p())
}

// logAddExpNearZero is the result where the usual way gives one near 0 or no number; the error is below 2^-98 or, where the
// operands may be any floats of 64 bits, below the promise.
func logAddExpNearZero(x, y lanes.F, any64 bool) lanes.F {
	p := x.Program()
	m, least := x.Max(y), y.Min(x)
	c := within(p, m, -2, 1) // near 0 it is above -1.04
	s, n := expm1Long(c)
	power := powerOfTwo(n)
	a := dd{s.hi.Mul(power), s.lo.Mul(power)}.addF(power.Sub(1)) // e^m - 1
	tiny := c.Abs().Lt(0x1p-500)
	a = dd{tiny.Select(c, a.hi), tiny.Select(0, a.lo)}
	s, n = expm1Long(within(p, least, -760, 1))
	b := s.addF(p.F(1))
	b = dd{twoPowers(b.hi, n), twoPowers(b.lo, n)}
	// The first parts may cancel.
	high, low := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	sum := twoSum(high.hi, high.lo.Add(low.hi))
	r := dd{sum.hi, sum.lo.Add(low.lo)}.log1p().value()
	if any64 {
		r = p.RareOne(r.Abs().Lt(c.Abs().Mul(0x1p-40)), r, func() lanes.F { return logAddExpAtZero(c, least) })
		lost := twoPowers(s.hi.Add(1), n.Add(300)).Add(m.Mul(0x1p300)) // of a result that underflows, its sign
		r = r.Eq(0).And(lost.Lt(0)).Select(math.Copysign(0, -1), r)
	}
	r = least.Sub(m).Lt(-1e300).Or(m.Abs().Eq(p.Inf())).Select(m.Add(0), r)
	return x.Unordered(y).Select(p.NaN(), r)
}

// logAddExpAtZero is the result where it is below 2^-40, though m, the greater operand, is not.
func logAddExpAtZero(m, least lanes.F) lanes.F {
	p := m.Program()
	s, n := expm1Triple(m)
	power := powerOfTwo(n)
	s = s.times(power)
	t, n := expm1Triple(p.F(-700).Max(least.Min(1)))
	other := powerOfTwo(n)
	t = t.times(other)
	z := accurateSum(s.low, t.low, s.mid, t.mid, s.hi, t.hi, other, power.Sub(1))
	return z.hi.Add(z.hi.FMA(z.hi.Mul(-0.5), z.lo)) // log(1 + z)
}

// ln2Third is log 2 - ln2Hi - ln2Lo.
const ln2Third = 0x1.cc01f97b57a08p-87

// expm1Long is s and n of e^x = 2^n (1 + s), s within 2^-99 of it or of 2^-3, for |x| < 1000: r/8 by Taylor's series, whose
// first terms have two parts, then (e^v + 1)(e^v - 1) three times.
func expm1Long(x lanes.F) (dd, lanes.F) {
	n := x.FMA(log2e, lanes.Magic).Sub(lanes.Magic)
	t := twoProd(n, x.Program().F(ln2Lo))
	r := twoSum(n.FNMA(ln2Hi, x), t.hi.Neg())
	r = fastTwoSum(r.hi, n.FNMA(ln2Third, r.lo.Sub(t.lo)))
	r = dd{r.hi.Mul(0.125), r.lo.Mul(0.125)}
	rest := make([]float64, 9)
	for i := range rest {
		rest[i] = inverseFactorial(8 + i)[0]
	}
	s := r.mulF(r.hi.Estrin(rest...))
	for k := 7; k > 0; k-- {
		f := inverseFactorial(k)
		s = r.mul(s.add(dd{x.Program().F(f[0]), x.Program().F(f[1])}))
	}
	for range 3 {
		s = s.mul(s.addF(x.Program().F(2)))
	}
	return s, n
}

// log1pTo1 are (log(1+t)/t - 1)/t within 2^-43.5 of the logarithm for t in [0, 1]; sollya/log.sollya.
var log1pTo1 = []float64{
	-0x1.ffffffff8688bp-2, 0x1.55555522f936ap-2, -0x1.fffff14553ab5p-3, 0x1.999880458a7c8p-3, -0x1.5548bb54f3ab2p-3, 0x1.24332ee6fde6fp-3,
	-0x1.fc1681537c055p-4, 0x1.b8275f8d3992ep-4, -0x1.6ed61056c922ap-4, 0x1.16b7c9ceb8737p-4, -0x1.69228363aaa7p-5, 0x1.7232823ee1815p-6,
	-0x1.12a01316ae744p-7, 0x1.021484bdbd093p-9, -0x1.c8e50fb1c4444p-13,
}

// logAddExp32 has the error of some 2^-43 of the greater operand, so that near 0 it is as logAddExp. e^-105 is lost beside the
// least float32.
func logAddExp32(p *lanes.Program, x ...lanes.F) lanes.F {
	m := x[0].Max(x[1])
	c := p.F(-105).Max(x[1].Min(x[0]).Sub(m))
	shifted := c.FMA(log2e, lanes.Magic)
	r := shifted.Sub(lanes.Magic).FNMA(ln2, c)
	t := exponential32(r).Mul(reduced{n: shifted}.power())
	l := t.Mul(t).FMA(t.Estrin(log1pTo1...), t)
	z := m.Add(l)
	rare := z.Abs().Lt(l.FMA(0x1p-12, 0x1p-180)).Or(largeOrNaN(z, math.Inf(1)))
	return p.RareOne(rare, z, func() lanes.F { return logAddExpNearZero(x[0], x[1], false) })
}
