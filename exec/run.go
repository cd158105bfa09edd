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

	blocks  []*array.Block       // where parts and wholes lie
	parts   []*array.Block       // by value: this rank's part
	wholes  []*array.Block       // by value: all of it
	lent    []loan               // by value: the root's results, where this process can write into them
	forests []array.Forest       // by value: reductions not finished yet
	folded  bool                 // there were some
	before  []array.Forest       // by value: the tree over the elements before this rank's part
	edges   [][2]*array.Block    // by value: of reductions not finished yet, the elements of cut leaves
	columns []array.ColumnForest // by value: reductions over rows not finished yet

	ahead  map[ahead][]*array.Block // columns that were read with others
	pieces map[int][]*array.Block   // by value: this rank's part of a column, as long as nobody needs it in one
	later  map[int]*Step            // by value: columns that are read by the run that needs them
	twins  map[operand]*array.Block // operands that lie in the accelerator's memory too

	progress progress
	call     array.Launch // one after another, the slices being used again
	timed    bool         // stats are asked for
	remark   string       // the device's, on the step under way

	guests *guests // of the root; nil in other processes, and where it works alone

	mu      sync.Mutex // of what follows; moves with several ranks go on at once
	stats   Stats
	moved   []int // bytes by rank
	crossed int   // bytes that came from devices to this rank's
	// faults are the elements for which ops had no result, the first of each op.
	faults []fault
	own    []owned
}

func (e *Executor) newRun(p *Plan, task uint32) *run {
	r := &run{Executor: e, task: task, timed: e.comm.Rank() == 0}
	r.begin(p)
	return r
}

// steps does this rank's share of every step.
func (r *run) steps(ctx context.Context) error {
	if r.progress.tell = r.config.Progress; r.rank > 0 {
		r.progress.tell = nil
	}
	if r.progress.tell != nil {
		for i := range r.plan.Steps {
			r.progress.total += r.plan.Steps[i].work()
		}
	}
	var start time.Time
	if r.timed {
		r.stats.Steps = make([]StepTime, 0, len(r.plan.Steps))
		start = time.Now()
	}
	for i := range r.plan.Steps {
		s := &r.plan.Steps[i]
		r.at = i
		if r.rank == 0 || !s.OnRoot || s.Split {
			if err := r.do(ctx, s); err != nil {
				return r.failed(s, err)
			}
		}
		for _, v := range s.free {
			r.parts[v], r.wholes[v] = nil, nil
			delete(r.pieces, v)
			delete(r.later, v)
			r.release(v)
		}
		if r.progress.tell != nil {
			r.progress.step(s.work())
		}
		if r.timed {
			now := time.Now()
			r.stats.Steps = append(r.stats.Steps, StepTime{s, now.Sub(start), r.remark})
			r.remark = ""
			start = now
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
	if s.crosses() {
		return r.across(ctx, s)
	}
	switch s.Kind {
	case Scatter, Bcast:
		return r.hand(ctx, s)
	case Read:
		return r.read(ctx, s)
	case Run:
		return r.launch(ctx, s)
	case Reduce:
		if s.columns {
			return r.reduceColumns(ctx, s)
		}
		return r.reduce(ctx, s)
	case Multiply:
		return r.multiply(ctx, s)
	case Filter:
		return r.filter(ctx, s)
	case Prefix:
		return r.prefix(ctx, s)
	default:
		return r.exchange(ctx, s)
	}
}

// span is the elements that a rank has in a step.
func (s *Step) span(rank int) partition.Range {
	if s.pieces != nil {
		return s.pieces.spans[rank]
	}
	if s.Split {
		return s.layout.Range(rank)
	}
	return partition.Range{Lo: 0, Hi: s.N}
}

// leaves is the elements of whole leaves that a rank has in a step.
func (s *Step) leaves(rank int) partition.Range {
	if s.cutting == nil {
		return s.span(rank)
	}
	_, middle, _ := leavesOf(s.span(rank), s.N)
	return middle
}

// launch runs a program over this rank's part of its domain.
func (r *run) launch(ctx context.Context, s *Step) error {
	span := s.span(r.rank)
	l := &r.call
	l.Program, l.Lo, l.Hi = s.Program, span.Lo, span.Hi
	l.Progress = r.progress.within(s.work(), span.Len())
	l.Operands, l.Results, l.Resident = l.Operands[:0], l.Results[:0], l.Resident[:0]
	l.Before, l.Columns, l.Fault = nil, nil, r.noting(s)
	l.Stay, l.Again, l.Twins, l.Note = s.stay, s.again, s.twins(), r.noted(s)
	if r.inPieces(s) {
		forests, err := r.launchPieces(ctx, s, l)
		if err != nil {
			return err
		}
		l.Results = make([]*array.Block, len(s.outputs))
		return r.keep(s, l, forests)
	}
	if err := r.readLater(ctx, s); err != nil {
		return err
	}
	nulls := false
	for i, o := range s.operands {
		b := r.onDevice(s, o)
		if b == nil {
			return fmt.Errorf("operand %d is not on this rank; this is a fault of the planner", i)
		}
		nulls = nulls || b.HasNulls()
		l.Operands = append(l.Operands, b)
	}
	var nullable []bool
	if nulls = nulls || s.makesNulls(); nulls {
		nullable = s.Program.Nullable(l.Operands)
	}
	for i := range s.Program.Outputs {
		var b *array.Block
		resident := false
		if out := &s.Program.Outputs[i]; !out.Tree() && (!s.stays(i) || span.Empty()) {
			var err error
			if b, resident, err = r.room(s.outputs[i], out.Result(), resultSpan(out, span), nulls && nullable[i]); err != nil {
				return err
			}
		}
		l.Results, l.Resident = append(l.Results, b), append(l.Resident, resident)
		r.attach(l, s, i)
	}
	var forests []array.Forest
	var err error
	switch {
	case s.cutting != nil:
		forests, err = r.launchCut(ctx, s, l)
	case span.Empty():
		forests = make([]array.Forest, len(s.outputs))
	default:
		forests, err = r.device(s).Run(ctx, l)
		r.holdFar(s, l.Operands, l.Results, l.Twins) // also those of a launch that failed half way
	}
	if err != nil {
		return err
	}
	return r.keep(s, l, forests)
}

// keep stores what a launch gave.
func (r *run) keep(s *Step, l *array.Launch, forests []array.Forest) error {
	if len(forests) != len(s.outputs) && s.reduces() {
		return fmt.Errorf("device %s gave %d forests for %d outputs", r.device(s).Name(), len(forests), len(s.outputs))
	}
	for i, v := range s.outputs {
		switch {
		case s.Program.Outputs[i].Partial:
			if err := r.keepColumns(s, &s.Program.Outputs[i], v, l, i); err != nil {
				return err
			}
		case s.Program.Outputs[i].Tree():
			if err := covers(forests[i], s.leaves(r.rank).Lo, s.leaves(r.rank).Hi); err != nil {
				return fmt.Errorf("device %s: %w", r.device(s).Name(), err)
			}
			r.forests[v], r.folded = forests[i], true
		case l.Results[i] == nil:
			return fmt.Errorf("device %s left no block for output %d", r.device(s).Name(), i)
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
	if r.pieces[o.value] != nil {
		r.join(o.value)
	}
	part, whole := r.parts[o.value], r.wholes[o.value]
	switch {
	case o.whole && whole == nil && r.plan.Ranks == 1:
		return part
	case o.whole:
		return whole
	case part == nil && whole != nil:
		if r.plan.Ranks == 1 {
			return whole
		}
		span := r.plan.graph.values[o.value].deal.layout.Range(r.rank)
		return whole.Slice(span.Lo, span.Hi)
	}
	return part
}

// results puts the blocks of the roots into out, in their shapes, each in memory of its own, since it may be collected into;
// where the first is there already, its elements.
func (r *run) results(ctx context.Context, out []*array.Block) error {
	for i, root := range r.plan.graph.roots {
		if r.plan.graph.values[root.value].kept {
			continue
		}
		b := r.block(operand{root.value, true})
		if b == nil {
			return fmt.Errorf("result %d was not made; this is a fault of the planner", i)
		}
		if far, _ := b.Far(); far != nil {
			b, err := b.Reshape(root.shape)
			if err != nil {
				return err
			}
			r.handFar(b)
			out[i] = b
			continue
		}
		if i == 0 && out[0] != nil {
			if err := out[0].Overwrite(b.DropValidity()); err != nil {
				return err
			}
			continue
		}
		if r.plan.graph.values[root.value].copied() || r.plan.graph.again[i] {
			var err error
			if b, err = r.copyOf(ctx, b); err != nil {
				return err
			}
		}
		if b = b.DropValidity(); !b.Shape().Equal(root.shape) {
			var err error
			if b, err = b.Reshape(root.shape); err != nil {
				return err
			}
		}
		out[i] = b
	}
	return nil
}
