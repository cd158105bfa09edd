package darray_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/darray-go/darray"
)

// TestFunc holds functions given as expressions against Go.
func TestFunc(t *testing.T) {
	xs, ys := []float64{1, -2, 3.5, 0}, []float64{4, 5, -6, 0.5}
	x, y := darray.FromSlice(xs), darray.FromSlice(ys)
	distance := darray.Func("d = x - y; sqrt(d * d)", "x", "y")
	got, err := darray.Add(distance(x, y), 1).Collect()
	if err != nil {
		t.Fatal(err)
	}
	values, err := darray.Values[float64](got)
	if err != nil {
		t.Fatal(err)
	}
	for i := range xs {
		if want := math.Abs(xs[i]-ys[i]) + 1; values[i] != want {
			t.Errorf("element %d is %v, want %v", i, values[i], want)
		}
	}
	twice := darray.Func("2 * x", "x")
	if plan, err := twice(twice(distance(x, y))).Explain(); err != nil || strings.Count(plan.String(), " cpu\n") != 1 {
		t.Errorf("functions are not fused: %v\n%v", err, plan)
	}
}

// TestFuncMistakes: a mistake is kept in the array that the function gives.
func TestFuncMistakes(t *testing.T) {
	x := darray.FromSlice([]float64{1, 2})
	for _, tt := range []struct {
		f    func(...darray.Array) darray.Array
		args []darray.Array
		want string
	}{
		{darray.Func("1 +", "x"), []darray.Array{x}, "func_test.go:"},
		{darray.Func("x + z", "x"), []darray.Array{x}, `no parameter "z"; there are`},
		{darray.Func("x", "x"), nil, "0 arrays for 1 parameters (x)"},
		{darray.Func("x; x + 1", "x"), []darray.Array{x}, "2 results"},
		{darray.Func("x", "x", "x"), []darray.Array{x, x}, "two parameters are called x"},
		{darray.Func("x + y", "x", "y"), []darray.Array{x, darray.FromSlice([]float64{1, 2, 3})}, "do not broadcast"},
	} {
		if err := tt.f(tt.args...).Err(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q in it", err, tt.want)
		}
	}
	if err := darray.Func("x", "x")().Err(); !errors.Is(err, darray.ErrShape) {
		t.Errorf("another number of arrays: %v", err)
	}
}
