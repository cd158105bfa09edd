package darray_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
)

// TestDivideByZero: an error names the op, the first element and the user's line, on any number of ranks.
func TestDivideByZero(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{1, 2, 5} {
		cl, err := darray.Local(p)
		if err != nil {
			t.Fatal(err)
		}
		x, y := make([]int64, 400_000), make([]int64, 400_000)
		for i := range y {
			y[i] = 3
		}
		y[399_999], y[123_456] = 0, 0
		a, b := darray.FromSlice(x), darray.FromSlice(y)
		_, err = cl.Collect(t.Context(), darray.Remainder(a.Reshape(4, 100_000), b.Reshape(4, 100_000)))
		e := (*darray.ElementError)(nil)
		if !errors.Is(err, darray.ErrDivide) || !errors.As(err, &e) || !slices.Equal(e.Index, []int{1, 23_456}) || !strings.HasPrefix(e.Position, "divide_test.go:") {
			t.Errorf("%d ranks: %v", p, err)
		}
		if _, err := cl.Collect(t.Context(), darray.FloorDivide(a, 7)); err != nil {
			t.Errorf("%d ranks: after an error: %v", p, err)
		}
		if err := cl.Close(); err != nil {
			t.Error(err)
		}
	}
}
