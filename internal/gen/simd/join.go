package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/operand"

	"github.com/darray-go/darray/array"
)

// joinKernels join the lanes of a leaf to one.
func joinKernels(k *kernUnit) {
	for _, isa := range isas {
		for _, f := range foldings {
			for _, group := range f.dtypes {
				if acc := group[0]; array.AccumulatorType(f.op, acc) == acc && acc.Size()*array.Lanes >= isa.width {
					k.join(f, isa, group)
				}
			}
		}
	}
}

// join writes one routine.
func (k *kernUnit) join(f folding, isa isa, group []array.DType) {
	acc := group[0]
	name := "join" + f.op.Info().Func + goName(acc)
	r := k.unit.routine(name, isa, "func(s *byte)", fmt.Sprintf("joins lane l of s with l+16, then l+8, l+4, l+2 and l+1 by %s; lane 0 is the result.", f.op))
	state := r.param("s")
	var constants []vec
	if f.constants != nil {
		constants = f.constants(r, acc)
	}
	lanes := make([]vec, array.Lanes*acc.Size()/isa.width)
	for i := range lanes {
		lanes[i] = r.load(operand.Mem{Base: state, Disp: i * isa.width})
	}
	r.VMOVQ(r.joined(f, acc, lanes, constants).AsX(), operand.Mem{Base: state})
	r.end()
	for _, s := range group {
		k.add(isa, "join", name, 1, "array."+f.op.Info().Func, "array."+goName(s))
	}
}

// joined joins lanes pairwise. While there are several vectors, the first half of them joins the second: lane l lane l+16,
// and so on. Then the upper half of the vector's lanes comes down to the lower one; what the upper lanes compute is not used.
func (r *routine) joined(f folding, acc array.DType, lanes, constants []vec) vec {
	lanes = slices.Clone(lanes)
	for half := len(lanes) / 2; half > 0; half /= 2 {
		for i := range half {
			lanes[i] = f.join(r, acc, lanes[i], lanes[i+half], constants)
		}
	}
	v := lanes[0]
	for bytes := r.isa.width / 2; bytes >= acc.Size(); bytes /= 2 {
		v = f.join(r, acc, v, r.down(v, bytes), constants)
	}
	return v
}

// down moves bytes from there on to the lowest ones; the others mean nothing.
func (r *routine) down(v vec, bytes int) vec {
	out := r.vec()
	switch {
	case bytes == 32:
		r.VSHUFI64X2(operand.U8(0b11_10), v, v, out)
	case bytes == 16 && r.isa == avx512:
		r.VSHUFI64X2(operand.U8(1), v, v, out)
	case bytes == 16:
		r.VPERMQ(operand.U8(0b11_10), v, out)
	case bytes == 8:
		r.VPSHUFD(operand.U8(0b11_10), v, out)
	case bytes == 4:
		r.VPSHUFD(operand.U8(1), v, out)
	case bytes == 2:
		return r.shiftRight(4, v, 16)
	default:
		return r.shiftRight(2, v, 8)
	}
	return out
}
