package sim

import (
	"strconv"
	"strings"
)

// function reads [results] name (params) [limits] and its body, or ; for a declaration.
func (p *parser) function(line int, entry, extern bool) {
	fn := &function{entry: entry, line: line, labels: map[string]int{}, tables: map[string][]string{}, refs: map[string]int{}}
	if !entry && p.peek().is("(") {
		fn.results = p.params()
	}
	fn.name = p.word("the name of a function")
	p.count(line)
	if p.peek().is("(") {
		fn.params = p.params()
	}
	p.limits(fn)
	if extern && p.err == nil {
		p.fail(line, "function %s is defined in another module", fn.name)
	}
	if old := p.m.funcs[fn.name]; old != nil && (old.defined || old.entry != entry) || p.m.names[fn.name] != nil {
		p.fail(line, "%s is declared twice", fn.name)
	} else if old != nil && !sameShape(old, fn) {
		p.fail(line, "%s is declared otherwise in line %d", fn.name, old.line)
	}
	if entry {
		p.entryParams(fn)
	}
	if p.accept(";") {
		if p.err == nil && p.m.funcs[fn.name] == nil {
			p.m.funcs[fn.name] = fn
		}
		return
	}
	p.fn = fn
	p.body()
	p.fn = nil
	if p.err != nil {
		return
	}
	fn.defined = true
	if p.m.funcs[fn.name] == nil || !p.m.funcs[fn.name].defined {
		p.m.order = append(p.m.order, fn)
	}
	p.m.funcs[fn.name] = fn
}

func sameShape(a, b *function) bool {
	same := func(x, y []*variable) bool {
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if x[i].size != y[i].size || x[i].align != y[i].align {
				return false
			}
		}
		return true
	}
	return same(a.params, b.params) && same(a.results, b.results)
}

// params reads (.param .u64 a, .param .align 8 .b8 b[16]).
func (p *parser) params() []*variable {
	var list []*variable
	p.expect("(")
	if p.accept(")") {
		return nil
	}
	for p.err == nil {
		line := p.peek().line
		if name := p.directive(); name != "param" {
			p.fail(line, "a parameter in .%s is not supported; write .param", name)
		}
		v := &variable{space: param}
		p.shape(v)
		if v.dyn {
			p.fail(line, "parameter %s has no size", v.name)
		}
		list = append(list, v)
		if !p.accept(",") {
			p.expect(")")
			break
		}
	}
	return list
}

// maxParams is the room for the parameters of a kernel, in bytes.
const maxParams = 4096

// entryParams lays the parameters of a kernel out, each at its alignment.
func (p *parser) entryParams(fn *function) {
	at := 0
	for _, v := range fn.params {
		at = alignUp(at, v.align)
		v.offset = uint64(at)
		if at += v.size; at > maxParams {
			p.fail(fn.line, "kernel %s takes more than %d bytes of parameters", fn.name, maxParams)
			return
		}
	}
}

func alignUp(n, align int) int { return (n + align - 1) &^ (align - 1) }

// limits reads .maxntid and its kin.
func (p *parser) limits(fn *function) {
	for p.err == nil && p.peek().is(".") {
		line := p.peek().line
		switch name := p.directive(); name {
		case "maxntid", "reqntid":
			fn.maxntid = [3]int{1, 1, 1}
			fn.reqntid = name == "reqntid"
			for i := range 3 {
				fn.maxntid[i] = p.integer(1024)
				if !p.accept(",") {
					break
				}
			}
		case "minnctapersm", "maxnreg", "maxnctapersm": // how the card places blocks, not what they do
			p.integer(1 << 20)
		case "noreturn":
		default:
			p.fail(line, "directive .%s is not supported", name)
		}
	}
}

// body reads the statements of a function.
func (p *parser) body() {
	s := newScope()
	for _, v := range append(append([]*variable{}, p.fn.params...), p.fn.results...) {
		if s.vars[v.name] != nil {
			p.fail(p.fn.line, "%s is declared twice", v.name)
		}
		s.vars[v.name] = v
	}
	p.scopes = []scope{s}
	p.expect("{")
	for p.err == nil && len(p.scopes) > 0 {
		p.line()
	}
	p.scopes = nil
	for label, line := range p.fn.refs {
		if _, ok := p.fn.labels[label]; !ok && p.err == nil {
			p.fail(line, "%s is not declared", label)
		}
	}
}

// line reads one label, declaration, brace or instruction.
func (p *parser) line() {
	t := p.peek()
	switch {
	case t.kind == end:
		p.fail(t.line, "the end inside function %s", p.fn.name)
	case t.is("{"):
		p.next()
		if len(p.scopes) > maxDepth {
			p.fail(t.line, "more than %d scopes within each other", maxDepth)
		}
		p.scopes = append(p.scopes, newScope())
	case t.is("}"):
		p.next()
		p.scopes = p.scopes[:len(p.scopes)-1]
	case t.is(";"):
		p.next()
	case t.is("."):
		p.declaration()
	case t.kind == word && p.tokens[p.at+1].is(":"):
		p.label()
	default:
		p.instruction()
	}
}

func (p *parser) label() {
	t := p.next()
	p.expect(":")
	if p.peek().is(".") && p.tokens[p.at+1].is("branchtargets") {
		p.at += 2
		var list []string
		for p.err == nil {
			name := p.word("a label")
			p.use(name, t.line)
			list = append(list, name)
			if !p.accept(",") {
				break
			}
		}
		p.expect(";")
		p.fn.tables[t.text] = list
		return
	}
	if _, twice := p.fn.labels[t.text]; twice {
		p.fail(t.line, "label %s stands twice", t.text)
	}
	p.count(t.line)
	p.fn.labels[t.text] = len(p.fn.body)
}

// use notes that a label is used, which need not stand yet.
func (p *parser) use(label string, line int) {
	if _, ok := p.fn.refs[label]; !ok {
		p.fn.refs[label] = line
	}
}

// declaration reads .reg, .param, .shared, .local and what says nothing about the run.
func (p *parser) declaration() {
	line := p.peek().line
	extern := false
	name := p.directive()
	if name == "extern" {
		extern, name = true, p.directive()
	}
	switch name {
	case "reg":
		p.registers()
	case "shared", "local", "param", "global", "const":
		v := p.variable(spaces[name], extern)
		if v == nil {
			return
		}
		p.declare(v, line)
		switch v.space {
		case global, constant:
			p.m.vars = append(p.m.vars, v)
		case shared:
			p.fn.shared = append(p.fn.shared, v)
		default:
			p.fn.locals = append(p.fn.locals, v)
		}
	case "pragma":
		if t := p.next(); t.kind != quoted || t.text != "nounroll" {
			p.fail(t.line, "pragma %q is not supported", t.text)
		}
		p.expect(";")
	case "loc":
		for range 3 {
			p.integer(1 << 30)
		}
	default:
		p.fail(line, "directive .%s is not supported in a function", name)
	}
}

func (p *parser) declare(v *variable, line int) {
	s := p.scopes[len(p.scopes)-1]
	if _, reg := s.regs[v.name]; reg || s.vars[v.name] != nil {
		p.fail(line, "%s is declared twice", v.name)
	}
	s.vars[v.name] = v
}

// registers reads .reg .type names;  a name may be a range: %r<10> is %r0 to %r9.
func (p *parser) registers() {
	line := p.peek().line
	t := p.typ(p.directive(), line)
	if t.size == 1 {
		p.fail(line, "a register of type .%s; the smallest has 16 bits", t.name)
	}
	s := p.scopes[len(p.scopes)-1]
	for p.err == nil {
		name := p.word("the name of a register")
		p.count(line)
		if _, twice := s.regs[name]; twice || s.vars[name] != nil {
			p.fail(line, "%s is declared twice", name)
		}
		if p.accept("<") {
			n := p.integer(1 << 24)
			p.expect(">")
			if _, twice := s.ranges[name]; twice {
				p.fail(line, "%s is declared twice", name)
			}
			s.ranges[name] = regRange{t, n}
		} else {
			s.regs[name] = p.newRegister(name, t)
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(";")
}

func (p *parser) newRegister(name string, t dtype) int {
	if len(p.fn.regs) >= maxRegisters {
		p.fail(p.peek().line, "more than %d registers", maxRegisters)
	}
	p.fn.regs = append(p.fn.regs, register{name, t})
	return len(p.fn.regs) - 1
}

// lookup finds a register or variable by name, innermost scope first.
func (p *parser) lookup(name string) (reg int, v *variable) {
	stem := strings.TrimRight(name, "0123456789")
	digits := name[len(stem):]
	for i := len(p.scopes) - 1; i >= 0; i-- {
		s := p.scopes[i]
		if r, ok := s.regs[name]; ok {
			return r, nil
		}
		if v := s.vars[name]; v != nil {
			return -1, v
		}
		for cut := max(0, len(digits)-8); cut < len(digits) && len(s.ranges) > 0; cut++ { // a stem may end in digits: %r2<4>
			n, _ := strconv.Atoi(digits[cut:])
			plain := digits[cut] != '0' || len(digits)-cut == 1
			if r, ok := s.ranges[stem+digits[:cut]]; ok && plain && n < r.count {
				reg := p.newRegister(name, r.typ)
				s.regs[name] = reg
				return reg, nil
			}
		}
	}
	return -1, p.m.names[name]
}
