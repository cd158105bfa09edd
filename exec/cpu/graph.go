package cpu

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// kind is where a value comes from.
type kind uint8

// The kinds of values.
const (
	operand       kind = iota // element i of a block
	operandValid              // whether it is not null
	gathered                  // the element that broadcasting picks of a block
	gatheredValid             // whether it is not null
	scalar                    // the one element that broadcasting picks of a block throughout
	scalarValid               // whether it is not null
	counted                   // start + i*step
	constant                  // the same in every launch
	applied                   // an op on values
	fusedOp                   // a fused op on values
	repeated                  // a uniform value as a vector
)

// none stands for no value, place or output.
const none = array.NoValue

// value is one element-wise result, by what it is computed from: equal values are one.
type value struct {
	kind    kind
	op      array.Op
	fused   kern.Fused
	in, out array.DType
	input   int // of the program; of blocks read flat, the operand
	bits    uint64
	uniform bool // the same for every element
	form    kern.Form
	args    [3]int
}

// sink is a value that leaves the program, through output number output.
type sink struct {
	output int
	value  int // none for counts
	valid  int // whether it is not null
	fold   *fold
	check  bool // value is true where instruction instr has no result; there is no output
	instr  int
}

// graph is a program as values. Whether an element is null is a value as well, a bool, so that what is done once for
// values serves validity too; where no operand can hold nulls, nothing of it is left.
type graph struct {
	program *array.Program
	nulls   []bool // by input: that it can hold them
	kernels *kern.Set
	values  []value
	known   map[value]int
	sinks   []sink
}

// lower gives the values of a program that is well-formed, where nullable says which inputs can hold nulls.
func lower(p *array.Program, nullable []bool, kernels *kern.Set) *graph {
	g := &graph{program: p, nulls: nullable, kernels: kernels, known: make(map[value]int, 2*p.Regs()), values: make([]value, 0, 2*p.Regs())}
	g.Truth(true)
	p.Lower(g)
	return g
}

// Leave adds a sink; values that are never null need no validity.
func (g *graph) Leave(i, value, valid int) {
	s := sink{output: i, value: value, valid: valid}
	if o := g.program.Outputs[i]; o.Reduce {
		g.foldOf(&s, o)
	}
	if s.valid == g.Truth(true) {
		s.valid = none
	}
	g.sinks = append(g.sinks, s)
}

// Fault lets the code tell for which elements an instruction has no result.
func (g *graph) Fault(instr int, bad array.Op, x, valid int) {
	in := g.program.Code[instr].In
	zero := g.constant(array.ScalarFromBits(in, 0))
	at := g.Apply(bad, in, array.Bool, [3]int{x, zero, none})
	at = g.logical(array.LogicalAnd, at, valid)
	if at != g.Truth(false) {
		g.sinks = append(g.sinks, sink{output: none, value: at, valid: none, check: true, instr: instr})
	}
}

// add gives the number of v, an old one where an equal value is known.
func (g *graph) add(v value) int {
	if at, ok := g.known[v]; ok {
		return at
	}
	at := len(g.values)
	g.known[v] = at
	g.values = append(g.values, v)
	return at
}

// constant is a value that every launch has.
func (g *graph) constant(s array.Scalar) int {
	return g.add(value{kind: constant, out: s.DType(), bits: s.Bits(), uniform: true, args: noArgs})
}

var noArgs = [3]int{none, none, none}

// Truth is a constant bool.
func (g *graph) Truth(b bool) int { return g.constant(array.ScalarOf(b)) }

// Input gives an input's value and its validity.
func (g *graph) Input(r int) (of, valid int) {
	in := &g.program.Inputs[r]
	v := value{kind: operand, out: in.DType, input: in.Slot, args: noArgs}
	valid = g.Truth(true)
	switch in.Kind {
	case array.InputConst:
		return g.constant(in.Value), valid
	case array.InputIota:
		v.kind, v.input = counted, r
		return g.add(v), valid
	case array.InputBroadcast:
		v.kind, v.input = gathered, r
		if collapse(g.program.Domain, in.Strides).constant() {
			v.kind, v.input, v.uniform = scalar, in.Slot, true
		}
	}
	of = g.add(v)
	if g.nulls[r] {
		v.kind++ // its validity
		v.out = array.Bool
		valid = g.add(v)
	}
	return of, valid
}

// Apply gives the value of an op.
func (g *graph) Apply(op array.Op, in, out array.DType, args [3]int) int {
	return g.apply(value{kind: applied, op: op, in: in, out: out, args: args})
}

func (g *graph) logical(op array.Op, x, y int) int {
	return g.Apply(op, array.Bool, array.Bool, [3]int{x, y, none})
}

func (g *graph) not(x int) int { return g.logical(array.LogicalNot, x, none) }

// apply gives the value of an op, in the plainest form that has the same bits.
func (g *graph) apply(v value) int {
	for {
		if at, ok := g.shortcut(&v); ok {
			return at
		}
		before := v
		g.rewrite(&v)
		if v == before {
			break
		}
	}
	v.uniform = true
	known := true
	for _, a := range v.args {
		if a != none {
			v.uniform = v.uniform && g.values[a].uniform
			known = known && g.values[a].kind == constant
		}
	}
	if known {
		return g.constant(g.evaluate(&v))
	}
	return g.add(v)
}

// scalarOf is the value of a constant.
func (g *graph) scalarOf(at int) (array.Scalar, bool) {
	if at == none || g.values[at].kind != constant {
		return array.Scalar{}, false
	}
	return array.ScalarFromBits(g.values[at].out, g.values[at].bits), true
}
