package exec

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// Results of Persist that several ranks compute stay with them, each rank's part in its memory or its accelerator's. Ranks know them by a
// number that follows from the task, so that nothing needs to be told when they come to be. Rank 0 knows when nobody refers to them
// any more, and tells the others between two tasks.

// part is what this rank keeps of an array.
type part struct {
	block *array.Block
	own   []owned // its memory, where that is nobody else's
}

// partID names the parts of a value that is result i of a task.
func partID(task uint32, i int) uint64 { return uint64(task)<<32 | uint64(i) }

// keeps reports whether a result stays with the ranks that compute it.
func (p *planner) keeps(v *value) bool {
	return p.setting.Keep && p.Ranks > 1 && !p.setting.OneDevice && !v.whole && v.kind != array.KindData
}

// keptFar reports whether the parts of a result lie in the accelerators' memory when the plan is done.
func (p *Plan) keptFar(at int) bool {
	for i := range p.Steps {
		for k, v := range p.Steps[i].outputs {
			if v == at && p.Steps[i].stays(k) {
				return true
			}
		}
	}
	return false
}

// keepParts takes the results that stay out of the run, by their numbers.
func (r *run) keepParts() map[uint64]*part {
	var out map[uint64]*part
	for i, root := range r.plan.graph.roots {
		if v := r.plan.graph.values[root.value]; !v.kept || v.kind == array.KindParts || r.plan.graph.again[i] {
			continue
		}
		if out == nil {
			out = make(map[uint64]*part)
		}
		out[partID(r.task, i)] = r.takePart(root.value)
	}
	return out
}

// takePart is this rank's part of a value and its memory.
func (r *run) takePart(at int) *part {
	p := &part{block: r.parts[at]}
	far, _ := p.block.Far()
	values, validity, _ := p.block.Raw()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = slices.DeleteFunc(r.own, func(o owned) bool {
		mine := far != nil && o.far == far || begins(o.buf, values) || begins(o.buf, validity)
		if mine {
			p.own = append(p.own, o)
		}
		return mine
	})
	return p
}

// begins reports whether two buffers begin at the same byte.
func begins(a, b []byte) bool { return len(a) > 0 && len(b) > 0 && &a[0] == &b[0] }

// partsOf fills in the results that stay with the ranks. keeper is who forgets them.
func (r *run) partsOf(of given, out []*array.Parts, keeper array.Keeper) {
	known := make(map[int]*array.Parts)
	for i, root := range r.plan.graph.roots {
		v := r.plan.graph.values[root.value]
		switch {
		case !v.kept:
			continue
		case v.kind == array.KindParts:
			out[i] = of.parts[v.data]
			continue
		case known[root.value] == nil:
			known[root.value] = array.NewParts(partID(r.task, i), v.deal.layout, r.plan.keptFar(root.value), keeper)
		}
		out[i] = known[root.value]
	}
}

// free gives a part's memory back.
func (p *part) free(e *Executor) {
	for i := range p.own {
		p.own[i].giveBack(e)
	}
	p.own, p.block = nil, nil
}

// hold keeps parts until they are dropped, if the task went well; else not.
func (e *Executor) hold(parts map[uint64]*part, well bool) {
	for id, p := range parts {
		if !well {
			p.free(e)
			continue
		}
		if e.kept == nil {
			e.kept = make(map[uint64]*part)
		}
		e.kept[id] = p
	}
}

// drop lets go of parts; those that this rank does not have went before.
func (e *Executor) drop(ids []uint64) {
	for _, id := range ids {
		if p := e.kept[id]; p != nil {
			p.free(e)
			delete(e.kept, id)
		}
	}
}

// dropAll lets go of all parts.
func (e *Executor) dropAll() {
	for _, p := range e.kept {
		p.free(e)
	}
	clear(e.kept)
}

// mine is this rank's part of an array.
func (r *run) mine(p *array.Parts) (*array.Block, error) {
	if k := p.Keeper(); r.rank == 0 && k != array.Keeper(r.Executor) {
		return nil, fmt.Errorf("%w: an operand is kept by the ranks of another cluster; collect it there", array.ErrGraph)
	}
	kept := r.kept[p.ID]
	if kept == nil {
		return nil, fmt.Errorf("%w: an operand is not kept here any more: it was released; persist it again", array.ErrGraph)
	}
	return kept.block, nil
}

// forgotten is what nobody refers to any more, and the ranks still keep.
type forgotten struct {
	mu  sync.Mutex
	ids []uint64
}

// take empties it.
func (f *forgotten) take() []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := f.ids
	f.ids = nil
	return ids
}

func (f *forgotten) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.ids) > 0
}

// Forget is array.Keeper's, for the parts that Persist leaves with the ranks. They let go of them when none of them is at work.
func (e *Executor) Forget(id uint64) {
	e.gone.mu.Lock()
	e.gone.ids = append(e.gone.ids, id)
	e.gone.mu.Unlock()
	go e.sweep() // who is at work when this comes sweeps afterwards
}

// sweep has the ranks drop what is forgotten, unless a task is under way, whose end sweeps.
func (e *Executor) sweep() {
	for e.gone.any() {
		select {
		case e.busy <- struct{}{}:
		default:
			return
		}
		e.sweepNow()
		<-e.busy
	}
}

// sweepNow is sweep for who holds busy.
func (e *Executor) sweepNow() {
	ids := e.gone.take()
	if len(ids) == 0 || e.closed {
		return
	}
	e.drop(ids)
	if raw, err := json.Marshal(ids); err == nil { // numbers
		e.tellAll(context.Background(), comm.Parcel{Flags: saysDrop, Bufs: [][]byte{raw}})
	}
}

// hearDrop is what the other ranks do of sweep.
func (e *Executor) hearDrop(ctx context.Context, in *comm.Incoming) error {
	var ids []uint64
	if err := readJSON(ctx, in, &ids); err != nil {
		return err
	}
	e.drop(ids)
	return nil
}
