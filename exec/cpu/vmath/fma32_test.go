package vmath

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestFMA32 compares with math/big: sums of all sizes, those next to midpoints, and subnormal ones.
func TestFMA32(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2))
	float := func(least, most int) float32 {
		f := math.Ldexp(1+float64(rng.IntN(1<<23))/(1<<23), least+rng.IntN(most-least+1))
		if rng.IntN(2) == 0 {
			f = -f
		}
		return float32(f)
	}
	check := func(x, y, z float32) {
		t.Helper()
		exact := new(big.Float).SetPrec(700).Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)))
		exact.Add(exact, big.NewFloat(float64(z)))
		want, _ := exact.Float32()
		if exact.Sign() == 0 {
			want = float32(float64(x)*float64(y) + float64(z)) // the sign of an exact zero
		}
		if got := fma32(x, y, z); math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("fma32(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
		if got := nearFMA32(x, y, z); math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("nearFMA32(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
	}
	for range 20000 {
		check(float(-20, 20), float(-20, 20), float(-40, 40))
		check(float(-80, -60), float(-80, -60), float(-149, -120)) // subnormal
		check(float(60, 64), float(60, 64), float(120, 127))       // overflow
		// A sum that misses a midpoint by less than float64 sees.
		z := float(-10, 10)
		y := float32(math.Ldexp(1-0x1p-23, math.Ilogb(float64(z))-12))
		check(0x1.000002p-12, y, z)
		check(-0x1.000002p-12, y, z)
	}
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range [][4]float32{{inf, 1, 1, inf}, {inf, 0, 1, nan}, {inf, 1, -inf, nan}, {1, nan, 1, nan}, {math.MaxFloat32, 2, -inf, -inf}} {
		if got := fma32(c[0], c[1], c[2]); got != c[3] && (got == got || c[3] == c[3]) {
			t.Errorf("fma32(%g, %g, %g) = %g, want %g", c[0], c[1], c[2], got, c[3])
		}
	}
	// The same where the result is subnormal, and midpoints have their one elsewhere.
	check(0x1.000002p-75, 0x1.fffffcp-76, 0x1p-127+0x1p-149)
	check(0x1.000002p-75, -0x1.fffffcp-76, 0x1p-127+0x1p-149)
}
