package kern_test

import (
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// TestBits counts bits one by one, in bitmaps where few are set, few are not, and half of them.
func TestBits(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 300 {
		for density := range 5 {
			x, set := newVector(array.Bool, n, 0), 0
			for i := range n {
				bit := []bool{false, rng.IntN(n) == 0, rng.IntN(2) == 0, rng.IntN(n) > 0, true}[density]
				x.set(i, array.ScalarOf(bit))
				if bit {
					set++
				}
			}
			words := x.bytes(n)
			if got := kern.CountBits(words, n); got != set {
				t.Fatalf("%d of %d bits are counted as %d", set, n, got)
			}
			if kern.AnyBit(words, n) != (set > 0) || kern.AllBits(words, n) != (set == n) {
				t.Fatalf("%d of %d bits: any %v, all %v", set, n, kern.AnyBit(words, n), kern.AllBits(words, n))
			}
		}
	}
}
