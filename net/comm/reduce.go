package comm

import (
	"context"
	"slices"

	"github.com/darray-go/darray/partition"
)

// Reduce combines the slices of all ranks element by element on the root.
//
// Every rank passes a slice of the same length. The root gets a fresh slice, the others nil. With n bytes: p-1 messages
// of n bytes, depth ceil(log2 p); above 64 KiB (p-1)*(p+1) messages of n/p bytes, and each rank combines one piece. The order of combining is that of a tree over the ranks: ranks 0 and 1, 2 and 3, then these pairs,
// and so on. It depends on p alone, not on the root or n, so the bits are the same each time.
func Reduce[T Elem](ctx context.Context, c *Comm, root int, op Op[T], xs []T) ([]T, error) {
	if err := c.checkRank("root", root); err != nil {
		return nil, within("reduce", err)
	}
	if c.Size() == 1 {
		return slices.Clone(xs), nil
	}
	var out []T
	sig := signature{op: opReduce, dtype: dtypeOf[T](), root: root, count: len(xs)}
	err := c.collective(ctx, sig, func(ctx context.Context, k *call) (err error) {
		if choose(opReduce, len(bytesOf(xs)), c.Size()) == pieces {
			out, err = reducePieces(ctx, k, op, xs)
		} else {
			out, err = reduceBinomial(ctx, k, root, op, xs)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// reduceBinomial: groups of 1, 2, 4, ... neighbouring ranks join in pairs. A group is spoken for by the root if it is
// in it, else by its lowest rank. Returns the result on the root, nil elsewhere.
func reduceBinomial[T Elem](ctx context.Context, k *call, root int, op Op[T], xs []T) ([]T, error) {
	p, r := k.size(), k.rank()
	acc, other := slices.Clone(xs), make([]T, len(xs))
	speaker := func(lo, n int) int {
		if lo <= root && root < lo+n {
			return root
		}
		return lo
	}
	for n := 1; n < p; n *= 2 {
		lo := r / (2 * n) * (2 * n) // this rank's group and its partner are lo to lo+2n
		if lo+n >= p {
			continue // no partner
		}
		left, right := speaker(lo, n), speaker(lo+n, n)
		here, there := left, right
		if speaker(lo, 2*n) == right {
			here, there = right, left
		}
		if r == there {
			return nil, k.send(ctx, here, tagUp, bytesOf(acc))
		}
		if err := k.recv(ctx, there, tagUp, bytesOf(other)); err != nil {
			return nil, err
		}
		if here == left {
			op(acc, other)
		} else {
			op(other, acc)
			acc, other = other, acc
		}
	}
	return acc, nil
}

// reducePieces: each rank combines one piece of all ranks' slices and sends it to the root.
func reducePieces[T Elem](ctx context.Context, k *call, op Op[T], xs []T) ([]T, error) {
	cut := partition.Balanced(len(xs), k.size())
	mine, err := combinePiece(ctx, k, op, xs, cut)
	if err != nil {
		return nil, err
	}
	if k.rank() != k.root {
		return nil, k.send(ctx, k.root, tagDirect, bytesOf(mine))
	}
	out := make([]T, len(xs))
	err = k.together(ctx, k.size(), func(ctx context.Context, r int) error {
		g := cut.Range(r)
		if r == k.root {
			copy(out[g.Lo:g.Hi], mine)
			return nil
		}
		return k.recv(ctx, r, tagDirect, bytesOf(out[g.Lo:g.Hi]))
	})
	return out, err
}

// combinePiece sends every rank its piece of xs and combines the contributions to this rank's own, in rank order.
func combinePiece[T Elem](ctx context.Context, k *call, op Op[T], xs []T, cut partition.Layout) ([]T, error) {
	p, r := k.size(), k.rank()
	piece := func(i int) []T { g := cut.Range(i); return xs[g.Lo:g.Hi] }
	var sum counter[T]
	err := k.together(ctx, 2, func(ctx context.Context, i int) error {
		if i == 0 {
			return k.together(ctx, p-1, func(ctx context.Context, i int) error {
				to := (r + 1 + i) % p
				return k.send(ctx, to, tagPiece, bytesOf(piece(to)))
			})
		}
		for from := range p {
			next := sum.buffer(len(piece(r)))
			if from == r {
				copy(next, piece(r))
			} else if err := k.recv(ctx, from, tagPiece, bytesOf(next)); err != nil {
				return err
			}
			sum.add(op, next)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sum.total(op), nil
}

// counter combines contributions that come in rank order along the tree that all reductions share: as in a binary
// counter, two groups of the same size join at once, and what is left at the end joins from the right.
type counter[T Elem] struct {
	groups []group[T]
	spare  [][]T
}

type group[T Elem] struct {
	ranks int
	acc   []T
}

// buffer returns a slice of n elements for the next contribution.
func (s *counter[T]) buffer(n int) []T {
	if last := len(s.spare) - 1; last >= 0 {
		b := s.spare[last]
		s.spare = s.spare[:last]
		return b
	}
	return make([]T, n)
}

func (s *counter[T]) add(op Op[T], xs []T) {
	s.groups = append(s.groups, group[T]{1, xs})
	for n := len(s.groups); n > 1 && s.groups[n-1].ranks == s.groups[n-2].ranks; n-- {
		s.join(op)
	}
}

func (s *counter[T]) join(op Op[T]) {
	n := len(s.groups)
	left, right := &s.groups[n-2], s.groups[n-1]
	op(left.acc, right.acc)
	left.ranks += right.ranks
	s.spare = append(s.spare, right.acc)
	s.groups = s.groups[:n-1]
}

func (s *counter[T]) total(op Op[T]) []T {
	for len(s.groups) > 1 {
		s.join(op)
	}
	return s.groups[0].acc
}
