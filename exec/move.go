package exec

import (
	"context"
	"fmt"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// Tags of this package's parcels.
const (
	tagControl = iota // root to rank: tasks, their ends, questions, bye
	tagData           // blocks, reductions, answers; Aux says of which task and step
	tagFailed         // rank to root: a task has failed there
)

// hasNulls is the flag of a parcel whose values are followed by validity.
const hasNulls uint8 = 1

// senders bounds how many ranks the root moves data with at once: more would only fill the queues of its one port.
const senders = 8

// mark is the Aux of a parcel: its task and step.
func mark(task uint32, step int) uint64 { return uint64(task)<<32 | uint64(uint32(step)) }

// eachPeer calls f for all ranks but the root, several at once. The first error ends the others.
func eachPeer(ctx context.Context, ranks int, f func(ctx context.Context, peer int) error) error {
	if ranks == 2 {
		return f(ctx, 1)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	next := make(chan int)
	for range min(senders, ranks-1) {
		all.Go(func() {
			for peer := range next {
				if err := f(ctx, peer); err != nil {
					cancel(err) // the others' errors follow from this one
				}
			}
		})
	}
	for peer := 1; peer < ranks && ctx.Err() == nil; peer++ {
		next <- peer
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}

// hand gives each rank its part of a block of the root, or all of it.
func (r *run) hand(ctx context.Context, s *Step) error {
	if r.rank != 0 {
		return r.arrive(ctx, s)
	}
	b := r.dealt(s)
	if b == nil {
		return fmt.Errorf("the block to move is not on the root; this is a fault of the planner")
	}
	return eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error {
		span := s.span(peer)
		return r.send(ctx, peer, b.Slice(span.Lo, span.Hi))
	})
}

// arrive takes what the root hands to this rank.
func (r *run) arrive(ctx context.Context, s *Step) error {
	b, err := r.receiveBlock(ctx, 0, s, s.span(r.rank))
	r.put(s, b)
	return err
}

// put stores the block that a step brought.
func (r *run) put(s *Step, b *array.Block) {
	if s.Split {
		r.parts[s.value] = b
	} else {
		r.wholes[s.value] = b
	}
}

// read reads this rank's part of a column; the root reads for the ranks that cannot.
func (r *run) read(ctx context.Context, s *Step) error {
	if ranks := s.Access.Ranks; r.rank != 0 && r.rank < len(ranks) && !ranks[r.rank] {
		return r.arrive(ctx, s)
	}
	apart := s.Access.apart()
	if r.rank != 0 || s.OnRoot || r.plan.Ranks == 1 {
		apart = nil
	}
	later, err := r.defers(ctx, s)
	if err != nil {
		return err
	}
	var pieces []*array.Block
	if !later {
		if pieces, err = r.readSpan(ctx, s, r.rank); err != nil {
			return err
		}
	}
	if later {
		r.later[s.value] = s
	} else if s.Split && len(pieces) > 1 {
		r.putPieces(s, pieces)
	} else {
		b, err := array.Concat(pieces)
		if err != nil {
			return err
		}
		r.put(s, b)
	}
	for _, peer := range apart { // one at a time: it is one reader
		if s.Split {
			if pieces, err = r.readSpan(ctx, s, peer); err != nil {
				return err
			}
		}
		b, err := array.Concat(pieces)
		if err != nil {
			return err
		}
		if err := r.send(ctx, peer, b); err != nil {
			return err
		}
	}
	return nil
}

// place copies a piece's values to where they belong in out, unless they lie there already.
func place(ctx context.Context, out *array.Block, span partition.Range, piece *array.Block) error {
	if span.Empty() {
		return nil
	}
	to, _, _ := out.Raw()
	from, _, offset := piece.Raw()
	if out.DType() == array.Bool {
		array.CopyBits(to, span.Lo, from, offset, span.Len())
		return nil
	}
	size := out.DType().Size()
	to, from = to[span.Lo*size:span.Hi*size], from[offset*size:]
	if &to[0] == &from[0] {
		return nil
	}
	return copyTo(ctx, to, from[:len(to)])
}

// send moves a block to a peer: by reference inside the process, else its buffers.
func (r *run) send(ctx context.Context, peer int, b *array.Block) error {
	p := comm.Parcel{Count: uint64(b.Len()), Aux: mark(r.task, r.at)}
	if b.HasNulls() {
		p.Flags = hasNulls
	}
	if r.comm.InProcess(peer) {
		p.Ref = b
		r.disown(r.plan.Steps[r.at].moved()) // the peer sees it as long as it likes
	} else {
		p.Bufs = b.Buffers()
	}
	r.count(peer, bytesIn(p.Bufs))
	return comm.SendParcel(ctx, r.comm, peer, tagData, p)
}

// receiveBlock takes a peer's block of a span of the step's array.
func (r *run) receiveBlock(ctx context.Context, peer int, s *Step, span partition.Range) (*array.Block, error) {
	in, b, err := r.incoming(ctx, peer, s, span.Len())
	if b != nil || err != nil {
		return b, err
	}
	defer in.Discard()
	if b, _, err = r.room(s.value, s.DType, span, in.Flags&hasNulls != 0); err != nil {
		return nil, err
	}
	values, validity, _ := b.Raw()
	return b, in.ReadInto(ctx, values[:s.DType.BufferSize(span.Len())], validity)
}

// incoming takes the parcel of a peer's block of n elements of the step's array: the block where it comes by reference, else a
// parcel of the bytes that it should have, still to be read.
func (r *run) incoming(ctx context.Context, peer int, s *Step, n int) (_ *comm.Incoming, _ *array.Block, err error) {
	in, err := r.receive(ctx, peer, r.task, r.at)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			in.Discard()
		}
	}()
	if in.Count != uint64(n) {
		return nil, nil, fmt.Errorf("rank %d sent %d elements, the plan says %d", peer, in.Count, n)
	}
	r.count(peer, int(in.Size))
	if ref, ok := in.Ref(); ok {
		b, ok := ref.(*array.Block)
		if !ok || b.Len() != n || b.DType() != s.DType {
			return nil, nil, fmt.Errorf("rank %d handed over no block of %d %s", peer, n, s.DType)
		}
		return nil, b, nil
	}
	want := s.DType.BufferSize(n)
	if in.Flags&hasNulls != 0 {
		want += array.Bool.BufferSize(n)
	}
	if in.Size != uint64(want) {
		return nil, nil, fmt.Errorf("rank %d sent %d bytes for %d %s, the plan says %d", peer, in.Size, n, s.DType, want)
	}
	return in, nil, nil
}

func bytesIn(bufs [][]byte) int {
	n := 0
	for _, b := range bufs {
		n += len(b)
	}
	return n
}
