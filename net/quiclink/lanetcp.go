package quiclink

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"
)

const laneALPN = "darray-lane/1"

// halfLanes is how many TCP connections may be open here that have proved nothing. A further one is closed at once; what
// that costs a rank is its lane.
const halfLanes = 64

// tcpLane closes without TLS's goodbye, which could wait for a peer that reads nothing. Every block is confirmed on the
// control stream, so an end that is forged tells nobody that he has all.
type tcpLane struct {
	*tls.Conn
	tcp *joined
}

func (l tcpLane) Flush() error { return l.tcp.flush() }

func (l tcpLane) Close() error { return l.tcp.Close() }

// joined makes one write of several TLS records, which crypto/tls writes one by one: half of a sender's time goes into
// those system calls, so copying once more saves a sixth of it.
type joined struct {
	net.Conn

	mu  sync.Mutex // the lane's writer flushes while its reader may make crypto/tls answer something
	out []byte     // nil in the handshake: nothing is kept back
}

const (
	joinSize   = 128 << 10
	wireRecord = record + 256 // the most that a TLS 1.3 record takes (RFC 8446, 5.2), without its 5 bytes of head
)

// Write keeps a record until there is no room for another.
func (j *joined) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.out == nil {
		return j.Conn.Write(b)
	}
	j.out = append(j.out, b...)
	if len(j.out) > joinSize-wireRecord {
		return len(b), j.send()
	}
	return len(b), nil
}

// keep begins the joining.
func (j *joined) keep() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.out = make([]byte, 0, joinSize)
}

func (j *joined) flush() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.send()
}

// send writes what is kept back. mu is held.
func (j *joined) send() error {
	if len(j.out) == 0 {
		return nil
	}
	_, err := j.Conn.Write(j.out)
	j.out = j.out[:0]
	return err
}

// listenTCP opens the port for lanes, at the host of the QUIC socket.
func (t *Transport) listenTCP(n int) error {
	host, _, _ := net.SplitHostPort(t.Addr()) // of an address that is one
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return fmt.Errorf("quiclink: listen for lanes: %w", err)
	}
	t.tcp = ln
	t.halfLanes = make(chan struct{}, halfLanes)
	t.offer = offer{kind: tcpLanes}
	port := uint16(ln.Addr().(*net.TCPAddr).Port) // what Listen returns for "tcp"
	for range n {
		t.offer.ports = append(t.offer.ports, port)
	}
	t.running.Go(t.acceptTCP)
	return nil
}

// laneTLS is the job's TLS under another name, so that no lane is taken for a control connection.
func (t *Transport) laneTLS() *tls.Config {
	conf := t.id.tlsConfig()
	conf.NextProtos = []string{laneALPN}
	conf.DynamicRecordSizingDisabled = true // blocks are large from the first byte
	return conf
}

func (t *Transport) dialTCP(ctx context.Context, s session, addr string, number uint8) (*lane, error) {
	var dialer net.Dialer
	tcp, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	l, err := t.secure(ctx, tcp, func(j *joined) (*tls.Conn, error) {
		if _, err := tcp.Write((ticket{s.name, number}).appendTo(nil)); err != nil {
			return nil, err
		}
		conf := t.laneTLS()
		conf.ServerName = peerName(t.cfg.Job, s.peer)
		secured := tls.Client(j, conf)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		return secured, s.prove(secured, dialing, number, secured.ConnectionState())
	})
	if err != nil {
		return nil, fmt.Errorf("lane at TCP %s: %w", addr, err)
	}
	return l, nil
}

// secure makes a lane of tcp by handshake, which ends with ctx; on an error tcp is closed.
func (t *Transport) secure(ctx context.Context, tcp net.Conn, handshake func(*joined) (*tls.Conn, error)) (*lane, error) {
	stop := context.AfterFunc(ctx, func() { tcp.Close() })
	j := &joined{Conn: tcp}
	secured, err := handshake(j)
	if !stop() { // tcp is, or is being, closed
		return nil, context.Cause(ctx)
	}
	if err != nil {
		tcp.Close()
		return nil, err
	}
	j.keep()
	return newLane(tcpLane{secured, j}, t.cfg.IdleTimeout), nil
}

// acceptTCP lets lanes in until the transport is closed.
func (t *Transport) acceptTCP() {
	for {
		tcp, err := t.tcp.Accept()
		switch {
		case t.ctx.Err() != nil:
			if err == nil {
				tcp.Close()
			}
			return
		case err != nil: // no more files, say
			pause := time.NewTimer(10 * time.Millisecond)
			select {
			case <-pause.C:
			case <-t.ctx.Done():
				pause.Stop()
			}
			continue
		}
		select {
		case t.halfLanes <- struct{}{}:
			t.running.Go(func() {
				t.welcomeTCP(tcp)
				<-t.halfLanes
			})
		default:
			tcp.Close()
		}
	}
}

// welcomeTCP makes a lane of what somebody has dialed. Who has no ticket is sent away before anything is computed.
func (t *Transport) welcomeTCP(tcp net.Conn) {
	ctx, cancel := context.WithTimeout(t.ctx, t.laneLimit())
	defer cancel()
	var k ticket
	l, err := t.secure(ctx, tcp, func(j *joined) (*tls.Conn, error) {
		var err error
		if k, err = readTicket(tcp); err != nil {
			return nil, err
		}
		s, ok := t.claim(k)
		if !ok {
			return nil, errUnexpected
		}
		secured := tls.Server(j, t.laneTLS())
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		if err := t.fromPeer(s, secured.ConnectionState()); err != nil {
			return nil, err
		}
		return secured, s.prove(secured, accepting, k.number, secured.ConnectionState())
	})
	if err == nil {
		t.bring(k, l)
	}
}
