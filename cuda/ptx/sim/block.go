package sim

import (
	"context"
	"slices"
)

// block is a block of threads as it runs.
type block struct {
	k         *Kernel
	mem       *Memory
	addresses map[*variable]uint64
	ctx       context.Context
	fault     *Fault
	err       error // of ctx
	stats     Stats
	left      int64 // instructions of threads until the budget ends
	breath    int64 // until ctx is asked again

	n          int // threads
	dims, grid [3]uint32
	id         [3]uint32
	serial     uint32 // of the block, from 1
	regs       [][]uint64
	written    [][]bool // nil for rows that need no check
	segs       []*allocation
	params     []byte
	shared     []byte
	local      []byte // localSize for each thread
	localSize  int

	in      *inst
	groups  []group // threads that stand at different places
	exited  []uint32
	turns   uint64
	far     bool // the next turn is of those ahead
	ended   bool // some thread ended since waiting threads were looked at
	all     []uint16
	scratch [2][]uint16
	free    [][]uint16

	races, unwritten bool
	now, blockSync   uint32
	warpFull         []uint32
	known            []*[warpSize][warpSize]uint32
	sharedShadow     shades
	shadowed         []*allocation
}

// group is the threads that stand at one instruction, in order.
type group struct {
	at      int
	lanes   []uint16
	waiting bool // for others, which must come before it is tried again
}

// run executes the block whose id is set.
func (b *block) run() {
	b.fillRows(false)
	fill(b.shared)
	for i := range b.written {
		clear(b.written[i])
	}
	for _, r := range b.k.loose {
		v := get(poison[:], 8) & b.k.rows[r].typ.mask()
		for l := range b.regs[r] {
			b.regs[r][l] = v
		}
	}
	clear(b.exited)
	clear(b.warpFull)
	for i := range b.known {
		b.known[i] = nil
	}
	b.now, b.blockSync, b.ended, b.turns, b.far = 1, 1, false, 0, false
	b.groups = append(b.groups[:0], group{lanes: append(b.list(), b.all...)})
	for b.fault == nil && b.err == nil && len(b.groups) > 0 {
		i := b.pick()
		if i < 0 {
			b.stuck()
			return
		}
		g := b.groups[i]
		last := len(b.groups) - 1
		b.groups[i] = b.groups[last]
		b.groups = b.groups[:last]
		b.stretch(b.gather(g))
	}
}

// pick returns the group at the least place that need not wait, -1 where all wait. Now and then it is the one at the greatest:
// threads that spin until another has done something must not keep it from doing it.
func (b *block) pick() int {
	best := -1
	far := b.far
	b.far = false
	for i, g := range b.groups {
		if !g.waiting && (best < 0 || g.at < b.groups[best].at != far) {
			best = i
		}
	}
	if best < 0 && b.ended { // threads that others waited for are gone: look again
		b.ended = false
		for i := range b.groups {
			b.groups[i].waiting = false
		}
		return b.pick()
	}
	return best
}

// tired reports, once in a while, that others should have a turn.
func (b *block) tired() bool {
	b.turns++
	b.far = b.far || b.turns%fairness == 0 && len(b.groups) > 0
	return b.far
}

// fairness is how many stretches threads at the least place run for one of those ahead.
const fairness = 1 << 10

// gather joins the group with all others at the same place.
func (b *block) gather(g group) group {
	for i := 0; i < len(b.groups); {
		o := b.groups[i]
		if o.at != g.at {
			i++
			continue
		}
		both := b.list()
		x, y := g.lanes, o.lanes
		for len(x) > 0 && len(y) > 0 {
			if x[0] < y[0] {
				both, x = append(both, x[0]), x[1:]
			} else {
				both, y = append(both, y[0]), y[1:]
			}
		}
		both = append(append(both, x...), y...)
		b.free = append(b.free, g.lanes, o.lanes)
		g.lanes = both
		last := len(b.groups) - 1
		b.groups[i] = b.groups[last]
		b.groups = b.groups[:last]
	}
	g.waiting = false
	return g
}

// list returns an empty list with room for all threads.
func (b *block) list() []uint16 {
	if n := len(b.free); n > 0 {
		l := b.free[n-1]
		b.free = b.free[:n-1]
		return l[:0]
	}
	return make([]uint16, 0, b.n)
}

func (b *block) push(at int, lanes []uint16) {
	b.groups = append(b.groups, group{at: at, lanes: lanes})
}

// stretch runs a group until it ends, waits, or comes where others are behind it.
func (b *block) stretch(g group) {
	code := b.k.code
	for b.fault == nil {
		in := &code[g.at]
		b.in = in
		if !b.account(len(g.lanes)) {
			return
		}
		if in.checks != nil && !b.check(in, g.lanes) {
			return
		}
		switch in.control {
		case next:
			b.plain(in, g.lanes)
			g.at++
		case branch:
			g = b.branch(in, g)
		case table:
			g = b.table(in, g)
		case leave:
			g = b.leave(in, g)
		case meet:
			g = b.meet(in, g)
		}
		if len(g.lanes) == 0 {
			b.free = append(b.free, g.lanes)
			return
		}
		if code[g.at].leader && (b.behind(g.at) || b.tired()) {
			b.groups = append(b.groups, g)
			return
		}
	}
}

// account counts an instruction of n threads and reports whether the run goes on.
func (b *block) account(n int) bool {
	b.stats.Instructions += uint64(n)
	b.left -= int64(n)
	b.breath -= int64(n)
	if b.left < 0 {
		b.fail(ErrBudget, 0, 0, "the launch has run its budget of %d instructions", b.stats.Instructions-uint64(n))
		return false
	}
	if b.breath < 0 {
		b.breath = breath
		b.err = b.ctx.Err()
		return b.err == nil
	}
	return true
}

// breath is how many instructions of threads run between two looks at the context: about a millisecond.
const breath = 1 << 17

// behind reports whether others stand at or before a place.
func (b *block) behind(at int) bool {
	for i := range b.groups {
		if o := &b.groups[i]; o.at == at || !o.waiting && o.at < at {
			return true
		}
	}
	return false
}

// guarded splits threads by the guard of the instruction. The lists are good until the next call.
func (b *block) guarded(in *inst, lanes []uint16) (yes, no []uint16) {
	if in.guard < 0 {
		return lanes, nil
	}
	p, flip := b.regs[in.guard], boolean(in.not)
	yes, no = b.scratch[0][:0], b.scratch[1][:0]
	for _, l := range lanes {
		if p[l]^flip != 0 {
			yes = append(yes, l)
		} else {
			no = append(no, l)
		}
	}
	return yes, no
}

func (b *block) plain(in *inst, lanes []uint16) {
	if in.guard >= 0 {
		lanes, _ = b.guarded(in, lanes)
	}
	if len(lanes) == 0 {
		return
	}
	in.run(b, lanes)
	for _, r := range in.marks {
		w := b.written[r]
		for _, l := range lanes {
			w[l] = true
		}
	}
}

// split keeps rest as the group and sends others to another place.
func (b *block) split(g group, at int, to []uint16, rest []uint16) group {
	b.push(at, append(b.list(), to...))
	g.lanes = append(g.lanes[:0], rest...)
	return g
}

func (b *block) branch(in *inst, g group) group {
	yes, no := b.guarded(in, g.lanes)
	switch {
	case len(no) == 0:
		g.at = in.targets[0]
	case len(yes) == 0:
		g.at++
	default:
		if in.uniform && !b.uniform(yes, no) {
			return g
		}
		g = b.split(g, in.targets[0], yes, no)
		g.at++
	}
	return g
}

// uniform reports whether no warp is on both sides of a branch.
func (b *block) uniform(yes, no []uint16) bool {
	for _, l := range yes {
		for len(no) > 0 && no[0]/warpSize < l/warpSize {
			no = no[1:]
		}
		if len(no) > 0 && no[0]/warpSize == l/warpSize {
			b.fail(ErrWarp, l, 0, "bra.uni, but thread %s of the same warp goes on", triple(b.thread(no[0])))
			return false
		}
	}
	return true
}

func (b *block) table(in *inst, g group) group {
	yes, no := b.guarded(in, g.lanes)
	places := map[int][]uint16{}
	for _, l := range yes {
		i := b.regs[in.index][l]
		if i >= uint64(len(in.targets)) {
			b.fail(ErrAddress, l, 0, "branch %d of a table of %d", i, len(in.targets))
			return g
		}
		to := in.targets[i]
		if places[to] == nil {
			places[to] = b.list()
		}
		places[to] = append(places[to], l)
	}
	order := make([]int, 0, len(places))
	for at := range places {
		order = append(order, at)
	}
	slices.Sort(order)
	for _, at := range order {
		b.push(at, places[at])
	}
	g.lanes = append(g.lanes[:0], no...)
	g.at++
	return g
}

func (b *block) leave(in *inst, g group) group {
	yes, no := b.guarded(in, g.lanes)
	for _, l := range yes {
		b.exited[l/warpSize] |= 1 << (l % warpSize)
	}
	b.ended = b.ended || len(yes) > 0
	g.lanes = append(g.lanes[:0], no...)
	g.at++
	return g
}

// meet runs an instruction that waits for other threads.
func (b *block) meet(in *inst, g group) group {
	yes, no := b.guarded(in, g.lanes)
	if len(no) > 0 {
		b.push(g.at+1, append(b.list(), no...))
	}
	if len(yes) == 0 {
		g.lanes = g.lanes[:0]
		return g
	}
	arrived := append(b.list(), yes...)
	ready, waiting := in.sync(b, arrived)
	if b.fault != nil {
		return g
	}
	if len(waiting) > 0 {
		slices.Sort(waiting)
		b.groups = append(b.groups, group{g.at, append(b.list(), waiting...), true})
	}
	slices.Sort(ready)
	b.markWritten(g.at, ready)
	g.lanes = append(g.lanes[:0], ready...)
	g.at++
	b.free = append(b.free, arrived)
	return g
}
