package darray

import "github.com/darray-go/darray/array"

// reduce is what every generated reduction calls; the user is two frames up.
func reduce(op array.Op, a Array, axes []int) Array {
	return Array{array.Reduce(op, caller(2), a.n(), axes...)}
}

// scan is what every generated scan calls.
func scan(op array.Op, a Array, axis []int) Array {
	return Array{array.Scan(op, caller(2), a.n(), axis...)}
}

// KeepDims is a reduction with the reduced axes left in, of extent 1, so that it broadcasts to what was reduced:
// Subtract(x, Mean(x, 1).KeepDims()). It works on every function that takes axes and on what is computed from its result by
// functions of one operand; for another array it is an error, as ErrShape.
func (a Array) KeepDims() Array { return Array{array.KeepDims(a.n(), caller(1))} }

// VarCorrected is Var with the divisor n - correction in place of the number n of elements that are not null: 1 gives the
// variance of a sample. Null where n is not above the correction. The correction is a finite number.
func VarCorrected(a Array, correction float64, axes ...int) Array {
	return Array{array.Variance(caller(1), a.n(), correction, axes...)}
}

// Std is the standard deviation of a population, the square root of Var, taken in float64 also where Var would be float32; null
// for none.
func Std(a Array, axes ...int) Array { return Array{array.Std(caller(1), a.n(), 0, axes...)} }

// StdCorrected is the square root of VarCorrected.
func StdCorrected(a Array, correction float64, axes ...int) Array {
	return Array{array.Std(caller(1), a.n(), correction, axes...)}
}

// Norm is the Euclidean norm of the elements over axes that are not null, Sqrt(Sum(Square(a))) in float64: float32 for a
// float32 array, float64 for others; 0 for none. Over all axes it is the Frobenius norm.
func Norm(a Array, axes ...int) Array { return Array{array.Norm(caller(1), a.n(), axes...)} }

// CountNonzero counts the elements over axes that are neither zero nor null, NaN among them; int64.
func CountNonzero(a Array, axes ...int) Array {
	return Array{array.CountNonzero(caller(1), a.n(), axes...)}
}

// Dot is the inner product Sum(Multiply(x, y)) of two 1-D arrays of one length. Integers and bools multiply in 64 bits;
// float32 products are rounded to float32 and summed in float64. Pairs with a null are left out.
func Dot(x, y Array) Array { return Array{array.Dot(caller(1), x.n(), y.n())} }

// Vdot is Dot of the flattened arrays, which have as many elements each.
func Vdot(x, y Array) Array { return Array{array.Vdot(caller(1), x.n(), y.n())} }
