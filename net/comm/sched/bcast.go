package sched

// bcastBinomial: a rank that has the elements halves the ranks it is responsible for and sends to the first of the
// others. Depth ceil(log2 p).
func bcastBinomial(g *gen) { g.down(g.everyone(), g.Root, g.all(Out)) }

// bcastChain: the ranks stand in a row behind the root, and each passes a segment on while it receives the next one.
func bcastChain(g *gen) {
	v := (g.Rank - g.Root + g.Size) % g.Size
	left, right := (g.Rank-1+g.Size)%g.Size, (g.Rank+1)%g.Size
	first, last := v == 0, v == g.Size-1
	step := g.Segment
	if step <= 0 {
		step = max(g.N, 1)
	}
	count := max(1, (g.N-1)/step+1)
	segment := func(i int) Region { return Region{Out, i * step, i*step + min(step, g.N-i*step)} }
	for i := range count {
		if !first {
			g.recv(left, segment(i))
		}
		switch {
		case last:
		case first:
			g.send(right, segment(i))
		case i > 0:
			g.send(right, segment(i-1))
		}
		if !g.next() {
			return
		}
	}
	if !first && !last {
		g.send(right, segment(count-1))
	}
}

// bcastPieces: a binomial tree deals the elements out, one piece a rank, and the pieces go around a ring. The root sends
// about 2n elements, whatever p is.
func bcastPieces(g *gen) {
	p, v := g.Size, (g.Rank-g.Root+g.Size)%g.Size
	at := func(v int) int { return (v + g.Root) % p }
	span := func(v, d int) Region { return Region{Out, g.piece(Out, v).Lo, g.piece(Out, min(v+d, p)-1).Hi} }
	d := hang(v, p)
	if v != 0 {
		g.recvSome(at(v-d), span(v, d))
		g.next()
	}
	for d /= 2; d > 0; d /= 2 {
		if v+d < p {
			g.sendSome(at(v+d), span(v+d, d))
		}
	}
	g.next()
	held := v
	for range p - 1 { // a ring (see gen.ring) in which nothing comes back to the root, so that its memory is only read
		if v < p-1 {
			g.sendSome(at(v+1), g.piece(Out, held))
		}
		held = (held + p - 1) % p
		if v > 0 {
			g.recvSome(at(v+p-1), g.piece(Out, held))
		}
		if !g.next() {
			return
		}
	}
}
