package quiclink_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// bareDial connects to rank 0 of 2 as rank 1, which holds the token but speaks as the test likes.
func bareDial(t *testing.T, to *quiclink.Transport, edit func(*tls.Config)) (*quic.Conn, *quic.Stream) {
	t.Helper()
	qc, ctl, err := bareTry(t, to, edit)
	check(t, err)
	return qc, ctl
}

func bareTry(t *testing.T, to *quiclink.Transport, edit func(*tls.Config)) (*quic.Conn, *quic.Stream, error) {
	t.Helper()
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	tr := &quic.Transport{Conn: udp}
	t.Cleanup(func() { tr.Close(); udp.Close() })
	_, client, conf, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	check(t, err)
	edit(client)
	addr, err := net.ResolveUDPAddr("udp", to.Addr())
	check(t, err)
	qc, err := tr.Dial(t.Context(), addr, client, conf)
	if err != nil {
		return nil, nil, err
	}
	ctl, err := qc.OpenStream()
	return qc, ctl, err
}

func frame(typ uint8, id uint64, h link.Header) []byte {
	f := link.Frame{Type: typ, ID: id, Header: h}
	return f.AppendTo(nil)
}

func hello(h link.Header) []byte { return frame(quiclink.FrameHello, 0, h) }

func rightHello() []byte { return hello(link.Header{Root: 1}) }

// TestNoCertificate: QUIC's Dial may succeed without a client certificate, as it does not wait for the answer; the stream must not.
func TestNoCertificate(t *testing.T) {
	leak.Check(t)
	to := listen(t, config(0, 2))
	_, ctl, err := bareTry(t, to, func(c *tls.Config) { c.GetClientCertificate = nil })
	if err == nil {
		ctl.Write(rightHello())
		_, err = ctl.Read(make([]byte, 1))
	}
	var refused *quic.TransportError
	if !errors.As(err, &refused) || !refused.Remote || !refused.ErrorCode.IsCryptoError() {
		t.Fatalf("got %v, want a refusal by TLS", err)
	}
}

func TestBadHello(t *testing.T) {
	for _, tc := range []struct {
		name  string
		hello []byte
		says  string
	}{
		{"rank of another", hello(link.Header{Root: 0}), "certificate is rank 1's"},
		{"for another", hello(link.Header{Root: 1, Tag: 1}), "hello is for rank 1"},
		{"no hello", frame(quiclink.FrameEager, 0, link.Header{Root: 1}), "in place of a hello"},
		{"no frame", bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 4), "magic"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			_, ctl := bareDial(t, listen(t, config(0, 2)), func(*tls.Config) {})
			_, err := ctl.Write(tc.hello)
			check(t, err)
			_, err = ctl.Read(make([]byte, 1))
			var app *quic.ApplicationError
			if !errors.As(err, &app) || !app.Remote || !strings.Contains(app.ErrorMessage, tc.says) {
				t.Fatalf("got %v, want a refusal that says %q", err, tc.says)
			}
		})
	}
}

// TestBadFrames: a peer that breaks the protocol is lost at once, by the reason, whatever it announced.
func TestBadFrames(t *testing.T) {
	eager := append(frame(quiclink.FrameEager, 0, link.Header{Size: link.EagerLimit}), make([]byte, link.EagerLimit)...)
	request := frame(quiclink.FrameRequest, 5, link.Header{Size: 1 << 20})
	block := func(id, size uint64, n int) []byte {
		return append(frame(quiclink.FrameBlock, id, link.Header{Size: size}), make([]byte, n)...)
	}
	for _, tc := range []struct {
		name   string
		frames []byte // on the control stream
		block  []byte // on a unidirectional stream, once message 5 has been asked for
		want   error
		says   string
	}{
		{name: "no frame", frames: bytes.Repeat([]byte{0xff}, 64), want: link.ErrFrame, says: "magic"},
		{name: "unknown type", frames: frame(quiclink.FrameBeyond, 0, link.Header{}), want: link.ErrFrame, says: "control stream"},
		{name: "second hello", frames: rightHello(), want: link.ErrFrame, says: "control stream"},
		{name: "eager too large", frames: frame(quiclink.FrameEager, 0, link.Header{Size: link.EagerLimit + 1}), want: link.ErrTooLarge},
		{name: "eager beyond credit", frames: bytes.Repeat(eager, 256), want: link.ErrFrame, says: "without credit"},
		{name: "announced too large", frames: frame(quiclink.FrameRequest, 1, link.Header{Size: math.MaxUint64}), want: link.ErrTooLarge},
		{name: "announced twice", frames: append(request, request...), want: link.ErrFrame, says: "after message 5"},
		{name: "false credit", frames: frame(quiclink.FrameCredit, 0, link.Header{Count: 1}), want: link.ErrFrame, says: "credit"},
		{name: "answer to no goodbye", frames: frame(quiclink.FrameByeAck, 0, link.Header{}), want: link.ErrFrame, says: "goodbye"},

		{name: "block too long", frames: request, block: block(5, 1<<20, 1<<20+1), want: link.ErrFrame, says: "longer"},
		{name: "block too short", frames: request, block: block(5, 1<<20, 1<<20-1), want: link.ErrFrame, says: "before"},
		{name: "block of another size", frames: request, block: block(5, 1<<20+1, 10), want: link.ErrFrame, says: "announced were"},
		{name: "no block", frames: request, block: request, want: link.ErrFrame, says: "block's stream"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			to := listen(t, config(0, 2))
			qc, ctl := bareDial(t, to, func(*tls.Config) {})
			_, err := ctl.Write(rightHello())
			check(t, err)
			_, err = io.ReadFull(ctl, make([]byte, link.HeaderSize))
			check(t, err)
			c, err := to.Accept(t.Context())
			check(t, err)
			go ctl.Write(tc.frames)
			if tc.block != nil {
				m, err := c.Recv(t.Context())
				check(t, err)
				reading := make(chan error, 1)
				go func() { reading <- m.ReadInto(t.Context(), make([]byte, m.Size)) }()
				_, err = io.ReadFull(ctl, make([]byte, link.HeaderSize)) // asked for
				check(t, err)
				s, err := qc.OpenUniStreamSync(t.Context())
				check(t, err)
				go func() {
					s.Write(tc.block)
					s.Close()
				}()
				if err := <-reading; !errors.Is(err, link.ErrPeerLost) {
					t.Errorf("ReadInto: got %v, want ErrPeerLost", err)
				}
			}
			for {
				_, err = c.Recv(t.Context())
				if err != nil {
					break
				}
			}
			if !errors.Is(err, link.ErrPeerLost) || !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Recv: got %v, want ErrPeerLost for %v that says %q", err, tc.want, tc.says)
			}
			var app *quic.ApplicationError
			if _, err := ctl.Read(make([]byte, 1)); !errors.As(err, &app) || !app.Remote {
				t.Errorf("the peer was told %v, want an application error", err)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
