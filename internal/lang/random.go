package lang

import (
	"go/ast"

	"github.com/darray-go/darray/array"
)

// drawn is random numbers, which take the seed, then the shape.
func drawn(name string, make func(seed uint64, shape array.Shape, pc uintptr) *array.Node) func(*evaluator, *ast.CallExpr) (value, error) {
	return func(e *evaluator, x *ast.CallExpr) (value, error) {
		seed, err := e.integer(name, x.Args[0])
		if err != nil {
			return value{}, err
		}
		shape, err := e.shape(name, x.Args[1:])
		if err != nil {
			return value{}, err
		}
		return e.made(make(seed.Bits(), shape, 0), x)
	}
}

// randomIntegers takes the seed, the bounds, then the shape.
func (e *evaluator) randomIntegers(x *ast.CallExpr) (value, error) {
	const name = "random_integers"
	var numbers [3]array.Scalar
	for i := range numbers {
		var err error
		if numbers[i], err = e.integer(name, x.Args[i]); err != nil {
			return value{}, err
		}
		if i > 0 && numbers[i].DType() != array.Int64 {
			return value{}, e.failf(x.Args[i], "%s takes bounds that an int64 holds", name)
		}
	}
	shape, err := e.shape(name, x.Args[len(numbers):])
	if err != nil {
		return value{}, err
	}
	return e.made(array.RandomIntegers(numbers[0].Bits(), int64(numbers[1].Bits()), int64(numbers[2].Bits()), shape, 0), x)
}

// integer is an operand that has to be a literal integer: int64 or, above its range, uint64.
func (e *evaluator) integer(function string, x ast.Expr) (array.Scalar, error) {
	n, err := e.literal(function, x)
	if err != nil {
		return array.Scalar{}, err
	}
	if n.integer == nil {
		return array.Scalar{}, e.failf(x, "%s takes an integer here, not %v", function, n.float)
	}
	s, err := n.scalar()
	if err != nil {
		return array.Scalar{}, e.fail(x, "", err)
	}
	return s, nil
}
