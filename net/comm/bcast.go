package comm

import (
	"context"

	"github.com/darray-go/darray/partition"
)

// Bcast gives every rank the root's elements.
//
// Every rank passes a slice of the same length; on return it holds what the root's held. With n bytes: p-1 messages and
// n*(p-1) bytes over a binomial tree, depth ceil(log2 p); from 1 MiB and 64 KiB a rank on, (p-1)*(p+1) messages and
// about 2*n*(p-1) bytes, of which the root sends 2*n instead of n*log2 p.
func Bcast[T Elem](ctx context.Context, c *Comm, root int, xs []T) error {
	if err := c.checkRank("root", root); err != nil || c.Size() == 1 {
		return within("bcast", err)
	}
	data := bytesOf(xs)
	sig := signature{op: opBcast, dtype: dtypeOf[T](), root: root, count: len(xs)}
	return c.collective(ctx, sig, func(ctx context.Context, k *call) error {
		if choose(opBcast, len(data), c.Size()) == pieces {
			return bcastPieces(ctx, k, data)
		}
		return bcastBinomial(ctx, k, data)
	})
}

// bcastBinomial: a rank that has the data halves the ranks it is responsible for and sends to the first of the others.
func bcastBinomial(ctx context.Context, k *call, data []byte) error {
	t := treeOf(k.rank(), k.root, k.size())
	if t.parent >= 0 {
		if err := k.recv(ctx, t.parent, tagDown, data); err != nil {
			return err
		}
	}
	if small(len(data)) {
		for _, ch := range t.children {
			if err := k.send(ctx, ch.rank, tagDown, data); err != nil {
				return err
			}
		}
		return nil
	}
	return k.together(ctx, len(t.children), func(ctx context.Context, i int) error {
		return k.send(ctx, t.children[i].rank, tagDown, data)
	})
}

// bcastPieces: the root deals out one piece to each rank, and the ranks hand the pieces around a ring.
func bcastPieces(ctx context.Context, k *call, data []byte) error {
	p, r := k.size(), k.rank()
	cut := partition.Balanced(len(data), p)
	piece := func(i int) []byte { g := cut.Range(i); return data[g.Lo:g.Hi] }
	if r == k.root {
		err := k.together(ctx, p-1, func(ctx context.Context, i int) error {
			to := (r + 1 + i) % p
			return k.send(ctx, to, tagDirect, piece(to))
		})
		if err != nil {
			return err
		}
	} else if err := k.recv(ctx, k.root, tagDirect, piece(r)); err != nil {
		return err
	}
	return ring(ctx, k, piece)
}

// ring hands the pieces around: each rank has its own and gets the others from its left. Empty ones are not sent.
func ring(ctx context.Context, k *call, piece func(rank int) []byte) error {
	p, r := k.size(), k.rank()
	left, right := (r-1+p)%p, (r+1)%p
	for step := range p - 1 {
		out, in := piece((r-step+p)%p), piece((r-step-1+p)%p)
		var err error
		switch {
		case len(out) > 0 && len(in) > 0:
			err = k.exchange(ctx, right, out, left, in, tagRing)
		case len(out) > 0:
			err = k.send(ctx, right, tagRing, out)
		case len(in) > 0:
			err = k.recv(ctx, left, tagRing, in)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
