package real

import (
	"math"
	"math/big"
)

// The special cases of the Python array API standard 2025.12 ("Special cases" under each function) and of IEEE 754-2019,
// section 9.2.1; of C23's annex F for erf, erfc, exp2 and cbrt, which the array API lacks. Where the array API leaves a choice
// ("an implementation-dependent approximation of pi") the value is the correctly rounded one.

var (
	inf = math.Inf(1)
	nan = math.NaN()
)

func finite(x float64) bool { return x-x == 0 }

func specialExp(x, _ float64) (float64, bool) {
	switch {
	case x != x || x == inf:
		return x, true
	case x == -inf:
		return 0, true
	case x == 0:
		return 1, true
	}
	return 0, false
}

// specialExp2 also has the powers of two, of which 2^-1075 and, as float32, 2^-150 are ties between 0 and the least subnormal:
// the even one of the two is 0.
func specialExp2(x, y float64) (float64, bool) {
	if x == math.Trunc(x) && x >= -1100 && x <= 1100 {
		return power(int(x)), true
	}
	return specialExp(x, y)
}

// power is 2^n rounded to a float64: 0 from 2^-1075 down, infinity from 2^1024 up.
func power(n int) float64 {
	z, _ := new(big.Float).SetMantExp(big.NewFloat(1), n).Float64()
	return z
}

func specialExpm1(x, _ float64) (float64, bool) {
	switch {
	case x != x || x == inf || x == 0:
		return x, true
	case x == -inf:
		return -1, true
	}
	return 0, false
}

func specialLog(x, _ float64) (float64, bool) {
	switch {
	case x != x || x == inf:
		return x, true
	case x == 0:
		return -inf, true
	case x < 0:
		return nan, true
	case x == 1:
		return 0, true
	}
	return 0, false
}

func specialLog1p(x, _ float64) (float64, bool) {
	switch {
	case x != x || x == inf || x == 0:
		return x, true
	case x == -1:
		return -inf, true
	case x < -1:
		return nan, true
	}
	return 0, false
}

// specialLogAddExp: log(e^x + e^y) is NaN if either is, +inf if either is that, and the other operand where one is -inf;
// of 0, whatever its sign, that is log(1) = +0.
func specialLogAddExp(x, y float64) (float64, bool) {
	switch {
	case x != x || y != y:
		return nan, true
	case x == inf || y == inf:
		return inf, true
	case x == -inf:
		return y + 0, true
	case y == -inf:
		return x + 0, true
	}
	return 0, false
}

// specialOdd is for the functions that keep zeros and infinities: cbrt, sinh, asinh.
func specialOdd(x, _ float64) (float64, bool) {
	return x, x == 0 || !finite(x)
}

func specialSin(x, _ float64) (float64, bool) {
	switch {
	case x == 0:
		return x, true
	case !finite(x):
		return nan, true
	}
	return 0, false
}

func specialCos(x, _ float64) (float64, bool) {
	switch {
	case x == 0:
		return 1, true
	case !finite(x):
		return nan, true
	}
	return 0, false
}

func specialAsin(x, _ float64) (float64, bool) {
	switch {
	case x == 0:
		return x, true
	case !(x >= -1 && x <= 1):
		return nan, true
	}
	return 0, false
}

func specialAcos(x, _ float64) (float64, bool) {
	switch {
	case x == 1:
		return 0, true
	case !(x >= -1 && x <= 1):
		return nan, true
	}
	return 0, false
}

func specialAtan(x, _ float64) (float64, bool) {
	switch {
	case x == 0 || x != x:
		return x, true
	case !finite(x):
		return math.Copysign(math.Pi/2, x), true
	}
	return 0, false
}

func specialAtan2(y, x float64) (float64, bool) {
	switch {
	case x != x || y != y:
		return nan, true
	case y == 0 && !math.Signbit(x):
		return y, true
	case y == 0:
		return math.Copysign(math.Pi, y), true
	case x == 0:
		return math.Copysign(math.Pi/2, y), true
	case x == inf && !finite(y):
		return math.Copysign(math.Pi/4, y), true
	case x == -inf && !finite(y):
		return math.Copysign(3*math.Pi/4, y), true
	case !finite(y):
		return math.Copysign(math.Pi/2, y), true
	case x == inf:
		return math.Copysign(0, y), true
	case x == -inf:
		return math.Copysign(math.Pi, y), true
	}
	return 0, false
}

func specialCosh(x, _ float64) (float64, bool) {
	switch {
	case x == 0:
		return 1, true
	case !finite(x):
		return x * x, true
	}
	return 0, false
}

// specialTanh is for the odd functions that end at ±1: tanh, erf.
func specialTanh(x, _ float64) (float64, bool) {
	switch {
	case x == 0 || x != x:
		return x, true
	case !finite(x):
		return math.Copysign(1, x), true
	}
	return 0, false
}

func specialAcosh(x, _ float64) (float64, bool) {
	switch {
	case x == inf:
		return x, true
	case !(x >= 1):
		return nan, true
	case x == 1:
		return 0, true
	}
	return 0, false
}

func specialAtanh(x, _ float64) (float64, bool) {
	switch {
	case x == 0:
		return x, true
	case x == 1 || x == -1:
		return math.Copysign(inf, x), true
	case !(x > -1 && x < 1):
		return nan, true
	}
	return 0, false
}

func specialErfc(x, _ float64) (float64, bool) {
	switch {
	case x != x:
		return x, true
	case x == inf:
		return 0, true
	case x == -inf:
		return 2, true
	case x == 0:
		return 1, true
	}
	return 0, false
}

// specialHypot: an infinity wins over a NaN.
func specialHypot(x, y float64) (float64, bool) {
	switch {
	case !finite(x) && x == x || !finite(y) && y == y:
		return inf, true
	case x != x || y != y:
		return nan, true
	case x == 0 || y == 0:
		return math.Abs(x) + math.Abs(y), true
	}
	return 0, false
}

// specialPow: x^0 and 1^y are 1 even for NaN (IEEE 754-2019, 9.2.1).
func specialPow(x, y float64) (float64, bool) {
	isOdd := math.Abs(y) < 0x1p53 && y == math.Trunc(y) && math.Mod(y, 2) != 0
	sign := 1.0
	if math.Signbit(x) && isOdd {
		sign = -1
	}
	switch size := math.Abs(x); {
	case y == 0 || x == 1:
		return 1, true
	case x != x || y != y:
		return nan, true
	case !finite(y) && size == 1:
		return 1, true
	case !finite(y) && (size > 1) == (y > 0):
		return inf, true
	case !finite(y):
		return 0, true
	case x == 0 && y < 0, size == inf && y > 0:
		return sign * inf, true
	case x == 0, size == inf:
		return sign * 0, true
	case x < 0 && y != math.Trunc(y):
		return nan, true
	case size == 1:
		return sign, true
	}
	return 0, false
}
