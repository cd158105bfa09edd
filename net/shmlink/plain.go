package shmlink

import (
	"context"

	"github.com/darray-go/darray/net/link"
)

// plainConn is an inner conn that stays what it is. It drops notes that come late, and does not count notes.
type plainConn struct {
	link.Conn
	reason string
	before link.Stats // when it was handed out
}

// exportingConn is a plainConn over TLS.
type exportingConn struct {
	*plainConn
	link.Exporter
}

func newPlain(inner link.Conn, reason string) link.Conn {
	p := &plainConn{Conn: inner, reason: reason, before: inner.Stats()}
	if e, ok := inner.(link.Exporter); ok {
		return exportingConn{p, e}
	}
	return p
}

// Reason says why the conn does not use shared memory.
func (c *plainConn) Reason() string { return c.reason }

// Recv returns the oldest message.
func (c *plainConn) Recv(ctx context.Context) (*link.Message, error) {
	for {
		m, err := c.Conn.Recv(ctx)
		if err != nil || !isNote(m.Header) {
			return m, err
		}
		m.Discard()
	}
}

// Divert hands messages to take as the inner conn does.
func (c *plainConn) Divert(take func(*link.Message) bool) {
	c.Conn.Divert(func(m *link.Message) bool { return !isNote(m.Header) && take(m) })
}

// Stats counts what has passed since the conn was handed out.
func (c *plainConn) Stats() link.Stats {
	s := c.Conn.Stats()
	s.MessagesSent -= c.before.MessagesSent
	s.BytesSent -= c.before.BytesSent
	s.MessagesRecvd -= c.before.MessagesRecvd
	s.BytesRecv -= c.before.BytesRecv
	return s
}

// Drop is Close that does not wait for the peer, where the inner conn can do that.
func (c *plainConn) Drop() { drop(c.Conn) }

func drop(c link.Conn) {
	if d, ok := c.(link.Dropper); ok {
		d.Drop()
		return
	}
	c.Close()
}
