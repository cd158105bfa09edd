package cpu

import (
	"math"

	"github.com/darray-go/darray/array"
)

// What is replaced here gives the same bits for every element, NaN payloads aside: x + 0 stays, as it turns -0 into 0.

// shortcut gives a value that is there already, or a simpler one, in the place of v.
func (g *graph) shortcut(v *value) (int, bool) {
	x, y := v.args[0], v.args[1]
	c, known := g.scalarOf(y)
	number := v.in != array.Bool
	switch v.op {
	case array.Add:
		if known && (v.in.Integer() && c.Bits() == 0 || isFloat(c, math.Copysign(0, -1))) {
			return x, true
		}
	case array.Subtract:
		switch first, ok := g.scalarOf(x); {
		case known && (v.in.Integer() && c.Bits() == 0 || isFloat(c, 0)):
			return x, true
		case x == y && v.in.Integer():
			return g.constant(array.ScalarFromBits(v.in, 0)), true
		case ok && (v.in.Integer() && first.Bits() == 0 || isFloat(first, math.Copysign(0, -1))):
			return g.apply(value{kind: applied, op: array.Negative, in: v.in, out: v.out, args: [3]int{y, none, none}}), true
		}
	case array.Multiply:
		switch {
		case !known || !number:
		case isNumber(c, 1):
			return x, true
		case v.in.Integer() && c.Bits() == 0:
			return y, true
		}
	case array.Divide:
		if known && isFloat(c, 1) {
			return x, true
		}
	case array.Negative:
		if g.is(x, array.Negative) {
			return g.values[x].args[0], true
		}
	case array.Abs:
		if v.in.Unsigned() || !number || g.is(x, array.Abs) {
			return x, true
		}
	case array.Minimum, array.Maximum:
		if x == y {
			return x, true
		}
	case array.Equal, array.LessEqual, array.GreaterEqual, array.NotEqual, array.Less, array.Greater:
		if x == y && !v.in.Float() {
			return g.Truth(v.op == array.Equal || v.op == array.LessEqual || v.op == array.GreaterEqual), true
		}
	case array.LogicalAnd, array.LogicalOr:
		absorbing := uint64(0)
		if v.op == array.LogicalOr {
			absorbing = 1
		}
		switch {
		case x == y, known && c.Bits() != absorbing, g.includes(v.op, x, y):
			return x, true
		case known, g.includes(v.op, y, x):
			return y, true
		}
	case array.LogicalXor:
		switch {
		case x == y:
			return g.Truth(false), true
		case known && c.Bits() == 0:
			return x, true
		case known:
			return g.not(x), true
		}
	case array.LogicalNot:
		if g.is(x, array.LogicalNot) {
			return g.values[x].args[0], true
		}
	case array.Where:
		return g.shortcutWhere(v)
	case array.Cast:
		if v.in == v.out {
			return x, true
		}
	default:
		return g.shortcutExact(v)
	}
	return 0, false
}

// shortcutExact is shortcut for what rounds, tests and moves bits.
func (g *graph) shortcutExact(v *value) (int, bool) {
	x, y := v.args[0], v.args[1]
	c, known := g.scalarOf(y)
	switch v.op {
	case array.Positive:
		return x, true
	case array.Floor, array.Ceil, array.Trunc, array.Round:
		if !v.in.Float() || g.isWhole(x, v.in) {
			return x, true
		}
	case array.Sign:
		if g.is(x, array.Sign) {
			return x, true
		}
	case array.IsNaN, array.IsInf, array.IsFinite:
		if g.isWhole(x, v.in) && g.is(x, array.Cast) {
			return g.Truth(v.op == array.IsFinite), true
		}
	case array.BitwiseInvert:
		if g.is(x, array.BitwiseInvert) {
			return g.values[x].args[0], true
		}
	case array.BitwiseAnd, array.BitwiseOr, array.BitwiseXor:
		switch all := array.ScalarOf(-1).Cast(v.in).Bits(); {
		case v.in == array.Bool: // a logical op
		case x == y && v.op == array.BitwiseXor:
			return g.constant(array.ScalarFromBits(v.in, 0)), true
		case x == y, known && c.Bits() == 0 && v.op != array.BitwiseAnd, known && c.Bits() == all && v.op == array.BitwiseAnd:
			return x, true
		case known && (c.Bits() == 0 && v.op == array.BitwiseAnd || c.Bits() == all && v.op == array.BitwiseOr):
			return y, true
		}
	case array.BitwiseLeftShift, array.BitwiseRightShift:
		if known && c.Bits() == 0 {
			return x, true
		}
	case array.Pow, array.FloorDivide:
		if known && v.in.Integer() && isNumber(c, 1) {
			return x, true
		}
	}
	return 0, false
}

// isWhole reports whether x is known to be whole numbers of float type d, and so finite or what was so before: rounded ones,
// or casts of integers and bools.
func (g *graph) isWhole(x int, d array.DType) bool {
	switch v := &g.values[x]; {
	case v.kind != applied || v.out != d:
		return false
	case v.op == array.Cast:
		return !v.in.Float()
	default:
		return v.op == array.Floor || v.op == array.Ceil || v.op == array.Trunc || v.op == array.Round
	}
}

func (g *graph) shortcutWhere(v *value) (int, bool) {
	cond, x, y := v.args[0], v.args[1], v.args[2]
	if x == y {
		return x, true
	}
	if c, ok := g.scalarOf(cond); ok {
		if c.Bits() != 0 {
			return x, true
		}
		return y, true
	}
	if v.out != array.Bool {
		return 0, false
	}
	if c, ok := g.scalarOf(x); ok {
		if c.Bits() != 0 {
			return g.logical(array.LogicalOr, cond, y), true
		}
		return g.logical(array.LogicalAnd, g.not(cond), y), true
	}
	if c, ok := g.scalarOf(y); ok {
		if c.Bits() != 0 {
			return g.logical(array.LogicalOr, g.not(cond), x), true
		}
		return g.logical(array.LogicalAnd, cond, x), true
	}
	return 0, false
}

// includes reports whether x is a chain of ops of one kind, one operand of which is y.
func (g *graph) includes(op array.Op, x, y int) bool {
	for g.is(x, op) {
		a := g.values[x].args
		if a[0] == y || a[1] == y {
			return true
		}
		if x = a[0]; !g.is(x, op) {
			x = a[1]
		}
	}
	return false
}

// rewrite brings v into the form that all equal values share, or a cheaper one.
func (g *graph) rewrite(v *value) {
	if v.in == array.Bool {
		g.rewriteBool(v)
	}
	if m, ok := mirrored[v.op]; ok && g.exchanged(v.args[0], v.args[1]) {
		v.op, v.args[0], v.args[1] = m, v.args[1], v.args[0]
	}
	x, y := v.args[0], v.args[1]
	c, known := g.scalarOf(y)
	switch v.op {
	case array.Add:
		if g.is(y, array.Negative) { // x + -y
			v.op, v.args[1] = array.Subtract, g.values[y].args[0]
		} else if g.is(x, array.Negative) {
			v.op, v.args[0], v.args[1] = array.Subtract, y, g.values[x].args[0]
		}
	case array.Subtract:
		if g.is(y, array.Negative) {
			v.op, v.args[1] = array.Add, g.values[y].args[0]
		}
	case array.Multiply:
		switch {
		case x == y:
			v.op, v.args[1] = array.Square, none
		case known && isNumber(c, 2):
			v.op, v.args[1] = array.Add, x
		case known && isNumber(c, -1):
			v.op, v.args[1] = array.Negative, none
		case g.is(x, array.Negative) && g.is(y, array.Negative):
			v.args[0], v.args[1] = g.values[x].args[0], g.values[y].args[0]
		}
	case array.Divide:
		if inverse, ok := reciprocal(c); known && ok {
			v.op, v.args[1] = array.Multiply, g.constant(inverse)
		}
	case array.Pow:
		if known && v.in.Integer() && isNumber(c, 2) { // of floats the power is rounded otherwise than the product
			v.op, v.args[1] = array.Square, none
		}
	case array.Square, array.Abs:
		if g.is(x, array.Negative) {
			v.args[0] = g.values[x].args[0]
		}
	case array.Where:
		if g.is(x, array.LogicalNot) {
			v.args = [3]int{g.values[x].args[0], v.args[2], v.args[1]}
		}
	case array.Cast:
		if from := g.values[x]; g.is(x, array.Cast) && composes(from.in, from.out, v.out) {
			v.in, v.args[0] = from.in, from.args[0]
		}
	}
}

// rewriteBool gives ops on bools their logical names.
func (g *graph) rewriteBool(v *value) {
	switch v.op {
	case array.Add, array.Maximum:
		v.op = array.LogicalOr
	case array.Multiply, array.Minimum:
		v.op = array.LogicalAnd
	case array.NotEqual:
		v.op = array.LogicalXor
	case array.BitwiseAnd:
		v.op = array.LogicalAnd
	case array.BitwiseOr:
		v.op = array.LogicalOr
	case array.BitwiseXor:
		v.op = array.LogicalXor
	case array.BitwiseInvert:
		v.op = array.LogicalNot
	}
}

// mirrored are the ops whose operands can be exchanged, with what they then are. Minimum and maximum order the zeros.
var mirrored = map[array.Op]array.Op{
	array.Add: array.Add, array.Multiply: array.Multiply, array.Minimum: array.Minimum, array.Maximum: array.Maximum,
	array.Equal: array.Equal, array.NotEqual: array.NotEqual, array.Less: array.Greater, array.Greater: array.Less,
	array.LessEqual: array.GreaterEqual, array.GreaterEqual: array.LessEqual,
	array.LogicalAnd: array.LogicalAnd, array.LogicalOr: array.LogicalOr, array.LogicalXor: array.LogicalXor,
	array.BitwiseAnd: array.BitwiseAnd, array.BitwiseOr: array.BitwiseOr, array.BitwiseXor: array.BitwiseXor,
}

// exchanged reports whether y goes before x: uniform values stand second, constants last, others in order.
func (g *graph) exchanged(x, y int) bool {
	if a, b := g.rank(x), g.rank(y); a != b {
		return a > b
	}
	return x > y
}

func (g *graph) rank(x int) int {
	switch v := &g.values[x]; {
	case v.kind == constant:
		return 2
	case v.uniform:
		return 1
	}
	return 0
}

// is reports whether value x is the result of an op.
func (g *graph) is(x int, op array.Op) bool {
	return x != none && g.values[x].kind == applied && g.values[x].op == op
}

// isFloat reports whether s is the float f, down to the sign of a zero.
func isFloat(s array.Scalar, f float64) bool {
	return s.DType().Float() && s.Bits() == math.Float64bits(f)
}

// isNumber reports whether s is the number n, which is not 0.
func isNumber(s array.Scalar, n int64) bool {
	return s.DType().Integer() && s == array.ScalarOf(n).Cast(s.DType()) || isFloat(s, float64(n))
}

// reciprocal is 1/s where dividing by s is multiplying by that: s is a power of two, and neither is subnormal.
func reciprocal(s array.Scalar) (array.Scalar, bool) {
	least := 0x1p-1022
	if s.DType() == array.Float32 {
		least = 0x1p-126
	} else if s.DType() != array.Float64 {
		return s, false
	}
	f := s.Float()
	fraction, _ := math.Frexp(f)
	inverse := 1 / f
	if math.Abs(fraction) != 0.5 || math.Abs(f) < least || math.Abs(inverse) < least {
		return s, false
	}
	return array.ScalarOf(inverse).Cast(s.DType()), true
}

// composes reports whether a cast from a to b and on to c is that from a to c.
func composes(a, b, c array.DType) bool {
	if a.Integer() && b.Integer() && c.Integer() && c.Size() <= b.Size() {
		return true // the low bits, whatever is between
	}
	if a.Integer() && b.Float() && c.Integer() { // floats saturate, integers wrap
		return lossless(a, b) && lossless(a, c)
	}
	return lossless(a, b)
}

// lossless reports whether every value of a is one of b.
func lossless(a, b array.DType) bool {
	switch {
	case a == b || a == array.Bool:
		return true
	case b == array.Bool:
		return false
	case a.Float():
		return b == array.Float64
	case b.Float():
		return a.Size() < b.Size() // 8 and 16 bits in 24, 32 in 53
	case a.Signed() == b.Signed():
		return a.Size() <= b.Size()
	}
	return a.Unsigned() && a.Size() < b.Size()
}
