package linktest

import (
	"context"
	"errors"
	"testing"

	"github.com/darray-go/darray/net/link"
)

// testStart: what is small and has credit goes at once; the rest waits, and has its place among the others nevertheless.
func testStart(t *testing.T, open Open) {
	a, b := pair(t, open)
	begin := func(i, n int) (wait func(ctx context.Context) error) {
		wait, err := a.Start(header(i), link.Payload{Bufs: [][]byte{content(i, n)}})
		check(t, err)
		return wait
	}
	const large = link.EagerLimit + 1
	waits := []func(ctx context.Context) error{begin(0, large)}
	if waits[0] == nil {
		t.Fatal("a large message went without a receiver")
	}
	n := 1
	for ; n <= 1+link.EagerCredit/link.EagerLimit; n++ {
		if wait := begin(n, link.EagerLimit); wait != nil { // the credit is used up
			waits = append(waits, wait)
			break
		}
	}
	if len(waits) == 1 {
		t.Fatalf("%d messages of %d bytes went without a receiver; the credit is %d", n-1, link.EagerLimit, link.EagerCredit)
	}
	waits = append(waits, begin(n+1, large))
	var sent []<-chan error
	for _, wait := range waits {
		sent = append(sent, async(func() error { return wait(t.Context()) }))
	}
	check(t, recvRead(t.Context(), b, 0, large))
	for i := 1; i <= n; i++ {
		check(t, recvRead(t.Context(), b, i, link.EagerLimit))
	}
	check(t, recvRead(t.Context(), b, n+1, large))
	for _, s := range sent {
		check(t, <-s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wait := begin(1, large)
	wantErr(t, "the rest of a send with an ended context", wait(ctx), context.Canceled)
	exchangeAfterWithdrawn(t, a, b)
	check(t, a.Close())
	if wait, err := a.Start(header(1), link.Payload{}); wait != nil || !errors.Is(err, link.ErrClosed) {
		t.Fatalf("Start on a closed conn: %v; want ErrClosed", err)
	}
}

// exchangeAfterWithdrawn takes the withdrawn message, which its receiver may have heard of, and then uses the conn.
func exchangeAfterWithdrawn(t *testing.T, a, b link.Conn) {
	t.Helper()
	m, err := b.Recv(t.Context())
	check(t, err)
	m.Discard()
	exchange(t, a, b)
}

// testDivert: every message reaches either the taker or Recv, whole, in order in each, and what the taker does not want
// is left to Recv.
func testDivert(t *testing.T, open Open) {
	a, b := pair(t, open)
	const n = 300
	size := func(i int) int { return []int{0, 8, 5000, 40_000}[i%4] }
	sent := async(func() error {
		for i := range n {
			if err := send(t.Context(), a, i, size(i)); err != nil {
				return err
			}
		}
		return nil
	})
	check(t, recvRead(t.Context(), b, 0, size(0))) // some are queued by now, or on their way
	all := make(chan *link.Message, n)
	b.Divert(func(m *link.Message) bool {
		unwanted := m.Tag%3 == 0
		if !unwanted {
			all <- m
		}
		return !unwanted
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	received := async(func() error {
		for {
			m, err := b.Recv(ctx)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			all <- m
		}
	})
	seen := make(map[int]bool)
	lastLeft := 0
	for range n - 1 {
		m := <-all
		i := int(-m.Tag)
		if seen[i] {
			t.Fatalf("message %d came twice", i)
		}
		seen[i] = true
		if i%3 == 0 {
			if i < lastLeft {
				t.Fatalf("message %d came after message %d", i, lastLeft)
			}
			lastLeft = i
		}
		check(t, read(t.Context(), m, i, size(i)))
	}
	check(t, <-sent)
	stop()
	check(t, <-received)
	if got := b.Stats().MessagesRecvd; got != n {
		t.Fatalf("%d messages counted, want %d", got, n)
	}
}
