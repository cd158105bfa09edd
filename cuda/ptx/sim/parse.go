package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// parser reads a module. It stops at the first thing it does not understand, which it keeps in err.
type parser struct {
	tokens []token
	at     int
	err    *SyntaxError
	m      *Module
	fn     *function
	scopes []scope
	names  int
	bytes  int
	total  int // statements
}

// scope is what a pair of braces declares. A range is %r<10>: a prefix and how many.
type scope struct {
	regs   map[string]int
	ranges map[string]regRange
	vars   map[string]*variable
}

type regRange struct {
	typ   dtype
	count int
}

func newScope() scope {
	return scope{map[string]int{}, map[string]regRange{}, map[string]*variable{}}
}

func (p *parser) fail(line int, format string, args ...any) {
	if p.err == nil {
		p.err = &SyntaxError{Line: line, Reason: fmt.Sprintf(format, args...)}
		p.at = len(p.tokens) - 1 // the end: every loop stops
	}
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

func (p *parser) accept(s string) bool {
	if p.peek().is(s) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(s string) {
	if t := p.next(); !t.is(s) {
		p.fail(t.line, "%q instead of %q", t.text, s)
	}
}

func (p *parser) word(what string) string {
	t := p.next()
	if t.kind != word {
		p.fail(t.line, "%q where %s should be", t.text, what)
	}
	return t.text
}

// integer reads a literal that must lie in [0, limit].
func (p *parser) integer(limit uint64) int {
	t := p.next()
	if t.kind == number {
		if v, kind, ok := literal(t.text); ok && kind == integerLiteral && v <= limit {
			return int(v)
		}
	}
	p.fail(t.line, "%q where a number up to %d should be", t.text, limit)
	return 0
}

// directive reads .name.
func (p *parser) directive() string {
	p.expect(".")
	t := p.next()
	text := t.text
	if t.kind == number { // .2d and the like never mean anything here
		p.fail(t.line, "directive .%s is not supported", t.text)
	} else if t.kind != word {
		p.fail(t.line, "%q where a directive should be", t.text)
	}
	return text
}

// module reads the whole text.
func (p *parser) module() {
	p.header()
	for p.err == nil && p.peek().kind != end {
		p.top()
	}
}

func (p *parser) header() {
	line := p.peek().line
	if name := p.directive(); name != "version" {
		p.fail(line, ".%s before .version", name)
	}
	t := p.next()
	major, minor, dot := strings.Cut(t.text, ".")
	a, err := strconv.ParseUint(major, 10, 8)
	b, err2 := strconv.ParseUint(minor, 10, 8)
	if t.kind != number || !dot || err != nil || err2 != nil || a < 6 || a > 8 {
		p.fail(t.line, "version %s is not supported; 6.0 to 8.9 are", t.text)
	}
	p.m.version = int(a*10 + b)
	line = p.peek().line
	if name := p.directive(); name != "target" {
		p.fail(line, ".%s where .target should be", name)
	}
	t = p.next()
	target, ok := strings.CutPrefix(t.text, "sm_")
	sm, err := strconv.ParseUint(strings.TrimSuffix(target, "a"), 10, 16)
	if !ok || err != nil || sm < 60 {
		p.fail(t.line, "target %s is not supported; sm_60 and newer are", t.text)
	}
	p.m.target = int(sm)
	for p.accept(",") {
		if t := p.next(); !t.is("debug") {
			p.fail(t.line, "target option %s is not supported", t.text)
		}
	}
}

// top reads one declaration of the module.
func (p *parser) top() {
	line := p.peek().line
	extern := false
	name := p.directive()
	for name == "visible" || name == "extern" || name == "weak" {
		extern = extern || name == "extern"
		name = p.directive()
	}
	switch name {
	case "address_size":
		if t := p.next(); t.text != "64" {
			p.fail(t.line, "address size %s is not supported; 64 is", t.text)
		}
	case "entry", "func":
		p.function(line, name == "entry", extern)
	case "global", "const", "shared":
		v := p.variable(spaces[name], extern)
		if v == nil {
			return
		}
		if extern && (name != "shared" || !v.dyn) {
			p.fail(line, "extern variable %s has no definition to link with", v.name)
		}
		p.m.vars = append(p.m.vars, v)
		if _, twice := p.m.names[v.name]; twice {
			p.fail(line, "%s is declared twice", v.name)
		}
		p.m.names[v.name] = v
	case "file":
		p.integer(1 << 20)
		if t := p.next(); t.kind != quoted {
			p.fail(t.line, "%q where a file's name should be", t.text)
		}
	default:
		p.fail(line, "directive .%s is not supported", name)
	}
}

// count keeps the number of declared names within its limit.
func (p *parser) count(line int) {
	if p.names++; p.names > maxNames {
		p.fail(line, "more than %d names", maxNames)
	}
}

func (p *parser) typ(name string, line int) dtype {
	t, ok := dtypes[name]
	if !ok {
		p.fail(line, "type .%s is not supported", name)
	}
	return t
}

// alignment reads N of .align N.
func (p *parser) alignment() int {
	line := p.peek().line
	n := p.integer(4096)
	if n == 0 || n&(n-1) != 0 {
		p.fail(line, "alignment %d is not a power of two", n)
		return 1
	}
	return n
}

// variable reads [.align N] .type name[n] [= init] ; behind its space.
func (p *parser) variable(in space, extern bool) *variable {
	v := &variable{space: in}
	p.shape(v)
	line := p.peek().line
	if v.dyn && (!extern || in != shared) && p.peek().text != "=" {
		p.fail(line, "array %s has no size", v.name)
	}
	if p.accept("=") {
		if in != global && in != constant {
			p.fail(line, "a variable in %s has no initial value", in)
		}
		p.initialiser(v)
	}
	p.expect(";")
	if p.bytes += v.size; p.bytes > maxVariable || v.size > maxVariable {
		p.fail(line, "variables take more than %d bytes", maxVariable)
	}
	if p.err != nil {
		return nil
	}
	return v
}

// shape reads [.align N] .type [.ptr ...] name[n][m].
func (p *parser) shape(v *variable) {
	line := p.peek().line
	name := p.directive()
	if name == "align" {
		v.align = p.alignment()
		name = p.directive()
	}
	v.typ = p.typ(name, line)
	if v.typ.class == pred {
		p.fail(line, "a variable of type .pred in %s", v.space)
	}
	for v.space == param && p.peek().is(".") { // what a pointer points to says nothing that is needed here
		switch name := p.directive(); name {
		case "ptr", "global", "shared", "const", "local":
		case "align":
			p.alignment()
		default:
			p.fail(line, "attribute .%s is not supported", name)
		}
	}
	v.name = p.word("the name of a variable")
	p.count(line)
	v.align = max(v.align, v.typ.size)
	v.size = v.typ.size
	for p.accept("[") {
		v.bound = true
		if p.accept("]") {
			if v.dyn || v.size != v.typ.size {
				p.fail(line, "only the first bound may be open")
			}
			v.dyn, v.size = true, 0
			continue
		}
		n := p.integer(maxVariable)
		if n > 0 && v.size > maxVariable/n {
			p.fail(line, "array %s is larger than %d bytes", v.name, maxVariable)
			return
		}
		v.size *= n
		p.expect("]")
	}
}

// initialiser reads a value or a list of values, nested or not.
func (p *parser) initialiser(v *variable) {
	at := 0
	var read func(depth int)
	read = func(depth int) {
		line := p.peek().line
		if p.accept("{") {
			if depth > 8 {
				p.fail(line, "initialiser too deep")
			}
			for p.err == nil && !p.accept("}") {
				read(depth + 1)
				if !p.accept(",") {
					p.expect("}")
					return
				}
			}
			return
		}
		p.initial(v, at)
		at += v.typ.size
	}
	read(0)
	if v.dyn {
		v.dyn, v.size = false, at
	}
	if at > v.size {
		p.fail(p.peek().line, "%d bytes of initial values for %s of %d bytes", at, v.name, v.size)
	}
}

// initial reads one element at byte at.
func (p *parser) initial(v *variable, at int) {
	if at >= maxVariable {
		p.fail(p.peek().line, "initialiser larger than %d bytes", maxVariable)
		return
	}
	t := p.peek()
	e := initial{at: at, size: v.typ.size, line: t.line}
	if t.kind == word {
		p.next()
		e.symbol = t.text
		if t.text == "generic" && p.accept("(") {
			e.generic, e.symbol = true, p.word("the name of a variable")
			p.expect(")")
		}
		if p.accept("+") {
			e.value = uint64(p.integer(1 << 40))
		}
		if v.typ.size != 8 {
			p.fail(t.line, "an address in a variable of type .%s", v.typ.name)
		}
	} else {
		o := p.number()
		value, why := immediate(&o, v.typ)
		if why != "" {
			p.fail(t.line, "%s", why)
		}
		e.value = value
	}
	v.init = append(v.init, e)
}

// number reads a literal with its sign.
func (p *parser) number() operand {
	minus := p.accept("-")
	t := p.next()
	v, kind, ok := uint64(0), integerLiteral, false
	if t.kind == number {
		v, kind, ok = literal(t.text)
	}
	if !ok {
		p.fail(t.line, "%q where a number should be", t.text)
	}
	return operand{kind: literalOperand, value: v, lit: kind, minus: minus}
}
