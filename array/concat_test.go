package array_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// TestConcat joins random blocks, with and without nulls and at any bit offset, and holds the text of the whole against the
// texts of the parts.
func TestConcat(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	for _, d := range array.DTypes() {
		for range 20 {
			var blocks []*array.Block
			var want []string
			for range 1 + rng.IntN(4) {
				b := ref.Random(rng, d, array.Shape{rng.IntN(40)}, float64(rng.IntN(2))*0.3)
				blocks, want = append(blocks, b), append(want, strings.Fields(items(b))...)
			}
			got, err := array.Concat(blocks)
			if err != nil {
				t.Fatal(err)
			}
			if got.DType() != d || items(got) != strings.Join(want, " ") {
				t.Fatalf("%d blocks of %s join to %s, want %v", len(blocks), d, items(got), want)
			}
		}
	}
	one := block([]int{1, 2})
	if got, err := array.Concat([]*array.Block{one}); err != nil || got != one {
		t.Errorf("one block joins to %v, %v", got, err)
	}
	if _, err := array.Concat(nil); !errors.Is(err, array.ErrShape) {
		t.Errorf("no blocks join: %v", err)
	}
	if _, err := array.Concat([]*array.Block{one, block([]int8{1})}); !errors.Is(err, array.ErrDType) {
		t.Errorf("int64 and int8 join: %v", err)
	}
}
