package lang

import (
	"fmt"
	"go/ast"
	"slices"

	"github.com/darray-go/darray/array"
)

// overAxes is a function of an array and the axes behind it.
type overAxes func(a *array.Node, axes ...int) *array.Node

// reduction finds the reductions and scans; var is a word of Go, so here it is called variance.
func reduction(name string) overAxes {
	switch name {
	case "std":
		return func(a *array.Node, axes ...int) *array.Node { return array.Std(0, a, 0, axes...) }
	case "norm":
		return func(a *array.Node, axes ...int) *array.Node { return array.Norm(0, a, axes...) }
	case "count_nonzero":
		return func(a *array.Node, axes ...int) *array.Node { return array.CountNonzero(0, a, axes...) }
	case "variance":
		name = array.Var.String()
	case array.Var.String():
		return nil
	}
	op, ok := array.OpByName(name)
	switch {
	case ok && op.IsReduction():
		return func(a *array.Node, axes ...int) *array.Node { return array.Reduce(op, 0, a, axes...) }
	case ok && op.IsScan():
		return func(a *array.Node, axes ...int) *array.Node { return array.Scan(op, 0, a, axes...) }
	}
	return nil
}

// reduce takes the array, then the axes.
func reduce(name string, f overAxes) function {
	return function{fmt.Sprintf("%s(x) or %[1]s(x, axis)", name), 1, -1, func(e *evaluator, x *ast.CallExpr) (value, error) {
		n, err := e.evalNode(x.Args[0])
		if err != nil {
			return value{}, err
		}
		axes, err := e.shape(name, x.Args[1:])
		if err != nil {
			return value{}, err
		}
		return e.made(f(n, axes...), x)
	}}
}

// keepDims takes a reduction.
func (e *evaluator) keepDims(x *ast.CallExpr) (value, error) {
	n, err := e.evalNode(x.Args[0])
	if err != nil {
		return value{}, err
	}
	return e.made(array.KeepDims(n, 0), x)
}

// product is dot and vdot.
func product(f func(pc uintptr, x, y *array.Node) *array.Node) func(*evaluator, *ast.CallExpr) (value, error) {
	return func(e *evaluator, x *ast.CallExpr) (value, error) {
		a, err := e.evalNode(x.Args[0])
		if err != nil {
			return value{}, err
		}
		b, err := e.evalNode(x.Args[1])
		if err != nil {
			return value{}, err
		}
		return e.made(f(0, a, b), x)
	}
}

// opNames lists the ops that have a function of their own name.
func opNames() []string {
	var names []string
	for _, op := range array.Ops() {
		if op != array.Cast && op != array.Var {
			names = append(names, op.String())
		}
	}
	return slices.Clip(names)
}
