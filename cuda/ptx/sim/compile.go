package sim

import "fmt"

// rowKind says what fills a row of the register file: a row has a value for each thread of a block.
type rowKind uint8

const (
	registerRow rowKind = iota
	constantRow         // the same in all threads; with sym, its address is added
	specialRow          // %tid.x
	scratchRow          // written, never read
)

type row struct {
	kind    rowKind
	name    string
	typ     dtype
	value   uint64
	sym     *variable
	special string
}

// control is how an instruction goes on.
type control uint8

const (
	next   control = iota
	branch         // targets[0] where the guard holds
	table          // targets[index row]
	leave          // ends the thread
	meet           // waits for other threads: sync decides
)

// runner executes one instruction for the given threads of the block.
type runner func(b *block, lanes []uint16)

// inst is one instruction, ready to run.
type inst struct {
	line    int
	guard   int // row; -1 for none
	not     bool
	control control
	leader  bool // others may come here, or it waits: a new stretch begins
	run     runner
	sync    syncer
	barrier *barrier
	uniform bool // the threads of a warp must go the same way
	targets []int
	index   int // row of a table's index
	reads   []int
	writes  []int
	checks  []int // rows to check before, and to mark after: see written.go
	marks   []int
}

// frame is one expansion of a function: a call has registers, labels and local memory of its own.
type frame struct {
	fn     *function
	regs   map[int]int // row of a register
	vars   map[*variable]uint64
	labels map[string]int // place of a label in code
	fixes  []fix
	depth  int
	up     *frame
}

// fix is a branch whose labels are not placed yet.
type fix struct {
	at     int
	labels []string
}

// builder turns a function into code, calls expanded in place.
type builder struct {
	m      *Module
	forms  map[string][]form
	k      *Kernel
	f      *frame
	s      *statement
	in     *inst
	err    *SyntaxError
	consts map[constant64]int
	specs  map[string]int
	shared map[*variable]uint64
	carry  int // row of the carry; -1 before its use
	caches int // per-instruction caches of allocations
}

type constant64 struct {
	value uint64
	sym   *variable
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = &SyntaxError{Line: b.s.line, Reason: fmt.Sprintf(format, args...)}
	}
}

// compile builds a kernel, or for a function the code that it would be, to check it.
func compile(m *Module, fn *function) (*Kernel, error) {
	k := &Kernel{name: fn.name, m: m, fn: fn}
	b := &builder{
		m: m, forms: forms, k: k, consts: map[constant64]int{}, specs: map[string]int{}, shared: map[*variable]uint64{}, carry: -1,
		s: &statement{line: fn.line},
	}
	k.locals = localBase
	if fn.entry {
		for _, v := range fn.params {
			k.params = max(k.params, int(v.offset)+v.size)
		}
	}
	b.expand(fn, nil)
	if b.err != nil {
		return nil, b.err
	}
	k.code = append(k.code, inst{line: b.s.line, guard: -1, control: leave, leader: true})
	if k.locals == localBase {
		k.locals = 0
	}
	k.caches = b.caches
	b.leaders()
	k.unwritten()
	return k, nil
}

// expand appends the code of a function.
func (b *builder) expand(fn *function, up *frame) *frame {
	f := &frame{fn: fn, regs: map[int]int{}, vars: map[*variable]uint64{}, labels: map[string]int{}, up: up}
	if up != nil {
		f.depth = up.depth + 1
	}
	for at := up; at != nil; at = at.up {
		if at.fn == fn {
			b.fail("%s calls itself, which is not supported", fn.name)
			return f
		}
	}
	if f.depth > maxDepth {
		b.fail("calls deeper than %d", maxDepth)
		return f
	}
	if !fn.entry {
		for _, v := range append(append([]*variable{}, fn.params...), fn.results...) {
			f.vars[v] = b.local(v)
		}
	}
	for _, v := range fn.locals {
		f.vars[v] = b.local(v)
	}
	at := map[int][]string{}
	for name, i := range fn.labels {
		at[i] = append(at[i], name)
	}
	b.f = f
	for i := range fn.body {
		if b.err != nil {
			return f
		}
		for _, name := range at[i] {
			f.labels[name] = len(b.k.code)
		}
		b.statement(&fn.body[i])
	}
	for _, name := range at[len(fn.body)] {
		f.labels[name] = len(b.k.code)
	}
	f.labels[""] = len(b.k.code) // the end, where ret goes
	for _, x := range f.fixes {
		in := &b.k.code[x.at]
		for _, label := range x.labels {
			to, ok := f.labels[label]
			if !ok {
				b.s.line = in.line
				b.fail("%s is no label", label)
			}
			in.targets = append(in.targets, to)
		}
	}
	b.f = up
	return f
}

// local gives a variable room in the local memory of a thread.
func (b *builder) local(v *variable) uint64 {
	at := alignUp(b.k.locals, v.align)
	b.k.locals = at + v.size
	if b.k.locals > 1<<19 {
		b.fail("more than %d bytes of local memory", 1<<19)
	}
	return uint64(at)
}

// statement appends the code of one instruction.
func (b *builder) statement(s *statement) {
	b.s = s
	if len(b.k.code) >= maxStatements {
		b.fail("more than %d instructions with calls expanded", maxStatements)
		return
	}
	b.in = &inst{line: s.line, guard: -1, not: s.not}
	if s.guard >= 0 {
		b.in.guard = b.reg(s.guard)
		b.in.reads = append(b.in.reads, b.in.guard)
	}
	list, ok := b.forms[s.op]
	if !ok {
		b.fail("instruction %s is not supported", s.op)
		return
	}
	for _, f := range list {
		if got, ok := match(f.mods, s.mods); ok {
			in := b.in
			f.build(b, got)
			if in.run != nil || in.control != next {
				b.k.code = append(b.k.code, *in)
			}
			return
		}
	}
	b.fail("%s is not supported with these modifiers; known: %s", s.op, known(s.op, list))
}

// leaders marks where stretches of code begin.
func (b *builder) leaders() {
	code := b.k.code
	code[0].leader = true
	for i := range code {
		for _, to := range code[i].targets {
			code[to].leader = true
		}
		if code[i].control != next {
			if i+1 < len(code) {
				code[i+1].leader = true
			}
			if code[i].control == meet {
				code[i].leader = true
			}
		}
	}
}

// newRow adds a row to the register file.
func (b *builder) newRow(r row) int {
	if len(b.k.rows) >= 2*maxRegisters {
		b.fail("more than %d registers and constants", 2*maxRegisters)
		return 0
	}
	b.k.rows = append(b.k.rows, r)
	return len(b.k.rows) - 1
}

// reg returns the row of a register of the function.
func (b *builder) reg(i int) int {
	r, ok := b.f.regs[i]
	if !ok {
		decl := b.f.fn.regs[i]
		r = b.newRow(row{kind: registerRow, name: decl.name, typ: decl.typ})
		b.f.regs[i] = r
	}
	return r
}

// constant returns a row that holds the value, or the address of a variable and the value added.
func (b *builder) constant(value uint64, sym *variable) int {
	key := constant64{value, sym}
	r, ok := b.consts[key]
	if !ok {
		r = b.newRow(row{kind: constantRow, value: value, sym: sym})
		b.consts[key] = r
	}
	return r
}

func (b *builder) special(name string) int {
	r, ok := b.specs[name]
	if !ok {
		r = b.newRow(row{kind: specialRow, special: name})
		b.specs[name] = r
	}
	return r
}

// symbol returns a row with the address of a variable.
func (b *builder) symbol(v *variable, off uint64) int {
	switch v.space {
	case global, constant:
		return b.constant(off, v)
	case shared:
		return b.constant(b.sharedAt(v)+off, nil)
	}
	if at, ok := b.f.vars[v]; ok { // local, or a parameter of a call
		return b.constant(at+off, nil)
	}
	return b.constant(paramBase+v.offset+off, nil)
}

// sharedAt lays out a shared variable on its first use. Dynamic memory lies behind the static: its place is fixed by layout.
func (b *builder) sharedAt(v *variable) uint64 {
	at, ok := b.shared[v]
	if ok {
		return at
	}
	b.layoutShared()
	if at, ok := b.shared[v]; ok {
		return at
	}
	b.fail("shared variable %s is not of this function", v.name)
	return 0
}

// layoutShared places all shared variables that the kernel could use: those of the module and of every function it may call.
func (b *builder) layoutShared() {
	var list []*variable
	for _, v := range b.m.vars {
		if v.space == shared {
			list = append(list, v)
		}
	}
	for _, fn := range b.m.calls(b.k.fn) {
		list = append(list, fn.shared...)
	}
	if len(list) > maxSharedVars {
		b.fail("more than %d shared variables", maxSharedVars)
		return
	}
	at := 0
	for _, v := range list {
		if v.dyn {
			continue
		}
		at = alignUp(at, v.align)
		b.shared[v] = uint64(sharedBase + at)
		at += v.size
	}
	b.k.shared = at
	for _, v := range list {
		if v.dyn {
			b.k.dynamic = max(b.k.dynamic, v.align, 16)
		}
	}
	for _, v := range list {
		if v.dyn {
			b.shared[v] = uint64(sharedBase + alignUp(at, b.k.dynamic))
		}
	}
}
