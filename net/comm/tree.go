package comm

// tree is the place of one rank in the binomial tree over all ranks, counted from the root: the children of position v
// are v+2^i for each 2^i below v's lowest set bit (below p for the root), and child v+2^i is responsible for the 2^i
// positions from there, cut at p.
type tree struct {
	position int
	parent   int // its rank, or -1 for the root
	span     int // positions this rank is responsible for, itself included
	children []child
}

// child is a rank and the positions it is responsible for.
type child struct {
	rank, position, span int
}

func treeOf(rank, root, p int) tree {
	v := (rank - root + p) % p
	t := tree{position: v, parent: -1, span: 1}
	d := 1
	for ; d < p && v&d == 0; d *= 2 {
		if v+d < p {
			ch := child{rank: (v + d + root) % p, position: v + d, span: min(d, p-v-d)}
			t.children = append(t.children, ch)
			t.span += ch.span
		}
	}
	if v != 0 {
		t.parent = (v - d + root) % p
	}
	// The child with the most ranks behind it comes first: it has the longest way to go.
	for i, j := 0, len(t.children)-1; i < j; i, j = i+1, j-1 {
		t.children[i], t.children[j] = t.children[j], t.children[i]
	}
	return t
}
