package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Message is an incoming message whose header has arrived. Its methods belong to one goroutine.
// It is finished by ReadInto, by a Ref that returns true, or by Discard; until then the sender may be waiting.
type Message struct {
	Header
	body     Body
	finished bool
}

// Body is a link's side of an incoming message; whoever implements Conn implements it. Message calls Ref any number of
// times until it gives true, else exactly one of ReadInto and Discard, and has checked the sum of the buffers' lengths.
type Body interface {
	// ReadInto fills bufs one after another. On an error the message is gone, as if discarded.
	ReadInto(ctx context.Context, bufs [][]byte) error
	// Ref hands over Payload.Ref if the message came by reference; it then takes the place of ReadInto.
	Ref() (any, bool)
	// Discard drops the payload and lets the sender go on. False: the sender has withdrawn it.
	Discard() bool
}

// Viewer is a Body whose payload can be read where it lies, in memory that the sender shares.
type Viewer interface {
	// View is as Message.View. False: nothing was done, and ReadInto or Discard are still to come.
	View() (b []byte, release func() error, ok bool)
}

var errFinished = errors.New("the message was read or discarded before; each one is finished once")

// NewMessage joins a header to the link's side of its payload. A nil body means that there is no payload.
func NewMessage(h Header, b Body) *Message {
	return &Message{Header: h, body: b}
}

// ReadInto fills bufs with the payload and finishes the message. The lengths must sum to Size exactly; if they do not,
// nothing is read and the message is still unfinished. It blocks until the sender's bytes are here, ctx ends
// (the rest is dropped and the Conn stays usable), or the peer is lost.
func (m *Message) ReadInto(ctx context.Context, bufs ...[]byte) error {
	if m.finished {
		return fmt.Errorf("read message: %w", errFinished)
	}
	room := uint64(Payload{Bufs: bufs}.Size())
	if room != m.Size {
		return fmt.Errorf("read message: the buffers hold %d bytes, the message has %d", room, m.Size)
	}
	m.finished = true
	if m.body == nil {
		return nil
	}
	return m.body.ReadInto(ctx, bufs)
}

// Ref returns Payload.Ref and true if the message came by reference, which finishes it. False leaves it as it was.
func (m *Message) Ref() (any, bool) {
	if m.finished || m.body == nil {
		return nil, false
	}
	ref, ok := m.body.Ref()
	m.finished = ok
	return ref, ok
}

// View returns the payload without a copy where the link can, which finishes the message; false leaves it as it was. The
// bytes are the sender's own: they must not be written to and are valid until release, which must be called once, and
// soon: the sender's Send waits for it. An error of release says that the bytes may have changed meanwhile (ErrWithdrawn:
// the sender's context ended; ErrPeerLost, ErrClosed): what was made of them is to be thrown away.
func (m *Message) View() (b []byte, release func() error, ok bool) {
	v, can := m.body.(Viewer)
	if m.finished || !can {
		return nil, nil, false
	}
	b, release, ok = v.View()
	m.finished = ok
	return b, release, ok
}

// Discard drops the payload, finishes the message, and reports whether there was one: false if its sender had withdrawn
// it. On a finished message it does nothing and gives false, so it may be deferred.
func (m *Message) Discard() bool {
	if m.finished {
		return false
	}
	m.finished = true
	return m.body == nil || m.body.Discard()
}

// Flatten copies the payload's buffers into one fresh slice: what an eager send keeps.
func (p Payload) Flatten() []byte {
	return slices.Concat(p.Bufs...)
}
