package shmlink_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/link/linktest"
	"github.com/darray-go/darray/net/shmlink"
)

// keyed is a transport inside the process whose conns pretend to have a session with a key.
type keyed struct {
	link.Transport
	key string // empty: they have none
}

type keyedConn struct {
	link.Conn
	key string
}

func (c keyedConn) Export(label string, n int) ([]byte, error) {
	if c.key == "" {
		return nil, errors.New("no session")
	}
	return append([]byte(c.key+label), make([]byte, n)...)[:n], nil
}

func (t keyed) Dial(ctx context.Context, peer int, addr string) (link.Conn, error) {
	c, err := t.Transport.Dial(ctx, peer, addr)
	if err != nil {
		return nil, err
	}
	return keyedConn{c, t.key}, nil
}

func (t keyed) Accept(ctx context.Context) (link.Conn, error) {
	c, err := t.Transport.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return keyedConn{c, t.key}, nil
}

// TestLinkOverMem is TestLink with ends that look before they sleep, and no time spent on QUIC.
func TestLinkOverMem(t *testing.T) {
	linktest.Run(t, func(t *testing.T, p int) []link.Transport {
		ts := link.NewMem(p)
		for i := range ts {
			ts[i] = over(t, keyed{ts[i], "a key"}, shmlink.Config{Arena: 64 << 20, Spin: 20 * time.Microsecond})
		}
		return ts
	})
}

// TestStayInside: where the two do not fit, both keep the inner conn, know why, and it works.
func TestStayInside(t *testing.T) {
	const patience = 5 * time.Second // none of these waits
	for _, tc := range []struct {
		name   string
		lo, hi shmlink.Config
		keyLo  string
		change func(lo, hi link.Transport)
		want   string
	}{
		{name: "disabled at the accepter", lo: shmlink.Config{Disable: true}, want: "disabled"},
		{name: "disabled at the dialer", hi: shmlink.Config{Disable: true}, want: "disabled"},
		{name: "other key", keyLo: "another key", want: "peer"},
		{name: "no key", keyLo: "none", want: "no session"},
		{name: "other host", change: func(lo, _ link.Transport) { shmlink.Pretend(lo, "another boot", "") }, want: "another host"},
		{name: "other namespace", change: func(lo, _ link.Transport) { shmlink.Pretend(lo, "", "@darray-nobody") }, want: "connect to the peer's socket"},
		{name: "a socket of something else", change: func(lo, _ link.Transport) { shmlink.Pretend(lo, "", "/run/some.sock") }, want: "has not the name of one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			var mu sync.Mutex
			var logged []string
			note := func(_ int, why string) {
				mu.Lock()
				defer mu.Unlock()
				logged = append(logged, why)
			}
			keyLo := "a key"
			if tc.keyLo != "" {
				keyLo = strings.TrimPrefix(tc.keyLo, "none")
			}
			tc.lo.Log, tc.hi.Log = note, note
			tc.lo.Patience, tc.hi.Patience = patience, patience
			inner := link.NewMem(2)
			ts := []link.Transport{over(t, keyed{inner[0], keyLo}, tc.lo), over(t, keyed{inner[1], "a key"}, tc.hi)}
			if tc.change != nil {
				tc.change(ts[0], ts[1])
			}
			a, b := joined(t, ts)
			for _, c := range []link.Conn{a, b} {
				if c.Stats() != (link.Stats{Scheme: "mem"}) {
					t.Errorf("stats %+v of a new conn", c.Stats())
				}
				if !strings.Contains(reason(c), tc.want) {
					t.Errorf("reason %q does not say %q", reason(c), tc.want)
				}
			}
			mu.Lock()
			if len(logged) != 2 {
				t.Errorf("logged %q, want two", logged)
			}
			mu.Unlock()
			pass(t, a, b)
			pass(t, b, a)
		})
	}
}

func pass(t *testing.T, from, to link.Conn) {
	t.Helper()
	if err := from.Send(t.Context(), link.Header{Tag: 7}, link.Payload{Bufs: [][]byte{{1, 2}}}); err != nil {
		t.Fatal(err)
	}
	m, err := to.Recv(t.Context())
	if err != nil || m.Tag != 7 {
		t.Fatalf("got %+v, %v", m, err)
	}
	if err := m.ReadInto(t.Context(), make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
}

// TestSilentPeer: a peer that does not answer costs Patience, and the conn is the inner one.
func TestSilentPeer(t *testing.T) {
	leak.Check(t)
	inner := link.NewMem(2)
	ts := []link.Transport{inner[0], over(t, keyed{inner[1], "a key"}, shmlink.Config{Patience: 20 * time.Millisecond})}
	_, b := joined(t, ts)
	if !strings.Contains(reason(b), "no answer for 20ms") {
		t.Errorf("reason %q", reason(b))
	}
	ts = []link.Transport{over(t, keyed{inner[0], "a key"}, shmlink.Config{Patience: 20 * time.Millisecond}), inner[1]}
	a, _ := joined(t, ts)
	if !strings.Contains(reason(a), "no answer for 20ms") {
		t.Errorf("reason %q", reason(a))
	}
}

// TestStrangers: who has not the session's key gets nothing from the socket, and cannot keep others from it for long.
func TestStrangers(t *testing.T) {
	leak.Check(t)
	ts := overQUIC(t, 2, shmlink.Config{Patience: time.Second})
	var strangers []net.Conn
	for i := range shmlink.Strangers + 10 {
		c, err := net.Dial("unix", shmlink.SocketName(ts[0]))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			if _, err := c.Write(make([]byte, 64)); err != nil && i < shmlink.Strangers {
				t.Fatal(err)
			}
		}
		strangers = append(strangers, c)
	}
	for i, c := range strangers {
		if n, err := c.Read(make([]byte, 100)); n > 0 || err == nil {
			t.Fatalf("stranger %d got %d bytes, %v", i, n, err)
		} else if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
			t.Fatal(err)
		}
	}
	a, b := joined(t, ts)
	if a.Stats().Scheme != "shm" || b.Stats().Scheme != "shm" {
		t.Fatalf("reasons %q, %q", reason(a), reason(b))
	}
}
