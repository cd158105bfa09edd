package compute

import (
	"context"
	"fmt"
	"maps"
	"runtime"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/bench/talk"
)

// recipes are the kernels in darray's words. One that is not here is not available in this build, and the report says so.
func recipes() map[string]recipe {
	one := func(f func(x []darray.Array) darray.Array) recipe {
		return func(x []darray.Array) []darray.Array { return []darray.Array{f(x)} }
	}
	all := map[string]recipe{
		"add": one(func(x []darray.Array) darray.Array { return darray.Add(x[0], x[1]) }),
		"muladdsub": one(func(x []darray.Array) darray.Array {
			return darray.Subtract(darray.Add(darray.Multiply(x[0], x[1]), x[2]), x[3])
		}),
		"length": one(func(x []darray.Array) darray.Array {
			return darray.Sqrt(darray.Add(darray.Multiply(x[0], x[0]), darray.Multiply(x[1], x[1])))
		}),
		"where": one(func(x []darray.Array) darray.Array { return darray.Where(darray.Greater(x[0], x[1]), x[0], x[1]) }),
		"poly20": one(func(x []darray.Array) darray.Array {
			cs := coefficients()
			y := darray.Add(darray.Multiply(x[0], cs[0]), cs[1])
			for _, c := range cs[2:] {
				y = darray.Add(darray.Multiply(y, x[0]), c)
			}
			return y
		}),
		"chain5": one(func(x []darray.Array) darray.Array {
			return darray.Add(darray.Multiply(darray.Subtract(darray.Multiply(darray.Add(x[0], x[1]), x[0]), x[1]), x[0]), x[1])
		}),
		"launch":    one(func(x []darray.Array) darray.Array { return darray.Add(x[0], x[1]) }),
		"compile":   one(func(x []darray.Array) darray.Array { return chain(x, 0) }),
		"matmul":    one(func(x []darray.Array) darray.Array { return darray.Matmul(x[0], x[1]) }),
		"sum":       one(func(x []darray.Array) darray.Array { return darray.Sum(x[0]) }),
		"dot":       one(func(x []darray.Array) darray.Array { return darray.Dot(x[0], x[1]) }),
		"meanstd":   func(x []darray.Array) []darray.Array { return []darray.Array{darray.Mean(x[0]), darray.Std(x[0])} },
		"max":       one(func(x []darray.Array) darray.Array { return darray.Max(x[0]) }),
		"sum-axis0": one(func(x []darray.Array) darray.Array { return darray.Sum(x[0], 0) }),
		"sum-axis1": one(func(x []darray.Array) darray.Array { return darray.Sum(x[0], 1) }),
	}
	maps.Copy(all, functionRecipes())
	return all
}

// engine is darray on the default cluster.
type engine struct {
	cluster *darray.Cluster
	recipe  recipe
	in      []darray.Array
	into    *darray.Block
}

func newEngine() (talk.Player, string, error) {
	cluster, err := darray.Default()
	if err != nil {
		return nil, "", err
	}
	return &engine{cluster: cluster}, fmt.Sprintf("darray, %s, GOMAXPROCS %d", runtime.Version(), runtime.GOMAXPROCS(0)), nil
}

func (e *engine) Prepare(q talk.Question) error {
	k, known := findKernel(q.Kernel)
	how := recipes()[q.Kernel]
	if !known || how == nil {
		return fmt.Errorf("%w: %q is not in this build of darray", talk.ErrUnavailable, q.Kernel)
	}
	*e = engine{cluster: e.cluster, recipe: how}
	in, err := makeOperands(k, q.DType, q.N, 0)
	if err != nil {
		return err
	}
	e.in = in
	for _, a := range how(e.in) {
		if err := a.Err(); err != nil { // a form that this build does not have
			return fmt.Errorf("%w: %w", talk.ErrUnavailable, err)
		}
	}
	return nil
}

// makeOperands is set number set of a kernel's operands.
func makeOperands(k kernel, dtype string, n, set int) ([]darray.Array, error) {
	var in []darray.Array
	for which := range k.operands {
		var a darray.Array
		var err error
		if dtype == float32s {
			a, err = uniform[float32](k.span(which), which, k.elements(n), set, darray.Float32)
		} else {
			a, err = uniform[float64](k.span(which), which, k.elements(n), set, darray.Float64)
		}
		if err != nil {
			return nil, err
		}
		in = append(in, a.Reshape(k.shape(n)...))
	}
	return in, nil
}

// setShift is how far the elements of one set of operands are behind those of the set before, as in rivals/gpu.py.
const setShift = 4099

// uniform is operand k in memory of darray's, as the rivals' operands lie in theirs.
func uniform[T float32 | float64](s span, k, n, set int, d darray.DType) (darray.Array, error) {
	b, err := darray.NewBlock(d, n)
	if err != nil {
		return darray.Array{}, err
	}
	xs, err := darray.Values[T](b)
	if err != nil {
		return darray.Array{}, err
	}
	for i := range min(n, period) {
		xs[i] = T(s.element(k, i+set*setShift))
	}
	for at := period; at < n; at += period {
		copy(xs[at:], xs[:period])
	}
	return darray.FromBlock(b), nil
}

// Play times what a user writes: the expression, and its result, which is dropped.
func (e *engine) Play(mode string) (call func() error, check func() ([]float64, error), err error) {
	if e.recipe == nil {
		return nil, nil, fmt.Errorf("%w: nothing is prepared", talk.ErrUnavailable)
	}
	ctx := context.Background()
	collect := func() ([]*darray.Block, error) {
		b, err := e.recipe(e.in)[0].Collect()
		return []*darray.Block{b}, err
	}
	if len(e.recipe(e.in)) > 1 {
		collect = func() ([]*darray.Block, error) { return e.cluster.Collect(ctx, e.recipe(e.in)...) }
	}
	if mode == Into {
		if e.into == nil {
			if e.into, err = e.recipe(e.in)[0].Collect(); err != nil {
				return nil, nil, err
			}
		}
		collect = func() ([]*darray.Block, error) {
			return []*darray.Block{e.into}, e.recipe(e.in)[0].CollectInto(ctx, e.into)
		}
	}
	call = func() error {
		_, err := collect()
		return err
	}
	check = func() ([]float64, error) {
		blocks, err := collect()
		if err != nil {
			return nil, err
		}
		return blockSummary(blocks)
	}
	return call, check, nil
}

func (e *engine) Free() error {
	*e = engine{cluster: e.cluster}
	return nil
}

// blockSummary sums up the values of blocks, one behind the other.
func blockSummary(blocks []*darray.Block) ([]float64, error) {
	if len(blocks) == 1 && blocks[0].DType() == darray.Float64 {
		values, err := darray.Values[float64](blocks[0])
		if err != nil {
			return nil, err
		}
		return summary(values), nil
	}
	var values []float64
	for _, b := range blocks {
		for i := range b.Len() {
			s, ok := b.Scalar(i)
			if !ok {
				return nil, fmt.Errorf("element %d is null", i)
			}
			values = append(values, s.Float())
		}
	}
	return summary(values), nil
}
