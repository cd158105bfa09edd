package exec

import (
	"cmp"
	"slices"

	"github.com/darray-go/darray/array"
)

// operand is a block that a program reads: the rank's part of a value, or all of it.
type operand struct {
	value int
	whole bool
}

// compare orders by value.
func (o operand) compare(other operand) int { return cmp.Compare(o.value, other.value) }

// builder makes the program of one group.
type builder struct {
	*fusion
	at       int // the group's number
	program  *array.Program
	operands []operand
	inputs   []input // by register
	regs     map[int]array.Reg
}

// input is what an input register stands for.
type input struct {
	value   int
	strides []int
	block   bool // of the rank's part
}

// build gives the program of a group, the blocks it reads by slot and the values of its outputs.
func (f *fusion) build(at int, name func(*value) string) (*array.Program, []operand, []int) {
	g := f.groups[at]
	b := &builder{fusion: f, at: at, program: &array.Program{Domain: g.axes}, regs: make(map[int]array.Reg, len(g.members))}
	if g.axes == nil {
		b.program.Domain = array.Shape{g.n}
	}
	args := make([]array.Reg, 0, 2*len(g.members)) // of all members, inputs being numbered before code
	for _, m := range g.members {
		v := f.values[m]
		for i, a := range f.reads(v) {
			if f.inside(at, a) {
				args = append(args, -1)
				continue
			}
			args = append(args, b.input(v, i, name))
		}
	}
	var outputs []int
	for _, m := range g.members {
		v := f.values[m]
		reads := f.reads(v)
		regs := args[:len(reads):len(reads)]
		args = args[len(reads):]
		for i, a := range reads {
			if regs[i] < 0 {
				regs[i] = b.regs[a]
			}
		}
		reg := regs[0]
		if v.kind == array.KindOp {
			reg = array.Reg(b.program.Regs())
			b.program.Code = append(b.program.Code, array.Instr{Op: v.op, In: b.operandType(v), Out: v.dtype, Dst: reg, Args: regs})
			b.regs[m] = reg
		}
		switch {
		case v.kind == array.KindReduce || v.kind == array.KindScan:
			b.program.Outputs = append(b.program.Outputs, b.overAxes(v, reg))
			outputs = append(outputs, m)
		case v.stored:
			b.program.Outputs = append(b.program.Outputs, array.Output{Reg: reg, DType: v.dtype})
			outputs = append(outputs, m)
		}
	}
	return b.program, b.operands, outputs
}

// inside reports whether a is computed in a register of the group.
func (f *fusion) inside(at, a int) bool {
	return f.values[a].group == at && f.values[a].kind == array.KindOp
}

// operandType is the type that v computes in: its last operand's, since where and its kin begin with a condition.
func (b *builder) operandType(v *value) array.DType {
	return b.values[v.args[len(v.args)-1]].dtype
}

// input gives the register of operand i of v, which comes from outside the group.
func (b *builder) input(v *value, i int, name func(*value) string) array.Reg {
	a := b.values[v.args[i]]
	in := input{value: v.args[i], block: b.flat(v, i) && b.groups[b.at].split}
	if !in.block && v.strides != nil {
		in.strides = v.strides[i]
	}
	for r, known := range b.inputs {
		if known.value == in.value && known.block == in.block && slices.Equal(known.strides, in.strides) {
			return array.Reg(r)
		}
	}
	b.inputs = append(b.inputs, in)
	n := array.Input{DType: a.dtype, Value: a.scalar, Step: a.step}
	switch {
	case a.kind == array.KindFull:
		n.Kind = array.InputConst
	case a.kind == array.KindArange:
		n.Kind = array.InputIota
	default:
		n.Name, n.Slot = name(a), len(b.operands)
		b.operands = append(b.operands, operand{in.value, !in.block})
		if n.Strides = in.strides; !b.flat(v, i) {
			n.Kind = array.InputBroadcast
			if n.Strides == nil { // one element
				n.Strides = make([]int, len(b.program.Domain))
			}
		}
	}
	b.program.Inputs = append(b.program.Inputs, n)
	return array.Reg(len(b.inputs) - 1)
}
