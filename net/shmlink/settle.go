package shmlink

import (
	"context"
	"errors"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// How the two ends settle on one of two conns, over the inner one (D dials, A accepts):
//
//	D -> A  hello    A -> D  hello    both compare the two; if either refuses, or they do not fit, both stay inside
//	        D connects to A's socket, each proves itself there, they pass their memory (socket_linux.go)
//	D -> A  ready, or why not: then both stay inside
//	A -> D  ready, or why not: then both stay inside; else both are on shared memory
//
// A decides with its ready, and nobody decides without having heard the other. An end that waits in vain says no and stays
// inside, which the other, when it comes to it, reads; only D, once it is ready, cannot take that back: it closes the conn.

// keySize is the length in bytes of the key that the inner session gives both ends.
const keySize = 32

// errUndecided: the peer may be on shared memory or not.
var errUndecided = errors.New("the peer does not say whether it shares memory")

// settle makes of inner the conn that is handed out: the upgraded one, or inner with the reason. An error ends inner, at once.
func (t *transport) settle(parent context.Context, inner link.Conn, agree func(context.Context, link.Conn) (*shared, error)) (link.Conn, error) {
	ctx, stop := context.WithCancel(parent)
	defer stop()
	defer context.AfterFunc(t.ctx, stop)()
	s, err := agree(ctx, inner)
	switch {
	case t.ctx.Err() != nil:
		err = link.ErrClosed
	case parent.Err() != nil:
		err = parent.Err()
	case err == nil:
		c := newConn(t, inner, s)
		if !t.add(c) {
			return nil, link.ErrClosed
		}
		return c, nil
	case !errors.Is(err, link.ErrPeerLost) && !errors.Is(err, link.ErrClosed) && !errors.Is(err, errUndecided):
		if t.cfg.Log != nil {
			t.cfg.Log(inner.Peer(), err.Error())
		}
		return newPlain(inner, err.Error()), nil
	}
	s.release()
	drop(inner) // nobody has sent anything on it but notes
	return nil, err
}

// askPeer is the dialing end.
func (t *transport) askPeer(ctx context.Context, inner link.Conn) (*shared, error) {
	mine, key := t.hello(inner)
	if err := tell(ctx, inner, mine); err != nil {
		return nil, err
	}
	theirs, err := t.hear(ctx, inner, noteHello)
	if err != nil {
		return nil, errors.Join(err, tell(ctx, inner, ready(err)))
	}
	if why := against(mine, theirs); why != "" {
		return nil, errors.New(why)
	}
	s, err := t.dialHost(ctx, key, mine, theirs)
	if told := tell(ctx, inner, ready(err)); told != nil || err != nil {
		s.release()
		return nil, errors.Join(err, told)
	}
	last, err := t.hear(ctx, inner, noteReady)
	switch {
	case err != nil:
		s.release()
		return nil, fmt.Errorf("%w: %w", errUndecided, err)
	case last.refuse != "":
		s.release()
		return nil, errors.New(last.refuse)
	}
	return s, nil
}

// answerPeer is the accepting end.
func (t *transport) answerPeer(ctx context.Context, inner link.Conn) (*shared, error) {
	theirs, err := t.hear(ctx, inner, noteHello)
	if err != nil {
		return nil, errors.Join(err, tell(ctx, inner, ready(err)))
	}
	mine, key := t.hello(inner)
	if why := against(theirs, mine); why != "" {
		return nil, errors.Join(errors.New(why), tell(ctx, inner, mine))
	}
	coming := t.host.expect(key, mine.nonce, theirs.nonce)
	defer t.host.forget(coming)
	if err := tell(ctx, inner, mine); err != nil {
		return nil, err
	}
	last, err := t.hear(ctx, inner, noteReady)
	if err != nil {
		return nil, errors.Join(err, tell(ctx, inner, ready(err)))
	}
	if last.refuse != "" {
		return nil, errors.New(last.refuse)
	}
	s, err := t.awaitHost(ctx, coming)
	if told := tell(ctx, inner, ready(err)); told != nil || err != nil {
		s.release()
		return nil, errors.Join(err, told)
	}
	return s, nil
}

func (t *transport) dialHost(parent context.Context, key []byte, mine, theirs note) (*shared, error) {
	ctx, cancel := context.WithTimeout(parent, t.cfg.Patience)
	defer cancel()
	return t.host.dial(ctx, key, mine, theirs)
}

func (t *transport) awaitHost(parent context.Context, coming *expected) (*shared, error) {
	ctx, cancel := context.WithTimeout(parent, t.cfg.Patience)
	defer cancel()
	return coming.wait(ctx)
}

// ready is the note that says so, or why not.
func ready(err error) note {
	n := note{kind: noteReady}
	if err != nil {
		n.refuse = err.Error()
	}
	return n
}

func tell(ctx context.Context, inner link.Conn, n note) error {
	return inner.Send(ctx, noteHeader(), link.Payload{Bufs: [][]byte{n.encode()}})
}

// hear waits for the peer's next note, at most Config.Patience.
func (t *transport) hear(parent context.Context, inner link.Conn, kind uint8) (note, error) {
	ctx, cancel := context.WithTimeoutCause(parent, t.cfg.Patience, fmt.Errorf("no answer for %v", t.cfg.Patience))
	defer cancel()
	for {
		n, err := hearAny(ctx, inner)
		switch {
		case ctx.Err() != nil:
			return n, context.Cause(ctx)
		case err != nil:
			return n, err
		case n.kind == kind:
			return n, nil
		case n.refuse != "": // it has given up before we came to it
			return n, errors.New(n.refuse)
		}
	}
}

func hearAny(ctx context.Context, inner link.Conn) (note, error) {
	m, err := inner.Recv(ctx)
	if err != nil {
		return note{}, err
	}
	defer m.Discard()
	if !isNote(m.Header) || m.Size > link.EagerLimit {
		return note{}, fmt.Errorf("%w: another message came first", errNote)
	}
	b := make([]byte, m.Size)
	if err := m.ReadInto(ctx, b); err != nil {
		return note{}, err
	}
	return decodeNote(b)
}
