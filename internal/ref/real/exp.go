package real

import "math/big"

// most is the size from which exp, sinh and the like are beyond every float: their exact functions are not made for more.
const most = 8192

// expm1 is e^x - 1. With k = 0 nothing cancels however small x is; elsewhere e^x is not within 1/4 of 1.
func expm1(p bits, x *big.Float) *big.Float {
	w := p + guard + size(x)
	k := nearest(w.quo(x, ln2()))
	if small(x, -2) {
		k = 0
	}
	if k == 0 {
		return expm1Near(w, x)
	}
	return w.sub(exp(p+8, x), w.int(1))
}

// exp is e^x = 2^k e^r with r = x - k ln 2.
func exp(p bits, x *big.Float) *big.Float {
	w := p + guard + size(x)
	k := nearest(w.quo(x, ln2()))
	r := w.sub(x, w.mul(w.int(k), ln2()))
	return w.scaled(w.add(w.int(1), expm1Near(w, r)), int(k))
}

// expm1Near is e^r - 1 for |r| < 1: Taylor's series of r/2^s, and s times (1+t)^2 - 1 = t(2+t).
func expm1Near(w bits, r *big.Float) *big.Float {
	if r.Sign() == 0 {
		return w.new()
	}
	const s = 8
	r = w.scaled(r, -s)
	sum, term := w.new().Set(r), w.new().Set(r)
	for n := int64(2); !w.negligible(term, sum); n++ {
		term = w.over(w.mul(term, r), n)
		sum = w.add(sum, term)
	}
	for range s {
		sum = w.mul(sum, w.add(w.int(2), sum))
	}
	return sum
}

// exp2 is e^(x ln 2); the product takes as many bits more as x has before its point.
func exp2(p bits, x *big.Float) *big.Float {
	w := p + guard + size(x)
	return exp(p, w.mul(x, ln2()))
}

// log1p is log(1 + x): by its own series near 0, and else by log, 1 + x being no nearer to 1 than 1/4.
func log1p(p bits, x *big.Float) *big.Float {
	w := p + guard
	if small(x, -2) {
		return log1pNear(w, x)
	}
	return log(p, w.add(w.int(1), x))
}

// log is k ln 2 + log m with m in [3/4, 3/2); the two cannot cancel, as |log m| < 0.41.
func log(p bits, x *big.Float) *big.Float {
	w := p + guard
	m := w.new()
	k := x.MantExp(m)
	if m.Cmp(big.NewFloat(0.75)) < 0 {
		m.SetMantExp(m, 1)
		k--
	}
	return w.add(w.mul(w.int(int64(k)), ln2()), log1pNear(w, w.sub(m, w.int(1))))
}

// log1pNear is log(1 + y) for -1/4 <= y <= 1/2: 2 atanh(y / (2 + y)) by the series.
func log1pNear(w bits, y *big.Float) *big.Float {
	if y.Sign() == 0 {
		return w.new()
	}
	z := w.quo(y, w.add(w.int(2), y))
	square := w.mul(z, z)
	sum, power := w.new().Set(z), w.new().Set(z)
	for n := int64(3); ; n += 2 {
		power = w.mul(power, square)
		term := w.over(power, n)
		if w.negligible(term, sum) {
			return w.scaled(sum, 1)
		}
		sum = w.add(sum, term)
	}
}

func log2(p bits, x *big.Float) *big.Float  { return (p + guard).quo(log(p+guard, x), ln2()) }
func log10(p bits, x *big.Float) *big.Float { return (p + guard).quo(log(p+guard, x), ln10()) }

// logAddExp is log(e^x + e^y) = m + log(1 + e^-d), m being the larger and d the distance. Where the two nearly cancel it starts
// again with the bits that were lost.
func logAddExp(p bits, x, y *big.Float) *big.Float {
	if x.Cmp(y) < 0 {
		x, y = y, x
	}
	for more := bits(0); ; {
		w := p + guard + more
		d := exact(y, x)
		tail := w.new()
		switch {
		case d.Sign() == 0:
			tail.Set(ln2())
		case small(d, 13):
			tail = log1p(w, exp(w, d))
		case x.Sign() == 0: // beneath every float, and not 0
			tail.SetMantExp(tail.SetInt64(1), -most)
		}
		sum := w.add(x, tail)
		if sum.Sign() != 0 {
			lost := bits(max(0, tail.MantExp(nil)-sum.MantExp(nil)))
			if lost <= more+guard/4 {
				return sum
			}
			more = lost
			continue
		}
		more += p + guard
	}
}

// exact is x - y with all its bits.
func exact(x, y *big.Float) *big.Float {
	return new(big.Float).SetPrec(2200).Sub(x, y)
}

// pow is e^(y log |x|), with the sign of an odd power of a negative x. The exponent has at most 14 bits before its point that
// are of use: above, the value is beyond every float.
func pow(p bits, x, y *big.Float) *big.Float {
	w := p + guard
	e := w.mul(y, log(w, w.abs(x)))
	if !small(e, 13) {
		e = w.of(most).SetMantExp(big.NewFloat(float64(e.Sign())), 13)
	}
	z := exp(p, e)
	if x.Sign() < 0 && odd(y) {
		z.Neg(z)
	}
	return z
}

// odd reports whether y is an odd integer.
func odd(y *big.Float) bool {
	if !y.IsInt() || y.MantExp(nil) > 64 {
		return false
	}
	n, _ := y.Int(nil)
	return n.Bit(0) == 1
}

// cbrt is the cube root: of |x| as an integer with 3p bits, by Newton's method from above, which falls until it is there.
func cbrt(p bits, x *big.Float) *big.Float {
	w := p + guard
	m := new(big.Float)
	e := x.MantExp(m)
	shift := 3*int(w) - (e%3+3)%3
	// |x| = m 2^e = n 2^(e - shift), and e - shift is a multiple of 3 up to the remainder that shift took.
	shift += (e - shift) % 3
	n, _ := new(big.Float).SetMantExp(m.Abs(m), shift).Int(nil)
	root := new(big.Int).Lsh(big.NewInt(1), uint(n.BitLen()/3+1))
	three := big.NewInt(3)
	for {
		next := new(big.Int).Quo(n, new(big.Int).Mul(root, root))
		next.Add(next, root).Add(next, root).Quo(next, three)
		if next.Cmp(root) >= 0 {
			break
		}
		root = next
	}
	z := w.new().SetInt(root)
	z.SetMantExp(z, (e-shift)/3)
	if x.Sign() < 0 {
		z.Neg(z)
	}
	return z
}

// hypot is the root of x^2 + y^2. The squares are exact, and so is their sum unless one is far beneath the bits of the other.
func hypot(p bits, x, y *big.Float) *big.Float {
	w := max(p+guard, 256)
	return w.sqrt(w.add(w.mul(x, x), w.mul(y, y)))
}
