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
	wake    chan struct{} // one slot: out has frames
	parted  chan struct{} // closed when the peer has answered our goodbye
	over    chan struct{} // closed when Close has finished

	mu     sync.Mutex
	closed bool  // by this end's owner
	err    error // why nothing more is sent: the peer left or was lost

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

var _ link.Conn = (*conn)(nil)

func newConn(t *Transport, peer int, qc *quic.Conn, ctl *quic.Stream) *conn {
	c := &conn{
		t: t, peer: peer, qc: qc, ctl: ctl,
		inbox:     link.NewInbox(),
		wake:      make(chan struct{}, 1),
		parted:    make(chan struct{}),
		over:      make(chan struct{}),
		sending:   make(map[uint64]*outgoing),
		receiving: make(map[uint64]*incoming),
		credit:    link.EagerCredit,
	}
	ctl.SetPriority(0, false) // frames overtake blocks
	c.running.Go(c.readFrames)
	c.running.Go(c.writeFrames)
	c.running.Go(c.acceptBlocks)
	return c
}

// Peer returns the rank that the peer's certificate proves.
func (c *conn) Peer() int { return c.peer }

// PeerAddr returns the peer's address as its packets bear it; a rank dials from the socket that it listens on.
func (c *conn) PeerAddr() string { return c.qc.RemoteAddr().String() }

// Stats returns the counts so far.
func (c *conn) Stats() link.Stats { return c.count.Stats(scheme) }

// Send delivers one message: inline while credit lasts, else by a stream of its own.
func (c *conn) Send(ctx context.Context, h link.Header, p link.Payload) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("send to rank %d: %w", c.peer, err)
	}
	size := p.Size()
	h.Size = uint64(size)
	sent, err := c.sendEager(h, p, size)
	if !sent && err == nil {
		err = c.sendBlock(ctx, h, p)
	}
	if err != nil {
		return fmt.Errorf("send to rank %d: %w", c.peer, err)
	}
	c.count.Sent(size)
	return nil
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

// Close ends what waits at this end, says goodbye and waits until the peer has everything that Send has accepted, at
// most Config.CloseTimeout.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.over
		return nil
	}
	c.closed = true
	gone := c.err != nil
	c.stopSending(link.ErrClosed)
	c.stopReceiving(link.ErrClosed)
	if !gone {
		c.queue(link.Frame{Type: frameBye})
	}
	c.mu.Unlock()
	c.inbox.Drop(link.ErrClosed)
	if !gone {
		patience := time.NewTimer(c.t.cfg.CloseTimeout)
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
