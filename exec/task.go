package exec

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// What a control parcel says (its Flags). Aux is the task's mark.
const (
	saysTask uint8 = iota + 1
	saysEnd        // of the task; a payload is the error that it failed with
	saysAsk        // which of these sources can you read?
	saysBye
	saysMeet // all work on this question about their accelerators
	saysMet  // it is over; Count is 1 where it came to nothing
	saysDrop // let go of these parts
	saysCall // Config.Call
)

// maxControl bounds the payload of a control parcel, in bytes.
const maxControl = 256 << 20

// goodbye is how long a rank tries to tell another one that a task is over. Small parcels wait for nobody, so it passes
// only where that rank is stuck behind a full link; on a busy machine it must not pass before the parcel is on its way.
const goodbye = 5 * time.Second

// task is what the root sends to ranks of other processes; they make the plan themselves.
type task struct {
	Graph   json.RawMessage   `json:"graph"`
	Access  map[string]Access `json:"access,omitempty"`
	DealOut bool              `json:"dealOut,omitempty"`
	Keep    bool              `json:"keep,omitempty"`
	Choice  *Choice           `json:"choice,omitempty"` // nil: no accelerators
	Plan    string            `json:"plan"`             // fingerprint
}

// handover is what ranks of the root's process get instead: the plan itself, and the results to write into.
type handover struct {
	plan   *Plan
	lent   []loan
	parts  []*array.Parts
	guests *guests
	graph  string // fingerprint, where every rank has its own
}

// called is a short name of what ranks collect, or persist: all must do the same.
func called(graph []byte, keep bool) string {
	name := array.Fingerprint(graph)
	if keep {
		name += ", to keep"
	}
	return name
}

// announce tells all ranks of a task.
func (e *Executor) announce(ctx context.Context, r *run, roots []*array.Node, of given, spmd bool) error {
	hand := &handover{plan: r.plan, lent: r.lent, parts: slices.Clone(of.parts), guests: r.guests}
	var wire []byte
	if spmd || !e.local {
		graph, _, err := array.Encode(roots)
		if err != nil {
			return err
		}
		hand.graph = called(graph, r.plan.setting.Keep)
		t := task{Graph: graph, Access: r.plan.setting.Access, DealOut: spmd, Keep: r.plan.setting.Keep, Plan: r.plan.Fingerprint()}
		if r.plan.setting.Choice.Accelerator != nil {
			t.Choice = &r.plan.setting.Choice
		}
		wire, err = json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode the plan: %w", err)
		}
	}
	err := eachPeer(ctx, e.comm.Size(), func(ctx context.Context, peer int) error {
		p := comm.Parcel{Flags: saysTask, Aux: mark(r.task, 0)}
		if e.comm.InProcess(peer) {
			p.Ref = hand
		} else {
			p.Bufs = [][]byte{wire}
		}
		return comm.SendParcel(ctx, e.comm, peer, tagControl, p)
	})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return nil
}

// end tells all ranks that a task is over, and why it failed.
func (e *Executor) end(ctx context.Context, task uint32, err error) {
	p := comm.Parcel{Flags: saysEnd, Aux: mark(task, 0)}
	if err != nil {
		p.Bufs, p.Ref = [][]byte{encodeFailure(err)}, err
	}
	e.tellAll(ctx, p)
}

// refuse ends a task that has not begun, for ranks that wait for one.
func (e *Executor) refuse(ctx context.Context, err error) {
	e.task++
	e.end(ctx, e.task, err)
}

// tellAll sends a small parcel to all ranks, also when ctx has ended. Ranks that are lost hear nothing.
func (e *Executor) tellAll(ctx context.Context, p comm.Parcel) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer cancel()
	_ = eachPeer(ctx, e.comm.Size(), func(ctx context.Context, peer int) error {
		_ = comm.SendParcel(ctx, e.comm, peer, tagControl, p) // a lost rank must not keep the others from hearing it
		return nil
	})
}
