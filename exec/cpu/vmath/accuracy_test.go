package vmath_test

import (
	"runtime"
	"testing"

	"github.com/darray-go/darray/internal/ref/judge"
)

// The most that any function may promise, in units in the last place.
const (
	most   = 1
	most32 = 2
)

// TestAccuracy measures every function against its correctly rounded value on inputs of all kinds.
func TestAccuracy(t *testing.T) {
	eachFunction(t, func(t *testing.T, f function) {
		if f.ulp > most || f.ulp32 > most32 {
			t.Errorf("%s promises %g ulp for float64 and %g for float32; allowed are %d and %d", f.Name, f.ulp, f.ulp32, most, most32)
		}
		accuracy[float64](t, f, "float64", f.ulp)
		accuracy[float32](t, f, "float32", f.ulp32)
	})
}

func accuracy[T judge.Float](t *testing.T, f function, name string, promise float64) {
	w := fastest[T](t, f)
	got := judge.Run(f.Spec, w.apply, promise, tried(1), *seed)
	t.Logf("%s %s: max %.4f ulp, mean %.4f, %d inputs, by %s; %s", f.Name, name, got.Max, got.Mean, got.Inputs, w.name, got.At)
	if got.Beyond > 0 {
		t.Errorf("%s of %s is above the %g ulp that are promised for %d of %d inputs", f.Name, name, promise, got.Beyond, got.Inputs)
		for _, c := range got.Wrong {
			t.Error(c)
		}
	}
}

// TestEvery tries all 2^32 float32 in the functions of one operand, one function after the other.
func TestEvery(t *testing.T) {
	if !*long {
		t.Skip("NOT TESTED: all float32, which takes some minutes a function: -vmath.long")
	}
	for _, f := range functions(t) {
		if f.Arity != 1 {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			single, double := fastest[float32](t, f), fastest[float64](t, f)
			got, err := judge.Every(t.Context(), f.Spec,
				func(dst, x []float32) { single.apply(dst, x, nil) }, func(dst, x []float64) { double.apply(dst, x, nil) },
				f.ulp32, runtime.GOMAXPROCS(0))
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s float32: max %.4f ulp, mean %.4f, %d not the nearest, %d turns, of all; %s", f.Name, got.Max, got.Mean, got.Off, got.Turns, got.At)
			if got.Beyond > 0 || got.Turns > 0 {
				t.Errorf("%d above the %g ulp that are promised, %d turns (one at %s): %v", got.Beyond, f.ulp32, got.Turns, got.TurnAt, got.Wrong)
			}
		})
	}
}
