package sim

import "math/bits"

func buildLogic(f func2) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		t := dtypes[got[0]]
		if t.class != pred {
			b.map2(t, f)
			return
		}
		if b.args(3) {
			x, y := b.src(1, t), b.src(2, t)
			b.in.run = apply2(b.dst(0, t, false), x, y, f)
		}
	}
}

func buildNot(b *builder, got []string) {
	mask := dtypes[got[0]].mask()
	b.map1(dtypes[got[0]], func(x uint64) uint64 { return ^x & mask })
}

func buildCnot(b *builder, got []string) {
	b.map1(dtypes[got[0]], func(x uint64) uint64 { return boolean(x == 0) })
}

func boolean(c bool) uint64 {
	if c {
		return 1
	}
	return 0
}

// amount takes the operands of a shift: the amount is always 32 bits wide. Amounts beyond the width count as the width.
func (b *builder) amount(t dtype, f func(x uint64, n uint) uint64) {
	if b.args(3) {
		x, n := b.src(1, t), b.src(2, dtypes["u32"])
		b.in.run = apply2(b.dst(0, t, false), x, n, func(x, n uint64) uint64 { return f(x, uint(n)) })
	}
}

func buildShl(b *builder, got []string) {
	mask := dtypes[got[0]].mask()
	b.amount(dtypes[got[0]], func(x uint64, n uint) uint64 { return x << n & mask })
}

func buildShr(b *builder, got []string) {
	t := dtypes[got[0]]
	if t.class != signed {
		b.amount(t, func(x uint64, n uint) uint64 { return x >> n })
		return
	}
	mask, size := t.mask(), t.size
	b.amount(t, func(x uint64, n uint) uint64 { return uint64(int64(signExtend(x, size))>>n) & mask })
}

// buildFunnel is shf: a shift of the 64 bits y:x, of which a half is kept.
func buildFunnel(b *builder, got []string) {
	left, wrap := got[0] == "l", got[1] == "wrap"
	b.map3(dtypes["b32"], func(x, y, n uint64) uint64 {
		if wrap {
			n &= 31
		} else {
			n = min(n, 32)
		}
		v := y<<32 | x
		if left {
			return v << n >> 32
		}
		return v >> n & 0xffffffff
	})
}

// buildExtract is bfe: len bits of x from bit pos on, signed ones extended by their highest.
func buildExtract(b *builder, got []string) {
	t := dtypes[got[0]]
	if !b.args(4) {
		return
	}
	x, pos, n := b.src(1, t), b.src(2, dtypes["u32"]), b.src(3, dtypes["u32"])
	mask, width, sign := t.mask(), uint64(t.bits()), t.class == signed
	b.in.run = apply3(b.dst(0, t, false), x, pos, n, func(x, pos, n uint64) uint64 {
		pos, n = pos&0xff, n&0xff
		if n == 0 {
			return 0
		}
		out := x >> pos
		fill := uint64(0)
		if sign && x>>min(pos+n-1, width-1)&1 == 1 {
			fill = ^uint64(0)
		}
		if keep := min(n, width-min(pos, width)); keep < 64 {
			out = out&(1<<keep-1) | fill<<keep
		}
		return out & mask
	})
}

// buildInsert is bfi: len bits of x put into y from bit pos on.
func buildInsert(b *builder, got []string) {
	t := dtypes[got[0]]
	if !b.args(5) {
		return
	}
	x, y, pos, n := b.src(1, t), b.src(2, t), b.src(3, dtypes["u32"]), b.src(4, dtypes["u32"])
	d, mask := b.dst(0, t, false), t.mask()
	b.in.run = func(b *block, lanes []uint16) {
		dst, xs, ys, ps, ns := b.regs[d], b.regs[x], b.regs[y], b.regs[pos], b.regs[n]
		for _, l := range lanes {
			p, n := ps[l]&0xff, ns[l]&0xff
			field := ^uint64(0)
			if n < 64 {
				field = 1<<n - 1
			}
			dst[l] = (ys[l]&^(field<<p) | xs[l]&field<<p) & mask
		}
	}
}

// countOf makes an instruction whose result is a .u32 whatever its operand.
func (b *builder) countOf(t dtype, f func1) {
	if b.args(2) {
		x := b.src(1, t)
		b.in.run = apply1(b.dst(0, dtypes["u32"], false), x, f)
	}
}

func buildPopc(b *builder, got []string) {
	b.countOf(dtypes[got[0]], func(x uint64) uint64 { return uint64(bits.OnesCount64(x)) })
}

func buildClz(b *builder, got []string) {
	unused := 64 - dtypes[got[0]].bits()
	b.countOf(dtypes[got[0]], func(x uint64) uint64 { return uint64(bits.LeadingZeros64(x) - unused) })
}

func buildBrev(b *builder, got []string) {
	unused := uint(64 - dtypes[got[0]].bits())
	b.map1(dtypes[got[0]], func(x uint64) uint64 { return bits.Reverse64(x) >> unused })
}

// buildFind is bfind: the highest bit that differs from the sign, as a position or as the shift that would bring it to the top.
func buildFind(b *builder, got []string) {
	t := dtypes[got[1]]
	shift, size, mask := got[0] != "", t.size, t.mask()
	b.countOf(t, func(x uint64) uint64 {
		if t.class == signed && int64(signExtend(x, size)) < 0 {
			x = ^x & mask
		}
		if x == 0 {
			return 0xffffffff
		}
		at := uint64(bits.Len64(x) - 1)
		if shift {
			return uint64(t.bits()-1) - at
		}
		return at
	})
}

// buildLop3 is lop3: any function of three bits, as a table of eight.
func buildLop3(b *builder, got []string) {
	if !b.args(5) {
		return
	}
	t := dtypes["b32"]
	x, y, z := b.src(1, t), b.src(2, t), b.src(3, t)
	lut := b.number(4, 255)
	b.in.run = apply3(b.dst(0, t, false), x, y, z, func(x, y, z uint64) uint64 {
		var out uint64
		for i := range uint64(8) {
			if lut>>i&1 == 0 {
				continue
			}
			out |= pick(x, i>>2) & pick(y, i>>1) & pick(z, i)
		}
		return out & 0xffffffff
	})
}

func pick(x, bit uint64) uint64 {
	if bit&1 == 0 {
		return ^x
	}
	return x
}

// buildPermute is prmt: each byte of the result is one of the eight bytes of y:x, or its sign.
func buildPermute(b *builder, got []string) {
	t := dtypes["b32"]
	b.map3(t, func(x, y, sel uint64) uint64 {
		all := y<<32 | x
		var out uint64
		for i := range uint64(4) {
			s := sel >> (4 * i)
			v := all >> (8 * (s & 7)) & 0xff
			if s&8 != 0 {
				v = v >> 7 * 0xff
			}
			out |= v << (8 * i)
		}
		return out
	})
}
