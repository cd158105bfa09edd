package judge

import (
	"math"
	"math/rand/v2"
)

// Operands that belong together. What they aim at is met by package math, which is good enough for that.

func size(rng *rand.Rand, least, most int) float64 {
	return math.Ldexp(1+rng.Float64(), least+rng.IntN(most-least))
}

// powPair aims at every exponent of the result, at its thresholds, at 1, at exact results and midpoints, and at the negative x.
func powPair(rng *rand.Rand, top int) (x, y float64) {
	x = size(rng, -top, top)
	switch rng.IntN(4) {
	case 0:
		x = 1 + sign(rng)*math.Ldexp(1+rng.Float64(), -2-rng.IntN(50))
	case 1:
		x = rng.Float64() * 10
	}
	if top == 128 {
		x = float64(float32(x))
	}
	least := -51 - top // the exponent of the least subnormal
	if top == 128 {
		least = -149
	}
	target := float64(least-2) + rng.Float64()*float64(top-least+4)
	switch rng.IntN(8) {
	case 0:
		target = float64([]int{top, 2 - top, least, least - 1}[rng.IntN(4)])
	case 1:
		target = sign(rng) * size(rng, -60, 0)
	case 2: // small integers and roots: exact results, midpoints
		x = float64(1 + rng.Uint64N(2<<rng.IntN(30)))
		return x, []float64{2, 3, 4, 5, 7, 0.5, 0.25, 1.5, 0.75, -1, -2, 1. / 3}[rng.IntN(12)]
	case 3:
		y = float64(rng.IntN(400) - 200)
		return sign(rng) * math.Exp2(rng.Float64()*float64(top)/max(1, math.Abs(y))), y
	}
	y = target / math.Log2(x)
	if rng.IntN(4) == 0 {
		y = math.Round(y)
		x *= sign(rng)
	}
	return x, y
}

// nearPair is operands of every ratio up to 2^±70, near the ends of the range too.
func nearPair(rng *rand.Rand, top int) (x, y float64) {
	x = sign(rng) * size(rng, -top-50, top)
	if rng.IntN(4) == 0 {
		x = sign(rng) * size(rng, top-3, top)
	}
	y = x * sign(rng) * math.Ldexp(0.5+rng.Float64(), rng.IntN(1+rng.IntN(140))-rng.IntN(1+rng.IntN(140)))
	switch rng.IntN(12) {
	case 0:
		y = x
	case 1: // Pythagoras: exact results
		m, n := float64(rng.IntN(1<<12)), float64(rng.IntN(1<<12))
		return m*m - n*n, 2 * m * n
	case 2:
		y = 0
	}
	if rng.IntN(2) == 0 {
		x, y = y, x
	}
	return x, y
}

// logPair is operands up to some hundreds apart, equal ones, and those whose sum of powers is nearly 1.
func logPair(rng *rand.Rand, top int) (x, y float64) {
	x = (rng.Float64()*2 - 1) * 700
	switch rng.IntN(5) {
	case 0:
		x = sign(rng) * size(rng, -70, 10)
	case 1:
		x = -rng.Float64() * 5
		return x, math.Log(-math.Expm1(x))
	case 2:
		x = -size(rng, -70, 6)
		return x, math.Log(-math.Expm1(x))
	case 3:
		return x, x
	}
	y = x - (rng.Float64()*2-1)*50
	if rng.IntN(4) == 0 {
		y = x + sign(rng)*size(rng, -60, 11)
	}
	return x, y
}

// quotient is operands whose quotient has every size, is an integer or next to one; integers, too.
func quotient(rng *rand.Rand, top int) (x, y float64) {
	y = sign(rng) * size(rng, -top/2, top/2)
	switch rng.IntN(4) {
	case 0:
		return float64(rng.IntN(2001) - 1000), float64(rng.IntN(201) - 100)
	case 1:
		return sign(rng) * y * float64(rng.Uint64N(2<<rng.IntN(60))), y
	case 2:
		return sign(rng) * y * size(rng, -60, 120), y
	}
	if top == 128 {
		y = float64(float32(y))
	}
	return sign(rng) * y * float64(rng.IntN(1000)), y
}
