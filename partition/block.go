package partition

import (
	"fmt"
	"math"
)

// Balanced cuts n indices into p nearly equal blocks: the first n mod p ranks own one index more than the others, and
// where n < p the last p-n ranks own none. It returns the zero Layout where n < 0 or p < 1.
func Balanced(n, p int) Layout {
	if n < 0 || p < 1 {
		return Layout{}
	}
	bounds := make([]int, p+1)
	for r := range bounds {
		bounds[r] = r*(n/p) + min(r, n%p)
	}
	return Layout{bounds}
}

// FromCounts gives each rank as many indices as counts says. The slice is not kept.
func FromCounts(counts []int) (Layout, error) {
	if len(counts) == 0 {
		return Layout{}, fmt.Errorf("layout from counts: no counts; give one for each rank")
	}
	bounds := make([]int, len(counts)+1)
	for r, c := range counts {
		switch {
		case c < 0:
			return Layout{}, fmt.Errorf("layout from counts: rank %d has %d indices; counts cannot be negative", r, c)
		case c > math.MaxInt-bounds[r]:
			return Layout{}, fmt.Errorf("layout from counts: the sum passes %d at rank %d", math.MaxInt, r)
		}
		bounds[r+1] = bounds[r] + c
	}
	return Layout{bounds}, nil
}

// OnRank gives all n indices to the root of p ranks. It returns the zero Layout where n < 0, p < 1 or root is not one
// of the ranks.
func OnRank(n, p, root int) Layout {
	if n < 0 || p < 1 || root < 0 || root >= p {
		return Layout{}
	}
	bounds := make([]int, p+1)
	for r := root + 1; r <= p; r++ {
		bounds[r] = n
	}
	return Layout{bounds}
}

// Align moves every boundary of l up to the next multiple of unit, or to N, so that no group of unit indices is cut:
// each goes whole to the rank that owned its first index. A unit below 2 leaves l as it is.
func Align(l Layout, unit int) Layout {
	if unit < 2 || l.Ranks() == 0 {
		return l
	}
	n := l.N()
	bounds := make([]int, len(l.bounds))
	for r, b := range l.bounds {
		up := 0
		if over := b % unit; over > 0 {
			up = unit - over
		}
		bounds[r] = b + min(up, n-b) // in this order nothing overflows
	}
	return Layout{bounds}
}
