package compute

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/bench/talk"
	"github.com/darray-go/darray/cuda"
)

// card is darray on a GPU.
type card struct {
	engine
	runner *cuda.Runner
	sets   [][]darray.Array // of operands in the GPU's memory, which take turns
	next   int
	name   string
	n      int
}

// openCard opens the GPU, or a simulated one.
func openCard(device string) (*darray.Cluster, *cuda.Runner, error) {
	cfg, err := darray.ConfigFromEnv()
	if err != nil {
		return nil, nil, err
	}
	cfg.Device, cfg.SimulateCUDA = device, false
	var runner *cuda.Runner
	darray.Use("cuda", func(local int, sim bool) (*cuda.Runner, error) {
		r, err := cuda.Open(local, sim)
		runner = r
		return r, err
	})
	cluster, err := cfg.Local(1)
	return cluster, runner, err
}

func newCard(device string) (talk.Player, string, error) {
	cluster, runner, err := openCard(device)
	if err != nil {
		return nil, "", err
	}
	return &card{engine: engine{cluster: cluster}, runner: runner}, fmt.Sprintf("darray on %s, %s, GOMAXPROCS %d", runner.Device().Info(), runtime.Version(), runtime.GOMAXPROCS(0)), nil
}

// Operands of less than setsBytes together are made several times, up to mostSets, each time with other elements: together they are
// more than the cache of a GPU holds.
const (
	setsBytes = 256 << 20
	mostSets  = 16
)

// setsOf is how many sets of operands take turns, as in rivals/gpu.py.
func (k kernel) setsOf(n, size int) int {
	bytes := k.operands * size * k.elements(n)
	if bytes < 1<<16 { // of so few the launch is what is measured
		return 1
	}
	return max(1, min(mostSets, setsBytes/bytes))
}

// prepare makes the operands in the host's memory; play brings them to the GPU where they are to be there.
func (c *card) Prepare(q talk.Question) error {
	if err := c.Free(); err != nil {
		return err
	}
	if err := c.engine.Prepare(q); err != nil {
		return err
	}
	c.name, c.n = q.Kernel, q.N
	plan, err := c.cluster.Explain(context.Background(), c.recipe(c.in)...)
	if err != nil {
		return err
	}
	if why := plan.Refused(); len(why) > 0 { // the processor would do it
		return fmt.Errorf("%w: not on the GPU: %w", talk.ErrUnavailable, errors.Join(why...))
	}
	return nil
}

// raise brings the sets to the GPU: the first as it is, the others shifted.
func (c *card) raise(ctx context.Context) error {
	if c.sets != nil {
		return nil
	}
	k, _ := findKernel(c.name)
	count := k.setsOf(c.n, c.in[0].DType().Size())
	if c.runner.Device().Info().Simulated {
		count = min(count, 2)
	}
	for i := range count {
		in := c.in
		if i > 0 {
			var err error
			if in, err = makeOperands(k, c.in[0].DType().String(), c.n, i); err != nil {
				return err
			}
		}
		set, err := c.cluster.Persist(ctx, in...)
		if err != nil {
			return err
		}
		c.sets = append(c.sets, set)
	}
	return nil
}

// set is the operands of the next call.
func (c *card) set() []darray.Array {
	c.next++
	return c.sets[c.next%len(c.sets)]
}

func (c *card) Play(mode string) (call func() error, check func() ([]float64, error), err error) {
	ctx := context.Background()
	if c.recipe == nil {
		return nil, nil, fmt.Errorf("%w: nothing is prepared", talk.ErrUnavailable)
	}
	collect := func(in []darray.Array) func() ([]*darray.Block, error) {
		return func() ([]*darray.Block, error) { return c.cluster.Collect(ctx, c.recipe(in)...) }
	}
	if mode == Host {
		run := collect(c.in)
		call = func() error {
			_, err := run()
			return err
		}
		return call, summaryOf(run), nil
	}
	if err := c.raise(ctx); err != nil {
		return nil, nil, err
	}
	make := func(x []darray.Array) darray.Array { return c.recipe(x)[0] }
	if c.name == "compile" {
		make = func(x []darray.Array) darray.Array { return chain(x, rand.Uint32()) }
	}
	call = func() error {
		a, err := c.cluster.Persist(ctx, make(c.set())) // a scalar comes to the host
		if err == nil {
			a[0].Release()
		}
		return err
	}
	return call, summaryOf(collect(c.sets[0])), nil
}

// summaryOf sums up the blocks of a call.
func summaryOf(run func() ([]*darray.Block, error)) func() ([]float64, error) {
	return func() ([]float64, error) {
		blocks, err := run()
		if err != nil {
			return nil, err
		}
		return blockSummary(blocks)
	}
}

// chain is compileOps ops, + or * by the bits of ops.
func chain(x []darray.Array, ops uint32) darray.Array {
	y := x[0]
	for i := range compileOps {
		if ops>>i&1 == 0 {
			y = darray.Add(y, x[1])
		} else {
			y = darray.Multiply(y, x[1])
		}
	}
	return y
}

// Batch is calls in a row: by the host's clock up to the end of the last, or by the GPU's events.
func (c *card) Batch(mode string, inner int, call func() error) (float64, error) {
	ctx := context.Background()
	c.runner.Measure(mode == Kernel)
	defer c.runner.Measure(false)
	start := time.Now()
	for i := range inner {
		if i == inner-1 { // whose end is waited for
			c.runner.Measure(true)
		}
		if err := call(); err != nil {
			return 0, err
		}
	}
	kernels, _, err := c.runner.Kernels(ctx)
	took := time.Since(start).Seconds()
	if mode == Kernel {
		took = kernels.Seconds()
	}
	return took, err
}

func (c *card) Free() error {
	for _, set := range c.sets {
		for _, a := range set {
			a.Release()
		}
	}
	*c = card{engine: engine{cluster: c.cluster}, runner: c.runner}
	return c.runner.Device().Trim()
}

// copies is the GPU's memory as a contender: it copies as many bytes as a kernel reads and writes.
type copies struct {
	cluster  *darray.Cluster
	d        *cuda.Device
	s        *cuda.Stream
	from, to *cuda.Buffer
	n        int
	start    *cuda.Event
	end      *cuda.Event
}

func newCopies(device string) (talk.Player, string, error) {
	cluster, runner, err := openCard(device)
	if err != nil {
		return nil, "", err
	}
	d := runner.Device()
	c := &copies{cluster: cluster, d: d}
	if c.s, err = d.Stream(); err == nil {
		c.start, err = d.Event(true)
	}
	if err == nil {
		c.end, err = d.Event(true)
	}
	return c, fmt.Sprintf("copies in the memory of %s: the limit", d.Name()), err
}

func (c *copies) Prepare(q talk.Question) error {
	if err := c.Free(); err != nil {
		return err
	}
	k, known := findKernel(q.Kernel)
	if !known || k.matrix || q.N < 2 {
		return fmt.Errorf("%w: no copy is its limit", talk.ErrUnavailable)
	}
	ctx := context.Background()
	c.n = int(k.bytes(q.N, sizeOf(q.DType))) / 2
	sets := k.setsOf(q.N, sizeOf(q.DType)) // as far apart as the operands of the others
	if c.d.Info().Simulated {
		sets = min(sets, 2)
	}
	var err error
	if c.from, err = c.d.Alloc(ctx, c.n*sets); err == nil {
		c.to, err = c.d.Alloc(ctx, c.n*sets)
	}
	if err == nil {
		err = errors.Join(c.s.Fill(c.from, 0, c.n*sets, 1), c.s.Sync(ctx))
	}
	return err
}

// Play has nothing to check: it is not a kernel's result.
func (c *copies) Play(string) (call func() error, check func() ([]float64, error), err error) {
	if c.from == nil {
		return nil, nil, fmt.Errorf("%w: nothing is prepared", talk.ErrUnavailable)
	}
	at := 0
	call = func() error {
		if at += c.n; at+c.n > c.from.Len() {
			at = 0
		}
		return c.s.Copy(c.to, at, c.from, at, c.n)
	}
	return call, func() ([]float64, error) { return nil, nil }, nil
}

// Batch is copies in a row, by the host's clock or the GPU's.
func (c *copies) Batch(mode string, inner int, call func() error) (float64, error) {
	ctx := context.Background()
	if err := c.s.Sync(ctx); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := c.s.Record(c.start); err != nil {
		return 0, err
	}
	for range inner {
		if err := call(); err != nil {
			return 0, err
		}
	}
	if err := errors.Join(c.s.Record(c.end), c.end.Sync(ctx)); err != nil {
		return 0, err
	}
	if mode == Kernel {
		t, err := c.end.Since(c.start)
		return t.Seconds(), err
	}
	return time.Since(start).Seconds(), nil
}

func (c *copies) Free() error {
	var errs []error
	for _, b := range []*cuda.Buffer{c.from, c.to} {
		if b != nil {
			errs = append(errs, b.Free())
		}
	}
	c.from, c.to, c.n = nil, nil, 0
	return errors.Join(append(errs, c.d.Trim())...)
}
