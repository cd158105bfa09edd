package judge

import (
	"math"
	"math/rand/v2"
)

// Kind is a way of drawing inputs.
type Kind uint8

// The kinds.
const (
	Bits       Kind = iota // all bit patterns alike, NaN and infinities among them
	Sizes                  // all exponents of the function's range alike
	Range                  // uniform in the interval of ordinary results
	Edges                  // up to 2^40 floats (2^18 float32) on either side of an edge
	Subnormals             // all subnormal numbers alike
	Pairs                  // operands that belong together; for functions of one, edges again
	Hard                   // near a midpoint of two floats, from a list
	Climb                  // near the inputs that had the greatest errors so far
)

// String is what docs/numerics.md calls the kind.
func (k Kind) String() string {
	return [...]string{"bit patterns", "exponents", "range", "edges", "subnormals", "pairs", "hard to round", "near the worst so far"}[k]
}

// schedule is the kind of each block of inputs, over and over. Hard ones come once, first.
var schedule = [...]Kind{Edges, Bits, Sizes, Range, Pairs, Climb, Edges, Sizes, Range, Subnormals, Climb, Bits, Pairs, Sizes, Range, Climb}

// Fill draws len(x) inputs, and as many second operands where the function has two.
func Fill[T Float](s *Spec, kind Kind, rng *rand.Rand, x, y []T) {
	for i := range x {
		if kind == Pairs && s.pair != nil {
			a, b := s.pair(rng, top[T]())
			x[i], y[i] = jittered(rng, T(a)), T(b)
			continue
		}
		x[i] = draw[T](s, kind, rng)
		if s.Arity == 2 {
			y[i] = draw[T](s, kind, rng)
		}
	}
}

// top is the exponent from which T overflows.
func top[T Float]() int {
	var zero T
	if _, ok := any(zero).(float32); ok {
		return 128
	}
	return 1024
}

func draw[T Float](s *Spec, kind Kind, rng *rand.Rand) T {
	switch kind {
	case Bits:
		return pattern[T](rng.Uint64())
	case Sizes:
		least, most := s.Least, s.Most
		if top[T]() == 128 {
			least, most = max(least, -150), min(most, 128)
		}
		return T(sign(rng) * math.Ldexp(1+rng.Float64(), least-1+rng.IntN(most-least+1)))
	case Range:
		if rng.IntN(8) == 0 {
			return T(math.Round(s.Low + rng.Float64()*(s.High-s.Low)))
		}
		return T(s.Low + rng.Float64()*(s.High-s.Low))
	case Subnormals:
		bits := rng.Uint64() >> rng.IntN(52)
		if top[T]() == 128 {
			return pattern[T](bits&0x807fffff | rng.Uint64()&0x80000000)
		}
		return pattern[T](bits&0x000fffffffffffff | rng.Uint64()&(1<<63))
	}
	return jittered(rng, T(s.edgeNear(rng)))
}

// edgeNear is one of the edges, of either sign.
func (s *Spec) edgeNear(rng *rand.Rand) float64 {
	switch n := rng.IntN(8); {
	case n == 0:
		return sign(rng) * math.Ldexp(1, rng.IntN(max(4, s.Most-s.Least))+s.Least)
	case n == 1:
		return sign(rng)
	case n < 5 && s.edge != nil:
		return s.edge(rng)
	}
	e := s.Edges[rng.IntN(len(s.Edges))]
	if rng.IntN(4) == 0 {
		e = -e
	}
	return e
}

func sign(rng *rand.Rand) float64 { return 1 - 2*float64(rng.IntN(2)) }

// jittered is some floats away from x: all powers of two alike, up to 2^40, or 2^18 for float32, and x itself.
func jittered[T Float](rng *rand.Rand, x T) T {
	bits := 40
	if top[T]() == 128 {
		bits = 18
	}
	n := int64(rng.Uint64N(1 << rng.IntN(bits)))
	if rng.IntN(2) == 0 {
		n = -n
	}
	return Step(x, n)
}

// pattern is the float with these bits; of float32 the lower ones.
func pattern[T Float](bits uint64) T {
	if top[T]() == 128 {
		return T(math.Float32frombits(uint32(bits)))
	}
	return T(math.Float64frombits(bits))
}

// Step is the n-th float after x, before it if n is negative, not beyond the infinities. A NaN stays.
func Step[T Float](x T, n int64) T {
	if x != x {
		return x
	}
	// The bits as integers in the order of the numbers, -0 and +0 being one.
	if top[T]() == 128 {
		i := int64(int32(math.Float32bits(float32(x))))
		if i < 0 {
			i = -(i & math.MaxInt32)
		}
		i = max(-0x7f800000, min(i+n, 0x7f800000))
		if i < 0 {
			return T(math.Float32frombits(uint32(-i) | 1<<31))
		}
		return T(math.Float32frombits(uint32(i)))
	}
	i := int64(math.Float64bits(float64(x)))
	if i < 0 {
		i = -(i & math.MaxInt64)
	}
	const end = 0x7ff << 52
	i = max(-end, min(i+n, end))
	if i < 0 {
		return T(math.Float64frombits(uint64(-i) | 1<<63))
	}
	return T(math.Float64frombits(uint64(i)))
}

// multiples draws k*unit, |k| <= most, small ones more often.
func multiples(unit float64, most int) func(*rand.Rand) float64 {
	return func(rng *rand.Rand) float64 {
		return sign(rng) * unit * float64(rng.IntN(1+rng.IntN(most)))
	}
}

// nearOne is near 1 on either side: in 1 ± 2^-k.
func nearOne(rng *rand.Rand) float64 {
	return 1 + sign(rng)*math.Ldexp(1+rng.Float64(), -1-rng.IntN(52))
}

// quarters are multiples of pi/4, of all sizes up to 2^60.
func quarters(rng *rand.Rand) float64 {
	return sign(rng) * math.Pi / 4 * float64(rng.Uint64N(2<<rng.IntN(60)))
}
