// Package compute measures what arrays compute, element-wise ops, reductions, matrix products and small calls, beside
// NumPy, numexpr, Numba, PyTorch and dask, which run as processes of their own and take turns with ours; and beside STREAM,
// the machine's limit.
package compute

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Suite is one of the comparisons.
type Suite struct {
	Name  string
	Short string // for a list of commands
	Long  string // for its help

	Sets   []Set
	Rounds int // turns of every contender at every case where nothing else is asked for
	Repeat int // counted batches in a turn

	turn    time.Duration // where nothing else is asked for; 0: 300 ms
	modes   []string
	dtypes  []string
	rivals  []string // that take part where nothing else is asked for
	singles bool     // everyone again with one thread
	limits  bool     // STREAM beside the cases that it has
	ours    bool
	many    bool // so many cases that each is a line of a table and of the picture
	gpu     bool // on a GPU, or a simulated one: see gpu.go
}

// Set is cases of a suite that are measured at the same sizes.
type Set struct {
	Name  string
	Cases []string
	Sizes []int // elements, or the order of matrices

	fixed bool  // other sizes that are asked for are not for it
	quick []int // the sizes where it has to be quick
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
			Sets:  []Set{{Cases: []string{"add", "muladdsub", "length", "where", "poly20"}, Sizes: sizes, quick: quick}},
			modes: both, dtypes: types, rivals: Rivals(), limits: true, ours: true, Rounds: 5, Repeat: 3,
		},
		{
			Name: "reduce", Short: "sums and other reductions, beside NumPy, numexpr, Numba, PyTorch and dask",
			Long: `Measure reductions: sum, dot, mean and standard deviation together, max, and the sums over each axis of rows of 1000.
All of it takes some ten minutes on two cores.`,
			Sets:  []Set{{Cases: []string{"sum", "dot", "meanstd", "max", "sum-axis0", "sum-axis1"}, Sizes: sizes, quick: quick}},
			modes: []string{Fresh}, dtypes: types, rivals: Rivals(), limits: true, ours: true, Rounds: 5, Repeat: 3,
		},
		{
			Name: "matmul", Short: "matrix products, beside NumPy and PyTorch over their BLAS",
			Long: `Measure products of square matrices, by all threads and by one (contenders that end with -1). All of
it takes some minutes.`,
			Sets:  []Set{{Cases: []string{"matmul"}, Sizes: []int{256, 512, 1024, 2048, 4096}, quick: []int{64, 256}}},
			modes: []string{Fresh}, dtypes: types, rivals: []string{"numpy", "torch"}, singles: true, ours: true, Rounds: 5, Repeat: 3,
		},
		{
			Name: "small", Short: "calls on 10 to 1000 elements, beside NumPy, Numba and PyTorch",
			Long:  `Measure what a call costs: a+b of few elements from the expression to its result, and a chain of five ops.`,
			Sets:  []Set{{Cases: []string{"add", "chain5"}, Sizes: []int{10, 100, 1000}, quick: []int{10, 1000}}},
			modes: []string{Fresh}, dtypes: []string{float64s}, rivals: []string{"numpy", "numba", "torch"}, ours: true, Rounds: 5, Repeat: 3,
		},
		{
			Name: "math", Short: "every mathematical function, and expressions of them, beside NumPy, numexpr, Numba and PyTorch",
			Long: `Measure the mathematical functions, each a case of its own, with operands that lie in the cache and with many more, each with
a fresh result and into one that is there already; and expressions of them: exp(-a*a)*sin(b), the price of a call option by
Black and Scholes, and log(sum(exp(a))), which takes the greatest out first so that nothing overflows. Operands are spread
evenly over what users give the function: angles over four turns each way, exponents and logits from -10 to 10. A rival takes
part where it has the function, not where one could put it together. On two quiet cores the functions take about a quarter of an
hour and the expressions ten minutes.`,
			Sets: []Set{
				{Name: "functions", Cases: functionNames(), Sizes: []int{1e3, 1e7}, quick: []int{1e3}},
				{Name: "expressions", Cases: []string{"expsin", "blackscholes", "logsumexp"}, Sizes: []int{1e6, 1e7, 1e8}, quick: []int{1e5}},
			},
			modes: both, dtypes: types, rivals: []string{"numpy", "numexpr", "numba", "torch"}, ours: true, many: true, Rounds: 3, Repeat: 3,
		},
		{
			Name: "stream", Short: "what the machine's memory gives: STREAM's copy, add, triad and sum",
			Long: `Measure the machine: STREAM's loops over huge pages, with stores through the caches (stream) and past them
(stream-past), by all threads and by one (contenders that end with -1). Bytes are counted as STREAM does.`,
			Sets:  []Set{{Cases: []string{"copy", "add", "triad", "sum"}, Sizes: []int{1e5, 1e6, 1e7, 5e7}, quick: []int{1e5}}},
			modes: []string{Into}, dtypes: []string{float64s}, singles: true, limits: true, Rounds: 5, Repeat: 3,
		},
		gpuSuite(),
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

// Cases lists those of all sets.
func (s Suite) Cases() []string {
	var names []string
	for _, set := range s.Sets {
		names = append(names, set.Cases...)
	}
	return names
}

// Modes lists whether its results are fresh, or written into memory that is there.
func (s Suite) Modes() []string { return slices.Clone(s.modes) }

// DTypes lists its types of operands.
func (s Suite) DTypes() []string { return slices.Clone(s.dtypes) }

// Rivals lists those that the suite has programs for.
func (s Suite) Rivals() []string {
	if s.gpu {
		return gpuRivals()
	}
	return Rivals()
}

// Rivals lists all that there are programs for on the processor.
func Rivals() []string { return []string{"numpy", "numexpr", "numba", "torch", "dask"} }
