package quiclink_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// laneHello is rank 1's hello that offers n lanes over TCP.
func laneHello(n int) []byte {
	return append(hello(link.Header{Root: 1, Kind: 1, Size: uint64(2 * n)}), bytes.Repeat([]byte{1, 1}, n)...)
}

// bareLanes greets rank 0 of 2 as rank 1 that has the token, and offers one lane.
func bareLanes(t *testing.T, to *quiclink.Transport) (*quic.Conn, *quic.Stream) {
	t.Helper()
	qc, ctl := bareDial(t, to, func(*tls.Config) {})
	_, err := ctl.Write(laneHello(1))
	check(t, err)
	_, err = io.ReadFull(ctl, make([]byte, link.HeaderSize+2)) // its hello, with a port
	check(t, err)
	return qc, ctl
}

// bareLane opens lane number of qc's session by TCP; edit makes the TLS settings wrong.
func bareLane(t *testing.T, qc *quic.Conn, to *quiclink.Transport, number uint8, edit func(*tls.Config)) *tls.Conn {
	t.Helper()
	k, err := quiclink.LaneTicket(qc, number)
	check(t, err)
	tcp, err := net.Dial("tcp", quiclink.LaneAddr(to))
	check(t, err)
	t.Cleanup(func() { tcp.Close() })
	_, err = tcp.Write(k)
	check(t, err)
	_, conf, _, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	check(t, err)
	conf.NextProtos = []string{quiclink.LaneALPN}
	edit(conf)
	return tls.Client(tcp, conf)
}

// gone checks that the other side closes c without a byte.
func gone(t *testing.T, c io.Reader) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatalf("read %d bytes, %v; want the end", n, err)
	}
}

// TestLaneRefused: a lane that is not the session's is refused, and the lanes are reported as not made.
func TestLaneRefused(t *testing.T) {
	certificate := func(rank int, token byte) func(*tls.Config) {
		return func(c *tls.Config) {
			cfg := config(rank, 3)
			cfg.Token[0] += token
			_, other, _, err := quiclink.BareConfig(cfg, cfg)
			check(t, err)
			c.GetClientCertificate = other.GetClientCertificate
		}
	}
	none := func(*tls.Config) {}
	for _, tc := range []struct {
		name   string
		number uint8
		edit   func(*tls.Config)
		prove  bool // a wrong proof in place of the right one
	}{
		{"not offered", 1, none, false},
		{"beyond all", 255, none, false},
		{"another rank", 0, certificate(2, 0), false},
		{"another token", 0, certificate(1, 1), false},
		{"no certificate", 0, func(c *tls.Config) { c.GetClientCertificate = nil }, false},
		{"of a control connection", 0, func(c *tls.Config) { c.NextProtos = []string{"darray/1"} }, false},
		{"false proof", 0, none, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			to := listen(t, laneConfig(0, 2))
			qc, ctl := bareLanes(t, to)
			lane := bareLane(t, qc, to, tc.number, tc.edit)
			switch err := lane.HandshakeContext(t.Context()); {
			case err == nil && tc.prove:
				_, err = lane.Write(make([]byte, 32))
				check(t, err)
				gone(t, lane)
			case err == nil:
				if quiclink.ProveLane(qc, lane, tc.number) == nil {
					t.Fatal("the lane was let in")
				}
			}
			again := bareLane(t, qc, to, 0, none) // each number has one try
			if tc.number == 0 && again.HandshakeContext(t.Context()) == nil {
				t.Error("a second lane of the same number was let in")
			}
			_, err := ctl.Write(frame(quiclink.FrameLanes, 0, link.Header{}))
			check(t, err)
			c, err := to.Accept(t.Context())
			check(t, err)
			wantFallback(t, c, "could not make them")
		})
	}
}

// TestLaneWord: a dialer that lies about its lanes is refused.
func TestLaneWord(t *testing.T) {
	for _, tc := range []struct {
		name string
		word []byte
	}{
		{"claims one", frame(quiclink.FrameLanes, 0, link.Header{Count: 1})},
		{"claims two", frame(quiclink.FrameLanes, 0, link.Header{Count: 2})},
		{"another frame", frame(quiclink.FrameEager, 0, link.Header{})},
		{"no frame", bytes.Repeat([]byte{1}, 64)},
		{"nothing", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			cfg := laneConfig(0, 2)
			cfg.HandshakeTimeout = 200 * time.Millisecond
			_, ctl := bareLanes(t, listen(t, cfg))
			_, err := ctl.Write(tc.word)
			check(t, err)
			var app *quic.ApplicationError
			if _, err := ctl.Read(make([]byte, 1)); !errors.As(err, &app) || !app.Remote {
				t.Fatalf("got %v, want a refusal", err)
			}
		})
	}
}

// TestBadOffers: a hello with lanes that no rank offers is refused.
func TestBadOffers(t *testing.T) {
	for name, b := range map[string][]byte{
		"unknown kind":   append(hello(link.Header{Root: 1, Kind: 200, Size: 2}), 1, 1),
		"half a port":    append(hello(link.Header{Root: 1, Kind: 1, Size: 1}), 1),
		"port 0":         append(hello(link.Header{Root: 1, Kind: 1, Size: 2}), 0, 0),
		"ports, no kind": append(hello(link.Header{Root: 1, Size: 2}), 1, 1),
		"kind, no port":  hello(link.Header{Root: 1, Kind: 1}),
		"too many":       laneHello(17),
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			_, ctl := bareDial(t, listen(t, laneConfig(0, 2)), func(*tls.Config) {})
			_, err := ctl.Write(b)
			check(t, err)
			var app *quic.ApplicationError
			if _, err := ctl.Read(make([]byte, 1)); !errors.As(err, &app) || !app.Remote {
				t.Fatalf("got %v, want a refusal", err)
			}
		})
	}
}

// TestBadParts: a peer that breaks the protocol of lanes is lost at once, by the reason.
func TestBadParts(t *testing.T) {
	const size = 2*quiclink.PartSize + 10
	whole, tail := make([]byte, quiclink.PartSize), make([]byte, 10)
	for _, tc := range []struct {
		name  string
		parts []byte
		asked bool
		says  string
	}{
		{"no part", bytes.Repeat([]byte{0xff}, 100), true, "magic"},
		{"empty", quiclink.Part(5, 0, nil), true, "a part of 0 bytes"},
		{"too long", quiclink.Part(5, 0, make([]byte, quiclink.PartSize+1)), true, "limit"},
		{"too short", quiclink.Part(5, 1, tail), true, "part 1 of 10 bytes"},
		{"last too long", quiclink.Part(5, 2, whole), true, "part 2"},
		{"beyond the last", quiclink.Part(5, 3, tail), true, "part 3"},
		{"twice", append(quiclink.Part(5, 2, tail), quiclink.Part(5, 2, tail)...), true, "twice"},
		{"unasked", quiclink.Part(5, 2, tail), false, "unasked"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			to := listen(t, laneConfig(0, 2))
			qc, ctl := bareLanes(t, to)
			lane := bareLane(t, qc, to, 0, func(*tls.Config) {})
			check(t, lane.HandshakeContext(t.Context()))
			check(t, quiclink.ProveLane(qc, lane, 0))
			_, err := ctl.Write(frame(quiclink.FrameLanes, 0, link.Header{Count: 1}))
			check(t, err)
			c, err := to.Accept(t.Context())
			check(t, err)
			_, err = lane.Write(quiclink.Part(77, 9, whole)) // of a message long gone: dropped
			check(t, err)
			_, err = ctl.Write(frame(quiclink.FrameRequest, 5, link.Header{Size: size}))
			check(t, err)
			m, err := c.Recv(t.Context())
			check(t, err)
			reading := make(chan error, 1)
			if tc.asked {
				go func() { reading <- m.ReadInto(t.Context(), make([]byte, size)) }()
				_, err = io.ReadFull(ctl, make([]byte, link.HeaderSize)) // asked for
				check(t, err)
			}
			go lane.Write(tc.parts)
			_, err = c.Recv(t.Context())
			if !errors.Is(err, link.ErrPeerLost) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Recv: got %v, want ErrPeerLost that says %q", err, tc.says)
			}
			if tc.asked {
				if err := <-reading; !errors.Is(err, link.ErrPeerLost) {
					t.Errorf("ReadInto: got %v, want ErrPeerLost", err)
				}
			}
		})
	}
}

// TestLaneStrangers: whoever has no ticket is sent away, so many at a time are listened to, and lanes come again when
// they have gone.
func TestLaneStrangers(t *testing.T) {
	leak.Check(t)
	there := laneConfig(0, 2)
	there.HandshakeTimeout = never
	to := listen(t, there)
	stranger := func() net.Conn {
		c, err := net.Dial("tcp", quiclink.LaneAddr(to))
		check(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	c := stranger()
	_, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n"))
	check(t, err)
	gone(t, c)

	var idle []net.Conn
	for range quiclink.HalfLanes {
		idle = append(idle, stranger())
	}
	await(t, "they are let in", func() bool { return quiclink.HalfOpenLanes(to) == quiclink.HalfLanes })
	gone(t, stranger()) // one more
	hi := listen(t, laneConfig(1, 2))
	a, b := joined(t, to, hi)
	wantFallback(t, b, "lane at TCP")
	trade(t, a, b)
	for _, c := range idle {
		c.Close()
	}
	await(t, "they have gone", func() bool { return quiclink.HalfOpenLanes(to) == 0 })
	a, b = joined(t, to, hi)
	wantFallback(t, b, "")
	trade(t, a, b)
}
