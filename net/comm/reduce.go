package comm

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/net/comm/sched"
)

// Reduce combines the slices of all ranks element by element on the root.
//
// Every rank passes a slice of the same length. The root gets a fresh slice, the others nil. With n bytes over p ranks:
// p-1 messages of n bytes, depth ceil(log2 p); above 16 KiB, or 2 KiB a rank, (p-1)*(p+1) messages of n/p bytes, and each
// rank combines one piece.
//
// The order of combining is that of a tree over the ranks: ranks 0 and 1, 2 and 3, then these pairs, and so on. It
// depends on p alone, not on the root, n or the way the messages take, so the bits are the same each time.
func Reduce[T Elem](ctx context.Context, c *Comm, root int, op Op[T], xs []T) ([]T, error) {
	return reduceOf(c, root, op, roomAt(c, root, xs), xs).do(ctx, c)
}

// roomAt is fresh memory for the result on the root.
func roomAt[T Elem](c *Comm, root int, xs []T) []T {
	if c.Rank() != root {
		return nil
	}
	return make([]T, len(xs))
}

// ReduceInto is Reduce into the root's dst, which has the length of xs and may be xs; the others' is not looked at. After
// an error it holds nothing of use.
func ReduceInto[T Elem](ctx context.Context, c *Comm, root int, op Op[T], dst, xs []T) error {
	return reduceOf(c, root, op, dst, xs).into(ctx, c)
}

func reduceOf[T Elem](c *Comm, root int, op Op[T], dst, xs []T) *job[T] {
	j := &job[T]{
		sig: signature{op: opReduce, dtype: dtypeOf[T](), root: root, count: len(xs), fold: foldOf(op)},
		err: c.checkRank("root", root),
	}
	if c.Rank() == root {
		j.out = dst
	}
	j.body = func(ctx context.Context, k *call) error {
		if k.rank() == root {
			if err := checkRoom(dst, len(xs)); err != nil {
				return err
			}
		}
		return perform(ctx, k, sched.Reduce, len(xs), sched.Task{N: len(xs)}, xs, dst, op)
	}
	return j
}

// checkRoom holds the caller's memory against what is to come.
func checkRoom[T Elem](dst []T, n int) error {
	if len(dst) != n {
		return fmt.Errorf("%w: dst has room for %d elements, the result has %d; pass a slice of that length", ErrTruncate, len(dst), n)
	}
	return nil
}
