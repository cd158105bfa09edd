package quiclink

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

// Frame types, for tests that write frames themselves.
const (
	FrameHello, FrameEager, FrameRequest, FrameGrant                 = frameHello, frameEager, frameRequest, frameGrant
	FrameLanes                                                       = frameLanes
	FrameWithdraw, FrameCredit, FrameByeAck, FrameBlock, FrameBeyond = frameWithdraw, frameCredit, frameByeAck, frameBlock, frameLaneLost + 1
)

// BareConfig gives the TLS and QUIC settings of two ranks, b dialing a, to a quic-go program without this package.
func BareConfig(a, b Config) (server, client *tls.Config, conf *quic.Config, err error) {
	a, err = a.withDefaults()
	if err != nil {
		return nil, nil, nil, err
	}
	idA, err := newIdentity(a)
	if err != nil {
		return nil, nil, nil, err
	}
	idB, err := newIdentity(b)
	if err != nil {
		return nil, nil, nil, err
	}
	client = idB.tlsConfig()
	client.ServerName = peerName(a.Job, a.Rank)
	return idA.tlsConfig(), client, a.quicConfig(), nil
}

// PacketConn is the socket as this package gives it to quic-go.
var PacketConn = packetConn

// ParseName and PeerName are the two ways between a certificate's name and a rank.
var (
	ParseName = parseName
	PeerName  = peerName
)

// Accepted counts the connections that others began.
func Accepted(t *Transport) int { return int(t.accepted.Load()) }

// The bounds on what a peer may leave here, and on who is let in.
const (
	MaxUnread            = maxUnread
	Unverified, Unproved = unverified, unproved
)

// Kill takes the socket away as the end of a process does: no goodbye.
func Kill(t *Transport) { t.udp.Close() }

// CheckHello checks the bytes of a hello from rank peer to rank 0 of p.
func CheckHello(b []byte, peer int) error {
	t := &Transport{}
	_, err := t.readHello(bytes.NewReader(b), peer)
	return err
}

// Serve feeds frames to a conn without a network, whose message 1 waits to be asked for, and returns its error and
// how many bytes it holds in unread eager messages.
func Serve(r io.Reader, maxMessage uint64) (held int, err error) {
	c := offline(maxMessage)
	c.sending[1] = &outgoing{granted: make(chan struct{}), stop: func(error) {}}
	err = c.serve(r)
	return c.unread, err
}

// ServeDiscarding is Serve with an owner that discards all messages, and a peer that reads nothing.
func ServeDiscarding(r io.Reader) error {
	c := offline(1 << 40)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for m, err := c.inbox.Get(context.Background()); err == nil; m, err = c.inbox.Get(context.Background()) {
			m.Discard()
		}
	}()
	err := c.serve(r)
	c.inbox.End(err)
	<-ended
	return err
}

// ReadBlock feeds a block's stream to a conn that waits for size bytes of message 1; taken: the stream was for it.
func ReadBlock(r io.Reader, size int) (block []byte, taken bool, err error) {
	c := offline(1 << 40)
	in := newIncoming(c, 1, uint64(size))
	in.stop = func(error) {}
	c.receiving[1] = in
	if err := c.matchBlock(uncancelled{r}); err != nil || !in.taken {
		return nil, false, err
	}
	block = make([]byte, size)
	return block, true, readAll(<-in.arrived, [][]byte{block})
}

type uncancelled struct{ io.Reader }

func (uncancelled) CancelRead(quic.StreamErrorCode) {}

func offline(maxMessage uint64) *conn {
	return &conn{
		t:         &Transport{cfg: Config{MaxMessage: maxMessage}},
		inbox:     link.NewInbox(),
		wake:      make(chan struct{}, 1),
		parted:    make(chan struct{}),
		sending:   make(map[uint64]*outgoing),
		receiving: make(map[uint64]*incoming),
		credit:    link.EagerCredit,
	}
}

// Lanes counts the lanes of a Conn that are in use.
func Lanes(c link.Conn) int {
	if own := c.(*conn); own.hasLanes() {
		return len(own.lanes)
	}
	return 0
}

// CutLanes takes the connections under the lanes away.
func CutLanes(c link.Conn) { closeAll(c.(*conn).lanes) }

// LaneAddr is where t listens for lanes.
func LaneAddr(t *Transport) string { return t.tcp.Addr().String() }

// RedirectLanes has peers dial another port for lanes. The lock orders it before the hello, which comes after expect.
func RedirectLanes(t *Transport, port int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.offer.ports {
		t.offer.ports[i] = uint16(port)
	}
}

// LaneALPN is the protocol's name in the TLS of lanes.
const LaneALPN = laneALPN

// The bounds on lanes.
const (
	HalfLanes = halfLanes
	PartSize  = partSize
)

// LaneTicket is the first on lane number of the session that qc is.
func LaneTicket(qc *quic.Conn, number uint8) ([]byte, error) {
	s, err := newSession(qc, 0)
	return ticket{s.name, number}.appendTo(nil), err
}

// ProveLane is the dialer's side of the proofs.
func ProveLane(qc *quic.Conn, lane *tls.Conn, number uint8) error {
	s, err := newSession(qc, 0)
	if err != nil {
		return err
	}
	return s.prove(lane, dialing, number, lane.ConnectionState())
}

// Part is a part as it travels.
func Part(id, number uint64, b []byte) []byte {
	return append(part{uint32(len(b)), id, number}.appendTo(nil), b...)
}

// ReadParts feeds a lane to a conn whose ReadInto waits for size bytes of message 1.
func ReadParts(r io.Reader, size int) (block []byte, whole bool, err error) {
	c := offline(1 << 40)
	l := newLane(readOnly{r}, 0)
	c.lanes = []*lane{l}
	in := newIncoming(c, 1, uint64(size))
	c.receiving[1] = in
	block = make([]byte, size)
	if err := in.ask(func(error) {}, [][]byte{block[:size/3], nil, block[size/3:]}); err != nil {
		return nil, false, err
	}
	err = c.receiveParts(l)
	select {
	case <-in.whole:
		whole = true
	default:
	}
	return block, whole, err
}

type readOnly struct{ io.Reader }

func (readOnly) Write([]byte) (int, error)        { return 0, io.ErrClosedPipe }
func (readOnly) SetReadDeadline(time.Time) error  { return nil }
func (readOnly) SetWriteDeadline(time.Time) error { return nil }
func (readOnly) Flush() error                     { return nil }
func (readOnly) Close() error                     { return nil }

// CutRun cuts [lo, hi) out of bufs.
func CutRun(bufs [][]byte, lo, hi uint64) [][]byte { return newRun(bufs).cut(lo, hi) }

// HalfOpenLanes counts the TCP connections that have proved nothing yet.
func HalfOpenLanes(t *Transport) int { return len(t.halfLanes) }
