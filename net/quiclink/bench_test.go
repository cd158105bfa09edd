package quiclink_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/quic-go/quic-go"

	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// BenchmarkBlock moves blocks one way, each acknowledged by an empty message, over this package and over a bare
// quic-go stream with the same TLS and windows, on a plain socket and on this package's. All read into the same memory each
// time. With -count the three alternate.
func BenchmarkBlock(b *testing.B) {
	for _, size := range []int{64 << 10, 1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("%dKiB/quiclink", size>>10), func(b *testing.B) { benchLink(b, size) })
		b.Run(fmt.Sprintf("%dKiB/bare", size>>10), func(b *testing.B) {
			benchBare(b, size, func(udp *net.UDPConn) net.PacketConn { return udp })
		})
		b.Run(fmt.Sprintf("%dKiB/bareGRO", size>>10), func(b *testing.B) { benchBare(b, size, quiclink.PacketConn) })
	}
}

// BenchmarkRoundTrip passes 8 bytes there and back.
func BenchmarkRoundTrip(b *testing.B) { benchLinkPing(b) }

func benchPair(b *testing.B) (from, to link.Conn) {
	b.Helper()
	var ts [2]*quiclink.Transport
	for i := range ts {
		tr, err := quiclink.Listen(config(i, 2))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { tr.Close() })
		ts[i] = tr
	}
	from, err := ts[1].Dial(b.Context(), 0, ts[0].Addr())
	if err != nil {
		b.Fatal(err)
	}
	to, err = ts[0].Accept(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return from, to
}

func benchLink(b *testing.B, size int) {
	from, to := benchPair(b)
	block, dst := make([]byte, size), make([]byte, size)
	round := func() {
		sent := make(chan error, 1)
		go func() { sent <- from.Send(b.Context(), link.Header{}, link.Payload{Bufs: [][]byte{block}}) }()
		must(b, receive(b.Context(), to, dst))
		must(b, <-sent)
		must(b, to.Send(b.Context(), link.Header{}, link.Payload{}))
		must(b, receive(b.Context(), from, nil))
	}
	round() // warm: windows and congestion control have grown
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
}

func benchLinkPing(b *testing.B) {
	from, to := benchPair(b)
	word := make([]byte, 8)
	go func() {
		echo := make([]byte, 8)
		for receive(b.Context(), to, echo) == nil {
			if to.Send(b.Context(), link.Header{}, link.Payload{Bufs: [][]byte{echo}}) != nil {
				return
			}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		must(b, from.Send(b.Context(), link.Header{}, link.Payload{Bufs: [][]byte{word}}))
		must(b, receive(b.Context(), from, word))
	}
}

func receive(ctx context.Context, c link.Conn, dst []byte) error {
	m, err := c.Recv(ctx)
	if err != nil {
		return err
	}
	return m.ReadInto(ctx, dst)
}

// benchBare is the least that quic-go needs: one stream a block, its length in front, one byte back.
func benchBare(b *testing.B, size int, wrap func(*net.UDPConn) net.PacketConn) {
	from, to := barePair(b, wrap)
	back, err := to.OpenStreamSync(b.Context())
	must(b, err)
	_, err = back.Write([]byte{0})
	must(b, err)
	ack, err := from.AcceptStream(b.Context())
	must(b, err)
	one := make([]byte, 1)
	_, err = io.ReadFull(ack, one)
	must(b, err)

	block, dst := make([]byte, size), make([]byte, size)
	head := make([]byte, 8)
	round := func() {
		sent := make(chan error, 1)
		go func() { sent <- bareSend(b.Context(), from, block) }()
		s, err := to.AcceptUniStream(b.Context())
		must(b, err)
		_, err = io.ReadFull(s, head)
		must(b, err)
		_, err = io.ReadFull(s, dst[:binary.LittleEndian.Uint64(head)])
		must(b, err)
		if _, err = s.Read(one); err != io.EOF { // else the stream would stay open and count against the limit
			b.Fatalf("got %v, want the end of the stream", err)
		}
		must(b, <-sent)
		_, err = back.Write(one)
		must(b, err)
		_, err = io.ReadFull(ack, one)
		must(b, err)
	}
	round()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
}

func bareSend(ctx context.Context, c *quic.Conn, block []byte) error {
	s, err := c.OpenUniStreamSync(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(block)))); err != nil {
		return err
	}
	if _, err := s.Write(block); err != nil {
		return err
	}
	return s.Close()
}

func barePair(b *testing.B, wrap func(*net.UDPConn) net.PacketConn) (from, to *quic.Conn) {
	b.Helper()
	var ts [2]*quic.Transport
	for i := range ts {
		udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		must(b, err)
		ts[i] = &quic.Transport{Conn: wrap(udp)}
		b.Cleanup(func() { ts[i].Close(); udp.Close() })
	}
	server, client, conf, err := quiclink.BareConfig(config(0, 2), config(1, 2))
	must(b, err)
	ln, err := ts[0].Listen(server, conf)
	must(b, err)
	from, err = ts[1].Dial(b.Context(), ts[0].Conn.LocalAddr(), client, conf)
	must(b, err)
	to, err = ln.Accept(b.Context())
	must(b, err)
	return from, to
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkBurst sends messages of 64 bytes, a hundred an operation, and waits for an answer to the last.
func BenchmarkBurst(b *testing.B) {
	from, to := benchPair(b)
	const n = 100
	word := make([]byte, 64)
	go func() {
		into := make([]byte, 64)
		for i := 1; receive(b.Context(), to, into) == nil; i++ {
			if i%n == 0 && to.Send(b.Context(), link.Header{}, link.Payload{}) != nil {
				return
			}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		for range n {
			must(b, from.Send(b.Context(), link.Header{}, link.Payload{Bufs: [][]byte{word}}))
		}
		must(b, receive(b.Context(), from, nil))
	}
}
