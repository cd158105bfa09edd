package cpu

import (
	"fmt"
	"math"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// validate reports what is wrong with a program, so that nothing that runs it has to look again.
func validate(p *array.Program, kernels *kern.Set) error {
	if p == nil {
		return fmt.Errorf("%w: no program", array.ErrGraph)
	}
	if err := p.Domain.Check(); err != nil {
		return err
	}
	for i := range p.Inputs {
		if err := validateInput(p, &p.Inputs[i]); err != nil {
			return fmt.Errorf("%w: input %d: %w", array.ErrGraph, i, err)
		}
	}
	for i := range p.Code {
		if err := validateInstr(p, i, kernels); err != nil {
			return fmt.Errorf("%w: instruction %d: %w", array.ErrGraph, i, err)
		}
	}
	for i, o := range p.Outputs {
		switch {
		case o.Reg < 0 || int(o.Reg) >= p.Regs():
			return fmt.Errorf("%w: output %d: no register %d", array.ErrGraph, i, o.Reg)
		case o.DType != p.RegType(o.Reg):
			return fmt.Errorf("%w: output %d: says %s, register %d is %s", array.ErrGraph, i, o.DType, o.Reg, p.RegType(o.Reg))
		case o.Reduce && !reduces(o.Op, o.DType, kernels):
			return fmt.Errorf("%w: output %d: no reduction %s of %s", array.ErrGraph, i, o.Op, o.DType)
		}
	}
	return nil
}

func validateInput(p *array.Program, in *array.Input) error {
	switch {
	case !in.DType.Valid():
		return fmt.Errorf("%w: %s", array.ErrDType, in.DType)
	case in.Kind > array.InputIota:
		return fmt.Errorf("no kind %d", in.Kind)
	case in.Kind == array.InputConst && in.Value.DType() != in.DType,
		in.Kind == array.InputIota && (in.DType == array.Bool || in.Value.DType() != in.DType || in.Step.DType() != in.DType):
		return fmt.Errorf("%w: its value is not %s", array.ErrDType, in.DType)
	case in.Slot < 0:
		return fmt.Errorf("no operand %d", in.Slot)
	case in.Kind == array.InputBroadcast && len(in.Strides) != len(p.Domain):
		return fmt.Errorf("%w: %d strides over %d axes", array.ErrShape, len(in.Strides), len(p.Domain))
	}
	return nil
}

func validateInstr(p *array.Program, i int, kernels *kern.Set) error {
	instr := &p.Code[i]
	switch {
	case !instr.Op.Valid() || instr.Op.IsReduction():
		return fmt.Errorf("%s is not element-wise", instr.Op)
	case int(instr.Dst) != len(p.Inputs)+i:
		return fmt.Errorf("defines register %d, not %d", instr.Dst, len(p.Inputs)+i)
	case len(instr.Args) != instr.Op.Info().Arity:
		return fmt.Errorf("%s takes %d operands, not %d", instr.Op, instr.Op.Info().Arity, len(instr.Args))
	case !instr.In.Valid() || !instr.Out.Valid():
		return fmt.Errorf("%w: %s to %s", array.ErrDType, instr.In, instr.Out)
	}
	in := [3]array.DType{instr.In, instr.In, instr.In}
	out := instr.In
	switch instr.Op.Info().Rule {
	case array.RuleWhere:
		in, out = [3]array.DType{array.Bool, instr.Out, instr.Out}, instr.Out
	case array.RuleCast:
		out = instr.Out
	default:
		if instr.Op.Info().Rule.GivesBool() {
			out = array.Bool
		}
	}
	for k, a := range instr.Args {
		if a < 0 || a >= instr.Dst {
			return fmt.Errorf("reads register %d before it is there", a)
		}
		if p.RegType(a) != in[k] {
			return fmt.Errorf("%w: %s of %s reads register %d, which is %s", array.ErrDType, instr.Op, in[k], a, p.RegType(a))
		}
	}
	if instr.Out != out || !defined(instr, kernels) {
		return fmt.Errorf("%w: no %s of %s to %s", array.ErrDType, instr.Op, instr.In, instr.Out)
	}
	return nil
}

// defined reports whether there is a kernel for an instruction whose types agree, or it needs none.
func defined(instr *array.Instr, kernels *kern.Set) bool {
	switch instr.Op {
	case array.Where, array.Cast, array.IsNull, array.FillNull, array.Clip:
		return true
	}
	return kernels.Element(instr.Op, instr.In, kern.VV) != nil
}

// check reports what is wrong with the operands and results that a program is launched over.
func (c *code) check(l *array.Launch) error {
	p := c.program
	n, size := l.Hi-l.Lo, p.Domain.Len()
	if l.Lo < 0 || l.Hi < l.Lo || l.Hi > size {
		return fmt.Errorf("%w: part [%d, %d) of %d elements", array.ErrShape, l.Lo, l.Hi, size)
	}
	for i := range p.Inputs {
		if err := checkOperand(p, &p.Inputs[i], l.Operands, n); err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	if len(l.Results) != len(p.Outputs) {
		return fmt.Errorf("%w: %d results for %d outputs", array.ErrShape, len(l.Results), len(p.Outputs))
	}
	for i, o := range p.Outputs {
		if o.Reduce {
			if n > 0 && (l.Lo%leaf != 0 || l.Hi%leaf != 0 && l.Hi != size) {
				return fmt.Errorf("%w: part [%d, %d) cuts a leaf of a reduction", array.ErrShape, l.Lo, l.Hi)
			}
			continue
		}
		r := l.Results[i]
		switch {
		case r == nil || r.Len() != n || r.DType() != o.DType:
			return fmt.Errorf("%w: result %d is not a block of %d %s", array.ErrShape, i, n, o.DType)
		case !slices.Contains(c.valid, i) && !r.HasNulls():
			return fmt.Errorf("%w: result %d can hold nulls and has no validity", array.ErrNull, i)
		}
	}
	return nil
}

func checkOperand(p *array.Program, in *array.Input, operands []*array.Block, n int) error {
	if in.Kind != array.InputBlock && in.Kind != array.InputBroadcast {
		return nil
	}
	if in.Slot >= len(operands) || operands[in.Slot] == nil {
		return fmt.Errorf("%w: no operand %d", array.ErrShape, in.Slot)
	}
	b := operands[in.Slot]
	if b.DType() != in.DType {
		return fmt.Errorf("%w: operand %d is %s, not %s", array.ErrDType, in.Slot, b.DType(), in.DType)
	}
	if in.Kind == array.InputBlock {
		if b.Len() != n {
			return fmt.Errorf("%w: operand %d has %d elements, not %d", array.ErrShape, in.Slot, b.Len(), n)
		}
		return nil
	}
	reach := 0 // the furthest element that the strides come to
	for i, extent := range p.Domain {
		stride := in.Strides[i]
		switch {
		case extent == 0:
			return nil // nothing is read
		case stride < 0 || extent > 1 && stride > (math.MaxInt-reach)/(extent-1):
			return fmt.Errorf("%w: stride %d along axis %d", array.ErrShape, stride, i)
		}
		reach += (extent - 1) * stride
	}
	if reach >= b.Len() {
		return fmt.Errorf("%w: operand %d has %d elements, its strides reach the %d-th", array.ErrShape, in.Slot, b.Len(), reach)
	}
	return nil
}
