// Package link is the seam between ranks and bytes: framed, ordered, reliable messages between two ranks.
//
// A transport (mem in this package, net/quiclink, net/shmlink) gives one Conn per pair of ranks. Above it
// net/comm matches messages and builds collectives; below it nobody knows what a tag or a collective is.
// Every implementation passes net/link/linktest.
//
// Life cycle: a Transport is made, its Addr is published by the rendezvous, one side of each pair calls Dial and the
// other Accept; then both ends Send from any goroutine and one goroutine calls Recv in a loop until it errs.
package link

import (
	"context"
	"errors"
)

// Errors that callers branch on; every implementation wraps them with the peer's rank and what was going on.
var (
	// ErrClosed: this end was closed by its owner.
	ErrClosed = errors.New("link: closed")
	// ErrPeerLost: the other end died, was closed without goodbye, or cannot be reached any more.
	ErrPeerLost = errors.New("link: peer lost")
	// ErrRefused: the other end refused this one (wrong token, wrong job, no such rank).
	ErrRefused = errors.New("link: refused")
	// ErrWithdrawn: the sender took the message back (its context ended) before all of it was read.
	ErrWithdrawn = errors.New("link: message withdrawn by its sender")
	// ErrTooLarge: a peer announced a length beyond the limit; nothing was allocated for it.
	ErrTooLarge = errors.New("link: message too large")
)

// Header is the envelope of one message: the same 64 bytes on every wire (see frame.go). Kind, Flags, Context, Tag,
// Seq, Op, DType, Count and Aux belong to net/comm and travel untouched; Size is set by Send.
type Header struct {
	Kind    uint8  // what net/comm does with it: point-to-point, collective, control
	Op      uint8  // which collective, for the check that both ranks are in the same one
	DType   uint8  // element type code of net/comm, 0 for raw bytes
	Flags   uint8  // bits of the user of comm (a block with validity, say)
	Context uint32 // communicator id
	Tag     int32  // user tag, or a reserved negative one
	Root    int32  // root rank of a rooted collective, else 0
	Seq     uint64 // number of the collective in its communicator, or of the message
	Count   uint64 // elements
	Aux     uint64 // one word more for the user of comm
	Size    uint64 // payload bytes; filled in by Send from the payload
}

// Payload is what a message carries. Bufs are written one after another; the reader sees one run of bytes.
//
// Ref, where not nil, is an immutable value standing for the same content. A link inside one process hands Ref over
// instead of bytes (see Message.Ref) and Bufs may then be kept by the receiver for as long as it likes; other links ignore it.
type Payload struct {
	Bufs [][]byte
	Ref  any
}

// Size is the number of payload bytes.
func (p Payload) Size() int {
	n := 0
	for _, b := range p.Bufs {
		n += len(b)
	}
	return n
}

// Conn joins this rank to one peer. All methods are safe for concurrent use, except that one goroutine calls Recv.
type Conn interface {
	// Peer is the authenticated rank at the other end.
	Peer() int

	// PeerAddr is where the peer was seen to listen or to come from: what another rank would Dial to reach it.
	PeerAddr() string

	// Send delivers one message. It returns when the caller may change the buffers again (with Ref: at once).
	// A payload of at most EagerLimit bytes does not wait for a receiver, until EagerCredit is used up; a larger one
	// waits until the receiver has called ReadInto or Discard (a discarded message counts as delivered). If ctx ends
	// first, the message is withdrawn: the receiver, if it had seen the header, gets ErrWithdrawn from ReadInto; the
	// Conn stays usable. No unread message keeps the header of a later one from arriving.
	Send(ctx context.Context, h Header, p Payload) error

	// Start is Send in two steps. When Start returns, the message has its place among the others. A nil wait without an error:
	// it is on its way, as after Send. Else wait is the rest of Send and is to be called once, soon; until it returns the
	// buffers belong to the Conn. Start does not block.
	Start(h Header, p Payload) (wait func(ctx context.Context) error, err error)

	// Recv blocks for the next message and returns its header; messages come in the order in which Send was entered.
	// The payload of a large message is still with the sender. Every Message must be finished by ReadInto, Ref or Discard.
	// An error is final (ErrClosed, ErrPeerLost wrapped), except ctx's own; ErrPeerLost comes after the last message.
	Recv(ctx context.Context) (*Message, error)

	// Divert has every message offered to take, those that wait first, on the goroutine that brings it: one hand-over less
	// than Recv. What take does not want (false) is left to Recv, as is the end of the Conn. take is called by one goroutine
	// at a time, must not block and must not call the Conn or finish the message. At most one Divert a Conn; a Conn may
	// ignore it and leave everything to Recv.
	Divert(take func(*Message) bool)

	// Stats counts what has passed so far.
	Stats() Stats

	// Close says goodbye, waits for the peer to have received what Send has accepted (a bounded time), and ends both
	// directions. Safe twice. The peer's Recv gets ErrPeerLost wrapping "closed by rank N".
	Close() error
}

// Poller is a Conn whose messages appear in memory that both ends see, where looking is cheaper than being woken. Poll takes in what has appeared (see Divert) and reports whether there was anything; spin is whether the caller
// may look again at once instead of waiting, because this host has a core to spare for it. Poll never blocks; any
// goroutine may call it.
type Poller interface {
	Poll() (found, spin bool)
}

// Placer is a Conn inside one process. Place has put asked first for every message of at most PlaceLimit bytes: it copies
// the payload to where it belongs and reports true, on the goroutine of the sender, or leaves the message to Divert and
// Recv. Called at most once, after Divert; put must not call the Conn.
type Placer interface {
	Place(put func(h Header, p Payload) bool)
}

// Dropper is a Conn whose Close waits for the peer. Drop is Close that does not: for peers that are gone. Safe beside a Close
// under way, which it ends, and twice.
type Dropper interface {
	Drop()
}

// Exporter is a Conn over TLS. Export returns n bytes that only its two ends can compute, the same on both, for a label of
// the caller's (RFC 8446, section 7.5): other channels between the two are bound to the session by it.
type Exporter interface {
	Export(label string, n int) ([]byte, error)
}

// Allocator is a Transport with memory that its peers on this host can read. A payload whose buffers all lie in it is copied
// once, by the receiver, straight from there; other payloads are copied twice.
type Allocator interface {
	// Alloc returns n bytes, aligned to 64, of any content, that stay valid until Free; nil where there is no such memory (left).
	// They are no part of Go's heap: they must hold no pointers, and who forgets to Free them keeps them.
	Alloc(n int) []byte
	// Free takes back what Alloc returned, whole. It must not be part of a Send that has not returned. Free of anything else
	// does nothing.
	Free(b []byte)
}

// Sizes that every link keeps.
const (
	// EagerLimit is the largest payload in bytes that is sent without waiting for a receiver's buffer.
	EagerLimit = 16 << 10
	// EagerCredit bounds the eager bytes, HeaderSize for each message included, that one peer may have unread at the
	// other. A message beyond it is sent like a large one: its header goes at once, its payload when it is asked for.
	EagerCredit = 4 << 20
	// PlaceLimit is the largest payload in bytes that a sender copies to where it belongs by itself (see Placer).
	PlaceLimit = 256 << 10
)

// Transport makes this rank's Conns. Two ranks may have any number of them side by side: who keeps which, and whether a
// rank is who it should be, is for net/comm to settle, which can tell everybody why.
type Transport interface {
	// Scheme is the short name shown in stats and plans: "mem", "quic".
	Scheme() string
	// Addr is what peers dial. Known as soon as the transport exists; never a host name.
	Addr() string
	// Dial connects to rank peer at addr. It blocks until the peer has accepted or refused (ErrRefused), or ctx ends.
	Dial(ctx context.Context, peer int, addr string) (Conn, error)
	// Accept blocks for the next peer that dialed and proved itself.
	Accept(ctx context.Context) (Conn, error)
	// Close ends listening and every Conn; no goroutine or socket is left. Safe twice.
	Close() error
}

// Stats counts a Conn's traffic in payload bytes; references handed over inside a process count as messages of 0 bytes.
type Stats struct {
	Scheme                   string
	MessagesSent, BytesSent  uint64
	MessagesRecvd, BytesRecv uint64
	RefsSent                 uint64
}
