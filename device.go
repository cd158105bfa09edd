package darray

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
)

// Words of Config.Device beside the names of kinds of devices.
const (
	deviceAuto = "auto" // what takes less time, step by step
	deviceCPU  = "cpu"
	deviceSim  = "sim" // the accelerator that was added, simulated
	deviceCUDA = "cuda"
)

// Accelerator is a device with memory of its own that runs what it takes less time for than the processor.
type Accelerator interface {
	exec.Accelerator
	io.Closer
}

// kind is a kind of accelerator that a program has added.
type kind struct {
	name string
	open func(local int, simulated bool) (Accelerator, error)
}

// Use adds a kind of device to the program, for clusters that are made from then on: darray.Use("cuda", cuda.Open). A program
// that does not call it does not link the device's package. open gives a rank its device, by the number of the rank on
// its host; or, if simulated, one that computes the same in software; or says why there is none. Which steps run there, plans say
// (Explain). The last call counts.
func Use[D Accelerator](name string, open func(local int, simulated bool) (D, error)) {
	defaults.kind.Store(&kind{name, func(local int, simulated bool) (Accelerator, error) {
		d, err := open(local, simulated)
		if err != nil {
			return nil, err // and not a D that is nil
		}
		return d, nil
	}})
}

// accelerate opens the accelerator of a rank and puts it into its executor's configuration, or why there is none. What is
// asked for by name must be there.
func (cfg Config) accelerate(local int, c *exec.Config) (Accelerator, error) {
	k := defaults.kind.Load()
	word := cfg.Device
	switch {
	case word == deviceCPU || k == nil && (word == "" || word == deviceAuto):
		return nil, nil
	case k == nil || !slices.Contains([]string{"", deviceAuto, deviceSim, k.name}, word):
		return nil, fmt.Errorf("device %s: this program has not added it; call darray.Use before, as darray.Use(\"cuda\", cuda.Open), or take DARRAY_DEVICE=auto", word)
	}
	open := func() (Accelerator, error) { return k.open(local, cfg.SimulateCUDA || word == deviceSim) }
	if word == "" || word == deviceAuto {
		c.Accelerator = &later{open: open}
		return c.Accelerator.(*later), nil
	}
	d, err := open()
	if err != nil {
		return nil, fmt.Errorf("%w; device %s was asked for, auto does without one", err, word)
	}
	c.Accelerator, c.Accelerate = d, true
	return d, nil
}

// later is an accelerator that is opened when somebody asks how fast it is, as the first plan that may be worth it does: a
// program that computes little should not wait for a driver. The executor asks nothing else before.
type later struct {
	Accelerator
	mu   sync.Mutex
	open func() (Accelerator, error)
	err  error
}

// Rates opens the device; the error says why there is none.
func (l *later) Rates(ctx context.Context) (array.Rates, error) {
	l.mu.Lock()
	if l.Accelerator == nil && l.err == nil {
		l.Accelerator, l.err = l.open()
	}
	l.mu.Unlock()
	if l.err != nil {
		return array.Rates{}, l.err
	}
	return l.Accelerator.Rates(ctx)
}

// Holds reports whether elements lie in its memory.
func (l *later) Holds(at array.Far) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Accelerator != nil && l.Accelerator.Holds(at)
}

// errUnlinked is of an accelerator that stands alone.
var errUnlinked = errors.New("this kind of device has no way to others")

// NewGroup and Join are those of exec.Linked. They are asked after Rates.
func (l *later) NewGroup() ([]byte, error) {
	if d, ok := l.Accelerator.(exec.Linked); ok {
		return d.NewGroup()
	}
	return nil, errUnlinked
}

func (l *later) Join(ctx context.Context, id []byte, rank, ranks int) (array.Group, error) {
	if d, ok := l.Accelerator.(exec.Linked); ok {
		return d.Join(ctx, id, rank, ranks)
	}
	return nil, errUnlinked
}

// Close closes it, if it was opened.
func (l *later) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.Accelerator == nil {
		return nil
	}
	return l.Accelerator.Close()
}
