package real

import "math/big"

// quadrant is r and the last two bits of k in x = k pi/2 + r, |r| <= pi/4, with a relative error of r below 2^-(p+guard/2).
// No float64 lies nearer to a multiple of pi/2 than 2^-62 of itself; what cancels is paid for all the same by starting again.
func quadrant(p bits, x *big.Float) (r *big.Float, k int) {
	if small(x, -1) {
		return x, 0
	}
	for more := bits(0); ; more += p {
		w := p + guard + size(x) + more
		half := w.scaled(pi(), -1)
		n, _ := w.add(w.quo(x, half), big.NewFloat(0.5)).Int(nil)
		if x.Sign() < 0 {
			n, _ = w.sub(w.quo(x, half), big.NewFloat(0.5)).Int(nil)
		}
		r = w.sub(x, w.mul(w.new().SetInt(n), half))
		if r.Sign() != 0 && r.MantExp(nil) > -int(guard/2+more) {
			k = int(new(big.Int).And(n, big.NewInt(3)).Int64())
			return r, k
		}
	}
}

// sinCos are sine and cosine of r, |r| < 1, by their series.
func sinCos(w bits, r *big.Float) (sin, cos *big.Float) {
	sin, cos = w.new(), w.int(1)
	if r.Sign() == 0 {
		return sin, cos
	}
	sin.Set(r)
	square := w.neg(w.mul(r, r))
	odd, even := w.new().Set(r), w.int(1)
	for n := int64(1); !w.negligible(odd, sin) || !w.negligible(even, cos); n += 2 {
		even = w.over(w.mul(even, square), n*(n+1))
		odd = w.over(w.mul(odd, square), (n+1)*(n+2))
		cos = w.add(cos, even)
		sin = w.add(sin, odd)
	}
	return sin, cos
}

func sin(p bits, x *big.Float) *big.Float {
	r, k := quadrant(p, x)
	s, c := sinCos(p+guard, r)
	return turned(s, c, k)
}

func cos(p bits, x *big.Float) *big.Float {
	r, k := quadrant(p, x)
	s, c := sinCos(p+guard, r)
	return turned(s, c, k+1)
}

// turned is sin(r + k pi/2).
func turned(sin, cos *big.Float, k int) *big.Float {
	switch k & 3 {
	case 1:
		return cos
	case 2:
		return sin.Neg(sin)
	case 3:
		return cos.Neg(cos)
	}
	return sin
}

func tan(p bits, x *big.Float) *big.Float {
	w := p + guard
	r, k := quadrant(p, x)
	s, c := sinCos(w, r)
	if k&1 == 1 {
		return w.neg(w.quo(c, s))
	}
	return w.quo(s, c)
}

// atan is the arctangent: pi/2 - atan(1/x) above 1, and the series after three times atan x = 2 atan(x / (1 + sqrt(1 + x^2))).
func atan(p bits, x *big.Float) *big.Float {
	w := p + guard
	one := w.int(1)
	if x.Sign() == 0 {
		return w.new()
	}
	if w.abs(x).Cmp(one) > 0 {
		half := w.scaled(pi(), -1)
		if x.Sign() < 0 {
			half.Neg(half)
		}
		return w.sub(half, atan(w, w.quo(one, x)))
	}
	const s = 3
	z := w.new().Set(x)
	for range s {
		z = w.quo(z, w.add(one, w.sqrt(w.add(one, w.mul(z, z)))))
	}
	square := w.neg(w.mul(z, z))
	sum, power := w.new().Set(z), w.new().Set(z)
	for n := int64(3); ; n += 2 {
		power = w.mul(power, square)
		term := w.over(power, n)
		if w.negligible(term, sum) {
			return w.scaled(sum, s)
		}
		sum = w.add(sum, term)
	}
}

// asin is atan(x / sqrt((1-x)(1+x))).
func asin(p bits, x *big.Float) *big.Float {
	w := p + guard
	one := w.int(1)
	square := w.mul(w.sub(one, x), w.add(one, x))
	if square.Sign() == 0 {
		half := w.scaled(pi(), -1)
		return half.Mul(half, x)
	}
	return atan(w, w.quo(x, w.sqrt(square)))
}

// acos is 2 atan(sqrt((1-x) / (1+x))), in which 1-x is exact where it is small.
func acos(p bits, x *big.Float) *big.Float {
	w := p + guard
	one := w.int(1)
	sum := w.add(one, x)
	if sum.Sign() == 0 {
		return w.new().Set(pi())
	}
	return w.scaled(atan(w, w.sqrt(w.quo(w.sub(one, x), sum))), 1)
}

// atan2 is the angle of the point (x, y). Neither is 0.
func atan2(p bits, y, x *big.Float) *big.Float {
	w := p + guard
	angle := atan(w, w.quo(y, x))
	if x.Sign() > 0 {
		return angle
	}
	if y.Sign() < 0 {
		return w.sub(angle, pi())
	}
	return w.add(angle, pi())
}
