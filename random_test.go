package darray_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// streamWord is element i of a seed's stream, from the reference's blocks.
func streamWord(seed uint64, i int) uint64 {
	return ref.PhiloxAt(uint64(i), seed)
}

// The numbers are those of the definition, for any number of ranks, however long the array is and whatever its shape.
func TestRandomIsItsDefinition(t *testing.T) {
	leak.Check(t)
	const seed, n = 0x299f31d0a4093822, 1003
	for _, p := range []int{1, 2, 3, 4, 5} {
		uniform := collect[float64](t, p, darray.Random(seed, 17, 59))
		words := collect[uint64](t, p, darray.Philox(darray.Arange[uint64](0, n, 1), uint64(seed)))
		narrow := collect[int64](t, p, darray.RandomIntegers(seed, -3, 1000, n))
		wide := collect[int64](t, p, darray.RandomIntegers(seed, math.MinInt64, math.MaxInt64, n))
		for i := range n {
			w := streamWord(seed, i)
			if words[i] != w {
				t.Fatalf("p=%d: element %d of the stream is %#x, not %#x", p, i, words[i], w)
			}
			if want := float64(w>>11) / (1 << 53); uniform[i] != want {
				t.Fatalf("p=%d: uniform %d is %v, not %v", p, i, uniform[i], want)
			}
			if want := -3 + int64(high(w, 1003)); narrow[i] != want {
				t.Fatalf("p=%d: integer %d is %d, not %d", p, i, narrow[i], want)
			}
			if want := math.MinInt64 + int64(high(w, 1<<64-1)); wide[i] != want {
				t.Fatalf("p=%d: wide integer %d is %d, not %d", p, i, wide[i], want)
			}
		}
	}
}

// high is the upper word of a product, digit by digit in base 2^16.
func high(x, y uint64) uint64 {
	var digits [9]uint64
	for i := range 4 {
		carry := uint64(0)
		for j := range 4 {
			sum := digits[i+j] + (x>>(16*i)&0xffff)*(y>>(16*j)&0xffff) + carry
			digits[i+j], carry = sum&0xffff, sum>>16
		}
		digits[i+4] += carry
	}
	return digits[4] | digits[5]<<16 | digits[6]<<32 | digits[7]<<48
}

func TestRandomNormalIsTheSameOnAnyNumberOfRanks(t *testing.T) {
	leak.Check(t)
	const seed, n = 5, 777
	want := collect[float64](t, 1, darray.RandomNormal(seed, n))
	for i, got := range want {
		u, v := float64(streamWord(seed, 2*i)>>11+1)/(1<<53), float64(streamWord(seed, 2*i+1)>>11)/(1<<53)
		z := math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
		// Near a zero of the cosine the rounding of 2 pi v counts, up to 2^-52 of a turn; the functions are within an ulp each.
		if math.Abs(got-z) > 1e-14 {
			t.Fatalf("normal %d is %v, not %v", i, got, z)
		}
	}
	for _, p := range []int{2, 3, 4, 5} {
		if got := collect[float64](t, p, darray.RandomNormal(seed, 7, 111)); !slices.Equal(got, want) {
			t.Errorf("p=%d gives other numbers", p)
		}
	}
}

// A million numbers of a fixed seed: the bounds are five standard deviations of each figure, which one seed in a million misses.
func TestRandomMoments(t *testing.T) {
	leak.Check(t)
	const n = 1_000_000
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	uniform, normal := darray.Random(1, n), darray.RandomNormal(2, n)
	cube := darray.Multiply(darray.Square(normal), normal)
	figures := []struct {
		name            string
		a               darray.Array
		want, deviation float64 // of one number
	}{
		{"mean of uniform", darray.Mean(uniform), 0.5, math.Sqrt(1. / 12)},
		{"variance of uniform", darray.Var(uniform), 1. / 12, math.Sqrt(1. / 180)},
		{"mean of normal", darray.Mean(normal), 0, 1},
		{"variance of normal", darray.Var(normal), 1, math.Sqrt(2)},
		{"third moment of normal", darray.Mean(cube), 0, math.Sqrt(15)},
		{"fourth moment of normal", darray.Mean(darray.Square(darray.Square(normal))), 3, math.Sqrt(96)},
		{"mean of integers", darray.Mean(darray.RandomIntegers(3, -50, 51, n)), 0, math.Sqrt((101*101 - 1) / 12.)},
		{"covariance of two seeds", darray.Mean(darray.Multiply(darray.Subtract(darray.Random(1, n), 0.5), darray.Subtract(darray.Random(4, n), 0.5))), 0, 1. / 12},
		{"below 0.25", darray.Mean(darray.Less(uniform, 0.25).Cast(darray.Float64)), 0.25, math.Sqrt(0.25 * 0.75)},
	}
	arrays := make([]darray.Array, len(figures))
	for i, f := range figures {
		arrays[i] = f.a
	}
	blocks, err := c.Collect(context.Background(), arrays...)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range figures {
		got, err := darray.Values[float64](blocks[i])
		if err != nil {
			t.Fatal(err)
		}
		if bound := 5 * f.deviation / math.Sqrt(n); math.Abs(got[0]-f.want) > bound {
			t.Errorf("%s: %v, want %v within %v", f.name, got[0], f.want, bound)
		}
	}
}

// Chi-square of a million numbers over 100 equal cells: 99 degrees of freedom, so mean 99 and standard deviation sqrt(198); the
// bounds are five of those away.
func TestRandomChiSquare(t *testing.T) {
	leak.Check(t)
	const n, cells = 1_000_000, 100
	for name, draw := range map[string]darray.Array{
		"uniform":  darray.Multiply(darray.Random(11, n), float64(cells)).Cast(darray.Int64),
		"integers": darray.RandomIntegers(12, 0, cells, n),
		// erf(z / sqrt 2) of a normal z is uniform in (-1, 1)
		"normal": darray.Multiply(darray.Add(darray.Erf(darray.Multiply(darray.RandomNormal(13, n), math.Sqrt(0.5))), 1.0), float64(cells)/2).Cast(darray.Int64),
	} {
		counts := make([]float64, cells)
		for _, cell := range collect[int64](t, 2, draw) {
			counts[min(cell, cells-1)]++ // the function rounds to 1 beyond 5.9
		}
		chi := 0.0
		for _, c := range counts {
			chi += (c - n/cells) * (c - n/cells) / (n / cells)
		}
		if math.Abs(chi-(cells-1)) > 5*math.Sqrt(2*(cells-1)) {
			t.Errorf("%s: chi-square is %v, expected %d", name, chi, cells-1)
		}
	}
}

func TestRandomShapes(t *testing.T) {
	leak.Check(t)
	if got := collect[float64](t, 2, darray.Random(1)); len(got) != 1 || darray.Random(1).NDim() != 0 {
		t.Errorf("without a shape: %v", got)
	}
	if got := collect[float64](t, 3, darray.RandomNormal(1, 3, 0)); len(got) != 0 {
		t.Errorf("of no elements: %v", got)
	}
	for name, test := range map[string]struct {
		a    darray.Array
		want error
	}{
		"negative extent":   {darray.Random(1, -1), darray.ErrShape},
		"normal":            {darray.RandomNormal(1, 2, -1), darray.ErrShape},
		"integers":          {darray.RandomIntegers(1, 0, 5, -2), darray.ErrShape},
		"too many elements": {darray.Random(1, math.MaxInt/4, 7), darray.ErrShape},
		"no integers":       {darray.RandomIntegers(1, 5, 5, 3), darray.ErrShape},
		"bounds exchanged":  {darray.RandomIntegers(1, 5, -5, 3), darray.ErrShape},
		"index of floats":   {darray.Philox(darray.Arange(0., 3, 1), 1), darray.ErrDType},
		"seed of bools":     {darray.Philox(darray.Arange(0, 3, 1), true), darray.ErrDType},
	} {
		if err := test.a.Err(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}
