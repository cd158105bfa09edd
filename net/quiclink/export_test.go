package quiclink

import (
	"context"
	"crypto/tls"
	"io"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

// Frame types, for tests that write frames themselves.
const (
	FrameHello, FrameEager, FrameRequest, FrameGrant                 = frameHello, frameEager, frameRequest, frameGrant
	FrameWithdraw, FrameCredit, FrameByeAck, FrameBlock, FrameBeyond = frameWithdraw, frameCredit, frameByeAck, frameBlock, frameBlock + 1
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
	return t.checkHello(b, peer)
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
	in := &incoming{c: c, id: 1, size: uint64(size), arrived: make(chan blockStream, 1), stop: func(error) {}}
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
