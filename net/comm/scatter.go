package comm

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/net/comm/sched"
	"github.com/darray-go/darray/partition"
)

// Scatter divides the root's slice into nearly equal runs in rank order, as partition.Balanced does, and gives each
// rank its own.
//
// The root passes the whole slice, the others nil. Every rank gets its run; the root's is a view of what it passed, the
// others' are fresh. With n bytes over p ranks: p-1 messages and n*(p-1)/p bytes straight from the root; above 8 ranks
// p-1 more messages down a binomial tree, which carries runs of at most 4 KiB, so that each such run moves up to log2 p
// times.
func Scatter[T Elem](ctx context.Context, c *Comm, root int, xs []T) ([]T, error) {
	return scatterOf(c, root, xs, balanced(c, xs), nil, true).do(ctx, c)
}

// Scatterv is Scatter with runs of counts[r] elements for rank r. Only the root's counts are looked at; they must sum to
// len(xs).
func Scatterv[T Elem](ctx context.Context, c *Comm, root int, xs []T, counts []int) ([]T, error) {
	return scatterOf(c, root, xs, counted(c, xs, counts), nil, true).do(ctx, c)
}

// ScatterInto is Scatter into dst, which has the length of this rank's run on every rank; the root's may be its run
// within xs. After an error it holds nothing of use.
func ScatterInto[T Elem](ctx context.Context, c *Comm, root int, dst, xs []T) error {
	return scatterOf(c, root, xs, balanced(c, xs), dst, false).into(ctx, c)
}

// ScattervInto is Scatterv into dst, as ScatterInto is Scatter.
func ScattervInto[T Elem](ctx context.Context, c *Comm, root int, dst, xs []T, counts []int) error {
	return scatterOf(c, root, xs, counted(c, xs, counts), dst, false).into(ctx, c)
}

// balanced and counted give the lengths of the runs on the root.
func balanced[T Elem](c *Comm, xs []T) func() ([]int, error) {
	return func() ([]int, error) { return partition.Balanced(len(xs), c.Size()).Counts(), nil }
}

func counted[T Elem](c *Comm, xs []T, counts []int) func() ([]int, error) {
	return func() ([]int, error) { return counts, checkCounts(counts, c.Size(), len(xs)) }
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

func scatterOf[T Elem](c *Comm, root int, xs []T, runs func() ([]int, error), dst []T, fresh bool) *job[T] {
	j := &job[T]{
		sig: signature{op: opScatter, dtype: dtypeOf[T](), root: root},
		err: c.checkRank("root", root), out: dst,
	}
	j.body = func(ctx context.Context, k *call) error {
		place := placeFor(j, dst, fresh)
		var shares [][]byte
		if k.rank() == root {
			counts, err := runs()
			if err != nil {
				return err
			}
			b := boundsOf(counts)
			own := xs[b[root]:b[root+1]:b[root+1]]
			if fresh {
				j.out = own
			} else if err := checkRoom(dst, len(own)); err != nil {
				return err
			} else {
				copy(dst, own)
			}
			shares = make([][]byte, len(counts))
			for r := range shares {
				shares[r] = bytesOf(xs[b[r]:b[r+1]])
			}
		}
		if k.way(ctx, sched.Scatter, 0).name == "flat" {
			return scatterFlat(ctx, k, shares, place)
		}
		return scatterTree(ctx, k, shares, place)
	}
	return j
}

// placeFor returns a function that views the result of j, of that many bytes, in fresh memory or in dst.
func placeFor[T Elem](j *job[T], dst []T, fresh bool) func(bytes int) ([]byte, error) {
	grow := grower(&j.out)
	return func(bytes int) ([]byte, error) {
		if fresh {
			return grow(bytes), nil
		}
		return bytesOf(dst), checkRoom(dst, bytes/sizeOf[T]())
	}
}

// scatterFlat: the root sends each rank its share; nobody else knows how long it is before it comes.
func scatterFlat(ctx context.Context, k *call, shares [][]byte, place func(bytes int) ([]byte, error)) error {
	if k.rank() != k.root {
		return k.recvShare(ctx, place)
	}
	return k.sendShares(ctx, shares, func(int) bool { return true })
}

// scatterTree: lengths and small shares go as the schedule says, the root sends the large ones itself.
func scatterTree(ctx context.Context, k *call, shares [][]byte, place func(bytes int) ([]byte, error)) error {
	var all []part
	mine := make([]part, 1)
	for _, share := range shares {
		all = append(all, partOf(share))
	}
	if err := k.runParts(ctx, sched.Scatter, all, mine); err != nil {
		return err
	}
	switch {
	case k.rank() == k.root:
		return k.sendShares(ctx, shares, func(r int) bool { return all[r].large() })
	case mine[0].large():
		return k.recvShare(ctx, place)
	}
	to, err := place(mine[0].size)
	copy(to, mine[0].data)
	return err
}

// sendShares sends shares straight to those of the other ranks that pick says.
func (k *call) sendShares(ctx context.Context, shares [][]byte, pick func(rank int) bool) error {
	var sends []move
	quick := true
	for i := range k.size() - 1 {
		if r := (k.root + 1 + i) % k.size(); pick(r) {
			sends = append(sends, move{r, tagDirect, shares[r]})
			quick = quick && small(len(shares[r]))
		}
	}
	if quick || len(sends) <= fan {
		return k.round(ctx, sends, nil)
	}
	return k.together(ctx, len(sends), func(ctx context.Context, i int) error {
		return k.send(ctx, sends[i].peer, sends[i].tag, sends[i].buf)
	})
}

// recvShare takes this rank's share straight from the root.
func (k *call) recvShare(ctx context.Context, place func(bytes int) ([]byte, error)) error {
	l, err := k.share(ctx, k.root, tagDirect)
	if err != nil {
		return err
	}
	to, err := place(int(l.Size))
	if err != nil {
		l.Discard()
		return err
	}
	return k.read(ctx, l, to)
}
