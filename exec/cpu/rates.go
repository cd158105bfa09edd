package cpu

import (
	"context"
	"sync"
	"time"

	"github.com/darray-go/darray/array"
)

// What is measured: a sum of blocks that no cache holds, and a polynomial over blocks that lie in one.
const (
	rateElements  = 8 << 20
	rateCached    = 64 << 10
	rateDegree    = 32
	rateRuns      = 3
	emptyElements = 1
)

// rates is what has been measured so far.
type rates struct {
	sync.Mutex
	launch, memory, ops figure
}

// figure is the least time of some runs.
type figure struct {
	runs int
	best time.Duration
}

// Rates measures the device, at the first call: some 100 ms. The memory is the processor's own, so nothing moves. A context that ends
// meanwhile does not end the run under way, which the next call goes on from: so calls that have little time get there as well.
func (d *Device) Rates(ctx context.Context) (array.Rates, error) {
	r := &d.rates
	r.Lock()
	defer r.Unlock()
	for _, f := range []struct {
		*figure
		n, ops int
	}{{&r.launch, emptyElements, 1}, {&r.memory, rateElements, 1}, {&r.ops, rateCached, rateDegree}} {
		if err := d.measure(ctx, f.figure, f.n, f.ops); err != nil {
			return array.Rates{}, err
		}
	}
	const bytes = 3 * 8 * rateElements
	return array.Rates{
		Launch: r.launch.best, Memory: bytes / r.memory.best.Seconds(), Ops: rateCached * rateDegree / r.ops.best.Seconds(),
	}, nil
}

// measure makes the runs that a figure lacks: of so many elements and ops on each. Unless ctx has ended before, that is one at least.
func (d *Device) measure(ctx context.Context, f *figure, n, ops int) error {
	var l *array.Launch
	whole := context.WithoutCancel(ctx)
	for f.runs < rateRuns {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if l == nil {
			l = ladder(n, ops)
			if _, err := d.Run(whole, l); err != nil { // it touches the memory
				return err
			}
		}
		start := time.Now()
		if _, err := d.Run(whole, l); err != nil {
			return err
		}
		if t := max(time.Since(start), 1); f.runs == 0 || t < f.best {
			f.best = t
		}
		f.runs++
	}
	return nil
}

// ladder is ops on n elements, additions and multiplications by turns.
func ladder(n, ops int) *array.Launch {
	p := &array.Program{Domain: array.Shape{n}, Inputs: []array.Input{{DType: array.Float64}, {DType: array.Float64, Slot: 1}}}
	reg := array.Reg(0)
	for k := range ops {
		op := [2]array.Op{array.Add, array.Multiply}[k%2]
		dst := array.Reg(p.Regs())
		p.Code = append(p.Code, array.Instr{Op: op, In: array.Float64, Out: array.Float64, Dst: dst, Args: []array.Reg{reg, 1}})
		reg = dst
	}
	p.Outputs = []array.Output{{Reg: reg, DType: array.Float64}}
	l := &array.Launch{Program: p, Hi: n, Resident: []bool{true}}
	for range 2 {
		l.Operands = append(l.Operands, array.NewBlock(array.Float64, array.Shape{n}, false))
	}
	l.Results = []*array.Block{array.NewBlock(array.Float64, array.Shape{n}, false)}
	return l
}
