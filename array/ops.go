package array

// Op is a row of the op table: an index into Ops. Its number is part of the wire form of one build only.
type Op uint8

// Rule says which element type an op computes in and which it gives (see types.go).
type Rule uint8

// The dtype rules.
const (
	RuleArithmetic Rule = iota // operands promote; the result has that type; not defined for bool
	RuleNumeric                // as RuleArithmetic, and bool is allowed
	RuleDivide                 // operands promote; integers and bool become float64
	RuleFloat                  // operands promote; bool and 8/16-bit integers become float32, larger integers float64
	RuleInteger                // as RuleArithmetic, and bool becomes int8
	RuleCompare                // operands promote; the result is bool
	RuleLogical                // operands become bool (v != 0); the result is bool
	RuleWhere                  // the first operand becomes bool; the others promote and give the result's type
	RuleCast                   // the parameter is the result's type
	RuleTest                   // as RuleFloat; the result is bool
	RuleIsNull                 // any operand; the result is bool
	RuleSum                    // reductions: integers and bool accumulate in 64 bits, float32 in float64; the result is int64, uint64 or the float type
	RuleSame                   // reductions: the operand's type
	RuleMean                   // reductions: float32 stays, everything else gives float64; accumulates in float64
	RuleCount                  // reductions: any operand; the result is int64
	RuleTruth                  // reductions: the operand becomes bool; the result is bool
	RuleArg                    // reductions: the operand's type; the result is an int64 index
	RuleWord                   // integers become uint64, wrapping; the result is uint64; not defined for bool and floats
)

// GivesBool reports whether the result of ops of this rule is bool whatever they compute in.
func (r Rule) GivesBool() bool {
	switch r {
	case RuleCompare, RuleLogical, RuleTest, RuleIsNull, RuleTruth:
		return true
	}
	return false
}

// Nulls says what an op does with null operands.
type Nulls uint8

// The rules for nulls.
const (
	NullStrict Nulls = iota // null in, null out
	NullPick                // where: null where the condition is null or the picked operand is
	NullFill                // fill_null: null only where both are
	NullNever               // is_null: the result is never null
	NullSkip                // reductions: nulls are skipped
)

// OpInfo is one row of the op table. Go holds the text of the kernel's body for one element, by kind of the element
// type that it computes in; x, y, z are the operands and T that type. An op without a text for a kind is not defined there.
type OpInfo struct {
	Name   string // NumPy's name; in expressions, plans and docs/ops.md
	Func   string // the root package's function
	Doc    string // completes "Func ..."
	Symbol string // infix or prefix operator in the text form and the eval language, if there is one
	Arity  int
	Rule   Rule
	Nulls  Nulls
	Go     Text
}

// Text is the Go expression of an op by the kind of its operands. Reductions whose accumulator is one number give the
// expression that joins the accumulators x and y.
type Text struct{ Int, Float, Bool string }

// Library in the place of a text says that the op is computed by the function of its name in package exec/cpu/vmath, not by
// a text: vmath.Exp for float64 and vmath.Exp32 for float32.
const Library = "library"

// IsReduction reports whether the op reduces runs of elements to one value each.
func (o Op) IsReduction() bool { return o >= Sum && o < CumSum }

// IsScan reports whether the op gives the running value of a reduction.
func (o Op) IsScan() bool { return o >= CumSum && o < opEnd }

// Info is the op's row.
func (o Op) Info() *OpInfo { return &ops[o] }

// Symmetric reports whether x op y is y op x, bit for bit but for the payload of a NaN. Comparisons are not, though each has
// one that is it with the operands exchanged.
func (o Op) Symmetric() bool {
	switch o {
	case Add, Multiply, Minimum, Maximum, Equal, NotEqual, LogicalAnd, LogicalOr, LogicalXor, BitwiseAnd, BitwiseOr, BitwiseXor:
		return true
	}
	return false
}

// String is the op's name.
func (o Op) String() string {
	if !o.Valid() {
		return "op?"
	}
	return ops[o].Name
}

// Valid reports whether o is a row of the table. A constant without one is an op that is not there yet.
func (o Op) Valid() bool { return o < opEnd && ops[o].Name != "" }

// The ops, in the order of the table: element-wise ones, reductions, scans.
const (
	Add Op = iota
	Subtract
	Multiply
	Divide
	Negative
	Abs
	Sqrt
	Minimum
	Maximum
	Square
	Equal
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
	LogicalAnd
	LogicalOr
	LogicalXor
	LogicalNot
	Where
	Cast
	IsNull
	FillNull
	Floor
	Ceil
	Trunc
	Round
	Sign
	CopySign
	Reciprocal
	NextAfter
	FloorDivide
	Remainder
	Fmod
	Positive
	SignBit
	IsNaN
	IsInf
	IsFinite
	BitwiseAnd
	BitwiseOr
	BitwiseXor
	BitwiseInvert
	BitwiseLeftShift
	BitwiseRightShift
	Clip
	Exp
	Exp2
	Expm1
	Log
	Log2
	Log10
	Log1p
	LogAddExp
	Pow
	Cbrt
	Hypot
	Sin
	Cos
	Tan
	Asin
	Acos
	Atan
	Atan2
	Sinh
	Cosh
	Tanh
	Asinh
	Acosh
	Atanh
	Erf
	Erfc
	Philox

	Sum
	Prod
	Min
	Max
	Mean
	Count
	Any
	All
	ArgMin
	ArgMax
	Var

	CumSum
	CumProd

	opEnd
)

func all(s string) Text       { return Text{s, s, s} }
func numeric(s string) Text   { return Text{Int: s, Float: s} }
func boolean(s string) Text   { return Text{Bool: s} }
func integer(s string) Text   { return Text{Int: s} }
func floatonly(s string) Text { return Text{Float: s} }

// whole is the text of an op that leaves integers and bools as they are.
func whole(s string) Text { return Text{"x", s, "x"} }

// ops is THE op table. A new element-wise op is a constant above and a row here, then `go generate ./...`.
//
//go:generate go run ../internal/gen
var ops = [opEnd]OpInfo{
	Add:      {"add", "Add", "is x + y; integers wrap, bool is x or y.", "+", 2, RuleNumeric, NullStrict, Text{"x + y", "x + y", "x || y"}},
	Subtract: {"subtract", "Subtract", "is x - y; integers wrap.", "-", 2, RuleArithmetic, NullStrict, numeric("x - y")},
	Multiply: {"multiply", "Multiply", "is x * y; integers wrap, bool is x and y.", "*", 2, RuleNumeric, NullStrict, Text{"x * y", "x * y", "x && y"}},
	Divide:   {"divide", "Divide", "is the true quotient x / y by IEEE 754; integers divide as float64.", "/", 2, RuleDivide, NullStrict, floatonly("x / y")},
	Negative: {"negative", "Negative", "is -x; integers wrap.", "-", 1, RuleArithmetic, NullStrict, numeric("-x")},
	Abs:      {"abs", "Abs", "is the absolute value; the least signed integer wraps to itself.", "", 1, RuleNumeric, NullStrict, Text{"absInt(x)", "T(math.Abs(float64(x)))", "x"}},
	Sqrt:     {"sqrt", "Sqrt", "is the square root, correctly rounded; NaN below zero.", "", 1, RuleFloat, NullStrict, floatonly("T(math.Sqrt(float64(x)))")},
	Minimum:  {"minimum", "Minimum", "is the smaller of x and y; NaN if either is NaN, and -0 is below +0 (IEEE 754-2019 minimum).", "", 2, RuleNumeric, NullStrict, Text{"min(x, y)", "min(x, y)", "x && y"}},
	Maximum:  {"maximum", "Maximum", "is the larger of x and y; NaN if either is NaN, and +0 is above -0 (IEEE 754-2019 maximum).", "", 2, RuleNumeric, NullStrict, Text{"max(x, y)", "max(x, y)", "x || y"}},
	Square:   {"square", "Square", "is x * x; integers wrap.", "", 1, RuleInteger, NullStrict, numeric("x * x")},

	Equal:        {"equal", "Equal", "is x == y; NaN equals nothing. int64 and uint64 compare by value.", "==", 2, RuleCompare, NullStrict, all("x == y")},
	NotEqual:     {"not_equal", "NotEqual", "is x != y; true for NaN. int64 and uint64 compare by value.", "!=", 2, RuleCompare, NullStrict, all("x != y")},
	Less:         {"less", "Less", "is x < y; false for NaN. int64 and uint64 compare by value.", "<", 2, RuleCompare, NullStrict, Text{"x < y", "x < y", "!x && y"}},
	LessEqual:    {"less_equal", "LessEqual", "is x <= y; false for NaN. int64 and uint64 compare by value.", "<=", 2, RuleCompare, NullStrict, Text{"x <= y", "x <= y", "!x || y"}},
	Greater:      {"greater", "Greater", "is x > y; false for NaN. int64 and uint64 compare by value.", ">", 2, RuleCompare, NullStrict, Text{"x > y", "x > y", "x && !y"}},
	GreaterEqual: {"greater_equal", "GreaterEqual", "is x >= y; false for NaN. int64 and uint64 compare by value.", ">=", 2, RuleCompare, NullStrict, Text{"x >= y", "x >= y", "x || !y"}},

	LogicalAnd: {"logical_and", "LogicalAnd", "is true where both x and y are not zero.", "&&", 2, RuleLogical, NullStrict, boolean("x && y")},
	LogicalOr:  {"logical_or", "LogicalOr", "is true where x or y is not zero.", "||", 2, RuleLogical, NullStrict, boolean("x || y")},
	LogicalXor: {"logical_xor", "LogicalXor", "is true where exactly one of x and y is not zero.", "", 2, RuleLogical, NullStrict, boolean("x != y")},
	LogicalNot: {"logical_not", "LogicalNot", "is true where x is zero.", "!", 1, RuleLogical, NullStrict, boolean("!x")},

	Where:    {"where", "Where", "picks x where cond is not zero, y elsewhere; null where cond or the picked one is.", "", 3, RuleWhere, NullPick, Text{}},
	Cast:     {"cast", "Cast", "converts to another element type: integers wrap, floats truncate toward zero and saturate (NaN is 0), bool is x != 0.", "", 1, RuleCast, NullStrict, Text{}},
	IsNull:   {"is_null", "IsNull", "is true where x is null; never null itself.", "", 1, RuleIsNull, NullNever, Text{}},
	FillNull: {"fill_null", "FillNull", "is x where it is not null, y elsewhere.", "", 2, RuleNumeric, NullFill, Text{}},

	Floor:      {"floor", "Floor", "is the greatest whole number that is not above x; integers and bool stay.", "", 1, RuleNumeric, NullStrict, whole("T(math.Floor(float64(x)))")},
	Ceil:       {"ceil", "Ceil", "is the least whole number that is not below x; integers and bool stay.", "", 1, RuleNumeric, NullStrict, whole("T(math.Ceil(float64(x)))")},
	Trunc:      {"trunc", "Trunc", "is x without its fraction; integers and bool stay.", "", 1, RuleNumeric, NullStrict, whole("T(math.Trunc(float64(x)))")},
	Round:      {"round", "Round", "is the whole number nearest to x, halves to the even one; integers and bool stay.", "", 1, RuleNumeric, NullStrict, whole("T(math.RoundToEven(float64(x)))")},
	Sign:       {"sign", "Sign", "is -1, 0 or 1 as x is below, equal to or above 0; +0 for -0, NaN for NaN.", "", 1, RuleArithmetic, NullStrict, numeric("sign(x)")},
	CopySign:   {"copysign", "CopySign", "is x with the sign of y, also where one is NaN.", "", 2, RuleFloat, NullStrict, floatonly("T(math.Copysign(float64(x), float64(y)))")},
	Reciprocal: {"reciprocal", "Reciprocal", "is 1 / x by IEEE 754; integers and bool compute as float64, unlike NumPy's, which are 0 from 2 on.", "", 1, RuleDivide, NullStrict, floatonly("1 / x")},
	NextAfter:  {"nextafter", "NextAfter", "is the next float after x towards y; y where they are equal, NaN if either is NaN.", "", 2, RuleFloat, NullStrict, floatonly("nextAfter(x, y)")},

	FloorDivide: {"floor_divide", "FloorDivide", "is the greatest whole number that is not above x / y; integers wrap, and an integer y of 0 is ErrDivide.", "//", 2, RuleInteger, NullStrict, Text{Int: "floorDivide(x, y)", Float: Library}},
	Remainder:   {"remainder", "Remainder", "is x - y * floor(x / y), with the sign of y; an integer y of 0 is ErrDivide.", "%", 2, RuleInteger, NullStrict, Text{Int: "remainder(x, y)", Float: Library}},
	Fmod:        {"fmod", "Fmod", "is x - y * trunc(x / y), with the sign of x, as in C and Go; an integer y of 0 is ErrDivide.", "", 2, RuleInteger, NullStrict, Text{Int: "fmod(x, y)", Float: Library}},
	Positive:    {"positive", "Positive", "is x.", "+", 1, RuleArithmetic, NullStrict, numeric("x")},

	SignBit:  {"signbit", "SignBit", "is true where the sign bit of x is set: below 0, for -0 and for some NaNs.", "", 1, RuleTest, NullStrict, floatonly("math.Signbit(float64(x))")},
	IsNaN:    {"isnan", "IsNaN", "is true where x is NaN; never for integers and bool.", "", 1, RuleTest, NullStrict, floatonly("x != x")},
	IsInf:    {"isinf", "IsInf", "is true where x is infinite; never for integers and bool.", "", 1, RuleTest, NullStrict, floatonly("math.IsInf(float64(x), 0)")},
	IsFinite: {"isfinite", "IsFinite", "is true where x is neither infinite nor NaN; always for integers and bool.", "", 1, RuleTest, NullStrict, floatonly("x-x == 0")},

	BitwiseAnd:        {"bitwise_and", "BitwiseAnd", "has the bits that x and y both have; integers and bool.", "&", 2, RuleNumeric, NullStrict, Text{Int: "x & y", Bool: "x && y"}},
	BitwiseOr:         {"bitwise_or", "BitwiseOr", "has the bits that x or y has; integers and bool.", "|", 2, RuleNumeric, NullStrict, Text{Int: "x | y", Bool: "x || y"}},
	BitwiseXor:        {"bitwise_xor", "BitwiseXor", "has the bits that exactly one of x and y has; integers and bool.", "^", 2, RuleNumeric, NullStrict, Text{Int: "x ^ y", Bool: "x != y"}},
	BitwiseInvert:     {"bitwise_invert", "BitwiseInvert", "has the bits that x does not have; integers and bool.", "~", 1, RuleNumeric, NullStrict, Text{Int: "^x", Bool: "!x"}},
	BitwiseLeftShift:  {"bitwise_left_shift", "BitwiseLeftShift", "is x shifted left by y bits, zeros coming after: 0 where y is negative or not below the type's width, as in NumPy; integers, bool as int8.", "<<", 2, RuleInteger, NullStrict, integer("x << uint64(y)")},
	BitwiseRightShift: {"bitwise_right_shift", "BitwiseRightShift", "is x shifted right by y bits, its sign coming after: 0, or -1 for a negative x, where y is negative or not below the type's width, as in NumPy; integers, bool as int8.", ">>", 2, RuleInteger, NullStrict, integer("x >> uint64(y)")},

	Clip: {"clip", "Clip", "is minimum(maximum(x, lo), hi): x within [lo, hi], NaN if any is NaN, and hi where lo is above it.", "", 3, RuleNumeric, NullStrict, Text{}},

	Exp:       {"exp", "Exp", "is e to the power x.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Exp2:      {"exp2", "Exp2", "is 2 to the power x.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Expm1:     {"expm1", "Expm1", "is e to the power x, less 1, exact also where x is small.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Log:       {"log", "Log", "is the natural logarithm; -Inf for 0, NaN below.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Log2:      {"log2", "Log2", "is the logarithm to the base 2; -Inf for 0, NaN below.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Log10:     {"log10", "Log10", "is the logarithm to the base 10; -Inf for 0, NaN below.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Log1p:     {"log1p", "Log1p", "is the natural logarithm of 1 + x, exact also where x is small; -Inf for -1, NaN below.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	LogAddExp: {"logaddexp", "LogAddExp", "is log(exp(x) + exp(y)), also where the powers overflow.", "", 2, RuleFloat, NullStrict, floatonly(Library)},
	Pow:       {"pow", "Pow", "is x to the power y; integers wrap, and a negative integer y is ErrNegativePower.", "**", 2, RuleInteger, NullStrict, Text{Int: "power(x, y)", Float: Library}},
	Cbrt:      {"cbrt", "Cbrt", "is the cube root, negative below zero.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Hypot:     {"hypot", "Hypot", "is sqrt(x * x + y * y), also where the squares overflow; Inf if either is infinite.", "", 2, RuleFloat, NullStrict, floatonly(Library)},
	Sin:       {"sin", "Sin", "is the sine of x radians; NaN for an infinite x.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Cos:       {"cos", "Cos", "is the cosine of x radians; NaN for an infinite x.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Tan:       {"tan", "Tan", "is the tangent of x radians; NaN for an infinite x.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Asin:      {"asin", "Asin", "is the angle within [-pi/2, pi/2] whose sine is x; NaN outside [-1, 1].", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Acos:      {"acos", "Acos", "is the angle within [0, pi] whose cosine is x; NaN outside [-1, 1].", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Atan:      {"atan", "Atan", "is the angle within [-pi/2, pi/2] whose tangent is x.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Atan2:     {"atan2", "Atan2", "is the angle within [-pi, pi] of the point with the ordinate x and the abscissa y, counted from the positive axis of abscissas.", "", 2, RuleFloat, NullStrict, floatonly(Library)},
	Sinh:      {"sinh", "Sinh", "is the hyperbolic sine.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Cosh:      {"cosh", "Cosh", "is the hyperbolic cosine.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Tanh:      {"tanh", "Tanh", "is the hyperbolic tangent.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Asinh:     {"asinh", "Asinh", "is the inverse of the hyperbolic sine.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Acosh:     {"acosh", "Acosh", "is the inverse of the hyperbolic cosine, not negative; NaN below 1.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Atanh:     {"atanh", "Atanh", "is the inverse of the hyperbolic tangent; infinite for 1 and -1, NaN outside [-1, 1].", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Erf:       {"erf", "Erf", "is the error function, 2/sqrt(pi) times the integral of exp(-t*t) from 0 to x.", "", 1, RuleFloat, NullStrict, floatonly(Library)},
	Erfc:      {"erfc", "Erfc", "is 1 - erf(x), exact also where that is small.", "", 1, RuleFloat, NullStrict, floatonly(Library)},

	Philox: {"philox", "Philox", "is element x of the random stream of seed y: words 2(x mod 2) and 2(x mod 2) + 1, the lower first, of the block of Philox4x32-10 with the counter x div 2 and the key y.", "", 2, RuleWord, NullStrict, integer("T(philox(uint64(x), uint64(y)))")},

	Sum:   {"sum", "Sum", "adds all elements that are not null: integers in 64 bits, float32 in float64; 0 for none.", "", 1, RuleSum, NullSkip, numeric("x + y")},
	Prod:  {"prod", "Prod", "multiplies all elements that are not null: integers in 64 bits, float32 in float64; 1 for none.", "", 1, RuleSum, NullSkip, numeric("x * y")},
	Min:   {"min", "Min", "is the least element that is not null; NaN if any is NaN; null for none.", "", 1, RuleSame, NullSkip, Text{"min(x, y)", "min(x, y)", "x && y"}},
	Max:   {"max", "Max", "is the greatest element that is not null; NaN if any is NaN; null for none.", "", 1, RuleSame, NullSkip, Text{"max(x, y)", "max(x, y)", "x || y"}},
	Mean:  {"mean", "Mean", "is the arithmetic mean of the elements that are not null, summed in float64; null for none.", "", 1, RuleMean, NullSkip, floatonly("x + y")},
	Count: {"count", "Count", "counts the elements that are not null.", "", 1, RuleCount, NullSkip, Text{}},
	Any:   {"any", "Any", "is true if some element that is not null is not zero; false for none.", "", 1, RuleTruth, NullSkip, boolean("x || y")},
	All:   {"all", "All", "is true if no element that is not null is zero; true for none.", "", 1, RuleTruth, NullSkip, boolean("x && y")},

	ArgMin: {"argmin", "ArgMin", "is the int64 index of the first least element that is not null, nulls being counted: of the first NaN if there is one, and -0 equals +0; null for none.", "", 1, RuleArg, NullSkip, Text{}},
	ArgMax: {"argmax", "ArgMax", "is the int64 index of the first greatest element that is not null, nulls being counted: of the first NaN if there is one, and -0 equals +0; null for none.", "", 1, RuleArg, NullSkip, Text{}},
	Var:    {"var", "Var", "is the population variance of the elements that are not null, computed in float64 by pairwise updates; null for none.", "", 1, RuleMean, NullSkip, Text{}},

	CumSum:  {"cumsum", "CumSum", "is the running sum: integers in 64 bits, float32 in float64; null where the element is, which leaves the sum as it was.", "", 1, RuleSum, NullStrict, Text{}},
	CumProd: {"cumprod", "CumProd", "is the running product: integers in 64 bits, float32 in float64; null where the element is, which leaves the product as it was.", "", 1, RuleSum, NullStrict, Text{}},
}

// Ops lists the table in order: element-wise ops, reductions, scans.
func Ops() []Op {
	list := make([]Op, 0, opEnd)
	for i := range opEnd {
		if i.Valid() {
			list = append(list, i)
		}
	}
	return list
}

// OpByName finds a row by NumPy's name.
func OpByName(name string) (Op, bool) {
	for i := range opEnd {
		if ops[i].Name == name && i.Valid() {
			return i, true
		}
	}
	return 0, false
}
