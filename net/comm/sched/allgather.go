package sched

// allgatherRing: each rank passes on to its right what came from its left, p-1 times.
func allgatherRing(g *gen) {
	p, r := g.Size, g.Rank
	g.copy(g.block(Out, r), g.own(In))
	g.next()
	g.ring(r, (r-1+p)%p, (r+1)%p, func(i int) Region { return g.block(Out, i) })
}

// allgatherDoubling, for p a power of two: in round i ranks that differ in bit i exchange what their groups have.
func allgatherDoubling(g *gen) {
	g.copy(g.block(Out, g.Rank), g.own(In))
	g.next()
	for d := 1; d < g.Size; d *= 2 {
		mine := g.Rank &^ (d - 1)
		theirs := mine ^ d
		g.sendSome(g.Rank^d, Region{Out, g.bound(mine), g.bound(mine + d)})
		g.recvSome(g.Rank^d, Region{Out, g.bound(theirs), g.bound(theirs + d)})
		g.next()
	}
}

// allgatherBruck: in each round a rank learns as many blocks as it knows from the one that far above it, so that it
// knows those of ranks r, r+1, ... of the ring. Jehoshua Bruck et al., Efficient algorithms for all-to-all
// communications in multiport message-passing systems, 1997.
func allgatherBruck(g *gen) {
	p, r := g.Size, g.Rank
	n := g.around(r, p)
	g.copy(Region{Tmp, 0, g.own(In).Len()}, g.own(In))
	g.next()
	g.bruck(func(lo, hi int) Region { return g.turned(Tmp, r, lo, hi) })
	first := g.around(r, p-r)
	g.copy(Region{Out, n - first, n}, Region{Tmp, 0, first})
	g.copy(Region{Out, 0, n - first}, Region{Tmp, first, n})
}

// bruck makes the rounds; blocks(lo, hi) are those of the ranks r+lo to r+hi.
func (g *gen) bruck(blocks func(lo, hi int) Region) {
	p, r := g.Size, g.Rank
	for d := 1; d < p; d *= 2 {
		n := min(d, p-d)
		g.sendSome((r-d+p)%p, blocks(0, n))
		g.recvSome((r+d)%p, blocks(d, d+n))
		g.next()
	}
}

// scratchAll: room for the blocks of all ranks.
func scratchAll(t *Task) int { return t.bound(t.Size) }
