package link

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

const memScheme = "mem"

// NewMem returns the transports of p ranks inside this process, rank i at address "mem:i". Payload.Ref is handed over
// as it is; payloads up to EagerLimit are copied twice (Send need not wait), larger ones once, from the sender's
// buffers into the receiver's. There are no goroutines.
func NewMem(p int) []Transport {
	world := make([]*memTransport, p)
	out := make([]Transport, p)
	spin := p <= 2*runtime.GOMAXPROCS(0)
	for i := range world {
		world[i] = &memTransport{
			rank: i, world: world, spin: spin,
			incoming: make(chan *memConn, p),
			conns:    make(map[*memConn]struct{}),
			closed:   make(chan struct{}),
		}
		out[i] = world[i]
	}
	return out
}

type memTransport struct {
	rank     int
	world    []*memTransport
	spin     bool // so few ranks that one which yields for a while is faster than one that sleeps and is woken
	incoming chan *memConn
	closed   chan struct{}

	mu    sync.Mutex
	conns map[*memConn]struct{} // not closed by this rank; nil once the transport is closed
}

func memAddr(rank int) string { return fmt.Sprintf("mem:%d", rank) }

// Scheme returns "mem".
func (t *memTransport) Scheme() string { return memScheme }

// Addr returns "mem:" and the rank.
func (t *memTransport) Addr() string { return memAddr(t.rank) }

// Dial joins the two transports; the peer need not be in Accept yet.
func (t *memTransport) Dial(ctx context.Context, peer int, addr string) (Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dial rank %d: %w", peer, err)
	}
	if peer < 0 || peer >= len(t.world) || peer == t.rank || addr != memAddr(peer) {
		return nil, fmt.Errorf("dial rank %d at %q from rank %d of %d: %w: no such peer there", peer, addr, t.rank, len(t.world), ErrRefused)
	}
	there := t.world[peer]
	here, far := newMemPair(t, there)
	if !t.add(here) {
		return nil, fmt.Errorf("dial rank %d: %w", peer, ErrClosed)
	}
	if !there.add(far) {
		here.Close()
		return nil, fmt.Errorf("dial rank %d: %w: its transport is closed", peer, ErrPeerLost)
	}
	select {
	case there.incoming <- far:
		return here, nil
	case <-t.closed:
		here.Close()
		return nil, fmt.Errorf("dial rank %d: %w", peer, ErrClosed)
	case <-there.closed:
		here.Close()
		return nil, fmt.Errorf("dial rank %d: %w: its transport is closed", peer, ErrPeerLost)
	case <-ctx.Done():
		here.Close()
		return nil, fmt.Errorf("dial rank %d: %w", peer, ctx.Err())
	}
}

// Accept returns the next Conn that a peer dialed.
func (t *memTransport) Accept(ctx context.Context) (Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("accept on rank %d: %w", t.rank, err)
	}
	select {
	case <-t.closed: // first: a closed transport has nothing left to give
		return nil, fmt.Errorf("accept on rank %d: %w", t.rank, ErrClosed)
	default:
	}
	select {
	case c := <-t.incoming:
		return c, nil
	case <-t.closed:
		return nil, fmt.Errorf("accept on rank %d: %w", t.rank, ErrClosed)
	case <-ctx.Done():
		return nil, fmt.Errorf("accept on rank %d: %w", t.rank, ctx.Err())
	}
}

// Close closes every Conn of this rank.
func (t *memTransport) Close() error {
	t.mu.Lock()
	conns := t.conns
	t.conns = nil
	if conns != nil {
		close(t.closed)
	}
	t.mu.Unlock()
	for c := range conns { // all at once: while the first peers notice, this rank must not take others for lost
		c.closed.Store(true)
		c.inbox.Drop(ErrClosed)
	}
	for c := range conns {
		c.Close()
	}
	return nil
}

// add enters c unless the transport is closed.
func (t *memTransport) add(c *memConn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conns == nil {
		return false
	}
	t.conns[c] = struct{}{}
	return true
}

func (t *memTransport) forget(c *memConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conns, c)
}

// memConn is one end of a pair. The two ends share down.
type memConn struct {
	t      *memTransport
	peer   int
	far    *memConn
	inbox  *Inbox
	unread atomic.Int64 // eager bytes that the peer sent and this end has not finished
	put    atomic.Pointer[func(h Header, p Payload) bool]
	count  Counter

	closed atomic.Bool // by this end's owner
	down   *memDown
}

// memDown is closed when either end closes.
type memDown struct {
	once sync.Once
	ch   chan struct{}
}

func newMemPair(a, b *memTransport) (atA, atB *memConn) {
	down := &memDown{ch: make(chan struct{})}
	atA = &memConn{t: a, peer: b.rank, inbox: NewInbox(), down: down}
	atB = &memConn{t: b, peer: a.rank, inbox: NewInbox(), down: down}
	atA.far, atB.far = atB, atA
	return atA, atB
}

// Peer returns the rank at the other end.
func (c *memConn) Peer() int { return c.peer }

// PeerAddr is the address of the other rank's transport.
func (c *memConn) PeerAddr() string { return memAddr(c.peer) }

// Stats returns the counts so far.
func (c *memConn) Stats() Stats { return c.count.Stats(memScheme) }

// Send queues the message at the peer and, if the peer reads straight from p, waits for it.
func (c *memConn) Send(ctx context.Context, h Header, p Payload) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send to rank %d: %w", c.peer, err)
	}
	wait, err := c.Start(h, p)
	if wait != nil {
		err = wait(ctx)
	}
	return err
}

// Start queues the message at the peer; wait blocks while the peer reads straight from p.
func (c *memConn) Start(h Header, p Payload) (wait func(ctx context.Context) error, err error) {
	if sent, err := c.trySend(h, p); sent || err != nil {
		return nil, err
	}
	h.Size = uint64(p.Size())
	m := newMemMessage(h, c.far)
	b := &m.memBody
	b.bufs, b.done = p.Bufs, make(chan struct{})
	if !c.far.inbox.Put(&m.Message) {
		return nil, c.lost("send to")
	}
	return func(ctx context.Context) error {
		if err := c.await(ctx, b); err != nil {
			return err
		}
		c.count.Sent(b.size)
		return nil
	}, nil
}

// await blocks until the receiver has finished b, or takes b back.
func (c *memConn) await(ctx context.Context, b *memBody) error {
	var err error
	select {
	case <-b.done:
	case <-c.down.ch:
		err = c.lost("send to")
	case <-ctx.Done():
		err = fmt.Errorf("send to rank %d: %w", c.peer, ctx.Err())
	}
	if err != nil && !b.withdraw() {
		<-b.done // it is being copied: the copy sees the flag and stops soon, or is complete
	}
	switch {
	case b.state.Load() == memDone:
		return nil
	case err == nil: // the receiver saw the end of the Conn first
		return c.lost("send to")
	default:
		return err
	}
}

// trySend queues the message at the peer unless somebody would have to wait.
func (c *memConn) trySend(h Header, p Payload) (bool, error) {
	size := p.Size()
	h.Size = uint64(size)
	if p.Ref == nil && size <= PlaceLimit && c.far.place(h, p) {
		c.count.Sent(size)
		return true, nil
	}
	if p.Ref == nil && (size > EagerLimit || !c.far.reserve(size+HeaderSize)) {
		return false, nil
	}
	m := newMemMessage(h, c.far)
	if p.Ref != nil {
		m.memBody.ref, m.memBody.bufs = p.Ref, p.Bufs
	} else {
		m.keep(p)
	}
	if !c.far.inbox.Put(&m.Message) {
		return false, c.lost("send to")
	}
	if p.Ref != nil {
		c.count.SentRef()
	} else {
		c.count.Sent(size)
	}
	return true, nil
}

// Divert hands messages to take in the goroutine of their sender.
func (c *memConn) Divert(take func(*Message) bool) { c.inbox.Divert(c.count.Taken(take)) }

// Place has put asked first for what the peer sends.
func (c *memConn) Place(put func(h Header, p Payload) bool) {
	put = c.count.Placed(put)
	c.put.Store(&put)
}

// place offers a message of the other end to put.
func (c *memConn) place(h Header, p Payload) bool {
	put := c.put.Load()
	return put != nil && !c.isDown() && (*put)(h, p)
}

// Poll finds nothing: messages come by the goroutine of their sender, who runs while the caller yields.
func (c *memConn) Poll() (found, spin bool) { return false, c.t.spin }

// Recv returns the oldest message.
func (c *memConn) Recv(ctx context.Context) (*Message, error) {
	m, err := c.inbox.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("receive from rank %d: %w", c.peer, err)
	}
	c.count.Recvd()
	return m, nil
}

// Close ends both directions; what Send has accepted is already with the peer.
func (c *memConn) Close() error {
	c.closed.Store(true)
	c.inbox.Drop(ErrClosed)
	c.far.inbox.End(fmt.Errorf("%w: closed by rank %d", ErrPeerLost, c.far.peer))
	c.down.once.Do(func() { close(c.down.ch) })
	c.t.forget(c)
	return nil
}

func (c *memConn) isDown() bool {
	select {
	case <-c.down.ch:
		return true
	default:
		return false
	}
}

func (c *memConn) lost(doing string) error {
	if c.closed.Load() {
		return fmt.Errorf("%s rank %d: %w", doing, c.peer, ErrClosed)
	}
	return fmt.Errorf("%s rank %d: %w: closed by rank %d", doing, c.peer, ErrPeerLost, c.peer)
}

// reserve takes n bytes of the credit at the receiving end c.
func (c *memConn) reserve(n int) bool {
	if c.unread.Add(int64(n)) <= EagerCredit {
		return true
	}
	c.unread.Add(int64(-n))
	return false
}
