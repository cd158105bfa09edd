package comm

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/partition"
)

// Scatter divides the root's slice into nearly equal runs in rank order, as partition.Balanced does, and gives each
// rank its own.
//
// The root passes the whole slice, the others nil. Every rank gets its run; the root's is a view of what it passed, the
// others' are fresh. With n bytes: p-1 messages and n*(p-1)/p bytes straight from the root; above 8 ranks p-1 more
// messages down a binomial tree, which carries runs of at most 4 KiB, so that each such run moves up to log2 p times.
func Scatter[T Elem](ctx context.Context, c *Comm, root int, xs []T) ([]T, error) {
	return scatter(ctx, c, root, xs, func() ([]int, error) { return partition.Balanced(len(xs), c.Size()).Counts(), nil })
}

// Scatterv is Scatter with runs of counts[r] elements for rank r. Only the root's counts are looked at; they must sum to
// len(xs).
func Scatterv[T Elem](ctx context.Context, c *Comm, root int, xs []T, counts []int) ([]T, error) {
	return scatter(ctx, c, root, xs, func() ([]int, error) { return counts, checkCounts(counts, c.Size(), len(xs)) })
}

func checkCounts(counts []int, p, n int) error {
	if len(counts) != p {
		return fmt.Errorf("%d counts for %d ranks", len(counts), p)
	}
	sum := 0
	for r, count := range counts {
		if count < 0 || count > n-sum {
			return fmt.Errorf("counts %v for %d elements: too many by rank %d", counts, n, r)
		}
		sum += count
	}
	if sum != n {
		return fmt.Errorf("counts %v sum to %d, there are %d elements", counts, sum, n)
	}
	return nil
}

func scatter[T Elem](ctx context.Context, c *Comm, root int, xs []T, runs func() ([]int, error)) ([]T, error) {
	if err := c.checkRank("root", root); err != nil {
		return nil, within("scatter", err)
	}
	if c.Size() == 1 {
		_, err := runs()
		return xs, within("scatter", err)
	}
	var own []T
	sig := signature{op: opScatter, dtype: dtypeOf[T](), root: root}
	err := c.collective(ctx, sig, func(ctx context.Context, k *call) error {
		var shares [][]byte
		if c.Rank() == root {
			counts, err := runs()
			if err != nil {
				return err
			}
			shares = make([][]byte, len(counts))
			rest := xs
			for r, n := range counts {
				if r == root {
					own = rest[:n:n]
				}
				shares[r], rest = bytesOf(rest[:n]), rest[n:]
			}
		}
		if choose(opScatter, 0, c.Size()) == flat {
			return scatterFlat(ctx, k, shares, grower(&own))
		}
		return scatterBinomial(ctx, k, shares, grower(&own))
	})
	if err != nil {
		return nil, err
	}
	return own, nil
}

// scatterFlat: the root sends each rank its share.
func scatterFlat(ctx context.Context, k *call, shares [][]byte, alloc func(n int) []byte) error {
	if k.rank() != k.root {
		return k.recvShare(ctx, alloc)
	}
	return k.sendShares(ctx, shares, func(int) bool { return true })
}

// scatterBinomial: lengths and small shares go down the tree, the root sends the large ones itself.
func scatterBinomial(ctx context.Context, k *call, shares [][]byte, alloc func(n int) []byte) error {
	t := treeOf(k.rank(), k.root, k.size())
	var parts []part // of the positions this rank is responsible for
	if t.parent < 0 {
		for v := range k.size() {
			parts = append(parts, partOf(shares[(k.root+v)%k.size()]))
		}
	} else {
		var err error
		if parts, err = k.recvParts(ctx, t.parent, tagDown, t.span); err != nil {
			return err
		}
	}
	for _, ch := range t.children {
		lo := ch.position - t.position
		if err := k.sendParts(ctx, ch.rank, tagDown, parts[lo:lo+ch.span]); err != nil {
			return err
		}
	}
	switch {
	case t.parent < 0:
		return k.sendShares(ctx, shares, func(r int) bool { return partOf(shares[r]).large() })
	case parts[0].large():
		return k.recvShare(ctx, alloc)
	default:
		copy(alloc(parts[0].size), parts[0].data)
		return nil
	}
}

// sendShares sends shares straight to those of the other ranks that pick says.
func (k *call) sendShares(ctx context.Context, shares [][]byte, pick func(rank int) bool) error {
	var to []int
	quick := true
	for i := range k.size() - 1 {
		if r := (k.root + 1 + i) % k.size(); pick(r) {
			to = append(to, r)
			quick = quick && small(len(shares[r]))
		}
	}
	if quick {
		for _, r := range to {
			if err := k.send(ctx, r, tagDirect, shares[r]); err != nil {
				return err
			}
		}
		return nil
	}
	return k.together(ctx, len(to), func(ctx context.Context, i int) error {
		return k.send(ctx, to[i], tagDirect, shares[to[i]])
	})
}

// recvShare takes this rank's share straight from the root.
func (k *call) recvShare(ctx context.Context, alloc func(n int) []byte) error {
	l, err := k.share(ctx, k.root, tagDirect)
	if err != nil {
		return err
	}
	return k.read(ctx, l, alloc(int(l.Size)))
}
