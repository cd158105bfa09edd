package main

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// streams is how many leaves a routine folds at the same time, far apart in memory: a core reads one run of memory from DRAM
// at a fifth less than it reads two, as each has its own prefetcher; four bring nothing more.
const streams = 2

// leaves writes the routine that folds and joins leaves that lie one after another, with as many lanes in registers as fit.
func (k *kernUnit) leaves(f folding, of foldOf, isa isa, group []array.DType, acc array.DType) {
	write := func(k *kernUnit, inTail, inLoop int) { k.leavesWith(inTail, inLoop, f, of, isa, group, acc) }
	fits := func(inTail, inLoop int) bool {
		trial := &kernUnit{unit: newUnit(k.unit.pkg, k.unit.name)}
		write(trial, inTail, inLoop)
		_, _, err := trial.unit.texts()
		return err == nil
	}
	inTail := 0
	for !fits(inTail, inTail) {
		if inTail++; inTail > array.Lanes*acc.Size()/isa.width {
			panic("no registers for the leaves of " + f.op.String())
		}
	}
	inLoop := 0
	for !fits(inTail, inLoop) {
		inLoop++
	}
	write(k, inTail, inLoop)
}

// leavesFold is the routine under construction.
type leavesFold struct {
	*folded
	identity reg.GPVirtual
	runs     [streams]run
}

// run is one of the leaves that are folded at the same time.
type run struct {
	x, y, out reg.GPVirtual
	lanes     []vec         // in registers
	rest      []operand.Mem // where the last lanes are
}

// leavesWith writes the routine with some vectors of lanes in memory while it folds what is left of a leaf, and fewer in the
// loop before that.
func (k *kernUnit) leavesWith(inTail, inLoop int, f folding, of foldOf, isa isa, group []array.DType, acc array.DType) {
	name, value := of.nameOf(f, group[0])
	name = "leaves" + name
	r := k.unit.routine(name, isa, "func(out, identity, x, y *byte, n, apart, length int)",
		fmt.Sprintf("puts into n words of out, and into those that are apart words behind them, the lanes of length elements each, "+
			"%s joined by %s, joined as join%s does. It reads whole lanes.", value, f.op, f.op.Info().Func))
	n, apart, length := r.param("n"), r.param("apart"), r.param("length")
	this := &leavesFold{folded: k.folded(r, f, of, group[0], acc), identity: r.param("identity")}
	this.place(apart, length, r.param("out"), inTail, inLoop)
	r.Label("leaf")
	this.begin()
	elements := this.whole(length, math.MaxInt32, max(1, 4/this.lanesOf()))
	if elements > array.Lanes {
		elements = this.whole(length, elements-1, 1)
	}
	left := r.GP64()
	r.MOVQ(length, left)
	r.ANDQ(operand.U32(uint32(elements-1)), left)
	r.JE(operand.LabelRef("join"))
	this.tail(left)
	r.Label("join")
	this.end()
	r.SUBQ(operand.U32(1), n)
	r.JNE(operand.LabelRef("leaf"))
	r.end()
	for _, s := range group {
		k.add(isa, "leaves", name, 1, "array."+f.op.Info().Func, "array."+goName(s), of.name)
	}
}

// place says where the runs begin, the second some leaves behind the first, and where their lanes are.
func (f *leavesFold) place(leaves, length, out reg.GPVirtual, inTail, inLoop int) {
	first, second := &f.runs[0], &f.runs[1]
	first.x, first.y, first.out = f.x, f.y, out
	second.out = f.asm.address(operand.Mem{Base: out, Index: leaves, Scale: 8})
	apart := leaves
	f.asm.IMULQ(length, apart)
	second.x = f.asm.address(operand.Mem{Base: f.x, Index: apart, Scale: uint8(f.d.Size())})
	if f.of.partner == element {
		second.y = f.asm.address(operand.Mem{Base: f.y, Index: apart, Scale: uint8(f.d.Size())})
	}
	for i := range f.lanesOf() {
		first.lanes = append(first.lanes, f.asm.vec())
		if i < f.lanesOf()-inLoop {
			second.lanes = append(second.lanes, f.asm.vec())
		}
	}
	if inTail == 0 {
		return
	}
	at := f.asm.address(f.asm.AllocLocal((inTail + 1) * f.asm.isa.width).Offset(f.asm.isa.width - 1))
	f.asm.ANDQ(operand.I32(-f.asm.isa.width), at) // a lane that lies in two lines of the cache is slow
	for i := range inTail {
		second.rest = append(second.rest, operand.Mem{Base: at, Disp: i * f.asm.isa.width})
	}
}

// address is a register with the address of m.
func (r *routine) address(m operand.Mem) reg.GPVirtual {
	at := r.GP64()
	r.LEAQ(m, at)
	return at
}

// begin gives the lanes the identity.
func (f *leavesFold) begin() {
	for _, run := range f.runs {
		for _, lane := range run.lanes {
			f.asm.VMOVUPS(operand.Mem{Base: f.identity}, lane)
		}
		for at := len(run.lanes); at < f.lanesOf(); at++ {
			f.asm.store(f.asm.load(operand.Mem{Base: f.identity}), run.home(f.lanesOf()-at))
		}
	}
}

// home is where a vector of lanes is in memory, that with so many vectors from it on.
func (r run) home(follow int) operand.Mem { return r.rest[len(r.rest)-follow] }

// whole joins whole lanes, several for each in a turn of the loop, of those elements that mask leaves of length. It gives
// the elements of a turn.
func (f *leavesFold) whole(length reg.GPVirtual, mask, turns int) (elements int) {
	elements = turns * array.Lanes
	after := fmt.Sprintf("after%d", elements)
	left := f.asm.GP64()
	f.asm.MOVQ(length, left)
	f.asm.ANDQ(operand.I32(mask&-elements), left)
	f.asm.JE(operand.LabelRef(after))
	f.asm.loop(fmt.Sprintf("whole%d", elements), left, elements, func() {
		for at := range turns * f.lanesOf() {
			for _, run := range f.runs {
				f.joinNext(run, at)
			}
		}
		f.advance(func(at reg.GPVirtual) { f.asm.ADDQ(operand.U32(uint32(elements*f.d.Size())), at) })
	})
	f.asm.Label(after)
	return elements
}

// joinNext joins vector at of the next elements of a run.
func (f *leavesFold) joinNext(run run, at int) {
	lane := at % f.lanesOf()
	if lane < len(run.lanes) && f.joinAt != nil && f.of.value == nil && f.d == f.acc {
		f.joinAt(f.asm, f.acc, run.lanes[lane], operand.Mem{Base: run.x, Disp: at * f.asm.isa.width})
		return
	}
	f.joinTo(run, lane, f.value(run.x, run.y, at))
}

// joinTo joins a value to vector at of a run's lanes.
func (f *leavesFold) joinTo(run run, at int, value vec) {
	if at < len(run.lanes) {
		f.asm.VMOVAPS(f.join(f.asm, f.acc, run.lanes[at], value, f.constants), run.lanes[at])
		return
	}
	lane := run.home(f.lanesOf() - at)
	f.asm.store(f.join(f.asm, f.acc, f.asm.load(lane), value, f.constants), lane)
}

// tail joins the left last elements of the leaves, fewer than there are lanes; what is behind them is read as the identity.
func (f *leavesFold) tail(left reg.GPVirtual) {
	size := f.acc.Size()
	words := make([]uint64, array.Lanes+f.asm.isa.width/8)
	for i := array.Lanes; i < len(words); i++ {
		words[i] = math.MaxUint64
	}
	behind, bytes := f.asm.address(f.asm.constant(words).Offset(8*array.Lanes)), f.asm.GP64()
	f.asm.MOVQ(left, bytes)
	f.asm.SHLQ(operand.U8(bits.TrailingZeros(uint(size))), bytes)
	f.asm.SUBQ(bytes, behind)
	runs := f.runs
	for i := range runs {
		run := &runs[i]
		run.lanes = run.lanes[:f.lanesOf()-len(run.rest)]
		for at := len(run.lanes); at < len(f.runs[i].lanes); at++ {
			f.asm.store(f.runs[i].lanes[at], run.home(f.lanesOf()-at))
		}
	}
	for at := range f.lanesOf() {
		if at > 0 {
			f.asm.CMPQ(left, operand.U32(uint32(at*f.lanesIn())))
			f.asm.JLE(operand.LabelRef("moved"))
		}
		for _, run := range runs {
			value := f.value(run.x, run.y, at)
			mask := f.asm.load(operand.Mem{Base: behind, Disp: at * f.asm.isa.width})
			f.joinTo(run, at, f.asm.choose(mask, operand.Mem{Base: f.identity}, value))
		}
	}
	f.asm.Label("moved")
	for i, run := range runs {
		for at := len(run.lanes); at < len(f.runs[i].lanes); at++ {
			f.asm.VMOVUPS(run.home(f.lanesOf()-at), f.runs[i].lanes[at])
		}
	}
	f.advance(func(at reg.GPVirtual) { f.asm.LEAQ(operand.Mem{Base: at, Index: left, Scale: uint8(f.d.Size())}, at) })
}

// lanesIn is the lanes of one vector.
func (f *leavesFold) lanesIn() int { return f.asm.isa.width / f.acc.Size() }

// choose is x where the bits of mask are set, else y. It may change mask.
func (r *routine) choose(mask vec, x operand.Mem, y vec) vec {
	if r.isa == avx512 {
		r.VPTERNLOGQ(operand.U8(0xac), x, y, mask)
		return mask
	}
	v := r.vec()
	r.VPBLENDVB(mask, x, y, v)
	return v
}

// advance moves the addresses of the runs' elements.
func (f *leavesFold) advance(move func(at reg.GPVirtual)) {
	for _, run := range f.runs {
		move(run.x)
		if f.of.partner == element {
			move(run.y)
		}
	}
}

// end joins the lanes and stores them, those of the first run first: they make room for what is in memory of the second.
func (f *leavesFold) end() {
	for _, run := range f.runs {
		lanes := run.lanes
		for at := len(lanes); at < f.lanesOf(); at++ {
			lanes = append(lanes, f.asm.load(run.home(f.lanesOf()-at)))
		}
		f.asm.VMOVQ(f.asm.joined(f.folding, f.acc, lanes, f.constants).AsX(), operand.Mem{Base: run.out})
		f.asm.ADDQ(operand.U32(8), run.out)
	}
}
