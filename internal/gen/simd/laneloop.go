package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/lanes"
)

// Where the routine keeps what it counts by, and the address of a table or whether a region is entered.
var (
	laneDst, laneN, lanePast, laneScratch = reg.RDI, reg.RCX, reg.R8, reg.RAX
	laneOperands                          = []reg.GPPhysical{reg.RSI, reg.RDX}
	// Of the rest: the elements that are left, those of the vector on the stack, where they go, and an index.
	laneRest, laneCount, laneTail, laneIndex = reg.R9, reg.R10, reg.R11, reg.R12
)

// laneLoop writes the routine of a function over elements of type d.
func (u *unit) laneLoop(name string, isa isa, d array.DType, arity int, p *lanes.Program) {
	r := u.routine(name, isa, "func(dst, x, y *byte, n int, past bool)",
		fmt.Sprintf("is dst[i] = %s of n elements, not 0; past: stores go past the caches, where dst is a multiple of %d.", name, isa.width))
	u.Attributes(0 &^ attr.NOSPLIT)
	w := &laneRoutine{asm: r, arity: arity, dtype: d, p: p, uses: map[int][]int{}, at: map[int]int{}, ends: map[int]int{}}
	w.vregs, w.kregs, w.slot = empty(16), nil, map[int]int{}
	if isa == avx512 {
		w.vregs, w.kregs = empty(32), empty(8)
	}
	end := w.number(p.Body, 0)
	for _, result := range p.Results {
		w.reads(result, end)
	}
	w.begin(arity)
	r.Label("loop")
	w.body(p.Body)
	w.store()
	for _, a := range append([]reg.GPPhysical{laneDst}, laneOperands[:arity]...) {
		r.ADDQ(operand.U32(uint32(w.stride()*d.Size())), a)
	}
	r.SUBQ(operand.U32(uint32(w.stride())), laneN)
	r.JNE(operand.LabelRef("loop"))
	w.rest(arity)
	r.end()
	for len(w.regions) > 0 {
		first := w.regions[0]
		w.regions = w.regions[1:]
		first()
	}
}

// empty is n registers that hold nothing.
func empty(n int) []int { return slices.Repeat([]int{noValue}, n) }

// begin loads the arguments and goes to the rest where it is all there is.
func (w *laneRoutine) begin(arity int) {
	w.asm.Load(w.asm.Param("dst"), laneDst)
	w.asm.Load(w.asm.Param("n"), laneN)
	w.asm.Load(w.asm.Param("past"), lanePast.As8())
	for i := range arity {
		w.asm.Load(w.asm.Param("xy"[i:i+1]), laneOperands[i])
	}
	w.asm.XORL(laneTail.As32(), laneTail.As32())
	w.asm.MOVQ(laneN, laneRest)
	w.asm.ANDQ(operand.U32(uint32(w.stride()-1)), laneRest)
	w.asm.SUBQ(laneRest, laneN)
	w.asm.JEQ(operand.LabelRef("rest"))
}

// rest does what is less than a vector as one vector on the stack, whose other lanes repeat the last element.
func (w *laneRoutine) rest(arity int) {
	move, scratch := w.asm.MOVQ, []reg.Register{reg.RAX, reg.RBX}
	if w.dtype == array.Float32 {
		move, scratch = w.asm.MOVL, []reg.Register{reg.EAX, reg.EBX}
	}
	size := w.dtype.Size()
	bytes := w.stride() * size
	out := w.asm.AllocLocal(bytes)
	in := []operand.Mem{w.asm.AllocLocal(bytes), w.asm.AllocLocal(bytes)}[:arity]
	w.asm.Label("rest")
	w.asm.TESTQ(laneRest, laneRest)
	w.asm.JEQ(operand.LabelRef("tail"))
	w.asm.XORL(laneIndex.As32(), laneIndex.As32())
	w.asm.Label("in")
	for i := range in {
		move(operand.Mem{Base: laneOperands[i], Index: laneIndex, Scale: uint8(size)}, scratch[i])
	}
	w.asm.Label("fill")
	for i := range in {
		move(scratch[i], in[i].Idx(laneIndex, uint8(size)))
	}
	w.asm.INCQ(laneIndex)
	w.asm.CMPQ(laneIndex, laneRest)
	w.asm.JB(operand.LabelRef("in"))
	w.asm.CMPQ(laneIndex, operand.U32(uint32(w.stride())))
	w.asm.JB(operand.LabelRef("fill"))
	w.asm.MOVQ(laneDst, laneTail)
	w.asm.LEAQ(out, laneDst)
	for i := range in {
		w.asm.LEAQ(in[i], laneOperands[i])
	}
	w.asm.XORL(lanePast.As32(), lanePast.As32())
	w.asm.MOVQ(operand.U32(uint32(w.stride())), laneN)
	w.asm.MOVQ(laneRest, laneCount)
	w.asm.XORL(laneRest.As32(), laneRest.As32())
	w.asm.JMP(operand.LabelRef("loop"))
	w.asm.Label("tail")
	w.asm.TESTQ(laneTail, laneTail)
	w.asm.JEQ(operand.LabelRef("done"))
	w.asm.Label("out")
	w.asm.DECQ(laneCount)
	move(out.Idx(laneCount, uint8(size)), scratch[0])
	move(scratch[0], operand.Mem{Base: laneTail, Index: laneCount, Scale: uint8(size)})
	w.asm.JNE(operand.LabelRef("out"))
	w.asm.Label("done")
}

// store writes the results.
func (w *laneRoutine) store() {
	const never = math.MaxInt / 2
	var results []reg.Physical
	for _, id := range w.p.Results {
		held := w.in(w.value(id), never, w.p.Results...)
		if w.converts() {
			held = w.narrowed(held)
		}
		results = append(results, held)
	}
	write := func(move func(from, to operand.Op)) {
		for i, held := range results {
			move(held, operand.Mem{Base: laneDst, Disp: i * w.lanes() * w.dtype.Size()})
		}
	}
	w.asm.TESTB(lanePast.As8(), lanePast.As8())
	w.asm.JNE(operand.LabelRef("past"))
	write(func(from, to operand.Op) { w.asm.VMOVUPS(from, to) })
	w.asm.Label("stored")
	w.regions = append([]func(){func() {
		w.asm.Label("past")
		write(func(from, to operand.Op) { w.asm.VMOVNTPS(from, to) })
		w.asm.JMP(operand.LabelRef("stored"))
	}}, w.regions...)
	for i := range w.vregs {
		w.vregs[i] = noValue
	}
}

// narrowed is lanes of float64 as float32, in the lower half of their register.
func (w *laneRoutine) narrowed(wide reg.Physical) reg.Physical {
	if w.asm.isa == avx512 {
		half := reg.LookupPhysical(reg.KindVector, wide.PhysicalIndex(), reg.S256)
		w.asm.VCVTPD2PS(wide, half)
		return half
	}
	half := reg.LookupPhysical(reg.KindVector, wide.PhysicalIndex(), reg.S128)
	w.asm.VCVTPD2PSY(wide, half)
	return half
}
