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
//
// Over axes (see Extent): a run of elements that lie one after another has a tree of its own, counted from its start, so
// that it has the bits that it has alone. Runs with other runs' elements in between (Inner above 1) are seen row by row: a
// leaf is RowLeaf consecutive rows, each column joining its elements in order from the identity, pairwise above.
//
// A variance keeps the sum of the elements, by the tree of Sum, and the sum of their squared deviations from the mean of
// what is summed up so far: in a leaf, (x - sum/count)^2 of each element that is not null goes the way of the elements of a
// sum; two nodes join by the formula of Chan, Golub and LeVeque ("Updating formulae and a pairwise algorithm for computing
// sample variances", 1979), see Combine. The index of a least or greatest element is the same in any order.
const (
	LeafSize = 1024
	Lanes    = 32
	RowLeaf  = 32 // rows
)

// Partial is one node of the tree: the accumulator over leaves [Index<<Level, (Index+1)<<Level).
type Partial struct {
	Level uint64
	Index uint64
	Acc   uint64 // bits of a Scalar of the accumulator's type
	Aux   uint64 // argmin and argmax: the index of Acc's element; var: bits of the sum of squared deviations; else 0
	Count uint64 // elements that were not null
}

// Forest is the tree over a run of consecutive leaves, as few nodes as possible, in order: at most 2*log2(leaves).
type Forest []Partial

// Identity is the accumulator's start: joining it changes nothing, not even the sign of a zero.
func Identity(op Op, acc DType) uint64 {
	switch {
	case op == Sum || op == Mean || op == Var || op == CumSum:
		if acc.Float() {
			return math.Float64bits(math.Copysign(0, -1))
		}
	case op == Prod || op == CumProd:
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

// Join combines the Acc of two nodes, left before right. For ArgMin and ArgMax only Combine does.
func Join(op Op, acc DType, x, y uint64) uint64 {
	switch op {
	case Sum, Mean, Var, CumSum:
		if acc.Float() {
			return math.Float64bits(math.Float64frombits(x) + math.Float64frombits(y))
		}
		return x + y
	case Prod, CumProd:
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

// Combine joins two neighbouring nodes, left before right: what it gives has no place in the tree yet.
func Combine(op Op, acc DType, x, y Partial) Partial {
	switch {
	case op == ArgMin || op == ArgMax:
		if x.Count == 0 || y.Count > 0 && before(op, acc, y.Acc, x.Acc) {
			x.Acc, x.Aux = y.Acc, y.Aux
		}
		return Partial{Acc: x.Acc, Aux: x.Aux, Count: x.Count + y.Count}
	case op == Var:
		return Partial{Acc: Join(op, acc, x.Acc, y.Acc), Aux: joinDeviations(x, y), Count: x.Count + y.Count}
	}
	return Partial{Acc: Join(op, acc, x.Acc, y.Acc), Count: x.Count + y.Count}
}

// before reports whether y is taken although x comes first: it is less or greater, or the first NaN.
func before(op Op, acc DType, y, x uint64) bool {
	switch {
	case acc.Float():
		a, b := math.Float64frombits(x), math.Float64frombits(y)
		if a != a || b != b {
			return a == a
		}
		return op == ArgMin && b < a || op == ArgMax && b > a
	case acc.Signed():
		return op == ArgMin && int64(y) < int64(x) || op == ArgMax && int64(y) > int64(x)
	}
	return op == ArgMin && y < x || op == ArgMax && y > x
}

// joinDeviations is Mx + My + (Sy/ny - Sx/nx)^2 * (nx*ny/(nx+ny)) in this order, each operation rounded.
func joinDeviations(x, y Partial) uint64 {
	switch {
	case x.Count == 0:
		return y.Aux
	case y.Count == 0:
		return x.Aux
	}
	nx, ny := float64(x.Count), float64(y.Count)
	delta := math.Float64frombits(y.Acc)/ny - math.Float64frombits(x.Acc)/nx
	between := float64(float64(delta*delta) * float64(float64(nx*ny)/(nx+ny)))
	within := math.Float64frombits(x.Aux) + math.Float64frombits(y.Aux)
	return math.Float64bits(within + between)
}

// Push appends the next node to the right and joins siblings as they become complete.
func (f Forest) Push(op Op, acc DType, p Partial) Forest {
	for len(f) > 0 {
		left := f[len(f)-1]
		if left.Level != p.Level || left.Index%2 != 0 || left.Index+1 != p.Index {
			break
		}
		p = Combine(op, acc, left, p)
		p.Level, p.Index = left.Level+1, left.Index/2
		f = f[:len(f)-1]
	}
	return append(f, p)
}

// Total closes the forest: the node over all of its leaves, the identity for none.
func (f Forest) Total(op Op, acc DType) Partial {
	if len(f) == 0 {
		return Partial{Acc: Identity(op, acc)}
	}
	total := f[len(f)-1]
	for i := len(f) - 2; i >= 0; i-- {
		total = Combine(op, acc, f[i], total)
	}
	return Partial{Acc: total.Acc, Aux: total.Aux, Count: total.Count}
}

// Result closes the forest over all leaves of a run and gives the reduction's value in type out; false means null. A
// variance is divided by the count less no correction.
func (f Forest) Result(op Op, acc, out DType) (Scalar, bool) {
	return f.Total(op, acc).Value(op, acc, out, 0)
}

// Value is the reduction's value in type out where p is the node over all; false means null: min, max, their indices and
// mean of no elements, and a variance of no more elements than its correction.
func (p Partial) Value(op Op, acc, out DType, correction float64) (Scalar, bool) {
	value := Scalar{acc, p.Acc}
	switch op {
	case Count:
		return ScalarOf(int64(p.Count)), true
	case Min, Max:
		return value.Cast(out), p.Count > 0
	case ArgMin, ArgMax:
		return ScalarOf(int64(p.Aux)), p.Count > 0
	case Mean:
		return ScalarOf(value.Float() / float64(p.Count)).Cast(out), p.Count > 0
	case Var:
		left := float64(p.Count) - correction
		return ScalarOf(math.Float64frombits(p.Aux) / left).Cast(out), p.Count > 0 && left > 0
	case Sum:
		if p.Count == 0 { // the identity is -0
			return ScalarOf(0).Cast(out), true
		}
	}
	return value.Cast(out), true
}
