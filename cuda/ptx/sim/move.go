package sim

// sourceOrSpecial returns the row of an operand that may be a special register.
func (b *builder) sourceOrSpecial(i int, t dtype, wide bool) int {
	o := &b.s.args[i]
	if o.kind != specialOperand {
		return b.srcOf(o, t, wide)
	}
	if t.size != 4 || t.class == float {
		b.fail("special register %s has type .u32, not .%s", o.name, t.name)
	}
	return b.special(o.name)
}

func copyRow(d, x int) runner {
	return func(b *block, lanes []uint16) {
		dst, xs := b.regs[d], b.regs[x]
		for _, l := range lanes {
			dst[l] = xs[l]
		}
	}
}

// buildMove copies a register, a number, a special register or an address, or packs and unpacks.
func buildMove(b *builder, got []string) {
	t := dtypes[got[0]]
	if !b.args(2) {
		return
	}
	to, from := &b.s.args[0], &b.s.args[1]
	switch {
	case to.kind == vectorOperand && from.kind == vectorOperand:
		b.fail("mov from {} to {}")
	case to.kind == vectorOperand:
		b.unpack(t, to.list)
	case from.kind == vectorOperand:
		b.pack(t, from.list)
	case from.kind == symbolOperand:
		b.address(t, from)
	default:
		x := b.sourceOrSpecial(1, t, false)
		b.in.run = copyRow(b.dst(0, t, false), x)
	}
}

// address puts the address of a variable into a register.
func (b *builder) address(t dtype, o *operand) {
	if o.sym == nil {
		b.fail("%s is no variable whose address could be taken", o.name)
		return
	}
	narrow := o.sym.space == shared || o.sym.space == local
	if t.class == float || t.class == signed || t.size != 8 && !(t.size == 4 && narrow) {
		b.fail("the address of %s in a register of type .%s", o.name, t.name)
		return
	}
	b.in.run = copyRow(b.dst(0, t, false), b.symbol(o.sym, uint64(o.off)))
}

// part is the type of an element of a packed value.
func (b *builder) part(t dtype, n int) dtype {
	if t.class == untyped && n > 0 && t.size%n == 0 {
		switch part := t.size / n; {
		case (n == 2 || n == 4) && part >= 2:
			return dtypes[map[int]string{2: "b16", 4: "b32"}[part]]
		}
	}
	b.fail("%d values packed into type .%s", n, t.name)
	return t
}

func (b *builder) unpack(t dtype, list []operand) {
	part := b.part(t, len(list))
	x := b.src(1, t)
	var dst []int
	for i := range list {
		if list[i].kind == sinkOperand && b.m.version >= 71 {
			dst = append(dst, b.newRow(row{kind: scratchRow, typ: part}))
			continue
		}
		dst = append(dst, b.dstOf(&list[i], part, false))
	}
	mask, width := part.mask(), uint(part.bits())
	b.in.run = func(b *block, lanes []uint16) {
		xs := b.regs[x]
		for _, l := range lanes {
			v := xs[l] // read before a part is written, which may be the same register's row
			for _, d := range dst {
				b.regs[d][l] = v & mask
				v >>= width
			}
		}
	}
}

func (b *builder) pack(t dtype, list []operand) {
	part := b.part(t, len(list))
	var src []int
	for i := range list {
		src = append(src, b.srcOf(&list[i], part, false))
	}
	d, width := b.dst(0, t, false), uint(part.bits())
	b.in.run = func(b *block, lanes []uint16) {
		dst := b.regs[d]
		for _, l := range lanes {
			var v uint64
			for i, s := range src {
				v |= b.regs[s][l] << (uint(i) * width)
			}
			dst[l] = v
		}
	}
}

// windows are where shared and local memory lie in generic addresses; global and const memory have the same address in both.
var windows = map[space]uint64{shared: sharedWindow, local: localWindow}

func buildCvta(b *builder, got []string) {
	t := dtypes[got[2]]
	if !b.args(2) {
		return
	}
	base := windows[spaces[got[1]]]
	if got[0] != "" {
		base = -base
	}
	var x int
	if o := &b.s.args[1]; o.kind == symbolOperand && o.sym != nil && got[0] == "" {
		if o.sym.space != spaces[got[1]] {
			b.fail("%s lies in %s", o.name, o.sym.space)
		}
		x = b.symbol(o.sym, uint64(o.off))
	} else {
		x = b.src(1, t)
	}
	d := b.dst(0, t, false)
	if base == 0 {
		b.in.run = copyRow(d, x)
		return
	}
	b.in.run = apply1(d, x, func(x uint64) uint64 { return x + base })
}

func buildIsspace(b *builder, got []string) {
	if !b.args(2) {
		return
	}
	x := b.src(1, dtypes["u64"])
	in := func(x uint64) space {
		switch {
		case x-sharedWindow < windowSize:
			return shared
		case x-localWindow < windowSize:
			return local
		}
		return global
	}
	want := spaces[got[0]]
	b.in.run = apply1(b.dst(0, dtypes["pred"], false), x, func(x uint64) uint64 { return boolean(in(x) == want) })
}
