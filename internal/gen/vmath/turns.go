package vmath

import (
	"math"
	"math/big"

	"github.com/darray-go/darray/internal/lanes"
)

// The table has 2/pi for each group of groupExponents exponents, without the bits whose product with an argument of the group
// is a multiple of four, times 2^turnsScale, as a sum of four floats.
const (
	groupExponents = 16
	turnsParts     = 4
	turnsScale     = 300
)

// manyTurns is Payne and Hanek's reduction ("Radian reduction for trigonometric functions", 1983) with floats for integers: x
// times 2/pi in exact products of a float and a part, each taken modulo four. x = n pi/2 + r, where nearest chooses n, modulo
// four, from x times 2/pi; r is NaN for an infinity. The closest that a float comes to a multiple of pi/2 is some 2^-61; r is
// within 2^-140 of the truth and so within 2^-79 of itself.
func manyTurns(p *lanes.Program, x lanes.F, nearest func(turns lanes.F) lanes.F) (r dd, n lanes.F) {
	table := p.Table("Turns", turnsTable())
	first := x.Bits().Shr(54).And((1024/groupExponents - 1) * turnsParts)
	part := func(i int) lanes.F { return table.At(first.Or(uint64(i))).Float() }
	modulo4 := func(x lanes.F) lanes.F { return x.Mul(0.25).Round().FNMA(4, x) }

	x = x.Mul(math.Ldexp(1, -turnsScale))
	a, b, c := twoProd(x, part(0)), twoProd(x, part(1)), twoProd(x, part(2))
	top := twoSum(modulo4(a.hi), modulo4(a.lo))
	next := twoSum(top.hi, modulo4(b.hi))
	n = nearest(next.hi)
	turns := twoSum(next.hi.Sub(n), b.lo)
	turns = turns.addF(c.hi).addF(top.lo).addF(next.lo).addF(x.FMA(part(3), c.lo))
	return turns.mul(dd{p.F(halfPiHi), p.F(halfPiLo)}), n
}

// turnsTable makes the table, for |x| >= 2.
func turnsTable() []uint64 {
	const precision = 1400
	words := make([]uint64, 0, 1024/groupExponents*turnsParts)
	half := new(big.Float).SetPrec(precision).SetMantExp(bigPi(precision), -1)
	turn := new(big.Float).SetPrec(precision).Quo(big.NewFloat(1), half)
	for group := range 1024 / groupExponents {
		least := 1 + group*groupExponents // the least exponent: biased, it is a multiple
		drop := new(big.Float).SetMantExp(turn, least-54)
		whole, _ := drop.Int(nil)
		drop.Sub(drop, new(big.Float).SetPrec(precision).SetInt(whole))
		rest := drop.SetMantExp(drop, 54-least+turnsScale)
		for range turnsParts {
			f, _ := rest.Float64()
			words = append(words, math.Float64bits(f))
			rest.Sub(rest, big.NewFloat(f))
		}
	}
	return words
}

// bigPi is pi by Machin's formula, 16 arctan(1/5) - 4 arctan(1/239).
func bigPi(precision uint) *big.Float {
	one := new(big.Int).Lsh(big.NewInt(1), precision+64)
	arctan := func(of int64) *big.Int {
		sum, power := new(big.Int), new(big.Int).Div(one, big.NewInt(of))
		for i := int64(1); power.Sign() != 0; i += 4 {
			sum.Add(sum, new(big.Int).Div(power, big.NewInt(i)))
			power.Div(power, big.NewInt(of*of))
			sum.Sub(sum, new(big.Int).Div(power, big.NewInt(i+2)))
			power.Div(power, big.NewInt(of*of))
		}
		return sum
	}
	pi := new(big.Int).Mul(arctan(5), big.NewInt(16))
	pi.Sub(pi, new(big.Int).Mul(arctan(239), big.NewInt(4)))
	scaled := new(big.Float).SetPrec(precision).SetInt(pi)
	return scaled.SetMantExp(scaled, -int(precision+64))
}
