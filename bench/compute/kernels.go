package compute

import (
	"math"
	"slices"
)

// kernel is one thing to compute.
type kernel struct {
	name, title string
	operands    int    // arrays that it reads
	spans       []span // what their elements lie in; nil: [0, 1)
	temporaries int    // arrays that a contender may hold beside the operands and a result; 0: two
	reduces     bool
	matrix      bool     // n is the order of square matrices
	modes       []string // in which it is measured; nil: all
	call        bool     // what a call costs is measured, not what it moves
	exact       bool     // there is one right result for each element, down to its last bit
	flops       func(n float64) float64
	// check is what the right result for operands of n elements sums up to.
	check func(dtype string, n int) reference
}

// reference is what a result is held against.
type reference struct {
	summary   []float64
	magnitude float64 // of the sum: what its error is relative to; that of the elements, where they cancel out
}

// row is the elements in a row of the 2-D operands, as in rivals/compute.py.
const row = 1000

func kernels() []kernel {
	return slices.Concat(plainKernels(), functionKernels(), expressionKernels(), callKernels())
}

// plainKernels have operands from [0, 1), and only ops that a computer has an instruction for.
func plainKernels() []kernel {
	return []kernel{
		{name: "copy", title: "a", operands: 1, check: elements(func(x []float64) float64 { return x[0] })},
		{name: "triad", title: "a + 3*b", operands: 2, check: elements(func(x []float64) float64 { return x[0] + 3*x[1] })},
		{name: "add", title: "a + b", operands: 2, check: elements(func(x []float64) float64 { return x[0] + x[1] })},
		{name: "muladdsub", title: "a*b + c - d", operands: 4, check: elements(func(x []float64) float64 { return x[0]*x[1] + x[2] - x[3] })},
		{name: "length", title: "sqrt(a*a + b*b)", operands: 2, check: elements(func(x []float64) float64 { return math.Sqrt(x[0]*x[0] + x[1]*x[1]) })},
		{name: "where", title: "where(a > b, a, b)", operands: 2, check: elements(func(x []float64) float64 { return math.Max(x[0], x[1]) })},
		{name: "poly20", title: "polynomial of 20 ops", operands: 1, check: elements(func(x []float64) float64 { return horner(x[0]) })},
		{
			name: "chain5", title: "chain of 5 ops", operands: 2,
			check: elements(func(x []float64) float64 { return ((x[0]+x[1])*x[0]-x[1])*x[0] + x[1] }),
		},
		{name: "sum", title: "sum", operands: 1, reduces: true, check: func(_ string, n int) reference {
			return plain(summary([]float64{total(n, func(i int) float64 { return operand(0, i) })}))
		}},
		{name: "dot", title: "dot", operands: 2, reduces: true, check: func(_ string, n int) reference {
			return plain(summary([]float64{total(n, func(i int) float64 { return operand(0, i) * operand(1, i) })}))
		}},
		{name: "meanstd", title: "mean and std", operands: 1, reduces: true, check: func(_ string, n int) reference {
			mean := total(n, func(i int) float64 { return operand(0, i) }) / float64(n)
			variance := total(n, func(i int) float64 { d := operand(0, i) - mean; return d * d }) / float64(n)
			return plain(summary([]float64{mean, math.Sqrt(variance)}))
		}},
		{name: "max", title: "max", operands: 1, reduces: true, check: func(_ string, n int) reference {
			greatest := 0.0
			for i := range min(n, period) {
				greatest = max(greatest, operand(0, i))
			}
			return plain(summary([]float64{greatest}))
		}},
		{name: "sum-axis0", title: "sum over axis 0", operands: 1, reduces: true, check: func(_ string, n int) reference {
			return axis(n, row, n/row, func(out, in int) int { return in*row + out })
		}},
		{name: "sum-axis1", title: "sum over axis 1", operands: 1, reduces: true, check: func(_ string, n int) reference {
			return axis(n, n/row, row, func(out, in int) int { return out*row + in })
		}},
		{
			name: "matmul", title: "a @ b", operands: 2, matrix: true, check: product,
			flops: func(n float64) float64 { return 2 * n * n * n },
		},
	}
}

func findKernel(name string) (kernel, bool) {
	for _, k := range kernels() {
		if k.name == name {
			return k, true
		}
	}
	return kernel{}, false
}

// elements is the number of elements of each operand.
func (k kernel) elements(n int) int {
	if k.matrix {
		return n * n
	}
	return n
}

// bytes is what STREAM would count: operands read and result written; 0 where that says nothing.
func (k kernel) bytes(n, size int) float64 {
	if k.call {
		return 0
	}
	arrays := k.operands + 1
	if k.reduces {
		arrays--
	}
	return float64(arrays) * float64(size) * float64(k.elements(n))
}

// span of operand k.
func (k kernel) span(which int) span {
	if k.spans == nil {
		return span{0, 1}
	}
	return k.spans[which]
}

// shape is that of the operands.
func (k kernel) shape(n int) []int {
	switch {
	case k.matrix:
		return []int{n, n}
	case k.name == "sum-axis0" || k.name == "sum-axis1":
		return []int{n / row, row}
	}
	return []int{n}
}

// period is the elements after which operands repeat, as in rivals/compute.py.
const period = 1 << 20

// operand is element i of operand k: 24 bits of a scrambled i over 2**24, the same values in any float type.
func operand(k, i int) float64 {
	odd := [...]uint32{2654435761, 2246822519, 3266489917, 668265263}[k]
	return float64((uint32(i%period)*odd+uint32(k)*40503)>>8) / (1 << 24)
}

// span is what the elements of an operand lie in: [lo, hi), spread evenly.
type span struct{ lo, hi float64 }

// element i of operand k: in float64, rounded after each step so that rivals/compute.py has the same.
func (s span) element(k, i int) float64 { return s.lo + float64((s.hi-s.lo)*operand(k, i)) }

// coefficients of the polynomial, the highest power first.
func coefficients() []float64 {
	cs := []float64{3, -5, 7, -2, 4, -6, 1, -7, 5, -3, 2}
	for i := range cs {
		cs[i] /= 8
	}
	return cs
}

func horner(x float64) float64 {
	cs := coefficients()
	y := cs[0]
	for _, c := range cs[1:] {
		y = y*x + c
	}
	return y
}

// summary is what results are compared by: their sum and their first, middle and last element.
func summary(result []float64) []float64 {
	sum := 0.0
	for _, x := range result {
		sum += x
	}
	return []float64{sum, result[0], result[len(result)/2], result[len(result)-1]}
}

// total adds up f(i) for i below n, where f has the operands' period.
func total(n int, f func(i int) float64) float64 {
	whole, rest := 0.0, 0.0
	for i := range min(n, period) {
		x := f(i)
		whole += x
		if i < n%period {
			rest += x
		}
	}
	if n < period {
		return rest
	}
	return whole*float64(n/period) + rest
}

// plain is the reference for a sum that nothing cancels out of.
func plain(summary []float64) reference { return reference{summary, math.Abs(summary[0])} }

// elements is the reference of an element-wise function, of four operands from [0, 1).
func elements(f func(x []float64) float64) func(dtype string, n int) reference {
	return within([]span{{0, 1}, {0, 1}, {0, 1}, {0, 1}}, f)
}

// within is the reference of an element-wise function of operands from spans, as dtype has them.
func within(spans []span, f func(x []float64) float64) func(dtype string, n int) reference {
	return func(dtype string, n int) reference {
		x := make([]float64, len(spans))
		at := func(i int) float64 {
			for k, s := range spans {
				x[k] = rounded(dtype, s.element(k, i))
			}
			return f(x)
		}
		magnitude := total(n, func(i int) float64 { return math.Abs(at(i)) })
		return reference{[]float64{total(n, at), at(0), at(n / 2), at(n - 1)}, magnitude}
	}
}

// rounded is x as dtype has it.
func rounded(dtype string, x float64) float64 {
	if dtype == float32s {
		return float64(float32(x))
	}
	return x
}

// axis is the summary of sums of terms elements each, the place of which index says.
func axis(n, results, terms int, index func(out, in int) int) reference {
	at := func(out int) float64 {
		sum := 0.0
		for in := range terms {
			sum += operand(0, index(out, in))
		}
		return sum
	}
	all := total(n, func(i int) float64 { return operand(0, i) })
	return plain([]float64{all, at(0), at(results / 2), at(results - 1)})
}

// product is the summary of a @ b for matrices of order n.
func product(_ string, n int) reference {
	all := 0.0
	for k := range n {
		column, line := 0.0, 0.0
		for i := range n {
			column += operand(0, i*n+k)
			line += operand(1, k*n+i)
		}
		all += column * line
	}
	at := func(flat int) float64 {
		sum := 0.0
		for k := range n {
			sum += operand(0, flat/n*n+k) * operand(1, k*n+flat%n)
		}
		return sum
	}
	return plain([]float64{all, at(0), at(n * n / 2), at(n*n - 1)})
}

// distance is how far a summary is from the right one: the greatest error of its numbers, relative to those above 1.
func (k kernel) distance(got []float64, want reference) float64 {
	if len(got) != len(want.summary) {
		return math.Inf(1)
	}
	worst := 0.0
	for i, right := range want.summary {
		scale := math.Abs(right)
		if i == 0 {
			scale = want.magnitude
		}
		d := math.Abs(got[i]-right) / max(1, scale)
		if math.IsNaN(d) || k.exact && i > 0 && got[i] != right {
			return math.Inf(1)
		}
		worst = max(worst, d)
	}
	return worst
}

// tolerance is the distance up to which a result counts as right. That of float64 allows any order of summing 1e8 elements;
// that of float32 pairwise sums and sums by lanes, but not those in one float32, which lose a digit more with each tenfold n.
func tolerance(dtype string) float64 {
	if dtype == float32s {
		return 1e-3
	}
	return 1e-9
}

func sizeOf(dtype string) int {
	if dtype == float32s {
		return 4
	}
	return 8
}
