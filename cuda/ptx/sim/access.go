package sim

import "encoding/binary"

// access is what a load, store or atomic operation touches.
type access struct {
	space  space
	p      place
	size   int // of an element
	count  int
	write  bool
	atomic bool // no race with others that are atomic
	fixed  bool // .nc: what is read must not be written while the kernel runs
	cache  int  // of the allocation last used
}

// spaceOf returns the space an address names, and refuses a variable of another.
func (b *builder) spaceOf(name string, p place) space {
	in := spaces[name]
	if p.sym == nil {
		if in == param && !b.f.fn.entry {
			return local // parameters of a call lie in local memory
		}
		return in
	}
	if name == "" {
		b.fail("variable %s without its space; write .%s", p.sym.name, p.sym.space)
	} else if in != p.sym.space {
		b.fail("variable %s lies in .%s, not in .%s", p.sym.name, p.sym.space, name)
	}
	if _, ok := b.f.vars[p.sym]; ok {
		return local
	}
	return in
}

// vector returns the elements of a vector operand, or the operand itself.
func (b *builder) vector(i int, form string) []operand {
	n := map[string]int{"": 1, "v2": 2, "v4": 4}[form]
	o := &b.s.args[i]
	if n == 1 {
		return b.s.args[i : i+1]
	}
	if o.kind != vectorOperand || len(o.list) != n {
		b.fail("%s.%s needs {} of %d registers", b.s.op, form, n)
		return nil
	}
	return o.list
}

func (b *builder) access(space string, at int, t dtype, n int, write, atomic bool) access {
	p := b.place(at)
	ac := access{space: b.spaceOf(space, p), p: p, size: t.size, count: n, write: write, atomic: atomic, cache: b.caches}
	b.caches++
	if t.size*n > 16 {
		b.fail("%s of more than 16 bytes", b.s.op)
	}
	return ac
}

// loadForm gives the places in got of what a form of ld names.
type loadForm struct {
	sem, space, vec, typ int
	nc                   bool
}

func buildLoad(at loadForm) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		if !b.args(2) {
			return
		}
		t := dtypes[got[at.typ]]
		list := b.vector(0, got[at.vec])
		strong := at.sem >= 0 && got[at.sem] != "" && got[at.sem] != "weak"
		ac := b.access(got[at.space], 1, t, max(1, len(list)), false, strong)
		ac.fixed = at.nc
		var dst []int
		var wide []uint64
		for i := range list {
			dst = append(dst, b.dstOf(&list[i], t, true))
			m := uint64(0)
			if list[i].kind == regOperand && b.err == nil && t.class == signed {
				m = b.regType(&list[i]).mask()
			}
			wide = append(wide, m)
		}
		if b.err != nil {
			return
		}
		b.in.run = loadRunner(ac, t, dst, wide)
	}
}

// loadRunner loads elements into rows; a mask in wide extends by sign to it.
func loadRunner(ac access, t dtype, dst []int, wide []uint64) runner {
	size := t.size
	return func(b *block, lanes []uint16) {
		b.stats.Loads += uint64(len(lanes))
		if len(dst) == 1 && wide[0] == 0 && size >= 4 && b.quickLoad(&ac, dst[0], lanes) {
			return
		}
		for _, l := range lanes {
			data := b.view(&ac, l)
			if data == nil {
				return
			}
			for i, d := range dst {
				v := get(data[i*size:], size)
				if wide[i] != 0 {
					v = signExtend(v, size) & wide[i]
				}
				b.regs[d][l] = v
			}
		}
	}
}

func buildStore(at loadForm) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		if !b.args(2) {
			return
		}
		t := dtypes[got[at.typ]]
		list := b.vector(1, got[at.vec])
		strong := at.sem >= 0 && got[at.sem] != "" && got[at.sem] != "weak"
		ac := b.access(got[at.space], 0, t, max(1, len(list)), true, strong)
		if ac.space == constant || ac.space == param {
			b.fail("a store to %s", ac.space)
		}
		var src []int
		reads := b.in.reads
		for i := range list {
			src = append(src, b.srcOf(&list[i], t, true))
		}
		if ac.space == local { // compilers copy the padding of structs through registers that nothing wrote
			b.k.loose = append(b.k.loose, b.in.reads[len(reads):]...)
			b.in.reads = reads
		}
		if b.err != nil {
			return
		}
		size := t.size
		b.in.run = func(b *block, lanes []uint16) {
			b.stats.Stores += uint64(len(lanes))
			if len(src) == 1 && size >= 4 && b.quickStore(&ac, src[0], lanes) {
				return
			}
			for _, l := range lanes {
				data := b.view(&ac, l)
				if data == nil {
					return
				}
				for i, s := range src {
					put(data[i*size:], size, b.regs[s][l])
				}
			}
		}
	}
}

func get(p []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(p))
	case 4:
		return uint64(binary.LittleEndian.Uint32(p))
	}
	return binary.LittleEndian.Uint64(p)
}

func put(p []byte, size int, v uint64) {
	switch size {
	case 1:
		p[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(p, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(p, uint32(v))
	default:
		binary.LittleEndian.PutUint64(p, v)
	}
}

// view returns the bytes that a thread accesses, or nil after a fault.
func (b *block) view(ac *access, l uint16) []byte {
	a := (b.regs[ac.p.row][l] + ac.p.off) & ac.p.mask
	n := uint64(ac.size * ac.count)
	if a&(n-1) != 0 {
		b.fail(ErrMisaligned, l, a, "%s %d bytes at %#x in %s memory, which is no multiple of %d", ac.verb(), n, a, ac.space, n)
		return nil
	}
	in := ac.space
	if in == generic {
		in = global
		if a-sharedWindow < windowSize {
			in, a = shared, a-sharedWindow
		} else if a-localWindow < windowSize {
			in, a = local, a-localWindow
		}
	}
	switch in {
	case global, constant:
		return b.device(ac, in, l, a, n)
	case shared:
		o := a - sharedBase
		if o >= uint64(len(b.shared)) || n > uint64(len(b.shared))-o {
			b.window(ac, l, a, n, "shared memory", sharedBase, uint64(len(b.shared)))
			return nil
		}
		if !b.touchShared(ac, l, o, n) {
			return nil
		}
		return b.shared[o : o+n]
	case local:
		o, size := a-localBase, uint64(b.localSize)
		if o >= size || n > size-o {
			b.window(ac, l, a, n, "the thread's local memory", localBase, size)
			return nil
		}
		return b.local[uint64(l)*size+o:][:n]
	}
	o := a - paramBase
	if o >= uint64(len(b.params)) || n > uint64(len(b.params))-o {
		b.window(ac, l, a, n, "the parameters", paramBase, uint64(len(b.params)))
		return nil
	}
	return b.params[o : o+n]
}

func (ac *access) verb() string {
	switch {
	case ac.write && ac.atomic:
		return "updates"
	case ac.write:
		return "writes"
	}
	return "reads"
}

// window reports an access outside a space that is one piece.
func (b *block) window(ac *access, l uint16, a, n uint64, what string, base, size uint64) {
	switch {
	case size == 0:
		b.fail(ErrAddress, l, a, "%s %d bytes at %#x: there is none of %s", ac.verb(), n, a, what)
	case a < base:
		b.fail(ErrAddress, l, a, "%s %d bytes at %#x: %d bytes before %s of %d bytes at %#x", ac.verb(), n, a, base-a, what, size, base)
	default:
		b.fail(ErrAddress, l, a, "%s %d bytes at %#x: %d bytes behind the end of %s of %d bytes at %#x",
			ac.verb(), n, a, a+n-base-size, what, size, base)
	}
}

// device finds the bytes in global or const memory.
func (b *block) device(ac *access, in space, l uint16, a, n uint64) []byte {
	seg := b.segs[ac.cache]
	if seg == nil || a-seg.addr >= seg.size || n > seg.size-(a-seg.addr) {
		seg = b.mem.find(a)
		if seg == nil || a-seg.addr >= seg.size || n > seg.size-(a-seg.addr) {
			b.mem.mu.Lock()
			about := b.mem.about(a, n)
			b.mem.mu.Unlock()
			b.fail(ErrAddress, l, a, "%s %d bytes at %#x: %s", ac.verb(), n, a, about)
			return nil
		}
		b.segs[ac.cache] = seg
	}
	data := seg.data
	switch {
	case data == nil:
		b.fail(ErrFreed, l, a, "%s %d bytes at %#x in %s", ac.verb(), n, a, seg)
		return nil
	case ac.space != generic && seg.space != in, ac.write && seg.space == constant:
		b.fail(ErrAddress, l, a, "%s %d bytes at %#x as %s memory, which is %s memory: %s", ac.verb(), n, a, in, seg.space, seg)
		return nil
	}
	o := a - seg.addr
	if b.races && !b.touchGlobal(ac, seg, l, o, n) {
		return nil
	}
	return data[o : o+n]
}

func quickable(ac *access, b *block) *allocation {
	seg := b.segs[ac.cache]
	if ac.space != global || b.races || seg == nil || seg.data == nil || seg.space != global {
		return nil
	}
	return seg
}

// quickLoad loads from the allocation that the instruction used last; false, having done nothing that matters, where a thread
// leaves it.
func (b *block) quickLoad(ac *access, d int, lanes []uint16) bool {
	seg := quickable(ac, b)
	if seg == nil {
		return false
	}
	dst, as, off, data, base := b.regs[d], b.regs[ac.p.row], ac.p.off, seg.data, seg.addr
	if ac.p.row == d || ac.p.mask != ^uint64(0) {
		return false
	}
	if ac.size == 8 {
		for _, l := range lanes {
			o := as[l] + off - base
			if o > uint64(len(data))-8 || len(data) < 8 || o&7 != 0 {
				return false
			}
			dst[l] = binary.LittleEndian.Uint64(data[o:])
		}
		return true
	}
	for _, l := range lanes {
		o := as[l] + off - base
		if o > uint64(len(data))-4 || len(data) < 4 || o&3 != 0 {
			return false
		}
		dst[l] = uint64(binary.LittleEndian.Uint32(data[o:]))
	}
	return true
}

func (b *block) quickStore(ac *access, s int, lanes []uint16) bool {
	seg := quickable(ac, b)
	if seg == nil || ac.p.mask != ^uint64(0) {
		return false
	}
	src, as, off, data, base := b.regs[s], b.regs[ac.p.row], ac.p.off, seg.data, seg.addr
	if ac.size == 8 {
		for _, l := range lanes {
			o := as[l] + off - base
			if o > uint64(len(data))-8 || len(data) < 8 || o&7 != 0 {
				return false
			}
			binary.LittleEndian.PutUint64(data[o:], src[l])
		}
		return true
	}
	for _, l := range lanes {
		o := as[l] + off - base
		if o > uint64(len(data))-4 || len(data) < 4 || o&3 != 0 {
			return false
		}
		binary.LittleEndian.PutUint32(data[o:], uint32(src[l]))
	}
	return true
}

// buildPrefetch checks the operand alone: a prefetch does nothing that could be seen.
func buildPrefetch(b *builder, got []string) {
	if b.args(1) {
		b.place(0)
		b.in.run = func(*block, []uint16) {}
	}
}
