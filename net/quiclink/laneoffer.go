package quiclink

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
)

// laneKind is what a rank's lanes run over.
type laneKind uint8

const (
	noLanes laneKind = iota
	tcpLanes
	quicLanes
	beyondLanes // the first number that is no kind
)

// maxLanes is how many lanes a Conn may have.
const maxLanes = 16

// offer is the part of a hello that says which lanes a rank would have: one port for each, at the host of its QUIC socket.
type offer struct {
	kind  laneKind
	ports []uint16
}

func (o offer) appendTo(b []byte) []byte {
	for _, port := range o.ports {
		b = binary.LittleEndian.AppendUint16(b, port)
	}
	return b
}

// readOffer reads what follows f, a hello.
func readOffer(f link.Frame, r io.Reader) (offer, error) {
	o := offer{kind: laneKind(f.Kind)}
	if o.kind >= beyondLanes || f.Size%2 != 0 || (o.kind == noLanes) != (f.Size == 0) || f.Size > 2*maxLanes {
		return o, fmt.Errorf("%w: lanes of kind %d in %d bytes", link.ErrFrame, f.Kind, f.Size)
	}
	b := make([]byte, f.Size)
	if _, err := io.ReadFull(r, b); err != nil {
		return o, err
	}
	for ; len(b) > 0; b = b[2:] {
		port := binary.LittleEndian.Uint16(b)
		if port == 0 {
			return o, fmt.Errorf("%w: a lane at port 0", link.ErrFrame)
		}
		o.ports = append(o.ports, port)
	}
	return o, nil
}

// agree is how many lanes two ranks make: what both have.
func agree(a, b offer) int {
	if a.kind != b.kind {
		return 0
	}
	return min(len(a.ports), len(b.ports))
}

// laneLimit is how long the lanes of a Conn may take to be made: the Conn itself must still be in time.
func (t *Transport) laneLimit() time.Duration { return t.cfg.HandshakeTimeout / 2 }

// proofSize is the length of the proof with which each end binds a lane to its QUIC session.
const proofSize = sha256.Size

// ticket is the first on a lane: which session it is for, and its number there. The session's name is known to the two
// ends of the QUIC connection alone; it tells a lane from a stranger's connection before anything is computed.
type ticket struct {
	session [16]byte
	number  uint8
}

const ticketSize = 17

func (k ticket) appendTo(b []byte) []byte { return append(append(b, k.session[:]...), k.number) }

func readTicket(r io.Reader) (ticket, error) {
	var b [ticketSize]byte
	_, err := io.ReadFull(r, b[:])
	return ticket{[16]byte(b[:]), b[16]}, err
}

// session is what the lanes of one Conn are bound to: both ends derive it from their QUIC connection.
type session struct {
	name [16]byte
	key  []byte
	peer int
}

func newSession(qc *quic.Conn, peer int) (session, error) {
	state := qc.ConnectionState().TLS
	b, err := state.ExportKeyingMaterial("EXPORTER-darray-lane-session", nil, 48)
	if err != nil {
		return session{}, fmt.Errorf("lanes: %w", err)
	}
	return session{[16]byte(b), b[16:], peer}, nil
}

// proof shows that whoever ends the lane's TLS session on this side also ends the QUIC session.
func (s session) proof(side string, number uint8, lane tls.ConnectionState) ([]byte, error) {
	binding, err := lane.ExportKeyingMaterial("EXPORTER-darray-lane", nil, 32)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(side)) // of one length, as all that follows
	mac.Write([]byte{number})
	mac.Write(binding)
	return mac.Sum(nil), nil
}

const (
	dialing   = "dial"
	accepting = "accp"
)

// prove passes the proofs on a new lane, the dialer's first.
func (s session) prove(rw io.ReadWriter, side string, number uint8, state tls.ConnectionState) error {
	here, err := s.proof(side, number, state)
	if err != nil {
		return err
	}
	other := dialing
	if side == dialing {
		other = accepting
		if _, err := rw.Write(here); err != nil {
			return err
		}
	}
	want, err := s.proof(other, number, state)
	if err != nil {
		return err
	}
	got := make([]byte, proofSize)
	if _, err := io.ReadFull(rw, got); err != nil {
		return err
	}
	if !hmac.Equal(got, want) {
		return fmt.Errorf("%w: the lane is not bound to the QUIC session", link.ErrRefused)
	}
	if side == accepting {
		_, err = rw.Write(here)
	}
	return err
}

// expected are the lanes that a dialer may bring to one Conn; each number once.
type expected struct {
	session
	unseen [maxLanes]bool
	made   chan made // has room for all
}

type made struct {
	number uint8
	lane   *lane
}

// expect lets the n lanes of s come, until unexpect.
func (t *Transport) expect(s session, n int) *expected {
	e := &expected{session: s, made: make(chan made, n)}
	for i := range n {
		e.unseen[i] = true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expected[s.name] = e
	return e
}

// unexpect ends expect and closes what has come and was not taken.
func (t *Transport) unexpect(e *expected) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.expected, e.name)
	for len(e.made) > 0 {
		(<-e.made).lane.rw.Close()
	}
}

// claim gives the session that k is for, once.
func (t *Transport) claim(k ticket) (session, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.expected[k.session]
	if e == nil || k.number >= maxLanes || !e.unseen[k.number] {
		return session{}, false
	}
	e.unseen[k.number] = false
	return e.session, true
}

// bring hands over a lane that has proved itself, unless nobody expects it any more.
func (t *Transport) bring(k ticket, l *lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.expected[k.session]; e != nil {
		e.made <- made{k.number, l} // has room: each number is claimed once
	} else {
		l.rw.Close()
	}
}

var errUnexpected = fmt.Errorf("%w: no such lane is expected", link.ErrRefused)

// fromPeer checks that a lane which is expected comes from the rank that it is expected from.
func (t *Transport) fromPeer(s session, state tls.ConnectionState) error {
	peer, err := t.id.verifiedRank(state)
	if err == nil && peer != s.peer {
		err = fmt.Errorf("%w: rank %d on a lane of rank %d", link.ErrRefused, peer, s.peer)
	}
	return err
}

// dialLanes makes all n lanes or none, and tells the acceptor which. Why there are none is for Fallback to tell.
func (t *Transport) dialLanes(ctx context.Context, qc *quic.Conn, ctl io.Writer, peer int, theirs offer) (lanes []*lane, why, err error) {
	n := agree(t.offer, theirs)
	if n == 0 {
		return nil, t.noOffer(peer), nil
	}
	s, err := newSession(qc, peer)
	if err != nil {
		return nil, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, t.laneLimit())
	defer cancel()
	host, _, _ := net.SplitHostPort(qc.RemoteAddr().String()) // of an address that is one
	for i, port := range theirs.ports[:n] {
		dial := t.dialTCP
		if t.offer.kind == quicLanes {
			dial = t.dialQUIC
		}
		l, err := dial(limited, s, net.JoinHostPort(host, fmt.Sprint(port)), uint8(i))
		if err != nil {
			closeAll(lanes)
			lanes, why = nil, fmt.Errorf("lanes to rank %d: %w", peer, err)
			break
		}
		lanes = append(lanes, l)
	}
	f := link.Frame{Type: frameLanes, Header: link.Header{Count: uint64(len(lanes))}}
	if _, err := ctl.Write(f.AppendTo(nil)); err != nil {
		closeAll(lanes)
		return nil, nil, err
	}
	return lanes, why, nil
}

// hearLanes waits for the dialer's word on how many of the n lanes it has made, all or none, and for the lanes.
func (t *Transport) hearLanes(ctx context.Context, ctl io.Reader, e *expected, n int) (lanes []*lane, why, err error) {
	count, err := readLanes(ctl)
	switch {
	case err != nil:
		return nil, nil, err
	case count == 0:
		return nil, fmt.Errorf("lanes: rank %d could not make them; its own report says why", e.peer), nil
	case count != uint64(n):
		return nil, nil, fmt.Errorf("%w: %d lanes reported, %d were to be made", link.ErrFrame, count, n)
	}
	lanes = make([]*lane, n)
	for range n {
		select {
		case m := <-e.made:
			lanes[m.number] = m.lane
		case <-ctx.Done():
			closeAll(lanes)
			return nil, nil, ctx.Err()
		}
	}
	return lanes, nil, nil
}

func readLanes(ctl io.Reader) (uint64, error) {
	b := make([]byte, link.HeaderSize)
	if _, err := io.ReadFull(ctl, b); err != nil {
		return 0, err
	}
	f, err := link.DecodeFrame(b, 0)
	if err == nil && f.Type != frameLanes {
		err = fmt.Errorf("%w: type %d in place of a word on lanes", link.ErrFrame, f.Type)
	}
	return f.Count, err
}

// noOffer is why two ranks make no lanes; nil where this one wants none.
func (t *Transport) noOffer(peer int) error {
	if t.offer.kind == noLanes {
		return nil
	}
	return fmt.Errorf("lanes: rank %d offers none of this rank's kind; give all ranks the same Config.Bulk and Lanes", peer)
}

func closeAll(lanes []*lane) {
	for _, l := range lanes {
		if l != nil {
			l.rw.Close()
		}
	}
}

// Fallback says why c, a Conn of this package, sends its blocks over QUIC streams though its transport was to use lanes:
// they could not be made, or were given up later. It is nil where c has its lanes, or was to have none.
func Fallback(c link.Conn) error {
	own, ok := c.(*conn)
	if !ok {
		return errors.New("quiclink: not a conn of this package")
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	return own.laneErr
}
