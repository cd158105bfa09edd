// Package cpu runs fused programs on the processor. A program is compiled to steps over registers of 4 KiB, which stay in
// the cache; the steps are loops of package kern. See docs/architecture.md.
package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/blas"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// Config says how a device works. Its zero value is the best that the machine has.
type Config struct {
	Threads int // goroutines that a run may use, the caller's among them; 0: runtime.GOMAXPROCS(0)
	// ISA is the instruction set of the kernels; nil: kern.Best(). The machine must have it (see kern.Parse).
	ISA *kern.ISA
}

// Device runs programs on the processor. It is safe for use by several goroutines at once. Close ends its goroutines.
type Device struct {
	threads int
	kernels *kern.Set
	codes   codes
	parts   partsOf
	crew    crew
	runs    spare[run]
	workers spare[worker]

	// For outputs over axes:
	rounds        spare[round]
	jobs          spare[job]
	rowWorkers    spare[rowWorker]
	columnWorkers spare[columnWorker]
	nodes         nodes

	float64s *blas.Multiplier[float64]
	float32s *blas.Multiplier[float32]

	rates rates
}

// New gives a device. Goroutines are started by the first run that needs them.
func New(c Config) *Device {
	if c.Threads <= 0 {
		c.Threads = runtime.GOMAXPROCS(0)
	}
	isa := kern.Best()
	if c.ISA != nil {
		isa = *c.ISA
	}
	return &Device{
		threads: c.Threads, kernels: kern.New(isa),
		float64s: blas.New[float64](c.Threads, isa), float32s: blas.New[float32](c.Threads, isa),
	}
}

// Name is the device's name in plans.
func (d *Device) Name() string { return "cpu" }

// ISA is the instruction set that the device uses.
func (d *Device) ISA() kern.ISA { return d.kernels.ISA() }

// Close ends the device's goroutines and waits for them, also for a run that they are in. A later Run works on its caller's
// goroutine alone. Safe twice; it gives no error.
func (d *Device) Close() error {
	d.crew.close()
	return nil
}

// Run executes the program over the part of its domain that l describes, filling l.Results, and gives a forest for each
// output that reduces, nil for the others; the slice is not to be changed. It returns when all goroutines are done with l.
// After an error the results are unspecified. Results must not share memory with operands. The program must not change
// after its first run, as its code is kept. Run does not panic on a malformed launch: that is an error and nothing runs.
func (d *Device) Run(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	if hasAxes(l.Program) {
		return d.runAxes(ctx, l)
	}
	code, err := d.codes.find(l, d.kernels)
	if err == nil {
		err = code.check(l)
	}
	if err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	r := d.runs.take()
	members := r.begin(ctx, d, code, l) - 1
	r.users.Store(int64(1 + members))
	offered := d.crew.offer(&r.task, members, d.threads-1, r.wakes)
	d.work(r, 0)
	r.shares.wait()
	revoked := d.crew.revoke(&r.task, offered)
	r.launch, r.ctx = nil, nil
	var forests []array.Forest
	if err = ctx.Err(); err == nil {
		forests = r.reductions()
	}
	d.drop(r, 1+members-offered+revoked)
	return forests, err
}

// spare is values to be used again: as many as were in use at once, so that none is made where nothing changes.
type spare[T any] struct {
	mu   sync.Mutex
	list []*T
}

func (s *spare[T]) take() *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	if n == 0 {
		return new(T)
	}
	v := s.list[n-1]
	s.list = s.list[:n-1]
	return v
}

func (s *spare[T]) put(v *T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, v)
}
