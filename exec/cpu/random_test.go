package cpu_test

import (
	"math/rand/v2"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// launches are random programs over domains of up to three axes.
var launches = ref.Launches{
	Domains: []array.Shape{{3000}, {1025}, {5}, {7, 311}, {3, 5, 67}, {2, 1, 640}, {1, 1}, {}, {0, 3}, {40, 50, 2}},
	Defined: defined,
	Scalar:  randomScalar,
	Block: func(rng *rand.Rand, d array.DType, n int) *array.Block {
		return randomBlock(rng, d, n, rng.IntN(20), rng.IntN(3))
	},
}
