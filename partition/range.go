package partition

import "fmt"

// Range is the half-open run of indices [Lo, Hi), with 0 <= Lo <= Hi.
type Range struct{ Lo, Hi int }

// Len returns how many indices r holds.
func (r Range) Len() int { return max(0, r.Hi-r.Lo) }

// Empty reports whether r holds no index.
func (r Range) Empty() bool { return r.Hi <= r.Lo }

// Intersect returns the indices that r and o share; where there are none, an empty range.
func (r Range) Intersect(o Range) Range {
	lo := max(r.Lo, o.Lo)
	return Range{Lo: lo, Hi: max(lo, min(r.Hi, o.Hi))}
}

// String returns r as "[lo,hi)".
func (r Range) String() string { return fmt.Sprintf("[%d,%d)", r.Lo, r.Hi) }
