package array

import "fmt"

// operandTypes gives the type that each operand is cast to and the type of the result, by the op's rule.
func operandTypes(op Op, args []*Node) (in [maxArity]DType, out DType, err error) {
	d := args[0].dtype
	switch op.Info().Rule {
	case RuleArithmetic, RuleNumeric, RuleDivide, RuleInteger:
		d, err = common(args)
		if rule := op.Info().Rule; rule == RuleDivide && !d.Float() {
			d, err = Float64, nil // which holds every Go number
		}
		if err != nil {
			return in, Invalid, err
		}
		switch rule := op.Info().Rule; {
		case rule == RuleInteger && d == Bool:
			d = Int8
		case rule == RuleArithmetic && d == Bool:
			return in, Invalid, fmt.Errorf("%w: not defined for bool; use logical_xor or logical_not, or cast to int8", ErrDType)
		}
		out = d
	case RuleFloat, RuleTest:
		d, _ = common(args) // a number that the integers' type does not hold is one that the float type does
		d = floating(d)
		if out = d; op.Info().Rule == RuleTest {
			out = Bool
		}
	case RuleCompare:
		d, out = compareType(args), Bool
	case RuleLogical:
		d, out = Bool, Bool
	case RuleWhere:
		if d, err = common(args[1:]); err != nil {
			return in, Invalid, err
		}
		return [maxArity]DType{Bool, d, d}, d, nil
	case RuleWord:
		for _, a := range args {
			if !a.dtype.Integer() {
				return in, Invalid, fmt.Errorf("%w: takes integers, not %s; cast to uint64", ErrDType, a.dtype)
			}
		}
		d, out = Uint64, Uint64
	case RuleIsNull:
		out = Bool
	case RuleSum:
		d, out = sumTypes(d)
	case RuleSame:
		out = d
	case RuleMean:
		if d != Float32 {
			d = Float64
		}
		out = d
	case RuleCount:
		out = Int64
	case RuleTruth:
		d, out = Bool, Bool
	case RuleArg:
		out = Int64
	}
	if !op.defined(d) {
		return in, Invalid, fmt.Errorf("%w: not defined for %s; cast to a type that it is for", ErrDType, d)
	}
	return [maxArity]DType{d, d, d}, out, nil
}

// defined reports whether the op computes in d: whether it has a text for that, if it has any.
func (o Op) defined(d DType) bool {
	text := &o.Info().Go
	if *text == (Text{}) || o.IsReduction() || o.IsScan() {
		return true
	}
	switch {
	case o.Info().Rule == RuleWord:
		return d == Uint64
	case d == Bool:
		return text.Bool != ""
	case d.Float():
		return text.Float != ""
	}
	return text.Int != ""
}

// sumTypes: what the operand of sum and prod is cast to, and the result. float32 stays float32 at both ends; its
// accumulator is float64 (AccumulatorType).
func sumTypes(d DType) (in, out DType) {
	switch {
	case d.Float():
		return d, d
	case d.Unsigned():
		return Uint64, Uint64
	}
	return Int64, Int64
}

// AccumulatorType is the type in which a reduction over operands of type d keeps its running value: float64 for every
// float sum, product, mean and variance, int64 or uint64 for integer sums, d itself for min, max, their indices, any and
// all, int64 for count.
func AccumulatorType(op Op, d DType) DType {
	switch op.Info().Rule {
	case RuleSum:
		if d.Float() {
			return Float64
		}
		return d
	case RuleMean:
		return Float64
	case RuleCount:
		return Int64
	}
	return d
}

// compareType is the type that both sides of a comparison are cast to. A Go number outside the array's range is not an
// error here: the comparison moves to a type that holds both (NumPy 2 compares Python integers by value).
func compareType(args []*Node) DType {
	d, err := common(args)
	if err == nil {
		return d
	}
	return Promote(args[0].dtype, args[1].dtype)
}

// mixedSign reports a signed integer meeting a uint64: no common type holds both exactly.
func mixedSign(args []*Node) bool {
	a, b := args[0], args[1]
	if a.weak != b.weak {
		if _, err := common(args); err == nil {
			return false // the number takes the array's type
		}
	}
	return a.dtype.Signed() && b.dtype == Uint64 || a.dtype == Uint64 && b.dtype.Signed()
}

// compareMixed compares a signed x with a uint64 y by value: where x < 0 the answer is known, elsewhere both are uint64.
// It is joined by logical ops, which give null where either side is.
func compareMixed(op Op, pc uintptr, args []*Node) (*Node, error) {
	x, y := args[0], args[1]
	swapped := x.dtype == Uint64
	if swapped {
		x, y = y, x
		op = mirror[op]
	}
	zero := NumberOperand(ScalarOf(int64(0)))
	same := Apply(op, pc, CastTo(x, Uint64, pc), CastTo(y, Uint64, pc))
	var n *Node
	if op == NotEqual || op == Less || op == LessEqual { // true for x < 0
		n = Apply(LogicalOr, pc, Apply(Less, pc, CastTo(x, Int64, pc), zero), same)
	} else {
		n = Apply(LogicalAnd, pc, Apply(GreaterEqual, pc, CastTo(x, Int64, pc), zero), same)
	}
	if n.err != nil {
		return nil, n.err
	}
	return n, nil
}

// mirror is the comparison with its sides exchanged.
var mirror = map[Op]Op{
	Equal: Equal, NotEqual: NotEqual, Less: Greater, LessEqual: GreaterEqual, Greater: Less, GreaterEqual: LessEqual,
}
