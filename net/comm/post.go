package comm

import (
	"context"
	"errors"
	"time"

	"github.com/darray-go/darray/net/link"
)

// send passes one message to a rank of c, this one included.
func (c *Comm) send(ctx context.Context, dst int, h link.Header, p link.Payload) error {
	wait, err := c.startSend(ctx, dst, h, p)
	if wait == nil {
		return err
	}
	var from origin
	if h.Kind != kindCall { // else the collective knows
		from.site = here()
	}
	return wait(ctx, from)
}

// startSend gives the message its place among those to that rank. A nil wait without an error: it is on its way. Else wait
// is the rest, to be called once; until it returns the buffers are in use.
func (c *Comm) startSend(ctx context.Context, dst int, h link.Header, p link.Payload) (wait func(ctx context.Context, from origin) error, err error) {
	if err := c.st.broken(); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	w := c.world(dst)
	if w == c.m.rank {
		return nil, c.sendSelf(h, p)
	}
	var rest func(ctx context.Context) error
	if conn := c.m.peer(w).live.Load(); conn == nil {
		rest = c.m.queue(c.m.peer(w), h, p)
	} else if rest, err = conn.Start(h, p); rest == nil {
		return nil, c.explain(ctx, w, err)
	}
	return func(ctx context.Context, from origin) error { return c.finishSend(ctx, dst, h, from, rest) }, nil
}

// finishSend sees a send to its end that waits for its receiver, and ends it with the communicator.
func (c *Comm) finishSend(ctx context.Context, dst int, h link.Header, from origin, wait func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	at := &pending{
		cancel: cancel, from: from, since: time.Now(), what: Position{Op: "Send", Peer: c.world(dst), Tag: int(h.Tag), Seq: h.Seq},
	}
	switch {
	case from.req != nil:
		at.what.Op = from.req.op
	case h.Kind == kindParcel:
		at.what.Op = "SendParcel"
	}
	if err := c.m.box.sending(c.st, at); err != nil {
		cancel(err)
	} else {
		defer c.m.box.sent(c.st, at)
	}
	return c.explain(ctx, c.world(dst), wait(ctx))
}

// explain finds the reason behind an error of a message to or from rank r of the job: the caller's context, the end of the
// communicator, or else that rank.
func (c *Comm) explain(ctx context.Context, r int, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	m := c.m
	if r != m.rank && errors.Is(err, link.ErrPeerLost) {
		c.awaitVerdict(ctx, m.peer(r))
	}
	if broken := c.st.broken(); broken != nil {
		return broken
	}
	if _, ok := err.(*RankError); ok || r == m.rank {
		return err
	}
	if _, ended := m.peer(r).state(); ended != nil {
		return ended
	}
	if errors.Is(err, link.ErrClosed) {
		m.unplugged(err)
		return m.box.over()
	}
	return &RankError{Rank: r, Host: m.hostOf(r), Cause: err}
}

// awaitVerdict waits until all ranks agree on what the loss of the conn to p means: it has left, it is lost, or this rank is.
func (c *Comm) awaitVerdict(ctx context.Context, p *peer) {
	timer := time.NewTimer(2 * verdictLimit) // its reader decides sooner, unless the machine stalls
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-c.st.revoked:
	case <-ctx.Done():
	case <-timer.C:
	}
}

// sendSelf puts a copy of the message into this rank's own mailbox.
func (c *Comm) sendSelf(h link.Header, p link.Payload) error {
	h.Size = uint64(p.Size())
	body := &selfBody{ref: p.Ref}
	if p.Ref == nil {
		body.data = p.Flatten()
	}
	if !c.m.box.deliver(letter{source: c.m.rank, Message: link.NewMessage(h, body)}) {
		return c.st.broken()
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
func (c *Comm) receive(ctx context.Context, w want, sig *call) (letter, error) {
	if ctx.Err() != nil {
		return letter{}, context.Cause(ctx)
	}
	l, waiting, err := c.m.box.take(c.st, w, true)
	if waiting == nil {
		return l, err
	}
	return c.await(ctx, waiting, sig)
}

// await is the rest of a receive that has been posted.
func (c *Comm) await(ctx context.Context, w *waiter, k *call) (letter, error) {
	if w.source != AnySource && w.source != c.m.rank {
		c.m.peer(w.source).poll(w)
	}
	done := ctx.Done()
	for {
		var out outcome
		if done == nil || len(w.got) > 0 { // a plain receive is cheaper than a choice
			out = <-w.got
		} else {
			select {
			case out = <-w.got:
			case <-done:
				if placed, ok := c.m.box.withdraw(w); ok {
					return placed, nil
				}
				return letter{}, context.Cause(ctx)
			}
		}
		if !out.nudge {
			c.m.box.release(w)
			return out.letter, out.err
		}
		c.look(w, k)
	}
}

// look joins the rank that w waits for, if it is not joined, and asks it about the collective, or whether it still takes
// part at all.
func (c *Comm) look(w *waiter, k *call) {
	looks := c.m.box.nudgeTaken(w, here())
	ask := notice{ctl: ctlRollcall, context: c.st.context}
	switch {
	case w.source == AnySource && looks > 1 && c.st.context != worldContext: // there a rank leaves without a goodbye
		c.askSome(looks, ask)
		return
	case w.source == AnySource || w.source == c.m.rank:
		return
	}
	p := c.m.peer(w.source)
	if k != nil {
		ask.seq, ask.sig = w.seq, k.mine()
	}
	switch conn, err := p.state(); {
	case err != nil:
	case k != nil || conn != nil && looks > 1:
		c.m.tellOne(p, ask)
	case conn == nil && looks > 1: // its sender may be about to join from the other side
		c.m.dial(p)
	}
}

// askSome brings ask to some members, others at each look.
func (c *Comm) askSome(looks int, ask notice) {
	n := min(fan, c.Size())
	for i := range n {
		if r := (looks*n + i) % c.Size(); r != c.rank {
			c.m.tellOne(c.m.peer(c.world(r)), ask)
		}
	}
}

// read fills bufs with the payload of l. A peer that has said goodbye has sent all of it, so its conn stays until it is read.
func (c *Comm) read(ctx context.Context, l letter, bufs ...[]byte) error {
	if l.source != c.m.rank {
		reading := &c.m.peer(l.source).reading
		reading.RLock()
		defer reading.RUnlock()
	}
	return l.ReadInto(ctx, bufs...)
}
