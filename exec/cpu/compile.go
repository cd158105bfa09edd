package cpu

import (
	"math"

	"github.com/darray-go/darray/array"
)

// code is a program as a list of steps over slots. A slot is a chunk of memory that serves one register after another, so
// that what a long program touches stays as small as what it has alive at once.
type code struct {
	program *array.Program
	consts  []step // filled once a worker
	steps   []step // done for every chunk
	slots   int
}

// step is one thing to do for a chunk. Operands that an op does not have repeat the last.
type step struct {
	do    func(*worker, *step)
	dst   int // slot
	args  [3]int
	dtype array.DType // of dst; of the operand where there is no dst
	bound int         // the result that dst is computed straight into, else none
	loop  loop
	pick  pick
	input *array.Input
	axes  axes
	out   int // the output that the step stores or folds
	op    array.Op
	fold  fold
	acc   array.DType
}

const (
	none    = -1
	forever = math.MaxInt
)

// compiler turns a program into code: one step for each instruction, the loads of inputs before their first use, stores
// and folds after the last definition they need.
type compiler struct {
	*code
	slot  []int // by register; none: not computed yet
	last  []int // by register: the instruction that reads it last; none, or forever for constants
	first []int // by register: the first output that takes it
	next  []int // by output: the next one that takes the same register
	free  []int // slots without a register
}

// compile gives the code of a program; an error where the program is malformed.
func compile(p *array.Program) (*code, error) {
	if err := validate(p); err != nil {
		return nil, err
	}
	regs := p.Regs()
	table := make([]int, 4*regs+len(p.Outputs))
	for i := range table {
		table[i] = none
	}
	cut := func(n int) []int {
		out := table[:n:n]
		table = table[n:]
		return out
	}
	c := &compiler{
		code: &code{program: p, steps: make([]step, 0, regs+len(p.Outputs))},
		slot: cut(regs), last: cut(regs), first: cut(regs), free: cut(regs)[:0], next: cut(len(p.Outputs)),
	}
	for i, instr := range p.Code {
		for _, a := range instr.Args {
			c.last[a] = i
		}
	}
	for i := len(p.Outputs) - 1; i >= 0; i-- {
		r := p.Outputs[i].Reg
		c.first[r], c.next[i] = i, c.first[r]
	}
	for r := range p.Inputs { // first, as their slots are theirs for the whole run
		c.constant(array.Reg(r))
	}
	for i := range p.Code {
		c.instruction(i)
	}
	for r := range p.Inputs {
		if c.first[r] != none {
			c.load(array.Reg(r))
		}
	}
	return c.code, nil
}

// take finds a slot.
func (c *compiler) take() int {
	if n := len(c.free); n > 0 {
		s := c.free[n-1]
		c.free = c.free[:n-1]
		return s
	}
	c.slots++
	return c.slots - 1
}

// constant gives an input that is one value its slot.
func (c *compiler) constant(r array.Reg) {
	in := &c.program.Inputs[r]
	if c.last[r] == none && c.first[r] == none || in.Kind == array.InputBlock || in.Kind == array.InputIota {
		return
	}
	s := step{do: (*worker).constant, dtype: in.DType, input: in}
	if in.Kind == array.InputBroadcast {
		if s.axes = collapse(c.program.Domain, in.Strides); !s.axes.constant() {
			return
		}
		s.do = (*worker).constantOperand
	}
	c.last[r] = forever
	s.dst = c.take()
	c.slot[r] = s.dst
	c.consts = append(c.consts, s)
}

// load puts the step that reads an input, unless it is there, and what leaves the program at once.
func (c *compiler) load(r array.Reg) {
	in := &c.program.Inputs[r]
	if c.slot[r] == none {
		s := step{do: (*worker).block, dst: c.take(), dtype: in.DType, bound: none, input: in}
		switch {
		case in.Kind == array.InputIota:
			s.do, s.bound = (*worker).iota, c.bind(r)
		case in.Kind == array.InputBroadcast:
			s.do, s.bound = (*worker).broadcast, c.bind(r)
			s.axes = collapse(c.program.Domain, in.Strides)
		}
		c.slot[r] = s.dst
		c.steps = append(c.steps, s)
		c.leave(r, s.bound)
	} else if c.last[r] == forever {
		c.leave(r, none)
	}
}

// bind gives the result that register r can be computed straight into: its first output as a block, if that is not a
// bitmap.
func (c *compiler) bind(r array.Reg) int {
	for o := c.first[r]; o != none; o = c.next[o] {
		if out := c.program.Outputs[o]; !out.Reduce && out.DType != array.Bool {
			return o
		}
	}
	return none
}

// instruction puts the step of instruction i. Its result may take the slot of an operand that dies there, if the elements
// are as large and the step looks at one element of each operand before it writes one.
func (c *compiler) instruction(i int) {
	instr := &c.program.Code[i]
	s := step{do: (*worker).apply, dtype: instr.Out, bound: c.bind(instr.Dst)}
	s.loop, s.pick = kernel(c.program, instr)
	inPlace := true
	switch instr.Op.Info().Nulls {
	case array.NullPick:
		s.do, inPlace = (*worker).where, false
	case array.NullFill:
		s.do, inPlace = (*worker).fillNull, false
	case array.NullNever:
		s.do, inPlace = (*worker).isNull, false
	}
	for _, a := range instr.Args {
		if c.slot[a] == none {
			c.load(a)
		}
		inPlace = inPlace && c.program.RegType(a).Size() == instr.Out.Size()
	}
	for k := range s.args {
		s.args[k] = c.slot[instr.Args[min(k, len(instr.Args)-1)]]
	}
	if !inPlace {
		s.dst = c.take()
	}
	for _, a := range instr.Args {
		if c.last[a] == i {
			c.free = append(c.free, c.slot[a])
			c.last[a] = none // once, if it is an operand twice
		}
	}
	if inPlace {
		s.dst = c.take()
	}
	c.slot[instr.Dst] = s.dst
	c.steps = append(c.steps, s)
	c.leave(instr.Dst, s.bound)
}

// leave puts the stores and folds of register r, which has just been computed, and frees it if nothing else reads it.
func (c *compiler) leave(r array.Reg, bound int) {
	for i := c.first[r]; i != none; i = c.next[i] {
		o := c.program.Outputs[i]
		s := step{do: (*worker).store, args: [3]int{c.slot[r]}, dtype: o.DType, bound: bound, out: i}
		if o.Reduce {
			s.do, s.op, s.acc = (*worker).reduce, o.Op, array.AccumulatorType(o.Op, o.DType)
			s.fold = foldOf(o.Op, o.DType)
		}
		c.steps = append(c.steps, s)
	}
	if c.last[r] == none {
		c.free = append(c.free, c.slot[r])
	}
}
