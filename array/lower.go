package array

// Builder makes a device's form of a Program: element-wise values, which it numbers; equal ones may have one number. Whether an
// element is not null is a value as well, a bool. Lower calls Input for each input, then Apply, and Fault after an instruction's,
// then Leave for each output; Truth at any time.
type Builder interface {
	// Input is input number r, and whether it is not null.
	Input(r int) (value, valid int)
	// Truth is the same bool for every element.
	Truth(b bool) int
	// Apply is an op of Op.Info().Arity values; behind those args are NoValue. It is never Clip.
	Apply(op Op, in, out DType, args [maxArity]int) int
	// Fault is told that instruction number instr, on which an output depends, has no result where x is bad (Equal, Less) compared
	// with 0 and valid holds.
	Fault(instr int, bad Op, x, valid int)
	// Leave is told what output number i is of: the register's value, and whether it is not null.
	Leave(i, value, valid int)
}

// NoValue stands for no value.
const NoValue = -1

// Lower gives a program that is well-formed (Check) to b, instruction after instruction, with nulls as the ops' rules have them.
func (p *Program) Lower(b Builder) {
	l := lowering{b, make([]lowered, p.Regs())}
	for r := range p.Inputs {
		l.regs[r].value, l.regs[r].valid = b.Input(r)
	}
	live := p.live()
	for i := range p.Code {
		instr := &p.Code[i]
		of := l.instruction(instr)
		l.regs[instr.Dst] = of
		if bad, can := instr.fault(); can && live[instr.Dst] {
			b.Fault(i, bad, l.regs[instr.Args[1]].value, of.valid)
		}
	}
	for i := range p.Outputs {
		of := l.regs[p.Outputs[i].Reg]
		b.Leave(i, of.value, of.valid)
	}
}

// live says by register whether an output depends on it.
func (p *Program) live() []bool {
	live := make([]bool, p.Regs())
	for i := range p.Outputs {
		live[p.Outputs[i].Reg] = true
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

// fault is how the second operand compares with 0 where the instruction has no result, and whether that can be.
func (i *Instr) fault() (bad Op, can bool) {
	switch i.Op.Fault(i.In) {
	case nil:
		return 0, false
	case ErrNegativePower:
		return Less, true
	}
	return Equal, true
}

// lowering is a program that is being lowered; lowered is what its registers are.
type lowering struct {
	Builder
	regs []lowered
}

type lowered struct{ value, valid int }

// instruction gives the value and the validity of an instruction's result.
func (l *lowering) instruction(instr *Instr) (of lowered) {
	var args, valids [maxArity]int
	for k := range args {
		args[k] = NoValue
	}
	for k, a := range instr.Args {
		args[k], valids[k] = l.regs[a].value, l.regs[a].valid
	}
	switch instr.Op.Info().Nulls {
	case NullNever:
		of.value = l.bools(LogicalNot, valids[0], NoValue)
		of.valid = l.Truth(true)
		return of
	case NullFill:
		of.value = l.pick(instr.Out, valids[0], args[0], args[1])
		of.valid = l.bools(LogicalOr, valids[0], valids[1])
		return of
	case NullPick:
		picked := l.pick(Bool, args[0], valids[1], valids[2])
		of.value = l.pick(instr.Out, args[0], args[1], args[2])
		of.valid = l.bools(LogicalAnd, valids[0], picked)
		return of
	}
	of.valid = valids[0]
	for _, v := range valids[1:len(instr.Args)] {
		of.valid = l.bools(LogicalAnd, of.valid, v)
	}
	if instr.Op == Clip {
		args[0] = l.Apply(Maximum, instr.In, instr.Out, [maxArity]int{args[0], args[1], NoValue})
		of.value = l.Apply(Minimum, instr.In, instr.Out, [maxArity]int{args[0], args[2], NoValue})
		return of
	}
	of.value = l.Apply(instr.Op, instr.In, instr.Out, args)
	return of
}

func (l *lowering) bools(op Op, x, y int) int {
	return l.Apply(op, Bool, Bool, [maxArity]int{x, y, NoValue})
}

// pick is x where cond, else y.
func (l *lowering) pick(d DType, cond, x, y int) int {
	return l.Apply(Where, d, d, [maxArity]int{cond, x, y})
}
