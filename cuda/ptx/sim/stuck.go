package sim

import "fmt"

// stuck reports that all threads wait for others that do not come.
func (b *block) stuck() {
	g := b.groups[0]
	for _, o := range b.groups {
		if o.at < g.at {
			g = o
		}
	}
	b.in = &b.k.code[g.at]
	if x := b.in.barrier; x != nil {
		total := 0
		for _, o := range b.groups {
			if b.k.code[o.at].barrier != nil {
				total += len(o.lanes)
			}
		}
		lane, where := b.missing(g)
		if x.aligned && !b.wholeWarps(g.lanes) {
			b.fail(ErrBarrier, g.lanes[0], 0, "threads of one warp do not come to the barrier together: %d of the %d of the block wait here; thread %s %s",
				len(g.lanes), b.n, triple(b.thread(lane)), where)
			return
		}
		b.fail(ErrBarrier, g.lanes[0], 0, "%d of the %d threads of the block wait at barrier %d; thread %s %s",
			total, b.n, b.regs[x.id][g.lanes[0]], triple(b.thread(lane)), where)
		return
	}
	w := int(g.lanes[0] / warpSize)
	for _, l := range g.lanes {
		if int(l/warpSize) == w {
			lane, where := b.missing(group{g.at, g.lanes, true})
			b.fail(ErrWarp, l, 0, "waits for the threads of its member mask; thread %s %s", triple(b.thread(lane)), where)
			return
		}
	}
}

// missing returns a thread of the block that does not stand with the group, of the same warp if there is one, and where it is.
func (b *block) missing(g group) (uint16, string) {
	in := make([]bool, b.n)
	for _, l := range g.lanes {
		in[l] = true
	}
	first := int(g.lanes[0]/warpSize) * warpSize
	for i := range b.n {
		l := (first + i) % b.n
		if in[l] {
			continue
		}
		if b.exited[l/warpSize]>>(l%warpSize)&1 == 1 {
			return uint16(l), "has ended"
		}
		for _, o := range b.groups {
			for _, t := range o.lanes {
				if int(t) == l {
					return t, fmt.Sprintf("waits at line %d", b.k.code[o.at].line)
				}
			}
		}
	}
	return 0, "is elsewhere"
}
