package link

import (
	"context"
	"fmt"
	"sync/atomic"
)

// States of a memBody that its sender waits for: open -> reading -> done or dropped; open -> withdrawn.
const (
	memOpen int32 = iota
	memReading
	memDone
	memDropped // the sender or the end of the Conn stopped the copy
	memWithdrawn
)

// memPiece is how much is copied between two looks at whether to stop: about 1 ms.
const memPiece = 4 << 20

// memBody is a message between two ranks of one process. bufs is the sender's own while done is not nil.
type memBody struct {
	at     *memConn // the receiving end
	bufs   [][]byte
	size   int
	ref    any
	credit int

	done  chan struct{} // closed by the receiver when bufs may change again; nil if nobody waits
	state atomic.Int32
	stop  atomic.Bool // the sender wants its buffers back
}

// memMessage is a message and its payload in one piece: most are small, and then they cost a single allocation.
type memMessage struct {
	Message
	memBody
	one   [1][]byte
	small [memSmall]byte
}

// memSmall is the largest payload in bytes that lies in the message itself.
const memSmall = 32

func newMemMessage(h Header, at *memConn) *memMessage {
	m := &memMessage{memBody: memBody{at: at, size: int(h.Size)}}
	m.Message = Message{Header: h, body: &m.memBody}
	return m
}

// keep copies the payload, so that the sender need not wait.
func (m *memMessage) keep(p Payload) {
	m.credit = m.size + HeaderSize
	switch {
	case m.size > memSmall:
		m.one[0] = p.Flatten()
	default:
		data := m.small[:0]
		for _, b := range p.Bufs {
			data = append(data, b...)
		}
		m.one[0] = data
	}
	m.bufs = m.one[:]
}

// ReadInto copies the payload.
func (b *memBody) ReadInto(ctx context.Context, dst [][]byte) error {
	if !b.state.CompareAndSwap(memOpen, memReading) {
		return fmt.Errorf("read message from rank %d: %w", b.at.peer, b.gone())
	}
	if err := b.copyTo(ctx, dst); err != nil {
		if ctx.Err() != nil {
			b.finish(memDone) // the receiver gave up: as if discarded
		} else {
			b.finish(memDropped)
		}
		return fmt.Errorf("read message from rank %d: %w", b.at.peer, err)
	}
	b.at.count.Read(b.size)
	b.finish(memDone)
	return nil
}

// Ref hands the sender's reference over.
func (b *memBody) Ref() (any, bool) {
	if b.ref == nil {
		return nil, false
	}
	return b.ref, true
}

// Discard lets the sender go on.
func (b *memBody) Discard() bool {
	if !b.state.CompareAndSwap(memOpen, memReading) {
		return false
	}
	b.finish(memDone)
	return true
}

func (b *memBody) finish(state int32) {
	b.state.Store(state)
	b.at.unread.Add(int64(-b.credit))
	if b.done != nil {
		close(b.done)
	}
}

// withdraw is the sender's: false means that the receiver has the buffers and closes done soon.
func (b *memBody) withdraw() bool {
	b.stop.Store(true)
	return b.state.CompareAndSwap(memOpen, memWithdrawn)
}

// gone says why there is nothing to read: the sender's context ended, or the Conn did.
func (b *memBody) gone() error {
	switch {
	case b.at.closed.Load():
		return ErrClosed
	case b.at.isDown():
		return fmt.Errorf("%w: closed by rank %d", ErrPeerLost, b.at.peer)
	default:
		return ErrWithdrawn
	}
}

// orphaned reports whether the sender's buffers have gone with the Conn; copies and references outlive it.
func (b *memBody) orphaned() bool { return b.done != nil && b.at.isDown() }

func (b *memBody) copyTo(ctx context.Context, dst [][]byte) error {
	src := b.bufs
	var from, to []byte
	for left := b.size; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if b.stop.Load() || b.orphaned() {
			return b.gone()
		}
		for len(from) == 0 {
			from, src = src[0], src[1:]
		}
		for len(to) == 0 {
			to, dst = dst[0], dst[1:]
		}
		n := copy(to[:min(len(to), memPiece)], from)
		from, to, left = from[n:], to[n:], left-n
	}
	return nil
}
