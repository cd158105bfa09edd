package cpu

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
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
		plain := *l
		plain.Program, plain.Results, plain.Resident = parts.program, make([]*array.Block, len(parts.plain)), nil
		for k, i := range parts.plain {
			plain.Results[k] = l.Results[i]
		}
		some, err := d.Run(ctx, &plain)
		if err != nil {
			return nil, err
		}
		for k, i := range parts.plain {
			forests[i] = some[k]
		}
	}
	for i := range l.Program.Outputs {
		o := &l.Program.Outputs[i]
		if !overAxes(o) || l.Hi == l.Lo {
			continue
		}
		j := newJob(d, l, parts, i)
		if err := j.do(ctx); err != nil {
			return nil, err
		}
		forests[i] = j.forest
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
		if in.Kind != array.InputBlock && in.Kind != array.InputBroadcast {
			continue
		}
		if in.Slot < 0 || in.Slot >= len(l.Operands) || l.Operands[in.Slot] == nil {
			return fmt.Errorf("input %d: %w: no operand %d", i, array.ErrShape, in.Slot)
		}
		if err := checkOperand(p, in, l.Operands, l.Hi-l.Lo); err != nil {
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

// job is one output over axes under way.
type job struct {
	device  *Device
	kernels *kern.Set
	launch  *array.Launch
	out     *array.Output
	source  source
	result  *array.Block // nil where a tree leaves
	acc     array.DType

	write  sync.Mutex // of bits in the result, which neighbours share bytes of
	forest array.Forest
	slot   int // the output's number
}

func newJob(d *Device, l *array.Launch, parts *parts, i int) *job {
	o := &l.Program.Outputs[i]
	j := &job{
		device: d, kernels: d.kernels, launch: l, out: o, slot: i,
		source: source{d, array.Launch{Program: parts.registers[i], Lo: l.Lo, Hi: l.Hi, Operands: l.Operands}, nil}, result: l.Results[i], acc: array.AccumulatorType(o.Op, o.DType),
	}
	if parts.registers[i] == nil {
		j.source.direct = l.Operands[l.Program.Inputs[o.Reg].Slot]
	}
	return j
}

func (j *job) do(ctx context.Context) error {
	switch e := j.out.Extent; {
	case j.out.Scan && e.Inner > 1:
		return j.scanColumns(ctx)
	case j.out.Scan:
		return j.scan(ctx)
	case e.Inner > 1:
		return j.columns(ctx)
	}
	return j.rows(ctx)
}

// each calls f for 0 to n-1, on several goroutines, each of which has a state of its own. The first error ends it.
func each[S any](ctx context.Context, threads, n int, begin func() S, f func(s S, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	work := func() {
		s := begin()
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if err := f(s, i); err != nil {
				cancel(err)
			}
		}
	}
	var wait sync.WaitGroup
	for range min(threads, n) - 1 {
		wait.Go(work)
	}
	work()
	wait.Wait()
	return context.Cause(ctx)
}

// source gives the elements of an output's register.
type source struct {
	device *Device
	launch array.Launch // of the register alone, as a block
	direct *array.Block // the operand that the register is, if it is one
}

// elements gives elements [lo, hi) of the domain: a part of the operand, or computed into room, which is made where it is
// nil or too small and is the caller's alone.
func (s *source) elements(ctx context.Context, lo, hi int, room **array.Block) (*array.Block, error) {
	return s.into(ctx, lo, hi, 0, 0, room)
}

// into is elements at element at of the room, which is made for so many at most.
func (s *source) into(ctx context.Context, lo, hi, at, most int, room **array.Block) (*array.Block, error) {
	if s.direct != nil {
		return s.direct.Slice(lo-s.launch.Lo, hi-s.launch.Lo), nil
	}
	l := s.launch
	l.Lo, l.Hi = lo, hi
	l.Operands = slices.Clone(l.Operands)
	for _, in := range l.Program.Inputs {
		if in.Kind == array.InputBlock {
			l.Operands[in.Slot] = s.launch.Operands[in.Slot].Slice(lo-s.launch.Lo, hi-s.launch.Lo)
		}
	}
	if *room == nil || (*room).Len() < at+hi-lo {
		*room = array.NewBlock(l.Program.Outputs[0].DType, array.Shape{max(most, at+hi-lo)}, l.Program.Nullable(s.launch.Operands)[0])
	}
	out := (*room).Slice(at, at+hi-lo)
	l.Results = []*array.Block{out}
	_, err := s.device.Run(ctx, &l)
	return out, err
}
