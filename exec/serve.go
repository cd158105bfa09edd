package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// Serve does this rank's share of what rank 0 collects, until rank 0 closes its executor: then it returns nil. A task
// that fails is rank 0's to report; Serve ends with an error only when ctx ends or rank 0 is lost.
func (e *Executor) Serve(ctx context.Context) error {
	if e.comm.Rank() == 0 {
		return fmt.Errorf("serve: this is rank 0, which collects; the other ranks serve")
	}
	return e.serve(ctx, "")
}

// errOver ends what a rank still does for a task that is over.
var errOver = errors.New("the task is over")

// share is this rank's part in a task that is under way.
type share struct {
	task   uint32
	cancel context.CancelCauseFunc
	done   sync.WaitGroup
}

// stop ends it and waits; on nil there is nothing to do.
func (s *share) stop() {
	if s != nil {
		s.cancel(errOver)
		s.done.Wait()
	}
}

// serve follows the root's control parcels while a goroutine works on the task, so that a task can end at any moment.
// With the fingerprint of a graph it serves that one task only and returns its error.
func (e *Executor) serve(ctx context.Context, graph string) error {
	if err := e.enter(ctx); err != nil {
		return err
	}
	defer e.leave()
	var current *share
	defer func() { current.stop() }()
	for {
		in, err := comm.RecvParcel(ctx, e.comm, 0, tagControl)
		if err != nil {
			if current != nil && ctx.Err() != nil { // this rank gives up: nobody is to wait for it
				why := context.Cause(ctx)
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
				e.complain(ctx, current.task, why)
				cancel()
			}
			return fmt.Errorf("serve: %w", err)
		}
		number := uint32(in.Aux >> 32)
		switch in.Flags {
		case saysTask:
			current.stop()
			current = e.start(ctx, number, in, graph)
		case saysEnd:
			current.stop()
			verdict, err := readFailure(ctx, in)
			if graph != "" {
				return errors.Join(verdict, err)
			}
			current = nil
		case saysAsk:
			current.stop()
			if err := e.answer(ctx, number, in); err != nil {
				return fmt.Errorf("serve: %w", err)
			}
		case saysBye:
			in.Discard()
			if graph != "" {
				return &comm.RankError{Rank: 0, Op: "collect", Cause: comm.ErrLeft}
			}
			return nil
		default:
			in.Discard()
		}
	}
}

// start begins this rank's share of a task.
func (e *Executor) start(ctx context.Context, number uint32, in *comm.Incoming, graph string) *share {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &share{task: number, cancel: cancel}
	r, err := e.accept(ctx, number, in, graph)
	guest := err == nil && r.guests != nil
	if guest && !r.guests.enter(cancel) {
		return s // nobody waits for it any more
	}
	s.done.Go(func() {
		if guest {
			defer r.guests.inside.Done()
		}
		if err == nil {
			err = r.steps(ctx)
		}
		if err == nil {
			err = comm.SendParcel(ctx, e.comm, 0, tagData, comm.Parcel{Aux: mark(number, r.at), Bufs: r.encodeFaults()})
		}
		if err != nil && ctx.Err() == nil {
			e.complain(ctx, number, err)
		}
	})
	return s
}

// complain tells the root that this rank cannot go on with a task.
func (e *Executor) complain(ctx context.Context, number uint32, err error) {
	if re := (*comm.RankError)(nil); !errors.As(err, &re) {
		err = &comm.RankError{Rank: e.comm.Rank(), Op: "collect", Cause: err}
	}
	// Where this fails the task is over, or the root is lost and the next receive of Serve says so.
	_ = comm.SendParcel(ctx, e.comm, 0, tagFailed, comm.Parcel{Aux: mark(number, 0), Bufs: [][]byte{encodeFailure(err)}, Ref: err})
}

// accept takes a task: the plan itself inside a process, else the graph to make it from.
func (e *Executor) accept(ctx context.Context, number uint32, in *comm.Incoming, graph string) (*run, error) {
	defer in.Discard()
	if ref, ok := in.Ref(); ok {
		hand, ok := ref.(*handover)
		if !ok {
			return nil, fmt.Errorf("the root handed over a %T instead of a plan", ref)
		}
		if graph != "" && graph != hand.graph {
			return nil, diverged(graph, hand.graph)
		}
		r := e.newRun(hand.plan, number)
		r.lent, r.guests = hand.lent, hand.guests
		return r, nil
	}
	var t task
	if err := readJSON(ctx, in, &t); err != nil {
		return nil, err
	}
	if theirs := array.Fingerprint(t.Graph); graph != "" && graph != theirs {
		return nil, diverged(graph, theirs)
	}
	roots, err := array.Decode(t.Graph)
	if err != nil {
		return nil, err
	}
	plan, _, err := e.planBy(ctx, roots, t.DealOut, func() (map[string]Access, error) { return t.Access, nil })
	e.outline.Clear()
	if err != nil {
		return nil, err
	}
	if mine := plan.Fingerprint(); mine != t.Plan {
		return nil, fmt.Errorf("%w: of one graph this rank plans %s, rank 0 %s; are both of the same build, with the same options?",
			comm.ErrDiverged, mine, t.Plan)
	}
	if err := e.hasRoom(plan, false); err != nil {
		return nil, err
	}
	return e.newRun(plan, number), nil
}

func diverged(mine, theirs string) error {
	return fmt.Errorf("%w: this rank collects graph %s, rank 0 %s; all ranks must collect the same arrays in the same order",
		comm.ErrDiverged, mine, theirs)
}

// readJSON reads a control parcel's payload.
func readJSON(ctx context.Context, in *comm.Incoming, v any) error {
	defer in.Discard()
	if in.Size > maxControl {
		return fmt.Errorf("rank %d sent %d bytes of control; at most %d", in.Source, in.Size, maxControl)
	}
	raw := make([]byte, in.Size)
	if err := in.ReadInto(ctx, raw); err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("rank %d sent unreadable control: %w", in.Source, err)
	}
	return nil
}
