package comm_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// together holds back each dial between ranks above 0 until the other side dials too: all are simultaneous.
type together struct {
	link.Transport
	dialing, back []chan struct{} // by peer: closed with the first dial to it, and with its first to this rank
	once          []sync.Once     // by peer
}

func newTogether(ts []link.Transport) []link.Transport {
	p := len(ts)
	begun := make([][]chan struct{}, p) // by dialer and dialed
	for r := range begun {
		begun[r] = make([]chan struct{}, p)
		for peer := range p {
			begun[r][peer] = make(chan struct{})
		}
	}
	out := make([]link.Transport, p)
	for r := range out {
		back := make([]chan struct{}, p)
		for peer := range back {
			back[peer] = begun[peer][r]
		}
		out[r] = &together{Transport: ts[r], dialing: begun[r], back: back, once: make([]sync.Once, p)}
	}
	return out
}

func (t *together) Dial(ctx context.Context, peer int, addr string) (link.Conn, error) {
	if peer > 0 {
		t.once[peer].Do(func() { close(t.dialing[peer]) })
		select {
		case <-t.back[peer]:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return t.Transport.Dial(ctx, peer, addr)
}

// All ranks talk to all others at once, so that every pair is dialed from both sides: nothing is lost, doubled or out
// of order, and both ends have counted the same conn.
func TestSimultaneousDials(t *testing.T) {
	leak.Check(t)
	const n = 20
	storm := func(t *testing.T, comms []*comm.Comm) {
		spmd(t, comms, func(c *comm.Comm) error {
			sent := make(chan error, c.Size())
			for dst := range c.Size() {
				go func() {
					for i := range n {
						if err := comm.Send(t.Context(), c, dst, 0, []int{i}); err != nil {
							sent <- err
							return
						}
					}
					sent <- nil
				}()
			}
			for i := range n {
				for src := range c.Size() {
					if err := expect(t.Context(), c, src, 0, []int{i}); err != nil {
						return err
					}
				}
			}
			for range c.Size() {
				if err := <-sent; err != nil {
					return err
				}
			}
			return nil
		})
		for _, c := range comms {
			stats := c.Stats()
			if len(stats) != c.Size()-1 {
				t.Errorf("rank %d has %d conns", c.Rank(), len(stats))
			}
			for _, s := range stats {
				if s.MessagesRecvd < n || s.MessagesSent < n {
					t.Errorf("rank %d and %d: %d sent, %d received on the conn that stayed", c.Rank(), s.Rank, s.MessagesSent, s.MessagesRecvd)
				}
			}
		}
	}
	const p = 6
	for i := range 8 {
		t.Run(fmt.Sprint("mem ", i), func(t *testing.T) { storm(t, joined(t, link.NewMem(p))) })
		t.Run(fmt.Sprint("mem at once ", i), func(t *testing.T) { storm(t, joined(t, newTogether(link.NewMem(p)))) })
	}
	for i := range 2 {
		t.Run(fmt.Sprint("quic ", i), func(t *testing.T) { storm(t, overQUIC(t, 4)) })
		t.Run(fmt.Sprint("quic at once ", i), func(t *testing.T) { storm(t, joined(t, newTogether(quicTransports(t, 4)))) })
	}
}

// Ranks that never talk are never joined, but with rank 0.
func TestLazyMesh(t *testing.T) {
	leak.Check(t)
	comms := joined(t, link.NewMem(4))
	if err := comm.Send(t.Context(), comms[3], 2, 0, []int{1}); err != nil {
		t.Fatal(err)
	}
	if err := expect(t.Context(), comms[2], 3, 0, []int{1}); err != nil {
		t.Fatal(err)
	}
	for r, want := range []string{"123", "0", "03", "02"} {
		got := ""
		for _, s := range comms[r].Stats() {
			got += fmt.Sprint(s.Rank)
		}
		if got != want {
			t.Errorf("rank %d is joined with %q, want %q", r, got, want)
		}
	}
}
