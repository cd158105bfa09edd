// Package blas multiplies matrices of float64 and float32 at the speed of the machine, with the same bits on every one:
// each element of the product is summed in an order that depends on the sizes alone, not on the instruction set, the
// threads or the rows that a rank has.
//
// The order: k is cut into steps of 256 (Depth). Within a step an element's sum starts from zero and takes a[i,p]*b[p,j] for
// ascending p by fused multiply-add, one rounding each. The steps join C in order by c = FMA(alpha, sum, c), where c starts
// as beta*c, rounded, or as zero where beta is zero, whatever C holds. NaN and infinity take part as IEEE 754 says, also
// against a zero. An alpha of zero leaves beta*c and reads neither A nor B.
//
// The blocks follow Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (ACM TOMS 34, 2008), with A
// and B in each other's place because our matrices lie by rows.
package blas

//go:generate go run ../../../internal/gen/simd blas

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/darray-go/darray/exec/cpu/kern"
)

// Float is an element type of matrices.
type Float interface{ float32 | float64 }

// Depth is how many products an element's sum takes before it joins C. It is part of the result's bits.
const Depth = 256

// Matrix is a matrix of Rows by Cols elements in Data, which it does not own: element (i, j) is Data[i*Stride+j], or
// Data[j*Stride+i] where it is transposed.
type Matrix[T Float] struct {
	Rows, Cols int
	Stride     int
	Transposed bool
	Data       []T
}

// Multiplier multiplies matrices. It keeps memory for packed blocks, some 16 MiB for large matrices, until the garbage
// collector wants it. It may be used by several goroutines at once.
type Multiplier[T Float] struct {
	threads int
	kernel  kernel[T]
	free    sync.Pool // of *workspace[T]
}

// New gives a multiplier over the kernels of an instruction set, or of kern.Best where the machine lacks it. It uses up to threads goroutines a product, GOMAXPROCS where threads is 0 or less; a small product
// takes fewer.
func New[T Float](threads int, isa kern.ISA) *Multiplier[T] {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Multiplier[T]{threads: threads, kernel: kernelOf[T](min(isa, kern.Best()))}
}

// Multiply is C = alpha*A*B + beta*C in the order that the package lays down. C must not overlap A or B and is not
// transposed. It returns when all is done or, within some milliseconds, when ctx ends; C then holds part of the sums.
// Matrices that do not fit each other or their Data are errors and leave C as it is.
func (m *Multiplier[T]) Multiply(ctx context.Context, alpha T, a, b Matrix[T], beta T, c Matrix[T]) error {
	if err := check(a, b, c); err != nil {
		return err
	}
	return m.multiply(ctx, alpha, a, b, beta, c)
}

func check[T Float](a, b, c Matrix[T]) error {
	switch {
	case a.Cols != b.Rows:
		return fmt.Errorf("multiply: matrices of %d x %d and %d x %d; the first needs as many columns as the second has rows",
			a.Rows, a.Cols, b.Rows, b.Cols)
	case c.Rows != a.Rows || c.Cols != b.Cols:
		return fmt.Errorf("multiply: the result is %d x %d but the product %d x %d", c.Rows, c.Cols, a.Rows, b.Cols)
	case c.Transposed:
		return fmt.Errorf("multiply: the result is transposed; multiply the transposed factors in the other order instead")
	}
	for _, x := range []struct {
		name string
		Matrix[T]
	}{{"first factor", a}, {"second factor", b}, {"result", c}} {
		if err := x.check(); err != nil {
			return fmt.Errorf("multiply: %s: %w", x.name, err)
		}
	}
	return nil
}

func (x Matrix[T]) check() error {
	rows, cols := x.stored()
	switch {
	case rows < 0 || cols < 0:
		return fmt.Errorf("%d x %d is no shape", x.Rows, x.Cols)
	case x.Stride < max(1, cols):
		return fmt.Errorf("a stride of %d is less than a row of %d", x.Stride, cols)
	case x.short():
		return fmt.Errorf("%d elements do not hold %d rows at a stride of %d", len(x.Data), rows, x.Stride)
	}
	return nil
}

// stored is the shape that x has in memory.
func (x Matrix[T]) stored() (rows, cols int) {
	if x.Transposed {
		return x.Cols, x.Rows
	}
	return x.Rows, x.Cols
}

// short reports whether Data ends before the last element.
func (x Matrix[T]) short() bool {
	rows, cols := x.stored()
	return rows > 0 && cols > 0 && (len(x.Data) < cols || (len(x.Data)-cols)/x.Stride < rows-1)
}
