package comm

import (
	"context"
	"slices"
)

// Allgather puts the slices of all ranks together on every rank, in rank order.
//
// Every rank passes its slice, of any length, and gets a fresh slice with all of them. Messages: p*ceil(log2 p), which
// carry the lengths and slices of at most 4 KiB; larger slices then go around a ring, p-1 messages each. With n bytes in
// all, n*(p-1) bytes move either way.
func Allgather[T Elem](ctx context.Context, c *Comm, xs []T) ([]T, error) {
	if c.Size() == 1 {
		return slices.Clone(xs), nil
	}
	var all []T
	sig := signature{op: opAllgather, dtype: dtypeOf[T]()}
	err := c.collective(ctx, sig, func(ctx context.Context, k *call) error {
		return allgatherDoubling(ctx, k, bytesOf(xs), grower(&all))
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// allgatherDoubling: in each round a rank learns as many shares as it knows from the one that far above it, so that it
// knows those of ranks r, r+1, ... of the ring; then the shares that were too large for that go around.
func allgatherDoubling(ctx context.Context, k *call, mine []byte, alloc func(n int) []byte) error {
	p, r := k.size(), k.rank()
	known := []part{partOf(mine)}
	tag := tagRound
	for len(known) < p {
		d := len(known)
		n := min(d, p-d)
		theirs, err := k.exchangeParts(ctx, (r-d+p)%p, known[:n], (r+d)%p, n, tag)
		if err != nil {
			return err
		}
		known = append(known, theirs...)
		tag--
	}
	total := 0
	for _, part := range known {
		total += part.size
		if err := k.checkTotal(total); err != nil {
			return err
		}
	}
	out := alloc(total)
	places := make([][]byte, p) // by rank; empty where the share is there already
	for rank := range p {
		part := known[(rank-r+p)%p]
		var place []byte
		place, out = out[:part.size], out[part.size:]
		if part.large() {
			places[rank] = place
		} else {
			copy(place, part.data)
		}
	}
	copy(places[r], mine)
	return ring(ctx, k, func(rank int) []byte { return places[rank] })
}

// exchangeParts sends parts to dst while it receives n from src.
func (k *call) exchangeParts(ctx context.Context, dst int, parts []part, src, n int, tag int32) ([]part, error) {
	var theirs []part
	err := k.together(ctx, 2, func(ctx context.Context, i int) (err error) {
		if i == 0 {
			return k.sendParts(ctx, dst, tag, parts)
		}
		theirs, err = k.recvParts(ctx, src, tag, n)
		return err
	})
	return theirs, err
}
