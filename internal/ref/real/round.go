package real

import (
	"math"
	"math/big"
)

// A format is a binary interchange format: its significant bits and the exponents of its least subnormal and of the first
// power of two that is too large.
type format struct {
	bits       uint
	least, end int
}

var (
	binary64 = format{53, -1074, 1024}
	binary32 = format{24, -149, 128}
)

// rounded is a float64 as the nearest element of f.
func (f format) rounded(x float64) float64 {
	if f == binary32 {
		return float64(float32(x))
	}
	return x
}

// nearest is x rounded to f.
func (f format) nearest(x *big.Float) float64 {
	if f == binary32 {
		z, _ := x.Float32()
		return float64(z)
	}
	z, _ := x.Float64()
	return z
}

// quantum is the exponent of the distance between the elements of f around x: of one ulp of an exact value in the sense of
// Goldberg, never below the least subnormal.
func (f format) quantum(x *big.Float) int {
	return max(x.MantExp(nil)-int(f.bits), f.least)
}

const (
	fewestBits = 128
	// mostBits decides everything that is no tie. The longest are atan2(y, x) with a quotient that is a midpoint of two
	// subnormals, where the next term of the series, 2^-2150 of the value, decides.
	mostBits = 4096
)

// ziv rounds the exact value: it asks for more bits until both ends of the interval in which the value lies round to the same
// (Ziv, "Fast evaluation of elementary mathematical functions with correctly rounded last bit", 1991).
func (f *Func) ziv(x, y float64, to format) float64 {
	a, b := big.NewFloat(x), big.NewFloat(y)
	for p := uint(fewestBits); ; p *= 2 {
		v := f.exact(bits(p), a, b)
		low, high := around(v, p)
		if z := to.nearest(low); z == to.nearest(high) {
			return z
		}
		if f.tie != nil {
			if v, ok := f.tie(x, y); ok {
				return to.nearest(v)
			}
		}
		if p >= mostBits {
			return nan // a tie that nobody knew of: tie.go says why there is none
		}
	}
}

// around are the ends of the interval v (1 ± 2^-p), and a little more.
func around(v *big.Float, p uint) (low, high *big.Float) {
	w := bits(p + guard)
	e := w.scaled(w.abs(v), -int(p))
	return w.sub(v, e), w.add(v, e)
}

// ULP64 is by how many units in the last place of the exact value got misses it: |got - exact| / ulp(exact), where an ulp is
// the distance between the float64 around the exact value, and 2^-1074 at least. An infinity stands for 2^1024, and is right
// for everything beyond. Where the standards name the result (NaN, zero, infinity, an exact value) it is 0 or +Inf, and a zero
// or any other result of the wrong sign is +Inf away.
func (f *Func) ULP64(got float64, x ...float64) float64 {
	a, b := operands(x)
	return f.ulp(got, a, b, binary64)
}

// ULP32 is the same in units of a float32; an infinity stands for 2^128.
func (f *Func) ULP32(got float32, x ...float32) float64 {
	a, b := operands(x)
	return f.ulp(float64(got), a, b, binary32)
}

func (f *Func) ulp(got, x, y float64, to format) float64 {
	if f.round != nil {
		return apart(got, f.round(x, y, to), to)
	}
	if z, ok := f.special(x, y); ok {
		return apart(got, to.rounded(z), to)
	}
	if z, ok := f.fast(x, y).miss(got, to); ok {
		return z
	}
	return f.miss(got, x, y, to)
}

// apart is how many ulp got is from want, a result that is named. Zeros, infinities and NaN are met or not.
func apart(got, want float64, to format) float64 {
	switch {
	case got != got && want != want:
		return 0
	case got == want && math.Signbit(got) == math.Signbit(want):
		return 0
	case want == 0 || got != got || want-want != 0 || math.Signbit(got) != math.Signbit(want):
		return math.Inf(1)
	}
	return distance(got, big.NewFloat(want), to)
}

// miss is ulp by math/big.
func (f *Func) miss(got, x, y float64, to format) float64 {
	v := f.exact(fewestBits, big.NewFloat(x), big.NewFloat(y))
	if got != got || math.Signbit(got) != (v.Sign() < 0) {
		return math.Inf(1)
	}
	return distance(got, v, to)
}

func distance(got float64, v *big.Float, to format) float64 {
	g := new(big.Float)
	if math.IsInf(got, 0) {
		g.SetMantExp(big.NewFloat(math.Copysign(1, got)), to.end)
		if v.MantExp(nil) > to.end {
			return 0
		}
	} else {
		g.SetFloat64(got)
	}
	gap := new(big.Float).SetPrec(256).Sub(g, v)
	z, _ := gap.SetMantExp(gap.Abs(gap), -min(to.quantum(v), to.end-int(to.bits))).Float64()
	return z
}
