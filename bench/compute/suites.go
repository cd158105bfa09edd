// Package compute measures what arrays compute, element-wise ops, reductions, matrix products and small calls, beside
// NumPy, numexpr, Numba, PyTorch and dask, which run as processes of their own and take turns with ours; and beside STREAM,
// the machine's limit.
package compute

import (
	"fmt"
	"slices"
	"strings"
)

// Suite is one of the comparisons.
type Suite struct {
	Name  string
	Short string // for a list of commands
	Long  string // for its help

	kernels []string
	modes   []string
	dtypes  []string
	sizes   []int // elements, or the order of matrices
	quick   []int
	rivals  []string // that take part where nothing else is asked for
	singles bool     // everyone again with one thread
	limits  bool     // STREAM beside the cases that it has
	ours    bool
}

// The modes: whether the result's memory is there already.
const (
	Fresh = "fresh"
	Into  = "into"
)

// The types of operands.
const (
	float64s = "float64"
	float32s = "float32"
)

// Suites lists the comparisons.
func Suites() []Suite {
	both, types := []string{Fresh, Into}, []string{float64s, float32s}
	sizes, quick := []int{1e3, 1e5, 1e6, 1e7, 1e8}, []int{1e3, 1e5}
	return []Suite{
		{
			Name: "elementwise", Short: "expressions over elements, beside NumPy, numexpr, Numba, PyTorch and dask",
			Long: `Measure expressions over the elements of arrays: a+b, a*b+c-d, sqrt(a*a+b*b), where(a>b, a, b) and a polynomial of ten * and
ten +, each with a fresh result and into one that is there already (CollectInto; out= and its like). All of it takes half an
hour on two cores.`,
			kernels: []string{"add", "muladdsub", "hypot", "where", "poly20"},
			modes:   both, dtypes: types, sizes: sizes, quick: quick, rivals: Rivals(), limits: true, ours: true,
		},
		{
			Name: "reduce", Short: "sums and other reductions, beside NumPy, numexpr, Numba, PyTorch and dask",
			Long: `Measure reductions: sum, dot, mean and standard deviation together, max, and the sums over each axis of rows of 1000.
All of it takes some ten minutes on two cores.`,
			kernels: []string{"sum", "dot", "meanstd", "max", "sum-axis0", "sum-axis1"},
			modes:   []string{Fresh}, dtypes: types, sizes: sizes, quick: quick, rivals: Rivals(), limits: true, ours: true,
		},
		{
			Name: "matmul", Short: "matrix products, beside NumPy and PyTorch over their BLAS",
			Long: `Measure products of square matrices, by all threads and by one (contenders that end with -1). All of
it takes some minutes.`,
			kernels: []string{"matmul"},
			modes:   []string{Fresh}, dtypes: types, sizes: []int{256, 512, 1024, 2048, 4096}, quick: []int{64, 256},
			rivals: []string{"numpy", "torch"}, singles: true, ours: true,
		},
		{
			Name: "small", Short: "calls on 10 to 1000 elements, beside NumPy, Numba and PyTorch",
			Long:    `Measure what a call costs: a+b of few elements from the expression to its result, and a chain of five ops.`,
			kernels: []string{"add", "chain5"},
			modes:   []string{Fresh}, dtypes: []string{float64s}, sizes: []int{10, 100, 1000}, quick: []int{10, 1000},
			rivals: []string{"numpy", "numba", "torch"}, ours: true,
		},
		{
			Name: "stream", Short: "what the machine's memory gives: STREAM's copy, add, triad and sum",
			Long: `Measure the machine: STREAM's loops over huge pages, with stores through the caches (stream) and past them
(stream-past), by all threads and by one (contenders that end with -1). Bytes are counted as STREAM does.`,
			kernels: []string{"copy", "add", "triad", "sum"},
			modes:   []string{Into}, dtypes: []string{float64s}, sizes: []int{1e5, 1e6, 1e7, 5e7}, quick: []int{1e5}, singles: true, limits: true,
		},
	}
}

// FindSuite is the suite of that name.
func FindSuite(name string) (Suite, error) {
	var names []string
	for _, s := range Suites() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Suite{}, fmt.Errorf("no suite %q; there are %s", name, strings.Join(names, ", "))
}

// Kernels lists the cases of a suite.
func (s Suite) Kernels() []string { return slices.Clone(s.kernels) }

// Sizes lists the sizes that it measures where nothing else is asked for.
func (s Suite) Sizes() []int { return slices.Clone(s.sizes) }

// Modes lists whether its results are fresh, or written into memory that is there.
func (s Suite) Modes() []string { return slices.Clone(s.modes) }

// DTypes lists its types of operands.
func (s Suite) DTypes() []string { return slices.Clone(s.dtypes) }

// Rivals lists all that there are programs for.
func Rivals() []string { return []string{"numpy", "numexpr", "numba", "torch", "dask"} }
