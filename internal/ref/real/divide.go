package real

import (
	"math"
	"math/big"
)

// The functions in which only the rounding at the end is inexact. Their special cases are the array API's; fmod's are C's.

// fmod is x - y trunc(x/y), which is always a float. The sign is x's, a zero's too.
func fmod(x, y float64, f format) float64 {
	switch {
	case x != x || y != y || !finite(x) || y == 0:
		return nan
	case !finite(y) || x == 0:
		return x
	}
	q, r := truncated(x, y)
	_ = q
	if r.Sign() == 0 {
		return math.Copysign(0, x)
	}
	return f.nearest(r)
}

// remainder is x - y floor(x/y), rounded once: where fmod has the other sign y is added to it, and what comes out may be y
// itself, as NumPy's is. The sign is y's, a zero's too.
func remainder(x, y float64, f format) float64 {
	switch {
	case x != x || y != y || !finite(x) || y == 0:
		return nan
	case x == 0:
		return math.Copysign(0, y)
	case !finite(y) && (x < 0) == (y < 0):
		return x
	case !finite(y):
		return y
	}
	_, r := truncated(x, y)
	switch {
	case r.Sign() == 0:
		return math.Copysign(0, y)
	case (r.Sign() < 0) != (y < 0):
		r.Add(r, big.NewFloat(y))
	}
	return f.nearest(r)
}

// floorDivide is floor(x/y) of the exact quotient, rounded once to the nearest float. NumPy's npy_divmod gives the same below
// 2^53, and above divides a rounded x - fmod(x, y), which may be one ulp away; we take the definition. An infinite x has an
// infinite quotient, as the array API says first, where NumPy and Python have NaN. x/inf with unlike signs is -1: the floor
// of a small negative number.
func floorDivide(x, y float64, f format) float64 {
	negative := math.Signbit(x) != math.Signbit(y)
	sign := 1.0
	if negative {
		sign = -1
	}
	switch {
	case x != x || y != y || x == 0 && y == 0 || !finite(x) && !finite(y):
		return nan
	case !finite(x) || y == 0:
		return sign * inf
	case x == 0:
		return sign * 0
	case !finite(y) && negative:
		return -1
	case !finite(y):
		return 0
	}
	q, r := truncated(x, y)
	if negative && r.Sign() != 0 {
		q.Sub(q, big.NewInt(1))
	}
	return f.nearest(new(big.Float).SetInt(q))
}

// truncated are the integer quotient of x and y, both finite and y not 0, and the exact rest with the sign of x.
func truncated(x, y float64) (q *big.Int, r *big.Float) {
	a, e := integer(x)
	b, g := integer(y)
	low := min(e, g)
	a.Lsh(a, uint(e-low))
	b.Lsh(b, uint(g-low))
	q, rest := new(big.Int).QuoRem(a, b, new(big.Int))
	r = new(big.Float).SetPrec(2200).SetInt(rest)
	return q, r.SetMantExp(r, low)
}

// integer is x as n * 2^e.
func integer(x float64) (n *big.Int, e int) {
	m, e := math.Frexp(x)
	return big.NewInt(int64(m * 0x1p53)), e - 53
}

// nextAfter is the next float from x toward y: y if they are equal, be it with another sign.
func nextAfter(x, y float64, f format) float64 {
	if x == y {
		return y
	}
	if f == binary32 {
		return float64(math.Nextafter32(float32(x), float32(y)))
	}
	return math.Nextafter(x, y)
}
