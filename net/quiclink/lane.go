package quiclink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/darray-go/darray/net/link"
)

// A lane is a second way to the same peer, for blocks that were asked for; everything else stays on the control stream.
// Both ends always read it, so a part that is being written never waits for anything but the network.

// errNoLane makes a Send go on over a stream.
var errNoLane = errors.New("quiclink: lane lost")

// striped is from which size in bytes a message is spread over all lanes of a Conn; below, each message keeps to one.
const striped = 8 << 20

// patience is how long a part that is being written may take when its message is withdrawn. Half a part can be neither
// taken back nor left, so after that the lane is given up.
const patience = 50 * time.Millisecond

// laneConn is the byte stream under a lane: TLS over TCP, or a stream of a QUIC connection of its own. A Read that
// times out must leave the stream usable. Write must not keep the memory that it is given. Close must not block.
type laneConn interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	Flush() error // sends what Write may have kept back
}

// lane writes and reads parts. One goroutine reads; writers take turns, first come first served.
type lane struct {
	rw    laneConn
	turn  chan struct{} // one slot, held while writing; who waits longest is next
	stall time.Duration // a part that takes longer ends the lane

	first []byte // of whoever has the turn: a part's head and its first bytes, so that they make one TLS record
	rest  []byte // of the reader: where bytes go that nobody wants

	mu      sync.Mutex
	writing uint64 // message whose part is being written, or 0
}

const record = 16 << 10 // what one TLS record holds

func newLane(rw laneConn, stall time.Duration) *lane {
	return &lane{rw: rw, stall: stall, turn: make(chan struct{}, 1), first: make([]byte, 0, record), rest: make([]byte, record)}
}

// write waits for its turn and writes one part; an error other than ctx's ends the lane.
func (l *lane) write(ctx context.Context, p part, bufs [][]byte) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-l.turn }()
	l.limit(p.id, l.stall)
	defer l.limit(0, 0)
	if ctx.Err() != nil { // else hurry finds the part
		return context.Cause(ctx)
	}
	out := p.appendTo(l.first[:0])
	for _, b := range bufs {
		for len(b) > 0 {
			if len(out) == 0 && len(b) >= record {
				if _, err := l.rw.Write(b); err != nil { // cut into full records straight from the caller's memory
					return err
				}
				break
			}
			n := min(len(b), record-len(out))
			out, b = append(out, b[:n]...), b[n:]
			if len(out) == record {
				if _, err := l.rw.Write(out); err != nil {
					return err
				}
				out = out[:0]
			}
		}
	}
	if len(out) > 0 {
		if _, err := l.rw.Write(out); err != nil {
			return err
		}
	}
	return l.rw.Flush()
}

// limit notes which message is being written and how long that may take.
func (l *lane) limit(id uint64, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writing = id
	if id != 0 {
		l.rw.SetWriteDeadline(time.Now().Add(d)) // fails on a closed lane, as the write will
	}
}

// hurry is called when message id is withdrawn.
func (l *lane) hurry(id uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writing == id {
		l.rw.SetWriteDeadline(time.Now().Add(patience))
	}
}

// sendByLanes writes a message that was asked for and waits until the receiver has all of it: what a lane that dies has
// taken may be lost. It ends with ctx (whose cause is errDiscarded where the receiver has it) or errNoLane.
func (c *conn) sendByLanes(ctx context.Context, id uint64, p link.Payload) error {
	size, from := uint64(p.Size()), newRun(p.Bufs)
	lanes := c.lanes
	if size < striped {
		k := id % uint64(len(lanes))
		lanes = lanes[k : k+1]
	}
	stop := context.AfterFunc(ctx, func() {
		for _, l := range lanes {
			l.hurry(id)
		}
	})
	err := c.writeParts(ctx, id, size, from, lanes)
	stop()
	if err != nil {
		return err
	}
	late := time.NewTimer(c.t.cfg.IdleTimeout)
	defer late.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.laneLost:
	case <-late.C:
		c.dropLanes(fmt.Errorf("bytes were under way for %v", c.t.cfg.IdleTimeout))
	}
	return errNoLane
}

// writeParts has each lane take the next part when it is free; the caller's goroutine serves the first lane.
func (c *conn) writeParts(ctx context.Context, id, size uint64, from run, lanes []*lane) error {
	n := partsOf(size)
	var mu sync.Mutex
	var next uint64
	take := func() (number uint64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		number = next
		next++
		return number, number < n
	}
	serve := func(l *lane) error {
		for number, ok := take(); ok; number, ok = take() {
			p := partOf(id, size, number)
			err := l.write(ctx, p, from.span(p))
			if err != nil && !errors.Is(err, context.Cause(ctx)) {
				c.dropLanes(fmt.Errorf("write: %w", err))
			}
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil:
				return errNoLane
			}
		}
		return nil
	}
	errs := make([]error, len(lanes))
	var others sync.WaitGroup
	for i, l := range lanes[1:] {
		others.Go(func() { errs[1+i] = serve(l) })
	}
	errs[0] = serve(lanes[0])
	others.Wait() // nobody uses the caller's memory any more
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// readLane is the only reader of l.
func (c *conn) readLane(l *lane) {
	err := c.receiveParts(l)
	if errors.Is(err, link.ErrFrame) || errors.Is(err, link.ErrTooLarge) {
		c.fail(err)
		return
	}
	c.dropLanes(fmt.Errorf("read: %w", err))
}

func (c *conn) receiveParts(l *lane) error {
	head := make([]byte, partHead)
	for {
		if err := c.fill(l, nil, [][]byte{head}); err != nil {
			return err
		}
		p, err := decodePart(head)
		if err != nil {
			return err
		}
		in, dst, err := c.claim(p)
		if err != nil {
			return err
		}
		if in == nil {
			err = c.drain(l, int(p.length))
		} else {
			err = c.fill(l, in, dst)
		}
		if err != nil {
			return err
		}
	}
}

// claim finds who waits for p, and where its bytes go; in is nil if nobody does any more.
func (c *conn) claim(p part) (in *incoming, dst [][]byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in = c.receiving[p.id]
	switch {
	case in == nil, in.stop != nil && (in.taken || in.detached || in.gone != nil):
		return nil, nil, nil
	case in.stop == nil:
		return nil, nil, fmt.Errorf("%w: a part of message %d came unasked", link.ErrFrame, p.id)
	case p.number >= partsOf(in.size) || p != partOf(p.id, in.size, p.number):
		return nil, nil, fmt.Errorf("%w: part %d of %d bytes in a message of %d", link.ErrFrame, p.number, p.length, in.size)
	case in.seen[p.number/64]&(1<<(p.number%64)) != 0:
		return nil, nil, fmt.Errorf("%w: part %d of message %d came twice", link.ErrFrame, p.number, p.id)
	}
	in.seen[p.number/64] |= 1 << (p.number % 64)
	in.filling++
	return in, in.into.span(p), nil
}

// fill reads bufs full. Where they are message in's and its ReadInto goes away meanwhile, the rest is dropped.
func (c *conn) fill(l *lane, in *incoming, bufs [][]byte) error {
	left := link.Payload{Bufs: bufs}.Size()
	n := left
	for _, b := range bufs {
		for len(b) > 0 {
			k, err := l.rw.Read(b)
			b, left = b[k:], left-k
			if err == nil || k > 0 && errors.Is(err, io.EOF) { // an end after these bytes comes again
				continue
			}
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				c.filled(in, 0)
				return err
			}
			if c.calledBack(l, in) {
				c.filled(in, 0)
				return c.drain(l, left)
			}
		}
	}
	c.filled(in, n)
	return nil
}

// calledBack ends the interruption of l's reader and says whether it was meant for in.
func (c *conn) calledBack(l *lane, in *incoming) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.rw.SetReadDeadline(time.Time{})
	return in != nil && in.detached
}

// drain drops n bytes.
func (c *conn) drain(l *lane, n int) error {
	for n > 0 {
		k, err := l.rw.Read(l.rest[:min(n, len(l.rest))])
		n -= k
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.calledBack(l, nil)
		} else if err != nil && n > 0 {
			return err
		}
	}
	return nil
}

// filled ends what claim began; n bytes of the message are in its place.
func (c *conn) filled(in *incoming, n int) {
	if in == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	in.filling--
	in.left -= uint64(n)
	if in.left == 0 {
		close(in.whole)
	}
	if in.detached && in.filling == 0 {
		close(in.released)
	}
}

// detach keeps the lanes out of the memory of ReadInto, from when it returns.
func (in *incoming) detach() {
	c := in.c
	c.mu.Lock()
	in.detached = true
	busy := in.filling > 0
	if busy {
		for _, l := range c.lanes {
			l.rw.SetReadDeadline(time.Unix(1, 0)) // wakes the reader, which looks around and goes on
		}
	}
	c.mu.Unlock()
	if busy {
		<-in.released
	}
}

// hasLanes says whether a block may go by a lane now.
func (c *conn) hasLanes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.lanes) > 0 && c.laneErr == nil
}

// dropLanes gives all lanes up: blocks go by streams from now on, those that are under way too. A conn that ends takes
// its lanes along, which is no loss of theirs.
func (c *conn) dropLanes(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lanes) == 0 || c.laneErr != nil || c.closed || c.err != nil {
		return
	}
	c.laneErr = err
	close(c.laneLost)
	closeAll(c.lanes)
	c.queue(link.Frame{Type: frameLaneLost})
}
