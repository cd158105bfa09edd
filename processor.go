package darray

import (
	"context"
	"errors"
	"runtime"

	"github.com/darray-go/darray/array"
)

// Processor is what this process computes with where no accelerator does.
type Processor struct {
	ISA     string // instruction set of the kernels: "go", "avx2", "avx512"
	Threads int
	Rates   array.Rates // measured; nothing moves, so Up and Down are 0
}

// Processor says what the processor is and measures it, for some 100 ms. The figures are what plans choose devices by.
func (cfg Config) Processor(ctx context.Context) (p Processor, err error) {
	p.Threads = runtime.GOMAXPROCS(0)
	d, err := cfg.device(p.Threads)
	if err != nil {
		return Processor{}, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p.ISA = d.ISA().String()
	p.Rates, err = d.Rates(ctx)
	return p, err
}
