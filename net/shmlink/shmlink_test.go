package shmlink_test

import (
	"errors"
	"net"
	"testing"

	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/link/linktest"
	"github.com/darray-go/darray/net/quiclink"
	"github.com/darray-go/darray/net/shmlink"
)

func config(rank, size int) quiclink.Config {
	return quiclink.Config{Rank: rank, Size: size, Job: "a job", Token: []byte("0123456789abcdef0123456789abcdef")}
}

// overQUIC makes p transports of this package over QUIC on the loopback interface.
func overQUIC(t testing.TB, p int, cfg shmlink.Config) []link.Transport {
	t.Helper()
	ts := make([]link.Transport, p)
	for i := range ts {
		inner, err := quiclink.Listen(config(i, p))
		if err != nil {
			t.Fatal(err)
		}
		ts[i] = over(t, inner, cfg)
	}
	return ts
}

func over(t testing.TB, inner link.Transport, cfg shmlink.Config) link.Transport {
	t.Helper()
	tr, err := shmlink.Over(inner, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tr.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
	return tr
}

func TestLink(t *testing.T) {
	linktest.Run(t, func(t *testing.T, p int) []link.Transport { return overQUIC(t, p, shmlink.Config{}) })
}
