package partition

import (
	"fmt"
	"math"
	"slices"
)

// Rows cuts a row-major array of the given shape along axis 0 into p balanced blocks of whole rows, and returns the
// layout over its flattened elements. A 0-D array is one element. It fails where p < 1, an extent is negative, or the
// elements are more than an int counts.
func Rows(shape []int, p int) (Layout, error) {
	if p < 1 {
		return Layout{}, fmt.Errorf("rows of shape %v: %d ranks; at least one is needed", shape, p)
	}
	for axis, extent := range shape {
		if extent < 0 {
			return Layout{}, fmt.Errorf("rows of shape %v: axis %d is negative", shape, axis)
		}
	}
	if len(shape) == 0 {
		return Balanced(1, p), nil
	}
	if slices.Contains(shape, 0) { // empty, however large the other axes are
		return Balanced(0, p), nil
	}
	n := 1
	for _, extent := range shape {
		if n > math.MaxInt/extent {
			return Layout{}, fmt.Errorf("rows of shape %v: more than %d elements", shape, math.MaxInt)
		}
		n *= extent
	}
	l := Balanced(shape[0], p)
	for r := range l.bounds {
		l.bounds[r] *= n / shape[0]
	}
	return l, nil
}
