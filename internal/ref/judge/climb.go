package judge

import (
	"math"
	"math/rand/v2"
)

// summits are inputs with the greatest errors so far, no two near each other. An error has a smooth part, from a polynomial or a constant that
// is too short, and the rounding of steps on top: where the first is greatest many inputs show the second.
type summits[T Float] struct {
	at [12]summit[T]
	n  int
}

type summit[T Float] struct {
	x, y T
	ulp  float64
}

// offer takes an input if it is worse than what is there near it, or than the least.
func (s *summits[T]) offer(x, y T, ulp float64) {
	if s.n == len(s.at) && ulp <= s.at[s.n-1].ulp || math.IsInf(ulp, 0) || ulp == 0 {
		return
	}
	at := s.n
	for i, v := range s.at[:s.n] {
		if near(v.x, x) && near(v.y, y) {
			if ulp <= v.ulp {
				return
			}
			at = i
			break
		}
	}
	if at == s.n {
		s.n = min(s.n+1, len(s.at))
		at = s.n - 1
	}
	for at > 0 && s.at[at-1].ulp < ulp {
		s.at[at] = s.at[at-1]
		at--
	}
	s.at[at] = summit[T]{x, y, ulp}
}

// near is within 2^-7 of each other.
func near[T Float](x, y T) bool {
	return math.Abs(float64(x)-float64(y)) <= math.Abs(float64(x))/128
}

// fill draws inputs around the summits: for a function of two, often only one operand moves.
func (s *summits[T]) fill(rng *rand.Rand, x, y []T) {
	for i := range x {
		v := s.at[rng.IntN(s.n)]
		x[i], y[i] = v.x, v.y
		if rng.IntN(3) > 0 {
			x[i] = wide(rng, v.x)
		}
		if rng.IntN(3) > 0 {
			y[i] = wide(rng, v.y)
		}
	}
}

// wide is up to 2^-6 of x away from it, great distances more often than small ones.
func wide[T Float](rng *rand.Rand, x T) T {
	bits := 30 + rng.IntN(17)
	if top[T]() == 128 {
		bits = 6 + rng.IntN(12)
	}
	return Step(x, int64(rng.Uint64N(2<<bits))-int64(1)<<bits)
}
