package sim

import "math/bits"

// extend returns what makes a 64-bit integer of a value of the type.
func extend(t dtype) func(uint64) uint64 {
	if t.class != signed {
		return func(x uint64) uint64 { return x }
	}
	size := t.size
	return func(x uint64) uint64 { return signExtend(x, size) }
}

// limits returns the least and greatest value of an integer type.
func (t dtype) limits() (lo int64, hi uint64) {
	if t.class == signed {
		return -1 << (t.bits() - 1), 1<<(t.bits()-1) - 1
	}
	return 0, t.mask()
}

func buildAdd(b *builder, got []string) {
	b.sum(dtypes[got[0]], 1)
}

func buildSub(b *builder, got []string) {
	b.sum(dtypes[got[0]], ^uint64(0))
}

// sum is x + y*sign.
func (b *builder) sum(t dtype, sign uint64) {
	if b.args(3) {
		x, y := b.src(1, t), b.src(2, t)
		b.in.run = quickSum(b.dst(0, t, false), x, y, t.mask(), sign)
	}
}

// saturate brings a sum that cannot leave 64 bits into the range of int32.
func saturate(v int64) uint64 {
	return uint64(uint32(min(max(v, -1<<31), 1<<31-1)))
}

func buildAddSat(b *builder, got []string) {
	b.map2(dtypes["s32"], func(x, y uint64) uint64 { return saturate(int64(int32(x)) + int64(int32(y))) })
}

func buildSubSat(b *builder, got []string) {
	b.map2(dtypes["s32"], func(x, y uint64) uint64 { return saturate(int64(int32(x)) - int64(int32(y))) })
}

// product returns both halves of x*y for a type.
func product(t dtype) func(x, y uint64) (hi, lo uint64) {
	mask, n := t.mask(), uint(t.bits())
	switch {
	case n == 64 && t.class == signed:
		return func(x, y uint64) (uint64, uint64) {
			hi, lo := bits.Mul64(x, y)
			if int64(x) < 0 {
				hi -= y
			}
			if int64(y) < 0 {
				hi -= x
			}
			return hi, lo
		}
	case n == 64:
		return bits.Mul64
	}
	ext := extend(t)
	return func(x, y uint64) (uint64, uint64) {
		v := ext(x) * ext(y)
		return v >> n & mask, v & mask
	}
}

func wider(t dtype) dtype {
	prefix := "u"
	if t.class == signed {
		prefix = "s"
	}
	return dtypes[prefix+map[int]string{2: "32", 4: "64"}[t.size]]
}

func buildMul(b *builder, got []string) {
	t := dtypes[got[1]]
	mask, mul := t.mask(), product(t)
	switch got[0] {
	case "lo":
		if b.args(3) {
			x, y := b.src(1, t), b.src(2, t)
			b.in.run = quickMad(b.dst(0, t, false), x, y, b.constant(0, nil), mask)
		}
	case "hi":
		b.map2(t, func(x, y uint64) uint64 { hi, _ := mul(x, y); return hi })
	case "wide":
		if !b.args(3) {
			return
		}
		ext, w := extend(t), wider(t)
		wide := w.mask()
		x, y := b.src(1, t), b.src(2, t)
		b.in.run = apply2(b.dst(0, w, false), x, y, func(x, y uint64) uint64 { return ext(x) * ext(y) & wide })
	}
}

func buildMad(b *builder, got []string) {
	t := dtypes[got[1]]
	mask, mul := t.mask(), product(t)
	switch got[0] {
	case "lo":
		if b.args(4) {
			x, y, z := b.src(1, t), b.src(2, t), b.src(3, t)
			b.in.run = quickMad(b.dst(0, t, false), x, y, z, mask)
		}
	case "hi":
		b.map3(t, func(x, y, z uint64) uint64 { hi, _ := mul(x, y); return (hi + z) & mask })
	case "wide":
		if !b.args(4) {
			return
		}
		ext, w := extend(t), wider(t)
		wide := w.mask()
		x, y, z := b.src(1, t), b.src(2, t), b.src(3, w)
		b.in.run = apply3(b.dst(0, w, false), x, y, z, func(x, y, z uint64) uint64 { return (ext(x)*ext(y) + z) & wide })
	}
}

func buildMadSat(b *builder, got []string) {
	b.map3(dtypes["s32"], func(x, y, z uint64) uint64 {
		return saturate(int64(int32(x))*int64(int32(y))>>32 + int64(int32(z)))
	})
}

// buildDiv gives all ones for x/0 and buildRem x for x%0: the language leaves them open.
func buildDiv(b *builder, got []string) {
	t := dtypes[got[0]]
	mask := t.mask()
	if t.class == signed {
		size := t.size
		b.map2(t, func(x, y uint64) uint64 {
			if y == 0 {
				return mask
			}
			return uint64(int64(signExtend(x, size))/int64(signExtend(y, size))) & mask
		})
		return
	}
	b.map2(t, func(x, y uint64) uint64 {
		if y == 0 {
			return mask
		}
		return x / y
	})
}

func buildRem(b *builder, got []string) {
	t := dtypes[got[0]]
	mask := t.mask()
	if t.class == signed {
		size := t.size
		b.map2(t, func(x, y uint64) uint64 {
			if y == 0 {
				return x
			}
			return uint64(int64(signExtend(x, size))%int64(signExtend(y, size))) & mask
		})
		return
	}
	b.map2(t, func(x, y uint64) uint64 {
		if y == 0 {
			return x
		}
		return x % y
	})
}

func buildAbs(b *builder, got []string) {
	t := dtypes[got[0]]
	mask, size := t.mask(), t.size
	b.map1(t, func(x uint64) uint64 {
		if v := int64(signExtend(x, size)); v < 0 {
			return uint64(-v) & mask
		}
		return x
	})
}

func buildNeg(b *builder, got []string) {
	mask := dtypes[got[0]].mask()
	b.map1(dtypes[got[0]], func(x uint64) uint64 { return -x & mask })
}

// less returns the order of a type's values.
func less(t dtype) func(x, y uint64) bool {
	if t.class == signed {
		size := t.size
		return func(x, y uint64) bool { return int64(signExtend(x, size)) < int64(signExtend(y, size)) }
	}
	return func(x, y uint64) bool { return x < y }
}

func lesser(t dtype) func2 {
	lt := less(t)
	return func(x, y uint64) uint64 {
		if lt(y, x) {
			return y
		}
		return x
	}
}

func greater(t dtype) func2 {
	lt := less(t)
	return func(x, y uint64) uint64 {
		if lt(x, y) {
			return y
		}
		return x
	}
}

func buildMin(b *builder, got []string) { b.map2(dtypes[got[0]], lesser(dtypes[got[0]])) }
func buildMax(b *builder, got []string) { b.map2(dtypes[got[0]], greater(dtypes[got[0]])) }

// carryRow is the condition code register, one bit.
func (b *builder) carryRow() int {
	if b.carry < 0 {
		b.carry = b.newRow(row{kind: registerRow, name: "CC.CF", typ: dtypes["pred"]})
	}
	return b.carry
}

// buildCarry is add, addc, sub and subc, .cc or not: x + (y or ^y) + carry. The carry of a subtraction is its borrow.
func buildCarry(sub, in bool) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		t := dtypes[got[1]]
		if !b.args(3) {
			return
		}
		x, y := b.src(1, t), b.src(2, t)
		cf := b.carryRow()
		if in {
			b.in.reads = append(b.in.reads, cf)
		}
		d := b.dst(0, t, false)
		out := got[0] == "cc"
		if out {
			b.in.writes = append(b.in.writes, cf)
		}
		b.in.run = carryRunner(d, x, y, cf, t, sub, in, out)
	}
}

func carryRunner(d, x, y, cf int, t dtype, sub, in, out bool) runner {
	mask, top := t.mask(), uint(t.bits())
	return func(b *block, lanes []uint16) {
		dst, xs, ys, cs := b.regs[d], b.regs[x], b.regs[y], b.regs[cf]
		for _, l := range lanes {
			c := uint64(0)
			if in {
				c = cs[l]
			}
			var v, carry uint64
			if sub {
				v, carry = bits.Sub64(xs[l], ys[l], c)
			} else {
				v, carry = bits.Add64(xs[l], ys[l], c)
				if top < 64 {
					carry = v >> top & 1
				}
			}
			dst[l] = v & mask
			if out {
				cs[l] = carry
			}
		}
	}
}

// buildMadCarry is mad and madc, .lo and .hi, .cc or not: half of x*y plus z plus carry.
func buildMadCarry(in bool) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		t := dtypes[got[2]]
		if !b.args(4) {
			return
		}
		x, y, z := b.src(1, t), b.src(2, t), b.src(3, t)
		cf := b.carryRow()
		if in {
			b.in.reads = append(b.in.reads, cf)
		}
		d := b.dst(0, t, false)
		out, high, mul := got[1] == "cc", got[0] == "hi", product(t)
		if out {
			b.in.writes = append(b.in.writes, cf)
		}
		mask, top := t.mask(), uint(t.bits())
		b.in.run = func(b *block, lanes []uint16) {
			dst, xs, ys, zs, cs := b.regs[d], b.regs[x], b.regs[y], b.regs[z], b.regs[cf]
			for _, l := range lanes {
				hi, lo := mul(xs[l], ys[l])
				if high {
					lo = hi
				}
				c := uint64(0)
				if in {
					c = cs[l]
				}
				v, carry := bits.Add64(lo, zs[l], c)
				if top < 64 {
					carry = v >> top & 1
				}
				dst[l] = v & mask
				if out {
					cs[l] = carry
				}
			}
		}
	}
}
