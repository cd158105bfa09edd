package kern

import (
	"math"

	"github.com/darray-go/darray/array"
)

// simdFold is a Fold in assembly, over the elements from its pointers on; n is a multiple of its kernel's block and not 0.
type simdFold func(s, x, y *byte, n int)

// foldKernel is a fold in assembly.
type foldKernel struct {
	run   simdFold
	block int // a power of two and a multiple of array.Lanes
}

// joinKernel joins the lanes of a leaf in assembly, leaving the result in lane 0.
type joinKernel struct {
	run   func(s *byte)
	block int // not used
}

// Tables by op, the elements' type and what is joined; by op and accumulator.
type (
	foldTable [][array.Float64 + 1][OfDeviation + 1]foldKernel
	joinTable [][array.Float64 + 1]joinKernel
	foldLoops [array.Max + 1][array.Float64 + 1][OfDeviation + 1]Fold
)

// Fold is the loop of a reduction over elements of type d; nil where there is none. Mean folds as Sum. For Bool, x is a
// bitmap, and there are Any, All, Min and Max.
func (s *Set) Fold(op array.Op, d array.DType, of FoldOf) Fold {
	switch {
	case d == array.Bool && of == OfX && (op == array.Any || op == array.Max):
		return foldAny
	case d == array.Bool && of == OfX && (op == array.All || op == array.Min):
		return foldAll
	case op == array.Mean && d.Float():
		op = array.Sum
	}
	if op > array.Max || d > array.Float64 || of > OfDeviation {
		return nil
	}
	return s.folds[op][d][of]
}

// takeFolds puts the folds of k in the place of what is there, and those in Go where nothing is.
func (s *Set) takeFolds(k *kernels) {
	for op := range folds {
		for d := range folds[op] {
			for of, rest := range folds[op][d] {
				place := &s.folds[op][d][of]
				switch {
				case op < len(k.fold) && k.fold[op][d][of].run != nil:
					*place = k.fold[op][d][of].fold(array.DType(d), FoldOf(of), rest)
				case *place == nil:
					*place = rest
				}
			}
		}
	}
	for op := range k.join {
		for acc, join := range k.join[op] {
			if join.run != nil {
				s.joins[op][acc] = join.run
			}
		}
	}
}

// fold is the kernel over the whole blocks of a run and the fold in Go over the rest.
func (k foldKernel) fold(d array.DType, of FoldOf, rest Fold) Fold {
	run, block, size := k.run, k.block, d.Size()
	partner, single := 0, 0 // bytes of y for each element and beside them
	switch of {
	case OfProduct:
		partner = size
	case OfDeviation:
		single = size
	}
	return func(s *State, x, y []byte, n int) {
		m := n &^ (block - 1)
		if len(x) < m*size || len(y) < m*partner+single {
			tooShort()
		}
		if m > 0 {
			run(first(array.Bytes(s[:])), first(x), first(y), m)
		}
		if m < n {
			rest(s, x[m*size:], y[m*partner:], n-m)
		}
	}
}

// foldAny joins the first n bits of x by or.
func foldAny(s *State, x, _ []byte, n int) {
	if anyBit(x, n) {
		s[0] = 1
	}
}

// foldAll joins the first n bits of x by and.
func foldAll(s *State, x, _ []byte, n int) {
	if !allBits(x, n) {
		s[0] = 0
	}
}

// Begin gives every lane of s the identity of a reduction whose accumulators have type acc.
func Begin(op array.Op, acc array.DType, s *State) {
	w := identityWord(op, acc)
	if acc == array.Bool {
		s[0] = w
		return
	}
	for i := 0; i < len(s); i += 8 {
		t := (*[8]uint64)(s[i:])
		t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7] = w, w, w, w, w, w, w, w
	}
}

// identityWord is the identity of a reduction in all lanes of a word.
func identityWord(op array.Op, acc array.DType) uint64 {
	w := array.Identity(op, acc)
	switch acc {
	case array.Bool:
		return w
	case array.Float32:
		w = uint64(math.Float32bits(float32(math.Float64frombits(w))))
	}
	for bits := 8 * acc.Size(); bits < 64; bits *= 2 {
		w = w&(1<<bits-1) | w<<bits
	}
	return w
}

// lanesOf are the lanes of a leaf as numbers.
func lanesOf[T number](s *State) []T { return array.View[T](array.Bytes(s[:]))[:array.Lanes] }

// Join joins the lanes of a leaf pairwise, lane l with l+16, then l+8, l+4, l+2 and l+1, and gives the accumulator's bits
// as array.Partial.Acc holds them. What state holds afterwards means nothing.
func (s *Set) Join(op array.Op, acc array.DType, state *State) uint64 {
	if op == array.Mean {
		op = array.Sum
	}
	if op > array.Max || acc > array.Float64 || s.joins[op][acc] == nil {
		return join(op, acc, state)
	}
	s.joins[op][acc](first(array.Bytes(state[:])))
	return laneBits(acc, state[0])
}

// laneBits is the lowest lane of a word as the accumulator's bits.
func laneBits(acc array.DType, w uint64) uint64 {
	switch acc {
	case array.Int8:
		return uint64(int8(w))
	case array.Int16:
		return uint64(int16(w))
	case array.Int32:
		return uint64(int32(w))
	case array.Uint8:
		return uint64(uint8(w))
	case array.Uint16:
		return uint64(uint16(w))
	case array.Uint32:
		return uint64(uint32(w))
	case array.Float32:
		return math.Float64bits(float64(math.Float32frombits(uint32(w))))
	}
	return w
}

// join is Set.Join in Go.
func join(op array.Op, acc array.DType, s *State) uint64 {
	switch acc {
	case array.Int8:
		joinLanes[int8](op, s)
	case array.Int16:
		joinLanes[int16](op, s)
	case array.Int32:
		joinLanes[int32](op, s)
	case array.Int64:
		joinLanes[int64](op, s)
	case array.Uint8:
		joinLanes[uint8](op, s)
	case array.Uint16:
		joinLanes[uint16](op, s)
	case array.Uint32:
		joinLanes[uint32](op, s)
	case array.Uint64:
		joinLanes[uint64](op, s)
	case array.Float32:
		joinLanes[float32](op, s)
	case array.Float64:
		joinLanes[float64](op, s)
	}
	return laneBits(acc, s[0])
}

func joinLanes[T number](op array.Op, s *State) {
	lanes := lanesOf[T](s)
	for w := array.Lanes / 2; w > 0; w /= 2 {
		left, right := lanes[:w], lanes[w:2*w]
		switch op {
		case array.Prod:
			for l := range left {
				left[l] *= right[l]
			}
		case array.Min:
			for l := range left {
				left[l] = min(left[l], right[l])
			}
		case array.Max:
			for l := range left {
				left[l] = max(left[l], right[l])
			}
		default: // sum and mean
			for l := range left {
				left[l] += right[l]
			}
		}
	}
}
