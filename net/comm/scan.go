package comm

import (
	"context"

	"github.com/darray-go/darray/net/comm/sched"
)

// Scan gives rank r the slices of ranks 0 to r combined element by element, in a fresh slice.
//
// Every rank passes a slice of the same length. Rank r's result has the bits that Reduce over ranks 0 to r alone gives,
// whatever p is. With n bytes over p ranks: up to p*ceil(log2 p) messages of n bytes, depth ceil(log2 p).
func Scan[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) ([]T, error) {
	return scanOf(op, make([]T, len(xs)), xs).do(ctx, c)
}

// ScanInto is Scan into dst, which has the length of xs and may be xs. After an error it holds nothing of use.
func ScanInto[T Elem](ctx context.Context, c *Comm, op Op[T], dst, xs []T) error {
	return scanOf(op, dst, xs).into(ctx, c)
}

func scanOf[T Elem](op Op[T], dst, xs []T) *job[T] { return vectorOf(opScan, sched.Scan, op, dst, xs) }

// Exscan is Scan without the rank's own slice: rank r gets ranks 0 to r-1 combined, rank 0 nil.
func Exscan[T Elem](ctx context.Context, c *Comm, op Op[T], xs []T) ([]T, error) {
	return exscanOf(c, op, make([]T, len(xs)), xs).do(ctx, c)
}

// ExscanInto is Exscan into dst, which has the length of xs and may be xs; rank 0's stays as it is. After an error it
// holds nothing of use.
func ExscanInto[T Elem](ctx context.Context, c *Comm, op Op[T], dst, xs []T) error {
	return exscanOf(c, op, dst, xs).into(ctx, c)
}

func exscanOf[T Elem](c *Comm, op Op[T], dst, xs []T) *job[T] {
	j := vectorOf(opExscan, sched.Exscan, op, dst, xs)
	if c.Rank() == 0 {
		j.out = nil
	}
	return j
}
