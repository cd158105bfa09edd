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
			e.Max, e.At.X = 0.5, "0x0p+00" // as after the first results
			e.one(c.x, c.got, c.want, false)
			if right := e.Beyond == 0; right != c.right || (e.Asked > 0) != c.undecided {
				t.Errorf("%s(%g) = %g is judged right: %v, the reference asked %d times; want %v, %v", c.of, c.x, c.got, right, e.Asked, c.right, c.undecided)
			}
		})
	}
}
