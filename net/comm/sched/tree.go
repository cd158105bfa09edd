package sched

import "math/bits"

// node is one of the tree along which all reductions combine: at level l, node i covers ranks i*2^l to (i+1)*2^l, cut at
// p. The last node of a level that has an odd number of them goes up as it is.
type node struct {
	level, index int
	slot         int // where its value is
}

// joiner combines contributions that come in any order along the tree. Values lie in slots of Tmp.
type joiner struct {
	g          *gen
	base, size int // of the slots in Tmp, in elements
	nodes      []node
	free       []int
	used       int // slots so far
}

func (j *joiner) take() int {
	if last := len(j.free) - 1; last >= 0 {
		s := j.free[last]
		j.free = j.free[:last]
		return s
	}
	j.used++
	return j.used - 1
}

func (j *joiner) region(slot int) Region {
	return Region{Tmp, j.base + slot*j.size, j.base + (slot+1)*j.size}
}

// add joins n with its sibling if that is there, and so on upwards.
func (j *joiner) add(n node) {
	for {
		count := (j.g.Size-1)>>n.level + 1 // nodes of this level
		if count == 1 {
			break
		}
		if sibling := n.index ^ 1; sibling < count {
			i := j.find(n.level, sibling)
			if i < 0 {
				break
			}
			left, right := n, j.nodes[i]
			if sibling < n.index {
				left, right = right, left
			}
			j.g.combine(j.region(left.slot), j.region(right.slot))
			j.free = append(j.free, right.slot)
			j.nodes[i] = j.nodes[len(j.nodes)-1]
			j.nodes = j.nodes[:len(j.nodes)-1]
			n.slot = left.slot
		}
		n.level, n.index = n.level+1, n.index/2
	}
	j.nodes = append(j.nodes, n)
}

func (j *joiner) find(level, index int) int {
	for i := range j.nodes {
		if n := &j.nodes[i]; n.index == index && n.level == level {
			return i
		}
	}
	return -1
}

// slots bounds what a joiner needs for contributions that come in the order of the ring, Fan at a time: what has come is
// at most two runs of ranks, the second of which begins with rank 0, and a run is at most two nodes a level.
func slots(p int) int { return min(p, 3*bits.Len(uint(p))+Fan+2) }

// forest lists the largest nodes inside the run of ranks lo to hi, in order: what must be known of the run to combine it
// with its surroundings.
func forest(lo, hi, p int) []node {
	var left, right []node
	count := p
	for level := 0; lo < hi; level++ {
		if count == 1 {
			left = append(left, node{level: level})
			break
		}
		if lo%2 == 1 {
			left = append(left, node{level: level, index: lo})
			lo++
		}
		if hi%2 == 1 && hi < count && lo < hi {
			hi--
			right = append(right, node{level: level, index: hi})
		}
		lo, hi, count = lo/2, (hi+1)/2, (count+1)/2
	}
	for i := len(right) - 1; i >= 0; i-- {
		left = append(left, right[i])
	}
	return left
}
