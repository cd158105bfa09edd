package sched

// reduceScatterPieces: every rank sends every other its block and combines the contributions to its own.
func reduceScatterPieces(g *gen) {
	mine := g.direct(func(i int) Region { return g.block(In, i) })
	g.copy(g.own(Out), mine)
}

func scratchReduceScatterPieces(t *Task) int { return slots(t.Size) * t.own(Out).Len() }

// reduceScatterHalving, for p a power of two: recursive halving. In is first copied with its blocks in the order of
// their numbers with the bits reversed, so that each rank ends with its own.
func reduceScatterHalving(g *gen) {
	p := g.Size
	if p == 1 {
		g.copy(g.own(Out), g.block(In, 0))
		return
	}
	place := g.reversed()
	n := g.bound(p)
	bits := hang(0, p)
	for i := range p {
		lo := place(i)
		b := g.block(In, reverse(i, bits))
		g.copy(Region{Tmp, lo, lo + b.Len()}, b)
	}
	g.next()
	// Blocks i to i+d are still wanted; values lie in one of two areas of Tmp.
	i, area := 0, 0
	for d := 1; d < p; d *= 2 {
		half := p / (2 * d)
		keep, give := i, i+half
		lower := g.Rank&d == 0
		if !lower {
			keep, give = give, keep
		}
		span := func(i, area int) Region { return Region{Tmp, area*n + place(i), area*n + place(i+half)} }
		g.sendSome(g.Rank^d, span(give, area))
		g.recvSome(g.Rank^d, span(keep, 1-area))
		if lower {
			g.combine(span(keep, area), span(keep, 1-area))
		} else {
			g.combine(span(keep, 1-area), span(keep, area))
			area = 1 - area
		}
		i = keep
		g.next()
	}
	g.copy(g.own(Out), Region{Tmp, area*n + place(i), area*n + place(i+1)})
}

// reversed returns a function that gives where the i-th block begins when they lie in the order of their numbers with
// the bits reversed.
func (t *Task) reversed() func(i int) int {
	if t.Bounds == nil {
		return func(i int) int { return i * t.N }
	}
	at := make([]int, t.Size+1)
	bits := hang(0, t.Size)
	for i := range t.Size {
		at[i+1] = at[i] + t.block(In, reverse(i, bits)).Len()
	}
	return func(i int) int { return at[i] }
}

// reverse returns i below p = 2^k with its k bits reversed.
func reverse(i, p int) int {
	r := 0
	for ; p > 1; p /= 2 {
		r = 2*r + i%2
		i /= 2
	}
	return r
}

func scratchReduceScatterHalving(t *Task) int { return 2 * t.bound(t.Size) }

// reduceScatterBinomial reduces to rank 0 and scatters from there, both along a tree.
func reduceScatterBinomial(g *gen) {
	n := g.bound(g.Size)
	g.Root = 0
	a := pair{acc: Region{In, 0, n}, slots: [2]Region{{Tmp, n, 2 * n}, {Tmp, 0, n}}}
	if g.up(&a) {
		g.deal(0, hang(0, g.Size), a.acc)
		return
	}
	v, d, elems := g.subtree()
	have := Region{Tmp, 0, elems}
	if d == 1 {
		have = g.own(Out)
	}
	g.recvSome(v-d, have)
	g.next()
	g.deal(v, d, have)
}

func scratchReduceScatterBinomial(t *Task) int { return 2 * t.bound(t.Size) }
