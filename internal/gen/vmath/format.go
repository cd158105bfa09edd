package vmath

import (
	"math"

	"github.com/darray-go/darray/internal/lanes"
)

// format is what a description needs to know of the floats in its lanes (IEEE 754-2019, 3.6).
type format struct {
	magic    float64 // see lanes.Magic
	fraction int     // stored bits of it
	bias     uint64  // of the exponent
}

// formatOf is that of a program's lanes.
func formatOf(p *lanes.Program) format {
	if p.Width == 32 {
		return format{lanes.Magic32, 23, 127}
	}
	return format{lanes.Magic, 52, 1023}
}

// word is the bits of a float of a program's lanes.
func word(p *lanes.Program, x float64) uint64 {
	if p.Width == 32 {
		return uint64(math.Float32bits(float32(x)))
	}
	return math.Float64bits(x)
}

// largeOrNaN holds for |x| >= limit and for NaN: bits in the order of integers, so that nothing need be inverted.
func largeOrNaN(x lanes.F, limit float64) lanes.M { return beyond(x.Abs(), limit) }

// beyond is it of what has no sign.
func beyond(abs lanes.F, limit float64) lanes.M {
	return abs.Bits().Gt(abs.Program().I(word(abs.Program(), limit) - 1))
}

// notPositive holds for what is no positive finite number.
func notPositive(x lanes.F) lanes.M {
	p := x.Program()
	turn := ^uint64(0) >> (65 - p.Width) // what takes one off, and puts the negative numbers, with 0, behind infinity
	greatest := word(p, math.Inf(1)) - 1
	return x.Bits().Add(turn).Gt(p.I(uint64(int64((greatest+turn)<<(64-p.Width)) >> (64 - p.Width))))
}

// powerOfTwo is 2^n for an integer n that is a normal number's exponent.
func powerOfTwo(n lanes.F) lanes.F {
	f := formatOf(n.Program())
	return n.Add(f.magic + float64(f.bias)).Bits().Shl(f.fraction).Float()
}

// twoPowers is y * 2^n, where n is at most twice such an exponent, in two steps, so that only the last rounds, where the result
// is subnormal.
func twoPowers(y, n lanes.F) lanes.F {
	f := formatOf(y.Program())
	half := n.Mul(0.5).Add(f.magic)
	a, b := half.Sub(f.magic), n.Sub(half.Sub(f.magic))
	return y.Mul(powerOfTwo(a)).Mul(powerOfTwo(b))
}

// scale is y * 2^n, where y is about 1 and n had the magic number added: exact for |x| < safe; 0 for x < least, infinite from
// most on, and NaN for NaN.
func scale(x, y, shifted lanes.F, safe, least, most float64) lanes.F {
	p := x.Program()
	f := formatOf(p)
	scaled := y.Bits().Add(shifted.Bits().Shl(f.fraction)).Float()
	return p.RareOne(largeOrNaN(x, safe), scaled, func() lanes.F {
		z := twoPowers(y, shifted.Sub(f.magic))
		z = x.Lt(least).Select(0, z)
		z = x.Ge(most).Select(p.Inf(), z)
		return x.IsNaN().Select(x, z)
	})
}
