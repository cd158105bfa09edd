package quiclink

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

// eager is the payload of a message that came inline.
type eager struct {
	c    *conn
	data []byte
}

// ReadInto copies the payload, which is here.
func (e *eager) ReadInto(_ context.Context, bufs [][]byte) error {
	n := len(e.data)
	for data := e.data; len(bufs) > 0; bufs = bufs[1:] {
		data = data[copy(bufs[0], data):]
	}
	e.c.count.Read(n)
	e.Discard()
	return nil
}

// Ref says no: only links inside a process hand references over.
func (e *eager) Ref() (any, bool) { return nil, false }

// Discard gives the credit back: with the next frame that goes out, or by itself when much has come together.
func (e *eager) Discard() bool {
	const much = link.EagerCredit / 4
	c := e.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed += len(e.data) + link.HeaderSize
	if c.owed >= much {
		c.queueCredit()
	}
	e.data = nil
	return true
}

// blockStream is a quic.ReceiveStream as a block is read from it.
type blockStream interface {
	io.Reader
	CancelRead(quic.StreamErrorCode)
}

// incoming is a message that was announced; its payload comes by a stream or by lanes once it has been asked for.
type incoming struct {
	c       *conn
	id      uint64
	size    uint64
	arrived chan blockStream // one slot

	// Of what comes by lanes.
	whole    chan struct{} // closed when all of it has come
	released chan struct{} // closed when no lane will touch into again

	// Guarded by c.mu.
	stop  context.CancelCauseFunc // ends the ReadInto in progress
	gone  error                   // why the payload will not come
	taken bool                    // a stream has come

	into     run      // ReadInto's memory
	seen     []uint64 // one bit a part: it has come or is coming
	left     uint64   // bytes that lanes have not brought
	filling  int      // lanes that are writing to into
	detached bool     // no lane may begin to
}

func newIncoming(c *conn, id, size uint64) *incoming {
	return &incoming{
		c: c, id: id, size: size, left: size,
		arrived:  make(chan blockStream, 1),
		whole:    make(chan struct{}),
		released: make(chan struct{}),
	}
}

// ReadInto asks for the payload and reads it off its stream straight into bufs.
func (in *incoming) ReadInto(parent context.Context, bufs [][]byte) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	err := in.ask(stop, bufs)
	if err == nil {
		err = in.finish(in.read(ctx, bufs))
	}
	switch {
	case err == nil:
		in.c.count.Read(int(in.size))
		return nil
	case parent.Err() != nil:
		err = parent.Err()
	case !errors.Is(err, link.ErrWithdrawn):
		err = in.c.blame(err)
	}
	return fmt.Errorf("read message from rank %d: %w", in.c.peer, err)
}

// Ref says no: only links inside a process hand references over.
func (in *incoming) Ref() (any, bool) { return nil, false }

// Discard lets the sender go on.
func (in *incoming) Discard() bool {
	c := in.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.gone == nil {
		c.queue(link.Frame{Type: frameDiscard, ID: in.id})
	}
	delete(c.receiving, in.id)
	return in.gone == nil
}

// ask grants the message, so that its bytes may come.
func (in *incoming) ask(stop context.CancelCauseFunc, bufs [][]byte) error {
	c := in.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.gone != nil {
		delete(c.receiving, in.id)
		return in.gone
	}
	in.stop = stop
	if len(c.lanes) > 0 {
		in.into = newRun(bufs)
		in.seen = make([]uint64, (partsOf(in.size)+63)/64)
	}
	c.reading++
	c.queue(link.Frame{Type: frameGrant, ID: in.id})
	return nil
}

// finish ends what ask began; the sender is told if reading failed and it does not know that, and if lanes brought all.
func (in *incoming) finish(byLanes bool, err error) error {
	c := in.c
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.receiving, in.id)
	c.reading--
	select {
	case s := <-in.arrived: // nobody waited for it any more
		s.CancelRead(codeDiscarded)
	default:
	}
	if byLanes || err != nil && in.gone == nil {
		c.queue(link.Frame{Type: frameDiscard, ID: in.id})
	}
	c.answerBye()
	return err
}

// giveUp notes that the payload will not come, and why. mu is held.
func (in *incoming) giveUp(err error) {
	if in.gone == nil {
		in.gone = err
	}
	if in.stop != nil {
		in.stop(err)
	}
}

// read fills bufs with what comes first: a stream, or all parts.
func (in *incoming) read(ctx context.Context, bufs [][]byte) (byLanes bool, err error) {
	select {
	case <-in.whole:
		return true, nil
	case s := <-in.arrived:
		in.detach() // the sender has given the lanes up
		return false, in.readStream(ctx, s, bufs)
	case <-ctx.Done():
		in.detach()
		return false, context.Cause(ctx)
	}
}

func (in *incoming) readStream(ctx context.Context, s blockStream, bufs [][]byte) error {
	defer context.AfterFunc(ctx, func() { s.CancelRead(endCode(ctx, codeDiscarded)) })()
	err := readAll(s, bufs)
	if err == nil {
		return nil
	}
	s.CancelRead(codeDiscarded)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, link.ErrFrame) {
		in.c.fail(err)
	}
	return in.c.streamError(err)
}

// readAll fills bufs and takes the end of the stream, which must be right there.
func readAll(s io.Reader, bufs [][]byte) error {
	for _, b := range bufs {
		if _, err := io.ReadFull(s, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%w: a block ended before its announced size", link.ErrFrame)
		} else if err != nil {
			return err
		}
	}
	n, err := s.Read(make([]byte, 1))
	if n > 0 {
		return fmt.Errorf("%w: a block is longer than announced", link.ErrFrame)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// acceptBlocks matches each unidirectional stream to the message that asked for it.
func (c *conn) acceptBlocks() {
	for {
		s, err := c.qc.AcceptUniStream(c.qc.Context())
		if err != nil {
			return // the connection has ended
		}
		c.running.Go(func() { // its head may be late; others must not wait for it
			if err := c.matchBlock(s); err != nil {
				c.fail(err)
			}
		})
	}
}

func (c *conn) matchBlock(s blockStream) error {
	head := make([]byte, link.HeaderSize)
	if _, err := io.ReadFull(s, head); err != nil {
		s.CancelRead(codeDiscarded) // withdrawn at once
		return nil
	}
	f, err := link.DecodeFrame(head, c.t.cfg.MaxMessage)
	if err != nil {
		return err
	}
	return c.handOver(f, s)
}

// handOver gives the stream to the ReadInto that waits for it, or ends it if none does any more.
func (c *conn) handOver(f link.Frame, s blockStream) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	in := c.receiving[f.ID]
	switch {
	case f.Type != frameBlock:
		return fmt.Errorf("%w: type %d on a block's stream", link.ErrFrame, f.Type)
	case in == nil:
		s.CancelRead(codeDiscarded)
		return nil
	case in.stop == nil || in.taken:
		return fmt.Errorf("%w: block %d came unasked", link.ErrFrame, f.ID)
	case in.size != f.Size:
		return fmt.Errorf("%w: block of %d bytes, announced were %d", link.ErrFrame, f.Size, in.size)
	}
	in.taken = true
	in.arrived <- s // has room: there is one stream
	return nil
}

// stopReceiving ends every ReadInto that waits and every message not yet read. mu is held.
func (c *conn) stopReceiving(err error) {
	for _, in := range c.receiving {
		in.giveUp(err)
	}
}
