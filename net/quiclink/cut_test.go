package quiclink_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// network is a way for packets between one dialer and one listener: it may delay them, lose some, and be cut.
type network struct {
	front, back *net.UDPConn // where the dialer sends to, and where the listener sees it come from
	delay       time.Duration
	loss        float64
	cut         atomic.Bool
	passed      atomic.Int64
	lost        atomic.Int64
}

func newNetwork(t *testing.T, to string, delay time.Duration, loss float64) *network {
	t.Helper()
	there, err := net.ResolveUDPAddr("udp", to)
	check(t, err)
	n := &network{delay: delay, loss: loss}
	n.front, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	n.back, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		n.front.Close()
		n.back.Close()
		all.Wait()
	})
	var dialer atomic.Pointer[net.UDPAddr]
	all.Go(func() {
		n.pass(ctx, &all, n.front, 1, func(b []byte, from *net.UDPAddr) {
			dialer.Store(from)
			n.back.WriteToUDP(b, there)
		})
	})
	all.Go(func() {
		n.pass(ctx, &all, n.back, 2, func(b []byte, _ *net.UDPAddr) {
			n.front.WriteToUDP(b, dialer.Load())
		})
	})
	return n
}

type packet struct {
	b    []byte
	from *net.UDPAddr
	due  time.Time
}

// pass forwards what comes on c in order, each packet when it is due.
func (n *network) pass(ctx context.Context, all *sync.WaitGroup, c *net.UDPConn, seed uint64, forward func([]byte, *net.UDPAddr)) {
	queue := make(chan packet, 4096)
	defer close(queue)
	all.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for p := range queue {
			if wait := time.Until(p.due); wait > 0 {
				timer.Reset(wait)
				select {
				case <-timer.C:
				case <-ctx.Done():
				}
			}
			forward(p.b, p.from)
		}
	})
	dice := rand.New(rand.NewPCG(seed, seed))
	for {
		b := make([]byte, 1<<11)
		k, from, err := c.ReadFromUDP(b)
		if err != nil {
			return
		}
		if n.cut.Load() || dice.Float64() < n.loss {
			n.lost.Add(1)
			continue
		}
		n.passed.Add(1)
		queue <- packet{b[:k], from, time.Now().Add(n.delay)}
	}
}

// TestCut: with the usual limits a peer that cannot be reached any more is known to be lost within 5 s at both ends,
// whether the Conn was idle or busy.
func TestCut(t *testing.T) {
	leak.Check(t)
	type end struct {
		what string
		c    link.Conn
	}
	var ends []end
	var ways []*network
	for _, what := range []string{"idle", "busy"} {
		lo, hi := listen(t, config(0, 2)), listen(t, config(1, 2))
		way := newNetwork(t, lo.Addr(), 0, 0)
		atHi, err := hi.Dial(t.Context(), 0, way.front.LocalAddr().String())
		check(t, err)
		atLo, err := lo.Accept(t.Context())
		check(t, err)
		ends, ways = append(ends, end{what, atLo}, end{what, atHi}), append(ways, way)
	}
	busy := make(chan error, 2)
	for _, e := range ends[2:] { // blocks both ways, without end
		go func() {
			for {
				if err := e.c.Send(t.Context(), link.Header{}, link.Payload{Bufs: [][]byte{make([]byte, 100_000)}}); err != nil {
					busy <- err
					return
				}
			}
		}()
	}
	lost := make(chan error, len(ends))
	var since time.Time
	cut := make(chan struct{}) // closed when since is set
	for _, e := range ends {
		go func() {
			into := make([]byte, 100_000)
			for {
				err := receive(t.Context(), e.c, into)
				if !errors.Is(err, link.ErrPeerLost) {
					continue
				}
				<-cut
				if d := time.Since(since); d > 5*time.Second || !strings.Contains(err.Error(), "silent for 3s") {
					err = errors.New(e.what + ": after " + d.String() + ": " + err.Error())
				} else {
					t.Logf("%s: rank %d's end heard after %v", e.what, 1-e.c.Peer(), d.Round(time.Millisecond))
					err = nil
				}
				lost <- err
				return
			}
		}()
	}
	await(t, "blocks pass", func() bool { return ways[1].passed.Load() > 100 })
	since = time.Now()
	close(cut)
	for _, way := range ways {
		way.cut.Store(true)
	}
	for range ends {
		check(t, <-lost)
	}
	for range ends[2:] {
		if err := <-busy; !errors.Is(err, link.ErrPeerLost) {
			t.Errorf("waiting Send: %v, want ErrPeerLost", err)
		}
	}
}

// TestLossy: with one packet in a hundred lost and a millisecond each way all comes right.
func TestLossy(t *testing.T) {
	leak.Check(t)
	lo, hi := listen(t, config(0, 2)), listen(t, config(1, 2))
	way := newNetwork(t, lo.Addr(), time.Millisecond, 0.01)
	atHi, err := hi.Dial(t.Context(), 0, way.front.LocalAddr().String())
	check(t, err)
	atLo, err := lo.Accept(t.Context())
	check(t, err)
	trade(t, atLo, atHi)
	if way.lost.Load() == 0 {
		t.Error("nothing was lost: this shows nothing")
	}
	check(t, atHi.Close())
	check(t, atLo.Close())
}
