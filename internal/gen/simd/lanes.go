package main

import (
	"fmt"
	"math"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/lanes"
)

// laneRoutine writes a lanes.Program as a loop over vectors. avo's own registers do for loops of a few values; here are more
// than a processor has, and regions that few vectors enter: so registers are given out here, in the order of the steps, and
// what is read farthest ahead goes to the stack when they run out (Belady, "A study of replacement algorithms for a virtual-
// storage computer", 1966). A region is written behind the loop; it keeps what it uses on the stack, and puts the registers
// back before it returns.
type laneRoutine struct {
	asm   *routine
	arity int
	dtype array.DType
	p     *lanes.Program
	uses  map[int][]int // by value: the positions that read it
	at    map[int]int   // by step: its position
	ends  map[int]int   // by region: the position behind it
	state
	slots   []operand.Mem
	regions []func()
	labels  int
}

// state is what registers and the stack hold: values by number, or none.
type state struct {
	vregs, kregs []int
	slot         map[int]int
}

// What a register holds that holds no value: nothing, or what one step needs for itself.
const noValue, temporaryVector, temporaryMask = -1, -2, -3

func (s state) clone() state {
	c := state{slices.Clone(s.vregs), slices.Clone(s.kregs), map[int]int{}}
	for v, at := range s.slot {
		c.slot[v] = at
	}
	return c
}

// lanes is how many elements a vector has; stride, how many the loop does at a time.
func (w *laneRoutine) lanes() int { return w.asm.isa.width * 8 / w.p.Width }

func (w *laneRoutine) stride() int { return w.lanes() * len(w.p.Results) }

// argument is where the vector of an operand is.
func (w *laneRoutine) argument(by int) operand.Mem {
	return operand.Mem{Base: laneOperands[by%w.arity], Disp: by / w.arity * w.lanes() * w.dtype.Size()}
}

// converts reports whether elements are float32 in memory and float64 in lanes.
func (w *laneRoutine) converts() bool { return w.dtype == array.Float32 && w.p.Width == 64 }

// sized is the instruction for lanes of 64 or of 32 bits; a mask of those has 8 bits or 16.
func sized[I any](w *laneRoutine, wide, narrow I) I {
	if w.p.Width == 32 {
		return narrow
	}
	return wide
}

// number gives each step its position, and each value those that read it.
func (w *laneRoutine) number(body []int, at int) int {
	for _, id := range body {
		n := &w.p.Nodes[id]
		w.at[id] = at
		if n.Op != lanes.Joined && n.Op != lanes.Retype {
			for _, a := range n.Args {
				w.reads(a, at)
			}
		}
		if n.Op == lanes.Rare {
			first := at
			at = w.number(n.Body, at+1)
			for k := range n.Fast {
				if n.Fast[k] != noValue {
					w.reads(n.Fast[k], first)
					w.reads(n.Slow[k], at)
				}
			}
			w.reads(n.Args[0], at)
			w.ends[id] = at
		}
		at++
	}
	return at
}

func (w *laneRoutine) reads(id, at int) {
	id = w.value(id)
	w.uses[id] = append(w.uses[id], at)
}

// value is the step that computes what id gives.
func (w *laneRoutine) value(id int) int {
	for w.p.Nodes[id].Op == lanes.Retype {
		id = w.p.Nodes[id].Args[0]
	}
	return id
}

// next is the first position after at that reads a value; -1: none does.
func (w *laneRoutine) next(id, at int) int {
	for _, u := range w.uses[id] {
		if u > at {
			return u
		}
	}
	return -1
}

// body writes steps in order.
func (w *laneRoutine) body(ids []int) {
	for _, id := range ids {
		n := &w.p.Nodes[id]
		switch n.Op {
		case lanes.Const, lanes.Retype, lanes.Joined:
		case lanes.Arg:
			to := w.take(id, w.at[id])
			if w.converts() {
				w.asm.VCVTPS2PD(w.argument(n.By), to)
			} else {
				w.asm.VMOVUPS(w.argument(n.By), to)
			}
		case lanes.Rare:
			w.region(id, n)
		default:
			w.step(id, n, w.at[id])
		}
	}
}

// home is where a value is in memory, if it is.
func (w *laneRoutine) home(id int) (operand.Mem, bool) {
	n := &w.p.Nodes[id]
	switch {
	case n.Op == lanes.Const:
		words := make([]uint64, w.asm.isa.width/8)
		for i := range words {
			words[i] = n.Bits
			if w.p.Width == 32 {
				words[i] |= n.Bits << 32
			}
		}
		return w.asm.constant(words), true
	case n.Op == lanes.Arg && !w.converts():
		return w.argument(n.By), true
	}
	if at, ok := w.slot[id]; ok {
		return w.slots[at], true
	}
	return operand.Mem{}, false
}

// isMask reports whether a value lies in a register of masks.
func (w *laneRoutine) isMask(id int) bool {
	return id == temporaryMask || id >= 0 && w.asm.isa == avx512 && w.p.Nodes[id].Type == lanes.Mask
}

// temporary is a register that is free again at once.
func (w *laneRoutine) temporary(kind, at int, keep ...int) reg.Physical {
	r := w.take(kind, at, keep...)
	w.fileOf(kind)[slices.Index(w.fileOf(kind), kind)] = noValue
	return r
}

// file is the registers of a value's kind.
func (w *laneRoutine) fileOf(id int) []int { return w.file(w.isMask(id)) }

// register is one of them as the processor knows it.
func (w *laneRoutine) register(mask bool, i int) reg.Physical {
	switch {
	case mask:
		return reg.LookupPhysical(reg.KindOpmask, reg.Index(i), reg.S64)
	case w.asm.isa == avx512:
		return reg.LookupPhysical(reg.KindVector, reg.Index(i), reg.S512)
	}
	return reg.LookupPhysical(reg.KindVector, reg.Index(i), reg.S256)
}

// find is the register that holds a value.
func (w *laneRoutine) find(id int) (reg.Physical, bool) {
	i := slices.Index(w.fileOf(id), id)
	if i < 0 {
		return nil, false
	}
	return w.register(w.isMask(id), i), true
}

// take gives a register to a value, at a position, that holds none of the values kept.
func (w *laneRoutine) take(id, at int, keep ...int) reg.Physical {
	file, first := w.fileOf(id), 0
	if w.isMask(id) {
		first = 1 // k0 stands for no mask
	}
	worst, farthest := -1, -2
	for i := first; i < len(file); i++ {
		v := file[i]
		if v == noValue {
			worst = i
			break
		}
		if slices.Contains(keep, v) {
			continue
		}
		next := w.next(v, at-1)
		if next < 0 {
			next = math.MaxInt
		}
		if next > farthest {
			worst, farthest = i, next
		}
	}
	if worst < 0 {
		panic("no register is free")
	}
	w.evict(file[worst])
	file[worst] = id
	return w.register(w.isMask(id), worst)
}

// evict lets go of a register's value, which goes to the stack if it is nowhere else.
func (w *laneRoutine) evict(id int) {
	if id == noValue {
		return
	}
	if _, ok := w.home(id); !ok {
		w.spill(id)
	}
	w.fileOf(id)[slices.Index(w.fileOf(id), id)] = noValue
}

// spill puts a copy of a register's value on the stack.
func (w *laneRoutine) spill(id int) {
	held, _ := w.find(id)
	w.slot[id] = w.newSlot()
	w.move(held, w.slots[w.slot[id]])
}

// newSlot is a place on the stack that no value has.
func (w *laneRoutine) newSlot() int {
	w.slots = append(w.slots, w.asm.AllocLocal(w.asm.isa.width))
	return len(w.slots) - 1
}

// move copies a register from or to memory or a register.
func (w *laneRoutine) move(from, to operand.Op) {
	if operand.IsK(from) || operand.IsK(to) {
		sized(w, w.asm.KMOVB, w.asm.KMOVW)(from, to)
	} else {
		w.asm.VMOVUPS(from, to)
	}
}

// in is a value in a register.
func (w *laneRoutine) in(id, at int, keep ...int) reg.Physical {
	if r, ok := w.find(id); ok {
		return r
	}
	from, ok := w.home(id)
	if !ok {
		panic(fmt.Sprintf("value %d of %v is nowhere", id, w.p.Nodes[id]))
	}
	to := w.take(id, at, keep...)
	w.move(from, to)
	return to
}

// any is a value where it is: a register or memory.
func (w *laneRoutine) any(id int) operand.Op {
	if r, ok := w.find(id); ok {
		return r
	}
	m, ok := w.home(id)
	if !ok {
		panic(fmt.Sprintf("value %d of %v is nowhere", id, w.p.Nodes[id]))
	}
	return m
}

// held reports whether a value is in a register; dies, whether it is and nothing reads it after at.
func (w *laneRoutine) held(id int) bool { return slices.Contains(w.fileOf(id), id) }

func (w *laneRoutine) dies(id, at int) bool { return w.held(id) && w.next(id, at) < 0 }

// release frees the registers of values that nothing reads after at.
func (w *laneRoutine) release(at int, ids ...int) {
	for _, id := range ids {
		if w.dies(id, at) {
			w.fileOf(id)[slices.Index(w.fileOf(id), id)] = noValue
		}
	}
}

// over gives the register of old, which dies, to a value.
func (w *laneRoutine) over(old, id int) reg.Physical {
	i := slices.Index(w.fileOf(old), old)
	w.fileOf(old)[i] = id
	return w.register(w.isMask(old), i)
}

// region writes the test, and later the region.
func (w *laneRoutine) region(id int, n *lanes.Node) {
	w.labels++
	enter, back := fmt.Sprintf("region%d", w.labels), fmt.Sprintf("back%d", w.labels)
	begin, end := w.at[id], w.ends[id]
	mask := w.value(n.Args[0])
	joined := w.joins(id)
	keep := append(slices.Clone(joined), mask)
	for k, j := range joined { // each result has a register of its own, with the fast value in it
		if j == noValue {
			continue
		}
		if fast := w.value(n.Fast[k]); w.dies(fast, begin) {
			w.over(fast, j)
		} else {
			from := w.any(fast)
			to := w.take(j, begin, append(keep, fast)...)
			w.move(from, to)
		}
	}
	test := w.in(mask, begin, joined...)
	if w.asm.isa == avx512 {
		sized(w, w.asm.KORTESTB, w.asm.KORTESTW)(test, test)
	} else {
		sized(w, w.asm.VMOVMSKPD, w.asm.VMOVMSKPS)(test, laneScratch.As32())
		w.asm.TESTL(laneScratch.As32(), laneScratch.As32())
	}
	w.asm.JNE(operand.LabelRef(enter))
	w.asm.Label(back)
	outside := w.clone()
	w.regions = append(w.regions, func() {
		w.state = outside.clone()
		w.asm.Label(enter)
		w.inside(n, joined, mask, end)
		for _, mask := range []bool{false, true} { // what is needed outside is put back
			for i, v := range outside.file(mask) {
				if v != noValue && w.next(v, end) >= 0 && w.file(mask)[i] != v {
					from, _ := w.home(v)
					w.move(from, w.register(mask, i))
				}
			}
		}
		w.asm.JMP(operand.LabelRef(back))
	})
	for _, file := range [][]int{w.vregs, w.kregs} {
		for i, v := range file {
			if v != noValue && w.next(v, end) < 0 {
				file[i] = noValue
			}
		}
	}
}

// file is the registers of vectors or of masks.
func (s state) file(mask bool) []int {
	if mask {
		return s.kregs
	}
	return s.vregs
}

// inside writes a region's steps and joins its results.
func (w *laneRoutine) inside(n *lanes.Node, joined []int, mask, end int) {
	for _, v := range slices.Concat(w.vregs, w.kregs) {
		if v == noValue {
			continue
		}
		if _, ok := w.home(v); !ok {
			w.spill(v)
		}
	}
	w.body(n.Body)
	for k, j := range joined {
		if j == noValue {
			continue
		}
		slow := w.value(n.Slow[k])
		m := w.in(mask, end, slow, j)
		to := w.in(j, end, slow, mask)
		if w.asm.isa == avx512 {
			sized(w, w.asm.VBLENDMPD, w.asm.VBLENDMPS)(w.any(slow), to, m, to)
		} else {
			sized(w, w.asm.VBLENDVPD, w.asm.VBLENDVPS)(m, w.any(slow), to, to)
		}
		w.move(to, w.slots[w.slot[j]])
	}
}

// joins are the values of a region's results; none where nothing reads one.
func (w *laneRoutine) joins(region int) []int {
	out := make([]int, len(w.p.Nodes[region].Fast))
	for k := range out {
		out[k] = noValue
	}
	for id := range w.p.Nodes {
		n := &w.p.Nodes[id]
		if n.Op == lanes.Joined && n.Args[0] == region && len(w.uses[id]) > 0 {
			out[n.By] = id
		}
	}
	return out
}
