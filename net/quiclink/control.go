package quiclink

import (
	"bufio"
	"fmt"
	"io"

	"github.com/darray-go/darray/net/link"
)

// Frame types. ID is the message's number; Header is the message's own in eager, request and block, else zero but for
// the field named.
const (
	frameHello    = 1 + iota // first on the control stream, see hello.go
	frameEager               // a message, Size payload bytes follow
	frameRequest             // a message of Size bytes waits with its sender
	frameGrant               // the receiver is ready for message ID: send it
	frameDiscard             // the receiver wants no (more) bytes of message ID
	frameWithdraw            // message ID, announced before, will not come (whole)
	frameCredit              // Count eager bytes were read
	frameBye                 // nothing follows but withdrawals; answer when all is read
	frameByeAck              // all is read
	frameBlock               // first on a unidirectional stream: message ID, Size payload bytes follow
	frameLanes               // once after the hellos, by the dialer: it has made Count lanes; see laneoffer.go
	frameLaneLost            // the lanes are given up: what is not here goes by streams
)

// queue appends a frame for the writer, and before it the credit that is owed. mu is held.
func (c *conn) queue(f link.Frame) {
	c.queueCredit()
	c.out = f.AppendTo(c.out)
	select {
	case c.wake <- struct{}{}:
	default: // the writer has been woken and has not looked yet
	}
}

func (c *conn) queueCredit() {
	if c.owed == 0 {
		return
	}
	owed := c.owed
	c.owed = 0
	c.unread -= owed
	c.queue(link.Frame{Type: frameCredit, Header: link.Header{Count: uint64(owed)}})
}

// writeFrames is the only writer of the control stream. What was queued while it wrote goes out in one piece.
func (c *conn) writeFrames() {
	const keep = 256 << 10 // a larger buffer, left by a burst, is not worth keeping
	var b []byte
	for {
		select {
		case <-c.wake:
		case <-c.qc.Context().Done():
			return
		}
		if cap(b) > keep {
			b = nil
		}
		c.mu.Lock()
		b, c.out = c.out, b[:0]
		c.mu.Unlock()
		if _, err := c.ctl.Write(b); err != nil {
			c.qc.CloseWithError(codeProtocol, "control stream refused") // no effect where the connection has ended
			return
		}
	}
}

// readFrames is the only reader of the control stream, and the one who tells everybody when the connection has ended.
func (c *conn) readFrames() {
	c.fail(c.serve(bufio.NewReaderSize(c.ctl, 64<<10)))
}

// serve acts on the frames in r until the first error, which it returns.
func (c *conn) serve(r io.Reader) error {
	head := make([]byte, link.HeaderSize)
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return err
		}
		f, err := link.DecodeFrame(head, c.t.cfg.MaxMessage)
		if err != nil {
			return err
		}
		if err := c.handle(f, r); err != nil {
			return err
		}
	}
}

// handle acts on one frame. Its errors are the peer's fault or the end of the connection.
func (c *conn) handle(f link.Frame, r io.Reader) error {
	switch f.Type {
	case frameEager:
		return c.handleEager(f, r)
	case frameRequest:
		return c.handleRequest(f)
	case frameBye:
		c.handleBye()
		return nil
	case frameLaneLost:
		c.dropLanes(fmt.Errorf("lanes: rank %d gave them up; its own report may say why", c.peer))
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f.Type {
	case frameGrant:
		if o := c.sending[f.ID]; o != nil { // else it has been withdrawn
			return o.grant()
		}
	case frameDiscard:
		if o := c.sending[f.ID]; o != nil {
			o.stop(errDiscarded)
		}
	case frameWithdraw:
		if in := c.receiving[f.ID]; in != nil { // else it has been finished
			in.giveUp(link.ErrWithdrawn)
		}
	case frameCredit:
		if f.Count > uint64(link.EagerCredit-c.credit) {
			return fmt.Errorf("%w: credit for %d bytes, %d were in use", link.ErrFrame, f.Count, link.EagerCredit-c.credit)
		}
		c.credit += int(f.Count)
	case frameByeAck:
		if !c.closed || c.answered {
			return fmt.Errorf("%w: answer to a goodbye that was not said", link.ErrFrame)
		}
		c.answered = true
		close(c.parted)
	default:
		return fmt.Errorf("%w: type %d on a control stream", link.ErrFrame, f.Type)
	}
	return nil
}

func (c *conn) handleEager(f link.Frame, r io.Reader) error {
	if f.Size > link.EagerLimit {
		return fmt.Errorf("%w: %d bytes inline, limit %d", link.ErrTooLarge, f.Size, link.EagerLimit)
	}
	cost := int(f.Size) + link.HeaderSize
	c.mu.Lock()
	c.unread += cost
	over := c.unread > link.EagerCredit
	c.mu.Unlock()
	if over {
		return fmt.Errorf("%w: more than %d eager bytes without credit", link.ErrFrame, link.EagerCredit)
	}
	data := make([]byte, f.Size)
	if _, err := io.ReadFull(r, data); err != nil {
		return err
	}
	c.inbox.Put(link.NewMessage(f.Header, &eager{c, data}))
	return nil
}

func (c *conn) handleRequest(f link.Frame) error {
	in := newIncoming(c, f.ID, f.Size)
	wanted, err := c.announced(f, in)
	if wanted {
		c.inbox.Put(link.NewMessage(f.Header, in)) // without mu: who diverts may have locks of his own
	}
	return err
}

func (c *conn) announced(f link.Frame, in *incoming) (wanted bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.ID <= c.lastID {
		return false, fmt.Errorf("%w: message %d announced after message %d", link.ErrFrame, f.ID, c.lastID)
	}
	if len(c.receiving) >= maxUnread {
		return false, fmt.Errorf("%w: %d unread messages", link.ErrFrame, maxUnread)
	}
	if len(c.out) > maxUnsent {
		return false, fmt.Errorf("%w: it sends and does not read", link.ErrFrame)
	}
	c.lastID = f.ID
	if c.closed {
		return false, nil
	}
	c.receiving[f.ID] = in
	return true, nil
}

// handleBye ends sending and whatever was not asked for; blocks that are on their way are still read.
func (c *conn) handleBye() {
	c.leave(c.farewell())
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, in := range c.receiving {
		if in.stop == nil {
			in.giveUp(c.farewell())
		}
	}
	c.leaving = true
	c.answerBye()
}

// answerBye tells a leaving peer that all is read, once it is. mu is held.
func (c *conn) answerBye() {
	if c.leaving && c.reading == 0 {
		c.leaving = false
		c.queue(link.Frame{Type: frameByeAck})
	}
}
