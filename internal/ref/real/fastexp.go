package real

import "math"

// Relative errors that the fast functions promise. Their arithmetic stays below 2^-99; what is promised leaves room, and the
// test against math/big holds them to it.
const (
	fine   = 0x1p-95
	coarse = 0x1p-84 // pow: the error of a logarithm times an exponent of 10 bits
)

// expDD is e^x = (1 + t) T 2^k with T = 2^(i/64) from a table and t = e^r - 1, |r| < 1/180, for |x| <= 8192.
func (t *fastTables) expDD(x dd) (em1 dd, i, k int) {
	n := math.RoundToEven(x.hi * 92.332482616893656877)
	r := x.plus(-float64(n * t.step)).sub(t.stepRest.times(n))
	return t.expm1Near(r), int(n) & 63, int(n) >> 6
}

// expm1Near is e^r - 1, to a relative error also for tiny r.
func (t *fastTables) expm1Near(r dd) dd {
	return horner(r, t.inverse[:], 6).mul(r)
}

func (t *fastTables) exp(x dd) (e dd, k int) {
	em1, i, k := t.expDD(x)
	p := t.power[i]
	return p.add(p.mul(em1)), k
}

// expm1 is e^x - 1 for |x| < 45.
func (t *fastTables) expm1(x dd) dd {
	em1, i, k := t.expDD(x)
	if i == 0 && k == 0 {
		return em1
	}
	p := t.power[i]
	p, em1 = p.scaled(k), p.mul(em1).scaled(k)
	return p.plus(-1).add(em1)
}

// log is the logarithm of x > 0 times 2^k.
func (t *fastTables) log(x dd, k int) dd {
	m, e := math.Frexp(x.hi)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	low := math.Ldexp(x.lo, -e)
	step := &t.logs[int(math.RoundToEven(m*64))-logLow]
	r := twoProduct(m, step.inverse).plus(-1)
	r = r.add(twoProduct(low, step.inverse))
	sum := t.log1pNear(r)
	if step.inverse != 1 {
		sum = sum.add(step.log)
	}
	if k += e; k != 0 {
		sum = t.ln2.times(float64(k)).add(sum)
	}
	return sum
}

// log1pNear is log(1 + r) for |r| < 1/60 as 2 atanh(r / (2 + r)).
func (t *fastTables) log1pNear(r dd) dd {
	z := r.div(r.plus(2))
	return horner(z.mul(z), t.odd[:], 4).mul(z)
}

// log1p is log(1 + x) for x > -1.
func (t *fastTables) log1p(x dd) dd {
	if math.Abs(x.hi) < 1./64 {
		return t.log1pNear(x)
	}
	return t.log(x.plus(1), 0)
}

// tiny is x (1 + c x^power) for a tiny x, subnormal ones too.
func tiny(x, c float64, power int) approx {
	m, e := math.Frexp(x)
	rest := c * x
	if power == 2 {
		rest *= x
	}
	return approx{quickSum(m, m*rest), e, fine}
}

const tinyBelow = 0x1p-60

func fastExp(x, _ float64) approx {
	e, k := tables().exp(one(max(-most, min(x, most))))
	return approx{e, k, fine}
}

func fastExp2(x, _ float64) approx {
	t := tables()
	x = max(-most, min(x, most))
	n := math.RoundToEven(x * 64)
	p := t.power[int(n)&63]
	r := t.ln2.times(x - n/64)
	if math.Abs(x) < tinyBelow {
		return approx{dd{1, x * math.Ln2}, 0, fine}
	}
	return approx{p.add(p.mul(t.expm1Near(r))), int(n) >> 6, fine}
}

func fastExpm1(x, _ float64) approx {
	switch {
	case math.Abs(x) < tinyBelow:
		return tiny(x, 0.5, 1)
	case x < -120:
		return approx{one(-1), 0, fine}
	case x < -40:
		e, k := tables().exp(one(x))
		return approx{e.scaled(k).plus(-1), 0, fine}
	case x < 40:
		return approx{tables().expm1(one(x)), 0, fine}
	}
	e, k := tables().exp(one(min(x, most)))
	return approx{e.plus(-math.Ldexp(1, -k)), k, fine}
}

// fraction is x as a number of moderate size and a power of two.
func fraction(x float64) (m dd, e int) {
	f, e := math.Frexp(x)
	return one(f), e
}

func fastLog(x, _ float64) approx   { return approx{tables().log(fraction(x)), 0, fine} }
func fastLog2(x, _ float64) approx  { return approx{fastLog(x, 0).mul(tables().overLn2), 0, fine} }
func fastLog10(x, _ float64) approx { return approx{fastLog(x, 0).mul(tables().overLn10), 0, fine} }

func fastLog1p(x, _ float64) approx {
	switch {
	case math.Abs(x) < tinyBelow:
		return tiny(x, -0.5, 1)
	case x > 0x1p120:
		return fastLog(x, 0)
	}
	return approx{tables().log1p(one(x)), 0, fine}
}

// fastLogAddExp knows its own error: where the larger operand and the rest cancel it grows.
func fastLogAddExp(x, y float64) approx {
	if x < y {
		x, y = y, x
	}
	d := twoSum(y, -x)
	if !(d.hi > -600) { // e^-600 is 2^-865
		if math.Abs(x) < 0x1p-700 {
			return unknown
		}
		m, e := fraction(x)
		return approx{m, e, fine}
	}
	t := tables()
	e, k := t.exp(d)
	tail := t.log1p(e.scaled(k))
	if math.Abs(x) < 0x1p-700 && tail.hi < 0x1p-500 {
		return unknown
	}
	sum := tail.plus(x)
	if sum.hi == 0 || math.Abs(sum.hi) < 0x1p-800 {
		return unknown
	}
	m, shift := math.Frexp(sum.hi)
	return approx{dd{m, math.Ldexp(sum.lo, -shift)}, shift, fine + fine*tail.hi/math.Abs(sum.hi)}
}

// fastPow is e^(y log |x|).
func fastPow(x, y float64) approx {
	t := tables()
	sign := 1.0
	if x < 0 && math.Mod(y, 2) != 0 {
		sign = -1
	}
	l := t.log(fraction(math.Abs(x)))
	switch e := y * l.hi; {
	case e > most:
		return approx{one(sign), 2 * most, fine}
	case e < -most:
		return approx{one(sign), -2 * most, fine}
	case math.Abs(e) < 0x1p-110:
		return approx{dd{sign, sign * e}, 0, fine}
	case math.Abs(y) > 0x1p900 || math.Abs(y) < 0x1p-900:
		return unknown
	}
	e, k := t.exp(l.times(y))
	return approx{e.times(sign), k, coarse}
}

// fastCbrt is one step of Newton's method, in double-double arithmetic, from a root right to a few ulp.
func fastCbrt(x, _ float64) approx {
	m, e := math.Frexp(math.Abs(x))
	for e%3 != 0 {
		m /= 2
		e++
	}
	s := 0.5 + 0.55*m // m from 1/8 to 1
	for range 6 {
		s -= (s*s*s - m) / (3 * s * s)
	}
	rest := twoProduct(s, s).times(s).plus(-m)
	root := quickSum(s, -rest.hi/(3*s*s))
	return approx{root.times(math.Copysign(1, x)), e / 3, fine}
}

// fastHypot scales by the larger operand's exponent.
func fastHypot(x, y float64) approx {
	x, y = math.Abs(x), math.Abs(y)
	if x < y {
		x, y = y, x
	}
	m, e := math.Frexp(x)
	n, g := math.Frexp(y)
	if e-g > 110 {
		return approx{one(m), e, fine}
	}
	y = math.Ldexp(n, g-e)
	return approx{twoProduct(m, m).add(twoProduct(y, y)).sqrt(), e, fine}
}
