package kern

import (
	"sync"

	"github.com/darray-go/darray/array"
)

// leavesKernel folds n pairs of leaves in assembly, leaf i and leaf i+apart at the same time, from lanes on that it finds in
// the 64 bytes at identity. It leaves lane 0 of each in a word of out. It reads whole lanes, also behind the last leaf.
type leavesKernel struct {
	run   func(out, identity, x, y *byte, n, apart, length int)
	block int // not used
}

// Tables by op, the elements' type and what is joined.
type (
	leavesTable [][array.Float64 + 1][OfDeviation + 1]leavesKernel
	leavesLoops [array.Max + 1][array.Float64 + 1][OfDeviation + 1]Leaves
)

// Leaves is the Fold of the same reduction over whole leaves, joined; nil for Bool, of which leaves need not begin at a
// byte, and for OfDeviation, where each leaf has a mean of its own.
func (s *Set) Leaves(op array.Op, d array.DType, of FoldOf) Leaves {
	if op == array.Mean && d.Float() {
		op = array.Sum
	}
	if op > array.Max || d > array.Float64 || of > OfDeviation {
		return nil
	}
	return s.leaves[op][d][of]
}

// takeLeaves puts the leaves of k in the place of what is there, and those that fold one by one where nothing is. The set
// has its folds and joins already.
func (s *Set) takeLeaves(k *kernels) {
	for op := range s.folds {
		for d := range s.folds[op] {
			for of, fold := range s.folds[op][d] {
				if fold == nil || FoldOf(of) == OfDeviation {
					continue
				}
				single := s.eachLeaf(array.Op(op), array.DType(d), FoldOf(of), fold)
				s.leaves[op][d][of] = single
				if op < len(k.leaves) && k.leaves[op][d][of].run != nil {
					s.leaves[op][d][of] = k.leaves[op][d][of].leaves(array.Op(op), array.DType(d), FoldOf(of), single)
				}
			}
		}
	}
}

// eachLeaf folds and joins leaves one by one.
func (s *Set) eachLeaf(op array.Op, d array.DType, of FoldOf, fold Fold) Leaves {
	acc, size, partner := array.AccumulatorType(op, d), d.Size(), partnerSize(d, of)
	states := sync.Pool{New: func() any { return new(State) }}
	return func(out []uint64, x, y []byte, length int) {
		state := states.Get().(*State)
		for i := range out {
			Begin(op, acc, state)
			fold(state, x[i*length*size:], y[i*length*partner:], length)
			out[i] = s.Join(op, acc, state)
		}
		states.Put(state)
	}
}

// partnerSize is the bytes of y for each element of x.
func partnerSize(d array.DType, of FoldOf) int {
	if of == OfProduct {
		return d.Size()
	}
	return 0
}

// leaves is the kernel over pairs of leaves, which gives words as lanes hold them; single does the last ones where the
// kernel would read behind x and y. Where their number is odd, the one in the middle is in two pairs.
func (k leavesKernel) leaves(op array.Op, d array.DType, of FoldOf, single Leaves) Leaves {
	run, acc, size, partner := k.run, array.AccumulatorType(op, d), d.Size(), partnerSize(d, of)
	var start [8]uint64
	for i := range start {
		start[i] = identityWord(op, acc)
	}
	identity := first(array.Bytes(start[:]))
	return func(out []uint64, x, y []byte, length int) {
		all := len(out)
		if length < 1 || len(x) < all*length*size || len(y) < all*length*partner {
			tooShort()
		}
		there := len(x) / size
		if partner > 0 {
			there = min(there, len(y)/size)
		}
		n := min(all, withLanes(there, length))
		if n > 0 {
			run(first(array.Bytes(out)), identity, first(x), first(y), (n+1)/2, n/2, length)
			if acc.Size() < 8 {
				for i, w := range out[:n] {
					out[i] = laneBits(acc, w)
				}
			}
		}
		if done := n * length; n < all {
			single(out[n:], x[done*size:], y[done*partner:], length)
		}
	}
}

// withLanes is how many leaves n elements are of which whole lanes can be read.
func withLanes(n, length int) int {
	behind := -length & (array.Lanes - 1) // the elements that are read behind a leaf
	return max(n-behind, 0) / length
}
