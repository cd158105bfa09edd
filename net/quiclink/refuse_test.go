package quiclink_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// never is a time limit that no test reaches: what passes under it does not depend on time running out.
const never = time.Hour

func TestRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(cfg *quiclink.Config)
		peer int
		says string
	}{
		{"wrong token", func(cfg *quiclink.Config) { cfg.Token[0]++ }, 0, "tokens differ"},
		{"wrong job", func(cfg *quiclink.Config) { cfg.Job = "another job" }, 0, "another job"},
		{"rank of another address", func(*quiclink.Config) {}, 2, "another rank"},
		{"same rank", func(cfg *quiclink.Config) { cfg.Rank = 0 }, 0, "no such peer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			there, here := config(0, 3), config(1, 3)
			there.HandshakeTimeout, here.HandshakeTimeout = never, never
			tc.edit(&here)
			to := listen(t, there)
			_, err := listen(t, here).Dial(t.Context(), tc.peer, to.Addr())
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("got %v, want an error that says %q", err, tc.says)
			}
			if tc.name != "same rank" && !errors.Is(err, link.ErrRefused) {
				t.Fatalf("got %v, want ErrRefused", err)
			}
			atLo, atHi := joined(t, to, listen(t, config(1, 3))) // refusing one does not harm the next
			atLo.Close()
			atHi.Close()
		})
	}
}

func TestNobodyThere(t *testing.T) {
	leak.Check(t)
	gone := listen(t, config(0, 2))
	addr := gone.Addr()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := config(1, 2)
	cfg.HandshakeTimeout = 50 * time.Millisecond
	_, err := listen(t, cfg).Dial(t.Context(), 0, addr)
	if !errors.Is(err, link.ErrPeerLost) || !strings.Contains(err.Error(), "UDP") || !strings.Contains(err.Error(), addr) {
		t.Fatalf("got %v, want ErrPeerLost with the address and a word on UDP", err)
	}
}

func TestListenErrors(t *testing.T) {
	leak.Check(t)
	first := listen(t, config(0, 2))
	taken := config(1, 2)
	taken.Addr = first.Addr()
	_, err := quiclink.Listen(taken)
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), taken.Addr) || !strings.Contains(err.Error(), "port 0") {
		t.Errorf("port in use: got %v, want EADDRINUSE with the address and what to do", err)
	}
	for _, tc := range []struct {
		name string
		edit func(cfg *quiclink.Config)
		says string
	}{
		{"short token", func(cfg *quiclink.Config) { cfg.Token = cfg.Token[:15] }, "at least 16"},
		{"no job", func(cfg *quiclink.Config) { cfg.Job = "" }, "job"},
		{"negative rank", func(cfg *quiclink.Config) { cfg.Rank = -1 }, "rank -1 of 2"},
		{"rank too large", func(cfg *quiclink.Config) { cfg.Rank = 2 }, "rank 2 of 2"},
		{"no port", func(cfg *quiclink.Config) { cfg.Addr = "127.0.0.1" }, "host:port"},
		{"endless messages", func(cfg *quiclink.Config) { cfg.MaxMessage = 1 << 63 }, "MaxMessage"},
	} {
		cfg := config(0, 2)
		tc.edit(&cfg)
		if _, err := quiclink.Listen(cfg); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v, want an error that says %q", tc.name, err, tc.says)
		}
	}
}
