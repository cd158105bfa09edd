package sched

import (
	"math/bits"
	"slices"
)

// The algorithms by host: each host has one leader, which alone talks to other hosts.

// hosts returns the leaders, this rank among them or not (me < 0), and the ranks of this rank's host with its leader
// first. A host's leader is its first rank, but the root of its own host.
func (g *gen) hosts(root int) (leaders, here group) {
	seen := make(map[int]int) // the place of a host's leader among the leaders
	here.ranks = append(here.ranks, -1)
	leaders.me = -1
	for r, h := range g.Hosts {
		i, ok := seen[h]
		if !ok {
			i = len(leaders.ranks)
			seen[h] = i
			leaders.ranks = append(leaders.ranks, r)
		}
		if r == root {
			leaders.ranks[i] = r
		}
		if h == g.Hosts[g.Rank] {
			here.ranks = append(here.ranks, r)
		}
	}
	leader := leaders.ranks[seen[g.Hosts[g.Rank]]]
	here.ranks = slices.DeleteFunc(here.ranks, func(r int) bool { return r == leader })
	here.ranks[0] = leader
	here.n, here.me = len(here.ranks), slices.Index(here.ranks, g.Rank)
	leaders.n = len(leaders.ranks)
	if here.me == 0 {
		leaders.me = slices.Index(leaders.ranks, g.Rank)
	}
	return leaders, here
}

// bcastHosts: a binomial tree over the leaders, then one in each host.
func bcastHosts(g *gen) {
	leaders, here := g.hosts(g.Root)
	if leaders.me >= 0 {
		g.down(leaders, slices.Index(leaders.ranks, g.Root), g.all(Out))
	}
	g.down(here, 0, g.all(Out))
}

// barrierHosts: each host's ranks report to their leader along a tree, the leaders agree, and each lets its host go.
func barrierHosts(g *gen) {
	leaders, here := g.hosts(-1)
	d := hang(here.me, here.n)
	for e := 1; e < d && here.me+e < here.n; e *= 2 {
		g.recv(here.rank(here.me+e), Region{})
	}
	g.next()
	if here.me != 0 {
		g.send(here.rank(here.me-d), Region{})
		g.next()
	} else {
		g.disseminate(leaders)
	}
	g.down(here, 0, Region{})
}

// allreduceHosts, where each host has a run of ranks: the largest nodes of the tree inside each run go to its leader,
// the leaders' to rank 0, and the result comes back the same way.
func allreduceHosts(g *gen) {
	leaders, here := g.hosts(-1)
	p, n := g.Size, g.N
	j := joiner{g: g, base: g.packRoom() * n, size: n}
	slot := j.take()
	g.copy(j.region(slot), g.all(In))
	g.next()
	j.add(node{index: g.Rank, slot: slot})
	g.gatherForest(&j, here, func(i int) int { return here.ranks[0] + i })
	if leaders.me >= 0 {
		g.gatherForest(&j, leaders, func(i int) int {
			if i == leaders.n {
				return p
			}
			return leaders.ranks[i]
		})
	}
	if g.Rank == 0 {
		g.copy(g.all(Out), j.region(j.nodes[0].slot))
		g.next()
	}
	if leaders.me >= 0 {
		g.down(leaders, 0, g.all(Out))
	}
	g.down(here, 0, g.all(Out))
}

// gatherForest brings the nodes of all members' runs together at the first of gr, along a binomial tree; member i has
// the ranks first(i) to first(i+1).
func (g *gen) gatherForest(j *joiner, gr group, first func(i int) int) {
	n, v := g.N, gr.me
	d := hang(v, gr.n)
	for e := 1; e < d && v+e < gr.n; e *= 2 {
		nodes := forest(first(v+e), first(min(v+2*e, gr.n)), g.Size)
		g.recv(gr.rank(v+e), Region{Tmp, 0, len(nodes) * n})
		for i, nd := range nodes {
			nd.slot = j.take()
			g.copy(j.region(nd.slot), Region{Tmp, i * n, (i + 1) * n})
			j.add(nd)
		}
		g.next()
	}
	if v == 0 {
		return
	}
	nodes := forest(first(v), first(min(v+d, gr.n)), g.Size)
	for i, nd := range nodes {
		g.copy(Region{Tmp, i * n, (i + 1) * n}, j.region(j.nodes[j.find(nd.level, nd.index)].slot))
	}
	g.next()
	g.send(gr.rank(v-d), Region{Tmp, 0, len(nodes) * n})
	g.next()
}

// packRoom bounds the nodes of one message: two a level.
func (t *Task) packRoom() int { return 2 * bits.Len(uint(t.Size)) }

func scratchAllreduceHosts(t *Task) int { return 2 * (t.packRoom() + 1) * t.N }

// known: the hosts are known.
func known(t *Task) bool { return len(t.Hosts) == t.Size }

// runs: each host has a run of ranks.
func runs(t *Task) bool {
	if !known(t) {
		return false
	}
	seen := make(map[int]bool)
	for r, h := range t.Hosts {
		if r > 0 && h == t.Hosts[r-1] {
			continue
		}
		if seen[h] {
			return false
		}
		seen[h] = true
	}
	return true
}
