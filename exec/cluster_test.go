package exec_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
	"github.com/darray-go/darray/partition"
)

// dealOut makes small tests go over all ranks.
const dealOut = -1

// cluster is p executors: rank 0's is at hand, the others serve.
type cluster struct {
	*exec.Executor
	comms  []*comm.Comm
	execs  []*exec.Executor
	served []error // what Serve returned, after stop
	wait   sync.WaitGroup
}

// local is a cluster of p ranks in this process; each may adjust the configs by rank.
func local(t testing.TB, p int, each ...func(rank int, c *exec.Config)) *cluster {
	t.Helper()
	comms, err := comm.NewLocal(p)
	if err != nil {
		t.Fatal(err)
	}
	return over(t, comms, each...)
}

// joined is a cluster whose ranks talk over the given transports.
func joined(t testing.TB, transports []link.Transport, each ...func(rank int, c *exec.Config)) *cluster {
	t.Helper()
	return over(t, commsOver(t, transports), each...)
}

// commsOver is the ranks of a job that talk over the given transports.
func commsOver(t testing.TB, transports []link.Transport) []*comm.Comm {
	t.Helper()
	p := len(transports)
	comms, errs := make([]*comm.Comm, p), make([]error, p)
	var all sync.WaitGroup
	for r, tr := range transports {
		all.Go(func() {
			comms[r], errs[r] = comm.Join(context.Background(), comm.Config{Rank: r, Size: p, Transport: tr, Root: transports[0].Addr()})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return comms
}

func over(t testing.TB, comms []*comm.Comm, each ...func(rank int, c *exec.Config)) *cluster {
	t.Helper()
	cl := &cluster{comms: comms, served: make([]error, len(comms))}
	cl.make(t, each...)
	for r, e := range cl.execs[1:] {
		cl.wait.Go(func() { cl.served[r+1] = e.Serve(context.Background()) })
	}
	t.Cleanup(cl.stop)
	return cl
}

// make makes the executors, of which none serves.
func (cl *cluster) make(t testing.TB, each ...func(rank int, c *exec.Config)) {
	t.Helper()
	device, pool := cpu.New(cpu.Config{Threads: 1}), mem.New(mem.Config{Poison: true})
	t.Cleanup(pool.Close)
	for r, c := range cl.comms {
		config := exec.Config{Comm: c, Device: device, Memory: pool, Options: exec.Options{SmallWork: dealOut}}
		for _, f := range each {
			f(r, &config)
		}
		e, err := exec.New(config)
		if err != nil {
			t.Fatal(err)
		}
		cl.execs = append(cl.execs, e)
	}
	cl.Executor = cl.execs[0]
}

// stop ends everything; twice is fine.
func (cl *cluster) stop() {
	for _, e := range cl.execs[:1] {
		e.Close()
	}
	cl.wait.Wait()
	var all sync.WaitGroup
	for r, c := range cl.comms {
		all.Go(func() {
			cl.execs[r].Close()
			c.Close()
		})
	}
	all.Wait()
}

// ranksOf is what a matrix runs over: all, or some where each costs more, with -short and under the race detector.
func ranksOf(all, some []int) []int {
	if raceDetector || testing.Short() {
		return some
	}
	return all
}

// upTo9 are the numbers of ranks at which layouts differ most.
var upTo9 = []int{1, 2, 3, 4, 5, 6, 7, 8, 9}

// uneven deals elements out at random: some ranks get nothing, some nearly all.
func uneven(seed uint64) func(array.Shape, int) partition.Layout {
	return func(shape array.Shape, p int) partition.Layout {
		n := shape.Len()
		rng := rand.New(rand.NewPCG(seed, uint64(n)))
		cuts := []int{n}
		for range p - 1 {
			cuts = append(cuts, rng.IntN(n+1))
		}
		slices.Sort(cuts)
		counts, last := make([]int, p), 0
		for r, c := range cuts {
			counts[r], last = c-last, c
		}
		l, _ := partition.FromCounts(counts)
		return l
	}
}

// wrapped is a device that tells of its runs and may fail.
type wrapped struct {
	exec.Device
	before func(ctx context.Context, l *array.Launch) error
}

func (w *wrapped) Run(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	if err := w.before(ctx, l); err != nil {
		return nil, err
	}
	return w.Device.Run(ctx, l)
}

// column is a reader over a block in memory; it fails outside its limits and after Close.
type column struct {
	block  *array.Block
	closed *bool
}

func (c *column) Len() int { return c.block.Len() }

func (c *column) Read(_ context.Context, lo, hi int) ([]*array.Block, error) {
	if *c.closed {
		return nil, errors.New("read after close")
	}
	if lo < 0 || hi > c.block.Len() {
		return nil, errors.New("read outside the column")
	}
	return []*array.Block{c.block.Slice(lo, hi)}, nil
}

func (c *column) Close() error {
	if *c.closed {
		return errors.New("closed twice")
	}
	*c.closed = true
	return nil
}

func data[T array.Element](t testing.TB, xs []T, shape ...int) *array.Node {
	t.Helper()
	b, err := array.FromSlice(xs, shape...)
	if err != nil {
		t.Fatal(err)
	}
	return array.Data(b, 0)
}

func number[T array.Element](v T) *array.Node { return array.NumberOperand(array.ScalarOf(v)) }

func apply(op array.Op, args ...*array.Node) *array.Node { return array.Apply(op, 0, args...) }

func floats(n int) []float64 {
	xs := make([]float64, n)
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range xs {
		xs[i] = rng.NormFloat64() * 1e3
	}
	return xs
}
