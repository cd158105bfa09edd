package blas

import (
	"context"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Float64 is gonum's blas.Float64 with Dgemm by a Multiplier; the rest is gonum's own. blas64.Use(Float64{Multiplier: m}) gives
// it to gonum's mat and lapack packages. Without a Multiplier, Dgemm is gonum's too.
type Float64 struct {
	gonum.Implementation
	Multiplier *Multiplier[float64]
}

// Float32 is gonum's blas.Float32 with Sgemm by a Multiplier; the rest is gonum's own. Without one, Sgemm is gonum's too.
type Float32 struct {
	gonum.Implementation
	Multiplier *Multiplier[float32]
}

var (
	_ blas.Float64 = Float64{}
	_ blas.Float32 = Float32{}
)

// Dgemm is C = alpha*op(A)*op(B) + beta*C. It panics on wrong arguments, as gonum's does and its callers expect.
func (f Float64) Dgemm(tA, tB blas.Transpose, m, n, k int, alpha float64, a []float64, lda int, b []float64, ldb int, beta float64, c []float64, ldc int) {
	if f.Multiplier == nil {
		f.Implementation.Dgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	gemm(f.Multiplier, tA, tB, alpha, Matrix[float64]{m, k, lda, false, a}, Matrix[float64]{k, n, ldb, false, b},
		beta, Matrix[float64]{m, n, ldc, false, c})
}

// Sgemm is C = alpha*op(A)*op(B) + beta*C. It panics on wrong arguments, as gonum's does and its callers expect.
func (f Float32) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if f.Multiplier == nil {
		f.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	gemm(f.Multiplier, tA, tB, alpha, Matrix[float32]{m, k, lda, false, a}, Matrix[float32]{k, n, ldb, false, b},
		beta, Matrix[float32]{m, n, ldc, false, c})
}

// gemm takes BLAS's arguments, with its order of checks and gonum's words for what is wrong.
func gemm[T Float](r *Multiplier[T], tA, tB blas.Transpose, alpha T, a, b Matrix[T], beta T, c Matrix[T]) {
	a.Transposed, b.Transposed = transposed(tA), transposed(tB)
	switch {
	case c.Rows < 0:
		panic("blas: m < 0")
	case c.Cols < 0:
		panic("blas: n < 0")
	case a.Cols < 0:
		panic("blas: k < 0")
	}
	strideOf(a, "blas: bad leading dimension of A")
	strideOf(b, "blas: bad leading dimension of B")
	strideOf(c, "blas: bad leading dimension of C")
	if c.Rows == 0 || c.Cols == 0 {
		return
	}
	lengthOf(a, "blas: insufficient length of a")
	lengthOf(b, "blas: insufficient length of b")
	lengthOf(c, "blas: insufficient length of c")
	// The background context does not end, and there is no other error.
	_ = r.multiply(context.Background(), alpha, a, b, beta, c)
}

func transposed(t blas.Transpose) bool {
	switch t {
	case blas.NoTrans:
		return false
	case blas.Trans, blas.ConjTrans:
		return true
	}
	panic("blas: illegal transpose")
}

func strideOf[T Float](x Matrix[T], complaint string) {
	if _, cols := x.stored(); x.Stride < max(1, cols) {
		panic(complaint)
	}
}

func lengthOf[T Float](x Matrix[T], complaint string) {
	if x.short() {
		panic(complaint)
	}
}
