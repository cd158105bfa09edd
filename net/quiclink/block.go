package quiclink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

// errDiscarded ends a Send whose receiver wants no more bytes; Send then succeeds.
var errDiscarded = errors.New("quiclink: discarded by the receiver")

// outgoing is a message that was announced and whose Send waits.
type outgoing struct {
	granted chan struct{} // closed when the receiver asks for it
	asked   bool
	stop    context.CancelCauseFunc
}

// grant lets the sender go on. mu is held.
func (o *outgoing) grant() error {
	if o.asked {
		return fmt.Errorf("%w: message asked for twice", link.ErrFrame)
	}
	o.asked = true
	close(o.granted)
	return nil
}

// startBlock announces the message. finish waits until the receiver asks for it and sends the payload.
func (c *conn) startBlock(h link.Header, p link.Payload) (finish func(context.Context) error, err error) {
	ctx, stop := context.WithCancelCause(context.Background()) // ends when the receiver or the Conn says so
	o := &outgoing{granted: make(chan struct{}), stop: stop}
	id, err := c.announce(h, o)
	if err != nil {
		stop(nil)
		return nil, err
	}
	return func(parent context.Context) error {
		defer stop(nil)
		defer context.AfterFunc(parent, func() { stop(parent.Err()) })()
		return c.finishBlock(parent, ctx, id, o, p)
	}, nil
}

// finishBlock ends with ctx, which ends with parent or before it.
func (c *conn) finishBlock(parent, ctx context.Context, id uint64, o *outgoing, p link.Payload) error {
	err := c.writeBlock(ctx, id, o, p)
	if errors.Is(err, errDiscarded) {
		err = nil
	}
	c.mu.Lock()
	delete(c.sending, id)
	if err != nil {
		c.queue(link.Frame{Type: frameWithdraw, ID: id})
	} else {
		c.lastSent = time.Now()
	}
	c.mu.Unlock()
	switch {
	case err == nil:
		return nil
	case parent.Err() != nil:
		return parent.Err()
	default:
		return c.blame(err)
	}
}

func (c *conn) announce(h link.Header, o *outgoing) (id uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.failure(); err != nil {
		return 0, err
	}
	c.nextID++
	c.sending[c.nextID] = o
	c.queue(link.Frame{Type: frameRequest, ID: c.nextID, Header: h})
	return c.nextID, nil
}

// writeBlock returns when all bytes are with QUIC, which keeps what it may have to send again, or when a lane's receiver
// has them. What a lane that dies has lost is sent once more.
func (c *conn) writeBlock(ctx context.Context, id uint64, o *outgoing, p link.Payload) error {
	select {
	case <-o.granted:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p.Size() >= c.laneMin && c.hasLanes() {
		if err := c.sendByLanes(ctx, id, p); !errors.Is(err, errNoLane) {
			return err
		}
	}
	s, err := c.qc.OpenUniStreamSync(ctx)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	stop := context.AfterFunc(ctx, func() { s.CancelWrite(endCode(ctx, codeWithdrawn)) })
	err = writeAll(s, id, p)
	if !stop() { // the stream is, or is being, cancelled: the receiver may not get it all
		return context.Cause(ctx)
	}
	if err != nil {
		s.CancelWrite(codeWithdrawn)
		return c.streamError(err)
	}
	return s.Close()
}

func writeAll(s *quic.SendStream, id uint64, p link.Payload) error {
	head := link.Frame{Type: frameBlock, ID: id, Header: link.Header{Size: uint64(p.Size())}}
	if _, err := s.Write(head.AppendTo(nil)); err != nil {
		return err
	}
	for _, b := range p.Bufs {
		if _, err := s.Write(b); err != nil { // whole: quic-go cuts packets straight from the caller's memory
			return err
		}
	}
	return nil
}

// endCode is how a stream ends with ctx: as usual, or because this end of the conn is closed.
func endCode(ctx context.Context, usual quic.StreamErrorCode) quic.StreamErrorCode {
	if errors.Is(context.Cause(ctx), link.ErrClosed) {
		return codeBye
	}
	return usual
}

// streamError translates the code with which the peer ended a stream.
func (c *conn) streamError(err error) error {
	var ended *quic.StreamError
	if errors.As(err, &ended) && ended.Remote {
		switch ended.ErrorCode {
		case codeDiscarded:
			return errDiscarded
		case codeWithdrawn:
			return link.ErrWithdrawn
		case codeBye:
			return c.farewell()
		}
	}
	return err
}

// stopSending ends every Send that waits. mu is held.
func (c *conn) stopSending(err error) {
	for _, o := range c.sending {
		o.stop(err)
	}
}
