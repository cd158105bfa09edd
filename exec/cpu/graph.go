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
const none = -1

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
	kernels *kern.Set
	values  []value
	known   map[value]int
	sinks   []sink
}

// lower gives the values of a program that is well-formed, where nullable says which inputs can hold nulls.
func lower(p *array.Program, nullable []bool, kernels *kern.Set) *graph {
	g := &graph{program: p, kernels: kernels, known: make(map[value]int, 2*p.Regs()), values: make([]value, 0, 2*p.Regs())}
	regs, valid := make([]int, p.Regs()), make([]int, p.Regs())
	always := g.truth(true)
	for r := range p.Inputs {
		regs[r], valid[r] = g.input(r, nullable[r])
	}
	live := reached(p)
	for i := range p.Code {
		instr := &p.Code[i]
		regs[instr.Dst], valid[instr.Dst] = g.instruction(instr, regs, valid)
		if live[instr.Dst] {
			g.check(i, regs, valid[instr.Dst])
		}
	}
	for i, o := range p.Outputs {
		s := sink{output: i, value: regs[o.Reg], valid: valid[o.Reg]}
		if o.Reduce {
			g.foldOf(&s, o)
		}
		if s.valid == always {
			s.valid = none
		}
		g.sinks = append(g.sinks, s)
	}
	return g
}

// reached says by register whether an output depends on it.
func reached(p *array.Program) []bool {
	live := make([]bool, p.Regs())
	for _, o := range p.Outputs {
		live[o.Reg] = true
	}
	for i := len(p.Code) - 1; i >= 0; i-- {
		if instr := &p.Code[i]; live[instr.Dst] {
			for _, a := range instr.Args {
				live[a] = true
			}
		}
	}
	return live
}

// check lets the code tell for which elements instruction i has no result, if there can be any: where its second operand is
// 0, or negative for powers, and the result is not null.
func (g *graph) check(i int, regs []int, valid int) {
	instr := &g.program.Code[i]
	bad := array.Equal
	switch instr.Op.Fault(instr.In) {
	case nil:
		return
	case array.ErrNegativePower:
		bad = array.Less
	}
	zero := g.constant(array.ScalarFromBits(instr.In, 0))
	at := g.apply(value{kind: applied, op: bad, in: instr.In, out: array.Bool, args: [3]int{regs[instr.Args[1]], zero, none}})
	at = g.logical(array.LogicalAnd, at, valid)
	if at != g.truth(false) {
		g.sinks = append(g.sinks, sink{output: none, value: at, valid: none, check: true, instr: i})
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

// truth is a constant bool.
func (g *graph) truth(b bool) int { return g.constant(array.ScalarOf(b)) }

// input gives an input's value and its validity.
func (g *graph) input(r int, nullable bool) (of, valid int) {
	in := &g.program.Inputs[r]
	v := value{kind: operand, out: in.DType, input: in.Slot, args: noArgs}
	valid = g.truth(true)
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
	if nullable {
		v.kind++ // its validity
		v.out = array.Bool
		valid = g.add(v)
	}
	return of, valid
}

// instruction gives the value and the validity of an instruction's result.
func (g *graph) instruction(instr *array.Instr, regs, valid []int) (of, ok int) {
	var args, valids [3]int
	for k, a := range instr.Args {
		args[k], valids[k] = regs[a], valid[a]
	}
	switch instr.Op.Info().Nulls {
	case array.NullNever:
		return g.not(valids[0]), g.truth(true)
	case array.NullFill:
		return g.pick(instr.Out, valids[0], args[0], args[1]), g.logical(array.LogicalOr, valids[0], valids[1])
	case array.NullPick:
		picked := g.pick(array.Bool, args[0], valids[1], valids[2])
		return g.pick(instr.Out, args[0], args[1], args[2]), g.logical(array.LogicalAnd, valids[0], picked)
	}
	ok = valids[0]
	for _, v := range valids[1:len(instr.Args)] {
		ok = g.logical(array.LogicalAnd, ok, v)
	}
	if instr.Op == array.Clip {
		raised := g.apply(value{kind: applied, op: array.Maximum, in: instr.In, out: instr.Out, args: [3]int{args[0], args[1], none}})
		return g.apply(value{kind: applied, op: array.Minimum, in: instr.In, out: instr.Out, args: [3]int{raised, args[2], none}}), ok
	}
	v := value{kind: applied, op: instr.Op, in: instr.In, out: instr.Out, args: noArgs}
	copy(v.args[:], args[:len(instr.Args)])
	return g.apply(v), ok
}

func (g *graph) logical(op array.Op, x, y int) int {
	return g.apply(value{kind: applied, op: op, in: array.Bool, out: array.Bool, args: [3]int{x, y, none}})
}

func (g *graph) not(x int) int { return g.logical(array.LogicalNot, x, none) }

// pick is x where cond, else y.
func (g *graph) pick(d array.DType, cond, x, y int) int {
	return g.apply(value{kind: applied, op: array.Where, in: d, out: d, args: [3]int{cond, x, y}})
}

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
