package real

import (
	"math/big"
	"sync"
)

// constantBits is the precision of the constants: the exponent of the largest float64, the most bits that a rounding is tried
// with, and guard bits.
const constantBits = mostBits + 1024 + 4*guard

// pi is Machin's 16 atan(1/5) - 4 atan(1/239).
var pi = sync.OnceValue(func() *big.Float {
	return combined(false, [2]int64{16, 5}, [2]int64{-4, 239})
})

// The logarithms of 2 and of 10, as sums of areatangents: 2 and 10 are products of powers of 32/30, 50/48 and 162/160.
var (
	ln2 = sync.OnceValue(func() *big.Float {
		return combined(true, [2]int64{14, 31}, [2]int64{10, 49}, [2]int64{6, 161})
	})
	ln10 = sync.OnceValue(func() *big.Float {
		return combined(true, [2]int64{46, 31}, [2]int64{34, 49}, [2]int64{20, 161})
	})
)

// combined is the sum of k * atan(1/n) over the terms {k, n}, or of k * atanh(1/n).
func combined(hyperbolic bool, terms ...[2]int64) *big.Float {
	sum := new(big.Int)
	for _, t := range terms {
		a := arctangent(t[1], hyperbolic)
		sum.Add(sum, a.Mul(a, big.NewInt(t[0])))
	}
	whole := new(big.Float).SetPrec(constantBits).SetInt(sum)
	return whole.SetMantExp(whole, -(constantBits + guard))
}

// arctangent is atan(1/n) or atanh(1/n) times 2^(constantBits+guard), by the series in 1/n, every term cut to an integer.
func arctangent(n int64, hyperbolic bool) *big.Int {
	power := new(big.Int).Lsh(big.NewInt(1), constantBits+guard)
	power.Quo(power, big.NewInt(n))
	square := big.NewInt(n * n)
	sum, term := new(big.Int), new(big.Int)
	for k := int64(1); power.Sign() != 0; k += 2 {
		term.Quo(power, big.NewInt(k))
		if !hyperbolic && k%4 == 3 {
			term.Neg(term)
		}
		sum.Add(sum, term)
		power.Quo(power, square)
	}
	return sum
}
