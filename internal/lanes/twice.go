package lanes

import "slices"

// Twice is a finished program for two vectors at once, the steps of the one and of the other in turn: a processor that looks
// some sixty steps ahead then finds those of two chains that do not wait for each other. The operands of the second are
// numbered from arity on.
func (p *Program) Twice(arity int) *Program {
	t := &Program{Width: p.Width, Tables: p.Tables}
	var of [2][]int // the copies of each step; of a constant there is one
	for id, n := range p.Nodes {
		for vector := range of {
			if vector == 1 && n.Op == Const {
				of[1] = append(of[1], of[0][id])
				continue
			}
			of[vector] = append(of[vector], len(t.Nodes))
			t.Nodes = append(t.Nodes, n)
		}
	}
	for id := range p.Nodes {
		for vector, ids := range of {
			if n := &t.Nodes[ids[id]]; vector == 0 || n.Op != Const {
				n.Args, n.Fast, n.Slow = inCopy(n.Args, ids), inCopy(n.Fast, ids), inCopy(n.Slow, ids)
				n.Body = inCopy(n.Body, ids)
				if n.Op == Arg {
					n.By += vector * arity
				}
			}
		}
	}
	for _, id := range p.Body {
		t.Body = append(t.Body, of[0][id])
		if p.Nodes[id].Op != Const {
			t.Body = append(t.Body, of[1][id])
		}
	}
	t.Results = []int{of[0][p.Results[0]], of[1][p.Results[0]]}
	return t
}

// inCopy is steps by their numbers in a copy; what is none stays.
func inCopy(ids, copies []int) []int {
	out := slices.Clone(ids)
	for i, id := range out {
		if id >= 0 {
			out[i] = copies[id]
		}
	}
	return out
}
