package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// apart are the transports of p ranks, so many of them in each process: between processes bytes travel, and no references.
func apart(p, each int) []link.Transport {
	transports := link.NewMem(p)
	for r, tr := range transports {
		transports[r] = &between{tr, r, each}
	}
	return transports
}

type between struct {
	link.Transport
	rank, each int
}

func (*between) Scheme() string { return "apart" }

func (t *between) Dial(ctx context.Context, peer int, addr string) (link.Conn, error) {
	return t.wrap(t.Transport.Dial(ctx, peer, addr))
}

func (t *between) Accept(ctx context.Context) (link.Conn, error) {
	return t.wrap(t.Transport.Accept(ctx))
}

func (t *between) wrap(c link.Conn, err error) (link.Conn, error) {
	if err != nil || c.Peer()/t.each == t.rank/t.each {
		return c, err
	}
	return &betweenConn{c}, nil
}

type betweenConn struct{ link.Conn }

func (c *betweenConn) Send(ctx context.Context, h link.Header, p link.Payload) error {
	return c.Conn.Send(ctx, h, link.Payload{Bufs: p.Bufs})
}

func (c *betweenConn) Start(h link.Header, p link.Payload) (func(ctx context.Context) error, error) {
	return c.Conn.Start(h, link.Payload{Bufs: p.Bufs})
}

func (c *betweenConn) Stats() link.Stats {
	s := c.Conn.Stats()
	s.Scheme = "apart"
	return s
}

// someNulls is elements of which the first ones are null here and there, and no other: of few ranks' parts.
func someNulls(t *testing.T, rng *rand.Rand, d array.DType, shape ...int) *array.Node {
	t.Helper()
	n := array.Shape(shape).Len()
	b, err := array.Concat([]*array.Block{ref.Random(rng, d, array.Shape{n / 4}, 0.5), ref.Random(rng, d, array.Shape{n - n/4}, 0)})
	if err == nil {
		b, err = b.Reshape(shape)
	}
	if err != nil {
		t.Fatal(err)
	}
	return array.Data(b, 0)
}

// exchanged are graphs in which ranks need more of what was computed than their parts: all of it, or other rows.
func exchanged(t *testing.T, rng *rand.Rand, m, k int) [][]*array.Node {
	table := func() *array.Node {
		return apply(array.Add, someNulls(t, rng, array.Float64, m, k), number(1.0))
	}
	random := func(d array.DType, shape ...int) *array.Node { return array.Data(ref.Random(rng, d, shape, 0), 0) }
	x, floatRow := table(), random(array.Float32, k)
	bools := apply(array.LogicalNot, someNulls(t, rng, array.Bool, k))
	sums := array.Scan(array.CumSum, 0, x, 0) // on the root
	return [][]*array.Node{
		{matmul(random(array.Float64, 3, m), x)},                                                                // a right operand
		{matmul(x, apply(array.Square, random(array.Float64, k, 2)))},                                           // both
		{matmul(x, random(array.Float64, k)), matmul(reshape(x, k, m), random(array.Float64, m))},               // other rows
		{matmul(reshape(x, k, m), x), x},                                                                        // other rows, and what has them is a result
		{matmul(x, reshape(x, k, m)), apply(array.Sum, x), x},                                                   // all of it, and its rows
		{apply(array.Multiply, x, apply(array.Sqrt, floatRow)), apply(array.Exp2, floatRow)},                    // a row for all
		{apply(array.LogicalAnd, random(array.Bool, m, k), bools)},                                              // of bools
		{apply(array.Subtract, x, array.KeepDims(array.Reduce(array.Mean, 0, x, 1), 0))},                        // means of rows
		{array.Reduce(array.Any, 0, reshape(apply(array.LogicalNot, random(array.Bool, m, k)), m, k, 1), 0, 2)}, // axes apart
		{sums, matmul(random(array.Float64, 2, m), x)},                                                          // which the root had before
		{sums, matmul(x, random(array.Float64, k)), matmul(reshape(x, k, m), random(array.Float64, m, 2))},      // likewise, in other rows
	}
}

// TestExchange holds what ranks tell each other against the reference: in one process, in one each and in several of two.
func TestExchange(t *testing.T) {
	leak.Check(t)
	kinds := map[exec.StepKind]int{}
	for _, p := range ranksOf([]int{1, 2, 3, 4, 7}, []int{3, 7}) {
		for _, each := range []int{1, 2, p} {
			for _, seed := range ranksOf([]int{0, 1, 2}, []int{0, 1}) {
				cl := joined(t, apart(p, each), func(_ int, c *exec.Config) {
					if seed > 0 {
						c.Layout = uneven(uint64(seed))
					}
				})
				rng := rand.New(rand.NewPCG(uint64(seed), uint64(p)))
				for _, size := range [][2]int{{1, 1}, {2, 3}, {17, 9}} { // of which the first leave ranks without elements
					for _, roots := range exchanged(t, rng, size[0], size[1]) {
						check(t, cl, roots...)
						plan, err := cl.Explain(context.Background(), roots)
						if err != nil {
							t.Fatal(err)
						}
						for i := range plan.Steps {
							if kind := plan.Steps[i].Kind; each < p {
								kinds[kind]++
							} else if kind == exec.Allgather || kind == exec.Alltoall {
								t.Errorf("%d ranks of one process:\n%s", p, plan)
							}
						}
					}
				}
				cl.stop()
			}
		}
	}
	for _, kind := range []exec.StepKind{exec.Scatter, exec.Bcast, exec.Gather, exec.Allgather, exec.Alltoall} {
		if kinds[kind] == 0 {
			t.Errorf("no plan has a step of kind %d: %v", kind, kinds)
		}
	}
}

// both has an exchange of each kind: 14400 elements computed in parts, all of them as a right operand, and other rows as a left one.
func both(t testing.TB) []*array.Node {
	const n = 120
	count := reshape(array.Arange(array.ScalarOf(0.0), array.ScalarOf(float64(n*n)), array.ScalarOf(1.0), 0), n, n) // nothing to scatter
	y := apply(array.Square, count)
	return []*array.Node{matmul(data(t, floats(2*n), 2, n), y), matmul(y, data(t, floats(n))), matmul(reshape(y, n*n/36, 36), data(t, floats(36)))}
}

// TestFailingExchange: a rank whose device fails, while others wait for its part, is named; so is one that sends too little, by
// whom that reaches, though others see blocks taken back by then. The next Collect works.
func TestFailingExchange(t *testing.T) {
	leak.Check(t)
	const part = 4800 // elements, beyond what links take without a receiver
	for bad := range 3 {
		var armed atomic.Bool
		cl := joined(t, apart(3, 1), func(rank int, c *exec.Config) {
			if rank == bad {
				c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(context.Context, *array.Launch) error {
					if armed.CompareAndSwap(true, false) {
						return errDevice
					}
					return nil
				}}
			}
		})
		roots := both(t)
		check(t, cl, roots...)
		armed.Store(true)
		_, _, err := cl.Collect(context.Background(), roots)
		var re *comm.RankError
		if !errors.As(err, &re) || re.Rank != bad || !strings.Contains(err.Error(), "on fire") {
			t.Errorf("rank %d failed: the error is %v", bad, err)
		}
		check(t, cl, roots...)
		cl.stop()
	}
	for from := range 3 {
		for to := range 3 {
			if from == to {
				continue
			}
			var armed atomic.Bool
			transports := apart(3, 1)
			transports[from] = link.NewFault(transports[from], link.Plan{Send: func(peer, _ int, h link.Header) link.Fault {
				if peer == to && h.Tag == 1 && h.Count == part && armed.CompareAndSwap(true, false) {
					return link.Fault{Short: 8}
				}
				return link.Fault{}
			}})
			cl := joined(t, transports)
			roots := both(t)
			armed.Store(true)
			_, _, err := cl.Collect(context.Background(), roots)
			if err == nil || !strings.HasPrefix(err.Error(), "all") || !strings.Contains(err.Error(), fmt.Sprintf("rank %d sent", from)) {
				t.Errorf("rank %d sends too little to rank %d: the error is %v", from, to, err)
			}
			check(t, cl, roots...)
			cl.stop()
		}
	}
}

// TestEarlyParcel: a rank that has not heard of a task's end keeps what another one, which has, sends it for the next one.
func TestEarlyParcel(t *testing.T) {
	leak.Check(t)
	const control, failed, saysEnd = 0, 2, 2
	var armed, fail, started atomic.Bool
	open := make(chan struct{})
	transports := apart(3, 1)
	transports[2] = link.NewFault(transports[2], link.Plan{
		Recv: func(peer, _ int, h link.Header) link.Fault {
			if peer == 0 && h.Tag == control && h.Flags == saysEnd && h.Aux != 0 && armed.CompareAndSwap(true, false) {
				return link.Fault{Gate: open}
			}
			return link.Fault{}
		},
		Send: func(peer, _ int, h link.Header) link.Fault {
			if peer == 0 && h.Tag == failed {
				close(open) // it has seen that another rank has gone on
			}
			return link.Fault{}
		},
	})
	begun := make(chan struct{})
	cl := joined(t, transports, func(rank int, c *exec.Config) {
		c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(context.Context, *array.Launch) error {
			switch {
			case rank == 1 && fail.CompareAndSwap(true, false):
				<-begun
				return errDevice
			case rank == 2 && started.CompareAndSwap(false, true):
				close(begun) // it needs nothing more of the root
			}
			return nil
		}}
	})
	x := apply(array.Square, data(t, floats(24), 4, 6))
	n := matmul(reshape(x, 6, 4), x)
	armed.Store(true)
	fail.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, _, err := cl.Collect(ctx, []*array.Node{n}); err == nil || !strings.Contains(err.Error(), "on fire") {
		t.Errorf("the error is %v", err)
	}
	blocks, _, err := cl.Collect(ctx, []*array.Node{n})
	if err != nil {
		t.Fatal(err)
	}
	want, err := ref.Eval(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := ref.Equal(blocks[0], want); err != nil {
		t.Error(err)
	}
	select {
	case <-open:
	default:
		t.Error("rank 2 has seen no parcel of the next task")
	}
	cl.stop()
}
