package shmlink

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/darray-go/darray/net/link"
)

// handle acts on one frame. rx is held. Its errors are the peer's fault.
func (c *conn) handle(f link.Frame, rest ringPart) error {
	switch f.Type {
	case frameEager:
		return c.handleEager(f, rest)
	case frameRequest, frameLent, frameLentMany:
		return c.handleRequest(f, rest)
	case frameBye:
		c.handleBye()
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f.Type {
	case frameGrant, frameTaken, frameDone:
		if o := c.sending[f.ID]; o != nil { // else it has been withdrawn
			return o.answered(f)
		}
	case framePiece:
		if in := c.receiving[f.ID]; in != nil { // else it has been finished
			return in.add(f)
		}
	case frameWithdraw:
		if in := c.receiving[f.ID]; in != nil {
			in.giveUp(link.ErrWithdrawn)
		}
	case frameByeAck:
		if !c.closed {
			return fmt.Errorf("%w: answer to a goodbye that was not said", link.ErrFrame)
		}
		c.part()
	default:
		return fmt.Errorf("%w: type %d", link.ErrFrame, f.Type)
	}
	return nil
}

func (c *conn) handleEager(f link.Frame, rest ringPart) error {
	c.eager += f.Size + link.HeaderSize
	if c.eager-c.readHere.Load() > link.EagerCredit {
		return fmt.Errorf("%w: more than %d eager bytes without credit", link.ErrFrame, link.EagerCredit)
	}
	e := &eager{c: c}
	if rest.size <= len(e.little) {
		e.data = e.little[:rest.size]
	} else {
		e.data = c.t.eager.take(rest.size)
	}
	rest.copyTo(e.data)
	c.inbox.Put(link.NewMessage(f.Header, e))
	return nil
}

func (c *conn) handleRequest(f link.Frame, rest ringPart) error {
	in := &incoming{c: c, id: f.ID, size: f.Size, event: make(chan struct{}, 1)}
	if f.Type != frameRequest {
		b := make([]byte, rest.size)
		rest.copyTo(b)
		var err error
		if in.spans, err = decodeSpans(b, f.Size, len(c.s.peerArena.b)); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.ID <= c.lastID {
		return fmt.Errorf("%w: message %d announced after message %d", link.ErrFrame, f.ID, c.lastID)
	}
	if len(c.receiving) >= maxUnread {
		return fmt.Errorf("%w: %d unread messages", link.ErrFrame, maxUnread)
	}
	if c.out.bytes > maxUnsent {
		return fmt.Errorf("%w: it sends and does not read", link.ErrFrame)
	}
	c.lastID = f.ID
	if c.closed {
		return nil
	}
	c.receiving[f.ID] = in
	c.inbox.Put(link.NewMessage(f.Header, in))
	return nil
}

// handleBye ends what is not here: a Send that has returned has left nothing to fetch.
func (c *conn) handleBye() {
	c.leave(c.farewell())
	c.mu.Lock()
	c.queue(link.Frame{Type: frameByeAck}, 0)
	c.unlock()
}

// eager is the payload of a message that came inline.
type eager struct {
	c      *conn
	data   []byte
	little [64]byte // data, where it fits
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

// Discard gives the credit back: the peer sees the word when it needs it. A conn that has been closed has no word left.
func (e *eager) Discard() bool {
	if e.c.s.own.retain() {
		e.c.readHere.Add(uint64(len(e.data) + link.HeaderSize))
		e.c.s.own.release()
	}
	if len(e.data) > len(e.little) {
		e.c.t.eager.put(e.data)
	}
	e.data = nil
	return true
}

// incoming is a message that was announced; its payload is fetched from the sender's arena, or comes by pieces.
type incoming struct {
	c     *conn
	id    uint64
	size  uint64
	spans []span        // of the sender's arena; nil: it comes by pieces
	event chan struct{} // one slot: there is a piece, or none will come

	// Guarded by c.mu.
	pieces []piece // here and not read
	come   uint64  // bytes in pieces so far
	gone   error   // why the payload will not come
}

// piece is n bytes at a place of the sender's.
type piece struct {
	at place
	n  int
}

// fits reports whether the peer has such a place.
func (p piece) fits(s *shared) bool {
	if p.at.inArena() {
		return p.at.index() <= uint64(len(s.peerArena.b)) && p.n <= len(s.peerArena.b)-int(p.at.index()) && p.n <= bigPiece
	}
	return p.at.index() < slots && p.n <= smallPiece
}

// bytes is what the piece holds; it fits.
func (p piece) bytes(s *shared) []byte {
	if p.at.inArena() {
		return s.peerArena.b[p.at.index():][:p.n]
	}
	return s.peer.b[slotsAt+p.at.index()*smallPiece:][:p.n]
}

// add notes a piece. mu is held.
func (in *incoming) add(f link.Frame) error {
	p := piece{place(f.Count), int(f.Size)}
	switch {
	case in.spans != nil || len(in.pieces) >= perMessage+bigPerMessage:
		return fmt.Errorf("%w: a piece of message %d came unasked", link.ErrFrame, f.ID)
	case f.Size == 0 || f.Size > in.size-in.come || !p.fits(in.c.s):
		return fmt.Errorf("%w: a piece of %d bytes at place %d, %d bytes of message %d to come", link.ErrFrame, f.Size, f.Count, in.size-in.come, f.ID)
	}
	in.come += f.Size
	in.pieces = append(in.pieces, p)
	signal(in.event)
	return nil
}

// giveUp notes that the payload will not come, and why. mu is held.
func (in *incoming) giveUp(err error) {
	if in.gone == nil {
		in.gone = err
	}
	signal(in.event)
}

// Ref says no: only links inside a process hand references over.
func (in *incoming) Ref() (any, bool) { return nil, false }

// Discard lets the sender go on.
func (in *incoming) Discard() bool { return in.finish() == nil }

// finish tells the sender that no more is wanted, unless it knows; the error says why the payload does not count.
func (in *incoming) finish() error {
	c := in.c
	c.mu.Lock()
	defer c.unlock()
	delete(c.receiving, in.id)
	if in.gone == nil {
		c.queue(link.Frame{Type: frameDone, ID: in.id}, 0)
	}
	return in.gone
}

// ReadInto copies the payload from the sender's memory to bufs.
func (in *incoming) ReadInto(ctx context.Context, bufs [][]byte) error {
	c := in.c
	err := in.read(ctx, bufs)
	if err == nil {
		err = in.settle(ctx)
	}
	if gone := in.finish(); err == nil {
		err = gone
	}
	if err != nil {
		return fmt.Errorf("read message from rank %d: %w", c.peer, err)
	}
	c.count.Read(int(in.size))
	return nil
}

// View shows the payload where it lies, if that is one run of the sender's arena.
func (in *incoming) View() (b []byte, release func() error, ok bool) {
	arena := in.c.s.peerArena
	if len(in.spans) != 1 || !arena.retain() {
		return nil, nil, false
	}
	if in.state(context.Background()) != nil {
		arena.release()
		return nil, nil, false
	}
	s := in.spans[0]
	arena.populate(s.off, s.n)
	return arena.b[s.off : s.off+s.n : s.off+s.n], sync.OnceValue(in.unview), true
}

// unview ends a View and lets the sender go on.
func (in *incoming) unview() error {
	defer in.c.s.peerArena.release()
	_ = in.settle(context.Background()) // no ctx ends
	if err := in.finish(); err != nil {
		return fmt.Errorf("view of message from rank %d: %w", in.c.peer, err)
	}
	in.c.count.Read(int(in.size))
	return nil
}

// settle takes in what the sender wrote while its bytes were being read: it withdraws a message before it changes the
// bytes, so who has read them all and then finds no withdrawal in the ring has read what was sent. Where the ring had no
// room for all that the sender says, settle waits for the rest. The fence keeps the copy before the look.
func (in *incoming) settle(ctx context.Context) error {
	c := in.c
	if !c.s.peer.retain() {
		return nil // closed, which in.gone says
	}
	defer c.s.peer.release()
	var ticker *time.Ticker
	var all uint64 // where the ring is read to when what was kept back at first has come, whatever comes behind it
	for {
		c.vain.Add(0) // an atomic read-modify-write: no load before it is left behind it
		more := c.in.more()
		c.rx.Lock()
		pos := c.in.pos
		c.take(0)
		if !more || ticker != nil && pos >= all || in.state(ctx) != nil {
			return ctx.Err()
		}
		if ticker == nil {
			all = pos + ringSize + maxUnsent
			ticker = time.NewTicker(restLook)
			defer ticker.Stop()
		}
		select {
		case <-in.event:
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// restLook is how often a message that has been read looks whether its sender has said all.
const restLook = 100 * time.Microsecond

func (in *incoming) read(ctx context.Context, bufs [][]byte) error {
	for _, m := range []*memory{in.c.s.peer, in.c.s.peerArena} {
		if !m.retain() {
			return link.ErrClosed
		}
		defer m.release()
	}
	if err := in.state(ctx); err != nil {
		return err
	}
	dst := cursor{slices.Clone(bufs)}
	if in.spans != nil {
		return in.readSpans(ctx, dst)
	}
	return in.readPieces(ctx, dst)
}

// state is why reading ends, or nil.
func (in *incoming) state(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	in.c.mu.Lock()
	defer in.c.mu.Unlock()
	return in.gone
}

// populateLeast is the shortest run whose pages are mapped before they are read.
const populateLeast = 256 << 10

// How much is copied at once, between two looks at whether to stop: well under a millisecond. Go's copy writes past the
// caches from 1 MiB on (amd64), which takes half the time where the payload would not stay in them, and longer where it would.
const (
	stepCached, stepPast = 512 << 10, 2 << 20
	pastCaches           = 4 << 20 // the shortest payload that is written past the caches
)

func (in *incoming) readSpans(ctx context.Context, dst cursor) error {
	arena := in.c.s.peerArena.b
	step := stepCached
	if in.size >= pastCaches {
		step = stepPast
	}
	for _, s := range in.spans {
		if s.n >= populateLeast {
			in.c.s.peerArena.populate(s.off, s.n)
		}
		for src := arena[s.off : s.off+s.n]; len(src) > 0; {
			if err := in.state(ctx); err != nil {
				return err
			}
			src = src[copy(dst.next(min(len(src), step)), src):]
		}
	}
	return nil
}

func (in *incoming) readPieces(ctx context.Context, dst cursor) error {
	c := in.c
	c.mu.Lock()
	c.queue(link.Frame{Type: frameGrant, ID: in.id}, 0)
	c.unlock()
	read := 0
	for left := int(in.size); left > 0; {
		if err := in.state(ctx); err != nil {
			return err
		}
		p, ok := in.nextPiece()
		if !ok {
			if err := c.wait(ctx, in.event); err != nil {
				return err
			}
			continue
		}
		for src := p.bytes(c.s); len(src) > 0; {
			src = src[copy(dst.next(len(src)), src):]
		}
		if left -= p.n; left > 0 { // done says it of the last
			c.mu.Lock()
			c.queue(link.Frame{Type: frameTaken, ID: in.id, Header: link.Header{Count: uint64(p.at)}}, 0)
			read++
			every := 2 * wakeEvery
			if p.at.inArena() {
				every = bigPerMessage / 2
			}
			c.unlockQuiet(read%every == 0)
		}
	}
	return nil
}

// nextPiece takes the oldest piece that is here.
func (in *incoming) nextPiece() (piece, bool) {
	in.c.mu.Lock()
	if len(in.pieces) == 0 {
		in.c.unlock() // the sender may sleep over what has been read
		return piece{}, false
	}
	defer in.c.mu.Unlock()
	p := in.pieces[0]
	in.pieces = in.pieces[1:]
	return p, true
}

// stopReceiving ends every ReadInto that waits and every message not yet read. mu is held.
func (c *conn) stopReceiving(err error) {
	for _, in := range c.receiving {
		in.giveUp(err)
	}
}

// signal says that there is news, to one who has not looked yet.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
