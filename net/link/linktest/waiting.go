package linktest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/net/link"
)

// testBothWays: both ends send large blocks, neither reads before all headers are here, then both read.
func testBothWays(t *testing.T, open Open) {
	a, b := pair(t, open)
	const n, size = 2, 5 << 20
	ends := []link.Conn{a, b}
	var sent, done []<-chan error
	for _, c := range ends {
		for range n {
			sent = append(sent, async(func() error { return send(t.Context(), c, 5, size) }))
		}
	}
	unread := make([][]*link.Message, 2)
	for k, c := range ends {
		for range n {
			m, err := recv(t.Context(), c, 5, size)
			check(t, err)
			unread[k] = append(unread[k], m)
		}
	}
	for k := range ends {
		done = append(done, async(func() error {
			for _, m := range unread[k] {
				if err := read(t.Context(), m, 5, size); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for _, d := range append(sent, done...) {
		check(t, <-d)
	}
}

// testCredit sends eager messages that nobody reads: exactly EagerCredit of them do not wait, the header of the next
// comes all the same, and reading lets the rest go on.
func testCredit(t *testing.T, open Open) {
	a, b := pair(t, open)
	const free = link.EagerCredit / (link.EagerLimit + link.HeaderSize)
	const n = free + 10
	for range 2 { // twice: the credit recovers
		var returned atomic.Int64
		sent := async(func() error {
			for i := range n {
				if err := send(t.Context(), a, i, link.EagerLimit); err != nil {
					return err
				}
				returned.Add(1)
			}
			return nil
		})
		var unread []*link.Message
		for i := range free + 1 {
			m, err := recv(t.Context(), b, i, link.EagerLimit)
			check(t, err)
			unread = append(unread, m)
		}
		if got := returned.Load(); got != free {
			t.Fatalf("%d sends returned with nothing read, want %d", got, free)
		}
		for i := free; i >= 0; i-- { // the last first: it is the one that waits
			check(t, read(t.Context(), unread[i], i, link.EagerLimit))
		}
		for i := free + 1; i < n; i++ {
			check(t, recvRead(t.Context(), b, i, link.EagerLimit))
		}
		check(t, <-sent)
		if err := settle(t.Context(), a, b); err != nil {
			t.Fatal(err)
		}
	}
}

// settle passes one message back and forth, so that a has heard of all that b has read.
func settle(ctx context.Context, a, b link.Conn) error {
	for _, way := range []struct{ from, to link.Conn }{{b, a}, {a, b}} {
		sent := async(func() error { return send(ctx, way.from, 0, 0) })
		if err := errors.Join(recvRead(ctx, way.to, 0, 0), <-sent); err != nil {
			return err
		}
	}
	return nil
}

// testUnreadLarge is the deadlock rule: large messages that nobody reads keep nothing else from passing.
func testUnreadLarge(t *testing.T, open Open) {
	a, b := pair(t, open)
	const n, size = 20, 1 << 20 // more than the windows that links start with
	var sent []<-chan error
	for range n {
		sent = append(sent, async(func() error { return send(t.Context(), a, 9, size) }))
	}
	var unread []*link.Message
	for range n {
		m, err := recv(t.Context(), b, 9, size)
		check(t, err)
		unread = append(unread, m)
	}
	exchange(t, a, b)
	for i := n - 1; i >= 0; i-- { // the last first
		check(t, read(t.Context(), unread[i], 9, size))
	}
	for _, s := range sent {
		check(t, <-s)
	}
}

func testCancelRecv(t *testing.T, open Open) {
	a, b := pair(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	entered := make(chan struct{})
	done := async(func() error {
		close(entered)
		_, err := b.Recv(ctx)
		return err
	})
	<-entered
	cancel()
	wantErr(t, "Recv", <-done, context.Canceled)
	_, err := b.Recv(ctx)
	wantErr(t, "Recv with an ended context", err, context.Canceled)
	exchange(t, a, b)
}

func testCancelSend(t *testing.T, open Open) {
	a, b := pair(t, open)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		sent := async(func() error { return send(ctx, a, 1, 1<<20) })
		m, err := recv(t.Context(), b, 1, 1<<20)
		check(t, err)
		cancel()
		wantErr(t, "Send", <-sent, context.Canceled)
		wantErr(t, "ReadInto", m.ReadInto(t.Context(), make([]byte, 1<<20)), link.ErrWithdrawn)
		wantErr(t, "Send with an ended context", send(ctx, a, 1, 10), context.Canceled)
		exchange(t, a, b)

		ctx, cancel = context.WithCancel(t.Context())
		sent = async(func() error { return send(ctx, a, 1, 1<<20) })
		m, err = recv(t.Context(), b, 1, 1<<20)
		check(t, err)
		cancel()
		wantErr(t, "Send", <-sent, context.Canceled)
		exchange(t, a, b) // the word is here
		if m.Discard() {
			t.Fatal("Discard of a withdrawn message gave true")
		}
	}
}

// testCancelSendHalfWay withdraws a block while it is being read: it arrives whole or not at all, and the ends agree.
func testCancelSendHalfWay(t *testing.T, open Open) {
	a, b := pair(t, open)
	const size = 12 << 20
	ctx, cancel := context.WithCancel(t.Context())
	sent := async(func() error { return send(ctx, a, 1, size) })
	m, err := recv(t.Context(), b, 1, size)
	check(t, err)
	got := make([]byte, size)
	done := async(func() error { return m.ReadInto(t.Context(), got) })
	meanwhile(t, a, b)
	cancel()
	sendErr, readErr := <-sent, <-done
	if sendErr != nil {
		wantErr(t, "Send", sendErr, context.Canceled)
	}
	switch {
	case readErr == nil:
		check(t, same(got, content(1, size)))
	case sendErr == nil:
		t.Fatalf("Send gave no error, ReadInto gave %v", readErr)
	default:
		wantErr(t, "ReadInto", readErr, link.ErrWithdrawn)
	}
	exchange(t, a, b)
}

// testCancelRead: a receiver that gives up is as one that discards.
func testCancelRead(t *testing.T, open Open) {
	a, b := pair(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		sent := async(func() error { return send(t.Context(), a, 1, 1<<20) })
		m, err := recv(t.Context(), b, 1, 1<<20)
		check(t, err)
		wantErr(t, "ReadInto", m.ReadInto(ctx, make([]byte, 1<<20)), context.Canceled)
		check(t, <-sent)
		exchange(t, a, b)
	}
}

// meanwhile passes a block beside the one that is on its way, so that some of that has come too.
func meanwhile(t *testing.T, a, b link.Conn) {
	t.Helper()
	sent := async(func() error { return send(t.Context(), a, 3, 1<<20) })
	check(t, errors.Join(recvRead(t.Context(), b, 3, 1<<20), <-sent))
}

func testCancelReadHalfWay(t *testing.T, open Open) {
	a, b := pair(t, open)
	const size = 12 << 20
	ctx, cancel := context.WithCancel(t.Context())
	sent := async(func() error { return send(t.Context(), a, 1, size) })
	m, err := recv(t.Context(), b, 1, size)
	check(t, err)
	got := make([]byte, size)
	done := async(func() error { return m.ReadInto(ctx, got) })
	meanwhile(t, a, b)
	cancel()
	if err := <-done; err == nil {
		check(t, same(got, content(1, size)))
	} else {
		wantErr(t, "ReadInto", err, context.Canceled)
	}
	check(t, <-sent)
	exchange(t, a, b)
}
