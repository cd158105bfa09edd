package ref

import (
	"fmt"
	"math"
	"math/big"

	"github.com/darray-go/darray/array"
)

// The tree of array/tree.go, written a second time. These are its figures.
const (
	leafSize = 1024
	lanes    = 32
	rowLeaf  = 32
)

// folding is how a reduction joins elements of the type that it accumulates in.
type folding struct {
	identity any
	join     func(x, y any) any
}

// start is an element as an accumulator: a null counts as the identity, and a float32 widens where sums are float64.
func (f folding) start(x any) any {
	if x == nil {
		return f.identity
	}
	if _, wide := f.identity.(float64); wide {
		return float(x)
	}
	return x
}

// reduction is what a run of elements is reduced by.
type reduction struct {
	op         array.Op
	in, out    array.DType
	correction float64
	byRow      bool // a leaf is rowLeaf elements in order, else leafSize in lanes
}

// value is the value of a reduction over the elements xs, nil for null.
func (r reduction) value(xs []any) (any, error) {
	present := 0
	for _, x := range xs {
		if x != nil {
			present++
		}
	}
	switch r.op {
	case array.Count:
		return int64(present), nil
	case array.ArgMin, array.ArgMax:
		return position(r.op, xs), nil
	case array.Var:
		return r.variance(xs, present)
	}
	f, err := foldingOf(r.op, r.in)
	if err != nil {
		return nil, err
	}
	if (r.op == array.Min || r.op == array.Max || r.op == array.Mean) && present == 0 {
		return nil, nil
	}
	if r.op == array.Sum && present == 0 {
		return cast(int64(0), r.out), nil
	}
	accumulators := make([]any, len(xs))
	for i, x := range xs {
		accumulators[i] = f.start(x)
	}
	total := f.identity
	if len(xs) > 0 {
		total = r.tree(accumulators, f.leaf, f.row, f.join)
	}
	if r.op == array.Mean {
		total = float(total) / float64(present)
	}
	return cast(total, r.out), nil
}

// tree joins the elements of a run, whose leaves are made by lane or by row.
func (r reduction) tree(xs []any, lane, row func([]any) any, join func(x, y any) any) any {
	if r.byRow {
		return tree{xs, rowLeaf, row, join}.all()
	}
	return tree{xs, leafSize, lane, join}.all()
}

// tree is a run of elements, how many make a leaf and what is done with them.
type tree struct {
	xs   []any
	size int
	leaf func([]any) any
	join func(x, y any) any
}

func (t tree) all() any {
	leaves := (len(t.xs) + t.size - 1) / t.size
	level := 0
	for 1<<level < leaves {
		level++
	}
	return t.node(level, 0, leaves)
}

// node is node (level, index): a leaf, or the join of the nodes 2*index and 2*index+1 below where the second exists.
func (t tree) node(level, index, leaves int) any {
	if level == 0 {
		return t.leaf(t.xs[index*t.size : min((index+1)*t.size, len(t.xs))])
	}
	left := t.node(level-1, 2*index, leaves)
	if (2*index+1)<<(level-1) >= leaves {
		return left
	}
	return t.join(left, t.node(level-1, 2*index+1, leaves))
}

// row folds a leaf from its first element to its last.
func (f folding) row(xs []any) any {
	total := f.identity
	for _, x := range xs {
		total = f.join(total, x)
	}
	return total
}

// leaf deals the elements out to the lanes, folds each lane from its first element to its last, and the lanes in halves.
func (f folding) leaf(xs []any) any {
	var dealt [lanes][]any
	for j, x := range xs {
		dealt[j%lanes] = append(dealt[j%lanes], x)
	}
	folded := make([]any, lanes)
	for l, lane := range dealt {
		folded[l] = f.identity
		for _, x := range lane {
			folded[l] = f.join(folded[l], x)
		}
	}
	for half := lanes / 2; half > 0; half /= 2 {
		for l := range half {
			folded[l] = f.join(folded[l], folded[l+half])
		}
	}
	return folded[0]
}

// foldingOf is the identity and the join of a reduction over elements of type d.
func foldingOf(op array.Op, d array.DType) (folding, error) {
	isFloat := d == array.Float32 || d == array.Float64
	var element array.Op // the element-wise op that joins
	var identity any
	switch op {
	case array.Sum, array.Mean:
		element, identity = array.Add, math.Copysign(0, -1)
		if !isFloat {
			identity = wrapped(big.NewInt(0), d)
		}
	case array.Prod:
		element, identity = array.Multiply, 1.0
		if !isFloat {
			identity = wrapped(big.NewInt(1), d)
		}
	case array.Min:
		element, identity = array.Minimum, extreme(d, 1)
	case array.Max:
		element, identity = array.Maximum, extreme(d, -1)
	case array.Any:
		element, identity = array.LogicalOr, false
	case array.All:
		element, identity = array.LogicalAnd, true
	default:
		return folding{}, fmt.Errorf("ref: no definition of the reduction %s", op)
	}
	accumulator := d
	if isFloat && op != array.Min && op != array.Max {
		accumulator = array.Float64
	}
	if _, err := apply(element, accumulator, []any{identity, identity}, nil); err != nil {
		return folding{}, err
	}
	join := func(x, y any) any {
		z, _ := apply(element, accumulator, []any{x, y}, nil) // what is defined for one element is for all of its type
		return z
	}
	return folding{identity, join}, nil
}

// extreme is the greatest (sign 1) or the least (sign -1) element of a type.
func extreme(d array.DType, sign int) any {
	switch d {
	case array.Bool:
		return sign > 0
	case array.Float32, array.Float64:
		return rounded(math.Inf(sign), d)
	}
	low, high := bounds(d)
	if sign > 0 {
		return wrapped(high, d)
	}
	return wrapped(low, d)
}
