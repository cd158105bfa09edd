// Package vmath describes the element-wise functions of package exec/cpu/vmath: each once, as steps over lanes, from which
// the generators make the code of every instruction set. A new function is an entry in Functions and its description.
package vmath

import (
	"slices"

	"github.com/darray-go/darray/internal/lanes"
)

// Function is one function of one or two floats.
type Function struct {
	Name   string // as in the op table's Func; the float32 one ends with 32
	Arity  int
	Doc    string // completes "Name "
	Method string // reduction and approximation, for docs/numerics.md
	Source string // where it is published
	ULP    float64
	ULP32  float64 // the greatest error that is promised, in units in the last place of the result
	// The descriptions, over operands as lanes of float64. That of float32 gets them widened, and its result is rounded
	// to float32, unless Narrow: then it is over lanes of float32, twice as many in a vector.
	Float64, Float32 func(p *lanes.Program, x ...lanes.F) lanes.F
	Narrow           bool
}

// Family is functions that share a file.
type Family struct {
	Name      string // of the files: z<name>.go
	Functions []Function
}

// Families lists all there are.
func Families() []Family {
	return []Family{
		{"exp", exponentials},
		{"log", logarithms},
		{"logaddexp", logSums},
		{"pow", powers},
		{"roots", roots},
		{"trig", trigonometrics},
		{"arc", arcs},
		{"hyperbolic", hyperbolics},
		{"erf", errorFunctions},
		{"division", divisions},
	}
}

// Functions lists the functions of all families.
func Functions() []Function {
	var all []Function
	for _, f := range Families() {
		all = slices.Concat(all, f.Functions)
	}
	return all
}

// Program is the description of a function of float64 or of float32.
func (f Function) Program(float32s bool) *lanes.Program {
	width, describe := 64, f.Float64
	if float32s {
		describe = f.Float32
		if f.Narrow {
			width = 32
		}
	}
	p := lanes.New(width)
	x := make([]lanes.F, f.Arity)
	for i := range x {
		x[i] = p.Arg(i)
	}
	return p.Finish(describe(p, x...))
}
