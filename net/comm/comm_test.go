package comm_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// local returns p joined ranks of this process that the test's end closes.
func local(t testing.TB, p int) []*comm.Comm {
	t.Helper()
	comms, err := comm.NewLocal(p)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, comms)
	return comms
}

func closeAtEnd(t testing.TB, comms []*comm.Comm) {
	t.Cleanup(func() {
		var all sync.WaitGroup
		for _, c := range comms {
			all.Go(func() {
				if err := c.Close(); err != nil {
					t.Errorf("close rank %d: %v", c.Rank(), err)
				}
			})
		}
		all.Wait()
	})
}

// overQUIC returns p ranks that met over QUIC on loopback.
func overQUIC(t testing.TB, p int) []*comm.Comm {
	t.Helper()
	return joined(t, quicTransports(t, p))
}

func quicTransports(t testing.TB, p int) []link.Transport {
	t.Helper()
	ts := make([]link.Transport, p)
	for r := range ts {
		ts[r] = quicTransport(t, r, p, "")
	}
	return ts
}

func quicTransport(t testing.TB, rank, size int, addr string) link.Transport {
	t.Helper()
	tr, err := quiclink.Listen(quiclink.Config{
		Rank: rank, Size: size, Job: "test", Token: []byte("0123456789abcdef0123456789abcdef"), Addr: addr,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// joined returns the ranks that met over ts.
func joined(t testing.TB, ts []link.Transport) []*comm.Comm {
	t.Helper()
	comms, errs := joinAll(t.Context(), configs(ts))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, comms)
	return comms
}

// configs returns what the ranks on ts pass to Join.
func configs(ts []link.Transport) []comm.Config {
	cfgs := make([]comm.Config, len(ts))
	for r, tr := range ts {
		cfgs[r] = comm.Config{
			Rank: r, Size: len(ts), Transport: tr, Root: ts[0].Addr(), Build: "v1",
			Host: fmt.Sprintf("h%d", r), PID: 100 + r, Timeout: 10 * time.Second,
		}
	}
	return cfgs
}

func joinAll(ctx context.Context, cfgs []comm.Config) ([]*comm.Comm, []error) {
	comms, errs := make([]*comm.Comm, len(cfgs)), make([]error, len(cfgs))
	var all sync.WaitGroup
	for i, cfg := range cfgs {
		all.Go(func() { comms[i], errs[i] = comm.Join(ctx, cfg) })
	}
	all.Wait()
	return comms, errs
}

// each calls f for every rank at the same time and returns their errors.
func each(comms []*comm.Comm, f func(c *comm.Comm) error) []error {
	errs := make([]error, len(comms))
	var all sync.WaitGroup
	for i, c := range comms {
		all.Go(func() { errs[i] = f(c) })
	}
	all.Wait()
	return errs
}

// spmd is each for ranks that must all succeed; one that does not ends the others.
func spmd(t testing.TB, comms []*comm.Comm, f func(c *comm.Comm) error) {
	t.Helper()
	for i, err := range each(comms, func(c *comm.Comm) error {
		err := f(c)
		if err != nil {
			c.Abort(err)
		}
		return err
	}) {
		if err != nil {
			t.Fatalf("rank %d of %d: %v", i, len(comms), err)
		}
	}
}
