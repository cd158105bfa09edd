package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// All ranks of a plan use their accelerators alike: a rank without one would have the others wait for it, and what goes from device to
// device must do so on both ends. So the root asks once, when a plan may first be worth it, and says with each task what was agreed.

// meeting bounds how long ranks work on a question once all have come to it: opening a device and joining a group take seconds, of many
// hosts more. When a rank comes is up to its program, so only contexts bound that, as they do for tasks.
const meeting = time.Minute

// What a rank sends of a question, by the step of the parcel's mark.
const (
	saysHere = iota // nothing: it has come
	saysThis        // its answer
)

// question is what all ranks, the root too, work on at the same time. Without a group it is: how fast is your accelerator?
type question struct {
	Group []byte `json:"group,omitempty"` // to be joined
}

// answer is what a rank has to say to it.
type answer struct {
	Refusal   string      `json:"refusal,omitempty"` // why it cannot
	Rates     array.Rates `json:"rates,omitzero"`
	Processor array.Rates `json:"processor,omitzero"`
}

// refusedError is a rank that cannot do what the others can: no reason to end a task.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return e.text }

// choice is what plans of roots go by; nil where no accelerator is worth a look. The first that may be worth one has all ranks
// measure theirs, which may open them.
func (e *Executor) choice(ctx context.Context, roots []*array.Node, how how) (*Choice, error) {
	c := &e.config
	switch {
	case e.chosen != nil:
		return e.chosen, nil
	case c.Accelerator == nil || !c.Accelerate && small(roots):
		return nil, nil
	}
	apart := how.alone || e.comm.Rank() != 0
	chosen, err := e.agree(ctx, apart)
	refused := (*refusedError)(nil)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, fmt.Errorf("measure what a device takes: %w", context.Cause(ctx))
	case c.Accelerate || !errors.As(err, &refused):
		return nil, fmt.Errorf("measure what a device takes: %w", err)
	default:
		chosen = &Choice{Why: err.Error()}
	}
	if !apart {
		e.chosen = chosen
	}
	return chosen, nil
}

// agree finds the choice of all ranks, or of this one apart from the others.
func (e *Executor) agree(ctx context.Context, apart bool) (*Choice, error) {
	c := &e.config
	mine := e.reply(ctx, question{})
	if mine.Refusal != "" {
		return nil, &refusedError{mine.Refusal}
	}
	chosen := &Choice{Accelerator: c.Accelerator, Always: c.Accelerate, Rates: mine.Rates, Processor: mine.Processor}
	if apart || e.comm.Size() == 1 || c.OneDevice {
		return chosen, nil
	}
	answers, err := e.meet(ctx, question{})
	if err != nil {
		return nil, err
	}
	for _, a := range answers { // the slowest is waited for
		slower(&chosen.Rates, &a.Rates)
		slower(&chosen.Processor, &a.Processor)
	}
	linked, ok := c.Accelerator.(Linked)
	if !ok {
		chosen.Apart = "they have no way to each other"
		return chosen, nil
	}
	group, err := linked.NewGroup()
	if err == nil {
		_, err = e.meet(ctx, question{Group: group})
	} else {
		err = &refusedError{err.Error()}
	}
	if refused := (*refusedError)(nil); errors.As(err, &refused) && ctx.Err() == nil {
		chosen.Apart = refused.text
		return chosen, nil
	}
	chosen.Linked = err == nil
	return chosen, err
}

// slower makes r no faster than other.
func slower(r, other *array.Rates) {
	r.Launch = max(r.Launch, other.Launch)
	for _, rate := range [][2]*float64{{&r.Up, &other.Up}, {&r.Down, &other.Down}, {&r.Memory, &other.Memory}, {&r.Ops, &other.Ops}} {
		if mine, theirs := rate[0], *rate[1]; *mine == 0 || theirs > 0 && theirs < *mine { // 0 takes no time
			*mine = theirs
		}
	}
}

// meet has all ranks work on a question and gives their answers; a refusedError where one refuses. Then nothing of it is left.
func (e *Executor) meet(ctx context.Context, q question) ([]answer, error) {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.task++
	raw, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("encode a question: %w", err)
	}
	answers := make([]answer, e.comm.Size())
	var late *time.Timer // of who came last
	var away atomic.Int64
	away.Store(int64(len(answers) - 1))
	come := func() {
		if away.Add(-1) == 0 {
			late = time.AfterFunc(meeting, func() {
				cancel(&refusedError{fmt.Sprintf("the accelerators of all ranks did not answer within %v", meeting)})
			})
		}
	}
	var all sync.WaitGroup
	all.Go(func() {
		if answers[0] = e.reply(ctx, q); answers[0].Refusal != "" {
			cancel(&refusedError{answers[0].Refusal})
		}
	})
	for peer := 1; peer < len(answers); peer++ { // of all at once: who refuses is who the others wait for
		all.Go(func() {
			if err := e.hearAnswer(ctx, peer, raw, &answers[peer], come); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if late != nil {
		late.Stop()
	}
	err = context.Cause(ctx)
	e.tellAll(outer, comm.Parcel{Flags: saysMet, Aux: mark(e.task, 0), Count: bit(err != nil)})
	if err != nil {
		return nil, errors.Join(err, e.leaveGroup())
	}
	return answers, nil
}

// hearAnswer puts a question to a peer and calls come when that works on it.
func (e *Executor) hearAnswer(ctx context.Context, peer int, question []byte, a *answer, come func()) error {
	p := comm.Parcel{Flags: saysMeet, Aux: mark(e.task, 0), Bufs: [][]byte{question}}
	if err := comm.SendParcel(ctx, e.comm, peer, tagControl, p); err != nil {
		return err
	}
	in, err := e.receive(ctx, peer, e.task, saysHere)
	if err != nil {
		return err
	}
	in.Discard()
	come()
	if in, err = e.receive(ctx, peer, e.task, saysThis); err == nil {
		err = readJSON(ctx, in, a)
	}
	if err == nil && a.Refusal != "" {
		err = &refusedError{fmt.Sprintf("rank %d: %s", peer, a.Refusal)}
	}
	return err
}

// attend works on the root's question until that ends it.
func (e *Executor) attend(ctx context.Context, number uint32, in *comm.Incoming) *share {
	ctx, cancel := context.WithCancelCause(ctx)
	s := &share{task: number, cancel: cancel}
	var q question
	err := readJSON(ctx, in, &q)
	s.done.Go(func() {
		// Where a send fails the root is lost, and the next receive of Serve says so.
		_ = comm.SendParcel(ctx, e.comm, 0, tagData, comm.Parcel{Aux: mark(number, saysHere)})
		a := answer{}
		if err == nil {
			a = e.reply(ctx, q)
		} else {
			a.Refusal = clip(err.Error(), maxFailureText)
		}
		if raw, err := json.Marshal(a); err == nil && ctx.Err() == nil {
			_ = comm.SendParcel(ctx, e.comm, 0, tagData, comm.Parcel{Aux: mark(number, saysThis), Bufs: [][]byte{raw}})
		}
	})
	return s
}

// reply is this rank's answer.
func (e *Executor) reply(ctx context.Context, q question) answer {
	refuse := func(err error) answer { return answer{Refusal: clip(err.Error(), maxFailureText)} }
	a := e.config.Accelerator
	if a == nil {
		return answer{Refusal: "it has no accelerator"}
	}
	var out answer
	var err error
	if q.Group == nil {
		if e.rates == nil { // else the context of an earlier question ended before the processor was measured too
			rates, err := a.Rates(ctx)
			if err != nil {
				return refuse(err)
			}
			e.rates = &rates
		}
		out.Rates = *e.rates
		if out.Processor, err = e.config.Device.Rates(ctx); err != nil {
			return refuse(err)
		}
		return out
	}
	linked, ok := a.(Linked)
	if !ok {
		return answer{Refusal: "its accelerator has no way to others"}
	}
	if err = e.leaveGroup(); err == nil {
		e.group, err = linked.Join(ctx, q.Group, e.comm.Rank(), e.comm.Size())
	}
	if err != nil {
		return refuse(err)
	}
	return out
}

// leaveGroup closes the group of the ranks' accelerators, if there is one.
func (e *Executor) leaveGroup() error {
	g := e.group
	if e.group = nil; g == nil {
		return nil
	}
	return g.Close()
}

// adopt takes the choice that the root plans a task by.
func (e *Executor) adopt(c *Choice) (*Choice, error) {
	if c == nil {
		return nil, nil
	}
	if c.Accelerator = e.config.Accelerator; c.Accelerator == nil {
		return nil, errors.New("the root plans with accelerators, this rank has none")
	}
	if e.rates == nil { // to plan asks the accelerator what it takes, which it may not be open for
		return nil, errors.New("the root plans with accelerators, but has never asked this rank for its own")
	}
	if e.chosen == nil || *e.chosen != *c {
		e.chosen = c
	}
	return e.chosen, nil
}
