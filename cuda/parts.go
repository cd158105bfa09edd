package cuda

import (
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// parts is a program with outputs that a fused kernel does not compute on its way: over axes, scans, and reductions whose nodes are more
// than an accumulator. They are computed from their registers, which the fused program leaves on the device, or from an operand.
type parts struct {
	fused *array.Program // the other outputs, then the registers; nil where it has none
	plain []int          // by the first outputs of fused: their numbers in the program
	over  []part         // the others
}

// part is an output that is computed from a buffer.
type part struct {
	output int
	slot   int // of the operand that it is about; -1: it is about
	reg    int // this output of fused
}

// mostParts bounds what is kept.
const mostParts = 1024

// partsOf takes a program apart; nil where a fused kernel does all of it.
func (r *Runner) partsOf(p *array.Program) *parts {
	if ptx.Plain(p) {
		return nil
	}
	if known := r.parts[p]; known != nil {
		return known
	}
	fused := *p
	fused.Outputs = nil
	out := &parts{}
	for i, o := range p.Outputs {
		if !over(&o) {
			fused.Outputs, out.plain = append(fused.Outputs, o), append(out.plain, i)
		}
	}
	known := make(map[array.Reg]int)
	for i, o := range p.Outputs {
		switch in := int(o.Reg); {
		case !over(&o):
		case in < len(p.Inputs) && p.Inputs[in].Kind == array.InputBlock:
			out.over = append(out.over, part{output: i, slot: p.Inputs[in].Slot})
		default:
			at, ok := known[o.Reg]
			if !ok {
				at = len(fused.Outputs)
				known[o.Reg] = at
				fused.Outputs = append(fused.Outputs, array.Output{Reg: o.Reg, DType: o.DType})
			}
			out.over = append(out.over, part{output: i, slot: -1, reg: at})
		}
	}
	if len(fused.Outputs) > 0 {
		out.fused = &fused
	}
	if len(r.parts) >= mostParts {
		clear(r.parts)
	}
	r.parts[p] = out
	return out
}

// over reports whether an output is computed from a buffer.
func over(o *array.Output) bool {
	one := array.Program{Outputs: []array.Output{*o}}
	return !ptx.Plain(&one)
}

// reads reports whether some part is about an operand itself.
func (p *parts) reads(slot int) bool {
	return slices.ContainsFunc(p.over, func(at part) bool { return at.slot == slot })
}
