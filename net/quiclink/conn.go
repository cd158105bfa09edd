package quiclink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

const (
	// maxUnread bounds the announced messages of one peer that wait here, withdrawn ones included; each is or was a Send
	// that blocks at the peer.
	maxUnread = 1 << 17
	// maxUnsent bounds the bytes of frames that wait for a peer which does not read them, while it sends more that are to
	// be answered: the eager credit and a frame for each of maxUnread.
	maxUnsent = link.EagerCredit + maxUnread*link.HeaderSize
)

// conn is a rank's end of one connection. Its three goroutines (frames in, frames out, blocks in) end with the QUIC
// connection. Nobody who holds mu blocks, and the reader of frames never waits for the writer, so neither can the peer.
type conn struct {
	t    *Transport
	peer int
	qc   *quic.Conn
	ctl  *quic.Stream

	inbox   *link.Inbox
	count   link.Counter
	running sync.WaitGroup
	lanes   []*lane       // may be none; the same from the start to the end
	laneMin int           // bytes from which a message goes by lanes
	wake    chan struct{} // one slot: out has frames
	parted  chan struct{} // closed when the peer has answered our goodbye
	over    chan struct{} // closed when Close has finished

	laneLost chan struct{} // closed when laneErr comes about while there are lanes

	mu      sync.Mutex
	closed  bool  // by this end's owner
	err     error // why nothing more is sent: the peer left or was lost
	laneErr error // why lanes are not used, though they should be

	lastSent  time.Time            // when Send accepted the last message
	out       []byte               // frames for the writer
	nextID    uint64               // of the next message sent
	sending   map[uint64]*outgoing // announced, not yet delivered
	credit    int                  // eager bytes that may still be sent
	lastID    uint64               // of the last message announced by the peer
	receiving map[uint64]*incoming // announced by the peer, not yet finished
	unread    int                  // eager bytes of the peer's credit in use
	owed      int                  // of these, finished and not yet given back
	reading   int                  // blocks asked for and not yet here
	answered  bool                 // parted is closed
	leaving   bool                 // the peer said goodbye; it wants an answer once reading is 0
}

var (
	_ link.Conn     = (*conn)(nil)
	_ link.Exporter = (*conn)(nil)
)

func newConn(t *Transport, peer int, ch channels) *conn {
	c := &conn{
		t: t, peer: peer, qc: ch.qc, ctl: ch.ctl,
		lanes: ch.lanes, laneMin: link.EagerLimit + 1, laneErr: ch.why, laneLost: make(chan struct{}),
		inbox:     link.NewInbox(),
		wake:      make(chan struct{}, 1),
		parted:    make(chan struct{}),
		over:      make(chan struct{}),
		sending:   make(map[uint64]*outgoing),
		receiving: make(map[uint64]*incoming),
		credit:    link.EagerCredit,
	}
	if t.offer.kind == quicLanes { // one of them is no better than the connection itself
		c.laneMin = striped
	}
	c.ctl.SetPriority(0, false) // frames overtake blocks
	context.AfterFunc(c.qc.Context(), func() { closeAll(c.lanes) })
	for _, l := range c.lanes {
		c.running.Go(func() { c.readLane(l) })
	}
	c.running.Go(c.readFrames)
	c.running.Go(c.writeFrames)
	c.running.Go(c.acceptBlocks)
	return c
}

// Peer returns the rank that the peer's certificate proves.
func (c *conn) Peer() int { return c.peer }

// PeerAddr returns the peer's address as its packets bear it; a rank dials from the socket that it listens on.
func (c *conn) PeerAddr() string { return c.qc.RemoteAddr().String() }

// Stats returns the counts so far. The scheme is "quic+tcp" or "quic+quic" while blocks go by lanes, see Fallback.
func (c *conn) Stats() link.Stats {
	switch {
	case !c.hasLanes():
		return c.count.Stats(scheme)
	case c.t.offer.kind == quicLanes:
		return c.count.Stats(quicScheme)
	default:
		return c.count.Stats(tcpScheme)
	}
}

// Send delivers one message: inline while credit lasts, else by a stream of its own or by lanes.
func (c *conn) Send(ctx context.Context, h link.Header, p link.Payload) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send to rank %d: %w", c.peer, err)
	}
	wait, err := c.Start(h, p)
	if wait != nil {
		err = wait(ctx)
	}
	return err
}

// Start announces the message, unless it is small and there is credit: then it is on its way.
func (c *conn) Start(h link.Header, p link.Payload) (wait func(ctx context.Context) error, err error) {
	size := p.Size()
	h.Size = uint64(size)
	sent, err := c.sendEager(h, p, size)
	var finish func(ctx context.Context) error
	if err == nil && !sent {
		finish, err = c.startBlock(h, p)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("send to rank %d: %w", c.peer, err)
	case sent:
		c.count.Sent(size)
		return nil, nil
	}
	return func(ctx context.Context) error {
		if err := finish(ctx); err != nil {
			return fmt.Errorf("send to rank %d: %w", c.peer, err)
		}
		c.count.Sent(size)
		return nil
	}, nil
}

// Divert hands messages to take in the goroutine that reads frames.
func (c *conn) Divert(take func(*link.Message) bool) { c.inbox.Divert(c.count.Taken(take)) }

// Export derives keying material from the TLS session.
func (c *conn) Export(label string, n int) ([]byte, error) {
	state := c.qc.ConnectionState().TLS
	return state.ExportKeyingMaterial(label, nil, n)
}

// sendEager queues the message with its payload if that is small and there is credit.
func (c *conn) sendEager(h link.Header, p link.Payload, size int) (sent bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failure(); err != nil {
		return false, err
	}
	if size > link.EagerLimit || size+link.HeaderSize > c.credit {
		return false, nil
	}
	c.credit -= size + link.HeaderSize
	c.lastSent = time.Now()
	c.queue(link.Frame{Type: frameEager, Header: h})
	for _, b := range p.Bufs {
		c.out = append(c.out, b...)
	}
	return true, nil
}

// Recv returns the oldest message.
func (c *conn) Recv(ctx context.Context) (*link.Message, error) {
	m, err := c.inbox.Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("receive from rank %d: %w", c.peer, err)
	}
	c.count.Recvd()
	return m, nil
}

// settled is how old the last message must be for all to have come: while a connection lives, QUIC repeats what is lost
// within milliseconds. It is also how long the goodbye of such a Conn waits for its answer.
const settled = time.Second

// Close ends what waits at this end, says goodbye and waits until the peer has everything that Send has accepted, at
// most Config.CloseTimeout, and at most a second if the last message is older than that.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.over
		return nil
	}
	c.closed = true
	gone := c.err != nil
	limit := c.t.cfg.CloseTimeout
	if time.Since(c.lastSent) > settled {
		limit = min(limit, settled)
	}
	c.stopSending(link.ErrClosed)
	c.stopReceiving(link.ErrClosed)
	if !gone {
		c.queue(link.Frame{Type: frameBye})
	}
	c.mu.Unlock()
	c.inbox.Drop(link.ErrClosed)
	if !gone {
		patience := time.NewTimer(limit)
		defer patience.Stop()
		select {
		case <-c.parted:
		case <-c.qc.Context().Done():
		case <-patience.C:
		}
	}
	c.qc.CloseWithError(codeBye, fmt.Sprintf("closed by rank %d", c.t.cfg.Rank))
	c.running.Wait()
	c.t.forget(c)
	close(c.over)
	return nil
}

// Drop ends the Conn without waiting for the peer; what it has not received is lost.
func (c *conn) Drop() {
	c.leave(fmt.Errorf("%w: rank %d was given up", link.ErrPeerLost, c.peer))
	c.qc.CloseWithError(codeBye, fmt.Sprintf("closed by rank %d", c.t.cfg.Rank))
	c.Close()
}

// failure is why nothing can be sent or asked for, or nil. mu is held.
func (c *conn) failure() error {
	if c.closed {
		return link.ErrClosed
	}
	return c.err
}

// leave notes that the peer takes nothing more: it said goodbye or was lost. What it sent before is still received.
func (c *conn) leave(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.stopSending(c.err)
	c.mu.Unlock()
	c.inbox.End(err)
}

// fail ends everything because the QUIC connection has ended, or ends it because the peer breaks the protocol.
func (c *conn) fail(err error) {
	lost := c.lost(err)
	c.leave(lost)
	c.mu.Lock()
	c.stopReceiving(lost)
	c.mu.Unlock()
	if errors.Is(err, link.ErrFrame) || errors.Is(err, link.ErrTooLarge) {
		c.qc.CloseWithError(codeProtocol, err.Error())
	}
}

// lost makes ErrPeerLost of what ended the QUIC connection.
func (c *conn) lost(err error) error {
	var app *quic.ApplicationError
	var reset *quic.StatelessResetError
	var idle *quic.IdleTimeoutError
	switch {
	case errors.Is(err, link.ErrPeerLost):
		return err
	case errors.As(err, &app) && app.Remote && app.ErrorCode == codeBye:
		return c.farewell()
	case errors.As(err, &app) && app.Remote:
		return fmt.Errorf("%w: rank %d ended the connection: %s", link.ErrPeerLost, c.peer, app.ErrorMessage)
	case errors.As(err, &reset):
		return fmt.Errorf("%w: rank %d has been restarted", link.ErrPeerLost, c.peer)
	case errors.As(err, &idle):
		return fmt.Errorf("%w: rank %d was silent for %v", link.ErrPeerLost, c.peer, c.t.cfg.IdleTimeout)
	default:
		return fmt.Errorf("%w: connection to rank %d: %w", link.ErrPeerLost, c.peer, err)
	}
}

func (c *conn) farewell() error {
	return fmt.Errorf("%w: closed by rank %d", link.ErrPeerLost, c.peer)
}

// blame says why a stream failed: the conn's own reason where it has one already, else what the stream says.
func (c *conn) blame(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if failure := c.failure(); failure != nil {
		return failure
	}
	return c.lost(err)
}
