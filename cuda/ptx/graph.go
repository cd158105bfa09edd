package ptx

import (
	"strconv"

	"github.com/darray-go/darray/array"
)

// origin is where a value comes from.
type origin uint8

// The origins of values.
const (
	always       origin = iota // a truth that the text knows: input is 0 or 1
	operand                    // element i of a block
	operandValid               // whether it is not null
	gathered                   // the element that broadcasting picks of a block
	gatheredOK                 // whether it is not null
	single                     // the one element that broadcasting picks of a block throughout
	singleOK                   // whether it is not null
	counted                    // start + i*step
	constant                   // a parameter
	applied                    // an op on values
)

// none stands for no value.
const none = array.NoValue

// value is one element-wise result, by what it is computed from: equal values are one.
type value struct {
	from    origin
	op      array.Op
	in, out array.DType
	input   int // of the program; of blocks read flat or throughout, the operand
	uniform bool
	args    [3]int
}

var noArgs = [3]int{none, none, none}

// sink is a value that leaves the program, through output number output, and whether it is not null.
type sink struct{ output, value, valid int }

// fault is a value that is true where an instruction has no result.
type fault struct{ instr, value int }

// graph is a program as values, as exec/cpu has it. Whether an element is null is a value as well, a bool, so that equal
// validity is found once; where no operand can hold nulls, nothing of it is left. What is simplified does not look at
// constants, of which the text is independent.
type graph struct {
	program *array.Program
	form    *Form
	values  []value
	known   map[value]int
	sinks   []sink
	faults  []fault
}

// lower gives the values of a program that is well-formed.
func lower(p *array.Program, f *Form) *graph {
	g := &graph{program: p, form: f, known: make(map[value]int, 2*p.Regs()), values: make([]value, 0, 2*p.Regs())}
	g.Truth(false)
	g.Truth(true)
	p.Lower(g)
	return g
}

// Leave adds a sink; counts have no value.
func (g *graph) Leave(i, value, valid int) {
	if o := &g.program.Outputs[i]; o.Reduce && o.Op == array.Count {
		value = none
	}
	g.sinks = append(g.sinks, sink{output: i, value: value, valid: valid})
}

// Fault notes where an instruction has no result. The value is an op on x alone: equal or less, of it and no second.
func (g *graph) Fault(instr int, bad array.Op, x, valid int) {
	at := g.add(value{from: applied, op: bad, in: g.program.Code[instr].In, out: array.Bool, args: [3]int{x, none, none}})
	g.faults = append(g.faults, fault{instr, g.logical(array.LogicalAnd, at, valid)})
}

// add gives the number of v, an old one where an equal value is known.
func (g *graph) add(v value) int {
	v.uniform = true
	switch v.from {
	case operand, operandValid, gathered, gatheredOK, counted:
		v.uniform = false
	}
	for _, a := range v.args {
		if a != none {
			v.uniform = v.uniform && g.values[a].uniform
		}
	}
	if at, ok := g.known[v]; ok {
		return at
	}
	at := len(g.values)
	g.known[v] = at
	g.values = append(g.values, v)
	return at
}

// Truth is a bool that the text knows: value 0 or 1.
func (g *graph) Truth(b bool) int {
	v := value{from: always, out: array.Bool, args: noArgs}
	if b {
		v.input = 1
	}
	return g.add(v)
}

// Input gives an input's value and its validity.
func (g *graph) Input(r int) (of, valid int) {
	in := &g.program.Inputs[r]
	v := value{from: operand, out: in.DType, input: in.Slot, args: noArgs}
	valid = g.Truth(true)
	switch in.Kind {
	case array.InputConst:
		v.from, v.input = constant, r
		return g.add(v), valid
	case array.InputIota:
		v.from, v.input = counted, r
		return g.add(v), valid
	case array.InputBroadcast:
		v.from, v.input = gathered, r
		if len(collapse(g.program.Domain, in.Strides)) == 0 {
			v.from, v.input = single, in.Slot
		}
	}
	of = g.add(v)
	if g.form.nulls(in.Slot) {
		v.from++ // its validity
		v.out = array.Bool
		valid = g.add(v)
	}
	return of, valid
}

// Apply gives the value of an op.
func (g *graph) Apply(op array.Op, in, out array.DType, args [3]int) int {
	return g.apply(value{from: applied, op: op, in: in, out: out, args: args})
}

func (g *graph) logical(op array.Op, x, y int) int {
	return g.Apply(op, array.Bool, array.Bool, [3]int{x, y, none})
}

func (g *graph) not(x int) int { return g.logical(array.LogicalNot, x, none) }

// pick is x where cond, else y.
func (g *graph) pick(d array.DType, cond, x, y int) int {
	return g.Apply(array.Where, d, d, [3]int{cond, x, y})
}

// describe is a value's definition, in which values are numbered, for a comment: "v5 = add(v2, v4)".
func (g *graph) describe(at int) string {
	v := &g.values[at]
	b := strconv.AppendInt([]byte{'v'}, int64(at), 10)
	b = append(b, " = "...)
	switch v.from {
	case always, applied:
		name := v.op.String()
		if v.from == always {
			name = "always"
		} else if v.op == array.Cast {
			name = v.out.String()
		}
		b = append(append(b, name...), '(')
		for i, a := range v.args {
			if a == none {
				continue
			}
			if i > 0 {
				b = append(b, ", "...)
			}
			b = strconv.AppendInt(append(b, 'v'), int64(a), 10)
		}
		return string(append(b, ')'))
	}
	b = append(b, origins[v.from]...)
	return string(strconv.AppendInt(b, int64(v.input), 10))
}

// origins are what the comments of a text call values that no op gives.
var origins = [...]string{
	operand: "operand ", operandValid: "validity of operand ", gathered: "broadcast input ", gatheredOK: "validity of broadcast input ",
	single: "the one element of operand ", singleOK: "validity of the one element of operand ", counted: "count of input ", constant: "constant input ",
	applied: "",
}

// live lists the values that sinks and faults need, operands first.
func (g *graph) live() []int {
	done := make([]bool, len(g.values))
	order := make([]int, 0, len(g.values))
	var visit func(at int)
	visit = func(at int) {
		if at == none || done[at] {
			return
		}
		done[at] = true
		for _, a := range g.values[at].args {
			visit(a)
		}
		order = append(order, at)
	}
	for _, f := range g.faults {
		visit(f.value)
	}
	for _, s := range g.sinks {
		visit(s.value)
		visit(s.valid)
	}
	return order
}
