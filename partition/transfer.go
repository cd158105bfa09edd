package partition

import "fmt"

// Transfer says that rank Src sends the indices Range, counted over the whole, to rank Dst. Where Src == Dst the rank
// keeps them.
type Transfer struct {
	Src, Dst int
	Range    Range
}

// Transfers returns what each rank sends to each other, and what it keeps, for the indices to go from one layout to
// another: every index in exactly one transfer, sorted by range, none empty. The layouts may differ in ranks; they
// must hold equally many indices. O(p), with at most from.Ranks()+to.Ranks()-1 transfers.
func Transfers(from, to Layout) ([]Transfer, error) {
	n := from.N()
	if n != to.N() {
		return nil, fmt.Errorf("transfers: from %d indices to %d; both layouts must hold equally many", n, to.N())
	}
	if n == 0 {
		return nil, nil
	}
	ts := make([]Transfer, 0, from.Ranks()+to.Ranks()-1)
	// A range ends where either block ends, so that two neighbours always differ in Src or Dst: none is left to merge.
	for src, dst, lo := 0, 0, 0; lo < n; {
		for from.bounds[src+1] <= lo {
			src++
		}
		for to.bounds[dst+1] <= lo {
			dst++
		}
		hi := min(from.bounds[src+1], to.bounds[dst+1])
		ts = append(ts, Transfer{Src: src, Dst: dst, Range: Range{Lo: lo, Hi: hi}})
		lo = hi
	}
	return ts, nil
}

// Moved returns how many indices change rank in ts.
func Moved(ts []Transfer) int {
	n := 0
	for _, t := range ts {
		if t.Src != t.Dst {
			n += t.Range.Len()
		}
	}
	return n
}
