package kern_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// TestCastCorners holds every cast of every instruction set against array.Scalar.Cast on the values where one goes wrong: next
// to the ends of every type, and where a result is rounded.
func TestCastCorners(t *testing.T) {
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for _, from := range array.DTypes()[1:] {
			values := corners(from)
			x := newVector(from, len(values), 0)
			for i, v := range values {
				x.set(i, v)
			}
			for _, to := range array.DTypes() {
				t.Run(fmt.Sprintf("%s/%s/%s", isa, from, to), func(t *testing.T) {
					got := newVector(to, len(values), 0)
					set.Cast(from, to)(got.bytes(len(values)), x.bytes(len(values)), nil, nil, len(values))
					for i, v := range values {
						if misemulated(v, to) {
							continue
						}
						if got, want := got.get(i), v.Cast(to); !same(got, want) {
							t.Fatalf("%s (%#x) becomes %s, want %s", v, v.Bits(), got, want)
						}
					}
				})
			}
		}
	}
}

// corners are values of a number type, in an order that puts each into any lane.
func corners(d array.DType) []array.Scalar {
	var all []array.Scalar
	if d.Float() {
		all = floatCorners(d)
	} else {
		for shift := range 65 { // next to the powers of two, and the middles of the floats above them
			for _, unit := range []uint64{0, 1 << max(0, shift-25), 1 << max(0, shift-24), 1 << max(0, shift-23), 1 << max(0, shift-54), 1 << max(0, shift-53)} {
				for _, more := range []uint64{0, 1, 2, ^uint64(0), ^uint64(1)} {
					bits := uint64(1)<<shift + unit + more
					all = append(all, array.ScalarFromBits(array.Uint64, bits).Cast(d), array.ScalarFromBits(array.Uint64, -bits).Cast(d))
				}
			}
		}
	}
	rng := rand.New(rand.NewPCG(3, uint64(d)))
	if !testing.Short() {
		all = append(all, all...)
	}
	rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if raceEnabled {
		return all[:len(all)/20]
	}
	return all
}

// strideOfCorners is how many powers of two there are for one that the tests look at, around 2^shift: all where the ranges of
// integers and of float32 end, fewer far from there, still fewer on an emulated processor.
func strideOfCorners(shift int) int {
	far := shift < -200 || shift > 200
	end := shift >= -40 && shift <= 70 || shift >= -155 && shift <= -145 || shift >= -130 && shift <= -120 || shift >= 120 && shift <= 130
	switch {
	case *only != "" && far:
		return 35
	case *only != "" && !end:
		return 5
	case far:
		return 7
	}
	return 1
}

func floatCorners(d array.DType) []array.Scalar {
	var all []array.Scalar
	put := func(f float64) {
		all = append(all, array.ScalarOf(f).Cast(d), array.ScalarOf(-f).Cast(d))
	}
	for _, f := range specialFloats {
		put(f)
	}
	for shift := -1080; shift <= 1030; shift++ {
		if shift%strideOfCorners(shift) != 0 {
			continue
		}
		power := math.Ldexp(1, shift)
		for _, more := range []float64{0, -1, -0.5, -0.25, 0.25, 0.5, 1, 1.5} {
			f := power + more
			put(f)
			put(math.Nextafter(f, math.Inf(1)))
			put(math.Nextafter(f, math.Inf(-1)))
			put(float64(math.Nextafter32(float32(f), float32(math.Inf(1)))))
			put(float64(math.Nextafter32(float32(f), float32(math.Inf(-1)))))
			put(f * (1 + 0x1p-24)) // the middle of two float32
			put(f * (1 + 0x1p-24 + 0x1p-50))
		}
	}
	return all
}
