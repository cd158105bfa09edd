package sim

import "slices"

// buildBranch is bra: the guard says who goes.
func buildBranch(b *builder, got []string) {
	if b.args(1) {
		b.jump(b.label(0))
		b.in.uniform = got[0] != ""
	}
}

// label returns the name of operand i.
func (b *builder) label(i int) string {
	o := &b.s.args[i]
	if o.kind != symbolOperand || o.sym != nil || o.off != 0 {
		b.fail("operand %d of %s is no label", i+1, b.s.op)
	}
	return o.name
}

// jump makes a branch of the instruction, to labels placed at the end of the function.
func (b *builder) jump(labels ...string) {
	b.in.control = branch
	b.f.fixes = append(b.f.fixes, fix{len(b.k.code), labels})
}

// buildTable is brx.idx: a branch to one of a list of labels.
func buildTable(b *builder, got []string) {
	if !b.args(2) {
		return
	}
	b.in.index = b.src(0, dtypes["u32"])
	list := b.f.fn.tables[b.label(1)]
	if len(list) == 0 {
		b.fail("%s is no list of branch targets that stands before", b.s.args[1].name)
		return
	}
	b.jump(list...)
	b.in.control = table
}

func buildExit(b *builder, got []string) {
	if b.args(0) {
		b.in.control = leave
	}
}

// buildReturn ends the thread in a kernel, and goes behind the call in a function.
func buildReturn(b *builder, got []string) {
	if !b.args(0) {
		return
	}
	if b.f.up == nil {
		b.in.control = leave
		return
	}
	b.jump("")
}

func buildTrap(b *builder, got []string) {
	if b.args(0) {
		b.in.run = func(b *block, lanes []uint16) { b.fail(ErrTrap, lanes[0], 0, "the kernel stops itself") }
	}
}

// buildFence orders memory for other threads, which here see every write at once.
func buildFence(b *builder, got []string) {
	if b.args(0) {
		b.in.run = func(*block, []uint16) {}
	}
}

// buildCall expands a function in place: arguments are copied, its code follows, results are copied back. Those threads that the
// guard keeps out jump over it.
func buildCall(b *builder, got []string) {
	args := b.s.args
	var results, params []operand
	if len(args) > 0 && args[0].kind == listOperand {
		results, args = args[0].list, args[1:]
	}
	if len(args) == 0 || len(args) > 2 || args[0].kind != symbolOperand || args[0].sym != nil {
		b.fail("call needs the name of a function; calls through a register are not supported")
		return
	}
	if len(args) == 2 {
		if args[1].kind != listOperand {
			b.fail("call with a prototype is not supported")
			return
		}
		params = args[1].list
	}
	fn := b.m.funcs[args[0].name]
	if fn == nil || fn.entry || !fn.defined {
		b.fail("function %s is not defined in the module", args[0].name)
		return
	}
	if len(params) != len(fn.params) || len(results) != len(fn.results) {
		b.fail("%s takes %d arguments and gives %d results, not %d and %d", fn.name, len(fn.params), len(fn.results), len(params), len(results))
		return
	}
	s, guard, not, outer := b.s, b.in.guard, b.in.not, b.f
	skip := -1
	if guard >= 0 {
		skip = len(b.k.code)
		b.k.code = append(b.k.code, inst{line: s.line, guard: guard, not: !not, control: branch, reads: []int{guard}})
	}
	before := len(b.k.code)
	b.k.code = append(b.k.code, inst{line: s.line, guard: -1}) // the copy of the arguments, once their place is known
	f := b.expand(fn, outer)
	b.s, b.f = s, outer
	if b.err != nil {
		return
	}
	in := b.copies(params, fn.params, f, true)
	in.line, in.guard = s.line, -1
	b.k.code[before] = in
	b.k.code = append(b.k.code, b.copies(results, fn.results, f, false))
	b.in = &inst{} // nothing more to append
	if skip >= 0 {
		b.k.code[skip].targets = []int{len(b.k.code)}
		b.k.code = append(b.k.code, inst{line: s.line, guard: -1, run: func(*block, []uint16) {}}) // somewhere to land
	}
}

type copied struct {
	dst, src, n int // in local memory
	row         int // a register instead of the caller's place; -1 for none
}

// copies makes the instruction that copies arguments in or results out.
func (b *builder) copies(list []operand, vars []*variable, f *frame, into bool) inst {
	in := inst{line: b.s.line, guard: -1}
	b.in = &in
	var moves []copied
	for i := range list {
		o, v := &list[i], vars[i]
		there := int(f.vars[v]) - localBase
		m := copied{dst: there, n: v.size, row: -1}
		switch {
		case o.kind == symbolOperand && o.sym != nil && o.off == 0:
			at, ok := b.f.vars[o.sym]
			if !ok || o.sym.size != v.size {
				b.fail("%s of %d bytes for parameter %s of %d", o.name, o.sym.size, v.name, v.size)
				return in
			}
			m.src = int(at) - localBase
		case v.bound:
			b.fail("a register for parameter %s", v.name)
			return in
		case into:
			m.row = b.srcOf(o, v.typ, false)
		default:
			m.row = b.dstOf(o, v.typ, false)
		}
		if !into {
			m.dst, m.src = m.src, m.dst
			if m.row >= 0 {
				m.src = there
			}
		}
		moves = append(moves, m)
	}
	in.run = func(b *block, lanes []uint16) {
		for _, l := range lanes {
			own := b.local[int(l)*b.localSize:][:b.localSize]
			for _, m := range moves {
				switch {
				case m.row < 0:
					copy(own[m.dst:m.dst+m.n], own[m.src:])
				case into:
					put(own[m.dst:], m.n, b.regs[m.row][l])
				default:
					b.regs[m.row][l] = get(own[m.src:], m.n)
				}
			}
		}
	}
	return in
}

// calls returns the functions that one may reach, itself first.
func (m *Module) calls(fn *function) []*function {
	list := []*function{fn}
	for i := 0; i < len(list); i++ {
		for _, s := range list[i].body {
			for _, o := range s.args {
				if s.op != "call" || o.kind != symbolOperand {
					continue
				}
				if f := m.funcs[o.name]; f != nil && !slices.Contains(list, f) {
					list = append(list, f)
				}
			}
		}
	}
	return list
}
