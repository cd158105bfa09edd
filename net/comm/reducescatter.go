package comm

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/net/comm/sched"
)

// ReduceScatter combines the slices of all ranks element by element and gives each rank one run of the result, in rank
// order: counts[r] elements for rank r, in a fresh slice.
//
// Every rank passes a slice of the same length and the same counts, which sum to that length. The bits are those of
// Reduce. With n bytes over p ranks: p*(p-1) messages and n*(p-1) bytes straight between the ranks; for small runs
// p*log2 p messages where p is a power of two, else 2*(p-1) up and down a tree.
func ReduceScatter[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T, counts []int) ([]T, error) {
	return reduceScatterOf(op, nil, true, xs, counts).do(ctx, c)
}

// ReduceScatterInto is ReduceScatter into dst, of counts[Rank] elements; it may be the beginning of xs. After an error it
// holds nothing of use.
func ReduceScatterInto[T Elem](ctx context.Context, c *Comm, op Op[T], dst, xs []T, counts []int) error {
	return reduceScatterOf(op, dst, false, xs, counts).into(ctx, c)
}

// ReduceScatterBlock is ReduceScatter with runs of len(xs)/p elements; an error where p does not divide len(xs).
func ReduceScatterBlock[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) ([]T, error) {
	return reduceScatterOf(op, nil, true, xs, nil).do(ctx, c)
}

// reduceScatterOf: nil counts are those of ReduceScatterBlock; fresh: a dst is to be made.
func reduceScatterOf[T Elem](op Op[T], dst []T, fresh bool, xs []T, counts []int) *job[T] {
	j := &job[T]{sig: signature{op: opReduceScatter, dtype: dtypeOf[T](), count: len(xs), fold: foldOf(op)}}
	j.body = func(ctx context.Context, k *call) error {
		p := k.size()
		t := sched.Task{N: len(xs) / p}
		mine := t.N
		switch {
		case counts != nil:
			if err := checkCounts(counts, p, len(xs)); err != nil {
				return err
			}
			t.Bounds, mine = boundsOf(counts), counts[k.rank()]
		case len(xs)%p != 0:
			return fmt.Errorf("%d elements are not divided by %d ranks; pass counts to ReduceScatter", len(xs), p)
		}
		if fresh {
			dst = make([]T, mine)
		}
		if err := checkRoom(dst, mine); err != nil {
			return err
		}
		j.out = dst
		return perform(ctx, k, sched.ReduceScatter, len(xs)/p, t, xs, dst, op)
	}
	return j
}

// boundsOf says where each of the runs of that many elements begins, and where the last one ends.
func boundsOf(counts []int) []int {
	b := make([]int, len(counts)+1)
	for i, n := range counts {
		b[i+1] = b[i] + n
	}
	return b
}
