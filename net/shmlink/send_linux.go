package shmlink

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/net/link"
)

const (
	// perMessage is how many slots one message may hold: enough for one end to go on while the other is not running.
	perMessage = 16
	// bigPerMessage is how many big pieces one message may hold.
	bigPerMessage = 4
	// unasked is how many of them it may hold before the receiver reads it, while more than half of all are free: what is
	// being read must never wait for what is not.
	unasked = 4
	// wakeEvery is how many pieces are written or read before the other end, if it sleeps, is woken for them: a switch
	// between two processes costs more than a piece.
	wakeEvery = 4
)

// outgoing is a message that was announced and whose Send waits.
type outgoing struct {
	c     *conn
	id    uint64
	lent  bool          // the receiver fetches it
	event chan struct{} // one slot: something of what follows has changed

	// Guarded by c.mu.
	granted bool
	done    bool  // the receiver has or wants no more
	err     error // why it will not be delivered
	held    []place
	big     int  // of held, those in the arena
	starved bool // it waits for a slot
	posted  int  // pieces
}

// place is where a piece lies: twice the number of a slot of its sender's lane, or twice an offset in its arena and one.
type place uint64

func (p place) inArena() bool { return p%2 == 1 }

func (p place) index() uint64 { return uint64(p / 2) }

// answered acts on what the receiver says of the message. mu is held.
func (o *outgoing) answered(f link.Frame) error {
	switch f.Type {
	case frameGrant:
		if o.granted || o.lent {
			return fmt.Errorf("%w: message %d asked for twice", link.ErrFrame, f.ID)
		}
		o.granted = true
	case frameDone:
		o.done = true
	case frameTaken:
		i := slices.Index(o.held, place(f.Count))
		if i < 0 {
			return fmt.Errorf("%w: place %d of message %d read twice", link.ErrFrame, f.Count, f.ID)
		}
		o.held = slices.Delete(o.held, i, i+1)
		o.giveBack(place(f.Count))
	}
	signal(o.event)
	return nil
}

// giveBack frees places and tells who waits for a slot. mu is held.
func (o *outgoing) giveBack(free ...place) {
	c := o.c
	for _, p := range free {
		if p.inArena() {
			o.big--
			c.s.arena.unstage(int(p.index()))
		} else {
			c.free = append(c.free, int(p.index()))
		}
	}
	for _, o := range c.sending {
		if o.starved {
			o.starved = false
			signal(o.event)
		}
	}
}

// Send delivers one message: inline while credit lasts, else from where it lies if that is the arena, else by pieces.
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

// Start writes the message to the ring if it is small and there is credit, and else announces it.
func (c *conn) Start(h link.Header, p link.Payload) (wait func(ctx context.Context) error, err error) {
	size := p.Size()
	h.Size = uint64(size)
	sent, err := c.sendEager(h, p, size)
	if err == nil && !sent {
		wait, err = c.startLarge(h, p)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("send to rank %d: %w", c.peer, err)
	case sent:
		c.count.Sent(size)
	}
	return wait, nil
}

func (c *conn) sendEager(h link.Header, p link.Payload, size int) (bool, error) {
	c.mu.Lock()
	defer c.unlock()
	if err := c.failure(); err != nil || size > link.EagerLimit {
		return false, err
	}
	read := c.readThere.Load()
	if read > c.sent {
		c.breakOff(fmt.Errorf("%w: %d eager bytes read of %d", link.ErrFrame, read, c.sent))
		return false, c.err
	}
	cost := uint64(size + link.HeaderSize)
	if c.sent-read+cost > link.EagerCredit {
		return false, nil
	}
	c.sent += cost
	c.queue(link.Frame{Type: frameEager, Header: h}, size, p.Bufs...)
	return true, nil
}

// startLarge announces the message; wait returns when the receiver has it.
func (c *conn) startLarge(h link.Header, p link.Payload) (wait func(ctx context.Context) error, err error) {
	if !c.s.own.retain() {
		return nil, link.ErrClosed
	}
	o, err := c.announce(h, p)
	if err != nil {
		c.s.own.release()
		return nil, err
	}
	return func(ctx context.Context) error {
		defer c.s.own.release()
		if err := c.finishLarge(ctx, o, p); err != nil {
			return fmt.Errorf("send to rank %d: %w", c.peer, err)
		}
		c.count.Sent(int(h.Size))
		return nil
	}, nil
}

// finishLarge waits until the receiver has the message, or takes it back.
func (c *conn) finishLarge(ctx context.Context, o *outgoing, p link.Payload) (err error) {
	if o.lent {
		err = o.await(ctx)
	} else {
		err = o.feed(ctx, p)
	}
	c.mu.Lock()
	defer c.unlock()
	delete(c.sending, o.id)
	o.giveBack(o.held...)
	switch {
	case o.done:
		return nil
	case o.err != nil: // the conn has ended
		return o.err
	default:
		c.queue(link.Frame{Type: frameWithdraw, ID: o.id}, 0)
		return err
	}
}

func (c *conn) announce(h link.Header, p link.Payload) (*outgoing, error) {
	f := link.Frame{Type: frameRequest, Header: h}
	typ, spans := c.lend(p)
	if spans != nil {
		f.Type = typ
	}
	c.mu.Lock()
	defer c.unlock()
	if err := c.failure(); err != nil {
		return nil, err
	}
	c.nextID++
	o := &outgoing{c: c, id: c.nextID, lent: spans != nil, event: make(chan struct{}, 1)}
	c.sending[o.id] = o
	f.ID = o.id
	c.queue(f, len(spans), spans)
	return o, nil
}

// lend says where in the arena p lies. Nil: not, or not all of it.
func (c *conn) lend(p link.Payload) (typ uint8, encoded []byte) {
	var spans []span
	for _, b := range p.Bufs {
		if len(b) == 0 {
			continue
		}
		off, ok := c.s.arena.offset(b)
		if !ok {
			return 0, nil
		}
		spans = append(spans, span{off, len(b)})
	}
	if spans == nil {
		return 0, nil
	}
	return encodeSpans(spans)
}

// await blocks until the receiver has finished with the message, or it is over.
func (o *outgoing) await(ctx context.Context) error {
	for {
		o.c.mu.Lock()
		over := o.done || o.err != nil
		o.c.mu.Unlock()
		if over {
			return nil
		}
		if err := o.c.wait(ctx, o.event); err != nil {
			return err
		}
	}
}

// feed copies the payload piece by piece to where the receiver can read it.
func (o *outgoing) feed(ctx context.Context, p link.Payload) error {
	c := o.c
	src := cursor{slices.Clone(p.Bufs)}
	size := p.Size()
	for left := size; left > 0; {
		at, ok, err := o.place(ctx, size >= pastCaches && left >= bigPiece)
		if err != nil || !ok {
			return err
		}
		piece := c.s.piece(at)
		piece = piece[:min(left, len(piece))]
		left -= len(piece)
		for n := 0; n < len(piece); {
			n += copy(piece[n:], src.next(min(len(piece)-n, smallPiece)))
		}
		c.mu.Lock()
		c.queue(link.Frame{Type: framePiece, ID: o.id, Header: link.Header{Count: uint64(at), Size: uint64(len(piece))}}, 0)
		o.posted++
		c.unlockQuiet(at.inArena() || o.posted%wakeEvery == 1 || left == 0)
	}
	return o.await(ctx)
}

// piece is the memory of this end's place.
func (s *shared) piece(p place) []byte {
	if p.inArena() {
		return s.arena.b[p.index():][:bigPiece]
	}
	return s.own.b[slotsAt+p.index()*smallPiece:][:smallPiece]
}

// place waits for room for the next piece. False: no more is wanted.
func (o *outgoing) place(ctx context.Context, big bool) (place, bool, error) {
	c := o.c
	for {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		c.mu.Lock()
		if o.done || o.err != nil {
			c.mu.Unlock()
			return 0, false, nil
		}
		if p, ok := o.take(big); ok {
			o.held = append(o.held, p)
			c.mu.Unlock()
			return p, true, nil
		}
		o.starved = len(c.free) == 0
		c.unlock()
		if err := c.wait(ctx, o.event); err != nil {
			return 0, false, err
		}
	}
}

// take takes a place if the message may have one more. mu is held.
func (o *outgoing) take(big bool) (place, bool) {
	c := o.c
	if big && o.granted {
		if o.big >= bigPerMessage {
			return 0, false
		}
		if off, ok := c.s.arena.stage(); ok {
			o.big++
			return place(off)<<1 | 1, true
		}
	}
	last := len(c.free) - 1
	switch small := len(o.held) - o.big; {
	case last < 0, small >= perMessage, !o.granted && (small >= unasked || last < slots/2):
		return 0, false
	}
	slot := c.free[last]
	c.free = c.free[:last]
	return place(slot) << 1, true
}

// stopSending ends every Send that waits. mu is held.
func (c *conn) stopSending(err error) {
	for _, o := range c.sending {
		if o.err == nil {
			o.err = err
		}
		signal(o.event)
	}
}
