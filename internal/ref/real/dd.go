package real

import (
	"math"
	"math/big"
)

// dd is the sum of two float64 that do not overlap: about 106 bits. The algorithms and their bounds are those of Joldes, Muller
// and Popescu, "Tight and rigorous error bounds for basic building blocks of double-word arithmetic", 2017: with u = 2^-53 the
// relative error of a sum is at most 3u^2 (terms of one sign or not), of a product 5u^2, of a quotient 10u^2. They hold where
// nothing overflows or is subnormal, which the callers see to by scaling. Every product that must not be fused stands in float64().
type dd struct{ hi, lo float64 }

func twoSum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

// quickSum is twoSum for |a| >= |b| or a = 0.
func quickSum(a, b float64) dd {
	s := a + b
	return dd{s, b - (s - a)}
}

func twoProduct(a, b float64) dd {
	p := float64(a * b)
	return dd{p, math.FMA(a, b, -p)}
}

func one(x float64) dd { return dd{x, 0} }

func (a dd) neg() dd { return dd{-a.hi, -a.lo} }

func (a dd) add(b dd) dd {
	s, t := twoSum(a.hi, b.hi), twoSum(a.lo, b.lo)
	v := quickSum(s.hi, s.lo+t.hi)
	return quickSum(v.hi, t.lo+v.lo)
}

func (a dd) sub(b dd) dd { return a.add(b.neg()) }

func (a dd) plus(b float64) dd {
	s := twoSum(a.hi, b)
	return quickSum(s.hi, a.lo+s.lo)
}

func (a dd) mul(b dd) dd {
	p := twoProduct(a.hi, b.hi)
	t := math.FMA(a.lo, b.hi, math.FMA(a.hi, b.lo, float64(a.lo*b.lo)))
	return quickSum(p.hi, p.lo+t)
}

func (a dd) times(b float64) dd {
	p := twoProduct(a.hi, b)
	return quickSum(p.hi, math.FMA(a.lo, b, p.lo))
}

func (a dd) div(b dd) dd {
	t := a.hi / b.hi
	rest := a.sub(b.times(t))
	return quickSum(t, rest.hi/b.hi)
}

// sqrt is one step of Newton's method from the rounded root.
func (a dd) sqrt() dd {
	if a.hi == 0 {
		return dd{}
	}
	s := math.Sqrt(a.hi)
	rest := a.sub(twoProduct(s, s))
	return quickSum(s, rest.hi/(2*s))
}

// scaled is a * 2^n, which must not be subnormal.
func (a dd) scaled(n int) dd {
	return dd{math.Ldexp(a.hi, n), math.Ldexp(a.lo, n)}
}

// double is x as a dd: the float64 nearest to it and the one nearest to the rest.
func double(x *big.Float) dd {
	hi, _ := x.Float64()
	lo, _ := new(big.Float).SetPrec(x.Prec()).Sub(x, big.NewFloat(hi)).Float64()
	return dd{hi, lo}
}

// horner is c[0] + c[1] x + c[2] x^2 + ...: the terms from c[exact] on in float64 alone.
func horner(x dd, c []dd, exact int) dd {
	tail := 0.0
	for i := len(c) - 1; i >= exact; i-- {
		tail = math.FMA(tail, x.hi, c[i].hi)
	}
	sum := one(tail)
	for i := exact - 1; i >= 0; i-- {
		sum = sum.mul(x).add(c[i])
	}
	return sum
}
