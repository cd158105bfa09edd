package sim

import "fmt"

// movesBits are the instructions that take a constant of a float as bits: what computes with bits does not.
var movesBits = map[string]bool{"mov": true, "selp": true, "slct": true, "st": true}

// args checks the number of operands.
func (b *builder) args(n int) bool {
	if len(b.s.args) != n {
		b.fail("%s takes %d operands, not %d", b.s.op, n, len(b.s.args))
		return false
	}
	return b.err == nil
}

// regType returns the type of a register operand.
func (b *builder) regType(o *operand) dtype { return b.f.fn.regs[o.reg].typ }

func (b *builder) checkType(o *operand, t dtype, wide bool) {
	if r := b.regType(o); !t.fits(r, wide) {
		b.fail("%s is a register of type .%s, not one for type .%s", o.name, r.name, t.name)
	}
}

// dst returns the row that operand i writes, of type t; wide allows larger integer registers.
func (b *builder) dst(i int, t dtype, wide bool) int { return b.dstOf(&b.s.args[i], t, wide) }

func (b *builder) dstOf(o *operand, t dtype, wide bool) int {
	if o.kind != regOperand || o.not || o.pair != nil {
		b.fail("the result of %s is no register", b.s.op)
		return 0
	}
	b.checkType(o, t, wide)
	r := b.reg(o.reg)
	b.in.writes = append(b.in.writes, r)
	return r
}

// src returns the row that operand i reads, of type t.
func (b *builder) src(i int, t dtype) int { return b.srcOf(&b.s.args[i], t, false) }

func (b *builder) srcOf(o *operand, t dtype, wide bool) int {
	if o.pair != nil {
		b.fail("a|b as a source of %s", b.s.op)
		return 0
	}
	switch o.kind {
	case regOperand:
		if o.not {
			b.fail("! before an operand of %s", b.s.op)
		}
		b.checkType(o, t, wide)
		r := b.reg(o.reg)
		b.in.reads = append(b.in.reads, r)
		return r
	case literalOperand:
		v, why := immediate(o, t)
		if o.lit != integerLiteral && t.class == untyped && !movesBits[b.s.op] {
			why = fmt.Sprintf("a float constant for %s.%s; write its bits", b.s.op, t.name)
		}
		if why != "" {
			b.fail("%s", why)
		}
		return b.constant(v, nil)
	}
	b.fail("an operand of %s is neither a register nor a number", b.s.op)
	return 0
}

// predicate returns the row of a predicate operand and whether it is negated.
func (b *builder) predicate(i int) (int, bool) {
	o := b.s.args[i]
	not := o.not
	o.not = false
	return b.srcOf(&o, dtypes["pred"], false), not
}

// number returns a literal operand that must lie within [0, limit].
func (b *builder) number(i int, limit uint64) uint64 {
	o := &b.s.args[i]
	if o.kind != literalOperand || o.lit != integerLiteral || o.minus || o.value > limit {
		b.fail("operand %d of %s is no number up to %d", i+1, b.s.op, limit)
		return 0
	}
	return o.value
}

// place is an address operand: the row of its base, and what is added within 32 or 64 bits.
type place struct {
	row  int
	off  uint64
	mask uint64
	sym  *variable
}

func (b *builder) place(i int) place {
	o := &b.s.args[i]
	if o.kind != addressOperand {
		b.fail("operand %d of %s is no address", i+1, b.s.op)
		return place{}
	}
	base := &o.list[0]
	p := place{off: uint64(o.off), mask: ^uint64(0)}
	switch base.kind {
	case regOperand:
		t := b.regType(base)
		if t.class == float || t.class == pred || t.size < 4 {
			b.fail("an address in register %s of type .%s", base.name, t.name)
			return p
		}
		p.mask = t.mask()
		p.row = b.reg(base.reg)
		b.in.reads = append(b.in.reads, p.row)
	case literalOperand:
		v := base.value
		if base.minus {
			v = -v
		}
		p.row = b.constant(v, nil)
	default:
		p.sym = base.sym
		p.row = b.symbol(base.sym, 0)
	}
	return p
}
