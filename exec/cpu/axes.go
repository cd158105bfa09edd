package cpu

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
)

// overAxes reports whether an output is one that the fused program does not fold on its way: reductions over axes, those
// whose nodes are more than an accumulator, and scans.
func overAxes(o *array.Output) bool {
	return o.Scan || o.Reduce && (!o.Whole() || o.Op.HasAux())
}

// hasAxes reports whether a program has such outputs.
func hasAxes(p *array.Program) bool {
	return p != nil && slices.ContainsFunc(p.Outputs, func(o array.Output) bool { return overAxes(&o) })
}

// runAxes runs a program with such outputs: the others in one launch, then each of them over the elements of its register,
// which are an operand's or computed piece by piece into memory that stays in the cache.
func (d *Device) runAxes(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	if err := checkAxes(l); err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	forests := make([]array.Forest, len(l.Program.Outputs))
	parts := d.parts.find(l.Program)
	if len(parts.plain) > 0 {
		if err := d.runPlain(ctx, l, parts, forests); err != nil {
			return nil, err
		}
	}
	for i := range l.Program.Outputs {
		o := &l.Program.Outputs[i]
		if !overAxes(o) || l.Hi == l.Lo {
			continue
		}
		j := d.jobs.take()
		j.begin(d, l, parts, i)
		err := j.do(ctx)
		forests[i] = j.forest
		j.end()
		if err != nil {
			return nil, err
		}
	}
	for i, from := range parts.from {
		if from != none {
			forests[i] = sums(forests[from])
		}
	}
	if len(parts.plain) == 0 && l.Progress != nil {
		l.Progress(l.Hi - l.Lo)
	}
	return forests, nil
}

// runPlain runs the program without the outputs over axes and puts the forests of the others in their places.
func (d *Device) runPlain(ctx context.Context, l *array.Launch, parts *parts, forests []array.Forest) error {
	plain := *l
	plain.Program, plain.Results, plain.Resident = parts.program, make([]*array.Block, len(parts.plain)), make([]bool, len(parts.plain))
	for k, i := range parts.plain {
		plain.Results[k] = l.Results[i]
		plain.Resident[k] = i < len(l.Resident) && l.Resident[i]
	}
	some, err := d.Run(ctx, &plain)
	if err != nil {
		return err
	}
	for k, i := range parts.plain {
		forests[i] = some[k]
	}
	return nil
}

// sums is the trees of the sum that a variance keeps.
func sums(variance array.Forest) array.Forest {
	out := slices.Clone(variance)
	for i := range out {
		out[i].Aux = 0
	}
	return out
}

// checkAxes reports what is wrong with the outputs over axes of a launch; the rest is checked with the launches made of it.
func checkAxes(l *array.Launch) error {
	p := l.Program
	if err := p.Domain.Check(); err != nil {
		return err
	}
	if len(l.Results) != len(p.Outputs) {
		return fmt.Errorf("%w: %d results for %d outputs", array.ErrShape, len(l.Results), len(p.Outputs))
	}
	size := p.Domain.Len()
	if l.Lo < 0 || l.Hi < l.Lo || l.Hi > size {
		return fmt.Errorf("%w: part [%d, %d) of %d elements", array.ErrShape, l.Lo, l.Hi, size)
	}
	for i := range p.Inputs {
		in := &p.Inputs[i]
		err := p.CheckInput(i)
		if err == nil {
			err = checkOperand(p, in, l.Operands, l.Hi-l.Lo)
		}
		if err != nil {
			return fmt.Errorf("input %d: %w", i, err)
		}
	}
	for i := range p.Outputs {
		if o := &p.Outputs[i]; overAxes(o) {
			if err := checkOutput(l, i, o, size); err != nil {
				return fmt.Errorf("output %d: %w", i, err)
			}
		}
	}
	return nil
}

func checkOutput(l *array.Launch, i int, o *array.Output, size int) error {
	p, e := l.Program, o.Extent
	switch {
	case o.Reg < 0 || int(o.Reg) >= p.Regs() || o.DType != p.RegType(o.Reg):
		return fmt.Errorf("%w: no register %d of %s", array.ErrGraph, o.Reg, o.DType)
	case o.Reduce == o.Scan || !o.Op.Valid() || o.Reduce != o.Op.IsReduction() || o.Scan != o.Op.IsScan() || !takes(o.Op, o.DType):
		return fmt.Errorf("%w: no %s of %s", array.ErrGraph, o.Op, o.DType)
	case !o.Whole() && (e.Outer < 1 || e.Length < 1 || e.Inner < 1 || size%e.Outer != 0 || size/e.Outer%e.Length != 0 || size/e.Outer/e.Length != e.Inner):
		return fmt.Errorf("%w: %d elements are not %v", array.ErrShape, size, e)
	case o.Partial && (!o.Reduce || o.Whole() || e.Outer != 1):
		return fmt.Errorf("%w: a tree over rows of %v", array.ErrShape, e)
	case o.Partial && len(l.Columns) != len(p.Outputs):
		return fmt.Errorf("%w: %d places for %d outputs' trees over rows", array.ErrShape, len(l.Columns), len(p.Outputs))
	case o.Scan && o.Whole() && l.Lo > 0 && (i >= len(l.Before) || len(l.Before[i]) == 0):
		return fmt.Errorf("%w: a scan from %d on without what comes before", array.ErrGraph, l.Lo)
	}
	if unit := o.Unit(); l.Hi > l.Lo && (l.Lo%unit != 0 || l.Hi%unit != 0 && l.Hi != size) {
		return fmt.Errorf("%w: part [%d, %d) is not cut at multiples of %d", array.ErrShape, l.Lo, l.Hi, unit)
	}
	if o.Tree() {
		return nil
	}
	n := o.Results(l.Hi) - o.Results(l.Lo)
	if r := l.Results[i]; r == nil || r.Len() != n || r.DType() != o.Result() {
		return fmt.Errorf("%w: the result is not a block of %d %s", array.ErrShape, n, o.Result())
	}
	if p.Nullable(l.Operands)[i] && !l.Results[i].HasNulls() {
		return fmt.Errorf("%w: the result can hold nulls and has no validity", array.ErrNull)
	}
	return nil
}

// takes reports whether a reduction or scan takes operands of type d.
func takes(op array.Op, d array.DType) bool {
	switch op.Info().Rule {
	case array.RuleArg, array.RuleCount, array.RuleSame:
		return d.Valid()
	case array.RuleTruth:
		return d == array.Bool
	case array.RuleMean:
		return d.Float()
	}
	return d.Float() || d == array.Int64 || d == array.Uint64
}
