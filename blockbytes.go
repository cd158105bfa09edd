package darray

import (
	"context"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// byBytes moves values and validity straight from the memory of one block into that of another, by the collectives on
// bytes.
func (k blockCall) byBytes(ctx context.Context, c *comm.Comm, mine blockNote, b *Block) (*Block, error) {
	notes, err := exchange(ctx, c, mine)
	if err != nil {
		return nil, err
	}
	whole, err := k.settle(c, notes, true)
	if err != nil {
		return nil, err
	}
	switch k.op {
	case bcastBlock:
		return k.bcast(ctx, c, whole, b)
	case scatterBlock:
		return k.scatter(ctx, c, whole, b)
	default:
		return k.gather(ctx, c, whole, notes, b)
	}
}

func (k blockCall) bcast(ctx context.Context, c *comm.Comm, whole blockNote, b *Block) (*Block, error) {
	if b == nil {
		b = array.NewBlock(whole.dtype, whole.shape, whole.nulls)
	}
	for _, buf := range b.Buffers() {
		if err := comm.Bcast(ctx, c, k.root, buf); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (k blockCall) scatter(ctx context.Context, c *comm.Comm, whole blockNote, b *Block) (*Block, error) {
	rows := runsOf(whole.shape, c.Size())
	inner := whole.shape[1:].Len()
	if b == nil {
		b = array.NewBlock(whole.dtype, withRows(whole.shape, rows.Range(c.Rank()).Len()), whole.nulls)
		for _, buf := range b.Buffers() {
			if err := comm.ScattervInto(ctx, c, k.root, buf, nil, nil); err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	bufs := make([][]byte, len(b.Buffers()))
	counts := make([][]int, len(bufs))
	for r := range c.Size() {
		run := rows.Range(r)
		for i, buf := range b.Slice(run.Lo*inner, run.Hi*inner).Buffers() {
			counts[i] = append(counts[i], len(buf))
			if whole.dtype == Bool || i > 0 { // each run of bits begins a byte
				bufs[i] = append(bufs[i], buf...)
			}
		}
	}
	if whole.dtype != Bool {
		bufs[0] = b.Buffers()[0]
	}
	for i, buf := range bufs {
		if _, err := comm.Scatterv(ctx, c, k.root, buf, counts[i]); err != nil {
			return nil, err
		}
	}
	return runOf(b, rows.Range(k.root))
}

func (k blockCall) gather(ctx context.Context, c *comm.Comm, whole blockNote, notes []blockNote, b *Block) (*Block, error) {
	var out *Block
	if k.op == allgatherBlock || c.Rank() == k.root {
		out = array.NewBlock(whole.dtype, whole.shape, whole.nulls)
	}
	sizes := make([]int, len(notes))
	for r, n := range notes {
		sizes[r] = n.shape.Len()
	}
	spans, err := partition.FromCounts(sizes)
	if err != nil {
		return nil, err
	}
	var values, validity []byte
	if out != nil {
		values, validity, _ = out.Raw()
	}
	if whole.dtype == Bool {
		err = k.gatherBits(ctx, c, values, spans, b.Buffers()[0])
	} else {
		err = k.gatherBytes(ctx, c, values, b.Buffers()[0])
	}
	if err == nil && whole.nulls {
		mine := array.AllocBytes(Bool.BufferSize(b.Len()))
		if b.HasNulls() {
			mine = b.Buffers()[1]
		} else {
			array.SetBits(mine, 0, b.Len())
		}
		err = k.gatherBits(ctx, c, validity, spans, mine)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (k blockCall) gatherBytes(ctx context.Context, c *comm.Comm, to, mine []byte) error {
	if k.op == allgatherBlock {
		return comm.AllgatherInto(ctx, c, to, mine)
	}
	return comm.GatherInto(ctx, c, k.root, to, mine)
}

// gatherBits joins runs of bits, each of which begins a byte on its way.
func (k blockCall) gatherBits(ctx context.Context, c *comm.Comm, to []byte, spans partition.Layout, mine []byte) error {
	var padded []byte
	if to != nil {
		bytes := 0
		for r := range spans.Ranks() {
			bytes += Bool.BufferSize(spans.Range(r).Len())
		}
		padded = make([]byte, bytes)
	}
	if err := k.gatherBytes(ctx, c, padded, mine); err != nil || to == nil {
		return err
	}
	for r := range spans.Ranks() {
		span := spans.Range(r)
		array.CopyBits(to, span.Lo, padded, 0, span.Len())
		padded = padded[Bool.BufferSize(span.Len()):]
	}
	return nil
}
