package vmath_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref/judge"
)

// TestSameBits holds the instruction sets to Go's bits, on inputs of all kinds.
func TestSameBits(t *testing.T) {
	eachFunction(t, func(t *testing.T, f function) {
		sameBits[float64](t, f)
		sameBits[float32](t, f)
	})
}

func sameBits[T judge.Float](t *testing.T, f function) {
	const n = 512
	rng := rand.New(rand.NewPCG(*seed, 5))
	x, y, want, got := make([]T, n), make([]T, n), make([]T, n), make([]T, n)
	all := ways[T](t, f)
	for done := int64(0); done < tried(1); done += n {
		judge.Fill(f.Spec, judge.Kind(rng.IntN(int(judge.Hard))), rng, x, y)
		mix(rng, x)
		mix(rng, y)
		all[0].apply(want, x, y)
		for _, w := range all[1:] {
			w.apply(got, x, y)
			for i := range got {
				if !same(got[i], want[i]) {
					t.Fatalf("%s(%s, %s) is %s in %s, and %s in Go", f.Name, bits(x[i]), bits(y[i]), bits(got[i]), w.name, bits(want[i]))
				}
			}
		}
	}
}

// unusual are values that functions treat apart.
var unusual = []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), 0x1p-1074, -0x1p-1030, math.MaxFloat64, 1e300, -1e300, 0x1p-149, 0x1p-127, 3e38, 710, -750, 89, 0.5}

// mix sometimes puts unusual values among the others, so that each lane meets them beside common ones, and alone.
func mix[T judge.Float](rng *rand.Rand, x []T) {
	share := []int{1, 8, 64, 1 << 30}[rng.IntN(4)]
	for i := range x {
		if rng.IntN(share) == 0 && share < 1<<30 {
			x[i] = T(unusual[rng.IntN(len(unusual))])
		}
	}
}

// TestLanes puts every unusual value into every lane of two vectors whose other lanes have a common one.
func TestLanes(t *testing.T) {
	eachFunction(t, func(t *testing.T, f function) {
		lanes[float64](t, f)
		lanes[float32](t, f)
	})
}

func lanes[T judge.Float](t *testing.T, f function) {
	const n = 16
	all := ways[T](t, f)
	x, y, want, got := make([]T, n), make([]T, n), make([]T, n), make([]T, n)
	commons := []T{0.25, -0.75, 1.5, 3, 100}
	if testing.Short() {
		commons = commons[:1]
	}
	for _, common := range commons {
		for _, other := range unusual {
			for lane := range n {
				for i := range x {
					x[i], y[i] = common, common/2
				}
				x[lane] = T(other)
				if lane%3 == 2 {
					x[lane], y[lane] = y[lane], x[lane]
				}
				all[0].apply(want, x, y)
				for _, w := range all[1:] {
					w.apply(got, x, y)
					for i := range got {
						if !same(got[i], want[i]) {
							t.Fatalf("%s(%s, %s) is %s in lane %d in %s, and %s in Go", f.Name, bits(x[i]), bits(y[i]), bits(got[i]), i, w.name, bits(want[i]))
						}
					}
				}
			}
		}
	}
}

// TestPlaces runs the routines over every number of elements up to 72, at addresses of any alignment, into another
// array and into an operand, with stores past the caches where they are allowed, and looks at what stands around the result.
func TestPlaces(t *testing.T) {
	eachFunction(t, func(t *testing.T, f function) {
		places[float64](t, f)
		places[float32](t, f)
	})
}

func places[T judge.Float](t *testing.T, f function) {
	const longest, margin = 72, 16
	size := 8
	if single[T]() {
		size = 4
	}
	rng := rand.New(rand.NewPCG(*seed, 6))
	vector := func(skew int) []T { // with the margins; the first element is skew elements past an aligned address
		whole := array.View[T](array.AllocBytes((longest + 2*margin + 16) * size))
		for i := range whole {
			whole[i] = T(-12345.5)
		}
		return whole[skew : skew+longest+2*margin]
	}
	inside := func(v []T, n int) []T { return v[margin : margin+n : margin+n] }
	x, y, want := make([]T, longest), make([]T, longest), make([]T, longest)
	for _, isa := range isas() {
		r := routine[T](t, f, isa)
		for n := 1; n <= longest; n++ {
			for skew := range 64 / size {
				if testing.Short() && (skew > 1 || n > 20 && n != 33 && n != 64) {
					continue // an emulated processor is slow
				}
				for mode := range 4 {
					past := mode == 1 && skew == 0
					judge.Fill(f.Spec, judge.Kind(rng.IntN(int(judge.Hard))), rng, x[:n], y[:n])
					inGo[T](f)(want[:n], x, y)
					a, b, dst := vector(skew), vector((skew*3+1)%(64/size)), vector(skew)
					copy(inside(a, n), x)
					copy(inside(b, n), y)
					switch mode {
					case 2:
						dst = a
					case 3:
						dst = b
						if f.Arity == 1 {
							dst = a
						}
					}
					call(r, inside(dst, n), inside(a, n), inside(b, n), past)
					for i, v := range inside(dst, n) {
						if !same(v, want[i]) {
							t.Fatalf("%s(%s, %s) is %s in %s, and %s in Go; %d elements, skew %d, mode %d", f.Name, bits(x[i]), bits(y[i]), bits(v), isa, bits(want[i]), n, skew, mode)
						}
					}
					for i, v := range dst {
						if (i < margin || i >= margin+n) && v != -12345.5 {
							t.Fatalf("%s in %s wrote %s beside its result of %d elements", f.Name, isa, bits(v), n)
						}
					}
				}
			}
		}
	}
}
