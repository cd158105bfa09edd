// Package partition says which rank owns which indices, and what moves when that changes. It knows integers only: no
// data, no dtypes, no network.
//
// A layout cuts n indices into one block per rank, in rank order: the blocks of ranks 0, 1, 2, ... put one after the
// other are the indices 0 to n-1. Blocks may be empty.
package partition

import (
	"fmt"
	"slices"
	"sort"
)

// Layout says which block of n indices each rank owns. It cannot change and may be shared freely. Its zero value has
// no ranks and no indices.
type Layout struct {
	bounds []int // rank r owns [bounds[r], bounds[r+1]); never falling, first 0, last n; nil without ranks
}

// N returns the number of indices.
func (l Layout) N() int {
	if len(l.bounds) == 0 {
		return 0
	}
	return l.bounds[len(l.bounds)-1]
}

// Ranks returns the number of ranks, those with empty blocks among them.
func (l Layout) Ranks() int { return max(0, len(l.bounds)-1) }

// Range returns the indices that a rank owns; none for a rank that the layout does not have.
func (l Layout) Range(rank int) Range {
	if rank < 0 || rank >= l.Ranks() {
		return Range{}
	}
	return Range{Lo: l.bounds[rank], Hi: l.bounds[rank+1]}
}

// Counts returns a new slice with the number of indices of each rank.
func (l Layout) Counts() []int {
	counts := make([]int, l.Ranks())
	for r := range counts {
		counts[r] = l.Range(r).Len()
	}
	return counts
}

// Owner returns the rank that owns index i, or -1 where i is outside [0, N). O(log p).
func (l Layout) Owner(i int) int {
	if i < 0 || i >= l.N() {
		return -1
	}
	// The first block to end behind i is the one that holds it; an empty block ends where the one before it does.
	return sort.Search(l.Ranks(), func(r int) bool { return l.bounds[r+1] > i })
}

// Equal reports whether both layouts have the same ranks owning the same indices.
func (l Layout) Equal(o Layout) bool { return slices.Equal(l.bounds, o.bounds) }

// String returns "block(4) of 231000" for a balanced layout, the counts "[10 0 5]" for another one of few ranks, and
// "uneven(64) of 231000" for one of many.
func (l Layout) String() string {
	const few = 8 // counts that still read well in a line of a plan
	switch p := l.Ranks(); {
	case p == 0:
		return "no ranks"
	case l.Equal(Balanced(l.N(), p)):
		return fmt.Sprintf("block(%d) of %d", p, l.N())
	case p <= few:
		return fmt.Sprint(l.Counts())
	default:
		return fmt.Sprintf("uneven(%d) of %d", p, l.N())
	}
}
