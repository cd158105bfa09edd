package lang

import (
	"fmt"
	"go/constant"
	"go/token"
	"math"

	"github.com/darray-go/darray/array"
)

// number is a literal, or arithmetic on literals, which Python would do before NumPy sees it: integers are exact, floats
// are float64. Neither has an element type of its own until it meets an array.
type number struct {
	integer constant.Value // nil: float
	float   float64
}

func parseNumber(kind token.Token, text string) (number, error) {
	if kind == token.INT && len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' {
		return number{}, fmt.Errorf("%s reads as octal in some languages; write it without the leading zero, or with 0o", text)
	}
	v := constant.MakeFromLiteral(text, kind, 0)
	switch {
	case kind == token.INT && v.Kind() == constant.Int:
		return number{integer: v}, nil
	case kind == token.FLOAT && v.Kind() != constant.Unknown:
		f, _ := constant.Float64Val(v)
		return number{float: f}, nil
	}
	return number{}, fmt.Errorf("%s is not a number that arrays compute with", text)
}

func (n number) float64() float64 {
	if n.integer == nil {
		return n.float
	}
	f, _ := constant.Float64Val(n.integer)
	return f
}

func (n number) negate() number {
	if n.integer == nil {
		return number{float: -n.float}
	}
	return number{integer: constant.UnaryOp(token.SUB, n.integer, 0)}
}

// arithmetic computes + - * / as Go does, and what else of integers is exact; false for other operators, and where there is no result.
func (n number) arithmetic(op token.Token, m number) (number, bool) {
	if n.integer != nil && m.integer != nil && op != token.QUO {
		z, ok := exact(op, n.integer, m.integer)
		return number{integer: z}, ok
	}
	if n.integer != nil && m.integer != nil && constant.Sign(m.integer) != 0 { // rounded once, whatever their size
		f, _ := constant.Float64Val(constant.BinaryOp(n.integer, op, m.integer))
		return number{float: f}, true
	}
	x, y := n.float64(), m.float64()
	switch op {
	case token.ADD:
		return number{float: x + y}, true
	case token.SUB:
		return number{float: x - y}, true
	case token.MUL:
		return number{float: x * y}, true
	case token.QUO:
		return number{float: x / y}, true
	}
	return number{}, false
}

// mostBits bounds what shifts and powers of literals give: more than fits any element type.
const mostBits = 128

// exact is an operator on integers of any size, as Python has it.
func exact(op token.Token, x, y constant.Value) (constant.Value, bool) {
	count, small := constant.Int64Val(y)
	small = small && count >= 0
	switch op {
	case token.ADD, token.SUB, token.MUL, token.AND, token.OR, token.XOR:
		return constant.BinaryOp(x, op, y), true
	case token.SHL, token.SHR:
		if !small || count > mostBits {
			return nil, false
		}
		return constant.Shift(x, op, uint(count)), true
	case floorDivide, token.REM:
		if constant.Sign(y) == 0 {
			return nil, false
		}
		quotient, rest := constant.BinaryOp(x, token.QUO_ASSIGN, y), constant.BinaryOp(x, token.REM, y) // toward 0
		if constant.Sign(rest)*constant.Sign(y) < 0 {
			quotient, rest = constant.BinaryOp(quotient, token.SUB, constant.MakeInt64(1)), constant.BinaryOp(rest, token.ADD, y)
		}
		if op == token.REM {
			return rest, true
		}
		return quotient, true
	case power:
		z := constant.MakeInt64(1)
		if constant.BitLen(x) < 2 && count > 2 { // 0, 1 and -1 do not grow
			count = 2 - count%2
		}
		for ; small && count > 0 && constant.BitLen(z) <= mostBits; count-- {
			z = constant.BinaryOp(z, token.MUL, x)
		}
		return z, small
	}
	return nil, false
}

// scalar is the number as a value: int64 or, above its range, uint64; or float64.
func (n number) scalar() (array.Scalar, error) {
	if n.integer == nil {
		return array.ScalarOf(n.float), nil
	}
	if i, exact := constant.Int64Val(n.integer); exact {
		return array.ScalarOf(i), nil
	}
	if u, exact := constant.Uint64Val(n.integer); exact {
		return array.ScalarOf(u), nil
	}
	text := n.integer.ExactString()
	if constant.BitLen(n.integer) > mostBits {
		text = "a number of so many digits"
	}
	return array.Scalar{}, fmt.Errorf("%w: %s does not fit 64 bits; write it as a float, such as 1e20", array.ErrDType, text)
}

// count is the number as a length or an extent.
func (n number) count() (int, error) {
	if n.integer == nil { // 1e6 is the count that it looks like
		if n.integer = constant.ToInt(constant.MakeFloat64(n.float)); n.integer.Kind() != constant.Int {
			return 0, fmt.Errorf("%w: %v is not an integer", array.ErrShape, n.float)
		}
	}
	i, exact := constant.Int64Val(n.integer)
	if !exact || i > math.MaxInt || i < math.MinInt {
		return 0, fmt.Errorf("%w: %s is more than can be counted", array.ErrShape, n.integer)
	}
	return int(i), nil
}
