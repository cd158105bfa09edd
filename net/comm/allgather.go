package comm

import (
	"context"

	"github.com/darray-go/darray/net/comm/sched"
)

// Allgather puts the slices of all ranks together on every rank, in rank order.
//
// Every rank passes its slice, of any length, and gets a fresh slice with all of them. With n bytes in all over p ranks:
// p*ceil(log2 p) messages, which carry the lengths and slices of at most 4 KiB. If there are larger ones, all go once
// more: p*ceil(log2 p) messages where p is a power of two or the slices have less than 128 KiB on average, else p*(p-1)
// around a ring. n*(p-1) bytes move each time.
func Allgather[T Elem](ctx context.Context, c *Comm, xs []T) ([]T, error) {
	return allgatherOf(nil, true, xs).do(ctx, c)
}

// AllgatherInto is Allgather into dst, whose length is the sum of all; xs may be its own place within dst. After an error
// dst holds nothing of use.
func AllgatherInto[T Elem](ctx context.Context, c *Comm, dst, xs []T) error {
	return allgatherOf(dst, false, xs).into(ctx, c)
}

func allgatherOf[T Elem](dst []T, fresh bool, xs []T) *job[T] {
	j := &job[T]{sig: signature{op: opAllgather, dtype: dtypeOf[T]()}, out: dst}
	j.body = func(ctx context.Context, k *call) error {
		parts := make([]part, k.size())
		if err := k.runParts(ctx, sched.Allgather, []part{partOf(bytesOf(xs))}, parts); err != nil {
			return err
		}
		bounds, large, err := k.boundsOfParts(parts)
		if err != nil {
			return err
		}
		place := placeFor(j, dst, fresh)
		p, size := k.size(), sizeOf[T]()
		to, err := place(bounds[p] * size)
		if err != nil {
			return err
		}
		if !large {
			fill(to, parts)
			return nil
		}
		return perform(ctx, k, sched.Allgather, bounds[p]/p, sched.Task{Bounds: bounds}, xs, j.out, nil)
	}
	return j
}

// boundsOfParts says where the elements of each part begin when they lie one after another, and whether there are parts
// without their data.
func (k *call) boundsOfParts(parts []part) (bounds []int, large bool, err error) {
	bounds = make([]int, len(parts)+1)
	total := 0
	for i, p := range parts {
		total += p.size
		if err := k.checkTotal(total); err != nil {
			return nil, false, err
		}
		bounds[i+1] = total / dtypeSize(k.dtype)
		large = large || p.large()
	}
	return bounds, large, nil
}

// fill lays the parts that have their data into to, which has room for all, one after another.
func fill(to []byte, parts []part) {
	for _, p := range parts {
		if !p.large() {
			copy(to, p.data)
		}
		to = to[p.size:]
	}
}
