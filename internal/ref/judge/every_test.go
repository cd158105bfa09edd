package judge

import (
	"math"
	"testing"

	"github.com/darray-go/darray/internal/ref/real"
)

// TestBeyondRange holds that a result which the float64 routine decides alone is judged as the reference would judge it.
func TestBeyondRange(t *testing.T) {
	inf, negative := float32(math.Inf(1)), float32(math.Copysign(0, -1))
	for _, c := range []struct {
		name      string
		of        string
		x, got    float32
		want      float64
		right     bool
		undecided bool // the reference has to be asked
	}{
		{"overflow", "exp", 200, inf, 0x1.73p288, true, false},
		{"overflow with the wrong sign", "exp", 200, -inf, 0x1.73p288, false, true},
		{"the greatest float for an infinity", "exp", 200, math.MaxFloat32, 0x1.73p288, false, true},
		{"NaN for an infinity", "exp", 200, float32(math.NaN()), 0x1.73p288, false, true},
		{"an infinity too early", "exp", 80, inf, math.Exp(80), false, true},
		{"underflow", "exp", -200, 0, 0x1p-289, true, false},
		{"underflow with the wrong sign", "exp", -200, negative, 0x1p-289, false, true},
		{"zero too early", "exp", -80, 0, math.Exp(-80), false, true},
		{"NaN outside the domain", "log", -1, float32(math.NaN()), math.NaN(), true, false},
		{"a number outside the domain", "log", -1, 1, math.NaN(), false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &every{f: real.Find(c.of), promise: 1}
			e.one(c.x, c.got, c.want, false)
			if right := e.Beyond == 0; right != c.right || (e.Asked > 0) != c.undecided {
				t.Errorf("%s(%g) = %g is judged right: %v, the reference asked %d times; want %v, %v", c.of, c.x, c.got, right, e.Asked, c.right, c.undecided)
			}
		})
	}
}

// TestEveryPiece lets a right function go wrong in one place, and looks at two blocks of neighbours, each 1.4 units apart.
func TestEveryPiece(t *testing.T) {
	const lo, hi = 0x3f800000, 0x3f802000 // from 1 up
	exp := real.Find("exp")
	for _, c := range []struct {
		name               string
		at                 uint32 // the pattern whose result is another
		more               float32
		off, beyond, turns int64
		least, most        float64 // of the greatest error
	}{
		{"right", 0, 0, 0, 0, 0, 0.49, 0.5},
		{"one unit above its place", lo + 5000, 0x1p-22, 1, 0, 0, 0.5, 1.5},
		{"five units above its place", lo + 5000, 0x5p-22, 1, 1, 1, 4.5, 5.5},
		{"above what follows, in another block", lo + 4095, 0x5p-22, 1, 1, 1, 4.5, 5.5},
		{"above what follows, in the piece before", lo - 1, 0x5p-22, 0, 0, 1, 0.49, 0.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			apply32 := func(dst, x []float32) {
				for i, x := range x {
					if dst[i] = exp.Round32(x); math.Float32bits(x) == c.at {
						dst[i] += c.more
					}
				}
			}
			apply64 := func(dst, x []float64) {
				for i, x := range x {
					dst[i] = exp.Round64(x)
				}
			}
			e := newEvery(Find("exp"), apply32, apply64, 2)
			e.piece(lo, hi)
			if e.Off != c.off || e.Beyond != c.beyond || e.Turns != c.turns || e.worst.ulp < c.least || e.worst.ulp > c.most || e.ordinary != hi-lo {
				t.Errorf("off %d, beyond %d, turns %d of %d, worst %g; want %d, %d, %d of %d, from %g to %g",
					e.Off, e.Beyond, e.Turns, e.ordinary, e.worst.ulp, c.off, c.beyond, c.turns, hi-lo, c.least, c.most)
			}
		})
	}
}
