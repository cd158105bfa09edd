package comm_test

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// ghost is a transport whose large payloads do not move: the receiver hears how long each one is and gets nothing. So
// slices that nobody has ever touched, and that therefore cost nothing, pass through it at once.
type ghost struct{ link.Transport }

func (g ghost) Dial(ctx context.Context, peer int, addr string) (link.Conn, error) {
	c, err := g.Transport.Dial(ctx, peer, addr)
	return ghostConn{c}, err
}

func (g ghost) Accept(ctx context.Context) (link.Conn, error) {
	c, err := g.Transport.Accept(ctx)
	return ghostConn{c}, err
}

type ghostConn struct{ link.Conn }

const (
	ghostly = 1 << 20 // bytes from which on a payload is not there
	marked  = 1 << 62 // in Aux: the rest of it is how long the payload is that is not there
)

func (c ghostConn) Send(ctx context.Context, h link.Header, p link.Payload) error {
	wait, err := c.Start(h, p)
	if wait != nil {
		err = wait(ctx)
	}
	return err
}

func (c ghostConn) Start(h link.Header, p link.Payload) (wait func(ctx context.Context) error, err error) {
	if n := p.Size(); n >= ghostly {
		h.Aux, p = marked|uint64(n), link.Payload{}
	}
	return c.Conn.Start(h, p)
}

// Divert leaves everything to Recv.
func (c ghostConn) Divert(func(*link.Message) bool) {}

func (c ghostConn) Recv(ctx context.Context) (*link.Message, error) {
	m, err := c.Conn.Recv(ctx)
	if err != nil || m.Aux&marked == 0 {
		return m, err
	}
	m.Discard()
	h := m.Header
	h.Size, h.Aux = h.Aux&^marked, 0
	return link.NewMessage(h, nothing{}), nil
}

type nothing struct{}

func (nothing) ReadInto(context.Context, [][]byte) error { return nil }
func (nothing) Ref() (any, bool)                         { return nil, false }
func (nothing) Discard() bool                            { return true }

// There is no limit of 2^31 elements or bytes: all lengths and offsets are 64 bits wide.
func TestHuge(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("the race detector keeps a record of each byte, touched or not")
	}
	leak.Check(t)
	// Memory that comes back from the collector is cleared, and so touched; fresh memory is not.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const p, n = 3, 3<<30 + 5
	whole := make([]byte, n+8) // nobody reads or writes it
	for _, tt := range []struct {
		name, way string
		f         func(ctx context.Context, c *comm.Comm, r int) (int, error)
		want      int
	}{
		{"bcast", "binomial", bcastHuge(whole[:n]), n},
		{"bcast", "chain", bcastHuge(whole[:n]), n},
		{"bcast", "pieces", bcastHuge(whole[:n]), n},
		{"scatterv", "flat", func(ctx context.Context, c *comm.Comm, r int) (int, error) {
			got, err := comm.Scatterv(ctx, c, 1, whole, []int{n, 7, 1})
			return max(len(got), n), cmpErr(err, length(got, []int{n, 7, 1}[r]))
		}, n},
		{"scatterv", "binomial", func(ctx context.Context, c *comm.Comm, r int) (int, error) {
			got, err := comm.Scatterv(ctx, c, 1, whole, []int{n, 7, 1})
			return max(len(got), n), cmpErr(err, length(got, []int{n, 7, 1}[r]))
		}, n},
		{"gather", "flat", gatherHuge(whole), n + 2},
		{"gather", "binomial", gatherHuge(whole), n + 2},
		{"allgather", "ring", func(ctx context.Context, c *comm.Comm, r int) (int, error) {
			all := whole[:n+2]
			mine := [][]byte{all[:n], all[n : n+1], all[n+1:]}[r]
			return len(all), comm.AllgatherInto(ctx, c, all, mine)
		}, n + 2},
		{"alltoallv", "pairwise", func(ctx context.Context, c *comm.Comm, r int) (int, error) {
			counts := make([]int, p)
			counts[(r+1)%p], counts[(r+2)%p] = n, 3
			got, came, err := comm.Alltoallv(ctx, c, whole[:n+3], counts)
			if err == nil && came[(r+2)%p] != n {
				err = fmt.Errorf("got %v", came)
			}
			return len(got), err
		}, n + 3},
	} {
		t.Run(tt.name+"/"+tt.way, func(t *testing.T) {
			ts := link.NewMem(p)
			for r := range ts {
				ts[r] = ghost{ts[r]}
			}
			ctx := comm.ByAlgorithm(t.Context(), tt.way, nil)
			spmd(t, joined(t, ts), func(c *comm.Comm) error {
				got, err := tt.f(ctx, c, c.Rank())
				if err == nil && got != tt.want {
					err = fmt.Errorf("got %d elements, want %d", got, tt.want)
				}
				return err
			})
		})
	}
	t.Run("reduce/binomial", func(t *testing.T) {
		ts := link.NewMem(2)
		for r := range ts {
			ts[r] = ghost{ts[r]}
		}
		combined := 0
		spmd(t, joined(t, ts), func(c *comm.Comm) error {
			xs := whole[:n]
			count := func(acc, xs []byte) { combined = len(acc) }
			return comm.ReduceInto(comm.ByAlgorithm(t.Context(), "binomial", nil), c, 0, count, xs, xs)
		})
		if combined != n {
			t.Errorf("combined %d elements, want %d", combined, n)
		}
	})
}

func bcastHuge(xs []byte) func(ctx context.Context, c *comm.Comm, r int) (int, error) {
	return func(ctx context.Context, c *comm.Comm, _ int) (int, error) {
		return len(xs), comm.Bcast(ctx, c, 1, xs)
	}
}

func gatherHuge(whole []byte) func(ctx context.Context, c *comm.Comm, r int) (int, error) {
	n := len(whole) - 8
	return func(ctx context.Context, c *comm.Comm, r int) (int, error) {
		got, err := comm.Gather(ctx, c, 1, whole[:[]int{n, 1, 1}[r]])
		if r != 1 {
			return n + 2, err
		}
		return len(got), err
	}
}

func length(xs []byte, n int) error {
	if len(xs) != n {
		return errors.New("wrong length")
	}
	return nil
}
