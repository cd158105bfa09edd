package vmath

import "github.com/darray-go/darray/internal/lanes"

// dd is a number as an unevaluated sum of two floats, the second at most half a unit in the last place of the first: some 106
// bits (Dekker, "A floating-point technique for extending the available precision", 1971).
type dd struct{ hi, lo lanes.F }

// twoSum is x + y exactly (Knuth, TAOCP 2, 4.2.2); fastTwoSum too, where x is 0 or not smaller than y.
func twoSum(x, y lanes.F) dd {
	s := x.Add(y)
	b := s.Sub(x)
	return dd{s, x.Sub(s.Sub(b)).Add(y.Sub(b))}
}

func fastTwoSum(x, y lanes.F) dd {
	s := x.Add(y)
	return dd{s, y.Sub(s.Sub(x))}
}

// twoProd is x * y exactly, where the product's tail is not subnormal.
func twoProd(x, y lanes.F) dd {
	h := x.Mul(y)
	return dd{h, x.FMS(y, h)}
}

// add is a + b within 2^-104 of |a| + |b|, so that much where they do not cancel.
func (a dd) add(b dd) dd {
	s := twoSum(a.hi, b.hi)
	return fastTwoSum(s.hi, s.lo.Add(a.lo.Add(b.lo)))
}

// addF is a + y.
func (a dd) addF(y lanes.F) dd {
	s := twoSum(a.hi, y)
	return fastTwoSum(s.hi, s.lo.Add(a.lo))
}

// mul is a * b within 2^-102 of it.
func (a dd) mul(b dd) dd {
	p := twoProd(a.hi, b.hi)
	return fastTwoSum(p.hi, a.hi.FMA(b.lo, a.lo.FMA(b.hi, p.lo)))
}

// mulF is a * y.
func (a dd) mulF(y lanes.F) dd {
	p := twoProd(a.hi, y)
	return fastTwoSum(p.hi, a.lo.FMA(y, p.lo))
}

// value is the sum rounded.
func (a dd) value() lanes.F { return a.hi.Add(a.lo) }
