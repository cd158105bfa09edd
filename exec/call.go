package exec

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// order is what the root tells a rank to do by Config.Call.
type order struct {
	Payload []byte   `json:"payload"`
	Parts   []uint64 `json:"parts"`
}

// Call has every rank, while the others are in Serve, call its Config.Call with the payload that is made for it and its parts of arrays that Persist
// has left with the ranks, and gives what each of them has answered. The first that fails ends the others, and its error names the rank.
func (e *Executor) Call(ctx context.Context, payload func(rank int) ([]byte, error), arrays []*array.Node) ([][]byte, error) {
	if err := e.collects(); err != nil {
		return nil, err
	}
	ids := make([]uint64, len(arrays))
	for i, n := range arrays {
		p := n.Parts()
		if p == nil || p.Layout.Ranks() != e.comm.Size() || p.Keeper() != array.Keeper(e) {
			return nil, fmt.Errorf("%w: array %d is not kept by the ranks of this cluster; persist it here", array.ErrGraph, i)
		}
		ids[i] = p.ID
	}
	orders := make([]order, e.comm.Size())
	for r := range orders {
		raw, err := payload(r)
		if err != nil {
			return nil, err
		}
		orders[r] = order{raw, ids}
	}
	if err := e.enter(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	e.task++
	return e.callAll(ctx, e.task, orders)
}

// callAll runs a call on all ranks. However it ends, it ends on all of them.
func (e *Executor) callAll(ctx context.Context, task uint32, orders []order) (answers [][]byte, err error) {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	var listener, own sync.WaitGroup
	listener.Go(func() { e.listen(ctx, task, cancel) })
	err = errPanicked
	defer func() {
		cancel(nil)
		own.Wait()
		listener.Wait()
		e.end(outer, task, err)
	}()
	answers = make([][]byte, len(orders))
	err = eachPeer(ctx, len(orders), func(ctx context.Context, peer int) error {
		raw, err := json.Marshal(orders[peer])
		if err != nil {
			return fmt.Errorf("encode a call: %w", err)
		}
		return comm.SendParcel(ctx, e.comm, peer, tagControl, comm.Parcel{Flags: saysCall, Aux: mark(task, 0), Bufs: [][]byte{raw}})
	})
	if err == nil {
		own.Go(func() {
			var err error
			if answers[0], err = e.obey(ctx, orders[0]); err != nil {
				cancel(err)
			}
		})
		err = eachPeer(ctx, len(orders), func(ctx context.Context, peer int) error {
			in, err := e.receive(ctx, peer, task, 0)
			if err != nil {
				return err
			}
			return readJSON(ctx, in, &answers[peer])
		})
		own.Wait()
	}
	if cause := context.Cause(ctx); cause != nil && (err == nil || stopped(err, cause)) {
		err = cause
	}
	return answers, err
}

// obey does what this rank is told.
func (e *Executor) obey(ctx context.Context, o order) ([]byte, error) {
	if e.config.Call == nil {
		return nil, &comm.RankError{Rank: e.comm.Rank(), Op: "call", Cause: fmt.Errorf("this rank takes no calls")}
	}
	blocks := make([]*array.Block, len(o.Parts))
	for i, id := range o.Parts {
		p := e.kept[id]
		if p == nil {
			return nil, fmt.Errorf("%w: an array is not kept here any more: it was released; persist it again", array.ErrGraph)
		}
		if blocks[i] = p.block; blocks[i] != nil {
			if far, _ := blocks[i].Far(); far != nil {
				return nil, fmt.Errorf("%w: an array is kept in the memory of device %s; collect it first", array.ErrGraph, far.Device())
			}
		}
	}
	out, err := e.config.Call(ctx, o.Payload, blocks)
	if err != nil {
		return nil, &comm.RankError{Rank: e.comm.Rank(), Op: "call", Cause: err}
	}
	return out, nil
}

// hearCall begins what this rank is told.
func (e *Executor) hearCall(ctx context.Context, number uint32, in *comm.Incoming) *share {
	var o order
	err := readJSON(ctx, in, &o)
	ctx, cancel := context.WithCancelCause(ctx)
	s := &share{task: number, cancel: cancel}
	s.done.Go(func() {
		var raw []byte
		if err == nil {
			raw, err = e.obey(ctx, o)
		}
		if err == nil {
			raw, err = json.Marshal(raw)
		}
		if err == nil {
			err = comm.SendParcel(ctx, e.comm, 0, tagData, comm.Parcel{Aux: mark(number, 0), Bufs: [][]byte{raw}})
		}
		if err != nil && ctx.Err() == nil {
			e.complain(ctx, number, err)
		}
	})
	return s
}
