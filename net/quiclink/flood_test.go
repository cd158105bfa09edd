package quiclink_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// endless makes frames without end, those of next(1), next(2) and so on.
type endless struct {
	next func(id uint64) []byte
	id   uint64
	rest []byte
}

func (e *endless) Read(b []byte) (int, error) {
	if len(e.rest) == 0 {
		e.id++
		e.rest = e.next(e.id)
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestAnnouncedWithoutEnd: what a peer announces and withdraws counts until it is received, and what it announces without
// reading the answers comes to an end too.
func TestAnnouncedWithoutEnd(t *testing.T) {
	leak.Check(t)
	request := func(id uint64) []byte { return frame(quiclink.FrameRequest, id, link.Header{Size: 1 << 20}) }
	frames := &endless{next: func(id uint64) []byte {
		return append(request(id), frame(quiclink.FrameWithdraw, id, link.Header{})...)
	}}
	if _, err := quiclink.Serve(frames, 1<<40); !errors.Is(err, link.ErrFrame) || frames.id > quiclink.MaxUnread+1 {
		t.Errorf("withdrawn: got %v after %d messages, want ErrFrame after %d", err, frames.id, quiclink.MaxUnread)
	}
	if err := quiclink.ServeDiscarding(&endless{next: request}); !errors.Is(err, link.ErrFrame) {
		t.Errorf("discarded: got %v, want ErrFrame", err)
	}
}

// deaf is a socket that hears nothing: what it begins stays half open.
type deaf struct{ net.PacketConn }

func (d deaf) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if n, from, err := d.PacketConn.ReadFrom(b); err != nil {
			return n, from, err
		}
	}
}

// dialMany begins n connections that stay as they are until the test ends.
func dialMany(t *testing.T, n int, wrap func(net.PacketConn) net.PacketConn, to *quiclink.Transport) {
	t.Helper()
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	tr := &quic.Transport{Conn: wrap(udp)}
	_, client, conf, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		all.Wait()
		tr.Close()
		udp.Close()
	})
	conf.HandshakeIdleTimeout, conf.MaxIdleTimeout = never, never
	addr, err := net.ResolveUDPAddr("udp", to.Addr())
	check(t, err)
	for range n {
		all.Go(func() { tr.Dial(ctx, addr, client, conf) })
	}
}

// await polls a count that another process would bring about.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(time.Minute); !done(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited a minute: %s", what)
		}
	}
}

// TestHalfOpen: from some number of half-open handshakes on no more is kept, and a rank still gets in.
func TestHalfOpen(t *testing.T) {
	leak.Check(t)
	cfg := config(0, 2)
	cfg.HandshakeTimeout, cfg.IdleTimeout = never, never
	to := listen(t, cfg)
	dialMany(t, 4*quiclink.Unverified, func(c net.PacketConn) net.PacketConn { return deaf{c} }, to)
	const most = 2 + quiclink.Unverified
	await(t, "the half-open ones come", func() bool { return quiclink.Accepted(to) >= most })
	atLo, atHi := joined(t, to, listen(t, config(1, 2)))
	if n := quiclink.Accepted(to); n > most+1 {
		t.Errorf("%d connections are kept, want at most %d", n, most+1)
	}
	check(t, atHi.Close())
	check(t, atLo.Close())
}

// TestManyProveNothing: whoever holds the token gets so many connections and no more.
func TestManyProveNothing(t *testing.T) {
	leak.Check(t)
	cfg := config(0, 2)
	cfg.HandshakeTimeout, cfg.IdleTimeout = never, never
	to := listen(t, cfg)
	const most = 2 + quiclink.Unproved
	dialMany(t, most+100, func(c net.PacketConn) net.PacketConn { return c }, to)
	await(t, "they come", func() bool { return quiclink.Accepted(to) == most })
}

// TestGarbage: packets that are not QUIC leave nothing behind.
func TestGarbage(t *testing.T) {
	leak.Check(t)
	to := listen(t, config(0, 2))
	udp, err := net.Dial("udp", to.Addr())
	check(t, err)
	defer udp.Close()
	for i := range 2000 {
		b := bytes.Repeat([]byte{byte(i), 0xc0 | byte(i>>3), byte(i * 7)}, 1+i%480)
		if _, err := udp.Write(b); err != nil && !errors.Is(err, io.ErrShortWrite) {
			t.Fatal(err)
		}
	}
	joined(t, to, listen(t, config(1, 2)))
	if n := quiclink.Accepted(to); n != 1 {
		t.Errorf("%d connections are kept, want the one", n)
	}
}
