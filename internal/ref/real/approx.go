package real

import "math"

// approx is (hi + lo) * 2^exp, with a relative error below rel; hi is of moderate size and not 0. Rel 1 says that it is nothing.
type approx struct {
	dd
	exp int
	rel float64
}

// unknown leaves a value to math/big.
var unknown = approx{dd{1, 0}, 0, 1}

// top is the e for which 2^(e-1) <= |value| < 2^e.
func (a approx) top() int {
	word := math.Float64bits(a.hi)
	e := int(word>>52&0x7ff) - 1022
	if word<<12 == 0 && a.lo != 0 && (a.lo < 0) == (a.hi > 0) {
		e-- // just below a power of two
	}
	return e + a.exp
}

// rounded is the value rounded to f; ok is false if the error leaves that open.
func (a approx) rounded(f format) (z float64, ok bool) {
	e := a.top()
	if a.rel > 0x1p-60 {
		return 0, false
	}
	switch {
	case e > f.end:
		return math.Copysign(inf, a.hi), true
	case e < f.least-1: // its neighbours too are below half of the least
		return math.Copysign(0, a.hi), true
	}
	// In units of 2^a.exp: the quantum of the result, hi rounded to it, and what is left of the value.
	q := max(e-int(f.bits), f.least) - a.exp
	unit := math.Ldexp(1, q)
	r := a.hi
	if f.bits < 53 || q+a.exp == f.least {
		if shift := math.Copysign(0x1p52*unit, a.hi); e-a.exp-q <= 52 { // with 53 bits it is one already
			r = (a.hi + shift) - shift
		}
	}
	rest := (a.hi - r) + a.lo
	margin := math.Abs(a.hi)*a.rel + unit*0x1p-45
	switch d := math.Abs(rest) - unit/2; {
	case d > margin:
		r += math.Copysign(unit, rest)
	case d >= -margin:
		return 0, false
	}
	z = math.Copysign(math.Ldexp(r, a.exp), a.hi)
	return f.rounded(z), true
}

// miss is by how many ulp of f got is from the value; ok is false if the approximation is too coarse to say it to 2^-20.
func (a approx) miss(got float64, f format) (ulp float64, ok bool) {
	switch {
	case a.rel > 0x1p-75:
		return 0, false
	case got != got || math.Signbit(got) != math.Signbit(a.hi):
		return inf, true
	}
	e := a.top()
	if math.IsInf(got, 0) {
		if e > f.end {
			return 0, true
		}
		if f.end-a.exp > 1000 {
			return inf, true
		}
		got = math.Copysign(math.Ldexp(1, f.end-a.exp), got)
	} else if a.exp != 0 {
		if scaled := math.Ldexp(got, -a.exp); got == 0 || math.Abs(scaled) > 0x1p-900 && !math.IsInf(scaled, 0) {
			got = scaled
		} else {
			return 0, false
		}
	}
	q := min(max(e-int(f.bits), f.least), f.end-int(f.bits)) - a.exp
	gap := math.Abs((got - a.hi) - a.lo)
	return math.Ldexp(gap, -q), true
}
