package link_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// faulty joins two mem ranks, the first of which suffers from plan.
func faulty(t *testing.T, plan link.Plan) (bad, good link.Conn) {
	t.Helper()
	ts := link.NewMem(2)
	t.Cleanup(func() { ts[0].Close(); ts[1].Close() })
	bad, err := link.NewFault(ts[0], plan).Dial(t.Context(), 1, ts[1].Addr())
	if err != nil {
		t.Fatal(err)
	}
	good, err = ts[1].Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return bad, good
}

func payload(s string) link.Payload { return link.Payload{Bufs: [][]byte{[]byte(s)}, Ref: s} }

func text(t *testing.T, c link.Conn) string {
	t.Helper()
	m, err := c.Recv(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, m.Size)
	if err := m.ReadInto(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFaultErr(t *testing.T) {
	leak.Check(t)
	broken := errors.New("broken")
	bad, good := faulty(t, link.Plan{
		Send: func(peer, n int, h link.Header) link.Fault {
			if peer == 1 && n == 2 && h.Tag == 20 {
				return link.Fault{Err: broken}
			}
			return link.Fault{}
		},
		Recv: func(_, n int, _ link.Header) link.Fault {
			if n == 1 {
				return link.Fault{Err: broken}
			}
			return link.Fault{}
		},
	})
	for i, want := range []error{nil, broken, nil} {
		err := bad.Send(t.Context(), link.Header{Tag: int32(10 * (i + 1))}, payload(fmt.Sprint(i)))
		if !errors.Is(err, want) {
			t.Errorf("send %d: got %v, want %v", i, err, want)
		}
	}
	if a, b := text(t, good), text(t, good); a != "0" || b != "2" {
		t.Errorf("got %q and %q, want the first and the third", a, b)
	}
	for range 2 {
		if err := good.Send(t.Context(), link.Header{}, payload("back")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bad.Recv(t.Context()); !errors.Is(err, broken) {
		t.Errorf("first Recv: got %v, want %v", err, broken)
	}
	if got := text(t, bad); got != "back" {
		t.Errorf("second Recv: got %q", got)
	}
}

func TestFaultCut(t *testing.T) {
	leak.Check(t)
	bad, good := faulty(t, link.Plan{Send: func(_, n int, _ link.Header) link.Fault { return link.Fault{Cut: n == 2} }})
	if err := bad.Send(t.Context(), link.Header{}, payload("last")); err != nil {
		t.Fatal(err)
	}
	if err := bad.Send(t.Context(), link.Header{}, payload("never")); !errors.Is(err, link.ErrPeerLost) {
		t.Errorf("the cut message: got %v, want ErrPeerLost", err)
	}
	if got := text(t, good); got != "last" {
		t.Errorf("got %q before the cut, want %q", got, "last")
	}
	if _, err := good.Recv(t.Context()); !errors.Is(err, link.ErrPeerLost) {
		t.Errorf("after the cut: got %v, want ErrPeerLost", err)
	}
}

func TestFaultShort(t *testing.T) {
	leak.Check(t)
	bad, good := faulty(t, link.Plan{Send: func(_, n int, _ link.Header) link.Fault { return link.Fault{Short: 2 * n} }})
	for _, want := range []string{"abcd", "ab", "", ""} {
		p := link.Payload{Bufs: [][]byte{[]byte("abc"), nil, []byte("def")}, Ref: "abcdef"}
		if err := bad.Send(t.Context(), link.Header{}, p); err != nil {
			t.Fatal(err)
		}
		if got := text(t, good); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFaultGate(t *testing.T) {
	leak.Check(t)
	gate := make(chan struct{})
	bad, good := faulty(t, link.Plan{Send: func(int, int, link.Header) link.Fault { return link.Fault{Gate: gate} }})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sent := make(chan error)
	go func() { sent <- bad.Send(t.Context(), link.Header{}, payload("held")) }()
	if _, err := good.Recv(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("before the gate opens: got %v", err)
	}
	gate <- struct{}{}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if got := text(t, good); got != "held" {
		t.Errorf("got %q, want %q", got, "held")
	}
	go func() { sent <- bad.Send(ctx, link.Header{}, payload("given up")) }()
	if err := <-sent; !errors.Is(err, context.Canceled) {
		t.Errorf("at a closed gate: got %v, want Canceled", err)
	}
}

func TestFaultDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad, good := faulty(t, link.Plan{Send: func(int, int, link.Header) link.Fault { return link.Fault{Delay: time.Minute} }})
		start := time.Now()
		if err := bad.Send(t.Context(), link.Header{}, payload("late")); err != nil {
			t.Fatal(err)
		}
		if got := text(t, good); got != "late" {
			t.Errorf("got %q", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := bad.Send(ctx, link.Header{}, payload("too late")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want DeadlineExceeded", err)
		}
		if got, want := time.Since(start), time.Minute+time.Second; got != want {
			t.Errorf("took %v, want %v", got, want)
		}
	})
}
