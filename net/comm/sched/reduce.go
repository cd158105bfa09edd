package sched

// pair holds a rank's value while it is combined with others: it lies in In at first, later in one of two slots, and the
// other one takes what comes.
type pair struct {
	acc   Region
	slots [2]Region
}

// spare is the slot for what comes.
func (a *pair) spare() Region {
	if a.acc == a.slots[1] {
		return a.slots[0]
	}
	return a.slots[1]
}

// join combines the value with what came into the spare slot; lower: the value stands for the lower ranks.
func (a *pair) join(g *gen, lower bool) {
	other := a.spare()
	switch {
	case !lower:
		g.combine(other, a.acc)
		a.acc = other
	case a.acc.Buf == In:
		g.copy(a.slots[0], a.acc)
		a.acc = a.slots[0]
		fallthrough
	default:
		g.combine(a.acc, other)
	}
}

// reduceBinomial: groups of 1, 2, 4, ... neighbouring ranks join in pairs. A group is spoken for by the root if it is
// in there, else by its first rank; of two speakers that meet the one that will not speak on sends. Depth ceil(log2 p).
func reduceBinomial(g *gen) {
	a := pair{acc: g.all(In), slots: [2]Region{{Tmp, g.N, 2 * g.N}, {Tmp, 0, g.N}}}
	if g.Rank == g.Root {
		a.slots[0] = g.all(Out)
	}
	if g.up(&a) {
		g.copy(g.all(Out), a.acc)
		g.next()
	}
}

// up reduces to the root, and reports whether this rank is it.
func (g *gen) up(a *pair) bool {
	speaker := func(lo, n int) int {
		if lo <= g.Root && g.Root < lo+n {
			return g.Root
		}
		return lo
	}
	for n := 1; n < g.Size; n *= 2 {
		lo := g.Rank / (2 * n) * (2 * n) // this rank's group and its partner are lo to lo+2n
		if lo+n >= g.Size {
			continue // no partner
		}
		left, right := speaker(lo, n), speaker(lo+n, n)
		here, there := left, right
		if speaker(lo, 2*n) == right {
			here, there = right, left
		}
		if g.Rank == there {
			g.send(here, a.acc)
			g.next()
			return false
		}
		g.recv(there, a.spare())
		a.join(g, here == left)
		g.next()
	}
	return true
}

func scratchReduceBinomial(t *Task) int {
	if t.Rank == t.Root {
		return t.N
	}
	if t.Rank%2 == 1 || t.Rank^1 == t.Root {
		return 0 // it only sends
	}
	return 2 * t.N
}

// direct sends every rank its piece of In straight, and combines the contributions to this rank's own as they come, from
// rank r, r+1, ... around the ring. It returns where the result is, in Tmp.
func (g *gen) direct(piece func(i int) Region) Region {
	p, r := g.Size, g.Rank
	mine := piece(r)
	j := joiner{g: g, size: mine.Len()}
	first := j.take()
	g.copy(j.region(first), mine)
	j.add(node{index: r, slot: first})
	var came [Fan]node
	for d := 1; d < p; d += Fan {
		n := min(Fan, p-d)
		for i := range n {
			to, from := (r-d-i+2*p)%p, (r+d+i)%p
			g.sendSome(to, piece(to))
			came[i] = node{index: from, slot: j.take()}
			g.recvSome(from, j.region(came[i].slot))
		}
		for _, c := range came[:n] {
			j.add(c)
		}
		if !g.next() {
			break
		}
	}
	g.next()
	return j.region(j.nodes[0].slot)
}

func scratchDirect(t *Task) int {
	return slots(t.Size) * t.piece(In, 0).Len()
}

// reducePieces: each rank combines one piece of all ranks' vectors and sends it to the root.
func reducePieces(g *gen) {
	mine := g.direct(func(i int) Region { return g.piece(In, i) })
	if g.Rank != g.Root {
		g.sendSome(g.Root, mine)
		return
	}
	g.copy(g.piece(Out, g.Rank), mine)
	for i := 1; i < g.Size; i++ {
		from := (g.Rank + i) % g.Size
		g.recvSome(from, g.piece(Out, from))
		if i%Fan == 0 && !g.next() {
			return
		}
	}
}
