package quiclink_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/link/linktest"
	"github.com/darray-go/darray/net/quiclink"
)

func config(rank, size int) quiclink.Config {
	return quiclink.Config{Rank: rank, Size: size, Job: "a job", Token: []byte("0123456789abcdef0123456789abcdef")}
}

func listen(t *testing.T, cfg quiclink.Config) *quiclink.Transport {
	t.Helper()
	tr, err := quiclink.Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // a test may have taken the socket away
			t.Errorf("close: %v", err)
		}
	})
	return tr
}

// joined dials from rank 1 to rank 0.
func joined(t *testing.T, lo, hi *quiclink.Transport) (atLo, atHi link.Conn) {
	t.Helper()
	atHi, err := hi.Dial(t.Context(), 0, lo.Addr())
	if err != nil {
		t.Fatal(err)
	}
	atLo, err = lo.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return atLo, atHi
}

func TestLink(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			linktest.Run(t, func(t *testing.T, p int) []link.Transport {
				ts := make([]link.Transport, p)
				for i := range ts {
					cfg := config(i, p)
					mode.edit(&cfg)
					ts[i] = listen(t, cfg)
				}
				return ts
			})
		})
	}
}

// modes are the ways that blocks may go.
var modes = []struct {
	name string
	edit func(*quiclink.Config)
}{
	{"streams", func(*quiclink.Config) {}},
	{"tcp", func(cfg *quiclink.Config) { cfg.Bulk = quiclink.BulkTCP }},
	{"quic2", func(cfg *quiclink.Config) { cfg.Lanes = 2 }},
}

func TestLargeBlock(t *testing.T) {
	leak.Check(t)
	a, b := joined(t, listen(t, config(0, 2)), listen(t, config(1, 2)))
	want := make([]byte, largeBlock)
	rand.NewChaCha8([32]byte{7}).Read(want)
	sent := make(chan error, 1)
	go func() {
		sent <- a.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{want[:1000], want[1000:]}})
	}()
	m, err := b.Recv(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if err := errors.Join(m.ReadInto(t.Context(), got), <-sent); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes came changed", len(want))
	}
}

// TestPeerKilled takes a peer's socket away, as SIGKILL does: all that waits at the other end ends after IdleTimeout.
func TestPeerKilled(t *testing.T) {
	leak.Check(t)
	cfg := config(0, 2)
	cfg.IdleTimeout, cfg.KeepAlive = 200*time.Millisecond, 50*time.Millisecond
	lo, hi := listen(t, cfg), listen(t, config(1, 2))
	a, b := joined(t, lo, hi)

	sending := make(chan error, 1)
	go func() {
		sending <- a.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{make([]byte, 1<<20)}})
	}()
	if _, err := b.Recv(t.Context()); err != nil {
		t.Fatal(err)
	}
	go b.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{make([]byte, 1<<20)}})
	m, err := a.Recv(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	quiclink.Kill(hi)
	_, recvErr := a.Recv(t.Context())
	for _, got := range []struct {
		doing string
		err   error
	}{
		{"Recv", recvErr},
		{"waiting Send", <-sending},
		{"ReadInto", m.ReadInto(t.Context(), make([]byte, 1<<20))},
		{"Send", a.Send(t.Context(), link.Header{}, link.Payload{})},
	} {
		if !errors.Is(got.err, link.ErrPeerLost) || !strings.Contains(got.err.Error(), "silent for 200ms") {
			t.Errorf("%s: got %v, want ErrPeerLost after 200ms of silence", got.doing, got.err)
		}
	}
}

// TestCloseToDeadPeer: nobody answers the goodbye, and Close ends all the same.
func TestCloseToDeadPeer(t *testing.T) {
	leak.Check(t)
	for _, tc := range []struct {
		name  string
		limit time.Duration
		sends int
	}{
		{"undelivered", 50 * time.Millisecond, 1},
		{"nothing to deliver", never, 0}, // a second, whatever the limit
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := config(0, 2)
			cfg.IdleTimeout, cfg.CloseTimeout = never, tc.limit
			lo, hi := listen(t, cfg), listen(t, config(1, 2))
			a, _ := joined(t, lo, hi)
			quiclink.Kill(hi)
			for range tc.sends {
				check(t, a.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{{1}}}))
			}
			check(t, a.Close())
		})
	}
}
