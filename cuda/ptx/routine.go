package ptx

import (
	"strings"

	"github.com/darray-go/darray/array"
)

// routine is a kernel over buffers under construction. Whatever an element's type, it is computed in 64 bits, as float64, int64
// or uint64 (see wide): so that an accumulator is that of an array.Partial, and one text serves most types.
type routine struct {
	asm
	name    string
	threads int
}

// lanesOf is the threads of a warp, which work in step.
const lanesOf = 32

func newRoutine(name string, threads int) *routine {
	r := &routine{name: name, threads: threads}
	r.out, r.loaded = &r.body, map[Param]string{}
	return r
}

// kernel ends the routine. unit is what a block takes at a time.
func (r *routine) kernel(comment string, unit int) *Kernel {
	r.at("$done")
	r.do("ret")
	text := strings.ReplaceAll(r.text(comment, r.threads), entry, r.name)
	return &Kernel{Name: r.name, Text: text, Params: r.params, Threads: r.threads, Unit: unit}
}

// wideOf is the type of 64 bits that elements of type d are computed in.
func wideOf(d array.DType) array.DType {
	switch {
	case d.Float():
		return array.Float64
	case d.Signed():
		return array.Int64
	}
	return array.Uint64
}

// lane is the thread's place in its warp.
func (r *routine) lane() string {
	return r.half("and.b32", r.half("mov.u32", "%tid.x"), "31")
}

// widen is a half as a word.
func (r *routine) widen(x string) string { return r.word("cvt.u64.u32", x) }

// constant is a word with these bits.
func (r *routine) constant(bits uint64) string { return r.word("mov.b64", hexWord(bits)) }

// variable is a register of a class that is written again, with a first value.
func (r *routine) variable(c class, value string) string {
	to := r.fresh(c)
	r.do([...]string{half: "mov.b32", word: "mov.b64"}[c], to, value)
	return to
}

// warps has every warp of the grid do body for at, at+1, ... by its number, in steps of the grid's warps, up to end. All of it is
// the same for the threads of a warp.
func (r *routine) warps(end string, body func(at string)) {
	perBlock := r.threads / lanesOf
	block, warp := r.half("mov.u32", "%ctaid.x"), r.half("shr.u32", r.half("mov.u32", "%tid.x"), "5")
	at := r.word("mul.wide.u32", block, immediate(perBlock))
	r.do("add.s64", at, at, r.widen(warp))
	stride := r.word("mul.wide.u32", r.half("mov.u32", "%nctaid.x"), immediate(perBlock))
	r.loop(at, stride, end, func() { body(at) })
}

// loop does body while at is below end, both unsigned words, and adds step to it. It may do it not once.
func (r *routine) loop(at, step, end string, body func()) {
	again, out := r.label("again"), r.label("out")
	r.when(r.truth("setp.ge.u64", at, end), "bra", out)
	r.at(again)
	body()
	r.do("add.s64", at, at, step)
	r.when(r.truth("setp.lt.u64", at, end), "bra", again)
	r.at(out)
}

// least is the lesser of two unsigned words.
func (r *routine) least(x, y string) string { return r.word("min.u64", x, y) }

// leavesOf is how many leaves of 1 << by a number of things has.
func (r *routine) leavesOf(n string, by int) string {
	return r.word("shr.u64", r.word("add.s64", n, immediate(1<<by-1)), immediate(by))
}

// address is that of element index behind a base, size bytes each.
func (r *routine) address(base, index string, size int) string {
	return "[" + r.word("mad.lo.s64", index, immediate(size), base) + "]"
}

// inMemory is PTX's name of an element's type in memory.
func inMemory(d array.DType) string {
	switch d {
	case array.Float32:
		return "f32"
	case array.Float64:
		return "f64"
	}
	letter := "u"
	if d.Signed() {
		letter = "s"
	}
	return letter + immediate(8*d.Size())
}

// element is element index of an operand, widened; 0 where inside, unless it is "", does not hold. bit is that of element 0 of bools.
func (r *routine) element(d array.DType, base, bit, index, inside string) string {
	if d == array.Bool {
		return r.bit(base, bit, index, inside)
	}
	return r.fetch(d, r.address(base, index, d.Size()), inside)
}

// fetch is the element at an address, widened, which is not of bools.
func (r *routine) fetch(d array.DType, address, inside string) string {
	if d == array.Float32 {
		x := r.variable(half, "0")
		r.when(inside, "ld.global.f32", x, address)
		return r.word("cvt.f64.f32", x)
	}
	x := r.variable(word, "0")
	r.when(inside, "ld.global."+inMemory(d), x, address)
	return x
}

// bit is a bit of a bitmap, 0 or 1: index counts from bit number first behind a base.
func (r *routine) bit(base, first, index, inside string) string {
	at := r.word("add.s64", first, index)
	x := r.variable(word, "0")
	r.when(inside, "ld.global.u8", x, "["+r.word("add.s64", base, r.word("shr.u64", at, "3"))+"]")
	by := r.half("and.b32", r.half("cvt.u32.u64", at), "7")
	return r.word("and.b64", r.word("shr.u64", x, by), "1")
}

// present is whether an element is inside, unless that is "", and not null; inside where nothing can be null.
func (r *routine) present(nulls bool, index, inside string) string {
	if !nulls {
		return inside
	}
	x := r.bit(r.param(Validity, 0), r.param(ValidityBit, 0), index, inside)
	return r.truth("setp.ne.b64", x, "0")
}

// operand is element index of operand 0, widened.
func (r *routine) operand(d array.DType, index, inside string) string {
	bit := ""
	if d == array.Bool {
		bit = r.param(ValuesBit, 0)
	}
	return r.element(d, r.param(Values, 0), bit, index, inside)
}

// put stores a widened element of type d, which is not bool, as element index behind a base.
func (r *routine) put(d array.DType, x, base, index, inside string) {
	if d == array.Float32 {
		x = r.half("cvt.rn.f32.f64", x)
	}
	r.when(inside, "st.global."+unsigned(d), r.address(base, index, d.Size()), x)
}

// unsigned is PTX's name of a type of as many bits, which st takes of any register.
func unsigned(d array.DType) string { return "b" + immediate(8*d.Size()) }

// vote stores a word of a bitmap: the truth of each thread of the warp. at is the index of the warp's first bit, a multiple of 32.
func (r *routine) vote(truth, base, at, lane string) {
	bits := r.half("vote.sync.ballot.b32", truth, everyLane)
	to := r.word("add.s64", base, r.word("shr.u64", at, "3"))
	r.when(r.truth("setp.eq.u32", lane, "0"), "st.global.b32", "["+to+"]", bits)
}

// shuffled is a word of another thread of the warp: mode is down, by so many lanes, or idx, of a lane.
func (r *routine) shuffled(mode, x, by string) string {
	low, high := r.fresh(half), r.fresh(half)
	r.do("mov.b64", "{"+low+", "+high+"}", x)
	low = r.half("shfl.sync."+mode+".b32", low, by, "31", everyLane)
	high = r.half("shfl.sync."+mode+".b32", high, by, "31", everyLane)
	return r.word("mov.b64", "{"+low+", "+high+"}")
}

// choose sets a word to x where a predicate holds.
func (r *routine) choose(to, x, where string) {
	if x != to {
		r.do("selp.b64", to, x, to, where)
	}
}

func hexWord(bits uint64) string {
	if bits < 1<<31 {
		return immediate(int(bits))
	}
	const digits = "0123456789ABCDEF"
	text := []byte("0x0000000000000000")
	for i := len(text) - 1; i > 1; i-- {
		text[i] = digits[bits&15]
		bits >>= 4
	}
	return string(text)
}
