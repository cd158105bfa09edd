package array_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// lengthLimit is what Shape.Check allows.
var lengthLimit = big.NewInt(math.MaxInt / 8)

// rangeLength is ceil((stop-start)/step) of exact numbers, 0 where that is negative.
func rangeLength(start, stop, step *big.Rat) *big.Int {
	q := new(big.Rat).Quo(new(big.Rat).Sub(stop, start), step)
	n, rest := new(big.Int).QuoRem(q.Num(), q.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	if n.Sign() < 0 {
		n.SetInt64(0)
	}
	return n
}

func checkLength(t *testing.T, start, stop, step array.Scalar, want *big.Int) {
	t.Helper()
	n := array.Arange(start, stop, step, 0)
	switch {
	case want.Cmp(lengthLimit) > 0:
		if !errors.Is(n.Err(), array.ErrShape) {
			t.Errorf("arange(%s, %s, %s) of %v elements: error %v", start, stop, step, want, n.Err())
		}
	case n.Err() != nil:
		t.Errorf("arange(%s, %s, %s): %v, want %v elements", start, stop, step, n.Err(), want)
	case want.Cmp(big.NewInt(int64(n.Shape()[0]))) != 0:
		t.Errorf("arange(%s, %s, %s) has %d elements, want %v", start, stop, step, n.Shape()[0], want)
	}
}

func TestArangeIntegerLengths(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	edges := []int64{0, 1, -1, 2, 3, -7, 100, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, math.MinInt64 + 1, 1 << 53, 1<<55 + 1, 1 << 60}
	pick := func() int64 {
		if rng.IntN(3) == 0 {
			return rng.Int64N(2001) - 1000
		}
		return edges[rng.IntN(len(edges))]
	}
	for range 2000 {
		start, stop, step := pick(), pick(), pick()
		if step == 0 {
			continue
		}
		rat := func(x int64) *big.Rat { return new(big.Rat).SetInt64(x) }
		checkLength(t, array.ScalarOf(start), array.ScalarOf(stop), array.ScalarOf(step), rangeLength(rat(start), rat(stop), rat(step)))

		unsigned := func(x int64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(uint64(x))) }
		checkLength(t, array.ScalarOf(uint64(start)), array.ScalarOf(uint64(stop)), array.ScalarOf(uint64(step)),
			rangeLength(unsigned(start), unsigned(stop), unsigned(step)))

		small := func(x int64) *big.Rat { return new(big.Rat).SetInt64(int64(int8(x))) }
		if int8(step) != 0 {
			checkLength(t, array.ScalarOf(int8(start)), array.ScalarOf(int8(stop)), array.ScalarOf(int8(step)),
				rangeLength(small(start), small(stop), small(step)))
		}
	}
}

// TestArangeFloatLengths takes numbers whose difference and quotient are exact, so that the exact length is NumPy's.
func TestArangeFloatLengths(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		step := math.Ldexp(1, rng.IntN(30)-15)
		if rng.IntN(2) == 0 {
			step = -step
		}
		start := float64(rng.IntN(2001)-1000) / 64
		stop := float64(rng.IntN(2001)-1000) / 64
		rat := func(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }
		want := rangeLength(rat(start), rat(stop), rat(step))
		checkLength(t, array.ScalarOf(start), array.ScalarOf(stop), array.ScalarOf(step), want)
		checkLength(t, array.ScalarOf(float32(start)), array.ScalarOf(float32(stop)), array.ScalarOf(float32(step)), want)
	}
}

// TestArangeAsNumPy: lengths that numpy.arange gives where rounding or the ends of the range decide; -1 is its ValueError.
func TestArangeAsNumPy(t *testing.T) {
	inf := math.Inf(1)
	cases := []struct {
		start, stop, step float64
		want              int
	}{
		{0, 1, 0.1, 10},
		{0, 0.3, 0.1, 3},
		{1, 1.3, 0.1, 4}, // the famous one: 1.3 itself is reached by rounding
		{0, 5, 5, 1},
		{5, 0, 1, 0},
		{5, 0, -1, 5},
		{0, 0, 1, 0},
		{0, 1, inf, 1},
		{0, -1, inf, 0},
		{0, 5e-324, 1e300, 1}, // the quotient underflows
		{0, inf, 1, -1},
		{0, -inf, 1, 0}, // NumPy refuses this one; the range is empty
		{-1e308, 1e308, 1, -1},
		{math.NaN(), 1, 1, -1},
		{0, 1, math.NaN(), -1},
		{0, 1, 5e-324, -1},
	}
	for _, c := range cases {
		n := array.Arange(array.ScalarOf(c.start), array.ScalarOf(c.stop), array.ScalarOf(c.step), 0)
		got := -1
		if n.Err() == nil {
			got = n.Shape()[0]
		}
		if got != c.want {
			t.Errorf("arange(%g, %g, %g) has length %d (%v), want %d", c.start, c.stop, c.step, got, n.Err(), c.want)
		}
	}
}

func TestArangeRefuses(t *testing.T) {
	one := array.ScalarOf(1)
	cases := []struct {
		name              string
		start, stop, step array.Scalar
		want              error
	}{
		{"bool", array.ScalarOf(false), array.ScalarOf(true), array.ScalarOf(true), array.ErrDType},
		{"no type", array.Scalar{}, array.Scalar{}, array.Scalar{}, array.ErrDType},
		{"two types", one, array.ScalarOf(2.5), one, array.ErrDType},
		{"step 0", one, array.ScalarOf(5), array.ScalarOf(0), array.ErrShape},
		{"float step 0", array.ScalarOf(1.0), array.ScalarOf(5.0), array.ScalarOf(math.Copysign(0, -1)), array.ErrShape},
	}
	for _, c := range cases {
		if n := array.Arange(c.start, c.stop, c.step, 0); !errors.Is(n.Err(), c.want) {
			t.Errorf("%s: error %v, want %v", c.name, n.Err(), c.want)
		}
	}
}

func TestArangeValues(t *testing.T) {
	cases := []struct {
		start, stop, step array.Scalar
		want              string
	}{
		{array.ScalarOf(3), array.ScalarOf(-4), array.ScalarOf(-3), "3 0 -3"},
		{array.ScalarOf(int8(-128)), array.ScalarOf(int8(127)), array.ScalarOf(int8(100)), "-128 -28 72"},
		{array.ScalarOf(uint64(1<<64 - 2)), array.ScalarOf(uint64(1<<64 - 1)), array.ScalarOf(uint64(1)), "18446744073709551614"},
		{array.ScalarOf(0.0), array.ScalarOf(0.4), array.ScalarOf(0.1), "0.0 0.1 0.2 0.30000000000000004"},
		{array.ScalarOf(float32(0)), array.ScalarOf(float32(0.35)), array.ScalarOf(float32(0.1)), "0.0 0.1 0.2 0.3"},
	}
	for _, c := range cases {
		b, err := ref.Eval(array.Arange(c.start, c.stop, c.step, 0))
		if err != nil {
			t.Fatal(err)
		}
		if items(b) != c.want {
			t.Errorf("arange(%s, %s, %s) is %s, want %s", c.start, c.stop, c.step, items(b), c.want)
		}
	}
}
