package lang_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/lang"
)

// columns is a frame of five rows, another of four, and names that Go cannot spell.
func columns(name string) (*array.Node, error) {
	types := map[string]array.DType{
		"distance": array.Int16, "delay": array.Int16, "time": array.Float32, "late": array.Bool, "big": array.Uint64,
		"other.x": array.Float64, "type": array.Int32, "air time": array.Int8, "a.b.c": array.Int8, "a//b": array.Int32,
	}
	d, ok := types[name]
	if !ok {
		return nil, fmt.Errorf("no column %q; there are delay, distance, time", name)
	}
	n := 5
	if name == "other.x" {
		n = 4
	}
	return array.File(&array.Source{Name: name}, d, n, 0), nil
}

func eval(src string) ([]lang.Result, error) {
	s, err := lang.Parse(src)
	if err != nil {
		return nil, err
	}
	return s.Eval(columns, floats)
}

// floats computes what a test wants of two literals.
func floats(op array.Op, x, y float64) (float64, bool) {
	switch op {
	case array.FloorDivide:
		return math.Floor(x / y), true
	case array.Pow:
		return math.Pow(x, y), true
	}
	return 0, false
}

func TestExpressions(t *testing.T) {
	for _, test := range []struct{ src, name, dtype, shape, text string }{
		{"distance + delay", "distance + delay", "int16", "[5]", "add(distance:int16[5], delay:int16[5])"},
		{" ( distance+delay ) ", "( distance+delay )", "int16", "[5]", "add(distance:int16[5], delay:int16[5])"},
		{"distance\n", "distance", "int16", "[5]", "distance:int16[5]"},
		{"distance +\n delay", "distance +\n delay", "int16", "[5]", "add(distance:int16[5], delay:int16[5])"},
		{"sum(distance - delay * 2)", "", "int64", "[]", "sum(cast(subtract(distance:int16[5], multiply(delay:int16[5], 2)), int64))"},
		{"distance / 2", "", "float64", "[5]", "divide(cast(distance:int16[5], float64), 2.0)"},
		{"time / 2", "", "float32", "[5]", "divide(time:float32[5], 2.0)"},
		{"-delay", "", "int16", "[5]", "negative(delay:int16[5])"},
		{"+delay", "", "int16", "[5]", "delay:int16[5]"},
		{"!late", "", "bool", "[5]", "logical_not(late:bool[5])"},
		{"(~late)", "", "bool", "[5]", "logical_not(late:bool[5])"},
		{"late & (delay > 3)", "", "bool", "[5]", "logical_and(late:bool[5], greater(delay:int16[5], 3))"},
		{"late | late", "", "bool", "[5]", "logical_or(late:bool[5], late:bool[5])"},
		{"late ^ late", "", "bool", "[5]", "logical_xor(late:bool[5], late:bool[5])"},
		{"delay > 3 && delay <= 9 || late", "", "bool", "[5]", "logical_or(logical_and(greater(delay:int16[5], 3), less_equal(delay:int16[5], 9)), late:bool[5])"},
		{"(delay == 1) == late", "", "bool", "[5]", "equal(equal(delay:int16[5], 1), late:bool[5])"},
		{"where(late, distance, -1)", "", "int16", "[5]", "where(late:bool[5], distance:int16[5], -1)"},
		{"minimum(delay, 0)", "", "int16", "[5]", "minimum(delay:int16[5], 0)"},
		{"cast(delay, float32)", "", "float32", "[5]", "cast(delay:int16[5], float32)"},
		{"cast(3, uint8)", "", "uint8", "[]", "3"},
		{"other.x * 2", "", "float64", "[4]", "multiply(other.x:float64[4], 2.0)"},
		{"a.b.c", "", "int8", "[5]", "a.b.c:int8[5]"},
		{`col("type") + col("air time")`, "", "int32", "[5]", "add(type:int32[5], cast(air time:int8[5], int32))"},
		{"k = 2; delay * k", "delay * k", "int16", "[5]", "multiply(delay:int16[5], 2)"},
		{"delay := delay + 1\nsum(delay)", "sum(delay)", "int64", "[]", "sum(cast(add(delay:int16[5], 1), int64))"},
		{"total = distance + delay", "total", "int16", "[5]", "add(distance:int16[5], delay:int16[5])"},

		// Python's operators, bound as Python does.
		{"delay // 2", "delay // 2", "int16", "[5]", "floor_divide(delay:int16[5], 2)"},
		{"distance//delay%3 // 2", "", "int16", "[5]", "floor_divide(remainder(floor_divide(distance:int16[5], delay:int16[5]), 3), 2)"},
		{"-delay // 2", "", "int16", "[5]", "floor_divide(negative(delay:int16[5]), 2)"},
		{`col("a//b") // 2`, "", "int32", "[5]", "floor_divide(a//b:int32[5], 2)"},
		{"delay ** 2", "delay ** 2", "int16", "[5]", "pow(delay:int16[5], 2)"},
		{"-delay**2", "-delay**2", "int16", "[5]", "negative(pow(delay:int16[5], 2))"},
		{"delay**distance**2", "", "int16", "[5]", "pow(delay:int16[5], pow(distance:int16[5], 2))"},
		{"delay**-distance", "", "int16", "[5]", "pow(delay:int16[5], negative(distance:int16[5]))"},
		{"delay**-distance**2", "", "int16", "[5]", "pow(delay:int16[5], negative(pow(distance:int16[5], 2)))"},
		{"3 * delay**2 / time", "", "float32", "[5]", "divide(cast(multiply(3, pow(delay:int16[5], 2)), float32), time:float32[5])"},
		{"(-delay)**2 + abs(delay**3)", "", "int16", "[5]", "add(pow(negative(delay:int16[5]), 2), abs(pow(delay:int16[5], 3)))"},
		{"2**3**2", "", "int64", "[]", "512"},
		{"time * 2.0**-1", "", "float32", "[5]", "multiply(time:float32[5], 0.5)"},
		{"time * (7.5 // 2)", "", "float32", "[5]", "multiply(time:float32[5], 3.0)"},
		{"time * (7 // 2.5)", "", "float32", "[5]", "multiply(time:float32[5], 2.0)"},
		{"-2**2", "", "int64", "[]", "-4"},
		{"(-2)**3 - -7 // 2 + -7 % 3 * 100", "", "int64", "[]", "196"},
		{"1 << 4 | 3 & ~1", "", "int64", "[]", "bitwise_or(16, bitwise_and(3, bitwise_invert(1)))"},
		{"2**64 - 1", "", "uint64", "[]", "18446744073709551615"},
		{"delay & 6 | 1", "", "int16", "[5]", "bitwise_or(bitwise_and(delay:int16[5], 6), 1)"},
		{"delay << 2 >> 1 ^ 3", "", "int16", "[5]", "bitwise_xor(bitwise_right_shift(bitwise_left_shift(delay:int16[5], 2), 1), 3)"},
		{"(~delay)", "", "int16", "[5]", "bitwise_invert(delay:int16[5])"},
		{"clip(delay, 0, distance)", "", "int16", "[5]", "clip(delay:int16[5], 0, distance:int16[5])"},
		{
			"power(delay, 2) + mod(delay, 3) + absolute(rint(delay))", "", "int16", "[5]",
			"add(add(pow(delay:int16[5], 2), remainder(delay:int16[5], 3)), abs(round(delay:int16[5])))",
		},

		// Numbers: Python's arithmetic before they meet an array.
		{"1 + 2", "1 + 2", "int64", "[]", "3"},
		{"delay + (1 + 2)", "", "int16", "[5]", "add(delay:int16[5], 3)"},
		{"0.1 + 0.2", "", "float64", "[]", "0.30000000000000004"},
		{"1 / 2", "", "float64", "[]", "0.5"},
		{"1 / 0", "", "float64", "[]", "inf"},
		{"9007199254740993 / 1", "", "float64", "[]", "9007199254740992.0"},
		{"-9223372036854775808", "", "int64", "[]", "-9223372036854775808"},
		{"9223372036854775807 + 1", "", "uint64", "[]", "9223372036854775808"},
		{"18446744073709551616 - 18446744073709551615", "", "int64", "[]", "1"},
		{"0x_ff", "", "int64", "[]", "255"},
		{"-0.0", "", "float64", "[]", "-0.0"},
		{"1e3", "", "float64", "[]", "1000.0"},
		{"true", "true", "bool", "[]", "true"},
		{"1 < 2.5", "", "bool", "[]", "less(1.0, 2.5)"},
		{"sqrt(2)", "", "float64", "[]", "sqrt(2.0)"},

		{"arange(4)", "", "int64", "[4]", "arange(0, step 1):int64[4]"},
		{"arange(1e6)", "", "float64", "[1000000]", "arange(0.0, step 1.0):float64[1000000]"},
		{"arange(2, 10)", "", "int64", "[8]", "arange(2, step 1):int64[8]"},
		{"arange(0, 1, 0.25)", "", "float64", "[4]", "arange(0.0, step 0.25):float64[4]"},
		{"arange(5, -5, -3)", "", "int64", "[4]", "arange(5, step -3):int64[4]"},
		{"zeros(3)", "", "float64", "[3]", "full(0.0):float64[3]"},
		{"ones(2, 3)", "", "float64", "[2 3]", "full(1.0):float64[2 3]"},
		{"full(2*2, 7)", "", "int64", "[4]", "full(7):int64[4]"},
		{"full(2, true)", "", "bool", "[2]", "full(true):bool[2]"},
		{"reshape(arange(6), 2, 3)", "", "int64", "[2 3]", "reshape(arange(0, step 1):int64[6], [2 3])"},
		{"random(1)", "", "float64", "[]", "reshape(multiply(cast(bitwise_right_shift(philox(arange(0, step 1):uint64[1], 1), 11), float64), 1.1102230246251565e-16), [])"},
		{"random(7, 2, 2) + random_normal(18446744073709551615, 2)", "", "float64", "[2 2]", ""},
		{"random_integers(7, -2, 2, 9)", "", "int64", "[9]", ""},
		{"matmul(delay, time)", "", "float32", "[]", "matmul(cast(delay:int16[5], float32), time:float32[5])"},
		{"matmul(ones(2, 5), delay)", "", "float64", "[2]", "matmul(full(1.0):float64[2 5], cast(delay:int16[5], float64))"},
		{"reshape(arange(6), -1, 2)", "", "int64", "[3 2]", "reshape(arange(0, step 1):int64[6], [3 2])"},
	} {
		t.Run(test.src, func(t *testing.T) {
			results, err := eval(test.src)
			if err != nil {
				t.Fatal(err)
			}
			if len(results) != 1 {
				t.Fatalf("%d results", len(results))
			}
			n := results[0].Node
			if n.DType().String() != test.dtype || n.Shape().String() != test.shape || test.text != "" && n.String() != test.text || n.Weak() {
				t.Errorf("got %s%s %s, want %s%s %s", n.DType(), n.Shape(), n, test.dtype, test.shape, test.text)
			}
			if test.name != "" && results[0].Name != test.name {
				t.Errorf("named %q, want %q", results[0].Name, test.name)
			}
		})
	}
}

func TestResults(t *testing.T) {
	for src, want := range map[string]string{
		"a = delay; b = a * 2":      "a, b",
		"a = delay; a; sum(a)":      "a, sum(a)",
		"sum(delay)\n\nmax(delay);": "sum(delay), max(delay)",
		"a = 1; b = 3; a = 2":       "b, a",
	} {
		results, err := eval(src)
		var names []string
		for _, r := range results {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, ", "); err != nil || got != want {
			t.Errorf("%q gives %s, %v; want %s", src, got, err, want)
		}
	}
}

// TestEveryOpIsAFunction: the language follows the op table.
func TestEveryOpIsAFunction(t *testing.T) {
	for _, op := range array.Ops() {
		args := []string{"time", "time", "time"}[:op.Info().Arity]
		switch {
		case op == array.Cast:
			args = append(args, "int8")
		case op.Info().Rule == array.RuleLogical:
			args = []string{"late", "late"}[:op.Info().Arity]
		case op.Info().Go.Int != "" && op.Info().Go.Float == "":
			args = []string{"delay", "delay"}[:op.Info().Arity]
		}
		name := op.String()
		if op == array.Var { // a word of Go
			name = "variance"
		}
		src := fmt.Sprintf("%s(%s)", name, strings.Join(args, ", "))
		results, err := eval(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := results[0].Node; got.Op() != op {
			t.Errorf("%s is %s", src, got)
		}
		if _, err := eval(name + "()"); err == nil || !strings.Contains(err.Error(), "write "+name+"(") {
			t.Errorf("%s without operands: %v", op, err)
		}
	}
}

// The caret of an error stands under the character that the text names.
func TestErrors(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{"sum(distance + )", "syntax error: expected operand, found ')'\n  sum(distance + )\n                 ^"},
		{"sum(distance", "syntax error: the text ends too early: something is not closed\n  sum(distance\n              ^"},
		{"distance +", "syntax error: the text ends too early: expected operand\n  distance +\n            ^"},
		{"", "syntax error: no expression"},
		{" ;\n ", "syntax error: no expression"},
		{"delay; dsitance", "no column \"dsitance\"; there are delay, distance, time\n  delay; dsitance\n         ^"},
		{"1 +\n\tdsitance", "time\n  \tdsitance\n  \t^"},
		{"summ(delay)", "unknown function: summ; did you mean sum? There are abs, acos, acosh, add"},
		{"xyzzyq(delay)", "unknown function: xyzzyq; there are abs,"},
		{"2 * sum", "sum is a function: write sum(x) or sum(x, axis)\n  2 * sum\n      ^"},
		{"sum(delay, 1)", "axis 1 is out of range for shape [5]"},
		{"sum(delay, 0.5)", "sum: shape mismatch: 0.5 is not an integer"},
		{"sum(delay, delay)", "sum takes numbers here, not arrays"},
		{"sum(delay, 0, -1)", "named twice"},
		{"var(delay)", "the function is called variance"},
		{"keepdims(delay)", "is no reduction"},
		{"delay + other.x", "add: shape mismatch: shapes [5] and [4] do not broadcast; each axis, counted from the last, must be equal or 1\n  delay + other.x\n        ^"},
		{"1; minimum(delay, other.x)", "do not broadcast; each axis, counted from the last, must be equal or 1\n  1; minimum(delay, other.x)\n     ^"},
		{"random(0.5, 3)", "random takes an integer here, not 0.5\n  random(0.5, 3)\n         ^"},
		{"random_integers(1, 2, 2, 9)", "there are none from 2 up to 2"},
		{"1 + matmul(delay, 2)", "matmul: shape mismatch: shapes [5] and []: a 0-D operand has no axis to sum over; use Multiply to scale\n  1 + matmul(delay, 2)\n      ^"},
		{"matmul(delay)", "matmul does not take 1 operand; write matmul(x, y)"},
		{"late - late", "subtract: wrong element type: not defined for bool"},
		{"delay * 100000", "multiply: wrong element type: 100000 does not fit int16"},
		{"time & 2", "bitwise_and: wrong element type: not defined for float32"},
		{"delay * *2", "a * before an operand means nothing; x ** y is a power\n  delay * *2\n          ^"},
		{"delay /* 2", "syntax error: "},
		{"delay /* 2 */", "syntax error: there are no comments; // divides and rounds down\n  delay /* 2 */\n        ^"},
		{"delay &^ 2", "syntax error: no operator &^; write x & ~y\n  delay &^ 2\n        ^"},
		{"delay //= 2", "no operator //=; write x = x // ..."},
		{"~delay", "syntax error: "},
		{"powr(delay, 2)", "did you mean pow?"},
		{"arcsi(time)", "unknown function: arcsi"},
		{"mod(delay)", "remainder does not take 1 operand; write remainder(x, y)"},
		{"clip(delay, 1)", "write clip(x, lo, hi)"},
		{"2 ** 1000 + delay", "does not fit 64 bits"},
		{"1 < delay < 3", "comparisons do not chain; write a < b && b < c\n  1 < delay < 3\n            ^"},
		{"delay and late", "syntax error: expected an operator or ';', found and; write &&"},
		{"not late", "write !"},
		{"type + 1", `a column of that name is col("type")`},
		{"col(delay)", "col takes a name in double quotes"},
		{"'air time'", "syntax error"},
		{`"air time"`, "\"air time\" is text; a column of that name is col(\"air time\")\n"},
		{"delay[1:2]", "elements and slices cannot be picked here"},
		{"delay[1]", "elements and slices cannot be picked here"},
		{"sum(delay).x", "a dot stands between a frame and its column"},
		{"delay.sum()", "a call names its function, as in sum(x)"},
		{"sum(delay...)", "no ... here"},
		{"if late { 1 }", "syntax error: a statement is an expression or name = expression"},
		{"for {}", "a statement is"},
		{"return delay", "a statement is"},
		{"func() {}", "not an expression"},
		{"[]int{1}", "not an expression"},
		{"delay++", "a statement is"},
		{"delay += 1", "no operator +=; write x = x + ..."},
		{"a, b = 1, 2", "one name takes one expression"},
		{"_ = 1", "only a name can be assigned to"},
		{"a.b = 1", "only a name can be assigned to"},
		{"sum = 1", "sum has a meaning of its own"},
		{"1 } func f() { 2", "syntax error: expected an operator or ';', found 'func'"},
		{"1 }; {2", "syntax error"},
		{"}", "syntax error"},
		{"#", "syntax error: illegal character U+0023 '#'\n  #\n  ^"},
		{"010", "octal"},
		{"1i", "not a number"},
		{"'a'", `'a' is text; a column of that name is col("a")`},
		{"~late", "write !x, or (~x) for the bits of integers"},
		{"1 }\nfunc f() { 2", "syntax error: unexpected '}'\n  1 }\n    ^"},
		{"99999999999999999999", "does not fit 64 bits"},
		{"cast(delay, int65)", `no element type "int65"; there are bool`},
		{"cast(delay, 3)", "cast takes the name of an element type"},
		{"cast(delay)", "write cast(x, int64)"},
		{"arange(delay)", "arange takes numbers here, not arrays\n  arange(delay)\n         ^"},
		{"arange(0, 5, 0)", "step 0 never arrives"},
		{"arange()", "arange does not take 0 operands; write arange(stop), "},
		{"zeros(1.5)", "zeros: shape mismatch: 1.5 is not an integer"},
		{"ones(1e400)", "ones: shape mismatch: +Inf is not an integer"},
		{"zeros(1e30)", "more than can be counted"},
		{"cast(1)", "cast does not take 1 operand;"},
		{"zeros(-1)", "negative extent"},
		{"zeros(99999999999999999999)", "more than can be counted"},
		{"full(3, delay)", "full takes one number"},
		{"reshape(arange(6), 4, -1)", "cannot become"},
		{"reshape(arange(6), -1, -1)", "negative extent"},
		{strings.Repeat("(", 2000) + "1" + strings.Repeat(")", 2000), "more than 1000 levels deep"},
		{"1" + strings.Repeat("+1", 2000), "more than 1000 levels deep"},
		{strings.Repeat(" ", 2<<20), "at most 1048576"},
	} {
		_, err := eval(test.src)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60q: got\n%v\nwant\n%s", test.src, err, test.want)
		}
		var e *lang.Error
		if !errors.As(err, &e) {
			t.Errorf("%.60q: not an *Error: %T", test.src, err)
		}
	}
}

func TestErrorsCanBeBranchedOn(t *testing.T) {
	if _, err := eval("delay + other.x"); !errors.Is(err, array.ErrShape) {
		t.Errorf("%v is not ErrShape", err)
	}
	if _, err := eval("late - late"); !errors.Is(err, array.ErrDType) {
		t.Errorf("%v is not ErrDType", err)
	}
}

func TestLongLinesAreClipped(t *testing.T) {
	_, err := eval(strings.Repeat("delay + ", 50) + "$" + strings.Repeat(" + delay", 50))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 3 || len(lines[1]) > 130 || lines[1][len(lines[2])-1] != '$' {
		t.Errorf("got\n%v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range []string{
		"sum(distance + delay)", "a = delay * 2; a", "}\nfunc g() {", "//line x:1\n1 +", "1e999999999 / 0x1p-99999", "col(\"\xff\")",
		"reshape(arange(6), -1, 0)", "a.b.c(1)[2]", "/* */ 1", "x := \"", "where(late, 1, 'a')", "zeros(1<<40)", "\xff", "é + $",
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		results, err := eval(src)
		if err == nil {
			for _, r := range results {
				if r.Node == nil || r.Node.Err() != nil || r.Node.Weak() || r.Name == "" {
					t.Errorf("%q gives %+v", src, r)
				}
			}
			return
		}
		var e *lang.Error
		if !errors.As(err, &e) || e.Source != "" && (e.Offset < 0 || e.Offset > len(src)) {
			t.Errorf("%q: place outside of the text: %#v", src, err)
		}
	})
}

// TestElementPlace: an error about an element that has no result is at the operator or the function's name, and still holds its fields.
func TestElementPlace(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{"delay // distance", "floor_divide: integer division by zero at element [3]; compute with where(y == 0, 1, y) instead\n  delay // distance\n        ^"},
		{"delay %\n distance", "remainder: integer division by zero at element [3]; compute with where(y == 0, 1, y) instead\n  delay %\n        ^"},
		{"k = 2; mod(delay, k)", "remainder: integer division by zero at element [3]; compute with where(y == 0, 1, y) instead\n  k = 2; mod(delay, k)\n         ^"},
		{"delay ** 2", "pow: integer to a negative power at element [3]; compute with a cast of x to float64 instead\n  delay ** 2\n        ^"},
	} {
		results, err := eval(test.src)
		if err != nil {
			t.Fatalf("%s: %v", test.src, err)
		}
		err = array.FaultAt(results[0].Node, 3)
		e := (*array.ElementError)(nil)
		if err.Error() != test.want || !errors.As(err, &e) || e.Op != results[0].Node.Op() || !errors.Is(err, e.Cause) {
			t.Errorf("%q: %+v says\n%v, want\n%s", test.src, e, err, test.want)
		}
	}
	results, err := eval("distance + delay; time // 2")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Node.Op().Fault(r.Node.DType()) != nil {
			t.Errorf("%s can fail", r.Name)
		}
	}
}
