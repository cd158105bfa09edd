// Package vmath computes the element-wise functions of floats that no processor has as an instruction: exp, log, sin and
// their kin, within 1 unit in the last place for float64 and 2 for float32 (docs/numerics.md has what was measured), with the
// same bits in Go, AVX2 and AVX-512. The descriptions that all of it is made from are in internal/gen/vmath. The functions of
// one element are for any processor; Find has the vectorised ones.
package vmath

import "math"

//go:generate go run ../../../internal/gen/simd

// Routine computes a function over the first n elements of x, and of y where it has two operands: dst[i] = f(x[i], y[i]). n
// is not 0; it reads and writes those elements and no other byte. dst may be x or y, else they must not overlap. Where past is
// true its stores go past the caches, to a dst that is a multiple of the vector's size. A machine without the instruction set
// ends the program.
type Routine func(dst, x, y *byte, n int, past bool)

// lesser and greater are the minimum and maximum as vector instructions have them: the second operand where they are equal
// or one is NaN.
func lesser(x, y float64) float64 {
	if x < y {
		return x
	}
	return y
}

func greater(x, y float64) float64 {
	if x > y {
		return x
	}
	return y
}

func unordered(x, y float64) bool { return math.IsNaN(x) || math.IsNaN(y) }

// pick is x where m, else y.
func pick[T float64 | uint64](m bool, x, y T) T {
	if m {
		return x
	}
	return y
}
