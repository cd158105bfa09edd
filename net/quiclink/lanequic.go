package quiclink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/quic-go/quic-go"
)

// A QUIC connection is worked off by one goroutine and has one congestion window, so several carry more than one where
// cores are free or packets get lost. Each lane has sockets of its own at both ends, for a socket has one reader.

// laneSocket is where this rank's lanes of one number begin and end, those to all peers.
type laneSocket struct {
	udp      *net.UDPConn
	quic     *quic.Transport
	listener *quic.Listener
}

func (s *laneSocket) close() error {
	if s.listener == nil {
		return errors.Join(s.quic.Close(), s.udp.Close())
	}
	return errors.Join(s.listener.Close(), s.quic.Close(), s.udp.Close())
}

// quicLane is a lane's stream, the only one of its connection.
type quicLane struct {
	*quic.Stream
	qc *quic.Conn
}

func (l quicLane) Flush() error { return nil }

func (l quicLane) Close() error { return l.qc.CloseWithError(codeBye, "lane given up") }

// listenQUIC opens n sockets for lanes, at the host of the first.
func (t *Transport) listenQUIC(n int) error {
	host, _, _ := net.SplitHostPort(t.Addr()) // of an address that is one
	t.offer = offer{kind: quicLanes}
	for range n {
		udp, err := listenUDP(net.JoinHostPort(host, "0"))
		if err != nil {
			return err
		}
		s := &laneSocket{udp: udp, quic: t.quicTransport(udp)}
		t.sockets = append(t.sockets, s)
		if s.listener, err = s.quic.Listen(t.laneTLS(), t.cfg.quicConfig()); err != nil {
			return fmt.Errorf("quiclink: listen for lanes: %w", err)
		}
		t.offer.ports = append(t.offer.ports, uint16(udp.LocalAddr().(*net.UDPAddr).Port)) // what listenUDP opens
	}
	for _, s := range t.sockets {
		t.running.Go(func() { t.acceptQUIC(s) })
	}
	return nil
}

func (t *Transport) dialQUIC(ctx context.Context, s session, addr string, number uint8) (*lane, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, err
	}
	conf := t.laneTLS()
	conf.ServerName = peerName(t.cfg.Job, s.peer)
	qc, err := t.sockets[number].quic.Dial(ctx, net.UDPAddrFromAddrPort(to), conf, t.cfg.quicConfig())
	if err != nil {
		return nil, fmt.Errorf("lane at UDP %s: %w", addr, err)
	}
	l, err := t.secureQUIC(ctx, qc, func() (*quic.Stream, error) {
		stream, err := qc.OpenStream()
		if err != nil {
			return nil, err
		}
		if _, err := stream.Write((ticket{s.name, number}).appendTo(nil)); err != nil {
			return nil, err
		}
		return stream, s.prove(stream, dialing, number, qc.ConnectionState().TLS)
	})
	if err != nil {
		return nil, fmt.Errorf("lane at UDP %s: %w", addr, err)
	}
	return l, nil
}

// secureQUIC makes a lane of qc by handshake, which ends with ctx; on an error qc is closed.
func (t *Transport) secureQUIC(ctx context.Context, qc *quic.Conn, handshake func() (*quic.Stream, error)) (*lane, error) {
	stop := context.AfterFunc(ctx, func() { qc.CloseWithError(codeRefused, "too late") })
	stream, err := handshake()
	if !stop() { // qc is, or is being, closed
		return nil, context.Cause(ctx)
	}
	if err != nil {
		qc.CloseWithError(codeRefused, "no lane of this Conn")
		return nil, err
	}
	return newLane(quicLane{stream, qc}, t.cfg.IdleTimeout), nil
}

// acceptQUIC lets lanes in until the transport is closed. How many may prove nothing, admit bounds.
func (t *Transport) acceptQUIC(s *laneSocket) {
	for {
		qc, err := s.listener.Accept(t.ctx)
		if err != nil {
			return // closed
		}
		t.running.Go(func() { t.welcomeQUIC(qc) })
	}
}

func (t *Transport) welcomeQUIC(qc *quic.Conn) {
	ctx, cancel := context.WithTimeout(t.ctx, t.laneLimit())
	defer cancel()
	var k ticket
	l, err := t.secureQUIC(ctx, qc, func() (*quic.Stream, error) {
		stream, err := qc.AcceptStream(ctx)
		if err != nil {
			return nil, err
		}
		if k, err = readTicket(stream); err != nil {
			return nil, err
		}
		s, ok := t.claim(k)
		if !ok {
			return nil, errUnexpected
		}
		state := qc.ConnectionState().TLS
		if err := t.fromPeer(s, state); err != nil {
			return nil, err
		}
		return stream, s.prove(stream, accepting, k.number, state)
	})
	if err == nil {
		t.bring(k, l)
	}
}
