package sim

import (
	"math"
	"math/big"
)

// Rounding other than to nearest. A float64 operation is done to nearest, then moved by one step where the exact result, found
// by math/big, lies on the other side. A float32 operation is done in float64 with its last bit set where it was not exact
// (rounding to odd: S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums", 2008), which leaves enough for the
// one rounding to 24 bits that follows.

// toward moves r, nearest to the exact result, as the mode asks; c is the order of the exact result against r.
func toward(r float64, c int, mode string) float64 {
	switch {
	case c == 0 || mode == "rn" || r != r:
		return r
	case mode == "rm" && c < 0, mode == "rz" && c < 0 && !math.Signbit(r):
		return math.Nextafter(r, math.Inf(-1))
	case mode == "rp" && c > 0, mode == "rz" && c > 0 && math.Signbit(r):
		return math.Nextafter(r, math.Inf(1))
	}
	return r
}

func exact(x float64) *big.Float { return new(big.Float).SetPrec(4400).SetFloat64(x) }

func finite(xs ...float64) bool {
	for _, x := range xs {
		if x-x != 0 {
			return false
		}
	}
	return true
}

// compare holds an exact number against r.
func compare(v *big.Float, r float64) int {
	if math.IsInf(r, 1) {
		return -1
	}
	if math.IsInf(r, -1) {
		return 1
	}
	return v.Cmp(exact(r))
}

// zeroSum is the sign of an exact sum of zero: minus for .rm, unless both parts are plus.
func zeroSum(r float64, x, y float64, mode string) float64 {
	if r == 0 && mode == "rm" && (math.Signbit(x) || math.Signbit(y)) {
		return math.Copysign(0, -1)
	}
	return r
}

func add64(x, y, _ float64, mode string) float64 {
	r := x + y
	if mode == "rn" || !finite(x, y) {
		return r
	}
	sum := exact(x)
	sum.Add(sum, exact(y))
	return zeroSum(toward(r, compare(sum, r), mode), x, y, mode)
}

func sub64(x, y, _ float64, mode string) float64 { return add64(x, -y, 0, mode) }

func mul64(x, y, _ float64, mode string) float64 {
	r := x * y
	if mode == "rn" || !finite(x, y) {
		return r
	}
	p := exact(x)
	p.Mul(p, exact(y))
	return toward(r, compare(p, r), mode)
}

func fma64(x, y, z float64, mode string) float64 {
	r := math.FMA(x, y, z)
	if mode == "rn" || !finite(x, y, z) {
		return r
	}
	p := exact(x)
	p.Mul(p, exact(y))
	negative := math.Signbit(x) != math.Signbit(y)
	sum := new(big.Float).SetPrec(4400).Add(p, exact(z))
	if sum.Sign() == 0 && mode == "rm" && (negative || math.Signbit(z)) {
		return math.Copysign(0, -1)
	}
	return toward(r, compare(sum, r), mode)
}

func div64(x, y, _ float64, mode string) float64 {
	r := x / y
	if mode == "rn" || !finite(x, y) || y == 0 {
		return r
	}
	if math.IsInf(r, 0) { // beyond the greatest number
		return toward(r, map[bool]int{true: -1, false: 1}[r > 0], mode)
	}
	p := exact(r)
	p.Mul(p, exact(y))
	c := exact(x).Cmp(p) // x against r*y
	if y < 0 {
		c = -c
	}
	return toward(r, c, mode)
}

func rcp64(x, _, _ float64, mode string) float64 { return div64(1, x, 0, mode) }

func sqrt64(x, _, _ float64, mode string) float64 {
	r := math.Sqrt(x)
	if mode == "rn" || !finite(x) || x <= 0 {
		return r
	}
	p := exact(r)
	p.Mul(p, exact(r))
	return toward(r, exact(x).Cmp(p), mode)
}

// odd sets the last bit of s where the exact result is s+e with e not zero.
func odd(s, e float64) float64 {
	b := math.Float64bits(s)
	if e == 0 || s-s != 0 || b&1 == 1 {
		return s
	}
	if s == 0 {
		return e
	}
	if (e > 0) == (s > 0) {
		return math.Float64frombits(b + 1)
	}
	return math.Float64frombits(b - 1)
}

// narrow rounds an odd-rounded float64 to float32.
func narrow(s float64, mode string) float32 {
	r := float32(s)
	if mode == "rn" || s-s != 0 {
		return r
	}
	c := 0
	if w := float64(r); s < w {
		c = -1
	} else if s > w {
		c = 1
	}
	switch {
	case mode == "rm" && c < 0, mode == "rz" && c < 0 && s > 0:
		return math.Nextafter32(r, float32(math.Inf(-1)))
	case mode == "rp" && c > 0, mode == "rz" && c > 0 && s < 0:
		return math.Nextafter32(r, float32(math.Inf(1)))
	}
	return r
}

// sum is x+y and what rounding lost (D. Knuth's TwoSum, exact for any order of the two).
func sum(x, y float64) (s, e float64) {
	s = x + y
	t := s - x
	return s, (x - (s - t)) + (y - t)
}

func fma32(x, y, z float32, mode string) float32 {
	p := float64(x) * float64(y) // exact: 48 bits
	s, e := sum(p, float64(z))
	if s-s != 0 {
		return float32(s)
	}
	if s == 0 && e == 0 {
		return float32(zeroSum(s, p, float64(z), mode))
	}
	return narrow(odd(s, e), mode)
}

func add32(x, y, _ float32, mode string) float32 {
	if mode == "rn" {
		return x + y
	}
	return fma32(x, 1, y, mode)
}

func sub32(x, y, _ float32, mode string) float32 { return add32(x, -y, 0, mode) }

func mul32(x, y, _ float32, mode string) float32 {
	if mode == "rn" {
		return x * y
	}
	return narrow(float64(x)*float64(y), mode)
}

func div32(x, y, _ float32, mode string) float32 {
	if mode == "rn" {
		return x / y
	}
	a, b := float64(x), float64(y)
	q := a / b
	if q-q != 0 || b-b != 0 {
		return float32(q)
	}
	e := math.FMA(-q, b, a) // of the sign of what the quotient lacks, where the divisor is positive
	if b < 0 {
		e = -e
	}
	return narrow(odd(q, e), mode)
}

func rcp32(x, _, _ float32, mode string) float32 { return div32(1, x, 0, mode) }

func sqrt32(x, _, _ float32, mode string) float32 {
	s := math.Sqrt(float64(x))
	if mode == "rn" || s-s != 0 || s == 0 {
		return float32(s)
	}
	return narrow(odd(s, math.FMA(-s, s, float64(x))), mode)
}
