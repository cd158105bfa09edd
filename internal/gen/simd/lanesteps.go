package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/internal/lanes"
)

// The predicates of comparisons and the modes of rounding, as the instructions number them; quiet for NaN.
const (
	predicateLess, predicateLessEqual, predicateEqual       = 0x11, 0x12, 0x00
	predicateNotEqual, predicateUnordered                   = 0x04, 0x03
	roundNearest, roundFloor, roundCeil, roundTrunc   uint8 = 0x08, 0x09, 0x0a, 0x0b
)

// step writes one step, whose operands may lie in memory where an instruction takes them from there.
func (w *laneRoutine) step(id int, n *lanes.Node, at int) {
	args := make([]int, len(n.Args))
	for i, a := range n.Args {
		args[i] = w.value(a)
	}
	switch n.Op {
	case lanes.FMA:
		w.fused(id, args, at, sized(w, w.asm.VFMADD132PD, w.asm.VFMADD132PS), sized(w, w.asm.VFMADD213PD, w.asm.VFMADD213PS), sized(w, w.asm.VFMADD231PD, w.asm.VFMADD231PS))
	case lanes.FMS:
		w.fused(id, args, at, sized(w, w.asm.VFMSUB132PD, w.asm.VFMSUB132PS), sized(w, w.asm.VFMSUB213PD, w.asm.VFMSUB213PS), sized(w, w.asm.VFMSUB231PD, w.asm.VFMSUB231PS))
	case lanes.FNMA:
		w.fused(id, args, at, sized(w, w.asm.VFNMADD132PD, w.asm.VFNMADD132PS), sized(w, w.asm.VFNMADD213PD, w.asm.VFNMADD213PS), sized(w, w.asm.VFNMADD231PD, w.asm.VFNMADD231PS))
	case lanes.Sqrt:
		w.unary(id, args[0], at, func(x operand.Op, to reg.Physical) { sized(w, w.asm.VSQRTPD, w.asm.VSQRTPS)(x, to) })
	case lanes.Round:
		w.unary(id, args[0], at, w.round(roundNearest))
	case lanes.Floor:
		w.unary(id, args[0], at, w.round(roundFloor))
	case lanes.Ceil:
		w.unary(id, args[0], at, w.round(roundCeil))
	case lanes.Trunc:
		w.unary(id, args[0], at, w.round(roundTrunc))
	case lanes.Shl, lanes.Shr:
		x := w.in(args[0], at)
		w.release(at, args...)
		to := w.take(id, at)
		if n.Op == lanes.Shl {
			sized(w, w.asm.VPSLLQ, w.asm.VPSLLD)(operand.U8(n.By), x, to)
		} else {
			sized(w, w.asm.VPSRLQ, w.asm.VPSRLD)(operand.U8(n.By), x, to)
		}
	case lanes.Less:
		w.compare(id, args, at, predicateLess)
	case lanes.LessEqual:
		w.compare(id, args, at, predicateLessEqual)
	case lanes.Equal:
		w.compare(id, args, at, predicateEqual)
	case lanes.NotEqual:
		w.compare(id, args, at, predicateNotEqual)
	case lanes.Unordered:
		w.compare(id, args, at, predicateUnordered)
	case lanes.MAnd, lanes.MOr, lanes.MNot, lanes.MAndNot:
		w.mask(id, n.Op, args, at)
	case lanes.Select:
		w.choose(id, args, at)
	case lanes.Lookup:
		w.lookup(id, n, args[0], at)
	default:
		op, commutes := w.binary(n.Op)
		w.two(id, args, at, op, commutes)
	}
	w.release(at, args...)
	w.release(at, id) // of what nothing reads, which the description should not have
}

// binary is the instruction of a step of two operands, and whether their order matters.
func (w *laneRoutine) binary(op lanes.Op) (instruction, bool) {
	switch op {
	case lanes.Add:
		return sized(w, w.asm.VADDPD, w.asm.VADDPS), true
	case lanes.Sub:
		return sized(w, w.asm.VSUBPD, w.asm.VSUBPS), false
	case lanes.Mul:
		return sized(w, w.asm.VMULPD, w.asm.VMULPS), true
	case lanes.Div:
		return sized(w, w.asm.VDIVPD, w.asm.VDIVPS), false
	case lanes.Min:
		return sized(w, w.asm.VMINPD, w.asm.VMINPS), false
	case lanes.Max:
		return sized(w, w.asm.VMAXPD, w.asm.VMAXPS), false
	case lanes.And:
		return w.asm.VANDPD, true
	case lanes.Or:
		return w.asm.VORPD, true
	case lanes.Xor:
		return w.asm.VXORPD, true
	case lanes.AndNot:
		return w.asm.VANDNPD, false
	case lanes.IAdd:
		return sized(w, w.asm.VPADDQ, w.asm.VPADDD), true
	case lanes.ISub:
		return sized(w, w.asm.VPSUBQ, w.asm.VPSUBD), false
	case lanes.Mul32:
		return w.asm.VPMULUDQ, true
	case lanes.ShlBy:
		return sized(w, w.asm.VPSLLVQ, w.asm.VPSLLVD), false
	case lanes.ShrBy:
		return sized(w, w.asm.VPSRLVQ, w.asm.VPSRLVD), false
	case lanes.IGreater:
		return sized(w, w.asm.VPCMPGTQ, w.asm.VPCMPGTD), false
	case lanes.IEqual:
		return sized(w, w.asm.VPCMPEQQ, w.asm.VPCMPEQD), true
	}
	panic(fmt.Sprintf("no instruction for step %d", op))
}

// two writes an instruction of two operands, of which the second may lie in memory.
func (w *laneRoutine) two(id int, args []int, at int, op instruction, commutes bool) {
	x, y := args[0], args[1]
	if w.p.Nodes[id].Op == lanes.AndNot { // the instruction inverts its first
		x, y = y, x
	}
	if commutes && !w.held(x) && w.held(y) {
		x, y = y, x
	}
	a := w.in(x, at, y)
	b := w.any(y)
	w.release(at, x, y)
	op(b, a, w.take(id, at))
}

func (w *laneRoutine) unary(id, x, at int, op func(operand.Op, reg.Physical)) {
	a := w.any(x)
	w.release(at, x)
	op(a, w.take(id, at))
}

func (w *laneRoutine) round(mode uint8) func(operand.Op, reg.Physical) {
	return func(x operand.Op, to reg.Physical) {
		if w.asm.isa == avx512 {
			sized(w, w.asm.VRNDSCALEPD, w.asm.VRNDSCALEPS)(operand.U8(mode), x, to)
		} else {
			sized(w, w.asm.VROUNDPD, w.asm.VROUNDPS)(operand.U8(mode), x, to)
		}
	}
}

func (w *laneRoutine) compare(id int, args []int, at, predicate int) {
	a := w.in(args[0], at, args[1])
	b := w.any(args[1])
	w.release(at, args...)
	sized(w, w.asm.VCMPPD, w.asm.VCMPPS)(operand.U8(predicate), b, a, w.take(id, at))
}

// mask joins masks.
func (w *laneRoutine) mask(id int, op lanes.Op, args []int, at int) {
	x := w.in(args[0], at, args...)
	y := x
	if len(args) > 1 {
		y = w.in(args[1], at, args...)
	}
	if op == lanes.MNot && w.asm.isa == avx2 {
		w.release(at, args...)
		w.asm.VXORPD(w.asm.constant([]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}), x, w.take(id, at))
		return
	}
	w.release(at, args...)
	to := w.take(id, at)
	wide := w.asm.isa == avx512
	switch { // the last two instructions invert the operand that stands second here
	case op == lanes.MNot:
		sized(w, w.asm.KNOTB, w.asm.KNOTW)(x, to)
	case op == lanes.MAnd && wide:
		sized(w, w.asm.KANDB, w.asm.KANDW)(y, x, to)
	case op == lanes.MAnd:
		w.asm.VANDPD(y, x, to)
	case op == lanes.MOr && wide:
		sized(w, w.asm.KORB, w.asm.KORW)(y, x, to)
	case op == lanes.MOr:
		w.asm.VORPD(y, x, to)
	case wide:
		sized(w, w.asm.KANDNB, w.asm.KANDNW)(x, y, to)
	default:
		w.asm.VANDNPD(x, y, to)
	}
}

// choose writes Select.
func (w *laneRoutine) choose(id int, args []int, at int) {
	m := w.in(args[0], at, args...)
	no := w.in(args[2], at, args...)
	yes := w.any(args[1])
	w.release(at, args...)
	to := w.take(id, at)
	if w.asm.isa == avx512 {
		sized(w, w.asm.VBLENDMPD, w.asm.VBLENDMPS)(yes, no, m, to)
	} else {
		sized(w, w.asm.VBLENDVPD, w.asm.VBLENDVPS)(m, yes, no, to)
	}
}

// fused writes a multiplication and an addition: the instructions overwrite a factor or the summand, and take one operand
// from memory.
func (w *laneRoutine) fused(id int, args []int, at int, op132, op213, op231 instruction) {
	x, y, z := args[0], args[1], args[2]
	if !w.held(x) || w.dies(y, at) && !w.dies(x, at) {
		x, y = y, x // x is the one in a register, and the one that may be overwritten
	}
	w.in(x, at, y, z)
	switch {
	case w.dies(z, at):
		a, b := w.in(x, at, y, z), w.any(y)
		to := w.over(z, id)
		op231(b, a, to)
	case w.dies(x, at) && w.held(y):
		b, c := w.in(y, at, x, z), w.any(z)
		op213(c, b, w.over(x, id))
	case w.dies(x, at) && w.held(z):
		b, c := w.any(y), w.in(z, at, x, y)
		op132(b, c, w.over(x, id))
	default: // z is copied
		a, b, c := w.in(x, at, y, z), w.any(y), w.any(z)
		to := w.take(id, at, x, y, z)
		w.move(c, to)
		op231(b, a, to)
	}
}

// lookup writes the reading of a table.
func (w *laneRoutine) lookup(id int, n *lanes.Node, index, at int) {
	i := w.in(index, at)
	to := w.take(id, at, index)
	w.asm.LEAQ(w.asm.constant(w.p.Tables[n.By].Words), laneScratch)
	words := operand.Mem{Base: laneScratch, Index: i, Scale: 8}
	if w.asm.isa == avx512 {
		m := w.temporary(temporaryMask, at)
		w.asm.KXNORB(m, m, m)
		w.asm.VGATHERQPD(words, m, to)
		return
	}
	m := w.temporary(temporaryVector, at, id, index)
	w.asm.VPCMPEQQ(m, m, m)
	w.asm.VGATHERQPD(m, words, to)
}
