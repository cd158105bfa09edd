package kern_test

import (
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// The oracle computes one element at a time, on array.Scalar, and shares no code with the loops.

// compute is one element of an op in type d.
func compute(op array.Op, d array.DType, x, y array.Scalar) array.Scalar {
	if op.Info().Rule == array.RuleCompare {
		return array.ScalarOf(compared(op, order(d, x, y)))
	}
	switch {
	case d == array.Bool:
		return array.ScalarOf(computeBool(op, x.Bits() != 0, y.Bits() != 0))
	case d.Float():
		return array.ScalarOf(computeFloat(op, x.Float(), y.Float())).Cast(d)
	}
	a, b := x.Bits(), y.Bits()
	switch op {
	case array.Add:
		a += b
	case array.Subtract:
		a -= b
	case array.Multiply:
		a *= b
	case array.Square:
		a *= a
	case array.Negative:
		a = -a
	case array.Abs:
		if d.Signed() && int64(a) < 0 {
			a = -a
		}
	case array.Minimum:
		if order(d, x, y) > 0 {
			a = b
		}
	case array.Maximum:
		if order(d, x, y) < 0 {
			a = b
		}
	}
	return array.ScalarFromBits(array.Uint64, a).Cast(d)
}

// order is -1, 0 or 1 as x is below, equal to or above y, and 2 where they do not compare.
func order(d array.DType, x, y array.Scalar) int {
	switch {
	case d.Float():
		a, b := x.Float(), y.Float()
		switch {
		case math.IsNaN(a) || math.IsNaN(b):
			return 2
		case a-b < 0 || a < b:
			return -1
		case a == b:
			return 0
		}
		return 1
	case x.Bits() == y.Bits():
		return 0
	case d.Signed() && int64(x.Bits()) < int64(y.Bits()), !d.Signed() && x.Bits() < y.Bits():
		return -1
	}
	return 1
}

func compared(op array.Op, order int) bool {
	switch op {
	case array.Equal:
		return order == 0
	case array.NotEqual:
		return order != 0
	case array.Less:
		return order == -1
	case array.LessEqual:
		return order == -1 || order == 0
	case array.Greater:
		return order == 1
	}
	return order == 0 || order == 1
}

func computeBool(op array.Op, x, y bool) bool {
	switch op {
	case array.Add, array.Maximum, array.LogicalOr:
		return x || y
	case array.Multiply, array.Minimum, array.LogicalAnd:
		return x && y
	case array.LogicalXor:
		return x != y
	case array.LogicalNot:
		return !x
	}
	return x // abs
}

// computeFloat works in float64 for both types: for these ops, rounding its result to float32 gives what float32
// arithmetic gives, as 53 bits are more than twice 24 and two (Figueroa 1995).
func computeFloat(op array.Op, a, b float64) float64 {
	if (op == array.Minimum || op == array.Maximum) && (math.IsNaN(a) || math.IsNaN(b)) {
		return math.NaN() // math.Min puts -Inf before NaN, IEEE 754 does not
	}
	switch op {
	case array.Add:
		return a + b
	case array.Subtract:
		return a - b
	case array.Multiply:
		return a * b
	case array.Divide:
		return a / b
	case array.Negative:
		return -a
	case array.Abs:
		return math.Abs(a)
	case array.Sqrt:
		return math.Sqrt(a)
	case array.Square:
		return a * a
	case array.Minimum:
		return math.Min(a, b)
	case array.Maximum:
		return math.Max(a, b)
	}
	return math.NaN()
}

// computeFused is one op after the other.
func computeFused(op kern.Fused, d array.DType, x, y, z array.Scalar) array.Scalar {
	product := compute(array.Multiply, d, x, y)
	switch op {
	case kern.MulAdd:
		return compute(array.Add, d, product, z)
	case kern.MulSub:
		return compute(array.Subtract, d, product, z)
	}
	return compute(array.Subtract, d, z, product)
}

// pick is y where x, else z.
func pick(x, y, z array.Scalar) array.Scalar {
	if x.Bits() != 0 {
		return y
	}
	return z
}

// same reports equality bit for bit, any NaN with any NaN.
func same(x, y array.Scalar) bool {
	return x == y || x.DType() == y.DType() && x.DType().Float() && math.IsNaN(x.Float()) && math.IsNaN(y.Float())
}
