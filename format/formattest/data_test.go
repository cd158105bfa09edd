package formattest

import (
	"slices"
	"testing"
)

// TestRandom: every type can be made, and two arrays of one seed are equal.
func TestRandom(t *testing.T) {
	for _, d := range slices.Concat(Numbers(), Times(), Texts(), Others()) {
		for _, nulls := range []bool{false, true} {
			a, b := Random(d, 50, nulls, 1), Random(d, 50, nulls, 1)
			if a.Len() != 50 {
				t.Errorf("%s: %d values", d, a.Len())
			}
			if err := Equal(a, b); err != nil {
				t.Errorf("%s: %v", d, err)
			}
		}
	}
}
