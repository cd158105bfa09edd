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

// atHand reports whether the root has all of what is computed in parts before others need more of it than their parts, or
// gets it for nothing: inside one process ranks compute their parts where the root reads them, unless that is on devices. Else the
// ranks exchange them.
func (p *planner) atHand(v *value) bool {
	return v.lies == nil && (v.gathered || p.setting.InProcess && !p.setting.Choice.Linked)
}

// wanted is the elements that a step brings to a rank.
func (s *Step) wanted(rank int) partition.Range {
	if s.Kind == Gather && rank != 0 {
		return partition.Range{}
	}
	return s.span(rank)
}

// ends is what a move reads and what it brings, on a rank that has both.
func (s *Step) ends() (from, to operand) {
	from, to = operand{s.moved(), false}, operand{s.value, !s.Split}
	switch s.Kind {
	case Scatter, Bcast:
		from.whole = true
	case Gather:
		to.whole = true
	}
	return from, to
}

// byDevices reports whether devices can do a move: where there are bits to move, no two ranks must have some of one byte.
func (s *Step) byDevices() bool {
	switch s.Kind {
	case Bcast:
		return true
	case Allgather, Alltoall:
		return s.DType != array.Bool || s.onBytes()
	}
	return false
}

// moving is how many elements an exchange brings to ranks that do not have them.
func (s *Step) moving() int {
	n := 0
	for rank := range s.layout.Ranks() {
		n += s.brought(rank)
	}
	return n
}

// brought is how many elements a bcast or an exchange brings to a rank that does not have them.
func (s *Step) brought(rank int) int {
	want := s.wanted(rank)
	switch {
	case want.Empty() || s.Kind == Bcast && rank == 0:
		return 0
	case s.Kind == Bcast:
		return want.Len()
	}
	return want.Len() - want.Intersect(s.layout.Range(rank)).Len()
}

// moved is the value whose blocks a step moves.
func (s *Step) moved() int {
	if s.pieces != nil {
		return s.pieces.of
	}
	return s.value
}

// exchange brings each rank the elements that it wants of a value computed in parts: each rank sends every other one what that
// one wants of its part, straight away and all at once. At most p(p-1) blocks; of n bytes that all want whole, (p-1)n/p
// to and from each rank. The nearest ranks come first, so that for each distance all send and none waits for ever.
func (r *run) exchange(ctx context.Context, s *Step) error {
	part := r.block(operand{s.moved(), false})
	if part == nil {
		return fmt.Errorf("the part to move is not on this rank; this is a fault of the planner")
	}
	part = part.DropValidity()
	have, want := s.layout.Range(r.rank), s.wanted(r.rank)
	if s.Kind == Gather && r.rank != 0 {
		if r.lent != nil && s.DType != array.Bool {
			if err := place(ctx, r.lent[s.value].block, have, part); err != nil {
				return err
			}
		}
		return r.sendPiece(ctx, s, 0, part)
	}
	a, err := r.assemble(s, want)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, f := range [...]func() error{
		func() error {
			own := have.Intersect(want)
			return a.add(ctx, own, part.Slice(own.Lo-have.Lo, own.Hi-have.Lo))
		},
		func() error {
			return eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, ahead int) error {
				return r.sendPiece(ctx, s, (r.rank+ahead)%r.plan.Ranks, part)
			})
		},
		func() error {
			return eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, behind int) error {
				return a.take(ctx, (r.rank-behind+r.plan.Ranks)%r.plan.Ranks)
			})
		},
	} {
		all.Go(func() {
			if err := f(); err != nil {
				cancel(err) // the others' errors follow from this one
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	b, err := a.whole()
	r.put(s, b)
	return err
}

// sendPiece sends a peer what it wants of this rank's part.
func (r *run) sendPiece(ctx context.Context, s *Step, peer int, part *array.Block) error {
	have := s.layout.Range(r.rank)
	span := have.Intersect(s.wanted(peer))
	if span.Empty() {
		return nil
	}
	return r.send(ctx, peer, part.Slice(span.Lo-have.Lo, span.Hi-have.Lo))
}

// assembly is a block that is made of pieces, in whatever order they come.
type assembly struct {
	run      *run
	step     *Step
	span     partition.Range // its elements
	block    *array.Block    // all valid
	mu       sync.Mutex      // of bits, since neighbouring pieces share bytes
	validity []byte          // nil as long as no piece has nulls
}

// assemble begins the block of a span of what a step moves: in place in what the root has lent, where that is gathered.
func (r *run) assemble(s *Step, span partition.Range) (*assembly, error) {
	a := &assembly{run: r, step: s, span: span}
	if s.Kind == Gather {
		a.block = r.lent[s.value].block
		return a, nil
	}
	var err error
	a.block, _, err = r.room(s.value, s.DType, span, false)
	return a, err
}

// take takes what a peer sends of its part: numbers straight to where they belong, bits beside it, as they have to be shifted.
func (a *assembly) take(ctx context.Context, peer int) error {
	r, s := a.run, a.step
	span := s.layout.Range(peer).Intersect(a.span)
	if span.Empty() {
		return nil
	}
	in, b, err := r.incoming(ctx, peer, s, span.Len())
	if err != nil {
		return err
	}
	if b != nil {
		return a.add(ctx, span, b)
	}
	defer in.Discard()
	bits := array.Bool.BufferSize(span.Len())
	var values, validity []byte
	if s.DType == array.Bool {
		if values, _, err = r.config.Memory.Get(bits); err != nil {
			return err
		}
	} else {
		values, _, _ = a.block.Raw()
		values = values[(span.Lo-a.span.Lo)*s.DType.Size() : (span.Hi-a.span.Lo)*s.DType.Size()]
	}
	if in.Flags&hasNulls != 0 {
		if validity, _, err = r.config.Memory.Get(bits); err != nil {
			return err
		}
	}
	if err := in.ReadInto(ctx, values, validity); err != nil {
		return lastWordOf(ctx, err)
	}
	if b, err = array.WrapBlock(s.DType, span.Len(), 0, values, validity, nil); err != nil {
		return err
	}
	if err := a.add(ctx, span, b); err != nil {
		return err
	}
	if s.DType == array.Bool {
		r.config.Memory.Put(values)
	}
	r.config.Memory.Put(validity)
	return nil
}

// lastWordOf waits, where a peer has taken its block back, for the end of the task: it has failed, and is about to say why.
func lastWordOf(ctx context.Context, err error) error {
	if !errors.Is(err, comm.ErrWithdrawn) {
		return err
	}
	timer := time.NewTimer(goodbye)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return err
	}
}

// add puts the piece of a span where it belongs.
func (a *assembly) add(ctx context.Context, span partition.Range, piece *array.Block) error {
	if span.Empty() {
		return nil
	}
	at := partition.Range{Lo: span.Lo - a.span.Lo, Hi: span.Hi - a.span.Lo}
	if a.step.DType != array.Bool {
		if err := place(ctx, a.block, at, piece); err != nil || !piece.HasNulls() {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.step.DType == array.Bool {
		if err := place(ctx, a.block, at, piece); err != nil || !piece.HasNulls() {
			return err
		}
	}
	if a.validity == nil {
		var err error
		if a.validity, err = a.run.ones(a.step.value, a.span.Len()); err != nil {
			return err
		}
	}
	_, bits, offset := piece.Raw()
	array.CopyBits(a.validity, at.Lo, bits, offset, at.Len())
	return nil
}

// whole is the block when all pieces are there.
func (a *assembly) whole() (*array.Block, error) {
	if a.validity == nil {
		return a.block, nil
	}
	values, _, _ := a.block.Raw()
	return array.WrapBlock(a.step.DType, a.span.Len(), 0, values, a.validity, nil)
}
