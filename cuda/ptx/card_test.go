package ptx_test

import (
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/ref"
)

// card is a simulated card with numbers of its own.
type card struct {
	*ptxtest.Card
	t       *testing.T
	rng     *rand.Rand
	threads int // for plans
}

func newCard(t *testing.T, seed uint64) *card {
	return &card{Card: ptxtest.NewCard(t, seed), t: t, rng: rand.New(rand.NewPCG(seed, 1))}
}

// random is a block of what ref.Random gives or, of floats, mostly numbers of like size whose sums all round and whose products
// are neither 0 nor infinite: with others the order of operations would not be seen.
func (c *card) random(d array.DType, shape array.Shape, nulls float64) *array.Block {
	x := ref.Random(c.rng, d, shape, nulls)
	if d.Float() && c.rng.IntN(3) > 0 {
		sign := 2*float64(c.rng.IntN(2)) - 1
		for i := range x.Len() {
			x.SetScalar(i, array.ScalarOf(sign*(0.5+c.rng.Float64())).Cast(d), !x.IsNull(i))
			if c.rng.IntN(8) == 0 {
				sign = -sign
			}
		}
	}
	return x
}
