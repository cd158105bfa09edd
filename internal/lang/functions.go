package lang

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/nearest"
)

// function is one that is not simply a row of the op table.
type function struct {
	usage    string
	min, max int // operands; max < 0: any number
	call     func(e *evaluator, x *ast.CallExpr) (value, error)
}

// lookup finds such a function, a reduction among them. (A switch and not a table: the functions call eval, which looks them up.)
func lookup(name string) (function, bool) {
	switch name {
	case "cast":
		return function{"cast(x, int64)", 2, 2, (*evaluator).cast}, true
	case "arange":
		return function{"arange(stop), arange(start, stop) or arange(start, stop, step)", 1, 3, (*evaluator).arange}, true
	case "zeros":
		return function{"zeros(n)", 1, -1, constantFill("zeros", 0)}, true
	case "ones":
		return function{"ones(n)", 1, -1, constantFill("ones", 1)}, true
	case "full":
		return function{"full(n, value)", 2, -1, (*evaluator).full}, true
	case "reshape":
		return function{"reshape(x, rows, columns)", 2, -1, (*evaluator).reshape}, true
	case "matmul":
		return function{"matmul(x, y)", 2, 2, (*evaluator).matmul}, true
	case "col":
		return function{`col("name of a column")`, 1, 1, (*evaluator).col}, true
	case "random":
		return function{"random(seed, n)", 1, -1, drawn("random", array.Random)}, true
	case "random_normal":
		return function{"random_normal(seed, n)", 1, -1, drawn("random_normal", array.RandomNormal)}, true
	case "random_integers":
		return function{"random_integers(seed, lo, hi, n)", 3, -1, (*evaluator).randomIntegers}, true
	case "keepdims":
		return function{"keepdims(sum(x, axis))", 1, 1, (*evaluator).keepDims}, true
	case "dot":
		return function{"dot(x, y)", 2, 2, product(array.Dot)}, true
	case "vdot":
		return function{"vdot(x, y)", 2, 2, product(array.Vdot)}, true
	}
	if f := reduction(name); f != nil {
		return reduce(name, f), true
	}
	return function{}, false
}

var special = []string{
	"arange", "cast", "col", "count_nonzero", "dot", "full", "keepdims", "matmul", "norm", "ones",
	"random", "random_integers", "random_normal", "reshape", "std", "variance", "vdot", "zeros",
}

// aliases are other names that NumPy and the array API have for ops.
var aliases = map[string]string{
	"absolute": "abs", "true_divide": "divide", "power": "pow", "mod": "remainder", "rint": "round", "fix": "trunc",
	"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh",
	"bitwise_not": "bitwise_invert", "invert": "bitwise_invert", "left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift",
}

// canonical is the op's name of a name.
func canonical(name string) string {
	if op, ok := aliases[name]; ok {
		return op
	}
	return name
}

// otherNames lists the aliases of ops that there are.
func otherNames() []string {
	var names []string
	for name, op := range aliases {
		if _, ok := array.OpByName(op); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Elementwise lists the element-wise functions without an operator, in the order of the op table, for help.
func Elementwise() []string {
	var names []string
	for _, op := range array.Ops() {
		info := op.Info()
		if info.Symbol == "" && info.Arity < 3 && info.Nulls == array.NullStrict && info.Rule != array.RuleCast && !op.IsReduction() && !op.IsScan() {
			names = append(names, info.Name)
		}
	}
	return names
}

// Functions lists the names of all functions, sorted.
func Functions() []string {
	names := append(slices.Clone(special), opNames()...)
	slices.Sort(names)
	return names
}

func isFunction(name string) bool { return slices.Contains(Functions(), name) }

func isReserved(name string) bool { return isFunction(name) || name == "true" || name == "false" }

// usage shows a call of a function.
func usage(name string) string {
	if f, ok := lookup(name); ok {
		return f.usage
	}
	op, _ := array.OpByName(name)
	if op == array.Clip {
		return name + "(x, lo, hi)"
	}
	return name + "(" + strings.Join([]string{"x", "y", "z"}[:op.Info().Arity], ", ") + ")"
}

func (e *evaluator) call(x *ast.CallExpr) (value, error) {
	id, ok := x.Fun.(*ast.Ident)
	if !ok {
		return value{}, e.failf(x, "a call names its function, as in sum(x)")
	}
	if x.Ellipsis.IsValid() {
		return value{}, e.failf(marker(x.Ellipsis), "no ... here; name each operand")
	}
	if f, ok := lookup(id.Name); ok {
		if n := len(x.Args); n < f.min || f.max >= 0 && n > f.max {
			return value{}, e.arity(id, n)
		}
		return f.call(e, x)
	}
	op, ok := array.OpByName(canonical(id.Name))
	if !ok || op == array.Var {
		return value{}, e.fail(id, "unknown function", unknown(id.Name))
	}
	if len(x.Args) != op.Info().Arity {
		return value{}, e.arity(&ast.Ident{NamePos: id.NamePos, Name: op.String()}, len(x.Args))
	}
	args := make([]*array.Node, len(x.Args))
	for i, a := range x.Args {
		n, err := e.evalNode(a)
		if err != nil {
			return value{}, err
		}
		args[i] = n
	}
	return e.made(array.Apply(op, 0, args...), id)
}

func unknown(name string) error {
	there := strings.Join(Functions(), ", ")
	if near := nearest.Name(name, append(Functions(), otherNames()...)); near != "" {
		return fmt.Errorf("%s; did you mean %s? There are %s", name, near, there)
	}
	return fmt.Errorf("%s; there are %s", name, there)
}

func (e *evaluator) arity(id *ast.Ident, n int) error {
	operands := "operands"
	if n == 1 {
		operands = "operand"
	}
	return e.failf(id, "%s does not take %d %s; write %s", id.Name, n, operands, usage(id.Name))
}

// cast takes the name of an element type as its second operand.
func (e *evaluator) cast(x *ast.CallExpr) (value, error) {
	n, err := e.evalNode(x.Args[0])
	if err != nil {
		return value{}, err
	}
	id, ok := x.Args[1].(*ast.Ident)
	if !ok {
		return value{}, e.failf(x.Args[1], "cast takes the name of an element type, as in %s", usage("cast"))
	}
	d, err := array.ParseDType(id.Name)
	if err != nil {
		return value{}, e.fail(id, "", err)
	}
	return e.made(array.CastTo(n, d, 0), x)
}

// literal is an operand that has to be known before anything runs.
func (e *evaluator) literal(function string, x ast.Expr) (number, error) {
	v, err := e.eval(x)
	if err != nil {
		return number{}, err
	}
	if v.number == nil {
		return number{}, e.failf(x, "%s takes numbers here, not arrays", function)
	}
	return *v.number, nil
}

// arange has integers where all operands are, else float64, as numpy.arange.
func (e *evaluator) arange(x *ast.CallExpr) (value, error) {
	bounds := make([]array.Scalar, len(x.Args))
	common := array.Int64
	for i, a := range x.Args {
		n, err := e.literal("arange", a)
		if err != nil {
			return value{}, err
		}
		if bounds[i], err = n.scalar(); err != nil {
			return value{}, e.fail(a, "", err)
		}
		common = array.Promote(common, bounds[i].DType())
	}
	start, step := array.ScalarOf(0), array.ScalarOf(1)
	stop := bounds[0]
	if len(bounds) > 1 {
		start, stop = bounds[0], bounds[1]
	}
	if len(bounds) > 2 {
		step = bounds[2]
	}
	return e.made(array.Arange(start.Cast(common), stop.Cast(common), step.Cast(common), 0), x)
}

// shape is extents as they stand in a call.
func (e *evaluator) shape(function string, args []ast.Expr) (array.Shape, error) {
	shape := make(array.Shape, len(args))
	for i, a := range args {
		n, err := e.literal(function, a)
		if err != nil {
			return nil, err
		}
		if shape[i], err = n.count(); err != nil {
			return nil, e.fail(a, "", fmt.Errorf("%s: %w", function, err))
		}
	}
	return shape, nil
}

// constantFill is zeros and ones: float64, as NumPy's.
func constantFill(name string, v float64) func(*evaluator, *ast.CallExpr) (value, error) {
	return func(e *evaluator, x *ast.CallExpr) (value, error) {
		shape, err := e.shape(name, x.Args)
		if err != nil {
			return value{}, err
		}
		return e.made(array.Full(array.ScalarOf(v), shape, 0), x)
	}
}

// full takes the shape, then the value.
func (e *evaluator) full(x *ast.CallExpr) (value, error) {
	last := len(x.Args) - 1
	shape, err := e.shape("full", x.Args[:last])
	if err != nil {
		return value{}, err
	}
	v, err := e.evalNode(x.Args[last])
	if err != nil {
		return value{}, err
	}
	if !v.Weak() {
		return value{}, e.failf(x.Args[last], "full takes one number or true or false, not an array")
	}
	return e.made(array.Full(v.Scalar(), shape, 0), x)
}

// reshape takes the array, then the shape; one extent of -1 is what the others leave.
func (e *evaluator) reshape(x *ast.CallExpr) (value, error) {
	n, err := e.evalNode(x.Args[0])
	if err != nil {
		return value{}, err
	}
	shape, err := e.shape("reshape", x.Args[1:])
	if err != nil {
		return value{}, err
	}
	if open := slices.Index(shape, -1); open >= 0 {
		shape[open] = 1
		if err := shape.Check(); err == nil && shape.Len() > 0 && n.Shape().Len()%shape.Len() == 0 {
			shape[open] = n.Shape().Len() / shape.Len()
		}
	}
	return e.made(array.Reshape(n, shape, 0), x)
}

// matmul is the matrix product.
func (e *evaluator) matmul(x *ast.CallExpr) (value, error) {
	a, err := e.evalNode(x.Args[0])
	if err != nil {
		return value{}, err
	}
	b, err := e.evalNode(x.Args[1])
	if err != nil {
		return value{}, err
	}
	return e.made(array.Matmul(a, b, 0), x)
}

// col is a column whose name is no identifier.
func (e *evaluator) col(x *ast.CallExpr) (value, error) {
	name, ok := stringLiteral(x.Args[0])
	if !ok {
		return value{}, e.failf(x.Args[0], "col takes a name in double quotes, as in col(\"air time\")")
	}
	return e.resolved(name, x.Args[0])
}
