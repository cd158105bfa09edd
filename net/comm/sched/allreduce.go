package sched

// allreduceDoubling, for p a power of two: in round i ranks that differ in bit i exchange what their groups have.
func allreduceDoubling(g *gen) {
	a := pair{acc: g.all(In), slots: [2]Region{g.all(Out), g.all(Tmp)}}
	for d := 1; d < g.Size; d *= 2 {
		g.send(g.Rank^d, a.acc)
		g.recv(g.Rank^d, a.spare())
		a.join(g, g.Rank&d == 0)
		g.next()
	}
	g.copy(g.all(Out), a.acc)
}

func scratchN(t *Task) int { return t.N }

// allreduceBinomial reduces to rank 0 and sends the result down a tree.
func allreduceBinomial(g *gen) {
	g.Root = 0
	reduceBinomial(g)
	bcastBinomial(g)
}

func scratchAllreduceBinomial(t *Task) int {
	rooted := *t
	rooted.Root = 0
	return scratchReduceBinomial(&rooted)
}

// allreducePieces: each rank combines one piece, and the pieces go around a ring.
func allreducePieces(g *gen) {
	mine := g.direct(func(i int) Region { return g.piece(In, i) })
	g.copy(g.piece(Out, g.Rank), mine)
	g.next()
	g.ring(g.Rank, (g.Rank-1+g.Size)%g.Size, (g.Rank+1)%g.Size, func(i int) Region { return g.piece(Out, i) })
}

// halves is what a rank keeps of a range after each round of halving, and what its partner keeps.
func halves(of Region, lower bool) (keep, give Region) {
	mid := (of.Len() + 1) / 2
	keep, give = of.part(0, mid), of.part(mid, of.Len())
	if !lower {
		keep, give = give, keep
	}
	return keep, give
}

// halve is recursive halving for p a power of two: in round i ranks that differ in bit i exchange half of what they
// still have, and combine the half they keep. The distances go up, 1, 2, 4, ..., so that each element is combined along
// the tree; which part a rank ends with is its number with the bits reversed. halve returns where the
// values are then: in Out, at their place in the vector, or in Tmp.
func (g *gen) halve(vector Region) Region {
	at, acc := vector, vector // the range as if it lay in vector, and where its values are
	for d := 1; d < g.Size; d *= 2 {
		lower := g.Rank&d == 0
		keep, give := halves(at, lower)
		shift := acc.Lo - at.Lo
		g.sendSome(g.Rank^d, Region{acc.Buf, give.Lo + shift, give.Hi + shift})
		mine := Region{acc.Buf, keep.Lo + shift, keep.Hi + shift}
		out, tmp := Region{Out, keep.Lo, keep.Hi}, Region{Tmp, 0, keep.Len()}
		other := tmp
		if acc.Buf == Tmp {
			other = out
		}
		g.recvSome(g.Rank^d, other)
		switch {
		case !lower:
			g.combine(other, mine)
			mine = other
		case mine.Buf == In:
			g.copy(out, mine)
			mine = out
			fallthrough
		default:
			g.combine(mine, other)
		}
		at, acc = keep, mine
		g.next()
	}
	return acc
}

// allreduceHalving, for p a power of two: recursive halving, then recursive doubling back. 2n elements a rank in
// 2 log2 p rounds.
func allreduceHalving(g *gen) {
	if g.Size == 1 {
		g.copy(g.all(Out), g.all(In))
		return
	}
	acc := g.halve(g.all(In))
	at := g.all(Out)
	var given [64]Region
	n := 0
	for d := 1; d < g.Size; d *= 2 {
		at, given[n] = halves(at, g.Rank&d == 0)
		n++
	}
	g.copy(at, acc)
	g.next()
	for d := g.Size / 2; d > 0; d /= 2 {
		n--
		g.sendSome(g.Rank^d, at)
		g.recvSome(g.Rank^d, given[n])
		g.next()
		at = Region{Out, min(at.Lo, given[n].Lo), max(at.Hi, given[n].Hi)}
	}
}

func scratchHalf(t *Task) int { return (t.N + 1) / 2 }

// allreduceGather: every rank gets the vectors of all and combines them itself: the fewest rounds for any p, for vectors
// of a few elements.
func allreduceGather(g *gen) {
	p, n := g.Size, g.N
	at := func(v int) Region { return Region{Tmp, v * n, (v + 1) * n} }
	g.copy(at(0), g.all(In))
	g.next()
	g.bruck(func(lo, hi int) Region { return Region{Tmp, lo * n, hi * n} })
	of := func(rank int) Region { return at((rank - g.Rank + p) % p) }
	for d := 1; d < p; d *= 2 {
		for lo := 0; lo+d < p; lo += 2 * d {
			g.combine(of(lo), of(lo+d))
		}
	}
	g.copy(g.all(Out), of(0))
}

func scratchAllreduceGather(t *Task) int { return t.Size * t.N }
