package exec

import (
	"math/bits"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/partition"
)

// want finds the reductions that scans ask for, and those that are there for them alone. One rank scans without them.
func (p *planner) want() {
	for _, v := range p.values {
		for _, a := range p.reads(v) {
			p.values[a].wanted = true
		}
		if v.kind == array.KindScan && len(v.args) > 1 {
			p.values[v.args[1]].scanned = true
		}
	}
	for _, r := range p.roots {
		p.values[r.value].wanted = true
	}
	if p.Ranks > 1 {
		return
	}
	for _, g := range p.groups {
		g.members = slices.DeleteFunc(g.members, func(m int) bool { return p.values[m].kind == array.KindReduce && !p.values[m].wanted })
	}
}

// offsets tells the ranks what comes before their parts, for the scans over a reduction of the run.
func (p *planner) offsets(run *Step) {
	if p.Ranks == 1 || !run.Split {
		return
	}
	s := Step{Kind: Prefix, Split: run.Split, N: run.N, deal: run.deal, run: run, ByReference: p.setting.InProcess}
	for i, v := range run.outputs {
		if p.values[v].scanned {
			s.Names = append(s.Names, run.Names[i])
			s.outputs = append(s.outputs, v)
		}
	}
	if len(s.outputs) > 0 {
		p.add(s)
	}
}

// finish ends the reductions of a run that leave as trees.
func (p *planner) finish(run *Step) {
	s := Step{Kind: Reduce, Split: run.Split, OnRoot: true, N: run.N, deal: run.deal, run: run, cutting: run.cutting, ByReference: p.setting.InProcess}
	one := s
	for i, v := range run.outputs {
		switch o := &run.Program.Outputs[i]; {
		case !o.Tree() || !p.values[v].wanted:
		case o.Partial:
			c := one
			c.Names, c.outputs, c.value, c.columns = run.Names[i:i+1], []int{v}, v, true
			c.DType, c.N, c.OnRoot = p.values[v].dtype, p.values[v].n, !p.values[v].shared
			p.add(c)
		default:
			s.Names = append(s.Names, run.Names[i])
			s.outputs = append(s.outputs, v)
			s.OnRoot = s.OnRoot && !p.values[v].shared
		}
	}
	if len(s.outputs) > 0 {
		p.add(s)
	}
}

// output is the output of the run that a Reduce over rows finishes.
func (s *Step) output() *array.Output {
	return &s.run.Program.Outputs[slices.Index(s.run.outputs, s.value)]
}

// nodes is the tree over leaves [lo, hi) in as few nodes as possible: what Push makes of them.
func nodes(lo, hi int) []array.Partial {
	var list []array.Partial
	for lo < hi {
		level := bits.Len(uint(hi-lo)) - 1
		if lo > 0 {
			level = min(level, bits.TrailingZeros(uint(lo)))
		}
		list = append(list, array.Partial{Level: uint64(level), Index: uint64(lo) >> level})
		lo += 1 << level
	}
	return list
}

// rowLeaves is the leaves of a part of the rows of one block.
func rowLeaves(o *array.Output, span partition.Range) (lo, hi int) {
	unit := array.RowLeaf * o.Extent.Inner
	if span.Empty() {
		return 0, 0
	}
	return span.Lo / unit, (span.Hi + unit - 1) / unit
}

// treeBytes is the memory of the nodes over rows that a part gives.
func treeBytes(o *array.Output, span partition.Range) int {
	words := 2 // the accumulator and the count
	if o.Op.HasAux() {
		words++
	}
	lo, hi := rowLeaves(o, span)
	return min(len(nodes(lo, hi))*min(words*8*o.Extent.Inner, addressable), addressable)
}

// incoming is the memory of the largest trees that the root receives at once.
func (s *Step) incoming() int {
	most := 0
	for r := 1; r < s.layout.Ranks(); r++ {
		most = max(most, treeBytes(s.output(), s.layout.Range(r)))
	}
	return most
}
