package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// linked is a runner as a rank of a group of devices. Its calls are done in turns with the runner's own, on the stream of its kernels.
type linked struct {
	r *Runner
	g *Group

	mu     sync.Mutex
	broken error // why nothing works any more
}

var _ array.Group = (*linked)(nil)

// NewGroup names a group of runners' devices for Join: so many bytes, which one rank asks for and sends to the others. ErrLibrary where NCCL
// is not installed.
func (r *Runner) NewGroup() ([]byte, error) {
	id, err := r.d.NewGroupID()
	if err != nil {
		return nil, fmt.Errorf("%s: name of a group: %w", r.Name(), err)
	}
	return id[:], nil
}

// Join makes the runner a rank of a group of so many, each with a device of its own, which all have to join. It waits for them until ctx
// ends. ErrLibrary where NCCL is not installed. The group is to be closed before the runner. What its Hold and Room make is the caller's,
// who calls Far.Release.
func (r *Runner) Join(ctx context.Context, id []byte, rank, ranks int) (array.Group, error) {
	if len(id) != len(GroupID{}) {
		return nil, fmt.Errorf("%s: a group's name of %d bytes, it has %d", r.Name(), len(id), len(GroupID{}))
	}
	g, err := r.d.Join(ctx, GroupID(id), rank, ranks)
	if err != nil {
		return nil, fmt.Errorf("%s: join a group of %d devices: %w", r.Name(), ranks, err)
	}
	return &linked{r: r, g: g}, nil
}

// enter waits for the group's turn.
func (l *linked) enter(ctx context.Context) error {
	l.mu.Lock()
	broken := l.broken
	l.mu.Unlock()
	if broken != nil {
		return fmt.Errorf("the group of devices is broken: %w", broken)
	}
	return l.r.enter(ctx)
}

// Close leaves the group: see array.Group.
func (l *linked) Close() error {
	_ = l.r.enter(context.Background()) // which does not end
	defer l.r.leave()
	return l.g.Close()
}

// Hold gives a block's elements as a far block of the runner: see array.Group. Where nulls says so and a far block has no validity, it is
// copied.
func (l *linked) Hold(ctx context.Context, b *array.Block, nulls bool) (*array.Block, error) {
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.r.leave()
	held, err := l.hold(ctx, b, nulls)
	if err != nil {
		return nil, fmt.Errorf("%s: hold %d %s: %w", l.r.Name(), b.Len(), b.DType(), err)
	}
	return held, nil
}

// hold is Hold in its turn.
func (l *linked) hold(ctx context.Context, b *array.Block, nulls bool) (*array.Block, error) {
	if b.HasNulls() && !nulls {
		return nil, fmt.Errorf("%w: the block has validity, which those of the other ranks have not", array.ErrNull)
	}
	if err := l.r.reaches(b); err != nil {
		return nil, err
	}
	at, offset := b.Far()
	m, ok := at.(*remote)
	switch {
	case !ok || m.isSpilled():
		return l.r.raise(ctx, b, nulls)
	case b.HasNulls() == nulls:
		return b, nil
	}
	bit := 0 // of the byte in which the first element of bits lies
	if b.DType() == array.Bool {
		bit = offset % 8
	}
	n := bit + b.Len()
	j := &job{r: l.r, s: l.r.compute()}
	out, err := j.room(ctx, b.DType(), n, true)
	if err != nil {
		return nil, err
	}
	src, err := lane{m.values, bitsOf(b.DType()), offset - bit}.run(partition.Range{Lo: 0, Hi: n})
	err = errors.Join(err, j.s.Copy(out.values, 0, m.values, src.at, src.n), j.s.Fill(out.validity, 0, (n+7)/8, 0xff))
	if err != nil {
		out.Release()
		return nil, err
	}
	return array.FarBlock(b.DType(), n, true, out).Slice(bit, n), nil
}

// Room is a far block of n elements, which are unspecified: see array.Group. ErrOutOfMemory, with the figures, where the device is full.
func (l *linked) Room(d array.DType, n int, nulls bool) (*array.Block, error) {
	ctx := context.Background() // it waits for work of the device alone
	if err := l.enter(ctx); err != nil {
		return nil, err
	}
	defer l.r.leave()
	if !d.Valid() || n < 0 || n > math.MaxInt/64 {
		return nil, fmt.Errorf("%s: room for %d %s: %w", l.r.Name(), n, d, array.ErrShape)
	}
	j := &job{r: l.r, s: l.r.compute()}
	m, err := j.room(ctx, d, n, nulls)
	if err != nil {
		return nil, fmt.Errorf("%s: room for %d %s: %w", l.r.Name(), n, d, err)
	}
	return array.FarBlock(d, n, nulls, m), nil
}

// Bcast gives b of every rank what it has on the root: see array.Group.
func (l *linked) Bcast(ctx context.Context, b *array.Block, root int) error {
	return l.together(ctx, "bcast", func(m *move) (err error) {
		if m.into, err = l.lanes(b); err != nil {
			return err
		}
		if root < 0 || root >= l.g.ranks {
			return fmt.Errorf("root %d of %d ranks", root, l.g.ranks)
		}
		for _, at := range m.into {
			all, err := at.run(partition.Range{Lo: 0, Hi: b.Len()})
			if err != nil {
				return err
			}
			m.broadcast(l.g, all, all, root)
		}
		return nil
	})
}

// Allgather gives every rank the parts of all: see array.Group. Parts that are equally long go at once, others each by a broadcast.
func (l *linked) Allgather(ctx context.Context, part, to *array.Block, spans []partition.Range) error {
	return l.together(ctx, "allgather", func(m *move) error {
		if err := errors.Join(l.pair(m, part, to), l.fits("result", to, spans)); err != nil {
			return err
		}
		if own := spans[l.g.rank]; own.Len() != part.Len() {
			return fmt.Errorf("rank %d has a part of %d elements for the %d of %s", l.g.rank, part.Len(), own.Len(), own)
		}
		for k := range m.from {
			src, err := m.from[k].run(partition.Range{Lo: 0, Hi: part.Len()})
			if err != nil {
				return fmt.Errorf("part: %w", err)
			}
			dst, err := m.into[k].runs(spans)
			if err != nil {
				return fmt.Errorf("result: %w", err)
			}
			if even(dst) {
				m.add(func(s *Stream) error { return l.g.AllGather(s, src.addr(), dst[0].addr(), src.n, Uint8) })
				continue
			}
			for root := range dst {
				m.broadcast(l.g, src, dst[root], root)
			}
		}
		return nil
	})
}

// Alltoall sends each rank its elements of part, and takes what each sends to: see array.Group.
func (l *linked) Alltoall(ctx context.Context, part *array.Block, send []partition.Range, to *array.Block, receive []partition.Range) error {
	return l.together(ctx, "alltoall", func(m *move) error {
		if err := errors.Join(l.pair(m, part, to), l.fits("part", part, send), l.fits("result", to, receive)); err != nil {
			return err
		}
		me := l.g.rank
		if send[me].Len() != receive[me].Len() {
			return fmt.Errorf("rank %d sends itself %d elements, and receives %d", me, send[me].Len(), receive[me].Len())
		}
		for k := range m.from {
			out, err := m.from[k].runs(send)
			if err != nil {
				return fmt.Errorf("part: %w", err)
			}
			in, err := m.into[k].runs(receive)
			if err != nil {
				return fmt.Errorf("result: %w", err)
			}
			for rank := range out {
				m.exchange(l.g, out[rank], in[rank], rank)
			}
		}
		return nil
	})
}

// together does one collective call in the runner's turn: what plan makes goes into the stream as one, and is waited for. Whatever goes
// wrong, this rank is out of step with the others from then on: the group is broken.
func (l *linked) together(ctx context.Context, op string, plan func(m *move) error) error {
	m := &move{}
	err := l.enter(ctx)
	if err == nil {
		if err = plan(m); err == nil {
			err = m.run(ctx, l.g, l.r.compute())
		}
		l.r.leave()
	}
	if err == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return err
	}
	l.broken = fmt.Errorf("%s: %s: %w", l.r.Name(), op, err)
	l.g.Abort()
	return l.broken
}
