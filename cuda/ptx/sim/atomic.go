package sim

// update returns what an atomic operation leaves in memory, of what was there and its operands.
func update(op string, t dtype, sharedMemory bool) func3 {
	mask := t.mask()
	switch op {
	case "and":
		return func(m, x, _ uint64) uint64 { return m & x }
	case "or":
		return func(m, x, _ uint64) uint64 { return m | x }
	case "xor":
		return func(m, x, _ uint64) uint64 { return m ^ x }
	case "exch":
		return func(_, x, _ uint64) uint64 { return x }
	case "cas":
		return func(m, x, y uint64) uint64 {
			if m == x {
				return y
			}
			return m
		}
	case "inc":
		return func(m, x, _ uint64) uint64 {
			if m >= x {
				return 0
			}
			return m + 1
		}
	case "dec":
		return func(m, x, _ uint64) uint64 {
			if m == 0 || m > x {
				return x
			}
			return m - 1
		}
	case "min":
		f := lesser(t)
		return func(m, x, _ uint64) uint64 { return f(m, x) }
	case "max":
		f := greater(t)
		return func(m, x, _ uint64) uint64 { return f(m, x) }
	}
	switch {
	case t.class == float && t.size == 8:
		return func(m, x, _ uint64) uint64 { return fromF64(toF64(m) + toF64(x)) }
	case t.class == float && sharedMemory:
		return func(m, x, _ uint64) uint64 { return fromF32(toF32(m) + toF32(x)) }
	case t.class == float: // in global memory subnormals are flushed (PTX ISA, atom)
		return func(m, x, _ uint64) uint64 { return flush(fromF32(toF32(flush(m)) + toF32(flush(x)))) }
	}
	return func(m, x, _ uint64) uint64 { return (m + x) & mask }
}

// buildAtomic is atom, and red, which has no result.
func buildAtomic(result bool) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		op, t := got[3], dtypes[got[4]]
		first := 0
		if result {
			first = 1
		}
		n := first + 2
		if op == "cas" {
			n++
		}
		if !b.args(n) {
			return
		}
		ac := b.access(got[2], first, t, 1, true, true)
		x := b.src(first+1, t)
		y := x
		if op == "cas" {
			y = b.src(first+2, t)
		}
		d := -1
		if result {
			d = b.dst(0, t, false)
		}
		inShared, elsewhere, size := update(op, t, true), update(op, t, false), t.size
		b.in.run = func(b *block, lanes []uint16) {
			b.stats.Atomics += uint64(len(lanes))
			for _, l := range lanes {
				data := b.view(&ac, l)
				if data == nil {
					return
				}
				f := elsewhere
				if ac.space == shared || ac.space == generic && len(b.shared) > 0 && b.regs[ac.p.row][l]+ac.p.off-sharedWindow < windowSize {
					f = inShared
				}
				old := get(data, size)
				put(data, size, f(old, b.regs[x][l], b.regs[y][l]))
				if d >= 0 {
					b.regs[d][l] = old
				}
			}
		}
	}
}

// atomicForms are the operations with the types that each has on sm_70.
func atomicForms(result bool) []form {
	head := "relaxed? " + scopes + "? global|shared? "
	if result {
		head = "relaxed|acquire|release|acq_rel? " + scopes + "? global|shared? "
	}
	list := []form{
		{head + "add u32|s32|u64|f32|f64", buildAtomic(result)},
		{head + "min|max u32|s32|u64|s64", buildAtomic(result)},
		{head + "and|or|xor b32|b64", buildAtomic(result)},
		{head + "inc|dec u32", buildAtomic(result)},
	}
	if result {
		list = append(list, form{head + "exch|cas b32|b64", buildAtomic(result)})
	}
	return list
}
