package cpu

import (
	"slices"
	"sync"

	"github.com/darray-go/darray/array"
)

// inOrder joins the trees of the pieces of a run as they come. It keeps one for each stretch of pieces that are done: about as
// many as goroutines, which take pieces that lie together, however many pieces there are.
type inOrder struct {
	mu   sync.Mutex
	done []stretch // in order, no two of them neighbours
	free []array.Forest
}

// stretch is the tree over pieces [lo, hi).
type stretch struct {
	lo, hi int
	tree   array.Forest
}

// put takes the tree over piece k, whose memory stays the caller's.
func (o *inOrder) put(op array.Op, acc array.DType, k int, tree array.Forest) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := len(o.done)
	for at > 0 && o.done[at-1].lo > k {
		at--
	}
	if at > 0 && o.done[at-1].hi == k {
		at--
		o.done[at].extend(op, acc, k+1, tree)
	} else {
		var room array.Forest
		if n := len(o.free); n > 0 {
			room, o.free = o.free[n-1], o.free[:n-1]
		}
		o.done = slices.Insert(o.done, at, stretch{k, k + 1, append(room[:0], tree...)})
	}
	if next := at + 1; next < len(o.done) && o.done[next].lo == k+1 {
		o.done[at].extend(op, acc, o.done[next].hi, o.done[next].tree)
		o.free = append(o.free, o.done[next].tree)
		o.done = slices.Delete(o.done, next, next+1)
	}
}

// extend joins what follows, up to piece hi.
func (s *stretch) extend(op array.Op, acc array.DType, hi int, tree array.Forest) {
	for _, p := range tree {
		s.tree = s.tree.Push(op, acc, p)
	}
	s.hi = hi
}

// take gives the tree over all pieces, once they are done, in memory of its own; none where there were none.
func (o *inOrder) take() array.Forest {
	all := array.Forest{}
	if len(o.done) == 1 {
		all = slices.Clone(o.done[0].tree)
	}
	o.drop()
	return all
}

// drop lets go of all trees; their memory is used again.
func (o *inOrder) drop() {
	for i := range o.done {
		o.free = append(o.free, o.done[i].tree)
	}
	clear(o.done)
	o.done = o.done[:0]
}
