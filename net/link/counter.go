package link

import "sync/atomic"

// Counter keeps a Conn's Stats, for those who implement one. The zero value is ready; all methods are safe for
// concurrent use.
type Counter struct {
	sent, sentBytes   atomic.Uint64
	recvd, recvdBytes atomic.Uint64
	refs              atomic.Uint64
}

// Sent counts one message of n payload bytes that Send has delivered.
func (c *Counter) Sent(n int) {
	c.sent.Add(1)
	c.sentBytes.Add(uint64(n))
}

// SentRef counts one message that was handed over by reference.
func (c *Counter) SentRef() {
	c.sent.Add(1)
	c.refs.Add(1)
}

// Recvd counts one message that Recv has returned or Divert's taker has taken.
func (c *Counter) Recvd() { c.recvd.Add(1) }

// Read counts n payload bytes that ReadInto has filled in.
func (c *Counter) Read(n int) { c.recvdBytes.Add(uint64(n)) }

// Stats returns the counts so far under the transport's scheme.
func (c *Counter) Stats(scheme string) Stats {
	return Stats{
		Scheme:       scheme,
		MessagesSent: c.sent.Load(), BytesSent: c.sentBytes.Load(),
		MessagesRecvd: c.recvd.Load(), BytesRecv: c.recvdBytes.Load(),
		RefsSent: c.refs.Load(),
	}
}

// Taken wraps the taker of a Divert so that what it takes is counted, before anybody else can have it.
func (c *Counter) Taken(take func(*Message) bool) func(*Message) bool {
	return func(m *Message) bool {
		c.Recvd()
		taken := take(m)
		if !taken {
			c.recvd.Add(^uint64(0))
		}
		return taken
	}
}

// Placed is Taken for the put of a Placer.
func (c *Counter) Placed(put func(h Header, p Payload) bool) func(h Header, p Payload) bool {
	return func(h Header, p Payload) bool {
		c.Recvd()
		c.Read(int(h.Size))
		placed := put(h, p)
		if !placed {
			c.recvd.Add(^uint64(0))
			c.recvdBytes.Add(-h.Size)
		}
		return placed
	}
}
