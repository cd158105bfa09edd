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

// reduce is the value of a reduction over the elements xs of type in, nil for null.
func reduce(op array.Op, in, out array.DType, xs []any) (any, error) {
	present := 0
	for _, x := range xs {
		if x != nil {
			present++
		}
	}
	if op == array.Count {
		return int64(present), nil
	}
	f, err := foldingOf(op, in)
	if err != nil {
		return nil, err
	}
	if (op == array.Min || op == array.Max || op == array.Mean) && present == 0 {
		return nil, nil
	}
	if op == array.Sum && present == 0 {
		return cast(int64(0), out), nil
	}
	accumulators := make([]any, len(xs))
	for i, x := range xs {
		accumulators[i] = f.start(x)
	}
	total := f.identity
	if len(xs) > 0 {
		total = f.tree(accumulators)
	}
	if op == array.Mean {
		total = float(total) / float64(present)
	}
	return cast(total, out), nil
}

// tree joins the elements of a whole array.
func (f folding) tree(xs []any) any {
	leaves := (len(xs) + leafSize - 1) / leafSize
	level := 0
	for 1<<level < leaves {
		level++
	}
	return f.node(xs, level, 0, leaves)
}

// node is node (level, index): a leaf, or the join of the nodes 2*index and 2*index+1 below where the second exists.
func (f folding) node(xs []any, level, index, leaves int) any {
	if level == 0 {
		return f.leaf(xs[index*leafSize : min((index+1)*leafSize, len(xs))])
	}
	left := f.node(xs, level-1, 2*index, leaves)
	if (2*index+1)<<(level-1) >= leaves {
		return left
	}
	return f.join(left, f.node(xs, level-1, 2*index+1, leaves))
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
	if _, err := apply(element, accumulator, []any{identity, identity}); err != nil {
		return folding{}, err
	}
	join := func(x, y any) any {
		z, _ := apply(element, accumulator, []any{x, y}) // what is defined for one element is for all of its type
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
