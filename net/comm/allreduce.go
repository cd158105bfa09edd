package comm

import (
	"context"

	"github.com/darray-go/darray/net/comm/sched"
)

// Allreduce is Reduce with the result on every rank: a fresh slice each, with the bits that Reduce gives.
//
// Every rank passes a slice of the same length. With n bytes over p ranks: p*log2 p messages of n bytes where p is a
// power of two; above 16 KiB 2*p*log2 p messages and 2*n*(p-1) bytes. For other p: p*ceil(log2 p) messages, which bring
// all vectors to every rank, while these have less than 96 KiB; then 2*(p-1) messages of n bytes up and down a tree; above
// 16 KiB, or 2 KiB a rank, 2*p*(p-1) messages of n/p bytes.
func Allreduce[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) ([]T, error) {
	return allreduceOf(op, make([]T, len(xs)), xs).do(ctx, c)
}

// AllreduceInto is Allreduce into dst, which has the length of xs and may be xs. After an error it holds nothing of use.
func AllreduceInto[T Elem](ctx context.Context, c *Comm, op Op[T], dst, xs []T) error {
	return allreduceOf(op, dst, xs).into(ctx, c)
}

func allreduceOf[T Elem](op Op[T], dst, xs []T) *job[T] {
	return vectorOf(opAllreduce, sched.Allreduce, op, dst, xs)
}

// vectorOf is a collective that takes a vector of the same length from each rank and gives it one.
func vectorOf[T Elem](code opcode, o sched.Op, op Op[T], dst, xs []T) *job[T] {
	return &job[T]{
		sig: signature{op: code, dtype: dtypeOf[T](), count: len(xs), fold: foldOf(op)}, out: dst,
		body: func(ctx context.Context, k *call) error {
			if err := checkRoom(dst, len(xs)); err != nil {
				return err
			}
			return perform(ctx, k, o, len(xs), sched.Task{N: len(xs)}, xs, dst, op)
		},
	}
}
