package quiclink_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// laneConfig is config with lanes over TCP and limits that no test reaches by itself.
func laneConfig(rank, size int) quiclink.Config {
	cfg := config(rank, size)
	cfg.Bulk = quiclink.BulkTCP
	return cfg
}

func TestLaneOffered(t *testing.T) {
	plain := func(cfg *quiclink.Config) { cfg.Bulk, cfg.Lanes = "", 0 }
	lanes := func(n int) func(cfg *quiclink.Config) { return func(cfg *quiclink.Config) { cfg.Lanes = n } }
	for _, tc := range []struct {
		name           string
		lo, hi         func(*quiclink.Config)
		scheme         string
		atLo, atHi     string // what Fallback says
		wantLo, wantHi int    // lanes
	}{
		{"both", lanes(0), lanes(0), "quic+tcp", "", "", 1, 1},
		{"more here", lanes(2), lanes(5), "quic+tcp", "", "", 2, 2},
		{"not there", plain, lanes(0), "quic", "", "rank 0 offers none", 0, 0},
		{"not here", lanes(0), plain, "quic", "rank 1 offers none", "", 0, 0},
		{"of another kind", func(cfg *quiclink.Config) { cfg.Bulk, cfg.Lanes = "", 2 }, lanes(2), "quic", "rank 1 offers none", "rank 0 offers none", 0, 0},
		{"nowhere", plain, plain, "quic", "", "", 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			there, here := laneConfig(0, 2), laneConfig(1, 2)
			tc.lo(&there)
			tc.hi(&here)
			a, b := joined(t, listen(t, there), listen(t, here))
			for _, end := range []struct {
				c    link.Conn
				says string
				want int
			}{{a, tc.atLo, tc.wantLo}, {b, tc.atHi, tc.wantHi}} {
				if got := end.c.Stats().Scheme; got != tc.scheme {
					t.Errorf("scheme %q, want %q", got, tc.scheme)
				}
				if got := quiclink.Lanes(end.c); got != end.want {
					t.Errorf("%d lanes, want %d", got, end.want)
				}
				wantFallback(t, end.c, end.says)
			}
			trade(t, a, b)
		})
	}
}

func wantFallback(t *testing.T, c link.Conn, says string) {
	t.Helper()
	err := quiclink.Fallback(c)
	if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
		t.Errorf("rank %d's peer: fallback %v, want one that says %q", c.Peer(), err, says)
	}
}

// trade passes blocks of several sizes both ways, all at once, and checks what comes.
func trade(t *testing.T, a, b link.Conn) {
	t.Helper()
	sizes := []int{link.EagerLimit + 1, 100, 300_000, 70_000, 600_000, 262_144}
	errs := make(chan error, 4*len(sizes))
	n := 0
	for _, way := range []struct{ from, to link.Conn }{{a, b}, {b, a}} {
		for i, size := range sizes {
			n++
			go func() {
				p := link.Payload{Bufs: [][]byte{pattern(i, size/3), pattern(i, size)[size/3:]}}
				errs <- way.from.Send(t.Context(), link.Header{Tag: int32(i)}, p)
			}()
		}
		for range sizes {
			m, err := way.to.Recv(t.Context())
			check(t, err)
			n++
			go func() {
				got := make([]byte, m.Size)
				err := m.ReadInto(t.Context(), got)
				if err == nil && !bytes.Equal(got, pattern(int(m.Tag), int(m.Size))) {
					err = errors.New("a block came changed")
				}
				errs <- err
			}()
		}
	}
	for range n {
		check(t, <-errs)
	}
}

// pattern is the same for all n up to where the shorter ends.
func pattern(i, n int) []byte {
	const period = 65521 // fits no part
	b := make([]byte, n)
	done := min(n, period)
	for k := range b[:done] {
		b[k] = byte(k>>9 ^ k*(2*i+1))
	}
	for done < n {
		done += copy(b[done:], b[:done])
	}
	return b
}

// relay stands between a dialer and the lanes' port, and lets so many bytes from the dialer pass.
type relay struct {
	ln   net.Listener
	to   string
	all  sync.WaitGroup
	stop chan struct{}

	limit atomic.Int64
}

func newRelay(t *testing.T, to string, limit int64, then func(r *relay, from, to net.Conn)) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r := &relay{ln: ln, to: to, stop: make(chan struct{})}
	r.limit.Store(limit)
	r.all.Go(func() {
		for {
			from, err := ln.Accept()
			if err != nil {
				return
			}
			r.all.Go(func() { r.pass(from, then) })
		}
	})
	t.Cleanup(func() {
		close(r.stop)
		ln.Close()
		r.all.Wait()
	})
	return r
}

func (r *relay) pass(from net.Conn, then func(*relay, net.Conn, net.Conn)) {
	defer from.Close()
	to, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer to.Close()
	back := make(chan struct{})
	go func() {
		defer close(back)
		io.Copy(struct{ io.Writer }{from}, struct{ io.Reader }{to}) // without splice, whose pipes would stay open
		from.Close()
	}()
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if n > 0 && r.limit.Add(-int64(n)) < 0 {
			b[0]++ // for those whose then goes on
			then(r, from, to)
		}
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			break
		}
	}
	to.Close()
	<-back
}

// TestLaneFails breaks the way of the lanes at different times in different manners: all blocks come all the same.
func TestLaneFails(t *testing.T) {
	cut := func(_ *relay, from, to net.Conn) { from.Close(); to.Close() }
	hold := func(r *relay, _, _ net.Conn) { <-r.stop }
	changed := func(*relay, net.Conn, net.Conn) {}
	for _, tc := range []struct {
		name  string
		limit int64
		then  func(*relay, net.Conn, net.Conn)
		says  string // the reason at the dialer, where it is that the lanes could not be made
	}{
		{"cut at once", 0, cut, "lanes to rank 0"},
		{"cut in the handshake", 800, cut, "lanes to rank 0"},
		{"silent", 0, hold, "lanes to rank 0"},
		{"changed in the handshake", 60, changed, "lanes to rank 0"},
		{"cut", 600_000, cut, ""},
		{"stalled", 600_000, hold, ""},
		{"changed", 600_000, changed, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leak.Check(t)
			there, here := laneConfig(0, 2), laneConfig(1, 2)
			for _, cfg := range []*quiclink.Config{&there, &here} {
				cfg.HandshakeTimeout, cfg.IdleTimeout = never, never
				switch tc.name {
				case "silent":
					cfg.HandshakeTimeout = 2 * time.Second // half of it is the lanes'
				case "stalled":
					cfg.IdleTimeout = 2 * time.Second
				}
				cfg.KeepAlive = 100 * time.Millisecond
			}
			lo, hi := listen(t, there), listen(t, here)
			r := newRelay(t, quiclink.LaneAddr(lo), tc.limit, tc.then)
			quiclink.RedirectLanes(lo, r.ln.Addr().(*net.TCPAddr).Port)
			a, b := joined(t, lo, hi)
			trade(t, a, b)
			for _, c := range []link.Conn{a, b} {
				await(t, "the lanes are given up", func() bool { return c.Stats().Scheme == "quic" })
				if quiclink.Fallback(c) == nil {
					t.Error("no reason is given")
				}
			}
			if tc.says != "" {
				wantFallback(t, b, tc.says)
			}
			trade(t, a, b)
		})
	}
}

// TestLaneNobodyListens: a port that nothing listens at costs the lanes and nothing else.
func TestLaneNobodyListens(t *testing.T) {
	leak.Check(t)
	lo, hi := listen(t, laneConfig(0, 2)), listen(t, laneConfig(1, 2))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	quiclink.RedirectLanes(lo, ln.Addr().(*net.TCPAddr).Port)
	check(t, ln.Close())
	a, b := joined(t, lo, hi)
	wantFallback(t, a, "rank 1 could not make them")
	wantFallback(t, b, "connection refused")
	trade(t, a, b)
}

// TestLaneCut closes the lanes at either end while blocks are under way, again and again.
func TestLaneCut(t *testing.T) {
	leak.Check(t)
	lo, hi := listen(t, laneConfig(0, 2)), listen(t, laneConfig(1, 2))
	for i := range 4 {
		a, b := joined(t, lo, hi)
		cut := make(chan struct{})
		go func() {
			defer close(cut)
			end := []link.Conn{a, b}[i%2]
			await(t, "blocks are under way", func() bool { return end.Stats().BytesRecv > uint64(i)*200_000 })
			quiclink.CutLanes(end)
		}()
		trade(t, a, b)
		<-cut
		trade(t, a, b)
		check(t, a.Close())
		check(t, b.Close())
	}
}

// TestQUICLaneCut takes QUIC lanes away under a block that is spread over them: it comes all the same.
func TestQUICLaneCut(t *testing.T) {
	leak.Check(t)
	there, here := config(0, 2), config(1, 2)
	there.Lanes, here.Lanes = 3, 2
	a, b := joined(t, listen(t, there), listen(t, here))
	if got := quiclink.Lanes(a); got != 2 || a.Stats().Scheme != "quic+quic" {
		t.Fatalf("%d lanes of scheme %q, want 2 of quic+quic", got, a.Stats().Scheme)
	}
	want := pattern(3, 8<<20)
	for range 2 { // by lanes that break, then by a stream
		sent := make(chan error, 1)
		go func() { sent <- a.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{want[:5], want[5:]}}) }()
		m, err := b.Recv(t.Context())
		check(t, err)
		got, read := make([]byte, len(want)), make(chan error, 1)
		go func() { read <- m.ReadInto(t.Context(), got) }()
		trade(t, a, b) // meanwhile
		quiclink.CutLanes(b)
		check(t, errors.Join(<-read, <-sent))
		if !bytes.Equal(got, want) {
			t.Fatal("the block came changed")
		}
	}
	for _, c := range []link.Conn{a, b} {
		await(t, "the lanes are given up", func() bool { return c.Stats().Scheme == "quic" })
		if quiclink.Fallback(c) == nil {
			t.Error("no reason is given")
		}
	}
}

// TestQUICLaneUnreachable: lanes that cannot be made in time cost the lanes and nothing else.
func TestQUICLaneUnreachable(t *testing.T) {
	leak.Check(t)
	there, here := config(0, 2), config(1, 2)
	there.Lanes, here.Lanes = 2, 2
	here.HandshakeTimeout = 500 * time.Millisecond
	lo, hi := listen(t, there), listen(t, here)
	silent, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	defer silent.Close()
	quiclink.RedirectLanes(lo, silent.LocalAddr().(*net.UDPAddr).Port)
	a, b := joined(t, lo, hi)
	wantFallback(t, a, "rank 1 could not make them")
	wantFallback(t, b, "lane at UDP")
	trade(t, a, b)
}

// TestLaneStalledCancel: on a lane that has come to a stop either end of a block can give it up at once.
func TestLaneStalledCancel(t *testing.T) {
	for _, who := range []string{"sender", "receiver"} {
		t.Run(who, func(t *testing.T) {
			leak.Check(t)
			there, here := laneConfig(0, 2), laneConfig(1, 2)
			const limit = 2 * time.Second // after which the stalled lane is given up
			there.IdleTimeout, here.IdleTimeout = limit, limit
			lo, hi := listen(t, there), listen(t, here)
			stalled := make(chan struct{})
			var once sync.Once
			r := newRelay(t, quiclink.LaneAddr(lo), 600_000, func(r *relay, _, _ net.Conn) {
				once.Do(func() { close(stalled) })
				<-r.stop
			})
			quiclink.RedirectLanes(lo, r.ln.Addr().(*net.TCPAddr).Port)
			a, b := joined(t, lo, hi)
			sending, stopSend := context.WithCancel(t.Context())
			reading, stopRead := context.WithCancel(t.Context())
			defer stopSend()
			defer stopRead()
			block := make([]byte, 24<<20) // more than sockets hold
			sent, read := make(chan error, 1), make(chan error, 1)
			go func() { sent <- b.Send(sending, link.Header{}, link.Payload{Bufs: [][]byte{block}}) }()
			m, err := a.Recv(t.Context())
			check(t, err)
			go func() { read <- m.ReadInto(reading, make([]byte, len(block))) }()
			<-stalled
			since := time.Now()
			if who == "sender" {
				stopSend()
				if err := <-sent; !errors.Is(err, context.Canceled) {
					t.Errorf("Send: %v, want Canceled", err)
				}
				if err := <-read; !errors.Is(err, link.ErrWithdrawn) {
					t.Errorf("ReadInto: %v, want ErrWithdrawn", err)
				}
			} else {
				stopRead()
				if err := <-read; !errors.Is(err, context.Canceled) {
					t.Errorf("ReadInto: %v, want Canceled", err)
				}
				check(t, <-sent)
			}
			if d := time.Since(since); d >= limit {
				t.Errorf("it took %v", d)
			}
			trade(t, a, b)
			if quiclink.Fallback(b) == nil {
				t.Error("no reason is given")
			}
		})
	}
}
