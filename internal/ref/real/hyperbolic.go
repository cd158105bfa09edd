package real

import "math/big"

// sinh is (t + t/(1+t)) / 2 with t = e^x - 1, in which nothing cancels for x > 0.
func sinh(p bits, x *big.Float) *big.Float {
	w := p + guard
	t := expm1(w, w.abs(x))
	return signed(w.scaled(w.add(t, w.quo(t, w.add(w.int(1), t))), -1), x)
}

func cosh(p bits, x *big.Float) *big.Float {
	w := p + guard
	t := exp(w, w.abs(x))
	return w.scaled(w.add(t, w.quo(w.int(1), t)), -1)
}

// tanh is t / (t + 2) with t = e^2x - 1; from where it is 1 to w bits it is that.
func tanh(p bits, x *big.Float) *big.Float {
	w := p + guard
	a := w.abs(x)
	if a.Cmp(w.int(int64(w))) > 0 {
		return signed(w.int(1), x)
	}
	t := expm1(w, w.scaled(a, 1))
	return signed(w.quo(t, w.add(t, w.int(2))), x)
}

// asinh is log1p(x + x^2 / (1 + sqrt(1 + x^2))) for x > 0.
func asinh(p bits, x *big.Float) *big.Float {
	w := p + guard
	a, one := w.abs(x), w.int(1)
	square := w.mul(a, a)
	return signed(log1p(w, w.add(a, w.quo(square, w.add(one, w.sqrt(w.add(one, square)))))), x)
}

// acosh is log1p(t + sqrt(2t + t^2)) with t = x - 1, which is exact where it is small.
func acosh(p bits, x *big.Float) *big.Float {
	w := p + guard
	t := w.sub(x, w.int(1))
	return log1p(w, w.add(t, w.sqrt(w.mul(t, w.add(t, w.int(2))))))
}

// atanh is log1p(2x / (1-x)) / 2 for x > 0.
func atanh(p bits, x *big.Float) *big.Float {
	w := p + guard
	a := w.abs(x)
	return signed(w.scaled(log1p(w, w.quo(w.scaled(a, 1), w.sub(w.int(1), a))), -1), x)
}

// signed is z, which is not negative, with the sign of x.
func signed(z, x *big.Float) *big.Float {
	if x.Signbit() {
		z.Neg(z)
	}
	return z
}
