package shmlink_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/shmlink"
)

// TestFullRing: what the credit allows is sent at once though the peer does not run and the ring is full, and arrives in
// order when it does; a goodbye behind it too.
func TestFullRing(t *testing.T) {
	leak.Check(t)
	a, b := joined(t, overQUIC(t, 2, shmlink.Config{}))
	resume := shmlink.Stall(b)
	const n = link.EagerCredit / (link.EagerLimit + link.HeaderSize)
	for i := range n {
		wait, err := a.Start(link.Header{Seq: uint64(i)}, link.Payload{Bufs: [][]byte{make([]byte, link.EagerLimit-i%64)}})
		if wait != nil || err != nil {
			t.Fatalf("message %d waits, or %v", i, err)
		}
	}
	if got := shmlink.Spilled(a); got < link.EagerCredit-2*shmlink.RingSize {
		t.Fatalf("%d bytes wait for room; the test shows nothing", got)
	}
	closed := make(chan error, 1)
	go func() { closed <- a.Close() }()
	resume()
	for i := range n {
		m, err := b.Recv(t.Context())
		if err != nil || m.Seq != uint64(i) {
			t.Fatalf("message %d: got %v, %v", i, m, err)
		}
		if err := m.ReadInto(t.Context(), make([]byte, link.EagerLimit-i%64)); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	if _, err := b.Recv(t.Context()); !errors.Is(err, link.ErrPeerLost) {
		t.Fatalf("got %v, want ErrPeerLost", err)
	}
}

// TestWakeUps has one message at a time pass while the receiver goes to sleep in every possible moment: a lost wake-up
// would end the test in a deadlock.
func TestWakeUps(t *testing.T) {
	leak.Check(t)
	a, b := joined(t, overQUIC(t, 2, shmlink.Config{Spin: 2 * time.Microsecond}))
	const n = 20_000
	got := make(chan struct{}, 1)
	b.Divert(func(m *link.Message) bool {
		got <- struct{}{}
		return true
	})
	poll := b.(link.Poller)
	for i := range n {
		sent := make(chan error, 1)
		go func() { sent <- a.Send(t.Context(), link.Header{}, link.Payload{}) }()
		for range i % 5 {
			poll.Poll()
			if i%2 == 0 {
				runtime.Gosched()
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		<-got
	}
}

// TestChangedWhileRead: what a sender lends and then changes, since its Send is over, never counts as read; not where the
// word of that found no room in the ring either, nor where the sender has given the receiver up.
func TestChangedWhileRead(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(a link.Conn, cancel func())
		want error
	}{
		{"withdrawn", func(_ link.Conn, cancel func()) { cancel() }, link.ErrWithdrawn},
		{"given up", func(a link.Conn, _ func()) { a.(link.Dropper).Drop() }, link.ErrPeerLost},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			ts := overQUIC(t, 2, shmlink.Config{})
			a, b := joined(t, ts)
			const size = 1 << 20
			lent := ts[0].(link.Allocator).Alloc(size)
			t.Cleanup(func() { ts[0].(link.Allocator).Free(lent) })
			if lent == nil {
				t.Fatal("no memory to lend")
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			sent := make(chan error, 1)
			go func() { sent <- a.Send(ctx, link.Header{Seq: 7}, link.Payload{Bufs: [][]byte{lent}}) }()
			m, err := b.Recv(t.Context())
			if err != nil || m.Seq != 7 {
				t.Fatalf("got %v, %v", m, err)
			}
			look := shmlink.Stall(b)
			for shmlink.Spilled(a) == 0 {
				if wait, err := a.Start(link.Header{}, link.Payload{Bufs: [][]byte{make([]byte, link.EagerLimit)}}); wait != nil || err != nil {
					t.Fatalf("a message waits, or %v", err)
				}
			}
			over := make(chan struct{})
			go func() {
				defer close(over)
				tc.end(a, cancel)
			}()
			if err := <-sent; err == nil {
				t.Fatal("the Send that was ended reports no error")
			}
			speak := shmlink.Silence(a)
			lent[0], lent[size-1] = 1, 1
			got := make([]byte, size)
			read := make(chan error, 1)
			go func() { read <- m.ReadInto(t.Context(), got) }()
			look()
			select {
			case err = <-read:
				speak()
			case <-time.After(100 * time.Millisecond): // it waits for what the sender has still to say
				speak()
				err = <-read
			}
			if !errors.Is(err, tc.want) {
				t.Errorf("the read ended with %v, want %v; bytes %d and %d came, 0 and 0 were sent", err, tc.want, got[0], got[size-1])
			}
			<-over
		})
	}
}
