package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// lane is one buffer of a far block: its values, or its validity.
type lane struct {
	buf    *Buffer
	bits   int // of an element
	offset int // elements of the buffer before the block's first
}

// stretch is a run of a lane, in bytes. The rest of the byte in which a run of bits ends goes with it: the next run begins behind that.
type stretch struct {
	buf   *Buffer
	at, n int
}

func (s stretch) addr() uint64 { return s.buf.Addr() + uint64(s.at) }

// bitsOf is the bits of an element.
func bitsOf(d array.DType) int {
	if d == array.Bool {
		return 1
	}
	return 8 * d.Size()
}

// lanes are the buffers of a block that lies on the runner's device.
func (l *linked) lanes(b *array.Block) ([]lane, error) {
	if err := l.r.reaches(b); err != nil {
		return nil, err
	}
	far, offset := farOf(b)
	m, ok := far.(*remote)
	switch {
	case !ok || m.isSpilled():
		return nil, errors.New("a block lies in memory of the host; Hold it")
	case !b.HasNulls():
		return []lane{{m.values, bitsOf(m.dtype), offset}}, nil
	case m.validity == nil:
		return nil, fmt.Errorf("%w: a block's validity is nowhere", array.ErrNull)
	}
	return []lane{{m.values, bitsOf(m.dtype), offset}, {m.validity, 1, offset}}, nil
}

// pair finds the lanes of what a call sends and of where it receives.
func (l *linked) pair(m *move, part, to *array.Block) (err error) {
	if m.from, err = l.lanes(part); err != nil {
		return fmt.Errorf("part: %w", err)
	}
	if m.into, err = l.lanes(to); err != nil {
		return fmt.Errorf("result: %w", err)
	}
	switch {
	case part.DType() != to.DType():
		return fmt.Errorf("%w: the part is %s, the result %s", array.ErrDType, part.DType(), to.DType())
	case len(m.from) != len(m.into):
		return fmt.Errorf("%w: one of the part and the result has validity", array.ErrNull)
	}
	return nil
}

// fits checks that there is a run of a block for every rank.
func (l *linked) fits(what string, b *array.Block, runs []partition.Range) error {
	if b == nil {
		return fmt.Errorf("%s: there is none", what)
	}
	if len(runs) != l.g.ranks {
		return fmt.Errorf("%s: %d runs for %d ranks", what, len(runs), l.g.ranks)
	}
	for rank, r := range runs {
		if r.Lo < 0 || r.Lo > r.Hi || r.Hi > b.Len() {
			return fmt.Errorf("%s: %w: run %s of rank %d, of %d elements", what, array.ErrShape, r, rank, b.Len())
		}
	}
	return nil
}

// run is where a run of the block's elements lies.
func (a lane) run(r partition.Range) (stretch, error) {
	lo := (a.offset + r.Lo) * a.bits
	if r.Empty() {
		return stretch{a.buf, lo / 8, 0}, nil
	}
	if lo%8 != 0 {
		return stretch{}, fmt.Errorf("bits %s begin at bit %d of a byte; runs of bools and of validity begin at multiples of 8 elements", r, lo%8)
	}
	return stretch{a.buf, lo / 8, (r.Len()*a.bits + 7) / 8}, nil
}

// runs is run for each rank's.
func (a lane) runs(ranks []partition.Range) ([]stretch, error) {
	spans := make([]stretch, len(ranks))
	for rank, r := range ranks {
		var err error
		if spans[rank], err = a.run(r); err != nil {
			return nil, fmt.Errorf("rank %d: %w", rank, err)
		}
	}
	return spans, nil
}

// even reports whether spans are equally long and lie one behind the other. All ranks find the same: it is about bytes from the first.
func even(spans []stretch) bool {
	for i, s := range spans {
		if s.n == 0 || s.n != spans[0].n || s.at != spans[0].at+i*s.n {
			return false
		}
	}
	return true
}

// move is the messages of one collective call. All are of bytes: NCCL makes bytes of elements that it does not compute with.
type move struct {
	from, into []lane
	pieces     []func(s *Stream) error
}

func (m *move) add(piece func(s *Stream) error) { m.pieces = append(m.pieces, piece) }

// broadcast adds that a rank's src comes to dst of all.
func (m *move) broadcast(g *Group, src, dst stretch, root int) {
	if dst.n > 0 {
		m.add(func(s *Stream) error { return g.Broadcast(s, src.addr(), dst.addr(), dst.n, Uint8, root) })
	}
}

// exchange adds what goes to a rank and what comes from there.
func (m *move) exchange(g *Group, out, in stretch, rank int) {
	if rank == g.rank {
		m.add(func(s *Stream) error { return s.Copy(in.buf, in.at, out.buf, out.at, in.n) })
		return
	}
	if out.n > 0 {
		m.add(func(s *Stream) error { return g.Send(s, out.addr(), out.n, Uint8, rank) })
	}
	if in.n > 0 {
		m.add(func(s *Stream) error { return g.Recv(s, in.addr(), in.n, Uint8, rank) })
	}
}

// run queues all of it and waits. After an error, which is to be the end of the group, ranks that go on may still write to where this one
// was to receive: devices of one process do so directly.
func (m *move) run(ctx context.Context, g *Group, s *Stream) error {
	err := g.Together(ctx, s, func() error {
		for _, piece := range m.pieces {
			if err := piece(s); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = g.Sync(ctx, s)
	}
	if err != nil {
		for _, at := range m.into {
			at.buf.torn.Store(true)
		}
	}
	return err
}
