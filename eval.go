package darray

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/vmath"
	"github.com/darray-go/darray/internal/lang"
)

// Result is one result of Eval: the array, and its name or else the text of its expression.
type Result struct {
	Name  string
	Array Array
}

// Eval makes the arrays of a script in the language of `darray eval`: expressions in Go's syntax with NumPy's names, over
// the columns of frames. Columns of the frame named "" go by their name, those of others by "frame.column". Nothing runs
// until the arrays are collected. An error marks its place in the text.
func Eval(script string, frames map[string]*Frame) ([]Result, error) {
	s, err := lang.Parse(script)
	if err != nil {
		return nil, err
	}
	made, err := s.Eval(func(name string) (*array.Node, error) { return columnOf(frames, name) }, onFloats)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(made))
	for i, r := range made {
		results[i] = Result{r.Name, Array{r.Node}}
	}
	return results, nil
}

// onFloats computes an op of two float64 as arrays do, to the bit.
func onFloats(op array.Op, x, y float64) (float64, bool) {
	f, ok := vmath.FindScalar(op.Info().Func)
	if !ok || f.Binary == nil {
		return 0, false
	}
	return f.Binary(x, y), true
}

// columnOf finds a column by the name that a script calls it by.
func columnOf(frames map[string]*Frame, name string) (*array.Node, error) {
	main := frames[""]
	if main != nil && slices.Contains(main.Names(), name) {
		return main.Col(name).n(), nil
	}
	if frame, column, ok := strings.Cut(name, "."); ok {
		if f := frames[frame]; f != nil {
			if slices.Contains(f.Names(), column) {
				return f.Col(column).n(), nil
			}
			return nil, fmt.Errorf("frame %s: %w", frame, f.unknown(column))
		}
	}
	if main != nil {
		return nil, main.unknown(name)
	}
	var there []string
	for frame, f := range frames {
		for _, column := range f.Names() {
			there = append(there, frame+"."+column)
		}
	}
	if len(there) == 0 {
		return nil, fmt.Errorf("no column %q: there is no file to have columns", name)
	}
	slices.Sort(there)
	return nil, fmt.Errorf("no column %q; there are %s", name, list(there))
}
