package exec_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
)

// afar is an accelerator that computes with the processor over memory that nobody else sees.
type afar struct {
	*cpu.Device
	t    testing.TB
	mu   sync.Mutex
	live map[*remote]bool
}

// remote is elements in the memory of an afar.
type remote struct {
	of    *afar
	block *array.Block
	owned atomic.Bool // by a user, who need not release it
}

func newAfar(t testing.TB) *afar {
	a := &afar{Device: cpu.New(cpu.Config{Threads: 1}), t: t, live: make(map[*remote]bool)}
	t.Cleanup(func() {
		a.Device.Close()
		for r := range a.live {
			if !r.owned.Load() {
				t.Errorf("a far block of %d elements was not released", r.block.Len())
			}
		}
	})
	return a
}

func (a *afar) Name() string                   { return "afar" }
func (a *afar) Takes(*array.Program) error     { return nil }
func (a *afar) TakesProduct(array.DType) error { return nil }
func (a *afar) Holds(at array.Far) bool        { m, ok := at.(*remote); return ok && m.of == a }
func (r *remote) Own()                         { r.owned.Store(true) }
func (r *remote) Device() string               { return "afar" }
func (r *remote) Release()                     { r.of.mu.Lock(); defer r.of.mu.Unlock(); delete(r.of.live, r) }

func (a *afar) Rates(context.Context) (array.Rates, error) {
	return array.Rates{Launch: 1, Up: 1e9, Down: 1e9, Memory: 1e12, Ops: 1e12}, nil
}

func (r *remote) Fetch(_ context.Context, dst *array.Block, lo int) error {
	return dst.Overwrite(r.block.Slice(lo, lo+dst.Len()))
}

// put keeps a block here.
func (a *afar) put(b *array.Block) *array.Block {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := &remote{of: a, block: b}
	a.live[r] = true
	return array.FarBlock(b.DType(), b.Len(), b.HasNulls(), r)
}

// near is the elements of an operand, which must be alive.
func (a *afar) near(b *array.Block) (*array.Block, error) {
	at, offset := b.Far()
	if at == nil {
		return b, nil
	}
	r, ok := at.(*remote)
	a.mu.Lock()
	defer a.mu.Unlock()
	if !ok || !a.live[r] {
		return nil, fmt.Errorf("a far block that was released, or is not here")
	}
	return r.block.Slice(offset, offset+b.Len()), nil
}

func (a *afar) Run(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	here := *l
	here.Operands, here.Results = nil, append([]*array.Block(nil), l.Results...)
	for k, b := range l.Operands {
		near, err := a.near(b)
		if err != nil {
			return nil, err
		}
		if at, _ := b.Far(); at == nil && k < len(l.Again) && l.Again[k] {
			l.Operands[k] = a.put(near)
		}
		here.Operands = append(here.Operands, near)
	}
	nullable := l.Program.Nullable(here.Operands)
	for i := range here.Results {
		if o := &l.Program.Outputs[i]; l.Results[i] == nil && i < len(l.Stay) && l.Stay[i] {
			here.Results[i] = array.NewBlock(o.Result(), array.Shape{o.Results(l.Hi) - o.Results(l.Lo)}, nullable[i])
		}
	}
	forests, err := a.Device.Run(ctx, &here)
	for i := range here.Results {
		switch stays := i < len(l.Stay) && l.Stay[i]; {
		case stays && l.Results[i] == nil:
			l.Results[i] = a.put(here.Results[i])
		case stays && !l.Program.Outputs[i].Tree():
			l.Twins[i] = a.put(here.Results[i])
		}
	}
	return forests, err
}

func (a *afar) Multiply(ctx context.Context, p *array.Product) error {
	here := *p
	var err error
	for k, b := range []**array.Block{&here.X, &here.Y} {
		given := *b
		if *b, err = a.near(given); err != nil {
			return err
		}
		if at, _ := given.Far(); at == nil && p.Again[k] {
			*[]**array.Block{&p.X, &p.Y}[k] = a.put(*b)
		}
	}
	if here.Stay = false; p.Result == nil {
		here.Result = array.NewBlock(here.X.DType(), array.Shape{p.Hi - p.Lo}, here.X.HasNulls() || here.Y.HasNulls())
	}
	err = a.Device.Multiply(ctx, &here)
	switch {
	case p.Result == nil:
		p.Result = a.put(here.Result)
	case p.Stay:
		p.Twin = a.put(here.Result)
	}
	return err
}

// TestForgotten: the memory of what was persisted is given back when nothing refers to it any more.
func TestForgotten(t *testing.T) {
	device := newAfar(t)
	cl := local(t, 1, func(_ int, c *exec.Config) { c.Accelerator, c.Accelerate = device, true })
	keep := func() *array.Block {
		kept, err := cl.Persist(context.Background(), []*array.Node{apply(array.Square, data(t, floats(3000)))})
		if err != nil {
			t.Fatal(err)
		}
		return kept[0].Block().Slice(10, 20) // which holds all of it
	}
	live := func() int {
		device.mu.Lock()
		defer device.mu.Unlock()
		return len(device.live)
	}
	part := keep()
	runtime.GC()
	if n := live(); n != 1 {
		t.Fatalf("%d far blocks while one is referred to", n)
	}
	runtime.KeepAlive(part)
	for range 1000 { // cleanups run after a collection, at their leisure
		if live() == 0 {
			return
		}
		runtime.GC()
	}
	t.Error("the memory was not given back")
}

// TestAccelerator holds what the executor does around a device with memory of its own against the reference.
func TestAccelerator(t *testing.T) {
	suite := devicetest.Suite{Open: func(t testing.TB) exec.Accelerator { return newAfar(t) }, Graphs: 20}
	suite.Run(t)
	suite.Apart, suite.Graphs = true, 8
	t.Run("a device for each rank", suite.TestRandomGraphs)
}

// talker is a device that has something to say of the first run.
type talker struct {
	*afar
	said bool
}

func (d *talker) Run(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	if l.Note != nil && !d.said {
		d.said = true
		l.Note("memory is short")
	}
	return d.afar.Run(ctx, l)
}

// TestNoteIsOfItsRun: what a device said of a run that nobody timed is not said of the next one.
func TestNoteIsOfItsRun(t *testing.T) {
	leak.Check(t)
	d := &talker{afar: newAfar(t)}
	cl := local(t, 1, func(_ int, c *exec.Config) { c.Accelerator, c.Accelerate = d, true })
	defer cl.stop()
	if _, err := cl.CollectOne(t.Context(), apply(array.Square, data(t, floats(100)))); err != nil {
		t.Fatal(err)
	}
	_, stats, err := cl.Collect(t.Context(), []*array.Node{apply(array.Square, data(t, floats(10)))})
	if err != nil || !d.said || len(stats.Steps) == 0 {
		t.Fatalf("said: %v, %d steps: %v", d.said, len(stats.Steps), err)
	}
	for _, s := range stats.Steps {
		if s.Note != "" {
			t.Errorf("%s: %q", s.Step, s.Note)
		}
	}
}
