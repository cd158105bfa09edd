package compute

import (
	"math"
	"testing"
)

// TestSpans: operands lie where each function has a value, which the check could not tell from another if it were NaN.
func TestSpans(t *testing.T) {
	for _, k := range kernels() {
		if k.spans != nil && len(k.spans) != k.operands {
			t.Errorf("%s: %d spans for %d operands", k.name, len(k.spans), k.operands)
		}
		if k.matrix {
			continue
		}
		for _, dtype := range []string{float64s, float32s} {
			const n = 50_000
			want := k.check(dtype, n)
			for i, x := range append(want.summary, want.magnitude) {
				if math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s %s: number %d of the reference is %g", k.name, dtype, i, x)
				}
			}
			if d := k.distance(want.summary, want); d != 0 {
				t.Errorf("%s %s: the reference is %g from itself", k.name, dtype, d)
			}
		}
	}
}

// TestNames: no two cases share a name, as contenders are asked by it.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for _, k := range kernels() {
		if seen[k.name] {
			t.Errorf("two cases are called %q", k.name)
		}
		seen[k.name] = true
	}
	for _, s := range Suites() {
		for _, name := range s.Cases() {
			if !seen[name] {
				t.Errorf("%s: no kernel is called %q", s.Name, name)
			}
		}
	}
}

// TestElements: the values that operands have, worked out by hand, which rivals/compute.py has too.
func TestElements(t *testing.T) {
	for _, c := range []struct {
		s    span
		k, i int
		want float64
	}{
		{span{-10, 10}, 0, 0, -10},
		{span{0, 1}, 0, 1, float64(2654435761>>8) / (1 << 24)},
		{span{-25, 25}, 1, 0, -25 + 50*158.0/(1<<24)},
		{span{0, 1}, 0, period + 1, float64(2654435761>>8) / (1 << 24)},
	} {
		if got := c.s.element(c.k, c.i); got != c.want {
			t.Errorf("element %d of operand %d in %v is %v, want %v", c.i, c.k, c.s, got, c.want)
		}
	}
}
