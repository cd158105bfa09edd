package ptx

import (
	"github.com/darray-go/darray/array"
)

// layout is how the elements of the part are dealt out to threads. In each a thread has several elements at a time, its
// slots, so that it waits for several loads at once.
type layout uint8

const (
	// consecutive: slot s of a thread is the element after slot s-1, so that numbers move 16 bytes at a time. No bitmap.
	consecutive layout = iota
	// striped: a warp has 32 elements a slot, one after another, lane by lane, so that a vote gives a word of a bitmap.
	striped
	// leaves is striped, where a warp goes through a leaf of a reduction before it takes the next.
	leaves
)

// kernel is one under construction.
type kernel struct {
	asm
	form   *Form
	graph  *graph
	live   []int
	truths [2]int // the values that the text knows

	layout layout
	slots  int
	vector bool // consecutive, and slots > 1

	first   string              // element of the thread's first slot (consecutive), of the warp's first (striped)
	lane    string              // of the warp
	regs    [][]string          // by slot, then those that are uniform: the register of each value
	derived []map[string]string // likewise: registers of what addresses are made of
	folds   []fold
}

func newKernel(p *array.Program, f *Form) *kernel {
	k := &kernel{form: f, graph: lower(p, f)}
	k.asm.out, k.asm.loaded = &k.asm.body, map[Param]string{}
	k.truths = [2]int{k.graph.Truth(false), k.graph.Truth(true)}
	k.live = k.graph.live()
	k.choose()
	for range k.slots + 1 {
		k.regs = append(k.regs, make([]string, len(k.graph.values)))
		k.derived = append(k.derived, map[string]string{})
	}
	return k
}

// choose finds the layout, and as many slots as keep enough loads under way and the code short: 16 bytes of the widest
// elements, or four words of a bitmap, eight where elements are small; and about mostCode instructions at most, beyond which
// registers run out.
func (k *kernel) choose() {
	const mostCode = 300
	widest, cost := 1, 0
	for _, at := range k.live {
		v := &k.graph.values[at]
		switch v.from {
		case operandValid:
			k.layout = max(k.layout, striped)
		case operand:
			if v.out == array.Bool {
				k.layout = max(k.layout, striped)
			}
			widest = max(widest, v.out.Size())
		}
		if !v.uniform {
			cost += k.graph.cost(v)
		}
	}
	for _, s := range k.graph.sinks {
		switch o := &k.graph.program.Outputs[s.output]; {
		case o.Reduce:
			k.layout = leaves
		case o.DType == array.Bool || k.form.nullable(s.output):
			k.layout = max(k.layout, striped)
		default:
			widest = max(widest, o.DType.Size())
		}
	}
	k.slots = 4
	switch {
	case k.layout == consecutive:
		k.slots = 16 / widest
	case widest <= 2:
		k.slots = 8
	}
	for k.slots > 1 && k.slots*cost > mostCode {
		k.slots /= 2
	}
	k.vector = k.layout == consecutive && k.slots > 1
}

// unit is how many elements a block takes at a time.
func (k *kernel) unit() int {
	if k.layout == leaves {
		return threads / array.Lanes * array.LeafSize
	}
	return threads * k.slots
}

// write writes the kernel.
func (k *kernel) write() {
	k.once(k.start)
	switch k.layout {
	case leaves:
		k.overLeaves()
	default:
		loop := k.label("next")
		k.at(loop)
		k.elements()
		k.step(loop)
	}
	k.at("$done")
	k.do("ret")
}

// start finds the first elements, and ends threads that have none. In the striped layouts these are the same for all of a
// warp, so that no vote and no shuffle misses a lane.
func (k *kernel) start() {
	block, thread := k.half("mov.u32", "%ctaid.x"), k.half("mov.u32", "%tid.x")
	count := k.param(Count, 0)
	k.first = k.fresh(word)
	switch k.layout {
	case consecutive:
		k.do("mul.wide.u32", k.first, block, immediate(k.unit()))
		offset := thread
		if k.slots > 1 {
			offset = k.half("mul.lo.u32", thread, immediate(k.slots))
		}
		k.do("add.s64", k.first, k.first, k.word("cvt.u64.u32", offset))
	default:
		k.lane = k.half("and.b32", thread, "31")
		warp := k.half("shr.u32", thread, "5")
		k.do("mul.wide.u32", k.first, block, immediate(k.unit()))
		k.do("add.s64", k.first, k.first, k.word("mul.wide.u32", warp, immediate(k.unit()/(threads/32))))
	}
	k.when(k.truth("setp.ge.u64", k.first, count), "bra", "$done")
	k.derived[k.slots]["stride"] = k.word("mul.wide.u32", k.half("mov.u32", "%nctaid.x"), immediate(k.unit()))
}

// step goes on to the thread's next elements, if there are any.
func (k *kernel) step(loop string) {
	k.do("add.s64", k.first, k.first, k.derived[k.slots]["stride"])
	k.when(k.truth("setp.lt.u64", k.first, k.param(Count, 0)), "bra", loop)
}

// elements computes the slots: loads first, so that they are under way at once.
func (k *kernel) elements() {
	for _, at := range k.live {
		if v := &k.graph.values[at]; !v.uniform && v.from >= operand && v.from <= gatheredOK {
			k.slotsOf(at)
		}
	}
	for i, f := range k.graph.faults {
		for s := range k.slots {
			k.fault(i, f, s)
		}
	}
	for _, s := range k.graph.sinks {
		if o := &k.graph.program.Outputs[s.output]; !o.Reduce {
			k.store(s, o)
		} else {
			k.join(s)
		}
	}
}

// slotsOf computes a value in all slots.
func (k *kernel) slotsOf(at int) []string {
	out := make([]string, k.slots)
	for s := range out {
		out[s] = k.value(at, s)
	}
	return out
}

// value is the register of a value in a slot; it is computed where it is not yet.
func (k *kernel) value(at, s int) string {
	v := &k.graph.values[at]
	if v.uniform {
		s = k.slots
	}
	if k.regs[s][at] == "" {
		if v.uniform {
			k.once(func() { k.compute(at, s) })
		} else {
			k.compute(at, s)
		}
	}
	return k.regs[s][at]
}

// compute puts a value into a register; of vectors, into those of all slots.
func (k *kernel) compute(at, s int) {
	v := &k.graph.values[at]
	place := &k.regs[s][at]
	if v.from != applied && s == 0 || v.uniform {
		k.note(k.graph.describe(at))
	}
	switch v.from {
	case always:
		*place = k.known(v.input)
	case operand:
		k.operand(at, s)
	case operandValid:
		*place = k.ownBit(k.param(Validity, v.input), k.param(ValidityBit, v.input), s)
	case gathered, gatheredOK:
		*place = k.gather(v, k.picked(v.input, s), s)
	case single, singleOK:
		*place = k.gather(v, "", s)
	case counted:
		*place = k.count(v.input, k.position(s))
	case constant:
		*place = k.constant(k.graph.program.Inputs[v.input].Value)
	case applied:
		var args [3]string
		for i, a := range v.args {
			if a != none {
				args[i] = k.value(a, s)
			}
		}
		if s == 0 {
			k.note(k.graph.describe(at))
		}
		*place = k.apply(v, args[0], args[1], args[2])
	}
}

// apply writes an op.
func (k *kernel) apply(v *value, x, y, z string) string {
	switch {
	case v.op == array.Where:
		return k.pick(v.out, x, y, z)
	case v.op == array.Cast:
		return k.cast(v.in, v.out, x)
	case v.in == array.Bool:
		return k.bools(v.op, x, y)
	case v.in.Float():
		return k.floats(v.op, v.in, x, y)
	}
	return k.ints(v.op, v.in, x, y)
}

// pick is x where cond, else y.
func (k *kernel) pick(d array.DType, cond, x, y string) string {
	if d == array.Bool {
		return k.truth("or.pred", k.truth("and.pred", cond, x), k.truth("and.pred", k.truth("not.pred", cond), y))
	}
	return k.in(classOf(d), "selp."+moved(d), x, y, cond)
}

// bools writes an op on bools.
func (k *kernel) bools(op array.Op, x, y string) string {
	not := func(x string) string { return k.truth("not.pred", x) }
	switch op {
	case array.LogicalAnd:
		return k.truth("and.pred", x, y)
	case array.LogicalOr:
		return k.truth("or.pred", x, y)
	case array.LogicalXor:
		return k.truth("xor.pred", x, y)
	case array.Equal:
		return not(k.truth("xor.pred", x, y))
	case array.Less:
		return k.truth("and.pred", not(x), y)
	case array.LessEqual:
		return k.truth("or.pred", not(x), y)
	case array.Greater:
		return k.truth("and.pred", x, not(y))
	case array.GreaterEqual:
		return k.truth("or.pred", x, not(y))
	}
	return not(x) // logical_not
}

// known is a truth that the text knows: 0 or 1.
func (k *kernel) known(b int) string {
	return k.truth("setp.ne.s32", k.half("mov.u32", immediate(b)), "0")
}

// fault records the element of a slot where its instruction has no result: the least of all that do.
func (k *kernel) fault(i int, f fault, s int) {
	bad := k.value(f.value, s)
	if inside := k.inside(s); inside != "" { // what lies behind the end is anything
		bad = k.truth("and.pred", bad, inside)
	}
	position := k.position(s)
	k.when(bad, "red.global.min.u64", "["+k.param(Faults, f.instr)+"]", position)
}
