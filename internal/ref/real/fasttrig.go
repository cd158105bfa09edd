package real

import (
	"math"
	mathbits "math/bits"
)

// quadrant is x - k pi/2 in [-pi/4, pi/4], and k mod 4. The fraction of x 2/pi is taken from the 256 bits of 2/pi that matter to
// it, so that 190 bits are left where x is nearest to a multiple of pi/2 (Payne and Hanek, "Radian reduction for trigonometric
// functions", 1983).
func (t *fastTables) quadrant(x float64) (r dd, k int) {
	if math.Abs(x) < 0.78 {
		return one(x), 0
	}
	frac, e := math.Frexp(math.Abs(x))
	m := uint64(frac * 0x1p53)
	e -= 53 // |x| = m 2^e
	// Bit n of 2/pi is worth 2^(e-n-1) of a quarter turn and makes whole turns while that is 4 or more.
	start := max(0, e-2)
	var w [5]uint64
	for i := range w {
		w[i] = t.window(start + 64*i)
	}
	// product = m * w, of which 64 bits stand above the window.
	var p [6]uint64
	carry := uint64(0)
	for i := 4; i >= 0; i-- {
		hi, lo := mathbits.Mul64(m, w[i])
		lo, c := mathbits.Add64(lo, carry, 0)
		p[i+1], carry = lo, hi+c
	}
	p[0] = carry
	// x 2/pi = p * 2^(e - start - 320): so many of p's 384 bits stand before the point.
	point := 64 + e - start
	whole := cut(p, point-2) >> 62
	var f [4]uint64
	for i := range f {
		f[i] = cut(p, point+64*i)
	}
	k = int(whole)
	negative := f[0]>>63 == 1
	if negative { // round to nearest: f - 1
		k++
		borrow := uint64(0)
		for i := 3; i >= 0; i-- {
			f[i], borrow = mathbits.Sub64(0, f[i], borrow)
		}
	}
	r = fixed(f).mul(t.halfPi)
	if negative != (x < 0) {
		r = r.neg()
	}
	if x < 0 {
		k = -k
	}
	return r, k & 3
}

// window are 64 bits of 2/pi from bit n after the point on.
func (t *fastTables) window(n int) uint64 {
	i, s := n/64, uint(n%64)
	w := t.twoOverPi[i] << s
	if s > 0 {
		w |= t.twoOverPi[i+1] >> (64 - s)
	}
	return w
}

// cut are 64 bits of p from bit n on, 0 beyond its end.
func cut(p [6]uint64, n int) uint64 {
	i, s := n/64, uint(n%64)
	if i >= len(p) {
		return 0
	}
	w := p[i] << s
	if s > 0 && i+1 < len(p) {
		w |= p[i+1] >> (64 - s)
	}
	return w
}

// fixed is f as a fraction below 1, from its highest bit on.
func fixed(f [4]uint64) dd {
	e := 0
	for f[0] == 0 {
		f = [4]uint64{f[1], f[2], f[3], 0}
		e -= 64
	}
	s := uint(mathbits.LeadingZeros64(f[0]))
	e -= int(s)
	if s > 0 {
		f[0] = f[0]<<s | f[1]>>(64-s)
		f[1] = f[1]<<s | f[2]>>(64-s)
	}
	hi := float64(f[0]>>11) * 0x1p-53
	lo := float64(f[0]<<53>>11|f[1]>>22) * 0x1p-106
	return quickSum(hi, lo).scaled(e)
}

func (t *fastTables) sinDD(r dd) dd { return horner(r.mul(r), t.sin[:], 9).mul(r) }
func (t *fastTables) cosDD(r dd) dd { return horner(r.mul(r), t.cos[:], 9) }

// turned is sin(r + k pi/2).
func (t *fastTables) turned(r dd, k int) (z dd) {
	if k&1 == 1 {
		z = t.cosDD(r)
	} else {
		z = t.sinDD(r)
	}
	if k&2 == 2 {
		z = z.neg()
	}
	return z
}

func fastSin(x, _ float64) approx {
	if math.Abs(x) < tinyBelow {
		return tiny(x, -1./6, 2)
	}
	t := tables()
	r, k := t.quadrant(x)
	return approx{t.turned(r, k), 0, fine}
}

func fastCos(x, _ float64) approx {
	if math.Abs(x) < tinyBelow {
		return approx{dd{1, -x * x / 2}, 0, fine}
	}
	t := tables()
	r, k := t.quadrant(x)
	return approx{t.turned(r, k+1), 0, fine}
}

func fastTan(x, _ float64) approx {
	if math.Abs(x) < tinyBelow {
		return tiny(x, 1./3, 2)
	}
	t := tables()
	r, k := t.quadrant(x)
	s, c := t.sinDD(r), t.cosDD(r)
	if k&1 == 1 {
		return approx{c.neg().div(s), 0, fine}
	}
	return approx{s.div(c), 0, fine}
}

// angle is the angle of the point (x, y), y > 0, both of moderate size: of the octant below pi/4 by a table of arctangents,
// atan(y/x) = atan c + atan((y - c x)/(x + c y)), the others by symmetry.
func (t *fastTables) angle(y, x dd) dd {
	negative := x.hi < 0
	if negative {
		x = x.neg()
	}
	steep := y.hi > x.hi
	if steep {
		x, y = y, x
	}
	i := int(y.hi/x.hi*atanSteps + 0.5)
	u := y.div(x)
	if i > 0 {
		c := float64(i) / atanSteps
		u = y.sub(x.times(c)).div(x.add(y.times(c)))
	}
	z := horner(u.mul(u), t.arc[:], 4).mul(u)
	if i > 0 {
		z = t.atan[i].add(z)
	}
	if steep {
		z = t.halfPi.sub(z)
	}
	if negative {
		z = t.pi.sub(z)
	}
	return z
}

func fastAtan(x, _ float64) approx {
	if math.Abs(x) < tinyBelow {
		return tiny(x, -1./3, 2)
	}
	t := tables()
	z := t.halfPi
	if a := math.Abs(x); a < 0x1p120 {
		z = t.angle(one(a), one(1))
	}
	return approx{z.times(math.Copysign(1, x)), 0, fine}
}

func fastAtan2(y, x float64) approx {
	t := tables()
	sign := math.Copysign(1, y)
	m, e := math.Frexp(math.Abs(y))
	n, g := math.Frexp(x)
	switch {
	case e-g > 120:
		return approx{t.halfPi.times(sign), 0, fine}
	case e-g >= -120:
		return approx{t.angle(one(math.Ldexp(m, e-g)), one(n)).times(sign), 0, fine}
	case x < 0:
		return approx{t.pi.times(sign), 0, fine}
	}
	return approx{one(m).div(one(n)).times(sign), e - g, fine}
}

// leg is sqrt(1 - x^2).
func leg(x float64) dd {
	return twoSum(1, x).mul(twoSum(1, -x)).sqrt()
}

func fastAsin(x, _ float64) approx {
	a := math.Abs(x)
	switch {
	case a < tinyBelow:
		return tiny(x, 1./6, 2)
	case a == 1:
		return approx{tables().halfPi.times(x), 0, fine}
	}
	return approx{tables().angle(one(a), leg(a)).times(math.Copysign(1, x)), 0, fine}
}

func fastAcos(x, _ float64) approx {
	t := tables()
	switch {
	case x == -1:
		return approx{t.pi, 0, fine}
	case math.Abs(x) < 0x1p-120:
		return approx{t.halfPi, 0, fine}
	}
	return approx{t.angle(leg(x), one(x)), 0, fine}
}
