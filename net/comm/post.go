package comm

import (
	"context"
	"errors"
	"time"

	"github.com/darray-go/darray/net/link"
)

// send passes one message to a rank, this one included.
func (m *mesh) send(ctx context.Context, dst int, h link.Header, p link.Payload) error {
	if over := m.box.over(); over != nil {
		return over
	}
	if dst == m.rank {
		return m.sendSelf(ctx, h, p)
	}
	conn, err := m.connect(ctx, dst)
	if err == nil {
		err = conn.Send(ctx, h, p)
	}
	return m.explain(ctx, dst, err)
}

// explain finds the reason behind an error of a message to or from rank r: the caller's context, the end of the mesh,
// or else that rank.
func (m *mesh) explain(ctx context.Context, r int, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r != m.rank && errors.Is(err, link.ErrPeerLost) {
		m.awaitEnd(ctx, m.peers[r])
	}
	if over := m.box.over(); over != nil {
		return over
	}
	if _, ok := err.(*RankError); ok || r == m.rank {
		return err
	}
	if _, ended := m.peers[r].state(); ended != nil {
		return ended
	}
	if errors.Is(err, link.ErrClosed) {
		m.unplugged(err)
		return m.box.over()
	}
	return &RankError{Rank: r, Host: m.peers[r].host, Cause: err}
}

// awaitEnd gives the reader of p, whose conn is lost, time to take in what p said last: why it went.
func (m *mesh) awaitEnd(ctx context.Context, p *peer) {
	timer := time.NewTimer(noticeLimit)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-ctx.Done():
	case <-timer.C:
	}
}

// sendSelf puts a copy of the message into this rank's own mailbox.
func (m *mesh) sendSelf(ctx context.Context, h link.Header, p link.Payload) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	h.Size = uint64(p.Size())
	body := &selfBody{ref: p.Ref}
	if p.Ref == nil {
		body.data = p.Flatten()
	}
	if !m.box.deliver(&letter{source: m.rank, Message: link.NewMessage(h, body)}) {
		return m.box.over()
	}
	return nil
}

// selfBody is the payload of a message from a rank to itself.
type selfBody struct {
	data []byte
	ref  any
}

func (b *selfBody) ReadInto(_ context.Context, bufs [][]byte) error {
	if b.ref != nil {
		return errors.New("the message came by reference; take Ref")
	}
	rest := b.data
	for _, buf := range bufs {
		rest = rest[copy(buf, rest):]
	}
	return nil
}

func (b *selfBody) Ref() (any, bool) { return b.ref, b.ref != nil }
func (b *selfBody) Discard() bool    { return true }

// receive waits for the letter that w wants. Where it takes long it looks after the rank it waits for, so that one
// that has gone or is elsewhere is found out.
func (m *mesh) receive(ctx context.Context, w want, sig signature) (*letter, error) {
	l, waiting, err := m.box.take(w)
	if waiting == nil {
		return l, err
	}
	timer := time.NewTimer(m.patience)
	defer timer.Stop()
	for {
		select {
		case out := <-waiting.got:
			return out.letter, out.err
		case <-ctx.Done():
			m.box.withdraw(waiting)
			return nil, context.Cause(ctx)
		case <-timer.C:
			m.look(w, sig)
			timer.Reset(m.patience)
		}
	}
}

// look joins the rank that w waits for, if it is not joined, and asks it about the collective, if it is one.
func (m *mesh) look(w want, sig signature) {
	if w.source == AnySource || w.source == m.rank {
		return
	}
	p := m.peers[w.source]
	conn, err := p.state()
	switch {
	case err != nil:
	case conn == nil:
		m.dial(p)
	case w.kind == kindCall:
		m.tellOne(p, notice{ctl: ctlRollcall, context: w.context, seq: w.seq, sig: sig})
	}
}
