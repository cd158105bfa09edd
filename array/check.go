package array

import "fmt"

// Check reports what is wrong with a program, so that no device that runs it has to look again: an ErrGraph that names the
// input, instruction or output. It looks at neither operands nor results.
func (p *Program) Check() error {
	if p == nil {
		return fmt.Errorf("%w: no program", ErrGraph)
	}
	if err := p.Domain.Check(); err != nil {
		return err
	}
	for i := range p.Inputs {
		if err := p.CheckInput(i); err != nil {
			return fmt.Errorf("%w: input %d: %w", ErrGraph, i, err)
		}
	}
	for i := range p.Code {
		if err := p.checkInstr(i); err != nil {
			return fmt.Errorf("%w: instruction %d: %w", ErrGraph, i, err)
		}
	}
	for i, o := range p.Outputs {
		switch {
		case o.Reg < 0 || int(o.Reg) >= p.Regs():
			return fmt.Errorf("%w: output %d: no register %d", ErrGraph, i, o.Reg)
		case o.DType != p.RegType(o.Reg):
			return fmt.Errorf("%w: output %d: says %s, register %d is %s", ErrGraph, i, o.DType, o.Reg, p.RegType(o.Reg))
		case o.Reduce && !o.Op.Reduces(o.DType):
			return fmt.Errorf("%w: output %d: no reduction %s of %s", ErrGraph, i, o.Op, o.DType)
		}
	}
	return nil
}

// CheckInput reports what is wrong with input i.
func (p *Program) CheckInput(i int) error {
	in := &p.Inputs[i]
	switch {
	case !in.DType.Valid():
		return fmt.Errorf("%w: %s", ErrDType, in.DType)
	case in.Kind > InputIota:
		return fmt.Errorf("no kind %d", in.Kind)
	case in.Kind == InputConst && in.Value.DType() != in.DType,
		in.Kind == InputIota && (in.DType == Bool || in.Value.DType() != in.DType || in.Step.DType() != in.DType):
		return fmt.Errorf("%w: its value is not %s", ErrDType, in.DType)
	case in.Slot < 0:
		return fmt.Errorf("no operand %d", in.Slot)
	case in.Kind == InputBroadcast && len(in.Strides) != len(p.Domain):
		return fmt.Errorf("%w: %d strides over %d axes", ErrShape, len(in.Strides), len(p.Domain))
	}
	return nil
}

func (p *Program) checkInstr(i int) error {
	instr := &p.Code[i]
	switch {
	case !instr.Op.Valid() || instr.Op.IsReduction() || instr.Op.IsScan():
		return fmt.Errorf("%s is not element-wise", instr.Op)
	case int(instr.Dst) != len(p.Inputs)+i:
		return fmt.Errorf("defines register %d, not %d", instr.Dst, len(p.Inputs)+i)
	case len(instr.Args) != instr.Op.Info().Arity:
		return fmt.Errorf("%s takes %d operands, not %d", instr.Op, instr.Op.Info().Arity, len(instr.Args))
	case !instr.In.Valid() || !instr.Out.Valid():
		return fmt.Errorf("%w: %s to %s", ErrDType, instr.In, instr.Out)
	}
	in, out := [maxArity]DType{instr.In, instr.In, instr.In}, instr.In
	switch rule := instr.Op.Info().Rule; {
	case rule == RuleWhere:
		in, out = [maxArity]DType{Bool, instr.Out, instr.Out}, instr.Out
	case rule == RuleCast:
		out = instr.Out
	case rule.GivesBool():
		out = Bool
	}
	for k, a := range instr.Args {
		if a < 0 || a >= instr.Dst {
			return fmt.Errorf("reads register %d before it is there", a)
		}
		if p.RegType(a) != in[k] {
			return fmt.Errorf("%w: %s of %s reads register %d, which is %s", ErrDType, instr.Op, in[k], a, p.RegType(a))
		}
	}
	if instr.Out != out || !instr.Op.defined(instr.In) {
		return fmt.Errorf("%w: no %s of %s to %s", ErrDType, instr.Op, instr.In, instr.Out)
	}
	return nil
}

// Reduces reports whether the reduction is defined for operands of type d, which are cast before: sums of bools are sums of
// int64.
func (o Op) Reduces(d DType) bool {
	if !o.Valid() || !o.IsReduction() || !d.Valid() {
		return false
	}
	switch o.Info().Rule {
	case RuleSum:
		return d.Float() || d == Int64 || d == Uint64
	case RuleMean:
		return d.Float()
	case RuleTruth:
		return d == Bool
	}
	return true
}
