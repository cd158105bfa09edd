package cuda

import (
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// kernelKey is what a kernel is made for: programs do not change, so that their address says which.
type kernelKey struct {
	program *array.Program
	form    string // a byte a slot, then a byte an output
}

// formOf is a form as a key has it.
func formOf(form ptx.Form, key []byte) []byte {
	for slot := range form.Nulls {
		key = append(key, flag(form.Nulls[slot])|flag(form.Aligned[slot])<<1)
	}
	for _, nullable := range form.Nullable {
		key = append(key, flag(nullable))
	}
	return key
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// kernel is a kernel that the driver has compiled.
type kernel struct {
	*ptx.Kernel
	module *Module
	f      *Func
	blocks int // as many fill the device
}

// mostKernels bounds what is kept; modules are kept by text besides, so that forgetting all costs little.
const mostKernels = 1024

// kernel gives the kernel of a program in a form.
func (r *Runner) kernel(p *array.Program, form ptx.Form) (*kernel, error) {
	key := kernelKey{p, string(formOf(form, make([]byte, 0, 64)))}
	if k := r.kernels[key]; k != nil {
		return k, nil
	}
	text, err := ptx.Build(p, form)
	if err != nil {
		return nil, err
	}
	k, err := r.load(text)
	if err != nil {
		return nil, err
	}
	if len(r.kernels) >= mostKernels {
		for key, old := range r.kernels {
			if err := old.module.Close(); err != nil {
				return nil, err
			}
			delete(r.kernels, key)
		}
	}
	r.kernels[key] = k
	return k, nil
}

// load has the driver compile a kernel.
func (r *Runner) load(text *ptx.Kernel) (*kernel, error) {
	m, err := r.d.Load(text.Text)
	if err != nil {
		return nil, err
	}
	k := &kernel{Kernel: text, module: m}
	if k.f, err = m.Func(text.Name); err == nil {
		k.blocks, err = k.f.Blocks(text.Threads, text.Shared)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (the module is given back: %v)", err, m.Close())
	}
	return k, nil
}

// launch queues the kernel over n of what its Count counts, with its parameters.
func (k *kernel) launch(s *Stream, n int, params []uint64) error {
	if n == 0 {
		return nil
	}
	blocks := min((n+k.Unit-1)/k.Unit, max(k.blocks, 1))
	return k.f.Launch(s, Dim{blocks}, Dim{k.Threads}, k.Shared, params)
}
