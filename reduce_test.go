package darray_test

import (
	"context"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/internal/leak"
)

// text is a collected array as it prints, without what aligns columns and marks floats.
func text(t *testing.T, a darray.Array) string {
	t.Helper()
	b, err := a.Collect()
	if err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	words := strings.Join(strings.Fields(b.String()), " ")
	return strings.NewReplacer(". ", " ", ".]", "]", "[ ", "[", ".0", "").Replace(words)
}

// TestReductionsByHand holds reductions over axes against values written out; those without nulls are NumPy's.
func TestReductionsByHand(t *testing.T) {
	leak.Check(t)
	nan, inf, zero := math.NaN(), math.Inf(1), math.Copysign(0, -1)
	x := darray.FromSlice([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
	cube := darray.Arange(0, 24, 1).Reshape(2, 3, 4)
	odd := darray.FromSlice([]float64{1, nan, -inf, nan, inf, 3}, 2, 3)
	zeros := darray.FromSlice([]float64{0, zero, zero, 0}, 2, 2)
	empty := darray.Zeros(darray.Float64, 0, 3)
	none := darray.FromSlice([]float64{}, 0)
	for _, tt := range []struct {
		name string
		a    darray.Array
		want string
	}{
		{"sum 0", darray.Sum(x, 0), "[5 7 9]"},
		{"sum 1", darray.Sum(x, 1), "[6 15]"},
		{"sum -1", darray.Sum(x, -1), "[6 15]"},
		{"sum both", darray.Sum(x, 1, 0), "21"},
		{"kept", darray.Sum(x, 1).KeepDims(), "[[6] [15]]"},
		{"all kept", darray.Sum(x).KeepDims(), "[[21]]"},
		{"centred", darray.Subtract(x, darray.Mean(x, 1).KeepDims()), "[[-1 0 1] [-1 0 1]]"},
		{"kept through ops of one operand", darray.Std(x, 0).KeepDims(), "[[1.5 1.5 1.5]]"},
		{"axes apart", darray.Sum(cube, 0, 2), "[60 92 124]"},
		{"axes apart kept", darray.Max(cube, 2, 0).KeepDims(), "[[[15] [19] [23]]]"},
		{"the middle axis", darray.Prod(cube, 1), "[[0 45 120 231] [3840 4641 5544 6555]]"},
		{"mean", darray.Mean(x, 0), "[2.5 3.5 4.5]"},
		{"min", darray.Min(x, 0), "[1 2 3]"},
		{"max of NaN", darray.Max(odd, 1), "[nan nan]"},
		{"min of NaN by column", darray.Min(odd, 0), "[nan nan -inf]"},
		{"sum of infinities", darray.Sum(odd, 0), "[nan nan -inf]"},
		{"any", darray.Any(zeros, 0), "[false false]"},
		{"all", darray.All(x, 1), "[true true]"},
		{"any of NaN", darray.Any(odd, 0), "[true true true]"},
		{"count", darray.Count(x, 0), "[2 2 2]"},
		{"count_nonzero", darray.CountNonzero(odd, 0), "[2 2 2]"},
		{"count_nonzero of all", darray.CountNonzero(zeros), "0"},
		{"argmin", darray.ArgMin(x), "0"},
		{"argmax 0", darray.ArgMax(x, 0), "[1 1 1]"},
		{"argmax 1", darray.ArgMax(x, 1).KeepDims(), "[[2] [2]]"},
		{"argmin takes the first NaN", darray.ArgMin(odd), "1"},
		{"argmax takes the first NaN", darray.ArgMax(odd, 1), "[1 0]"},
		{"argmax by column", darray.ArgMax(odd, 0), "[1 0 1]"},
		{"zeros are equal", darray.ArgMin(zeros, 1), "[0 0]"},
		{"and argmax", darray.ArgMax(zeros), "0"},
		{"argmax of bool", darray.ArgMax(darray.FromSlice([]bool{false, true, true})), "1"},
		{"var", darray.Var(x), "2.9166666666666665"},
		{"var 1", darray.Var(x, 1), "[0.66666667 0.66666667]"},
		{"corrected", darray.VarCorrected(x, 1, 0), "[4.5 4.5 4.5]"},
		{"too few for a correction", darray.VarCorrected(x, 2, 0), "[null null null]"},
		{"var of infinity", darray.Var(odd, 0), "[nan nan nan]"},
		{"std", darray.Std(x, 0), "[1.5 1.5 1.5]"},
		{"std of a sample", darray.StdCorrected(x, 1, 1), "[1 1]"},
		{"std of float32 does not overflow", darray.Std(darray.FromSlice([]float32{3e30, -3e30})), "3e+30"},
		{"nor vanish", darray.Std(darray.FromSlice([]float32{3e-30, -3e-30})), "3e-30"},
		{"norm", darray.Norm(darray.FromSlice([]int{3, 4})), "5"},
		{"norm 1", darray.Norm(darray.FromSlice([]float32{3, 4, 6, 8}, 2, 2), 1), "[5 10]"},
		{"norm of float32 does not overflow", darray.Norm(darray.FromSlice([]float32{3e30, 4e30})), "5e+30"},
		{"dot", darray.Dot(darray.FromSlice([]float64{1, 2, 3}), darray.FromSlice([]float64{4, 5, 6})), "32"},
		{"dot in 64 bits", darray.Dot(darray.FromSlice([]int8{100, 100}), darray.FromSlice([]int8{100, 100})), "20000"},
		{"vdot", darray.Vdot(x, x), "91"},
		{"cumsum", darray.CumSum(x), "[1 3 6 10 15 21]"},
		{"cumsum 0", darray.CumSum(x, 0), "[[1 2 3] [5 7 9]]"},
		{"cumsum 1", darray.CumSum(x, 1), "[[1 3 6] [4 9 15]]"},
		{"cumsum of NaN", darray.CumSum(odd, 1), "[[1 nan nan] [nan nan nan]]"},
		{"cumsum of bool", darray.CumSum(darray.FromSlice([]bool{true, false, true})), "[1 1 2]"},
		{"cumprod", darray.CumProd(darray.FromSlice([]uint8{200, 2, 3})), "[200 400 1200]"},
		{"sum of no rows", darray.Sum(empty, 0), "[0 0 0]"},
		{"prod of no rows", darray.Prod(empty, 0), "[1 1 1]"},
		{"max of no rows", darray.Max(empty, 0), "[null null null]"},
		{"mean of no rows", darray.Mean(empty, 0).KeepDims(), "[[null null null]]"},
		{"rows of nothing", darray.Sum(empty, 1), "[]"},
		{"argmax of nothing", darray.ArgMax(none), "null"},
		{"var of nothing", darray.Var(none), "null"},
		{"norm of nothing", darray.Norm(none), "0"},
		{"dot of nothing", darray.Dot(none, none), "0"},
		{"cumsum of nothing", darray.CumSum(empty), "[]"},
	} {
		if got := text(t, tt.a); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestReductionMistakes: axes that are not there, twice or too many.
func TestReductionMistakes(t *testing.T) {
	leak.Check(t)
	x := darray.Ones(darray.Float64, 2, 3)
	for name, tt := range map[string]struct {
		a    darray.Array
		want string
	}{
		"zeros":          {darray.Zeros(darray.Float64, -1), "zeros: shape mismatch: shape [-1]"},
		"ones":           {darray.Ones(darray.Float64, 3, -2), "ones: shape mismatch: shape [3 -2]"},
		"axis of 1-D":    {darray.Sum(darray.FromSlice([]int{1}), 1), "sum: shape mismatch: axis 1 is out of range for shape [1]; there is 1 axis"},
		"axis of 0-D":    {darray.Sum(darray.Sum(x), 0), "sum: shape mismatch: axis 0 is out of range for shape []; there are no axes"},
		"axis":           {darray.Sum(x, 2), "sum: shape mismatch: axis 2 is out of range for shape [2 3]; there are 2 axes"},
		"std":            {darray.Std(x, 2), "std: shape mismatch: axis 2"},
		"norm":           {darray.Norm(x, 2), "norm: shape mismatch: axis 2"},
		"nonzero":        {darray.CountNonzero(x, 2), "count_nonzero: shape mismatch: axis 2"},
		"negative axis":  {darray.Var(x, -3), "axis -3 is out of range"},
		"twice":          {darray.Max(x, 0, -2), "axis -2 of shape [2 3] is named twice"},
		"0-D":            {darray.Sum(darray.Sum(x), 0), "axis 0 is out of range for shape []"},
		"two axes":       {darray.ArgMin(x, 0, 1), "name one axis, or none"},
		"two axes, scan": {darray.CumSum(x, 0, 1), "cumsum: shape mismatch: a scan goes along one axis, not [0 1]"},
		"keep dims":      {x.KeepDims(), "is no reduction"},
		"dot":            {darray.Dot(x, x), "it takes two 1-D arrays of one length"},
		"vdot":           {darray.Vdot(x, darray.Ones(darray.Int8, 5)), "vdot: shape mismatch: 6 elements and 5"},
		"correction":     {darray.VarCorrected(x, math.NaN()), "the correction NaN is no finite number"},
	} {
		err := tt.a.Err()
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "reduce_test.go:") {
			t.Errorf("%s: %v, want %q and the line", name, err, tt.want)
		}
		if name != "correction" && !errors.Is(err, darray.ErrShape) {
			t.Errorf("%s: %v is not ErrShape", name, err)
		}
	}
}

// TestRowsAreArrays: a run of elements that lie one after another has the bits that it has alone.
func TestRowsAreArrays(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(1, 2))
	const rows, length = 3, 2500
	xs := make([]float64, rows*length)
	for i := range xs {
		xs[i] = rng.NormFloat64() * math.Exp(20*rng.Float64())
	}
	table := darray.FromSlice(xs, rows, length)
	for name, f := range map[string]func(darray.Array, ...int) darray.Array{
		"sum": darray.Sum, "prod": darray.Prod, "mean": darray.Mean, "var": darray.Var, "std": darray.Std, "norm": darray.Norm, "cumsum": darray.CumSum,
	} {
		all, err := f(table, -1).Collect()
		if err != nil {
			t.Fatal(err)
		}
		together, _ := darray.Values[float64](all)
		for r := range rows {
			one, err := f(darray.FromSlice(xs[r*length : (r+1)*length])).Collect()
			if err != nil {
				t.Fatal(err)
			}
			alone, _ := darray.Values[float64](one)
			for i, v := range alone {
				if math.Float64bits(v) != math.Float64bits(together[r*len(alone)+i]) {
					t.Errorf("%s of row %d: %v alone, %v in the table", name, r, v, together[r*len(alone)+i])
				}
			}
		}
	}
}

// TestVarAccuracy holds the variance against exact arithmetic. Pairwise updates lose log2(n)*eps*kappa at most, kappa being
// sqrt(1 + mean^2/variance) (Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983); the two passes in a
// leaf and the lanes add less. 16 eps + 2 eps*kappa is asked for here: most of log2(n) is lanes and never added up.
func TestVarAccuracy(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(3, 4))
	const eps = 1.0 / (1 << 53)
	for _, offset := range []float64{0, 1, 1e3, 1e6, 1e9} {
		for _, n := range []int{2, 100, 1024, 1025, 5000} {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = offset + rng.NormFloat64()
			}
			got, err := darray.Item[float64](darray.Var(darray.FromSlice(xs)))
			if err != nil {
				t.Fatal(err)
			}
			want := exactVar(xs)
			kappa2 := 1 + offset*offset/want
			if bound := 16*eps + 2*eps*math.Sqrt(kappa2); math.Abs(got-want) > bound*want {
				t.Errorf("%d numbers about %g: %v, exactly %v: %.3g relative, bound %.3g", n, offset, got, want, math.Abs(got-want)/want, bound)
			}
		}
	}
}

// TestStdFloat32: the standard deviation of float32 numbers is the exact one, rounded to float32: the root is taken in float64,
// whose own errors are too small to be seen here.
func TestStdFloat32(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, scale := range []float64{1, 1e-25, 1e25} {
		for _, n := range []int{2, 3, 100, 5000} {
			xs, wide := make([]float32, n), make([]float64, n)
			for i := range xs {
				xs[i] = float32(scale * (3 + rng.NormFloat64()))
				wide[i] = float64(xs[i])
			}
			exact := exactVar(wide)
			for correction, want := range map[float64]float64{0: math.Sqrt(exact), 1: math.Sqrt(exact * float64(n) / float64(n-1))} {
				got, err := darray.Item[float32](darray.StdCorrected(darray.FromSlice(xs), correction))
				if err != nil || got != float32(want) {
					t.Errorf("%d numbers of %g, correction %v: %v, want %v, %v", n, scale, correction, got, float32(want), err)
				}
			}
		}
	}
}

// exactVar is the population variance in rationals, rounded once.
func exactVar(xs []float64) float64 {
	sum, squares := new(big.Rat), new(big.Rat)
	for _, x := range xs {
		r := new(big.Rat).SetFloat64(x)
		sum.Add(sum, r)
		squares.Add(squares, r.Mul(r, r))
	}
	n := new(big.Rat).SetInt64(int64(len(xs)))
	mean := new(big.Rat).Quo(sum, n)
	squares.Quo(squares, n)
	v, _ := squares.Sub(squares, mean.Mul(mean, mean)).Float64()
	return v
}

// TestLongColumns: running sums of long columns have the bits of the columns as arrays of their own, and take no memory
// that the plan does not count.
func TestLongColumns(t *testing.T) {
	leak.Check(t)
	const rows, columns = 50_001, 3
	ctx := context.Background()
	table, column := make([]float64, rows*columns), make([][]float64, columns)
	for i := range table {
		table[i] = math.Sqrt(float64(i % 1009))
		column[i%columns] = append(column[i%columns], table[i])
	}
	for _, p := range []int{1, 3} {
		c, err := darray.Local(p)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		x := darray.FromSlice(table, rows, columns)
		for name, a := range map[string]darray.Array{
			"a slice": darray.CumSum(x, 0), "an expression": darray.CumSum(darray.Add(x, 0), 0),
			"blocks": darray.CumSum(darray.FromSlice(table, 1, rows, columns), 1),
		} {
			got, err := c.Collect(ctx, a)
			if err != nil {
				t.Fatal(err)
			}
			values, _ := darray.Values[float64](got[0])
			for k := range column {
				want, err := c.Collect(ctx, darray.CumSum(darray.FromSlice(column[k])))
				if err != nil {
					t.Fatal(err)
				}
				xs, _ := darray.Values[float64](want[0])
				for i, v := range xs {
					if values[i*columns+k] != v {
						t.Fatalf("%s on %d ranks: row %d of column %d is %v, want %v", name, p, i, k, values[i*columns+k], v)
					}
				}
			}
		}
	}
	limited, err := darray.Config{MemoryLimit: 10 << 20}.Local(1)
	if err != nil {
		t.Fatal(err)
	}
	defer limited.Close()
	x := darray.Arange(0.0, 1e6, 1).Reshape(1000, 1000)
	for name, a := range map[string]darray.Array{"a range": x, "an expression": darray.Sqrt(x), "one value": darray.Zeros(darray.Float64, 1000, 1000)} {
		if _, err := limited.Collect(ctx, darray.CumSum(a, 0)); !errors.Is(err, darray.ErrMemory) {
			t.Errorf("%s: the scan of 8 MB beside its result of 8 MB in 10 MiB: %v", name, err)
		}
	}
}
