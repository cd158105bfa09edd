package exec_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/net/quiclink"
)

// quic is a cluster whose ranks talk as those of different processes do.
func quic(t testing.TB, p int, each ...func(rank int, c *exec.Config)) *cluster {
	t.Helper()
	return joined(t, quicTransports(t, p), each...)
}

func quicTransports(t testing.TB, p int) []link.Transport {
	t.Helper()
	transports := make([]link.Transport, p)
	for r := range transports {
		tr, err := quiclink.Listen(quiclink.Config{Rank: r, Size: p, Job: "exec test", Token: make([]byte, 32)})
		if err != nil {
			t.Fatal(err)
		}
		transports[r] = tr
	}
	return transports
}

func TestOverQUIC(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{2, 3} {
		for seed := range uint64(2) {
			cl := quic(t, p, func(_ int, c *exec.Config) {
				if seed > 0 {
					c.Layout = uneven(seed)
				}
			})
			for i := range uint64(graphs) {
				rng := rand.New(rand.NewPCG(seed*100+i, uint64(p)))
				check(t, cl, ref.RandomGraph(rng, 1+rng.IntN(6)), ref.RandomGraph(rng, 3))
			}
			n := data(t, floats(60_000))
			check(t, cl, apply(array.Less, n, number(0.0)), apply(array.Subtract, n, apply(array.Mean, n)))
			cl.stop()
		}
	}
}

func TestStats(t *testing.T) {
	leak.Check(t)
	const n = 100_000
	roots := []*array.Node{apply(array.Add, data(t, floats(n), n/100, 100), number(1.0))}
	_, stats, err := local(t, 4).Collect(context.Background(), roots)
	if err != nil || stats.Rows != n/100 || stats.Ranks != 4 || stats.ByReference != 6 || len(stats.Moved) != 0 || len(stats.Steps) != 3 {
		t.Errorf("in one process: %+v, %v", stats, err)
	}
	_, stats, err = quic(t, 2).Collect(context.Background(), roots)
	if err != nil || stats.Ranks != 2 || stats.ByReference != 0 || stats.Moved["quic"] != 8*n { // half there, half back
		t.Errorf("over QUIC: %+v, %v", stats, err)
	}
}
