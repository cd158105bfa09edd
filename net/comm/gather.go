package comm

import (
	"context"

	"github.com/darray-go/darray/net/comm/sched"
)

// Gather puts the slices of all ranks together on the root, in rank order.
//
// Every rank passes its slice, of any length. The root gets a fresh slice with all of them, the others nil. With n bytes
// in all over p ranks: p-1 messages and n*(p-1)/p bytes straight to the root; above 8 ranks a binomial tree carries the
// lengths and slices of at most 4 KiB (p-1 messages, each such slice moves up to log2 p times), and larger slices go
// straight.
func Gather[T Elem](ctx context.Context, c *Comm, root int, xs []T) ([]T, error) {
	return gatherOf(c, root, nil, true, xs).do(ctx, c)
}

// GatherInto is Gather into the root's dst, whose length is the sum of all; the others' is not looked at. The root's xs
// may be its own place within dst. After an error dst holds nothing of use.
func GatherInto[T Elem](ctx context.Context, c *Comm, root int, dst, xs []T) error {
	return gatherOf(c, root, dst, false, xs).into(ctx, c)
}

func gatherOf[T Elem](c *Comm, root int, dst []T, fresh bool, xs []T) *job[T] {
	j := &job[T]{
		sig: signature{op: opGather, dtype: dtypeOf[T](), root: root},
		err: c.checkRank("root", root), out: dst,
	}
	j.body = func(ctx context.Context, k *call) error {
		place := placeFor(j, dst, fresh)
		if k.way(ctx, sched.Gather, 0).name == "flat" {
			return gatherFlat(ctx, k, bytesOf(xs), place)
		}
		return gatherTree(ctx, k, bytesOf(xs), place)
	}
	return j
}

// gatherFlat: every rank sends its slice to the root, which does not know how long it is before it comes.
func gatherFlat(ctx context.Context, k *call, mine []byte, place func(bytes int) ([]byte, error)) error {
	if k.rank() != k.root {
		return k.send(ctx, k.root, tagDirect, mine)
	}
	parts := make([]part, k.size())
	for r := range parts {
		parts[r].size = -1 // not known before its message
	}
	parts[k.root] = part{size: len(mine), data: mine}
	return k.collect(ctx, parts, place)
}

// gatherTree: lengths and small slices go as the schedule says, large ones straight to the root.
func gatherTree(ctx context.Context, k *call, mine []byte, place func(bytes int) ([]byte, error)) error {
	var all []part
	if k.rank() == k.root {
		all = make([]part, k.size())
	}
	if err := k.runParts(ctx, sched.Gather, []part{partOf(mine)}, all); err != nil {
		return err
	}
	switch {
	case k.rank() == k.root:
		all[k.root].data = mine
		return k.collect(ctx, all, place)
	case len(mine) > inline:
		return k.send(ctx, k.root, tagDirect, mine)
	}
	return nil
}

// collect puts the parts of all ranks together on the root. Those without data come straight from their ranks; all
// their headers are awaited before the result is allocated, so that no length is believed that has no message to it.
func (k *call) collect(ctx context.Context, parts []part, place func(bytes int) ([]byte, error)) error {
	letters := make([]letter, len(parts))
	defer func() {
		for _, l := range letters {
			if l.Message != nil {
				l.Discard()
			}
		}
	}()
	total, quick := 0, true
	for r := range parts {
		if r != k.root && parts[r].data == nil && parts[r].size != 0 {
			l, err := k.share(ctx, r, tagDirect)
			if err != nil {
				return err
			}
			letters[r], parts[r].size = l, int(l.Size)
			quick = quick && small(int(l.Size))
		}
		total += parts[r].size
		if err := k.checkTotal(total); err != nil {
			return err
		}
	}
	out, err := place(total)
	if err != nil {
		return err
	}
	var reads []func(ctx context.Context) error
	for r, p := range parts {
		var into []byte
		into, out = out[:p.size], out[p.size:]
		if l := letters[r]; l.Message != nil {
			reads = append(reads, func(ctx context.Context) error { return k.read(ctx, l, into) })
		} else {
			copy(into, p.data)
		}
	}
	if quick {
		for _, read := range reads {
			if err := read(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	return k.together(ctx, len(reads), func(ctx context.Context, i int) error { return reads[i](ctx) })
}
