package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// run is one rank's state while it goes through a plan.
type run struct {
	*Executor
	plan *Plan
	rank int
	task uint32 // number of the task; on the wire with every parcel
	at   int    // the step

	parts   []*array.Block // by value: this rank's part
	wholes  []*array.Block // by value: all of it
	lent    []*array.Block // by value: the root's results, where this process can write into them
	forests []array.Forest // by value: reductions not finished yet

	progress progress

	mu    sync.Mutex // of what follows; moves with several ranks go on at once
	stats Stats
	moved []int // bytes by rank
}

func (e *Executor) newRun(p *Plan, task uint32) *run {
	n := len(p.graph.values)
	blocks := make([]*array.Block, 2*n)
	r := &run{Executor: e, plan: p, task: task, parts: blocks[:n:n], wholes: blocks[n:]}
	if p.Ranks > 1 {
		r.rank = e.comm.Rank()
	}
	return r
}

// lend allocates the results, so that ranks of this process can write their parts in place.
func (r *run) lend() {
	for i := range r.plan.Steps {
		if s := &r.plan.Steps[i]; s.Kind == Gather {
			if r.lent == nil {
				r.lent = make([]*array.Block, len(r.parts))
			}
			r.lent[s.value] = array.NewBlock(s.DType, array.Shape{s.N}, false)
		}
	}
}

// steps does this rank's share of every step.
func (r *run) steps(ctx context.Context) error {
	r.progress.tell = r.config.Progress
	if r.rank > 0 {
		r.progress.tell = nil
	}
	for i := range r.plan.Steps {
		r.progress.total += r.plan.Steps[i].work()
	}
	if r.rank == 0 {
		r.stats.Steps = make([]StepTime, 0, len(r.plan.Steps))
	}
	for i := range r.plan.Steps {
		s := &r.plan.Steps[i]
		r.at = i
		start := time.Now()
		if r.rank == 0 || !s.OnRoot || s.Split {
			if err := r.do(ctx, s); err != nil {
				return r.failed(s, err)
			}
		}
		for _, v := range s.free {
			r.parts[v], r.wholes[v] = nil, nil
		}
		r.progress.step(s.work())
		if r.rank == 0 {
			r.stats.Steps = append(r.stats.Steps, StepTime{s, time.Since(start)})
		}
	}
	r.at = len(r.plan.Steps)
	return nil
}

// failed names the rank and the step, unless err names the rank that it comes from.
func (r *run) failed(s *Step, err error) error {
	if re := (*comm.RankError)(nil); errors.As(err, &re) {
		return fmt.Errorf("%s: %w", s, err)
	}
	return &comm.RankError{Rank: r.rank, Op: s.String(), Cause: err}
}

func (r *run) do(ctx context.Context, s *Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch s.Kind {
	case Scatter, Bcast:
		return r.hand(ctx, s)
	case Read:
		return r.read(ctx, s)
	case Run:
		return r.launch(ctx, s)
	case Reduce:
		return r.reduce(ctx, s)
	default:
		return r.gather(ctx, s)
	}
}

// span is the elements that a rank has in a step.
func (s *Step) span(rank int) partition.Range {
	if s.Split {
		return s.layout.Range(rank)
	}
	return partition.Range{Lo: 0, Hi: s.N}
}

// launch runs a program over this rank's part of its domain.
func (r *run) launch(ctx context.Context, s *Step) error {
	span := s.span(r.rank)
	l := &array.Launch{Program: s.Program, Lo: span.Lo, Hi: span.Hi}
	l.Progress = r.progress.within(s.work(), span.Len())
	l.Operands = make([]*array.Block, len(s.operands))
	for i, o := range s.operands {
		if l.Operands[i] = r.block(o); l.Operands[i] == nil {
			return fmt.Errorf("operand %d is not on this rank; this is a fault of the planner", i)
		}
	}
	l.Results = make([]*array.Block, len(s.outputs))
	for i, null := range s.Program.Nullable(l.Operands) {
		if out := s.Program.Outputs[i]; !out.Reduce {
			l.Results[i] = r.room(s.outputs[i], out.DType, span, null)
		}
	}
	forests := make([]array.Forest, len(s.outputs))
	if !span.Empty() {
		var err error
		if forests, err = r.config.Device.Run(ctx, l); err != nil {
			return err
		}
	}
	return r.keep(s, l, forests)
}

// keep stores what a launch gave.
func (r *run) keep(s *Step, l *array.Launch, forests []array.Forest) error {
	if len(forests) != len(s.outputs) {
		return fmt.Errorf("device %s gave %d forests for %d outputs", r.config.Device.Name(), len(forests), len(s.outputs))
	}
	for i, v := range s.outputs {
		switch {
		case s.Program.Outputs[i].Reduce:
			if err := covers(forests[i], l.Lo, l.Hi); err != nil {
				return fmt.Errorf("device %s: %w", r.config.Device.Name(), err)
			}
			if r.forests == nil {
				r.forests = make([]array.Forest, len(r.parts))
			}
			r.forests[v] = forests[i]
		case s.Split:
			r.parts[v] = l.Results[i]
		default:
			r.wholes[v] = l.Results[i]
		}
	}
	return nil
}

// block finds a value where a step put it; nil where it is not here.
func (r *run) block(o operand) *array.Block {
	part, whole := r.parts[o.value], r.wholes[o.value]
	switch {
	case o.whole && whole == nil && r.plan.Ranks == 1:
		return part
	case o.whole:
		return whole
	case part == nil && whole != nil:
		span := r.plan.graph.values[o.value].deal.layout.Range(r.rank)
		return whole.Slice(span.Lo, span.Hi)
	}
	return part
}

// room is a block for a span of a value: in place in the result that the root has lent, or new. Bools and validity are
// never in place, since neighbouring spans share bytes.
func (r *run) room(value int, d array.DType, span partition.Range, validity bool) *array.Block {
	shape := array.Shape{span.Len()}
	if r.lent == nil || r.lent[value] == nil || d == array.Bool {
		return array.NewBlock(d, shape, validity)
	}
	var bits []byte
	if validity {
		bits = ones(span.Len())
	}
	values, _, _ := r.lent[value].Raw()
	b, err := array.WrapBlock(d, span.Len(), 0, values[span.Lo*d.Size():span.Hi*d.Size()], bits, nil)
	if err != nil { // a length that does not fit; the block is gathered by a copy instead
		return array.NewBlock(d, shape, validity)
	}
	return b
}

// ones is a bitmap in which n elements are valid.
func ones(n int) []byte {
	bits := array.AllocBytes(array.Bool.BufferSize(n))
	array.SetBits(bits, 0, n)
	return bits
}

// results are the blocks of the roots, in their shapes.
func (r *run) results() ([]*array.Block, error) {
	out := make([]*array.Block, len(r.plan.graph.roots))
	for i, root := range r.plan.graph.roots {
		b := r.block(operand{root.value, true})
		if b == nil {
			return nil, fmt.Errorf("result %d was not made; this is a fault of the planner", i)
		}
		if r.plan.graph.values[root.value].copied() {
			b = b.Clone()
		}
		if b = b.DropValidity(); !b.Shape().Equal(root.shape) {
			var err error
			if b, err = b.Reshape(root.shape); err != nil {
				return nil, err
			}
		}
		out[i] = b
	}
	return out, nil
}
