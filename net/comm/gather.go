package comm

import (
	"context"
	"slices"
)

// Gather puts the slices of all ranks together on the root, in rank order.
//
// Every rank passes its slice, of any length. The root gets a fresh slice with all of them, the others nil. With n bytes
// in all: p-1 messages and n*(p-1)/p bytes straight to the root; above 8 ranks a binomial tree carries the lengths and
// slices of at most 4 KiB (p-1 messages, each such slice moves up to log2 p times), and larger slices go straight.
func Gather[T Elem](ctx context.Context, c *Comm, root int, xs []T) ([]T, error) {
	if err := c.checkRank("root", root); err != nil {
		return nil, within("gather", err)
	}
	if c.Size() == 1 {
		return slices.Clone(xs), nil
	}
	var all []T
	sig := signature{op: opGather, dtype: dtypeOf[T](), root: root}
	err := c.collective(ctx, sig, func(ctx context.Context, k *call) error {
		if choose(opGather, 0, c.Size()) == flat {
			return gatherFlat(ctx, k, bytesOf(xs), grower(&all))
		}
		return gatherBinomial(ctx, k, bytesOf(xs), grower(&all))
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// gatherFlat: every rank sends its slice to the root.
func gatherFlat(ctx context.Context, k *call, mine []byte, alloc func(n int) []byte) error {
	if k.rank() != k.root {
		return k.send(ctx, k.root, tagDirect, mine)
	}
	parts := make([]part, k.size())
	for r := range parts {
		parts[r].size = -1 // not known before its message
	}
	parts[k.root] = part{size: len(mine), data: mine}
	return k.collect(ctx, parts, alloc)
}

// gatherBinomial: lengths and small slices go up the tree, large ones straight to the root.
func gatherBinomial(ctx context.Context, k *call, mine []byte, alloc func(n int) []byte) error {
	t := treeOf(k.rank(), k.root, k.size())
	parts := make([]part, t.span) // of the positions this rank is responsible for
	parts[0] = partOf(mine)
	for _, ch := range slices.Backward(t.children) { // the one with the fewest ranks behind it is ready first
		theirs, err := k.recvParts(ctx, ch.rank, tagUp, ch.span)
		if err != nil {
			return err
		}
		copy(parts[ch.position-t.position:], theirs)
	}
	if t.parent >= 0 {
		if err := k.sendParts(ctx, t.parent, tagUp, parts); err != nil || !parts[0].large() {
			return err
		}
		return k.send(ctx, k.root, tagDirect, mine)
	}
	byRank := make([]part, k.size())
	for v, p := range parts {
		byRank[(k.root+v)%k.size()] = p
	}
	byRank[k.root].data = mine
	return k.collect(ctx, byRank, alloc)
}

// collect puts the parts of all ranks together on the root. Those without data come straight from their ranks; all
// their headers are awaited before the result is allocated, so that no length is believed that has no message to it.
func (k *call) collect(ctx context.Context, parts []part, alloc func(n int) []byte) error {
	letters := make([]*letter, len(parts))
	defer func() {
		for _, l := range letters {
			if l != nil {
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
	out := alloc(total)
	var reads []func(ctx context.Context) error
	for r, p := range parts {
		var into []byte
		into, out = out[:p.size], out[p.size:]
		if l := letters[r]; l != nil {
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
