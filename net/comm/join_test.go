package comm_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// Ranks that do not fit together: each case changes what they pass, and everybody must hear the same reason at once.
func TestJoinRefuses(t *testing.T) {
	leak.Check(t)
	for _, tc := range []struct {
		name   string
		change func(cfgs []comm.Config)
		say    []string
	}{
		{"rank twice", func(cfgs []comm.Config) {
			cfgs[0].Transport = asRank{cfgs[0].Transport, 1}
			cfgs[2].Rank = 1
		}, []string{"rank 1", "h1", "pid 101", "h2", "pid 102"}},
		{"other rank than its link", func(cfgs []comm.Config) {
			cfgs[2].Rank, cfgs[1].Rank = 1, 2
		}, []string{"let in as rank"}},
		{"size", func(cfgs []comm.Config) { cfgs[2].Size = 4 }, []string{"h0", "pid 100", "3 ranks", "h2", "pid 102", "4 ranks"}},
		{"build", func(cfgs []comm.Config) { cfgs[1].Build = "v2" }, []string{"h0", "pid 100", `"v1"`, "h1", "pid 101", `"v2"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfgs := configs(link.NewMem(3))
				tc.change(cfgs)
				begin := time.Now()
				_, errs := joinAll(t.Context(), cfgs)
				for r, err := range errs {
					if err == nil || !contains(err.Error(), tc.say) {
						t.Errorf("rank %d, want %q: %v", r, tc.say, err)
					}
				}
				if d := time.Since(begin); d > time.Second {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}

// The same over QUIC, where each process listens as the rank and size that it believes in. The limit of the rendezvous is
// an hour: all must hear of the conflict, not of the time.
func TestJoinRefusesQUIC(t *testing.T) {
	type claim struct{ rank, size int }
	for _, tc := range []struct {
		name   string
		claims []claim
		say    []string
	}{
		{"rank twice", []claim{{0, 3}, {1, 3}, {1, 3}}, []string{"two processes claim rank 1", "rank 1 on h1 (pid 101)", "rank 1 on h2 (pid 102)"}},
		{"rank twice, one missing", []claim{{0, 4}, {1, 4}, {1, 4}}, []string{"two processes claim rank 1", "rank 1 on h1 (pid 101)", "rank 1 on h2 (pid 102)"}},
		{"larger size", []claim{{0, 3}, {1, 3}, {2, 4}}, []string{"rank 2 on h2 (pid 102)", "4 ranks", "rank 0 on h0 (pid 100)", "3 ranks"}},
		{"rank beyond the size", []claim{{0, 3}, {1, 3}, {3, 4}}, []string{"rank 3 on h2 (pid 102)", "4 ranks", "rank 0 on h0 (pid 100)", "3 ranks"}},
		{"smaller size", []claim{{0, 3}, {1, 2}, {2, 3}}, []string{"rank 1 on h1 (pid 101)", "2 ranks", "rank 0 on h0 (pid 100)", "3 ranks"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			var ts []link.Transport
			for _, c := range tc.claims {
				ts = append(ts, quicTransport(t, c.rank, c.size, ""))
			}
			cfgs := configs(ts)
			for i, c := range tc.claims {
				cfgs[i].Rank, cfgs[i].Size, cfgs[i].Timeout = c.rank, c.size, time.Hour
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, errs := joinAll(ctx, cfgs)
			for i, err := range errs {
				if err == nil || !contains(err.Error(), tc.say) {
					t.Errorf("process %d, want %q: %v", i, tc.say, err)
				}
			}
		})
	}
}

// A process that comes when the job is complete is told so.
func TestJoinTooLate(t *testing.T) {
	leak.Check(t)
	ts := quicTransports(t, 2)
	comms := joined(t, ts)
	for _, tc := range []struct {
		rank, size int
		say        string
	}{
		{1, 2, "joined with a rank 1 on h1 already"},
		{2, 3, "rank 0 of 2 takes no rank 2"},
	} {
		late := quicTransport(t, tc.rank, tc.size, "")
		cfg := comm.Config{Rank: tc.rank, Size: tc.size, Transport: late, Root: ts[0].Addr(), Build: "v1", Timeout: time.Hour}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := comm.Join(ctx, cfg); err == nil || !strings.Contains(err.Error(), tc.say) {
			t.Errorf("rank %d of %d: got %v, want %q", tc.rank, tc.size, err, tc.say)
		}
	}
	spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 1, 10) })
}

// asRank makes all who come look like one rank: what a link without authentication would let in.
type asRank struct {
	link.Transport
	rank int
}

func (t asRank) Accept(ctx context.Context) (link.Conn, error) {
	conn, err := t.Transport.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return rankedConn{conn, t.rank}, nil
}

type rankedConn struct {
	link.Conn
	rank int
}

func (c rankedConn) Peer() int { return c.rank }

func TestJoinMissing(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		ts := link.NewMem(4)
		cfgs := configs(ts)
		begin := time.Now()
		_, errs := joinAll(t.Context(), append(cfgs[:2:2], cfgs[3])) // rank 2 does not come
		for i, err := range errs {
			if err == nil || !contains(err.Error(), []string{"3 of 4 ranks joined in 10s", "missing: rank 2.", "mem:0", "UDP"}) {
				t.Errorf("config %d: %v", i, err)
			}
		}
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("it took %v, the limit is 10 s", d)
		}
		ts[2].Close()
	})
}

// A table that is no eager message.
func TestJoinLargeTable(t *testing.T) {
	leak.Check(t)
	cfgs := configs(link.NewMem(20))
	for i := range cfgs {
		cfgs[i].Host = strings.Repeat("x", 1000)
	}
	comms, errs := joinAll(t.Context(), cfgs)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, comms)
	spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 7, 100) })
}

func TestJoinNoRoot(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		ts := link.NewMem(2)
		ts[0].Close()
		begin := time.Now()
		_, err := comm.Join(t.Context(), configs(ts)[1])
		if err == nil || !contains(err.Error(), []string{"rank 1", "rank 0 at mem:0", "10s", "UDP"}) {
			t.Errorf("got %v", err)
		}
		if d := time.Since(begin); d != 10*time.Second {
			t.Errorf("it took %v, the limit is 10 s", d)
		}
	})
}

func TestJoinCancelled(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		ts := link.NewMem(3)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		cfgs := configs(ts)
		_, errs := joinAll(ctx, cfgs[:2])
		for r, err := range errs {
			if err == nil || !contains(err.Error(), []string{"context canceled"}) {
				t.Errorf("rank %d: %v", r, err)
			}
		}
		ts[2].Close()
	})
}

// Rank 0 comes last, over QUIC: the others dial until it is there.
func TestJoinRootLast(t *testing.T) {
	leak.Check(t)
	root := quicTransport(t, 0, 3, "")
	addr := root.Addr()
	root.Close()
	ts := []link.Transport{nil, quicTransport(t, 1, 3, ""), quicTransport(t, 2, 3, "")}
	comms, errs := make([]*comm.Comm, 3), make([]error, 3)
	join := func(r int, tr link.Transport) {
		comms[r], errs[r] = comm.Join(t.Context(), comm.Config{Rank: r, Size: 3, Transport: tr, Root: addr})
	}
	var all sync.WaitGroup
	all.Go(func() { join(1, ts[1]) })
	all.Go(func() { join(2, ts[2]) })
	all.Go(func() { join(0, quicTransport(t, 0, 3, addr)) })
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, comms)
	spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 2, 10) })
}

// lost does not know where it listens, like a socket on every interface of its host.
type lost struct{ link.Transport }

func (lost) Addr() string { return "nowhere" }

// What a rank believes of its own address is not what the others dial: rank 0 has seen where it comes from.
func TestJoinByTheAddressThatRankZeroSaw(t *testing.T) {
	leak.Check(t)
	ts := link.NewMem(3)
	cfgs := configs(ts)
	for r := range cfgs[1:] {
		cfgs[r+1].Transport = lost{ts[r+1]}
	}
	comms, errs := joinAll(t.Context(), cfgs)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, comms)
	spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 2, 10) })
}

func TestJoinBadConfig(t *testing.T) {
	for name, cfg := range map[string]comm.Config{
		"no size":      {},
		"rank":         {Rank: 2, Size: 2},
		"no transport": {Rank: 0, Size: 2},
		"no root":      {Rank: 1, Size: 2, Transport: link.NewMem(2)[1]},
		"long build":   {Size: 1, Build: string(make([]byte, 2000))},
	} {
		if _, err := comm.Join(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestJoinAlone(t *testing.T) {
	leak.Check(t)
	c, err := comm.Join(t.Context(), comm.Config{Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, []*comm.Comm{c})
	if err := checkAll(t.Context(), c, 0, 5); err != nil {
		t.Error(err)
	}
	if err := comm.Send(t.Context(), c, 0, 1, []int{3}); err != nil {
		t.Error(err)
	}
	if err := expect(t.Context(), c, 0, 1, []int{3}); err != nil {
		t.Error(err)
	}
}
