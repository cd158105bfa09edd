package vmath

import (
	"math/big"

	"github.com/darray-go/darray/internal/lanes"
)

// triple is a number as a sum of three floats, each at most about a unit in the last place of the one before: some 150 bits
// (Hida, Li and Bailey, "Algorithms for quad-double precision floating point arithmetic", 2001, with one part less).
type triple struct{ hi, mid, low lanes.F }

// settled is the sum of three where each is far below the one before, or was before it cancelled a little.
func settled(hi, mid, low lanes.F) triple {
	a := fastTwoSum(hi, mid)
	b := fastTwoSum(a.lo, low)
	c := fastTwoSum(a.hi, b.hi)
	return triple{c.hi, c.lo, b.lo}
}

func (a triple) add(b triple) triple {
	s, t := twoSum(a.hi, b.hi), twoSum(a.mid, b.mid)
	u := twoSum(s.lo, t.hi)
	return settled(s.hi, u.hi, u.lo.Add(t.lo.Add(a.low.Add(b.low))))
}

func (a triple) mul(b triple) triple {
	p, q, r := twoProd(a.hi, b.hi), twoProd(a.hi, b.mid), twoProd(a.mid, b.hi)
	s := twoSum(q.hi, r.hi)
	t := twoSum(p.lo, s.hi)
	low := a.hi.FMA(b.low, a.low.FMA(b.hi, a.mid.FMA(b.mid, q.lo.Add(r.lo))))
	return settled(p.hi, t.hi, low.Add(s.lo.Add(t.lo)))
}

// times is a times a power of two.
func (a triple) times(power lanes.F) triple {
	return triple{a.hi.Mul(power), a.mid.Mul(power), a.low.Mul(power)}
}

// expm1Triple is s and n of e^x = 2^n (1 + s), s within some 2^-145, for |x| < 1000: as expm1Long, with a part more.
func expm1Triple(x lanes.F) (triple, lanes.F) {
	n := x.FMA(log2e, lanes.Magic).Sub(lanes.Magic)
	t := twoProd(n, x.Program().F(ln2Lo))
	a := twoSum(n.FNMA(ln2Hi, x), t.hi.Neg())
	b := twoSum(a.lo, t.lo.Neg())
	c := twoSum(b.hi, n.Mul(-ln2Third))
	r := settled(a.hi, c.hi, b.lo.Add(c.lo)).times(x.Program().F(0.125))
	rest := make([]float64, 9)
	for i := range rest {
		rest[i] = inverseFactorial(15 + i)[0]
	}
	two := dd{r.hi, r.mid}
	d := two.mulF(r.hi.Estrin(rest...))
	for k := 14; k > 8; k-- {
		f := inverseFactorial(k)
		d = two.mul(d.add(dd{x.Program().F(f[0]), x.Program().F(f[1])}))
	}
	s := triple{d.hi, d.lo, x.Program().F(0)}
	for k := 8; k > 0; k-- {
		s = r.mul(s.add(constantTriple(x.Program(), inverseFactorial(k))))
	}
	for range 3 {
		s = s.mul(s.add(constantTriple(x.Program(), [3]float64{2})))
	}
	return s, n
}

func constantTriple(p *lanes.Program, f [3]float64) triple {
	return triple{p.F(f[0]), p.F(f[1]), p.F(f[2])}
}

// inverseFactorial is 1/k! in three parts.
func inverseFactorial(k int) (parts [3]float64) {
	v := new(big.Float).SetPrec(300).SetInt(new(big.Int).MulRange(1, int64(k)))
	v.Quo(big.NewFloat(1).SetPrec(300), v)
	for i := range parts {
		parts[i], _ = v.Float64()
		v.Sub(v, big.NewFloat(parts[i]))
	}
	return parts
}

// accurateSum is the sum of terms that may cancel, as if in four times the precision (Ogita, Rump and Oishi, "Accurate sum
// and dot product", 2005, SumK).
func accurateSum(terms ...lanes.F) dd {
	last := len(terms) - 1
	for range 3 {
		for i := range last {
			s := twoSum(terms[i+1], terms[i])
			terms[i+1], terms[i] = s.hi, s.lo
		}
	}
	rest := terms[0]
	for _, t := range terms[1:last] {
		rest = rest.Add(t)
	}
	return fastTwoSum(terms[last], rest)
}
