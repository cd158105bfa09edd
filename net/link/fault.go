package link

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Fault is what befalls one message; its zero value is nothing. Gate and Delay come first, then Cut, then Err.
type Fault struct {
	Gate  <-chan struct{} // the call waits until it can receive here (or its context ends)
	Delay time.Duration   // the call waits so long; for tests in a synctest bubble
	Cut   bool            // the Conn is closed in place of the message
	Err   error           // the call returns this, the Conn stays
	Short int             // Send leaves out so many of the last payload bytes
}

// Plan says which faults a wrapped transport shows. Each function is asked once a message, with the peer and the
// message's number on that Conn and direction (from 1), possibly by several goroutines at once; nil means no faults.
type Plan struct {
	Send func(peer, n int, h Header) Fault
	Recv func(peer, n int, h Header) Fault
}

// NewFault wraps t so that its Conns misbehave as plan says, the same way each time: for tests of what stands above.
// The number of a Send is given when it is entered, so faults that pick by number want one sender at a time.
func NewFault(t Transport, plan Plan) Transport {
	return &faultTransport{Transport: t, plan: plan}
}

type faultTransport struct {
	Transport
	plan Plan
}

// Dial wraps the Conn.
func (t *faultTransport) Dial(ctx context.Context, peer int, addr string) (Conn, error) {
	return t.wrap(t.Transport.Dial(ctx, peer, addr))
}

// Accept wraps the Conn.
func (t *faultTransport) Accept(ctx context.Context) (Conn, error) {
	return t.wrap(t.Transport.Accept(ctx))
}

func (t *faultTransport) wrap(c Conn, err error) (Conn, error) {
	if err != nil {
		return nil, err
	}
	return &faultConn{Conn: c, plan: t.plan}, nil
}

type faultConn struct {
	Conn
	plan        Plan
	sent, recvd atomic.Int64
}

// Send passes the message on as the plan allows.
func (c *faultConn) Send(ctx context.Context, h Header, p Payload) error {
	if c.plan.Send != nil {
		f := c.plan.Send(c.Peer(), int(c.sent.Add(1)), h)
		if err := c.suffer(ctx, f); err != nil {
			return fmt.Errorf("send to rank %d: %w", c.Peer(), err)
		}
		if f.Short > 0 {
			p = p.shorten(f.Short)
		}
	}
	return c.Conn.Send(ctx, h, p)
}

// Start does all of Send in wait where the plan has a say in it: the message takes its place then.
func (c *faultConn) Start(h Header, p Payload) (wait func(ctx context.Context) error, err error) {
	if c.plan.Send != nil {
		return func(ctx context.Context) error { return c.Send(ctx, h, p) }, nil
	}
	return c.Conn.Start(h, p)
}

// Divert leaves everything to Recv where the plan has a say in it.
func (c *faultConn) Divert(take func(*Message) bool) {
	if c.plan.Recv == nil {
		c.Conn.Divert(take)
	}
}

// Recv passes the message on as the plan allows; one that it loses is discarded.
func (c *faultConn) Recv(ctx context.Context) (*Message, error) {
	m, err := c.Conn.Recv(ctx)
	if err != nil || c.plan.Recv == nil {
		return m, err
	}
	if err := c.suffer(ctx, c.plan.Recv(c.Peer(), int(c.recvd.Add(1)), m.Header)); err != nil {
		m.Discard()
		return nil, fmt.Errorf("receive from rank %d: %w", c.Peer(), err)
	}
	return m, nil
}

func (c *faultConn) suffer(ctx context.Context, f Fault) error {
	if f.Gate != nil {
		select {
		case <-f.Gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.Cut {
		c.Close()
		return fmt.Errorf("%w: cut by plan", ErrPeerLost)
	}
	return f.Err
}

// shorten returns p without its last n bytes and without its reference, which stands for all of them.
func (p Payload) shorten(n int) Payload {
	var out Payload
	left := max(p.Size()-n, 0)
	for _, b := range p.Bufs {
		b = b[:min(len(b), left)]
		left -= len(b)
		out.Bufs = append(out.Bufs, b)
	}
	return out
}
