package ref

import (
	"fmt"
	"math"
	"math/big"

	"github.com/darray-go/darray/array"
)

// apply is one element of an op. Its operands have the type that the op computes in; d is the type of the result.
func apply(op array.Op, d array.DType, xs []any, library Library) (any, error) {
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
	if op == array.Clip {
		raised, err := apply(array.Maximum, d, xs[:2], library)
		if err != nil {
			return nil, err
		}
		return apply(array.Minimum, d, []any{raised, xs[2]}, library)
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
	x, y := float(xs[0]), float(xs[len(xs)-1])
	if op.Info().Go.Float == array.Library {
		return rounded(library(op, d, x, y), d), nil
	}
	return applyFloat(op, d, x, y)
}

// applyBool takes a unary op's operand twice, as the next two do.
func applyBool(op array.Op, x, y bool) (any, error) {
	switch op {
	case array.Add, array.Maximum, array.LogicalOr, array.BitwiseOr:
		return x || y, nil
	case array.Multiply, array.Minimum, array.LogicalAnd, array.BitwiseAnd:
		return x && y, nil
	case array.NotEqual, array.LogicalXor, array.BitwiseXor:
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
	case array.LogicalNot, array.BitwiseInvert:
		return !x, nil
	case array.Abs, array.Floor, array.Ceil, array.Trunc, array.Round:
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
	case array.Floor, array.Ceil, array.Trunc, array.Round, array.Positive:
		z = x
	case array.Sign:
		z.SetInt64(int64(x.Sign()))
	case array.BitwiseAnd:
		z.And(x, y)
	case array.BitwiseOr:
		z.Or(x, y)
	case array.BitwiseXor:
		z.Xor(x, y)
	case array.BitwiseInvert:
		z.Not(x)
	case array.BitwiseLeftShift, array.BitwiseRightShift:
		z = shifted(op, d, x, y)
	case array.FloorDivide, array.Remainder, array.Fmod, array.Pow:
		var err error
		if z, err = divided(op, x, y); err != nil {
			return nil, err
		}
	case array.Philox:
		return PhiloxAt(x.Uint64(), y.Uint64()), nil
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

// shifted is x with its bits moved by y. A count that is negative or not below the width moves all of them away.
func shifted(op array.Op, d array.DType, x, y *big.Int) *big.Int {
	bits, _ := width(d)
	count := bits
	if y.Sign() >= 0 && y.Cmp(new(big.Int).SetUint64(uint64(bits))) < 0 {
		count = uint(y.Uint64())
	}
	if op == array.BitwiseLeftShift {
		return new(big.Int).Lsh(x, count)
	}
	return new(big.Int).Rsh(x, count) // toward -Inf: the sign comes after the bits
}

// divided is an op of integers that fails for some operands.
func divided(op array.Op, x, y *big.Int) (*big.Int, error) {
	switch {
	case op == array.Pow && y.Sign() < 0:
		return nil, array.ErrNegativePower
	case op == array.Pow:
		return new(big.Int).Exp(x, y, new(big.Int).Lsh(big.NewInt(1), 64)), nil
	case y.Sign() == 0:
		return nil, array.ErrDivide
	}
	quotient, rest := new(big.Int).QuoRem(x, y, new(big.Int)) // toward 0
	if op == array.Fmod {
		return rest, nil
	}
	if rest.Sign()*y.Sign() < 0 {
		quotient.Sub(quotient, big.NewInt(1))
		rest.Add(rest, y)
	}
	if op == array.Remainder {
		return rest, nil
	}
	return quotient, nil
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
	case array.Floor, array.Ceil, array.Trunc, array.Round:
		return rounded(whole(op, x), d), nil
	case array.Sign:
		return rounded(sign(x), d), nil
	case array.Positive:
		return rounded(x, d), nil
	case array.Reciprocal:
		return rounded(1/x, d), nil
	case array.CopySign:
		return rounded(math.Float64frombits(math.Float64bits(x)<<1>>1|math.Float64bits(y)>>63<<63), d), nil
	case array.NextAfter:
		return nextAfter(x, y, d), nil
	case array.SignBit:
		return math.Float64bits(x)>>63 != 0, nil
	case array.IsNaN:
		return x != x, nil
	case array.IsInf:
		return x == math.Inf(1) || x == math.Inf(-1), nil
	case array.IsFinite:
		return math.Abs(x) <= math.MaxFloat64, nil
	}
	return nil, undefined(op, d)
}

// whole is x rounded to a whole number, with x's sign also where it is 0.
func whole(op array.Op, x float64) float64 {
	if x != x || math.Abs(x) >= 1<<53 {
		return x
	}
	n := int64(x) // toward 0
	rest := x - float64(n)
	switch {
	case op == array.Floor && rest < 0:
		n--
	case op == array.Ceil && rest > 0:
		n++
	case op == array.Round && (math.Abs(rest) > 0.5 || math.Abs(rest) == 0.5 && n%2 != 0):
		n += int64(sign(rest))
	}
	return math.Copysign(float64(n), x)
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	case x == 0:
		return 0
	}
	return x
}

// nextAfter is the float of type d that follows x on the way to y: that of the next number among all finite ones in their
// order, which is that of their bits.
func nextAfter(x, y float64, d array.DType) any {
	switch {
	case x != x || y != y:
		return rounded(math.NaN(), d)
	case x == y:
		return rounded(y, d)
	}
	step := int64(1)
	if y < x {
		step = -1
	}
	bits, to := uint(64), func(b uint64) any { return math.Float64frombits(b) }
	pattern := math.Float64bits(x)
	if d == array.Float32 {
		bits, to = 32, func(b uint64) any { return math.Float32frombits(uint32(b)) }
		pattern = uint64(math.Float32bits(float32(x)))
	}
	top := uint64(1) << (bits - 1)
	place := int64(pattern &^ top) // of x among the floats of its sign, 0 being the zeros
	if pattern&top != 0 {
		place = -place
	}
	switch place += step; {
	case place < 0 || place == 0 && step > 0:
		return to(top | uint64(-place))
	default:
		return to(uint64(place))
	}
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
