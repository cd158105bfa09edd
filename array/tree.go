package array

import "math"

// Reductions use one tree fixed by the global element index, so that a result depends on the data alone: not on the
// number of ranks, the split, the threads or the instruction set.
//
// A leaf is LeafSize consecutive elements (the last may be shorter). Within a leaf, element j goes to lane j mod Lanes;
// a lane joins its elements in order, starting from the op's identity, and the lanes are joined pairwise: lane l with
// lane l+16, then l+8, l+4, l+2, l+1. Null elements count as the identity. Above the leaves stands the perfect binary
// tree over leaf numbers: node (level k, index j) joins the nodes 2j and 2j+1 of level k-1; a node without a right
// sibling passes through. (Pairwise summation: Higham, "The accuracy of floating point summation", 1993.)
const (
	LeafSize = 1024
	Lanes    = 32
)

// Partial is one node of the tree: the accumulator over leaves [Index<<Level, (Index+1)<<Level).
type Partial struct {
	Level uint64
	Index uint64
	Acc   uint64 // bits of a Scalar of the accumulator's type
	Count uint64 // elements that were not null
}

// Forest is the tree over a run of consecutive leaves, as few nodes as possible, in order: at most 2*log2(leaves).
type Forest []Partial

// Identity is the accumulator's start: joining it changes nothing, not even the sign of a zero.
func Identity(op Op, acc DType) uint64 {
	switch {
	case op == Sum || op == Mean:
		if acc.Float() {
			return math.Float64bits(math.Copysign(0, -1))
		}
	case op == Prod:
		if acc.Float() {
			return math.Float64bits(1)
		}
		return 1
	case op == Min:
		return extreme(acc, 1)
	case op == Max:
		return extreme(acc, -1)
	case op == All:
		return 1
	}
	return 0
}

// extreme is the greatest (sign 1) or least (sign -1) value of a type, as bits.
func extreme(d DType, sign int) uint64 {
	switch {
	case d == Bool:
		return uint64((sign + 1) / 2)
	case d.Float():
		return math.Float64bits(math.Inf(sign))
	}
	return saturate(math.Inf(sign), d)
}

// Join combines two accumulators, left before right.
func Join(op Op, acc DType, x, y uint64) uint64 {
	switch op {
	case Sum, Mean:
		if acc.Float() {
			return math.Float64bits(math.Float64frombits(x) + math.Float64frombits(y))
		}
		return x + y
	case Prod:
		if acc.Float() {
			return math.Float64bits(math.Float64frombits(x) * math.Float64frombits(y))
		}
		return x * y
	case Min, Max:
		return joinExtreme(op, acc, x, y)
	case Any:
		return x | y
	case All:
		return x & y
	}
	return 0
}

func joinExtreme(op Op, acc DType, x, y uint64) uint64 {
	switch {
	case acc.Float():
		a, b := math.Float64frombits(x), math.Float64frombits(y)
		if op == Min {
			return math.Float64bits(min(a, b))
		}
		return math.Float64bits(max(a, b))
	case acc.Signed():
		if op == Min {
			return uint64(min(int64(x), int64(y)))
		}
		return uint64(max(int64(x), int64(y)))
	case op == Min:
		return min(x, y)
	}
	return max(x, y)
}

// Push appends the next node to the right and joins siblings as they become complete.
func (f Forest) Push(op Op, acc DType, p Partial) Forest {
	for len(f) > 0 {
		left := f[len(f)-1]
		if left.Level != p.Level || left.Index%2 != 0 || left.Index+1 != p.Index {
			break
		}
		p = Partial{left.Level + 1, left.Index / 2, Join(op, acc, left.Acc, p.Acc), left.Count + p.Count}
		f = f[:len(f)-1]
	}
	return append(f, p)
}

// Result closes the forest over all leaves of an array and gives the reduction's value in type out; false means null
// (min, max and mean of no elements).
func (f Forest) Result(op Op, acc, out DType) (Scalar, bool) {
	total := Partial{Acc: Identity(op, acc)}
	for i := len(f) - 1; i >= 0; i-- {
		if i == len(f)-1 {
			total = f[i]
			continue
		}
		total = Partial{Acc: Join(op, acc, f[i].Acc, total.Acc), Count: f[i].Count + total.Count}
	}
	value := Scalar{acc, total.Acc}
	switch op {
	case Count:
		return ScalarOf(int64(total.Count)), true
	case Min, Max:
		return value.Cast(out), total.Count > 0
	case Mean:
		return ScalarOf(value.Float() / float64(total.Count)).Cast(out), total.Count > 0
	case Sum:
		if total.Count == 0 { // the identity is -0
			return ScalarOf(0).Cast(out), true
		}
	}
	return value.Cast(out), true
}
