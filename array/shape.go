package array

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Shape is the extent along each axis, row-major; an empty Shape is a scalar (one element).
type Shape []int

// Unknown is the extent of the first axis of what a filter keeps, until it has been run. Then Len is not known either.
const Unknown = -1

// Known reports whether all extents are known.
func (s Shape) Known() bool { return !slices.Contains(s, Unknown) }

// maxAxes bounds the axes of an array, as NumPy does (NPY_MAXDIMS = 64 since 2.0).
const maxAxes = 64

// Check reports negative extents, too many axes, and element counts whose bytes would overflow an int. Extents of 0 do
// not excuse the others, as in NumPy: strides are products of some of them.
func (s Shape) Check() error {
	if len(s) > maxAxes {
		return fmt.Errorf("%w: %d axes; at most %d", ErrShape, len(s), maxAxes)
	}
	n := 1
	for _, d := range s {
		if d < 0 {
			return fmt.Errorf("%w: shape %v has a negative extent", ErrShape, s)
		}
		if d == 0 {
			continue
		}
		if n > math.MaxInt/8/d {
			return fmt.Errorf("%w: shape %v has more elements than can be addressed", ErrShape, s)
		}
		n *= d
	}
	return nil
}

// Len is the number of elements: the product of the extents, 1 for a scalar; negative where one is Unknown.
func (s Shape) Len() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Equal reports whether both have the same axes.
func (s Shape) Equal(t Shape) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range s {
		if s[i] != t[i] {
			return false
		}
	}
	return true
}

// String prints as Go and the error texts do: "[3 4]".
func (s Shape) String() string {
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = strconv.Itoa(d)
	}
	return "[" + strings.Join(parts, " ") + "]"
}

// Broadcast gives the common shape by NumPy's rule: aligned at the last axis, equal extents or 1.
func Broadcast(shapes ...Shape) (Shape, error) {
	axes := 0
	for _, s := range shapes {
		axes = max(axes, len(s))
	}
	out := make(Shape, axes)
	for i := range out {
		out[i] = 1
	}
	for _, s := range shapes {
		for i, d := range s {
			o := &out[axes-len(s)+i]
			switch {
			case *o == 1:
				*o = d
			case d != 1 && d != *o:
				return nil, fmt.Errorf("%w: shapes %s do not broadcast%s", ErrShape, joinShapes(shapes), transposeHint(shapes))
			}
		}
	}
	if slices.Contains(out, Unknown) {
		return out, nil // checked when it is known
	}
	return out, out.Check()
}

func joinShapes(shapes []Shape) string {
	parts := make([]string, len(shapes))
	for i, s := range shapes {
		parts[i] = s.String()
	}
	return strings.Join(parts, " and ")
}

// transposeHint adds the usual way out where one shape is the other's transpose.
func transposeHint(shapes []Shape) string {
	if len(shapes) != 2 || len(shapes[0]) != 2 || len(shapes[1]) != 2 {
		return "; each axis, counted from the last, must be equal or 1"
	}
	if a, b := shapes[0], shapes[1]; a[0] == b[1] && a[1] == b[0] {
		return "; transpose one"
	}
	return "; each axis, counted from the last, must be equal or 1"
}

// BroadcastStrides gives, for each axis of out, the step in elements through an array of shape s; 0 repeats it.
// s must broadcast to out.
func (s Shape) BroadcastStrides(out Shape) []int {
	strides := make([]int, len(out))
	step := 1
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] != 1 {
			strides[len(out)-len(s)+i] = step
		}
		step *= s[i]
	}
	return strides
}
