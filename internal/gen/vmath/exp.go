package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

// log2e is 1/log 2; ln2 its inverse in parts: the first has 21 zeros at its end, so that its product with an exponent is exact.
const (
	log2e = 0x1.71547652b82fep+0
	ln2Hi = 0x1.62e42feep-1
	ln2Lo = 0x1.a39ef35793c76p-33
	ln2   = 0x1.62e42fefa39efp-1
)

var exponentials = []Function{
	{
		Name: "Exp", Arity: 1, Doc: "is e to the power of x.",
		Method: "x = n log 2 + r with |r| <= (log 2)/2, Cody and Waite's reduction, r as a difference of two floats of which the first is exact; minimax polynomial of degree 11, 6 for float32; scaled by 2^n, in two steps where the result may be subnormal",
		Source: "Cody and Waite 1980; Muller, Elementary Functions, 3rd ed., ch. 11",
		ULP:    1, ULP32: 1,
		Float64: exp, Float32: exp32, Narrow: true,
	},
	{
		Name: "Exp2", Arity: 1, Doc: "is 2 to the power of x.",
		Method: "x = n + r with |r| <= 1/2, exact; minimax polynomial of degree 11; scaled as Exp",
		Source: "Muller, Elementary Functions, 3rd ed., ch. 11",
		ULP:    1, ULP32: 1,
		Float64: exp2, Float32: exp232, Narrow: true,
	},
	{
		Name: "Expm1", Arity: 1, Doc: "is e to the power of x, less 1, without the cancellation near 0.",
		Method: "reduction as Exp; r + r*r/2 exact in two parts, minimax polynomial of degree 12 for the rest; 2^n (1 + s) - 1 in two parts",
		Source: "Muller, Elementary Functions, 3rd ed., ch. 11",
		ULP:    1, ULP32: 1,
		Float64: expm1, Float32: expm132,
	},
}

// The coefficients come from sollya/exp.sollya, for |r| <= (log 2)/2 where nothing else is said. expCoefficients are
// (e^r - 1 - r)/r^2 within 2^-57.8 of e^r.
var expCoefficients = []float64{
	0x1.000000000000ap-1, 0x1.55555555554fdp-3, 0x1.55555555506a3p-5, 0x1.1111111126ec7p-7, 0x1.6c16c1847fa3fp-10,
	0x1.a01a012ede077p-13, 0x1.a0199941cbcabp-16, 0x1.71df1b00a32cp-19, 0x1.28ae1bd8fac9ap-22, 0x1.ad901f1640da5p-26,
}

// exp32Coefficients are the same within 2^-45.7 of e^r.
var exp32Coefficients = []float64{
	0x1.fffffffff1306p-2, 0x1.555555558a272p-3, 0x1.5555557e0e1ebp-5, 0x1.1111108dc5684p-7, 0x1.6c163ba47d967p-10,
	0x1.a01b74486de07p-13, 0x1.a16e8a6a7052ap-16, 0x1.710144ebc09bcp-19,
}

// exp2Coefficients are (2^r - 1 - r ln2)/r^2 for |r| <= 1/2, within 2^-56.4 of 2^r.
var exp2Coefficients = []float64{
	0x1.ebfbdff82c598p-3, 0x1.c6b08d704a1d3p-5, 0x1.3b2ab6fba1ec4p-7, 0x1.5d87fe787493ap-10, 0x1.4309130944095p-13,
	0x1.ffcbfd479e5bap-17, 0x1.62bfd4df40b7ep-20, 0x1.b52335e6fe7d5p-24, 0x1.e60595a88c4ap-28, 0x1.ec6b62822310bp-32,
}

// expm1Coefficients are (e^r - 1 - r - r^2/2)/r^3 such that the sum is within 2^-61.6 r of e^r - 1.
var expm1Coefficients = []float64{
	0x1.5555555555559p-3, 0x1.5555555555559p-5, 0x1.111111110f649p-7, 0x1.6c16c16c14804p-10, 0x1.a01a01b00ad7bp-13,
	0x1.a01a01b02fecfp-16, 0x1.71ddf7f8a0b5dp-19, 0x1.27e4c610d62d2p-22, 0x1.af5f5933b9b3cp-26, 0x1.1f955842506d2p-29,
}

// expm132Coefficients are (e^r - 1 - r)/r^2 such that the sum is within 2^-43.5 r of e^r - 1.
var expm132Coefficients = []float64{
	0x1.fffffffff7342p-2, 0x1.555555554f627p-3, 0x1.55555574103ap-5, 0x1.111111295a0ebp-7, 0x1.6c164e0d082p-10,
	0x1.a0197fe3289b5p-13, 0x1.a15a48cd898bp-16, 0x1.72f7f097867cap-19,
}

// reduced is x = n log 2 + r, |r| <= (log 2)/2: n as the low bits of a float that had Magic added.
type reduced struct {
	n lanes.F
	r dd
}

// reduce is it for |x| < 1100, r within 2^-80 or so; of another x it is something that only a region may replace.
func reduce(x lanes.F) reduced {
	shifted := x.FMA(log2e, lanes.Magic)
	n := shifted.Sub(lanes.Magic)
	z := n.FNMA(ln2Hi, x) // exact
	r := n.FNMA(ln2Lo, z)
	return reduced{shifted, dd{r, n.FNMA(ln2Lo, z.Sub(r))}}
}

// apart is x = n log 2 + z - c, where z is exact and about r, which is z - c rounded: c is so small that its error does not
// matter. n is as in reduced.
type apart struct{ n, z, c, r lanes.F }

// reduceApart is it as reduce is.
func reduceApart(x lanes.F) apart {
	shifted := x.FMA(log2e, lanes.Magic)
	n := shifted.Sub(lanes.Magic)
	z, c := n.FNMA(ln2Hi, x), n.Mul(ln2Lo)
	return apart{shifted, z, c, z.Sub(c)}
}

// power is 2^n, for -1022 <= n <= 1023.
func (a reduced) power() lanes.F { return a.n.Bits().Add(1023).Shl(52).Float() }

// expSum is e^r within 2^-57 of it; not normalised: the second part is below 2^-3 of the first.
func (r dd) expSum() dd {
	s := fastTwoSum(r.hi.Program().F(1), r.hi)
	p := inWays(r.hi, 2, expCoefficients...)
	return dd{s.hi, s.lo.Add(r.hi.Mul(r.hi).FMA(p, r.lo))}
}

// exp is its value.
func (r dd) exp() lanes.F { return r.expSum().value() }

// expm1 is e^r - 1 for |r| <= (log 2)/2, as a sum within 2^-59 of it whose second part is below 2^-5 of the first; not
// normalised. Where r.lo is 0 and r.hi tiny it is r.
func (r dd) expm1() dd {
	half := r.hi.Mul(0.5)
	h := half.Mul(r.hi)
	s := fastTwoSum(r.hi, h)
	low := r.lo.FMA(r.hi, r.lo).Add(half.FMS(r.hi, h)) // of r + r^2/2
	cube := h.Add(h).Mul(r.hi)
	return dd{s.hi, cube.FMA(inWays(r.hi, 2, expm1Coefficients...), s.lo.Add(low))}
}

func exp(p *lanes.Program, x ...lanes.F) lanes.F {
	a := reduceApart(x[0])
	q := a.z.Add(a.r.Mul(a.r).FMS(inWays(a.r, 2, expCoefficients...), a.c))
	return scale(x[0], q.Add(1), a.n, 708, -746, 709.8)
}

func exp2(p *lanes.Program, x ...lanes.F) lanes.F {
	shifted := x[0].Add(lanes.Magic)
	r := x[0].Sub(shifted.Sub(lanes.Magic)) // exact
	q := r.FMA(ln2, r.Mul(r).Mul(inWays(r, 2, exp2Coefficients...)))
	return scale(x[0], q.Add(1), shifted, 1022, -1076, 1024)
}

// expm1 is 2^n e^r - 1 for -1022 <= n <= 1023, within 2^-57 of it; not normalised: the second part is below 2^-3 of the first.
// 0 for -0.
func (a reduced) expm1() dd {
	s := a.r.expm1()
	t := fastTwoSum(s.hi.Program().F(1), s.hi)
	power := a.power()
	u := twoSum(t.hi.Mul(power), s.hi.Program().F(-1))
	return dd{u.hi, t.lo.Add(s.lo).FMA(power, u.lo)}
}

func expm1(p *lanes.Program, x ...lanes.F) lanes.F {
	a := reduce(p.F(-100).Max(x[0])) // keeps NaN; e^-100 is lost beside 1
	y := a.expm1().value()
	y = y.Bits().Or(x[0].Bits().And(signBit)).Float() // of -0
	return p.RareOne(x[0].Ge(708), y, func() lanes.F {
		return x[0].Ge(709.8).Select(p.Inf(), twoPowers(a.r.exp(), a.n.Sub(lanes.Magic)))
	})
}

const signBit = uint64(1) << 63

// within is x between two limits, or NaN.
func within(p *lanes.Program, x lanes.F, least, most float64) lanes.F {
	return p.F(most).Min(p.F(least).Max(x))
}

// exponential32 is e^r within 2^-45.
func exponential32(r lanes.F) lanes.F {
	return r.Mul(r).FMA(r.Estrin(exp32Coefficients...), r).Add(1)
}

func expm132(p *lanes.Program, x ...lanes.F) lanes.F {
	c := within(p, x[0], -200, 200)
	shifted := c.FMA(log2e, lanes.Magic)
	r := shifted.Sub(lanes.Magic).FNMA(math.Ln2, c)
	s := r.Mul(r).FMA(r.Estrin(expm132Coefficients...), r)
	power := reduced{n: shifted}.power()
	y := s.FMA(power, power.Sub(1))
	return y.Bits().Or(x[0].Bits().And(signBit)).Float() // of -0
}
