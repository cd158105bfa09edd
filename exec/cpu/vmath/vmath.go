// Package vmath computes the element-wise functions of floats that no processor has as an instruction: exp, log, sin and
// their kin, within 1 unit in the last place for float64 and 2 for float32 (docs/numerics.md has what was measured), with the
// same bits in Go, AVX2 and AVX-512. The descriptions that all of it is made from are in internal/gen/vmath. The functions of
// one element are for any processor; Find has the vectorised ones.
package vmath

import "math"

//go:generate go run ../../../internal/gen/simd vmath

// Routine computes a function over the first n elements of x, and of y where it has two operands: dst[i] = f(x[i], y[i]). n
// is not 0; it reads and writes those elements and no other byte. dst may be x or y, else they must not overlap. Where past is
// true its stores go past the caches, to a dst that is a multiple of the vector's size. A machine without the instruction set
// ends the program.
type Routine func(dst, x, y *byte, n int, past bool)

// lesser and greater are the minimum and maximum as vector instructions have them: the second operand where they are equal
// or one is NaN.
func lesser[T float32 | float64](x, y T) T {
	if x < y {
		return x
	}
	return y
}

func greater[T float32 | float64](x, y T) T {
	if x > y {
		return x
	}
	return y
}

func unordered[T float32 | float64](x, y T) bool { return x != x || y != y }

// pick is x where m, else y.
func pick[T float32 | float64 | uint32 | uint64](m bool, x, y T) T {
	if m {
		return x
	}
	return y
}

// fma32 is x*y + z, rounded once. The product is exact in float64, and rounding the sum twice is harmless unless the first
// rounding gives a midpoint of two float32: those end with a one and 28 zeros, but for subnormal results.
func fma32(x, y, z float32) float32 {
	s := float64(x)*float64(y) + float64(z)
	if b := math.Float64bits(s); b&(1<<29-1) == 1<<28 || b<<1 < 897<<53 {
		return nearFMA32(x, y, z)
	}
	return float32(s)
}

// nearFMA32 is it for any sum. It is rounded to odd in float64: toward the error's side where it ends with a zero bit. Then it
// lies on the same side of each float32 and each midpoint as the exact sum does (Boldo and Melquiond, "Emulation of FMA and
// correctly rounded sums", 2008).
func nearFMA32(x, y, z float32) float32 {
	p, c := float64(x)*float64(y), float64(z)
	s := p + c
	b := s - p
	e := (p - (s - b)) + (c - b) // what s misses; NaN where s is infinite
	if bits := math.Float64bits(s); bits&1 == 0 && (e < 0 || e > 0) {
		if (e > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
		s = math.Float64frombits(bits)
	}
	return float32(s)
}
