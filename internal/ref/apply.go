package ref

import (
	"fmt"
	"math"
	"math/big"

	"github.com/darray-go/darray/array"
)

// apply is one element of an op. Its operands have the type that the op computes in; d is the type of the result.
func apply(op array.Op, d array.DType, xs []any) (any, error) {
	switch op { // the ops that look at nulls themselves
	case array.IsNull:
		return xs[0] == nil, nil
	case array.FillNull:
		if xs[0] == nil {
			return xs[1], nil
		}
		return xs[0], nil
	case array.Where:
		switch xs[0] {
		case nil:
			return nil, nil
		case true:
			return xs[1], nil
		}
		return xs[2], nil
	}
	for _, x := range xs {
		if x == nil {
			return nil, nil
		}
	}
	if op == array.Cast {
		return cast(xs[0], d), nil
	}
	if x, ok := xs[0].(bool); ok {
		return applyBool(op, x, xs[len(xs)-1].(bool))
	}
	if x, ok := integer(xs[0]); ok {
		y, _ := integer(xs[len(xs)-1])
		return applyInteger(op, d, x, y)
	}
	return applyFloat(op, d, float(xs[0]), float(xs[len(xs)-1]))
}

// applyBool takes a unary op's operand twice, as the next two do.
func applyBool(op array.Op, x, y bool) (any, error) {
	switch op {
	case array.Add, array.Maximum, array.LogicalOr:
		return x || y, nil
	case array.Multiply, array.Minimum, array.LogicalAnd:
		return x && y, nil
	case array.NotEqual, array.LogicalXor:
		return x != y, nil
	case array.Equal:
		return x == y, nil
	case array.Less:
		return !x && y, nil
	case array.LessEqual:
		return !x || y, nil
	case array.Greater:
		return x && !y, nil
	case array.GreaterEqual:
		return x || !y, nil
	case array.LogicalNot:
		return !x, nil
	case array.Abs:
		return x, nil
	}
	return nil, undefined(op, array.Bool)
}

func applyInteger(op array.Op, d array.DType, x, y *big.Int) (any, error) {
	z := new(big.Int)
	switch op {
	case array.Add:
		z.Add(x, y)
	case array.Subtract:
		z.Sub(x, y)
	case array.Multiply, array.Square:
		z.Mul(x, y)
	case array.Negative:
		z.Neg(x)
	case array.Abs:
		z.Abs(x)
	case array.Minimum:
		if z = x; y.Cmp(x) < 0 {
			z = y
		}
	case array.Maximum:
		if z = x; y.Cmp(x) > 0 {
			z = y
		}
	case array.Equal:
		return x.Cmp(y) == 0, nil
	case array.NotEqual:
		return x.Cmp(y) != 0, nil
	case array.Less:
		return x.Cmp(y) < 0, nil
	case array.LessEqual:
		return x.Cmp(y) <= 0, nil
	case array.Greater:
		return x.Cmp(y) > 0, nil
	case array.GreaterEqual:
		return x.Cmp(y) >= 0, nil
	default:
		return nil, undefined(op, d)
	}
	return wrapped(z, d), nil
}

// applyFloat computes in float64 and rounds to d at the end. For float32 that is the correctly rounded result: a float64 has
// more than twice the bits of a float32 and two more, so that rounding twice changes no sum, product, quotient or root
// (Figueroa, "When is double rounding innocuous?", 1995). Where the float32 result is subnormal: sums and products are exact in
// float64, roots are never subnormal, and a quotient of 24-bit numbers lies more than 2^-49 of itself away from every
// halfway point that it does not meet.
func applyFloat(op array.Op, d array.DType, x, y float64) (any, error) {
	switch op {
	case array.Add:
		return rounded(x+y, d), nil
	case array.Subtract:
		return rounded(x-y, d), nil
	case array.Multiply, array.Square:
		return rounded(x*y, d), nil
	case array.Divide:
		return rounded(x/y, d), nil
	case array.Negative:
		return rounded(-x, d), nil
	case array.Abs:
		return rounded(math.Abs(x), d), nil
	case array.Sqrt:
		return rounded(math.Sqrt(x), d), nil
	case array.Minimum:
		return rounded(lesser(x, y), d), nil
	case array.Maximum:
		return rounded(-lesser(-x, -y), d), nil
	case array.Equal:
		return x == y, nil
	case array.NotEqual:
		return x != y, nil
	case array.Less:
		return x < y, nil
	case array.LessEqual:
		return x <= y, nil
	case array.Greater:
		return x > y, nil
	case array.GreaterEqual:
		return x >= y, nil
	}
	return nil, undefined(op, d)
}

// lesser is minimum of IEEE 754-2019: NaN if either is, and -0 below +0.
func lesser(x, y float64) float64 {
	switch {
	case x != x || y != y:
		return math.NaN()
	case x == y && math.Signbit(x):
		return x
	case x == y || y < x:
		return y
	}
	return x
}

func undefined(op array.Op, d array.DType) error {
	return fmt.Errorf("ref: %s is not defined for %s", op, d)
}
