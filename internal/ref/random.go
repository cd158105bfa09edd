package ref

import (
	"math"
	"math/big"
	"math/rand/v2"

	"github.com/darray-go/darray/array"
)

// Random is a block of the given type and shape in which each element is null with probability nulls. Some blocks hold
// small numbers, some all the values at which kernels break: signed zeros, infinities, NaN, subnormals, the bounds of
// integers, random bits. Half of the blocks start at an odd offset of larger buffers; what lies under nulls and outside is
// random too. A block without nulls carries a bitmap of ones now and then.
func Random(rng *rand.Rand, d array.DType, shape array.Shape, nulls float64) *array.Block {
	n, offset := count(shape), 0
	if rng.IntN(2) == 0 {
		offset = rng.IntN(70)
	}
	wild := rng.IntN(2) == 0
	values := array.AllocBytes(d.BufferSize(n + offset))
	for i := range n + offset {
		write(values, i, randomElement(rng, d, wild))
	}
	var validity []byte
	if nulls > 0 || rng.IntN(8) == 0 {
		validity = array.AllocBytes((n + offset + 7) / 8)
		for i := range n + offset {
			if rng.Float64() >= nulls {
				validity[i/8] |= 1 << (i % 8)
			}
		}
	}
	b, err := array.WrapBlock(d, n, offset, values, validity, nil)
	if err == nil {
		b, err = b.Reshape(shape)
	}
	if err != nil {
		return pack(d, array.Shape{0}, nil) // the shape itself is wrong: what is made of it will differ from any expectation
	}
	return b
}

// randomElement is one value: a wild one at times where wild says so, else a small number.
func randomElement(rng *rand.Rand, d array.DType, wild bool) any {
	wild = wild && rng.IntN(3) == 0
	switch {
	case d == array.Bool:
		return rng.IntN(2) == 0
	case d == array.Float32 && wild:
		return wildFloat32(rng)
	case d == array.Float64 && wild:
		return wildFloat64(rng)
	case d == array.Float32 || d == array.Float64:
		if rng.IntN(4) == 0 {
			return rounded(float64(rng.IntN(21)-10), d)
		}
		return rounded(rng.NormFloat64(), d)
	case !wild:
		return wrapped(big.NewInt(rng.Int64N(21)-10), d)
	}
	low, high := bounds(d)
	switch rng.IntN(4) {
	case 0:
		return wrapped(new(big.Int).Add(low, big.NewInt(rng.Int64N(3))), d)
	case 1:
		return wrapped(new(big.Int).Sub(high, big.NewInt(rng.Int64N(3))), d)
	}
	return wrapped(new(big.Int).SetUint64(rng.Uint64()), d)
}

func wildFloat32(rng *rand.Rand) float32 {
	edges := []float32{
		0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
		math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, math.Float32frombits(0x007fffff), math.Float32frombits(0x00800000),
		math.MaxFloat32, -math.MaxFloat32, 1 << 24, 1<<24 + 2, math.MaxInt32, math.MinInt64, 0.5, 1.5, -0.5, 255, 256, 65535.5,
	}
	if i := rng.IntN(2 * len(edges)); i < len(edges) {
		return edges[i]
	}
	return math.Float32frombits(rng.Uint32())
}

func wildFloat64(rng *rand.Rand) float64 {
	edges := []float64{
		0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(),
		math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64, math.Float64frombits(0x000fffffffffffff), math.Float64frombits(0x0010000000000000),
		math.MaxFloat64, -math.MaxFloat64, 1 << 53, 1<<53 + 2, math.MaxInt64, math.MinInt64, math.MaxUint64, 0.5, 1.5, -0.5, 127.5, -128.5,
		math.MaxFloat32, 1e39, 1e-46, math.MaxInt32 + 0.5, math.MinInt32 - 0.5,
	}
	if i := rng.IntN(2 * len(edges)); i < len(edges) {
		return edges[i]
	}
	return math.Float64frombits(rng.Uint64())
}
