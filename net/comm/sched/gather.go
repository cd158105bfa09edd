package sched

// scatterFlat: the root sends each rank its block.
func scatterFlat(g *gen) {
	if g.Rank != g.Root {
		g.recvSome(g.Root, g.own(Out))
		return
	}
	g.copy(g.own(Out), g.block(In, g.Rank))
	for i := 1; i < g.Size; i++ {
		to := (g.Rank + i) % g.Size
		g.sendSome(to, g.block(In, to))
		if i%Fan == 0 && !g.next() {
			return
		}
	}
}

// gatherFlat: every rank sends the root its block.
func gatherFlat(g *gen) {
	if g.Rank != g.Root {
		g.sendSome(g.Root, g.own(In))
		return
	}
	g.copy(g.block(Out, g.Rank), g.own(In))
	for i := 1; i < g.Size; i++ {
		from := (g.Rank + i) % g.Size
		g.recvSome(from, g.block(Out, from))
		if i%Fan == 0 && !g.next() {
			return
		}
	}
}

// subtree is this rank's position in the binomial tree counted from the root, the distance to its parent, and the
// elements of the blocks that it is responsible for.
func (t *Task) subtree() (v, d, elems int) {
	v = (t.Rank - t.Root + t.Size) % t.Size
	d = hang(v, t.Size)
	return v, d, t.around(t.Rank, min(d, t.Size-v))
}

// scratchSubtree: a leaf needs no room for others, nor does a root whose blocks lie in the order of the tree.
func scratchSubtree(t *Task) int {
	v, d, elems := t.subtree()
	if d == 1 && v != 0 || t.Rank == 0 && t.Root == 0 {
		return 0
	}
	return elems
}

// scatterBinomial: blocks go down a binomial tree, each message with those of all ranks behind it.
func scatterBinomial(g *gen) {
	p := g.Size
	v, d, elems := g.subtree()
	at := func(v int) int { return (v + g.Root) % p }
	have := Region{Tmp, 0, elems}
	switch {
	case v == 0 && g.Root == 0:
		have.Buf = In
	case v == 0: // into the order of the tree
		first := g.around(g.Root, p-g.Root)
		g.copy(have.part(0, first), Region{In, elems - first, elems})
		g.copy(have.part(first, elems), Region{In, 0, elems - first})
		g.next()
	default:
		if d == 1 {
			have = g.own(Out)
		}
		g.recvSome(at(v-d), have)
		g.next()
	}
	g.deal(v, d, have)
}

// deal sends what a rank has of the ranks behind it on, and keeps its own.
func (g *gen) deal(v, d int, have Region) {
	for d /= 2; d > 0; d /= 2 {
		if v+d < g.Size {
			g.sendSome((v+d+g.Root)%g.Size, have.part(g.around(g.Rank, d), g.around(g.Rank, min(2*d, g.Size-v))))
		}
	}
	g.copy(g.own(Out), have.part(0, g.own(Out).Len()))
}

// gatherBinomial: blocks go up a binomial tree, each message with those of all ranks behind it.
func gatherBinomial(g *gen) {
	p := g.Size
	v, d, elems := g.subtree()
	at := func(v int) int { return (v + g.Root) % p }
	have := Region{Tmp, 0, elems}
	switch {
	case v == 0 && g.Root == 0:
		have.Buf = Out
	case d == 1 && v != 0:
		have.Buf = In
	}
	g.copy(have.part(0, g.own(In).Len()), g.own(In))
	for e := 1; e < d && v+e < p; e *= 2 {
		g.recvSome(at(v+e), have.part(g.around(g.Rank, e), g.around(g.Rank, min(2*e, p-v))))
	}
	g.next()
	switch {
	case v != 0:
		g.sendSome(at(v-d), have)
	case g.Root != 0: // into the order of the ranks
		first := g.around(g.Root, p-g.Root)
		g.copy(Region{Out, elems - first, elems}, have.part(0, first))
		g.copy(Region{Out, 0, elems - first}, have.part(first, elems))
	}
}
