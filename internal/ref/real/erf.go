package real

import "math/big"

// erf is 2/sqrt(pi) e^(-x^2) x (1 + 2x^2/3 + (2x^2)^2/(3*5) + ...), whose terms are all positive (Abramowitz and Stegun, 7.1.6);
// from where it is 1 to w bits it is that.
func erf(p bits, x *big.Float) *big.Float {
	w := p + guard
	square := (w + 128).mul(x, x)
	if square.Cmp(w.int(int64(w))) > 0 {
		return signed(w.int(1), x)
	}
	sum, term := w.int(1), w.int(1)
	double := w.scaled(square, 1)
	for n := int64(3); !w.negligible(term, sum) || double.Cmp(w.int(n)) > 0; n += 2 {
		term = w.over(w.mul(term, double), n)
		sum = w.add(sum, term)
	}
	return w.mul(w.mul(w.mul(sum, x), gauss(w, square)), w.int(2))
}

// gauss is e^-square / sqrt(pi).
func gauss(w bits, square *big.Float) *big.Float {
	w += guard
	return w.quo(exp(w, w.neg(square)), w.sqrt(pi()))
}

// erfc is 1 - erf(x). Above 2 the bits that cancel would be x^2/ln 2, and it is Laplace's continued fraction instead.
func erfc(p bits, x *big.Float) *big.Float {
	w := p + guard
	if x.Cmp(w.int(2)) < 0 {
		return w.sub(w.int(1), erf(w+16, x))
	}
	if !small(x, 10) {
		z := w.int(1)
		return z.SetMantExp(z, -most)
	}
	return w.mul(gauss(w, (w+128).mul(x, x)), laplace(w, x))
}

// laplace is 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), for x >= 2: the quotients A/B of the recurrence
// A' = x A + (n/2) A-, whose elements are positive, so that the value lies between any two that follow each other
// (Abramowitz and Stegun, 7.1.14; Jones and Thron, "Continued Fractions", 1980, section 4.1).
func laplace(w bits, x *big.Float) *big.Float {
	a0, a := w.int(0), w.int(1)
	b0, b := w.int(1), w.new().Set(x)
	last := w.quo(a, b)
	for n := int64(1); ; n++ {
		half := w.scaled(w.int(n), -1)
		a0, a = a, w.add(w.mul(x, a), w.mul(half, a0))
		b0, b = b, w.add(w.mul(x, b), w.mul(half, b0))
		if n%8 != 0 {
			continue
		}
		value := w.quo(a, b)
		next := w.quo(w.add(w.mul(x, a), w.mul(w.scaled(w.int(n+1), -1), a0)), w.add(w.mul(x, b), w.mul(w.scaled(w.int(n+1), -1), b0)))
		if gap := w.sub(value, next); w.negligible(gap, last) || small(gap, value.MantExp(nil)-int(w)+int(guard)/2) {
			return value
		}
		last = value
	}
}
