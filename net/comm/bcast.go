package comm

import (
	"context"

	"github.com/darray-go/darray/net/comm/sched"
)

// Bcast gives every rank the root's elements.
//
// Every rank passes a slice of the same length; on return it holds what the root's held. With n bytes over p ranks:
// p-1 messages and n*(p-1) bytes down a binomial tree, depth ceil(log2 p); from about 64 KiB on about p*p messages and
// 2*n*(p-1) bytes, of which the root sends 2*n instead of n*log2 p; from about 32 KiB a rank on a chain of segments, in
// which every rank sends n once.
func Bcast[T Elem](ctx context.Context, c *Comm, root int, xs []T) error {
	return bcastOf(c, root, xs).into(ctx, c)
}

func bcastOf[T Elem](c *Comm, root int, xs []T) *job[T] {
	j := &job[T]{
		sig: signature{op: opBcast, dtype: dtypeOf[T](), root: root, count: len(xs)},
		err: c.checkRank("root", root),
		out: xs,
	}
	j.body = func(ctx context.Context, k *call) error {
		t := sched.Task{N: len(xs), Segment: max(1, sched.Segment(len(bytesOf(xs)), k.size())/sizeOf[T]())}
		return perform(ctx, k, sched.Bcast, len(xs), t, nil, xs, nil)
	}
	return j
}
