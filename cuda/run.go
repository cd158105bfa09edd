package cuda

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// Runner runs the fused programs of plans on a device: it is an exec.Linked. Runs of several goroutines are done one after
// another. Close it.
type Runner struct {
	d    *Device
	pipe *Pipeline
	done func() error // closes what it was opened with; nil where that is somebody else's

	busy    chan struct{} // one slot: what is being run
	kernels map[kernelKey]*kernel
	texts   map[string]*kernel // of kernels that are no program's
	parts   map[*array.Program]*parts

	lostMu sync.Mutex // of what follows
	lost   error      // of memory that could not be given back
	owned  map[*remote]bool

	bandWork int // see the constant

	measures bool
	spans    []span
}

// slots is how many pieces are under way at once: one goes up, one is computed, one comes down.
const slots = 3

// NewRunner is a runner on a device, which stays the caller's and is to be closed after it.
func NewRunner(d *Device) (*Runner, error) {
	pipe, err := d.Pipeline(slots)
	if err != nil {
		return nil, err
	}
	return &Runner{d: d, pipe: pipe, bandWork: bandWork, busy: make(chan struct{}, 1), owned: make(map[*remote]bool), kernels: make(map[kernelKey]*kernel), texts: make(map[string]*kernel), parts: make(map[*array.Program]*parts)}, nil
}

// Device is what it runs on.
func (r *Runner) Device() *Device { return r.d }

// Name is the device's, as plans print it.
func (r *Runner) Name() string { return r.d.Name() }

// compute is the stream of the kernels, and of all that is not done in pieces.
func (r *Runner) compute() *Stream { return r.pipe.compute }

// kept remembers an error of what has nobody to tell it to, for Close.
func (r *Runner) kept(err error) {
	if err != nil && !errors.Is(err, ErrClosed) {
		r.lostMu.Lock()
		defer r.lostMu.Unlock()
		r.lost = errors.Join(r.lost, err)
	}
}

// Close waits for the device's work and gives back what the runner has, users' far blocks too. Others that are not released by now
// are errors. Safe twice.
func (r *Runner) Close() error {
	_ = r.enter(context.Background()) // which does not end
	defer r.leave()
	var errs []error
	for _, s := range r.spans {
		errs = append(errs, s.from.Close(), s.to.Close())
	}
	r.spans = nil
	for _, k := range r.kernels {
		errs = append(errs, k.module.Close())
	}
	for _, k := range r.texts {
		errs = append(errs, k.module.Close())
	}
	clear(r.kernels)
	clear(r.texts)
	for _, m := range r.users() {
		m.Release()
	}
	errs = append(errs, r.pipe.Close())
	if r.done != nil {
		errs = append(errs, r.done())
		r.done = nil
	}
	r.lostMu.Lock()
	defer r.lostMu.Unlock()
	errs = append(errs, r.lost)
	r.lost = nil
	return errors.Join(errs...)
}

// users is the far blocks that users have.
func (r *Runner) users() []*remote {
	r.lostMu.Lock()
	defer r.lostMu.Unlock()
	return slices.Collect(maps.Keys(r.owned))
}

// Takes says why a program cannot be run here; nil where it can.
func (r *Runner) Takes(p *array.Program) error {
	if err := p.Check(); err != nil {
		return err
	}
	return ptx.Fits(p)
}

// Holds reports whether elements lie in the memory of its device.
func (r *Runner) Holds(at array.Far) bool {
	m, ok := at.(*remote)
	return ok && m.r == r
}

// Run runs the program over a part of its domain: see exec.Device and exec.Accelerator. Operands in memory of the host go up in
// pieces while others are computed and come down; what stays on the device is there as soon as later work needs it.
func (r *Runner) Run(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	if err := r.enter(ctx); err != nil {
		return nil, err
	}
	defer r.leave()
	forests, err := r.do(ctx, l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name(), err)
	}
	return forests, nil
}

// enter waits for its turn, or until ctx ends.
func (r *Runner) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case r.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *Runner) leave() { <-r.busy }

// do is Run in its turn.
func (r *Runner) do(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	if err := check(l); err != nil {
		return nil, err
	}
	for slot, b := range l.Operands {
		if err := r.reaches(b); err != nil {
			return nil, fmt.Errorf("operand %d: %w", slot, err)
		}
	}
	if p := r.partsOf(l.Program); p != nil {
		return r.runShort(ctx, l, p)
	}
	return r.run(ctx, l)
}

// run runs a program that one kernel does.
func (r *Runner) run(ctx context.Context, l *array.Launch) (forests []array.Forest, err error) {
	j := &job{r: r, l: l, n: l.Hi - l.Lo, s: r.compute()}
	defer func() {
		if end := j.end(ctx, err); err == nil {
			err = end
		}
	}()
	if err = j.place(ctx); err != nil {
		return nil, err
	}
	if err = j.pieces(ctx); err != nil {
		return nil, err
	}
	return j.finish(ctx)
}

// reaches says why a block cannot be read here: it lies in the memory of another device, or was released.
func (r *Runner) reaches(b *array.Block) error {
	far, _ := farOf(b)
	switch m, ok := far.(*remote); {
	case far == nil:
	case !ok || m.r != r:
		return fmt.Errorf("%w: it lies in the memory of another device, %s", array.ErrGraph, far.Device())
	case m.released.Load():
		return errReleased
	}
	return nil
}

// check reports what is wrong with a launch, before anything is done for it.
func check(l *array.Launch) error {
	p := l.Program
	if p == nil {
		return fmt.Errorf("%w: no program", array.ErrGraph)
	}
	n := l.Hi - l.Lo
	if l.Lo < 0 || n < 0 || l.Hi > max(p.Domain.Len(), 1) {
		return fmt.Errorf("%w: elements [%d, %d) of %d", array.ErrShape, l.Lo, l.Hi, p.Domain.Len())
	}
	for i, in := range p.Inputs {
		if in.Kind != array.InputBlock && in.Kind != array.InputBroadcast {
			continue
		}
		switch {
		case in.Slot < 0 || in.Slot >= len(l.Operands) || l.Operands[in.Slot] == nil:
			return fmt.Errorf("%w: input %d reads operand %d, there are %d", array.ErrGraph, i, in.Slot, len(l.Operands))
		case l.Operands[in.Slot].DType() != in.DType:
			return fmt.Errorf("%w: operand %d is %s, not %s", array.ErrDType, in.Slot, l.Operands[in.Slot].DType(), in.DType)
		case in.Kind == array.InputBlock && l.Operands[in.Slot].Len() != n:
			return fmt.Errorf("%w: operand %d has %d elements, not %d", array.ErrShape, in.Slot, l.Operands[in.Slot].Len(), n)
		}
	}
	if len(l.Results) != len(p.Outputs) {
		return fmt.Errorf("%w: %d results for %d outputs", array.ErrGraph, len(l.Results), len(p.Outputs))
	}
	for i := range p.Outputs {
		o := &p.Outputs[i]
		stays := i < len(l.Stay) && l.Stay[i]
		switch b := l.Results[i]; {
		case o.Tree() || stays && b == nil:
		case b == nil || b.Len() != o.Results(l.Hi)-o.Results(l.Lo) || b.DType() != o.Result():
			return fmt.Errorf("%w: result %d is no block of %d %s", array.ErrShape, i, o.Results(l.Hi)-o.Results(l.Lo), o.Result())
		}
	}
	return nil
}
