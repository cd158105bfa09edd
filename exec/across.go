package exec

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// crosses reports whether a move goes from device to device.
func (s *Step) crosses() bool { return s.there && s.Kind != Run && s.Kind != Multiply }

// across brings each rank's accelerator what it wants of what the others' have, from device to device. Whatever a device may be short of
// is found out first, by all: none waits for one that cannot. Then, and where bits lie badly, the hosts do it.
func (r *run) across(ctx context.Context, s *Step) error {
	from, to := s.ends()
	var part *array.Block
	if s.Kind != Bcast || r.rank == 0 {
		if part = r.onDevice(&Step{there: true}, from); part == nil {
			return fmt.Errorf("the block to move is not on this rank; this is a fault of the planner")
		}
	}
	words, err := r.confer(ctx, bit(part != nil && part.HasNulls())*someNulls+bit(r.group == nil)*cannot)
	if err != nil {
		return err
	}
	nulls := words&someNulls != 0
	if nulls && !s.onBytes() {
		words |= cannot
	}
	var sent, got *array.Block
	if words&cannot == 0 {
		if sent, got, err = r.ready(ctx, s, part, nulls); err != nil {
			r.remark = err.Error()
		}
		if words, err = r.confer(ctx, bit(err != nil)*cannot); err != nil {
			words |= cannot
		}
	}
	if words&cannot == 0 {
		err = r.cross(ctx, s, sent, got)
	}
	if sent != nil && sent != got && sent != part {
		letGo(sent)
	}
	if err != nil || words&cannot != 0 {
		if got != nil && got != part {
			letGo(got)
		}
		if err != nil {
			return err
		}
		if r.remark == "" {
			r.remark = "went through the hosts"
		}
		return r.byHosts(ctx, s)
	}
	r.arrived(s, to, part, got)
	return nil
}

// byHosts is the other way of a move that was to go from device to device.
func (r *run) byHosts(ctx context.Context, s *Step) error {
	from, _ := s.ends()
	if b := r.block(from); b != nil {
		if err := r.lower(ctx, from, b); err != nil {
			return err
		}
	}
	if s.Kind == Bcast {
		return r.hand(ctx, s)
	}
	return r.exchange(ctx, s)
}

// ready makes room for a move on this rank's accelerator, and brings there what it gives.
func (r *run) ready(ctx context.Context, s *Step, part *array.Block, nulls bool) (sent, got *array.Block, err error) {
	if part != nil {
		if sent, err = r.group.Hold(ctx, part, nulls); err != nil || s.Kind == Bcast {
			return sent, sent, err
		}
	}
	got, err = r.group.Room(s.DType, s.wanted(r.rank).Len(), nulls)
	return sent, got, err
}

// cross is the move itself, which all ranks begin.
func (r *run) cross(ctx context.Context, s *Step, sent, got *array.Block) error {
	switch have, want := s.layout.Range(r.rank), s.wanted(r.rank); s.Kind {
	case Bcast:
		return r.group.Bcast(ctx, got, 0)
	case Allgather:
		return r.group.Allgather(ctx, sent, got, spansOf(s.layout))
	default:
		send, receive := make([]partition.Range, r.plan.Ranks), make([]partition.Range, r.plan.Ranks)
		for peer := range send {
			send[peer] = within(s.wanted(peer), have)
			receive[peer] = within(s.layout.Range(peer), want)
		}
		return r.group.Alltoall(ctx, sent, send, got, receive)
	}
}

// within is what a range shares with another, counted from the beginning of that.
func within(r, of partition.Range) partition.Range {
	shared := r.Intersect(of)
	if shared.Empty() {
		return partition.Range{}
	}
	return partition.Range{Lo: shared.Lo - of.Lo, Hi: shared.Hi - of.Lo}
}

// onBytes reports whether all runs of bits that a move brings begin a byte, where they come from and where they go.
func (s *Step) onBytes() bool {
	if s.Kind == Bcast {
		return true
	}
	for from := range s.layout.Ranks() {
		have := s.layout.Range(from)
		for to := range s.layout.Ranks() {
			want := s.wanted(to)
			if run := have.Intersect(want); !run.Empty() && ((run.Lo-have.Lo)%8 != 0 || (run.Lo-want.Lo)%8 != 0) {
				return false
			}
		}
	}
	return true
}

// arrived stores what came, to be let go with its value. Where the root gave it, the block of the host stays at hand.
func (r *run) arrived(s *Step, to operand, part, got *array.Block) {
	if at, _ := got.Far(); got != part {
		r.mu.Lock()
		r.own = append(r.own, owned{value: to.value, far: at})
		r.mu.Unlock()
	}
	r.crossed += s.DType.BufferSize(s.brought(r.rank))
	if s.Kind == Bcast && r.rank == 0 {
		r.twin(to, got)
		return
	}
	r.put(s, got)
}

// letGo releases a far block that nobody else has.
func letGo(b *array.Block) {
	if at, _ := b.Far(); at != nil {
		at.Release()
	}
}

// What ranks say before they move something from device to device.
const (
	someNulls uint64 = 1 << iota // what this rank gives has validity
	cannot                       // this rank has no room, or no group
)

// confer is what any rank says: the root hears all and tells them.
func (r *run) confer(ctx context.Context, words uint64) (uint64, error) {
	if r.rank != 0 {
		if err := comm.SendParcel(ctx, r.comm, 0, tagData, comm.Parcel{Count: words, Aux: mark(r.task, r.at)}); err != nil {
			return 0, err
		}
		in, err := r.receive(ctx, 0, r.task, r.at)
		if err != nil {
			return 0, err
		}
		defer in.Discard()
		return in.Count, nil
	}
	said := make([]uint64, r.plan.Ranks)
	err := eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error {
		in, err := r.receive(ctx, peer, r.task, r.at)
		if err != nil {
			return err
		}
		defer in.Discard()
		said[peer] = in.Count
		return nil
	})
	for _, w := range said {
		words |= w
	}
	if err != nil {
		return 0, err
	}
	return words, eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error {
		return comm.SendParcel(ctx, r.comm, peer, tagData, comm.Parcel{Count: words, Aux: mark(r.task, r.at)})
	})
}
