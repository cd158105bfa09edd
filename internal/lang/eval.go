package lang

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/darray-go/darray/array"
)

// Eval makes the nodes of the script. resolve gives the column of a name ("x", or "a.x" for column x of frame a); its error
// says which there are. compute gives what an op of arrays gives for two float64, for the operators on literals that Go does not
// have; false where it cannot. The results are the expressions that are not assigned to a name or, where there are none, the
// assigned names. The error is an *Error.
func (s *Script) Eval(resolve func(name string) (*array.Node, error), compute func(op array.Op, x, y float64) (float64, bool)) ([]Result, error) {
	e := &evaluator{script: s, resolve: resolve, compute: compute, names: make(map[string]value)}
	var results, assigned []Result
	for _, st := range s.statements {
		v, err := e.eval(st.expr)
		if err != nil {
			return nil, err
		}
		n, err := e.node(v, st.expr)
		if err != nil {
			return nil, err
		}
		if n.Err() != nil { // of a column that is carried along
			return nil, e.fail(st.expr, "", n.Err())
		}
		if n.Weak() {
			n = array.CastTo(n, n.DType(), 0) // a result has an element type of its own
		}
		if st.name == "" {
			results = append(results, Result{s.text(st.expr), n})
			continue
		}
		e.names[st.name] = v
		same := func(r Result) bool { return r.Name == st.name }
		assigned = append(slices.DeleteFunc(assigned, same), Result{st.name, n}) // assigned twice: the second counts
	}
	if len(results) == 0 {
		return assigned, nil
	}
	return results, nil
}

// value is what an expression stands for: a number as long as it met no array, else a node.
type value struct {
	number *number
	node   *array.Node
}

type evaluator struct {
	script  *Script
	resolve func(string) (*array.Node, error)
	compute func(array.Op, float64, float64) (float64, bool)
	names   map[string]value
}

// fail marks the place of x with an error of some kind.
func (e *evaluator) fail(x ast.Node, kind string, err error) error {
	return &Error{kind, e.script.src, e.script.offset(x.Pos()), err}
}

func (e *evaluator) failf(x ast.Node, format string, args ...any) error {
	return e.fail(x, "", fmt.Errorf(format, args...))
}

// node is a value as an operand: a number becomes a weak scalar.
func (e *evaluator) node(v value, x ast.Node) (*array.Node, error) {
	if v.number == nil {
		return v.node, nil
	}
	s, err := v.number.scalar()
	if err != nil {
		return nil, e.fail(x, "", err)
	}
	return array.NumberOperand(s), nil
}

func (e *evaluator) evalNode(x ast.Expr) (*array.Node, error) {
	v, err := e.eval(x)
	if err != nil {
		return nil, err
	}
	return e.node(v, x)
}

// made checks a node that x has just made. One of an op that fails for some elements takes its place along.
func (e *evaluator) made(n *array.Node, at ast.Node) (value, error) {
	if err := n.Err(); err != nil {
		if _, carried := n.Carried(); carried { // a column that can be cast, perhaps
			return value{node: n}, nil
		}
		return value{}, e.fail(at, "", err)
	}
	if n.Kind() == array.KindOp && n.Op().Fault(n.DType()) != nil {
		source, offset := e.script.src, e.script.offset(at.Pos())
		n = n.Placed(func(err error) error { return &Error{"", source, offset, err} })
	}
	return value{node: n}, nil
}

// marker is a place without an expression of its own, such as an operator.
type marker token.Pos

func (m marker) Pos() token.Pos { return token.Pos(m) }
func (m marker) End() token.Pos { return token.Pos(m) }

func (e *evaluator) eval(x ast.Expr) (value, error) {
	switch x := x.(type) {
	case *ast.ParenExpr:
		return e.eval(x.X)
	case *ast.BasicLit:
		if x.Kind == token.STRING || x.Kind == token.CHAR {
			return value{}, e.failf(x, "%s is text; a column of that name is col(%q)", x.Value, strings.Trim(x.Value, "\"'`"))
		}
		n, err := parseNumber(x.Kind, x.Value)
		if err != nil {
			return value{}, e.fail(x, "", err)
		}
		return value{number: &n}, nil
	case *ast.Ident:
		return e.name(x)
	case *ast.SelectorExpr:
		return e.column(x)
	case *ast.UnaryExpr:
		return e.unary(x)
	case *ast.BinaryExpr:
		return e.binary(x)
	case *ast.CallExpr:
		return e.call(x)
	case *ast.StarExpr:
		return value{}, e.failf(x, "a * before an operand means nothing; x ** y is a power")
	case *ast.IndexExpr, *ast.SliceExpr, *ast.IndexListExpr:
		return value{}, e.failf(x, "elements and slices cannot be picked here; where(condition, a, b) chooses by a condition")
	}
	return value{}, e.failf(x, "not an expression over columns; there are names, numbers, operators and calls")
}

func (e *evaluator) name(x *ast.Ident) (value, error) {
	if v, ok := e.names[x.Name]; ok {
		return v, nil
	}
	if x.Name == "true" || x.Name == "false" {
		return value{node: array.NumberOperand(array.ScalarOf(x.Name == "true"))}, nil
	}
	v, err := e.resolved(x.Name, x)
	if err != nil && isFunction(x.Name) {
		return value{}, e.failf(x, "%s is a function: write %s", x.Name, usage(x.Name))
	}
	return v, err
}

func (e *evaluator) resolved(name string, at ast.Node) (value, error) {
	n, err := e.resolve(name)
	if err != nil {
		return value{}, e.fail(at, "", err)
	}
	return e.made(n, at)
}

// column is frame.column; the column's own name may have dots.
func (e *evaluator) column(x *ast.SelectorExpr) (value, error) {
	parts := []string{x.Sel.Name}
	rest := x.X
	for {
		switch r := rest.(type) {
		case *ast.SelectorExpr:
			parts = append([]string{r.Sel.Name}, parts...)
			rest = r.X
			continue
		case *ast.Ident:
			return e.resolved(r.Name+"."+strings.Join(parts, "."), x)
		}
		return value{}, e.failf(x, "a dot stands between a frame and its column, as in flights.delay")
	}
}

func (e *evaluator) unary(x *ast.UnaryExpr) (value, error) {
	v, err := e.eval(x.X)
	if err != nil {
		return value{}, err
	}
	if v.number != nil && x.Op == token.SUB {
		n := v.number.negate()
		return value{number: &n}, nil
	}
	if x.Op == token.ADD {
		return v, nil
	}
	n, err := e.node(v, x.X)
	if err != nil {
		return value{}, err
	}
	switch x.Op {
	case token.SUB:
		return e.made(array.Apply(array.Negative, 0, n), x)
	case token.NOT:
		return e.made(array.Apply(array.LogicalNot, 0, n), x)
	case token.TILDE, token.XOR:
		op := array.BitwiseInvert
		if n.DType() == array.Bool {
			op = array.LogicalNot
		}
		return e.made(array.Apply(op, 0, n), x)
	}
	return value{}, e.failf(x, "no operator %s%s; there are - + ! ~", x.Op, n.DType())
}

// operators are the ops by their symbols.
var operators = map[token.Token]array.Op{
	token.ADD: array.Add, token.SUB: array.Subtract, token.MUL: array.Multiply, token.QUO: array.Divide,
	token.EQL: array.Equal, token.NEQ: array.NotEqual, token.LSS: array.Less, token.LEQ: array.LessEqual,
	token.GTR: array.Greater, token.GEQ: array.GreaterEqual, token.LAND: array.LogicalAnd, token.LOR: array.LogicalOr,
	floorDivide: array.FloorDivide, token.REM: array.Remainder, power: array.Pow,
	token.AND: array.BitwiseAnd, token.OR: array.BitwiseOr, token.XOR: array.BitwiseXor,
	token.SHL: array.BitwiseLeftShift, token.SHR: array.BitwiseRightShift,
}

// onBools are the bitwise ops of two bools by the names that they have as logical ones.
var onBools = map[array.Op]array.Op{
	array.BitwiseAnd: array.LogicalAnd, array.BitwiseOr: array.LogicalOr, array.BitwiseXor: array.LogicalXor,
}

func (e *evaluator) binary(x *ast.BinaryExpr) (value, error) {
	op, ok := operators[x.Op]
	if !ok {
		return value{}, e.failf(marker(x.OpPos), "no operator %s; there are + - * / // %% ** & | ^ << >> == != < <= > >= && || ! ~", x.Op)
	}
	if left, ok := x.X.(*ast.BinaryExpr); ok && isComparison(x.Op) && isComparison(left.Op) {
		return value{}, e.failf(marker(x.OpPos), "comparisons do not chain; write a %s b && b %s c", left.Op, x.Op)
	}
	l, err := e.eval(x.X)
	if err != nil {
		return value{}, err
	}
	r, err := e.eval(x.Y)
	if err != nil {
		return value{}, err
	}
	if l.number != nil && r.number != nil {
		if n, ok := e.arithmetic(x.Op, *l.number, *r.number); ok {
			return value{number: &n}, nil
		}
	}
	a, err := e.node(l, x.X)
	if err != nil {
		return value{}, err
	}
	b, err := e.node(r, x.Y)
	if err != nil {
		return value{}, err
	}
	if logical, ok := onBools[op]; ok && a.DType() == array.Bool && b.DType() == array.Bool {
		op = logical
	}
	return e.made(array.Apply(op, 0, a, b), marker(x.OpPos))
}

// arithmetic computes an operator on literals; false where there is no result, or none that is a number.
func (e *evaluator) arithmetic(op token.Token, x, y number) (number, bool) {
	n, ok := x.arithmetic(op, y)
	if ok || op != floorDivide && op != token.REM && op != power || x.integer != nil && y.integer != nil {
		return n, ok
	}
	f, ok := e.compute(operators[op], x.float64(), y.float64())
	return number{float: f}, ok
}

func isComparison(t token.Token) bool { return t.Precedence() == token.EQL.Precedence() }

// stringLiteral is the text of a quoted name.
func stringLiteral(x ast.Expr) (string, bool) {
	lit, ok := x.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
