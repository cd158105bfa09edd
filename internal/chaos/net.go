package chaos

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/darray-go/darray/net/link"
)

// Net joins ranks of this process by memory, and fails on request. Its time is that of the caller's synctest bubble, where
// there is one.
type Net struct {
	// Detect is how long silence lasts before both ends of a connection take the other for lost.
	Detect time.Duration
	// OnSend, where not nil, is called before each message with its sender and how many that has sent, from 1.
	OnSend func(rank, n int)

	inner []link.Transport
	sent  []atomic.Int64 // by rank

	mu     sync.Mutex
	silent map[[2]int]bool // by pair, the lower rank first
	conns  map[*conn]bool
}

// NewNet returns the network of p ranks. Its fields may be set before the first message.
func NewNet(p int) *Net {
	return &Net{Detect: 3 * time.Second, inner: link.NewMem(p), sent: make([]atomic.Int64, p), silent: make(map[[2]int]bool), conns: make(map[*conn]bool)}
}

// Transports returns the ranks' ends, to be closed by their users.
func (n *Net) Transports() []link.Transport {
	ts := make([]link.Transport, len(n.inner))
	for r, t := range n.inner {
		ts[r] = &transport{Transport: t, net: n, rank: r}
	}
	return ts
}

// Kill ends a rank as its death does where the others notice at once.
func (n *Net) Kill(rank int) { n.inner[rank].Close() }

// Silence lets nothing pass to or from a rank any more, as if its process were stopped or its cable cut.
func (n *Net) Silence(rank int) {
	for r := range n.inner {
		if r != rank {
			n.Cut(rank, r)
		}
	}
}

// Cut lets nothing pass between two ranks any more. Their connections end after Detect.
func (n *Net) Cut(a, b int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent[pair(a, b)] = true
	for c := range n.conns {
		if pair(c.rank, c.Peer()) == pair(a, b) {
			c.mute()
		}
	}
}

// Heal lets new connections of a rank pass. The old ones stay silent until they end.
func (n *Net) Heal(rank int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for r := range n.inner {
		delete(n.silent, pair(rank, r))
	}
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

func (n *Net) isSilent(a, b int) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.silent[pair(a, b)]
}

type transport struct {
	link.Transport
	net  *Net
	rank int
}

// Dial fails after a while where nothing passes.
func (t *transport) Dial(ctx context.Context, peer int, addr string) (link.Conn, error) {
	if t.net.isSilent(t.rank, peer) {
		timer := time.NewTimer(t.net.Detect)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("dial rank %d: %w", peer, ctx.Err())
		case <-timer.C:
			return nil, fmt.Errorf("dial rank %d: %w: nobody answers", peer, link.ErrPeerLost)
		}
	}
	c, err := t.Transport.Dial(ctx, peer, addr)
	if err != nil {
		return nil, err
	}
	return t.wrap(c), nil
}

func (t *transport) Accept(ctx context.Context) (link.Conn, error) {
	c, err := t.Transport.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return t.wrap(c), nil
}

func (t *transport) wrap(inner link.Conn) *conn {
	c := &conn{Conn: inner, net: t.net, rank: t.rank, dead: make(chan struct{}), closing: make(chan struct{})}
	n := t.net
	n.mu.Lock()
	defer n.mu.Unlock()
	n.conns[c] = true
	if n.silent[pair(c.rank, c.Peer())] {
		c.mute()
	}
	return c
}

type conn struct {
	link.Conn
	net     *Net
	rank    int
	muted   atomic.Bool
	dead    chan struct{} // closed when its silence has been noticed
	closing chan struct{} // closed by Close
	once    sync.Once
}

// mute swallows everything, and ends the conn when that is noticed; net.mu is held.
func (c *conn) mute() {
	if !c.muted.CompareAndSwap(false, true) {
		return
	}
	go func() {
		timer := time.NewTimer(c.net.Detect)
		defer timer.Stop()
		select {
		case <-timer.C:
			close(c.dead)
			c.Conn.Close()
		case <-c.closing:
		}
	}()
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closing)
		c.net.mu.Lock()
		delete(c.net.conns, c)
		c.net.mu.Unlock()
	})
	if c.muted.Load() {
		select {
		case <-c.dead:
		default: // the other end does not hear of it
			return nil
		}
	}
	return c.Conn.Close()
}

func (c *conn) isDead() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// lost is what ends who waits on a muted conn.
func (c *conn) lost(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.closing:
		return link.ErrClosed
	case <-c.dead:
		return c.silence()
	}
}

func (c *conn) silence() error {
	return fmt.Errorf("%w: rank %d was silent for %v", link.ErrPeerLost, c.Peer(), c.net.Detect)
}

func (c *conn) explain(err error) error {
	if err != nil && c.isDead() {
		return c.silence()
	}
	return err
}

func (c *conn) Start(h link.Header, p link.Payload) (func(ctx context.Context) error, error) {
	n := int(c.net.sent[c.rank].Add(1))
	if c.net.OnSend != nil {
		c.net.OnSend(c.rank, n)
	}
	switch {
	case c.isDead():
		return nil, c.silence()
	case c.muted.Load() && p.Size() <= link.EagerLimit:
		return nil, nil
	case c.muted.Load():
		return c.lost, nil
	}
	wait, err := c.Conn.Start(h, p)
	if wait == nil {
		return nil, c.explain(err)
	}
	return func(ctx context.Context) error { return c.explain(wait(ctx)) }, nil
}

func (c *conn) Send(ctx context.Context, h link.Header, p link.Payload) error {
	wait, err := c.Start(h, p)
	if wait != nil {
		err = wait(ctx)
	}
	return err
}

func (c *conn) TrySend(link.Header, link.Payload) (bool, error) { return false, nil }

func (c *conn) Recv(ctx context.Context) (*link.Message, error) {
	for {
		m, err := c.Conn.Recv(ctx)
		switch {
		case err == nil:
			return c.receive(m), nil
		case c.muted.Load() && !c.isDead() && ctx.Err() == nil: // the other end was closed, which does not show
			return nil, c.lost(ctx)
		default:
			return nil, c.explain(err)
		}
	}
}

func (c *conn) Divert(take func(*link.Message) bool) {
	c.Conn.Divert(func(m *link.Message) bool { return take(c.receive(m)) })
}

func (c *conn) receive(m *link.Message) *link.Message {
	return link.NewMessage(m.Header, &body{c, m})
}

// body is a payload that stays with its sender once nothing passes.
type body struct {
	c *conn
	m *link.Message
}

func (b *body) ReadInto(ctx context.Context, bufs [][]byte) error {
	if b.c.muted.Load() && b.m.Size > link.EagerLimit {
		return b.c.lost(ctx)
	}
	return b.c.explain(b.m.ReadInto(ctx, bufs...))
}

func (b *body) Ref() (any, bool) { return b.m.Ref() }

func (b *body) Discard() bool {
	return b.c.muted.Load() || b.m.Discard()
}
