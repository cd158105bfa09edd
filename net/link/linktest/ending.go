package linktest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/darray-go/darray/net/link"
)

// testLastMessages: what Send has accepted arrives, though Close follows at once, and the end comes after it.
func testLastMessages(t *testing.T, open Open) {
	a, b := pair(t, open)
	const n, size = 100, 3 << 20
	done := async(func() error {
		if err := send(t.Context(), a, 0, size); err != nil {
			return err
		}
		for i := range n {
			if err := send(t.Context(), a, i, i*100); err != nil {
				return err
			}
		}
		return a.Close()
	})
	check(t, recvRead(t.Context(), b, 0, size))
	check(t, <-done)
	for i := range n {
		check(t, recvRead(t.Context(), b, i, i*100))
	}
	for range 2 {
		_, err := b.Recv(t.Context())
		wantErr(t, "Recv after the peer's Close", err, link.ErrPeerLost)
		if want := "closed by rank 0"; !strings.Contains(err.Error(), want) {
			t.Fatalf("Recv: %q does not say %q", err, want)
		}
	}
}

// testCloseEndsOwn: Close ends what waits at this end, with ErrClosed.
func testCloseEndsOwn(t *testing.T, open Open) {
	a, b := pair(t, open)
	receiving := async(func() error { _, err := a.Recv(t.Context()); return err })
	sending := async(func() error { return send(t.Context(), a, 1, 1<<20) })
	_, err := recv(t.Context(), b, 1, 1<<20) // so Send is waiting
	check(t, err)
	check(t, a.Close())
	wantErr(t, "waiting Recv", <-receiving, link.ErrClosed)
	wantErr(t, "waiting Send", <-sending, link.ErrClosed)
	_, err = a.Recv(t.Context())
	wantErr(t, "Recv", err, link.ErrClosed)
	wantErr(t, "small Send", send(t.Context(), a, 1, 1), link.ErrClosed)
	wantErr(t, "large Send", send(t.Context(), a, 1, 1<<20), link.ErrClosed)
	check(t, a.Close())
}

// testCloseEndsPeer: Close at one end gives ErrPeerLost to whatever waits at the other.
func testCloseEndsPeer(t *testing.T, open Open) {
	a, b := pair(t, open)
	sending := async(func() error { return send(t.Context(), b, 1, 1<<20) })
	m, err := recv(t.Context(), a, 1, 1<<20)
	check(t, err)
	sendingBack := async(func() error { return send(t.Context(), a, 2, 1<<20) })
	unread, err := recv(t.Context(), b, 2, 1<<20)
	check(t, err)
	receiving := async(func() error { _, err := b.Recv(t.Context()); return err })

	check(t, a.Close())
	wantErr(t, "closer's waiting Send", <-sendingBack, link.ErrClosed)
	wantErr(t, "closer's ReadInto", m.ReadInto(t.Context(), make([]byte, 1<<20)), link.ErrClosed)
	wantErr(t, "peer's waiting Send", <-sending, link.ErrPeerLost)
	wantErr(t, "peer's waiting Recv", <-receiving, link.ErrPeerLost)
	wantErr(t, "peer's ReadInto", unread.ReadInto(t.Context(), make([]byte, 1<<20)), link.ErrPeerLost)
	wantErr(t, "peer's small Send", send(t.Context(), b, 1, 1), link.ErrPeerLost)
	wantErr(t, "peer's large Send", send(t.Context(), b, 1, 1<<20), link.ErrPeerLost)
	check(t, b.Close())
	_, err = b.Recv(t.Context())
	wantErr(t, "Recv after both closed", err, link.ErrClosed)
}

func testCloseBoth(t *testing.T, open Open) {
	a, b := pair(t, open)
	check(t, send(t.Context(), a, 1, 100))
	check(t, send(t.Context(), b, 1, 100))
	atA, atB := async(a.Close), async(b.Close)
	again := async(a.Close)
	check(t, errors.Join(<-atA, <-atB, <-again))
}

// testTransportClose: it ends Accept, Dial and every Conn, and nothing starts any more.
func testTransportClose(t *testing.T, open Open) {
	ts := start(t, open, 3)
	a, b := join(t, ts, 0, 1)
	accepting := async(func() error { _, err := ts[0].Accept(t.Context()); return err })
	receiving := async(func() error { _, err := b.Recv(t.Context()); return err })
	check(t, ts[0].Close())
	wantErr(t, "waiting Accept", <-accepting, link.ErrClosed)
	wantErr(t, "peer's waiting Recv", <-receiving, link.ErrPeerLost)
	wantErr(t, "own Conn", send(t.Context(), a, 1, 1), link.ErrClosed)
	_, err := ts[0].Accept(t.Context())
	wantErr(t, "Accept", err, link.ErrClosed)
	_, err = ts[0].Dial(t.Context(), 2, ts[2].Addr())
	wantErr(t, "Dial", err, link.ErrClosed)
	check(t, ts[0].Close())
	join(t, ts, 1, 2) // the others go on
}

// testMesh joins every pair of four ranks and passes a message along each edge, both ways.
func testMesh(t *testing.T, open Open) {
	const p = 4
	ts := start(t, open, p)
	for hi := range p {
		for lo := range hi {
			atLo, atHi := join(t, ts, lo, hi)
			exchange(t, atLo, atHi)
		}
	}
}

func testDial(t *testing.T, open Open) {
	ts := start(t, open, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := ts[1].Dial(ctx, 0, ts[0].Addr())
	wantErr(t, "Dial with an ended context", err, context.Canceled)
	_, err = ts[0].Accept(ctx)
	wantErr(t, "Accept with an ended context", err, context.Canceled)
	if _, err := ts[1].Dial(t.Context(), 2, ts[0].Addr()); err == nil {
		t.Fatal("dialing rank 2 at rank 0's address gave no error")
	}
	for _, peer := range []int{-1, 1, 3} { // below, itself, beyond the last
		if _, err := ts[1].Dial(t.Context(), peer, ts[0].Addr()); err == nil {
			t.Fatalf("rank 1 dialing rank %d gave no error", peer)
		}
	}
	if _, err := ts[1].Dial(t.Context(), 0, "no address"); err == nil {
		t.Fatal("dialing a bad address gave no error")
	}
	atLo, atHi := join(t, ts, 0, 1)
	exchange(t, atLo, atHi)
}

// testDialAgain: Conns of the same pair live side by side, and the end of one is not the end of another.
func testDialAgain(t *testing.T, open Open) {
	ts := start(t, open, 2)
	a1, b1 := join(t, ts, 0, 1)
	a2, b2 := join(t, ts, 0, 1)
	check(t, send(t.Context(), b2, 2, 100))
	exchange(t, a1, b1)
	check(t, recvRead(t.Context(), a2, 2, 100))
	check(t, a1.Close())
	_, err := b1.Recv(t.Context())
	wantErr(t, "Recv", err, link.ErrPeerLost)
	check(t, b1.Close())
	exchange(t, a2, b2)
	a3, b3 := join(t, ts, 0, 1)
	exchange(t, a3, b3)
	for i, c := range []link.Conn{a3, b3} {
		if s := c.Stats(); s.MessagesSent != 2 {
			t.Errorf("end %d counts %d messages, want the new Conn's 2", i, s.MessagesSent)
		}
	}
}
