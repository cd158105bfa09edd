package sched

import "math/bits"

// What a scan gives rank r is what a reduction of ranks 0 to r alone gives: x_r, combined from the left with the values
// of the complete nodes 2^l ranks wide that lie left of r, one for each bit l that is set in r, narrow ones first.

// scanLinear and exscanLinear: each rank passes the nodes left of its right neighbour on. Few messages, depth p.
func scanLinear(g *gen)   { g.prefix(true) }
func exscanLinear(g *gen) { g.prefix(false) }

// prefix: the nodes lie one after another in Tmp, wide ones first, as the bits of a counter do.
func (g *gen) prefix(inclusive bool) {
	n, r := g.N, g.Rank
	at := func(i int) Region { return Region{Tmp, i * n, (i + 1) * n} }
	k := bits.OnesCount(uint(r)) // nodes left of this rank
	nodes, first := k, 0         // what the result is joined from, and where it begins
	if r > 0 {
		g.recv(r-1, Region{Tmp, 0, k * n})
	}
	if !inclusive {
		first = k + 1
		g.copy(Region{Tmp, first * n, (first + k) * n}, Region{Tmp, 0, k * n})
	}
	g.copy(at(k), g.all(In))
	for bit := 1; r&bit != 0; bit *= 2 {
		g.combine(at(k-1), at(k))
		k--
	}
	g.next()
	if r < g.Size-1 {
		g.send(r+1, Region{Tmp, 0, (k + 1) * n})
	}
	if inclusive {
		nodes = k + 1
	}
	for i := nodes - 1; i > 0; i-- {
		g.combine(at(first+i-1), at(first+i))
	}
	if nodes > 0 {
		g.copy(g.all(Out), at(first))
	}
}

func scratchScanLinear(t *Task) int { return (bits.OnesCount(uint(t.Rank)) + 1) * t.N }

func scratchExscanLinear(t *Task) int { return (2*bits.OnesCount(uint(t.Rank)) + 1) * t.N }

// scanDoubling and exscanDoubling: in round i ranks that differ in bit i tell each other what their groups of 2^i have.
// The upper one combines that with its result from the left; where the joined group is complete both keep its value.
func scanDoubling(g *gen)   { g.prefixDoubling(true) }
func exscanDoubling(g *gen) { g.prefixDoubling(false) }

func (g *gen) prefixDoubling(inclusive bool) {
	p, r := g.Size, g.Rank
	free := []Region{{Tmp, 0, g.N}, {Tmp, g.N, 2 * g.N}, {Tmp, 2 * g.N, 3 * g.N}, {Tmp, 3 * g.N, 4 * g.N}}
	take := func() Region {
		last := len(free) - 1
		reg := free[last]
		free = free[:last]
		return reg
	}
	group, have := take(), inclusive
	acc := take()
	g.copy(group, g.all(In))
	if inclusive {
		g.copy(acc, group)
	}
	g.next()
	for d := 1; d < p; d *= 2 {
		partner, upper := r^d, r&d != 0
		complete := r/(2*d)*2*d+2*d <= p
		if partner >= p {
			continue
		}
		other := take()
		if upper || complete {
			g.recv(partner, other)
		}
		if !upper || complete {
			g.send(partner, group)
		}
		if upper {
			left := take()
			g.copy(left, other)
			if have {
				g.combine(left, acc)
			}
			acc, left, have = left, acc, true
			free = append(free, left)
		}
		switch {
		case !complete:
		case upper:
			g.combine(other, group)
			group, other = other, group
		default:
			g.combine(group, other)
		}
		free = append(free, other)
		g.next()
	}
	if have {
		g.copy(g.all(Out), acc)
	}
}

func scratchScanDoubling(t *Task) int { return 4 * t.N }
