package sim

// instruction reads [@p] op.mods operands ;
func (p *parser) instruction() {
	s := statement{line: p.peek().line, guard: -1}
	if p.total++; p.total > maxStatements {
		p.fail(s.line, "more than %d instructions", maxStatements)
	}
	if p.accept("@") {
		s.not = p.accept("!")
		o := p.name()
		if o.kind != regOperand || p.err == nil && p.fn.regs[o.reg].typ.class != pred {
			p.fail(s.line, "a guard must be a predicate register")
		}
		s.guard = o.reg
	}
	s.line = p.peek().line
	s.op = p.word("an instruction")
	for p.err == nil && p.accept(".") {
		t := p.next()
		if t.kind != word {
			p.fail(t.line, "modifier .%s of %s is not supported", t.text, s.op)
		}
		mod := t.text
		if p.peek().is(":") && p.tokens[p.at+1].is(":") { // .shared::cta
			p.at += 2
			mod += "::" + p.next().text
		}
		s.mods = append(s.mods, mod)
	}
	for p.err == nil && !p.accept(";") {
		s.args = append(s.args, p.operand(0))
		if !p.peek().is(";") {
			p.expect(",")
		}
		if len(s.args) > 16 {
			p.fail(s.line, "more than 16 operands of %s", s.op)
		}
	}
	if p.err == nil {
		p.fn.body = append(p.fn.body, s)
	}
}

// operand reads one operand.
func (p *parser) operand(depth int) operand {
	t := p.peek()
	switch {
	case depth > 2:
		p.fail(t.line, "operands too deep")
		return operand{}
	case t.is("{"):
		return p.group("}", vectorOperand, depth)
	case t.is("("):
		return p.group(")", listOperand, depth)
	case t.is("["):
		return p.address()
	case t.is("-") || t.kind == number:
		return p.number()
	case t.is("!"):
		p.next()
		o := p.name()
		o.not = true
		if o.kind != regOperand {
			p.fail(t.line, "! before something that is no predicate")
		}
		return o
	case t.is("_"):
		p.next()
		return operand{kind: sinkOperand}
	}
	o := p.name()
	if p.accept("|") {
		pair := operand{kind: sinkOperand}
		if !p.accept("_") {
			pair = p.name()
		}
		o.pair = &pair
	}
	if o.kind == symbolOperand && p.accept("+") {
		o.off = int64(p.integer(1<<31 - 1))
	}
	return o
}

func (p *parser) group(closer string, kind operandKind, depth int) operand {
	o := operand{kind: kind}
	p.next()
	for p.err == nil && !p.accept(closer) {
		o.list = append(o.list, p.operand(depth+1))
		if len(o.list) > 256 {
			p.fail(p.peek().line, "more than 256 operands in a list")
		}
		if !p.peek().is(closer) {
			p.expect(",")
		}
	}
	return o
}

// address reads [base], [base+offset] or [number].
func (p *parser) address() operand {
	o := operand{kind: addressOperand}
	p.expect("[")
	line := p.peek().line
	if t := p.peek(); t.kind == number || t.is("-") {
		n := p.number()
		if n.lit != integerLiteral {
			p.fail(line, "an address that is no integer")
		}
		o.list = []operand{n}
		p.expect("]")
		return o
	}
	base := p.name()
	if base.kind != regOperand && (base.kind != symbolOperand || base.sym == nil) {
		p.fail(line, "address %s is no register and no variable", base.name)
	}
	minus := false
	if p.accept("+") { // a negative offset is written +-8
		minus = p.accept("-")
		o.off = int64(p.integer(1<<31 - 1))
	}
	if minus {
		o.off = -o.off
	}
	o.list = []operand{base}
	p.expect("]")
	return o
}

// name reads an identifier and finds what it stands for. What is not declared yet is a label or function.
func (p *parser) name() operand {
	t := p.next()
	if t.kind != word {
		p.fail(t.line, "%q where an operand should be", t.text)
		return operand{}
	}
	reg, v := p.lookup(t.text)
	switch {
	case reg >= 0:
		return operand{kind: regOperand, name: t.text, reg: reg}
	case v != nil:
		return operand{kind: symbolOperand, name: t.text, sym: v}
	case t.text[0] == '%':
		name := t.text
		if p.peek().is(".") && p.tokens[p.at+1].kind == word {
			p.at++
			name += "." + p.next().text
		}
		if _, ok := specials[name]; !ok {
			p.fail(t.line, "%s is no declared register and no special register that is supported", name)
		}
		return operand{kind: specialOperand, name: name}
	}
	return operand{kind: symbolOperand, name: t.text}
}
