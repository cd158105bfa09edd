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
	RuleFloat                  // bool and 8/16-bit integers become float32, larger integers float64
	RuleSquare                 // as RuleArithmetic, and bool becomes int8
	RuleCompare                // operands promote; the result is bool
	RuleLogical                // operands become bool (v != 0); the result is bool
	RuleWhere                  // the first operand becomes bool; the others promote and give the result's type
	RuleCast                   // the parameter is the result's type
	RuleIsNull                 // any operand; the result is bool
	RuleSum                    // reductions: integers and bool accumulate in 64 bits, float32 in float64; the result is int64, uint64 or the float type
	RuleSame                   // reductions: the operand's type
	RuleMean                   // reductions: float32 stays, everything else gives float64; accumulates in float64
	RuleCount                  // reductions: any operand; the result is int64
	RuleTruth                  // reductions: the operand becomes bool; the result is bool
	RuleArg                    // reductions: the operand's type; the result is an int64 index
)

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

// IsReduction reports whether the op reduces runs of elements to one value each.
func (o Op) IsReduction() bool { return o >= Sum && o < CumSum }

// IsScan reports whether the op gives the running value of a reduction.
func (o Op) IsScan() bool { return o >= CumSum && o < opEnd }

// Info is the op's row.
func (o Op) Info() *OpInfo { return &ops[o] }

// String is the op's name.
func (o Op) String() string {
	if o >= opEnd {
		return "op?"
	}
	return ops[o].Name
}

// Valid reports whether o is a row of the table.
func (o Op) Valid() bool { return o < opEnd }

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
func floatonly(s string) Text { return Text{Float: s} }

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
	Square:   {"square", "Square", "is x * x; integers wrap.", "", 1, RuleSquare, NullStrict, numeric("x * x")},

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
	list := make([]Op, opEnd)
	for i := range list {
		list[i] = Op(i)
	}
	return list
}

// OpByName finds a row by NumPy's name.
func OpByName(name string) (Op, bool) {
	for i := range ops {
		if ops[i].Name == name {
			return Op(i), true
		}
	}
	return 0, false
}
