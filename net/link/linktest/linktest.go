// Package linktest is the conformance suite of net/link: what holds for one transport holds for all.
//
//	func TestLink(t *testing.T) { linktest.Run(t, openTransports) }
package linktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// Open makes the transports of p ranks, rank i at index i. The suite closes them.
type Open func(t *testing.T, p int) []link.Transport

// Run holds the transports that open makes against everything that link.Transport, link.Conn and link.Message promise.
func Run(t *testing.T, open Open) {
	for _, tc := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"Sizes", testSizes},
		{"Order", testOrder},
		{"ManyBuffers", testManyBuffers},
		{"Reference", testReference},
		{"WrongLength", testWrongLength},
		{"Discard", testDiscard},
		{"Senders", testSenders},
		{"Stats", testStats},
		{"Start", testStart},
		{"Divert", testDivert},
		{"Allocator", testAllocator},
		{"View", testView},

		{"BothWays", testBothWays},
		{"Credit", testCredit},
		{"UnreadLarge", testUnreadLarge},

		{"CancelRecv", testCancelRecv},
		{"CancelSend", testCancelSend},
		{"CancelSendHalfWay", testCancelSendHalfWay},
		{"CancelRead", testCancelRead},
		{"CancelReadHalfWay", testCancelReadHalfWay},

		{"LastMessages", testLastMessages},
		{"CloseEndsOwn", testCloseEndsOwn},
		{"CloseEndsPeer", testCloseEndsPeer},
		{"CloseBoth", testCloseBoth},
		{"TransportClose", testTransportClose},

		{"Mesh", testMesh},
		{"Dial", testDial},
		{"DialAgain", testDialAgain},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			tc.test(t, open)
		})
	}
}

// start opens p transports and closes them at the end of the test.
func start(t *testing.T, open Open, p int) []link.Transport {
	t.Helper()
	ts := open(t, p)
	if len(ts) != p {
		t.Fatalf("open made %d transports, want %d", len(ts), p)
	}
	t.Cleanup(func() {
		for _, tr := range ts {
			if err := tr.Close(); err != nil {
				t.Errorf("close transport: %v", err)
			}
		}
	})
	return ts
}

// pair opens two ranks and joins them: a is rank 0's end, b is rank 1's.
func pair(t *testing.T, open Open) (a, b link.Conn) {
	t.Helper()
	ts := start(t, open, 2)
	return join(t, ts, 0, 1)
}

// join dials from rank hi to rank lo and returns lo's end and hi's.
func join(t *testing.T, ts []link.Transport, lo, hi int) (atLo, atHi link.Conn) {
	t.Helper()
	dialed := async(func() (err error) {
		atHi, err = ts[hi].Dial(t.Context(), lo, ts[lo].Addr())
		return err
	})
	atLo, err := ts[lo].Accept(t.Context())
	if err := errors.Join(err, <-dialed); err != nil {
		t.Fatalf("join ranks %d and %d: %v", lo, hi, err)
	}
	if atLo.Peer() != hi || atHi.Peer() != lo {
		t.Fatalf("peers are %d and %d, want %d and %d", atLo.Peer(), atHi.Peer(), hi, lo)
	}
	if atLo.PeerAddr() != ts[hi].Addr() || atHi.PeerAddr() != ts[lo].Addr() {
		t.Fatalf("peers are at %s and %s, want %s and %s", atLo.PeerAddr(), atHi.PeerAddr(), ts[hi].Addr(), ts[lo].Addr())
	}
	return atLo, atHi
}

// async runs f and gives its error.
func async(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// header is a different envelope for each i, with every field set.
func header(i int) link.Header {
	n := uint64(i)
	return link.Header{
		Kind: uint8(i) | 1, Op: uint8(i >> 1), DType: uint8(i >> 2), Flags: ^uint8(i),
		Context: uint32(i) * 0x01010101, Tag: int32(-i), Root: int32(i * 3),
		Seq: n << 33, Count: n * n, Aux: ^n,
	}
}

// content is n bytes that depend on i: random ones, repeated with a prime period so that no cut of the link's fits it.
func content(i, n int) []byte {
	const period = 65521
	seed := [32]byte{byte(i), byte(i >> 8), byte(n)}
	b := make([]byte, n)
	filled, _ := rand.NewChaCha8(seed).Read(b[:min(n, period)]) // it never errs
	for filled < n {
		filled += copy(b[filled:], b[:filled])
	}
	return b
}

// send delivers message i with n bytes of content.
func send(ctx context.Context, c link.Conn, i, n int) error {
	if err := c.Send(ctx, header(i), link.Payload{Bufs: [][]byte{content(i, n)}}); err != nil {
		return fmt.Errorf("message %d of %d bytes: %w", i, n, err)
	}
	return nil
}

// recv receives message i and checks its header.
func recv(ctx context.Context, c link.Conn, i, n int) (*link.Message, error) {
	m, err := c.Recv(ctx)
	if err != nil {
		return nil, fmt.Errorf("message %d of %d bytes: %w", i, n, err)
	}
	want := header(i)
	want.Size = uint64(n)
	if m.Header != want {
		return nil, fmt.Errorf("message %d has header\n     %+v\nwant %+v", i, m.Header, want)
	}
	return m, nil
}

// read reads message i, whose header recv has checked, and checks its content.
func read(ctx context.Context, m *link.Message, i, n int) error {
	got := make([]byte, n)
	if err := m.ReadInto(ctx, got); err != nil {
		return fmt.Errorf("message %d of %d bytes: %w", i, n, err)
	}
	return same(got, content(i, n))
}

func recvRead(ctx context.Context, c link.Conn, i, n int) error {
	m, err := recv(ctx, c, i, n)
	if err != nil {
		return err
	}
	return read(ctx, m, i, n)
}

// exchange passes a small and a large message each way: the Conn is in order.
func exchange(t *testing.T, a, b link.Conn) {
	t.Helper()
	ctx := t.Context()
	for _, way := range []struct{ from, to link.Conn }{{a, b}, {b, a}} {
		sent := async(func() error {
			return errors.Join(send(ctx, way.from, 1, 100), send(ctx, way.from, 2, 3*link.EagerLimit))
		})
		err := errors.Join(recvRead(ctx, way.to, 1, 100), recvRead(ctx, way.to, 2, 3*link.EagerLimit))
		if err := errors.Join(err, <-sent); err != nil {
			t.Fatalf("exchange from rank %d to rank %d: %v", way.to.Peer(), way.from.Peer(), err)
		}
	}
}

func same(got, want []byte) error {
	if bytes.Equal(got, want) {
		return nil
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d bytes, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("byte %d of %d is %#x, want %#x", i, len(got), got[i], want[i])
		}
	}
	return nil
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, doing string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: got %v, want %v", doing, err, want)
	}
}
