package cpu

import (
	"context"
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

// Rates measures the device, at the first call: some 100 ms. The memory is the processor's own, so nothing moves.
func (d *Device) Rates(ctx context.Context) (array.Rates, error) {
	d.rates.Lock()
	defer d.rates.Unlock()
	if d.rates.known {
		return d.rates.Rates, nil
	}
	sum := func(n, more int) *array.Launch {
		p := &array.Program{Domain: array.Shape{n}, Inputs: []array.Input{{DType: array.Float64}, {DType: array.Float64, Slot: 1}}}
		reg := array.Reg(0)
		for k := range 1 + more {
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
	least := func(l *array.Launch) (time.Duration, error) {
		var best time.Duration
		for k := range 1 + rateRuns { // the first touches the memory
			start := time.Now()
			if _, err := d.Run(ctx, l); err != nil {
				return 0, err
			}
			if t := max(time.Since(start), 1); k <= 1 || t < best {
				best = t
			}
		}
		return best, nil
	}
	empty, err := least(sum(emptyElements, 0))
	if err != nil {
		return array.Rates{}, err
	}
	memory, err := least(sum(rateElements, 0))
	if err != nil {
		return array.Rates{}, err
	}
	ops, err := least(sum(rateCached, rateDegree-1))
	if err != nil {
		return array.Rates{}, err
	}
	const bytes = 3 * 8 * rateElements
	d.rates.Rates = array.Rates{
		Launch: empty, Memory: bytes / memory.Seconds(), Ops: rateCached * rateDegree / ops.Seconds(),
	}
	d.rates.known = true
	return d.rates.Rates, nil
}
