package sched

// to is the block in In for rank i, from the one in Out from rank i.
func (t *Task) to(i int) Region { return Region{In, boundOf(t.To, t.N, i), boundOf(t.To, t.N, i+1)} }

func (t *Task) from(i int) Region {
	return Region{Out, boundOf(t.From, t.N, i), boundOf(t.From, t.N, i+1)}
}

// alltoallPairwise: every rank sends each other its block straight, Fan at a time, so that at each time every rank
// receives from as many as it sends to.
func alltoallPairwise(g *gen) {
	p, r := g.Size, g.Rank
	some := func(what Region) bool { return what.Len() > g.Skip }
	g.copy(g.from(r), g.to(r))
	for d := 1; d < p; d++ {
		to, from := (r+d)%p, (r-d+p)%p
		if out := g.to(to); some(out) {
			g.send(to, out)
		}
		if in := g.from(from); some(in) {
			g.recv(from, in)
		}
		if d%Fan == 0 && !g.next() {
			return
		}
	}
}

// alltoallBruck, for equal blocks: the block for the rank j further on goes there in the steps 2^i that sum to j, each
// message with all that take that step. Jehoshua Bruck et al., Efficient algorithms for all-to-all communications in
// multiport message-passing systems, 1997.
func alltoallBruck(g *gen) {
	p, r, n := g.Size, g.Rank, g.N
	// Tmp holds the blocks by the distance they have to go, then what is sent, then what has come.
	area := func(base int) func(lo, hi int) Region {
		return func(lo, hi int) Region { return Region{Tmp, base + lo*n, base + hi*n} }
	}
	have, out, in := area(0), area(p*n), area(p*n+(p+1)/2*n)
	g.copy(have(0, p-r), Region{In, r * n, p * n})
	g.copy(have(p-r, p), Region{In, 0, r * n})
	g.next()
	for d := 1; d < p; d *= 2 {
		count := 0
		for lo := d; lo < p; lo += 2 * d { // blocks with that bit in their number
			m := min(d, p-lo)
			g.copy(out(count, count+m), have(lo, lo+m))
			count += m
		}
		g.next()
		g.sendSome((r+d)%p, out(0, count))
		g.recvSome((r-d+p)%p, in(0, count))
		count = 0
		for lo := d; lo < p; lo += 2 * d {
			m := min(d, p-lo)
			g.copy(have(lo, lo+m), in(count, count+m))
			count += m
		}
		g.next()
	}
	for j := range p { // came from the rank j before
		from := (r - j + p) % p
		g.copy(Region{Out, from * n, (from + 1) * n}, have(j, j+1))
	}
}

func equalBlocks(t *Task) bool { return t.To == nil && t.From == nil }

func scratchAlltoallBruck(t *Task) int { return (t.Size + 2*((t.Size+1)/2)) * t.N }
