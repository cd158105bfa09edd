package vmath_test

import (
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/internal/ref/judge"
)

// TestSymmetry holds odd and even functions to it, bit by bit.
func TestSymmetry(t *testing.T) {
	eachFunction(t, func(t *testing.T, f function) {
		if f.Odd || f.Even {
			symmetry[float64](t, f)
			symmetry[float32](t, f)
		}
	})
}

func symmetry[T judge.Float](t *testing.T, f function) {
	const n = 512
	rng := rand.New(rand.NewPCG(*seed, 7))
	x, right, left := make([]T, n), make([]T, n), make([]T, n)
	w := fastest[T](t, f)
	for done := int64(0); done < tried(1); done += n {
		judge.Fill(f.Spec, judge.Kind(rng.IntN(int(judge.Hard))), rng, x, nil)
		w.apply(right, x, nil)
		for i := range x {
			x[i] = -x[i]
		}
		w.apply(left, x, nil)
		for i := range x {
			want := right[i]
			if f.Odd {
				want = -want
			}
			if !same(left[i], want) {
				t.Fatalf("%s(%s) is %s, and %s of the other sign's argument", f.Name, bits(x[i]), bits(left[i]), bits(right[i]))
			}
		}
	}
}

// TestMonotone looks at runs of neighbours where a function rises or falls.
func TestMonotone(t *testing.T) {
	eachFunction(t, func(t *testing.T, f function) {
		monotone[float64](t, f, "float64")
		monotone[float32](t, f, "float32")
	})
}

func monotone[T judge.Float](t *testing.T, f function, name string) {
	if f.Arity != 1 {
		return
	}
	w := fastest[T](t, f)
	order := judge.Neighbours(f.Spec, func(dst, x []T) { w.apply(dst, x, nil) }, tried(1), *seed)
	if order.Turns > 0 {
		t.Errorf("%s of %s turns back at %d of %d neighbours, first at %s", f.Name, name, order.Turns, order.Pairs, order.At)
	}
}
