package ref

import (
	"slices"

	"github.com/darray-go/darray/array"
)

// reduceAxes reduces each run of elements along the axes of n.
func reduceAxes(n *array.Node, xs []any) ([]any, error) {
	operand := n.Args()[0]
	axes := n.Axes()
	if len(axes) == 0 {
		for axis := range operand.Shape() {
			axes = append(axes, axis)
		}
	}
	r := reduction{op: n.Op(), in: operand.DType(), out: n.DType(), byRow: byRow(operand.Shape(), axes)}
	if r.op == array.Var {
		r.correction = n.Scalar().Float()
	}
	out := make([]any, count(n.Shape()))
	for i, run := range runs(xs, operand.Shape(), axes, len(out)) {
		x, err := r.value(run)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

// runs deals the elements of an array out to the places of the result that they are reduced to, in row-major order.
func runs(xs []any, shape array.Shape, axes []int, n int) [][]any {
	out := make([][]any, n)
	for i, x := range xs {
		to := 0
		for axis, c := range coordinates(i, shape) {
			if !slices.Contains(axes, axis) {
				to = to*shape[axis] + c
			}
		}
		out[to] = append(out[to], x)
	}
	return out
}

// byRow reports whether the reduced axes, those of extent 1 aside, follow one another and others come behind them.
func byRow(shape array.Shape, axes []int) bool {
	pattern := ""
	for axis, d := range shape {
		if d == 1 {
			continue
		}
		letter := "k"
		if slices.Contains(axes, axis) {
			letter = "r"
		}
		if pattern == "" || pattern[len(pattern)-1:] != letter {
			pattern += letter
		}
	}
	return pattern == "rk" || pattern == "krk"
}

// position is the index of the first least or greatest element: of the first NaN, if there is one.
func position(op array.Op, xs []any) any {
	var at any
	var best any
	for i, x := range xs {
		if x == nil {
			continue
		}
		if x != x { // NaN
			return int64(i)
		}
		if best == nil || op == array.ArgMin && less(x, best) || op == array.ArgMax && less(best, x) {
			at, best = int64(i), x
		}
	}
	return at
}

// less compares two elements of one type that are not NaN; false is below true.
func less(x, y any) bool {
	switch x := x.(type) {
	case bool:
		return !x && y.(bool)
	case float32:
		return x < y.(float32)
	case float64:
		return x < y.(float64)
	}
	a, _ := integer(x)
	b, _ := integer(y)
	return a.Cmp(b) < 0
}

// moments is how many elements there are, their sum, and the sum of their squared distances from the mean.
type moments struct{ n, sum, squares float64 }

// variance is the sum of squared distances over the number of elements less the correction.
func (r reduction) variance(xs []any, present int) (any, error) {
	if present == 0 || float64(present)-r.correction <= 0 {
		return nil, nil
	}
	f, err := foldingOf(array.Sum, array.Float64)
	if err != nil {
		return nil, err
	}
	leaf := func(fold func([]any) any) func([]any) any {
		return func(xs []any) any {
			accumulators, n := make([]any, len(xs)), 0.0
			for i, x := range xs {
				if accumulators[i] = f.start(x); x != nil {
					n++
				}
			}
			sum := fold(accumulators).(float64)
			mean := sum / n
			for i, x := range xs {
				if x != nil {
					d := accumulators[i].(float64) - mean
					accumulators[i] = d * d
				}
			}
			return moments{n, sum, fold(accumulators).(float64)}
		}
	}
	m := r.tree(xs, leaf(f.leaf), leaf(f.row), joinMoments).(moments)
	return rounded(m.squares/(m.n-r.correction), r.out), nil
}

// joinMoments is formula (2.1) of Chan, Golub and LeVeque, with the means in place of the sums.
func joinMoments(a, b any) any {
	x, y := a.(moments), b.(moments)
	if x.n == 0 {
		return y
	}
	if y.n == 0 {
		return x
	}
	distance := y.sum/y.n - x.sum/x.n
	square := distance * distance
	weight := x.n * y.n / (x.n + y.n)
	product := square * weight
	return moments{x.n + y.n, x.sum + y.sum, (x.squares + y.squares) + product}
}

// scan is the running sum or product of each run along the axis of n.
func scan(n *array.Node, xs []any) ([]any, error) {
	op := array.Sum
	if n.Op() == array.CumProd {
		op = array.Prod
	}
	operand := n.Args()[0]
	f, err := foldingOf(op, operand.DType())
	if err != nil {
		return nil, err
	}
	axis := n.Axes()
	places := make([]any, len(xs))
	for i := range places {
		places[i] = i
	}
	rest := 1
	for i, d := range operand.Shape() {
		if i != axis[0] {
			rest *= d
		}
	}
	out := make([]any, len(xs))
	for _, run := range runs(places, operand.Shape(), axis, rest) {
		elements := make([]any, len(run))
		for i, at := range run {
			elements[i] = xs[at.(int)]
		}
		for i, x := range f.running(elements) {
			if x != nil {
				out[run[i].(int)] = cast(x, n.DType())
			}
		}
	}
	return out, nil
}

// running joins to each element those before it: those of its leaf one by one, the leaves before as the tree of Sum does.
func (f folding) running(xs []any) []any {
	accumulators := make([]any, len(xs))
	for i, x := range xs {
		accumulators[i] = f.start(x)
	}
	out := make([]any, len(xs))
	var before, inLeaf any
	for i, x := range xs {
		if i%leafSize == 0 {
			inLeaf = f.identity
			if i > 0 {
				before = tree{accumulators[:i], leafSize, f.leaf, f.join}.all()
			}
		}
		inLeaf = f.join(inLeaf, accumulators[i])
		switch {
		case x == nil:
		case before == nil:
			out[i] = inLeaf
		default:
			out[i] = f.join(before, inLeaf)
		}
	}
	return out
}
