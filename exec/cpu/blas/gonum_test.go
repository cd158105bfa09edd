package blas_test

import (
	"testing"

	gonumblas "gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/blas/testblas"
	"gonum.org/v1/gonum/mat"

	"github.com/darray-go/darray/exec/cpu/blas"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// TestGonum runs gonum's own tests of Dgemm.
func TestGonum(t *testing.T) {
	for name, isa := range isas() {
		t.Run(name, func(t *testing.T) {
			testblas.TestDgemm(t, blas.Float64{Multiplier: blas.New[float64](2, isa)})
		})
	}
}

// TestGonumUse solves a system by gonum's LAPACK over our Dgemm.
func TestGonumUse(t *testing.T) {
	before := blas64.Implementation()
	defer blas64.Use(before)
	blas64.Use(blas.Float64{Multiplier: blas.New[float64](2, kern.Best())})
	const n = 150
	a := mat.NewDense(n, n, random[float64](n, n).Data)
	want := mat.NewDense(n, 3, random[float64](n, 3).Data)
	var b, got mat.Dense
	b.Mul(a, want)
	if err := got.Solve(a, &b); err != nil {
		t.Fatal(err)
	}
	if !mat.EqualApprox(&got, want, 1e-9) { // a random matrix of this side has a condition number of some 1e4
		t.Error("the solution of a*x = a*want is not want")
	}
}

// TestGonumSgemm holds Sgemm against gonum's on integers, which both multiply exactly.
func TestGonumSgemm(t *testing.T) {
	for name, isa := range isas() {
		ours := blas.Float32{Multiplier: blas.New[float32](2, isa)}
		for _, tA := range []gonumblas.Transpose{gonumblas.NoTrans, gonumblas.Trans, gonumblas.ConjTrans} {
			for _, tB := range []gonumblas.Transpose{gonumblas.NoTrans, gonumblas.Trans} {
				got, want := integers(30*50), integers(30*50)
				ours.Sgemm(tA, tB, 30, 40, 37, 2, integers(60*60), 60, integers(60*60), 60, 3, got, 50)
				gonum.Implementation{}.Sgemm(tA, tB, 30, 40, 37, 2, integers(60*60), 60, integers(60*60), 60, 3, want, 50)
				for i := range want {
					if got[i] != want[i] {
						t.Fatalf("%s, %c %c: element %d is %v, want %v", name, tA, tB, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// integers are n small whole numbers.
func integers(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(i*i%23 - 11)
	}
	return out
}

// TestGonumPanics holds that wrong arguments panic with gonum's words.
func TestGonumPanics(t *testing.T) {
	type call struct {
		tA, tB           gonumblas.Transpose
		m, n, k          int
		lda, ldb, ldc    int
		lenA, lenB, lenC int
	}
	good := call{tA: gonumblas.NoTrans, tB: gonumblas.NoTrans, m: 3, n: 4, k: 5, lda: 5, ldb: 4, ldc: 4, lenA: 15, lenB: 20, lenC: 12}
	ours := blas.Float64{Multiplier: blas.New[float64](1, 0)}
	for name, harm := range map[string]func(c *call){
		"nothing": func(*call) {}, "m": func(c *call) { c.m = -1 }, "n": func(c *call) { c.n = -1 }, "k": func(c *call) { c.k = -1 },
		"tA": func(c *call) { c.tA = 'x' }, "tB": func(c *call) { c.tB = 0 }, "lda": func(c *call) { c.lda = 4 }, "ldb": func(c *call) { c.ldb = 3 },
		"ldc": func(c *call) { c.ldc = 3 }, "lda transposed": func(c *call) { c.tA, c.lda = gonumblas.Trans, 2 },
		"a": func(c *call) { c.lenA = 14 }, "b": func(c *call) { c.lenB = 19 }, "c": func(c *call) { c.lenC = 11 },
		"empty": func(c *call) { c.m, c.lenA, c.lenB, c.lenC = 0, 0, 0, 0 }, "no k": func(c *call) { c.k, c.lenA, c.lenB = 0, 10, 0 },
	} {
		c := good
		harm(&c)
		says := func(impl gonumblas.Float64) (said any) {
			defer func() { said = recover() }()
			impl.Dgemm(c.tA, c.tB, c.m, c.n, c.k, 1, make([]float64, c.lenA), c.lda, make([]float64, c.lenB), c.ldb, 0, make([]float64, c.lenC), c.ldc)
			return nil
		}
		if got, want := says(ours), says(gonum.Implementation{}); got != want {
			t.Errorf("%s: panics with %v, gonum's with %v", name, got, want)
		}
	}
}

// TestGonumOwn holds that the zero values are gonum's own.
func TestGonumOwn(t *testing.T) {
	testblas.TestDgemm(t, blas.Float64{})
	c := []float32{0}
	blas.Float32{}.Sgemm(gonumblas.NoTrans, gonumblas.NoTrans, 1, 1, 1, 1, []float32{2}, 1, []float32{3}, 1, 0, c, 1)
	if c[0] != 6 {
		t.Errorf("2*3 = %v", c[0])
	}
}
