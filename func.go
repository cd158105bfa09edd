package darray

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/lang"
)

// Func makes a function of arrays of an expression in the language of `darray eval`, over parameters of the given names:
//
//	logistic := darray.Func("1 / (1 + exp(-x))", "x")
//	y := logistic(darray.Add(a, b))
//
// It is fused with what is around it like any op, on every device; nothing runs when it is called. The expression may have
// assignments before it ("d = x - m; d * d"). A mistake in it, or a call with another number of arrays than there are names, is kept in the
// arrays that it gives, as other mistakes are.
func Func(expression string, names ...string) func(args ...Array) Array {
	pc := caller(1)
	script, err := lang.Parse(expression)
	for i, name := range names {
		if err == nil && slices.Contains(names[:i], name) {
			err = fmt.Errorf("two parameters are called %s", name)
		}
	}
	return func(args ...Array) Array {
		if err != nil {
			return Array{array.Failed(pc, fmt.Errorf("func: %w", err))}
		}
		if len(args) != len(names) {
			return Array{array.Failed(caller(1), fmt.Errorf("func: %w: %d arrays for %d parameters (%s)", ErrShape, len(args), len(names), strings.Join(names, ", ")))}
		}
		results, err := script.Eval(func(name string) (*array.Node, error) {
			if i := slices.Index(names, name); i >= 0 {
				return args[i].n(), nil
			}
			return nil, fmt.Errorf("no parameter %q; there are %s", name, list(names))
		}, onFloats)
		switch {
		case err != nil:
			return Array{array.Failed(pc, fmt.Errorf("func: %w", err))}
		case len(results) != 1:
			return Array{array.Failed(pc, fmt.Errorf("func: %d results; a function has one: name the others, as in \"d = x - m; d * d\"", len(results)))}
		}
		return Array{results[0].Node}
	}
}
