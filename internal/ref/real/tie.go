package real

import (
	"math"
	"math/big"
	mathbits "math/bits"
)

// What a longer precision never decides: values that are midpoints. A midpoint of float64 has 54 bits, one of two float32 has
// 25, fewer where the result is subnormal. Of the transcendental functions only the powers meet them: the others are
// transcendental wherever they are not in the table of special cases (Lindemann, Weierstrass; for exp2, log2, log10 Gelfond and
// Schneider), and where log2 or log10 is an integer, or cbrt a number of 18 bits, that is a float and no midpoint.

// tiePow is x^y if that is a number of 64 bits or a power of two: x = m 2^e with m odd, y = n / 2^j with n odd, and m and e
// have 2^j-th roots.
func tiePow(x, y float64) (*big.Float, bool) {
	m, e := oddPart(x)
	n, j := oddPart(y)
	for ; j < 0; j++ {
		root := uint64(math.Sqrt(float64(m)))
		if root*root != m || e%2 != 0 {
			return nil, false
		}
		m, e = root, e/2
	}
	if j > 12 || mathbits.Len64(n) > 13 {
		return nil, false
	}
	times := int(n) << j
	if y < 0 {
		times = -times
	}
	if m > 1 && (times < 0 || times*(mathbits.Len64(m)-1) > 64) {
		return nil, false
	}
	z := big.NewInt(1)
	if m > 1 {
		z.Exp(new(big.Int).SetUint64(m), big.NewInt(int64(times)), nil)
	}
	if x < 0 && odd(big.NewFloat(y)) {
		z.Neg(z)
	}
	value := new(big.Float).SetInt(z)
	return value.SetMantExp(value, e*times), true
}

// oddPart is |x| = n * 2^e with n odd. X is neither 0 nor infinite.
func oddPart(x float64) (n uint64, e int) {
	m, e := integer(math.Abs(x))
	n = m.Uint64()
	shift := mathbits.TrailingZeros64(n)
	return n >> shift, e + shift
}

// tieHypot is the root of x^2 + y^2 if that is rational: of operands more than 2^60 apart it is not, nor near a midpoint.
func tieHypot(x, y float64) (*big.Float, bool) {
	a, e := integer(x)
	b, g := integer(y)
	low := min(e, g)
	if max(e, g)-low > 60 {
		return nil, false
	}
	a.Lsh(a, uint(e-low))
	b.Lsh(b, uint(g-low))
	sum := a.Mul(a, a)
	sum.Add(sum, b.Mul(b, b))
	root := new(big.Int).Sqrt(sum)
	if new(big.Int).Mul(root, root).Cmp(sum) != 0 {
		return nil, false
	}
	value := new(big.Float).SetInt(root)
	return value.SetMantExp(value, low), true
}
