package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	_, err := e.serve(ctx, "")
	return err
}

// errOver ends what a rank still does for a task that is over.
var errOver = errors.New("the task is over")

// share is this rank's part in a task that is under way.
type share struct {
	task   uint32
	cancel context.CancelCauseFunc
	done   sync.WaitGroup
	run    *run             // nil until it has begun
	of     given            // what that is given
	parts  map[uint64]*part // results that stay here, once it is done
}

// stop ends it and waits; on nil there is nothing to do.
func (s *share) stop() {
	if s != nil {
		s.cancel(errOver)
		s.done.Wait()
	}
}

// serve follows the root's control parcels while a goroutine works on the task, so that a task can end at any moment.
// With the fingerprint of a graph it serves that one task only and returns its share, or its error.
func (e *Executor) serve(ctx context.Context, graph string) (*share, error) {
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	var current *share
	defer func() {
		if current.stop(); current != nil {
			e.hold(current.parts, false)
		}
	}()
	for {
		in, err := comm.RecvParcel(ctx, e.comm, 0, tagControl)
		if err != nil {
			if current != nil && ctx.Err() != nil { // this rank gives up: nobody is to wait for it
				why := context.Cause(ctx)
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
				e.complain(ctx, current.task, why)
				cancel()
			}
			return nil, fmt.Errorf("serve: %w", err)
		}
		number := uint32(in.Aux >> 32)
		current.stop()
		last := current
		if current = nil; last != nil && in.Flags != saysEnd {
			e.hold(last.parts, false)
		}
		switch in.Flags {
		case saysTask:
			current = e.start(ctx, number, in, graph)
		case saysEnd:
			verdict, err := readFailure(ctx, in)
			err = errors.Join(verdict, err)
			if last != nil {
				e.hold(last.parts, err == nil)
			}
			if graph != "" {
				return last, err
			}
		case saysAsk:
			err = e.answer(ctx, number, in)
		case saysMeet:
			current = e.attend(ctx, number, in)
		case saysMet:
			if in.Count != 0 {
				err = e.leaveGroup()
			}
			in.Discard()
		case saysCall:
			current = e.hearCall(ctx, number, in)
		case saysDrop:
			err = e.hearDrop(ctx, in)
		case saysBye:
			in.Discard()
			if graph != "" {
				err = &comm.RankError{Rank: 0, Op: "collect", Cause: comm.ErrLeft}
			}
			return nil, err
		default:
			in.Discard()
		}
		if err != nil {
			return nil, fmt.Errorf("serve: %w", err)
		}
	}
}

// start begins this rank's share of a task.
func (e *Executor) start(ctx context.Context, number uint32, in *comm.Incoming, graph string) *share {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &share{task: number, cancel: cancel}
	r, of, err := e.accept(ctx, number, in, graph)
	s.run, s.of = r, of
	guest := err == nil && r.guests != nil
	if guest && !r.guests.enter(cancel) {
		return s // nobody waits for it any more
	}
	s.done.Go(func() {
		if guest {
			defer r.guests.inside.Done()
		}
		if err == nil {
			defer r.leaveFar()
			if err = r.bind(ctx, of); err == nil {
				err = r.steps(ctx)
			}
		}
		if err == nil {
			s.parts = r.keepParts()
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
func (e *Executor) accept(ctx context.Context, number uint32, in *comm.Incoming, graph string) (*run, given, error) {
	defer in.Discard()
	if ref, ok := in.Ref(); ok {
		hand, ok := ref.(*handover)
		if !ok {
			return nil, given{}, fmt.Errorf("the root handed over a %T instead of a plan", ref)
		}
		if graph != "" && graph != hand.graph {
			return nil, given{}, diverged(graph, hand.graph)
		}
		r := e.newRun(hand.plan, number)
		r.lent, r.guests = hand.lent, hand.guests
		return r, given{parts: hand.parts}, nil
	}
	var t task
	if err := readJSON(ctx, in, &t); err != nil {
		return nil, given{}, err
	}
	if theirs := called(t.Graph, t.Keep); graph != "" && graph != theirs {
		return nil, given{}, diverged(graph, theirs)
	}
	roots, err := array.Decode(t.Graph)
	if err != nil {
		return nil, given{}, err
	}
	choice, err := e.adopt(t.Choice)
	if err != nil {
		return nil, given{}, err
	}
	plan, of, err := e.planBy(ctx, roots, how{spmd: t.DealOut, keep: t.Keep, choice: choice}, func() (map[string]Access, error) { return t.Access, nil })
	of.parts = slices.Clone(of.parts)
	e.outline.Clear()
	if err != nil {
		return nil, given{}, err
	}
	if mine := plan.Fingerprint(); mine != t.Plan {
		return nil, given{}, fmt.Errorf("%w: of one graph this rank plans %s, rank 0 %s; are both of the same build, with the same options?",
			comm.ErrDiverged, mine, t.Plan)
	}
	if err := e.hasRoom(plan, false); err != nil {
		return nil, given{}, err
	}
	return e.newRun(plan, number), of, nil
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
