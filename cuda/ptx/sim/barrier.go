package sim

import "slices"

// barrier is what a barrier instruction waits for and does. Operands are rows; -1 for none.
type barrier struct {
	id, count int
	aligned   bool   // all threads of a warp come to it together
	reduce    string // and, or, popc over predicate p into d
	p, d      int
	flip      uint64
}

// buildBarrier is bar.sync and barrier.sync, with a number of threads or for all of the block.
func buildBarrier(aligned bool) func(b *builder, got []string) {
	return func(b *builder, got []string) {
		if len(b.s.args) != 1 && !b.args(2) {
			return
		}
		x := &barrier{aligned: aligned, count: -1}
		x.id = b.src(0, dtypes["u32"])
		if len(b.s.args) == 2 {
			x.count = b.src(1, dtypes["u32"])
		}
		b.in.control, b.in.barrier = meet, x
		b.in.sync = func(b *block, lanes []uint16) (ready, waiting []uint16) { return b.arrive(x, lanes) }
	}
}

// buildReduce is bar.red: a barrier that also combines a predicate of all threads.
func buildReduce(b *builder, got []string) {
	n := len(b.s.args)
	if n != 3 && !b.args(4) {
		return
	}
	x := &barrier{aligned: true, count: -1, reduce: got[1]}
	x.id = b.src(1, dtypes["u32"])
	if n == 4 {
		x.count = b.src(2, dtypes["u32"])
	}
	p, not := b.predicate(n - 1)
	x.p, x.flip = p, boolean(not)
	x.d = b.dst(0, dtypes[got[2]], false)
	b.in.control, b.in.barrier = meet, x
	b.in.sync = func(b *block, lanes []uint16) (ready, waiting []uint16) { return b.arrive(x, lanes) }
}

// arrive lets threads wait at a barrier until the last one has come; others may wait at another instruction with the same
// number. A warp whose threads do not come together waits for its rest, which is a fault where that never comes.
func (b *block) arrive(x *barrier, lanes []uint16) (ready, waiting []uint16) {
	id := b.regs[x.id][lanes[0]]
	want := b.n
	if x.count >= 0 {
		want = int(b.regs[x.count][lanes[0]])
	}
	for _, l := range lanes {
		if b.regs[x.id][l] != id || x.count >= 0 && int(b.regs[x.count][l]) != want {
			b.fail(ErrBarrier, l, 0, "threads come to one barrier with different numbers")
			return nil, nil
		}
	}
	if id > 15 || want <= 0 || x.count >= 0 && want%warpSize != 0 || want > alignUp(b.n, warpSize) {
		b.fail(ErrBarrier, lanes[0], 0, "barrier %d for %d threads: the number must be below 16 and the threads a multiple of 32 within the block", id, want)
		return nil, nil
	}
	want = min(want, b.n)
	come := len(lanes)
	whole := !x.aligned || b.wholeWarps(lanes)
	for i := range b.groups { // those that wait at this barrier elsewhere
		g := &b.groups[i]
		if at := b.waitsAt(g); at != nil && b.regs[at.id][g.lanes[0]] == id {
			come += len(g.lanes)
			whole = whole && (!at.aligned || b.wholeWarps(g.lanes))
		}
	}
	if come < want || !whole {
		return nil, lanes
	}
	if come > want {
		b.fail(ErrBarrier, lanes[0], 0, "%d threads at barrier %d for %d", come, id, want)
		return nil, nil
	}
	b.release(x, id, lanes)
	return lanes, nil
}

// waitsAt returns the barrier that a group waits at, nil where it does not.
func (b *block) waitsAt(g *group) *barrier {
	if !g.waiting {
		return nil
	}
	return b.k.code[g.at].barrier
}

func (b *block) wholeWarps(lanes []uint16) bool {
	for i := 0; i < len(lanes); {
		w := int(lanes[i] / warpSize)
		n := min(b.n-w*warpSize, warpSize)
		if i+n > len(lanes) || int(lanes[i+n-1]/warpSize) != w {
			return false
		}
		i += n
	}
	return true
}

// release lets all that wait at a barrier go on.
func (b *block) release(x *barrier, id uint64, lanes []uint16) {
	b.stats.Barriers++
	all := slices.Clone(lanes)
	var at []*barrier
	var groups []int
	for i := range b.groups {
		g := &b.groups[i]
		if o := b.waitsAt(g); o != nil && b.regs[o.id][g.lanes[0]] == id {
			all = append(all, g.lanes...)
			groups, at = append(groups, i), append(at, o)
		}
	}
	total := uint64(0)
	count := func(x *barrier, lanes []uint16) {
		if x.reduce != "" {
			for _, l := range lanes {
				total += b.regs[x.p][l] ^ x.flip
			}
		}
	}
	count(x, lanes)
	for i, o := range at {
		count(o, b.groups[groups[i]].lanes)
	}
	write := func(x *barrier, lanes []uint16) {
		v := total
		switch x.reduce {
		case "":
			return
		case "and":
			v = boolean(total == uint64(len(all)))
		case "or":
			v = boolean(total > 0)
		}
		for _, l := range lanes {
			b.regs[x.d][l] = v
		}
	}
	write(x, lanes)
	for i, o := range at {
		g := &b.groups[groups[i]]
		write(o, g.lanes)
		b.markWritten(g.at, g.lanes)
		g.at, g.waiting = g.at+1, false
	}
	b.syncBlock() // of some threads alone as well: a race between those and the others may then be missed
}
