package sim

// special is a special register: what it holds in a thread, and whether that differs between blocks.
type special struct {
	blocks bool
	value  func(b *block, lane int) uint64
}

// specials are the special registers, all of type .u32.
var specials = map[string]special{
	"%tid.x": {value: func(b *block, l int) uint64 { return uint64(b.thread(uint16(l))[0]) }},
	"%tid.y": {value: func(b *block, l int) uint64 { return uint64(b.thread(uint16(l))[1]) }},
	"%tid.z": {value: func(b *block, l int) uint64 { return uint64(b.thread(uint16(l))[2]) }},

	"%ntid.x": {value: func(b *block, _ int) uint64 { return uint64(b.dims[0]) }},
	"%ntid.y": {value: func(b *block, _ int) uint64 { return uint64(b.dims[1]) }},
	"%ntid.z": {value: func(b *block, _ int) uint64 { return uint64(b.dims[2]) }},

	"%ctaid.x": {true, func(b *block, _ int) uint64 { return uint64(b.id[0]) }},
	"%ctaid.y": {true, func(b *block, _ int) uint64 { return uint64(b.id[1]) }},
	"%ctaid.z": {true, func(b *block, _ int) uint64 { return uint64(b.id[2]) }},

	"%nctaid.x": {value: func(b *block, _ int) uint64 { return uint64(b.grid[0]) }},
	"%nctaid.y": {value: func(b *block, _ int) uint64 { return uint64(b.grid[1]) }},
	"%nctaid.z": {value: func(b *block, _ int) uint64 { return uint64(b.grid[2]) }},

	"%laneid": {value: func(_ *block, l int) uint64 { return uint64(l % warpSize) }},
	"%warpid": {value: func(_ *block, l int) uint64 { return uint64(l / warpSize) }},

	"%lanemask_eq": {value: func(_ *block, l int) uint64 { return 1 << (l % warpSize) }},
	"%lanemask_lt": {value: func(_ *block, l int) uint64 { return 1<<(l%warpSize) - 1 }},
	"%lanemask_le": {value: func(_ *block, l int) uint64 { return 2<<(l%warpSize) - 1 }},
	"%lanemask_gt": {value: func(_ *block, l int) uint64 { return 0xffffffff &^ (2<<(l%warpSize) - 1) }},
	"%lanemask_ge": {value: func(_ *block, l int) uint64 { return 0xffffffff &^ (1<<(l%warpSize) - 1) }},
}

// fillRows puts constants and special registers into their rows: at the start of a launch all of them, later what differs
// between blocks.
func (b *block) fillRows(all bool) {
	for i, r := range b.k.rows {
		dst := b.regs[i]
		switch r.kind {
		case constantRow:
			if !all {
				continue
			}
			v := r.value
			if r.sym != nil {
				v += b.addresses[r.sym]
			}
			for l := range dst {
				dst[l] = v
			}
		case specialRow:
			s := specials[r.special]
			if !all && !s.blocks {
				continue
			}
			for l := range dst {
				dst[l] = s.value(b, l)
			}
		}
	}
}
