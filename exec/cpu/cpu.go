// Package cpu runs fused programs on the processor, by typed loops over chunks that stay in the cache.
package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/darray-go/darray/array"
)

const (
	// chunk is the elements of a register. It is a leaf of the reduction tree, so that a fold over a register is a leaf; the
	// handful of registers that a program has alive at once stay in the first two levels of cache.
	chunk = array.LeafSize
	// morsel is the elements that a goroutine takes at a time: large against the cost of taking one, small against an array.
	morsel = 128 * chunk
)

// Device runs programs on the processor. It is safe for use by several goroutines at once.
type Device struct {
	threads int
	workers sync.Pool // of *worker: their registers are reused
}

// New gives a device that uses up to so many goroutines a run; 0 means runtime.GOMAXPROCS(0).
func New(threads int) *Device {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return &Device{threads: threads}
}

// Name is the device's name in plans.
func (d *Device) Name() string { return "cpu" }

// Run executes the program over the part of its domain that l describes, filling l.Results, and gives a forest for each
// output that reduces, nil for the others. It waits for its goroutines. After an error the results are unspecified.
// Results must not share memory with operands. It does not panic on a malformed launch: that is an error and nothing runs.
func (d *Device) Run(ctx context.Context, l *array.Launch) ([]array.Forest, error) {
	code, err := compile(l.Program)
	if err == nil {
		err = code.check(l)
	}
	if err != nil {
		return nil, fmt.Errorf("cpu: %w", err)
	}
	n := l.Hi - l.Lo
	r := &run{code: code, launch: l, morsels: (n + morsel - 1) / morsel}
	r.forests = make([]array.Forest, r.morsels*len(l.Program.Outputs))
	threads := min(d.threads, r.morsels)
	if code.unaligned(l) {
		threads = 1 // neighbouring chunks share a byte of a result
	}
	var wait sync.WaitGroup
	for range threads - 1 {
		wait.Go(func() { d.work(ctx, r) })
	}
	d.work(ctx, r)
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.merge(), nil
}

// run is one launch under way.
type run struct {
	code    *code
	launch  *array.Launch
	morsels int
	next    atomic.Int64   // the next morsel to take
	forests []array.Forest // by morsel, then output
}

// work takes morsels until none is left or ctx ends.
func (d *Device) work(ctx context.Context, r *run) {
	w, _ := d.workers.Get().(*worker)
	if w == nil {
		w = &worker{}
	}
	w.begin(r)
	defer func() {
		w.end()
		d.workers.Put(w)
	}()
	for ctx.Err() == nil {
		m := int(r.next.Add(1)) - 1
		if m >= r.morsels {
			return
		}
		w.forests = r.forests[m*len(r.launch.Program.Outputs):][:len(r.launch.Program.Outputs)]
		end := min((m+1)*morsel, w.part)
		for k := m * morsel; k < end; k += chunk {
			w.chunk(k)
		}
		if r.launch.Progress != nil {
			r.launch.Progress(end - m*morsel)
		}
	}
}

// merge joins the morsels' forests in order, so that they are the same for any number of goroutines.
func (r *run) merge() []array.Forest {
	outputs := r.launch.Program.Outputs
	if r.morsels == 1 {
		return r.forests
	}
	merged := make([]array.Forest, len(outputs))
	for i, o := range outputs {
		if !o.Reduce {
			continue
		}
		acc := array.AccumulatorType(o.Op, o.DType)
		merged[i] = array.Forest{}
		for m := range r.morsels {
			for _, p := range r.forests[m*len(outputs)+i] {
				merged[i] = merged[i].Push(o.Op, acc, p)
			}
		}
	}
	return merged
}
