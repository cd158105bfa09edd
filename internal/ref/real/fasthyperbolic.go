package real

import "math"

func fastSinh(x, _ float64) approx {
	a := math.Abs(x)
	sign := math.Copysign(1, x)
	t := tables()
	switch {
	case a < tinyBelow:
		return tiny(x, 1./6, 2)
	case a < 40:
		e := t.expm1(one(a))
		return approx{e.add(e.div(e.plus(1))).times(sign / 2), 0, fine}
	}
	e, k := t.exp(one(min(a, most)))
	return approx{e.times(sign), k - 1, fine}
}

func fastCosh(x, _ float64) approx {
	a := math.Abs(x)
	t := tables()
	if a < tinyBelow {
		return approx{dd{1, x * x / 2}, 0, fine}
	}
	e, k := t.exp(one(min(a, most)))
	if a < 40 {
		e = e.scaled(k)
		return approx{e.add(one(1).div(e)).times(0.5), 0, fine}
	}
	return approx{e, k - 1, fine}
}

func fastTanh(x, _ float64) approx {
	a := math.Abs(x)
	sign := math.Copysign(1, x)
	t := tables()
	switch {
	case a < tinyBelow:
		return tiny(x, -1./3, 2)
	case a < 20:
		e := t.expm1(one(2 * a))
		return approx{e.div(e.plus(2)).times(sign), 0, fine}
	case a > 40:
		return approx{one(sign), 0, fine}
	}
	e, k := t.exp(one(-2 * a))
	e = e.scaled(k)
	return approx{one(1).sub(e.div(e.plus(1)).times(2)).times(sign), 0, fine}
}

func fastAsinh(x, _ float64) approx {
	a := math.Abs(x)
	sign := math.Copysign(1, x)
	t := tables()
	switch {
	case a < tinyBelow:
		return tiny(x, -1./6, 2)
	case a > 0x1p60:
		m, e := fraction(a)
		return approx{t.log(m, e+1).times(sign), 0, fine}
	}
	square := twoProduct(a, a)
	u := square.div(square.plus(1).sqrt().plus(1)).plus(a)
	return approx{t.log1p(u).times(sign), 0, fine}
}

func fastAcosh(x, _ float64) approx {
	t := tables()
	if x > 0x1p60 {
		m, e := fraction(x)
		return approx{t.log(m, e+1), 0, fine}
	}
	u := twoSum(x, -1)
	return approx{t.log1p(u.mul(u.plus(2)).sqrt().add(u)), 0, fine}
}

func fastAtanh(x, _ float64) approx {
	a := math.Abs(x)
	if a < tinyBelow {
		return tiny(x, 1./3, 2)
	}
	u := one(2 * a).div(twoSum(1, -a))
	return approx{tables().log1p(u).times(math.Copysign(0.5, x)), 0, fine}
}
