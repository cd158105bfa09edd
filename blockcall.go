package darray

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// BcastBlock gives every rank the root's block.
//
// The root passes it, the others nil. Every rank gets it: inside a process the root's own, else a copy. Before it moves the
// ranks agree on what moves: where that cannot be, because the root has no block or a rank no room, all get the error and
// nothing has moved. Bytes as comm.Bcast, and a few for the agreement, which is a comm.Allgather.
func BcastBlock(ctx context.Context, c *comm.Comm, root int, b *Block) (*Block, error) {
	return blockCall{bcastBlock, root}.do(ctx, c, b)
}

// ScatterBlock divides the root's block along axis 0 into nearly equal runs in rank order, as partition.Balanced does, and
// gives each rank its own.
//
// The root passes the block, of at least one axis, the others nil. The root gets a view of what it passed, and so do all
// inside a process; else a copy. Ranks beyond the extent get a block with 0 along axis 0. Errors as for BcastBlock. Bytes as
// comm.Scatterv.
func ScatterBlock(ctx context.Context, c *comm.Comm, root int, b *Block) (*Block, error) {
	return blockCall{scatterBlock, root}.do(ctx, c, b)
}

// GatherBlock joins the blocks of all ranks along axis 0 on the root, in rank order.
//
// Every rank passes a block of any length along axis 0, of one type and alike along the other axes; else all ranks get an
// error that names one which differs from rank 0. The root gets a fresh block (of one rank: the block itself), which has
// validity if one of them has, the others nil. Bytes as comm.Gather.
func GatherBlock(ctx context.Context, c *comm.Comm, root int, b *Block) (*Block, error) {
	return blockCall{gatherBlock, root}.do(ctx, c, b)
}

// AllgatherBlock is GatherBlock to all ranks; inside a process all get the same block. Bytes as comm.Allgather.
func AllgatherBlock(ctx context.Context, c *comm.Comm, b *Block) (*Block, error) {
	return blockCall{allgatherBlock, 0}.do(ctx, c, b)
}

// blockCall is a collective over blocks and its root, which all ranks must agree on.
type blockCall struct {
	op   blockOp
	root int
}

type blockOp uint8

// The values travel.
const (
	bcastBlock blockOp = iota + 1
	scatterBlock
	gatherBlock
	allgatherBlock
)

func (o blockOp) String() string {
	names := [...]string{"no operation", "bcast block", "scatter block", "gather block", "allgather block"}
	if int(o) >= len(names) {
		return names[0]
	}
	return names[o]
}

// fromRoot: the root's block alone counts.
func (o blockOp) fromRoot() bool { return o == bcastBlock || o == scatterBlock }

func (k blockCall) String() string {
	if k.op == allgatherBlock {
		return "an " + k.op.String()
	}
	return fmt.Sprintf("a %s, root %d", k.op, k.root)
}

// do runs the collective. The ranks of one process hand blocks over; others tell each other what they have, come to one
// verdict each by itself, and then move bytes.
func (k blockCall) do(ctx context.Context, c *comm.Comm, b *Block) (*Block, error) {
	mine := k.note(c, b)
	if k.op.fromRoot() && c.Rank() != k.root {
		b = nil
	}
	move := k.byBytes
	if inProcess(c) {
		move = k.byReference
	}
	out, err := move(ctx, c, mine, b)
	return out, within(k.op.String(), err)
}

func inProcess(c *comm.Comm) bool {
	for r := range c.Size() {
		if !c.InProcess(r) {
			return false
		}
	}
	return true
}

// contribution is what a rank hands over, outcome what it gets.
type (
	contribution struct {
		note  blockNote
		block *Block
	}
	outcome struct {
		block *Block
		err   error
	}
)

func (k blockCall) byReference(ctx context.Context, c *comm.Comm, mine blockNote, b *Block) (*Block, error) {
	got, err := comm.Confer(ctx, c, contribution{mine, b}, func(values []any) []any {
		blocks, err := k.join(c, values)
		out := make([]any, len(values))
		for r := range out {
			out[r] = outcome{err: err}
			if err == nil {
				out[r] = outcome{block: blocks[r]}
			}
		}
		return out
	})
	if err != nil {
		return nil, err
	}
	mineOut, ok := got.(outcome)
	if !ok {
		return nil, fmt.Errorf("%w: rank 0 confers on something else than %s", ErrDiverged, k)
	}
	return mineOut.block, mineOut.err
}

// join makes the blocks that each rank gets of those that each rank passes.
func (k blockCall) join(c *comm.Comm, values []any) ([]*Block, error) {
	notes, blocks := make([]blockNote, len(values)), make([]*Block, len(values))
	for r, v := range values {
		given, ok := v.(contribution)
		if !ok {
			return nil, fmt.Errorf("%w: rank %d confers on something else than %s", ErrDiverged, r, k)
		}
		notes[r], blocks[r] = given.note, given.block
	}
	whole, err := k.settle(c, notes, false)
	if err != nil {
		return nil, err
	}
	out := make([]*Block, len(values))
	switch k.op {
	case bcastBlock:
		for r := range out {
			out[r] = blocks[k.root]
		}
	case scatterBlock:
		runs := runsOf(whole.shape, len(out))
		for r := range out {
			if out[r], err = runOf(blocks[k.root], runs.Range(r)); err != nil {
				return nil, err
			}
		}
	default:
		joined := blocks[0]
		if len(blocks) > 1 {
			if joined, err = array.Concat(blocks); err == nil {
				joined, err = joined.Reshape(whole.shape)
			}
		}
		if err != nil {
			return nil, err
		}
		for r := range out {
			if k.op == allgatherBlock || r == k.root {
				out[r] = joined
			}
		}
	}
	return out, nil
}

// runsOf says which rank gets which rows of a block.
func runsOf(s Shape, p int) partition.Layout { return partition.Balanced(s[0], p) }

// runOf is a range of rows, over the same memory.
func runOf(b *Block, rows partition.Range) (*Block, error) {
	inner := b.Shape()[1:].Len()
	return b.Slice(rows.Lo*inner, rows.Hi*inner).Reshape(withRows(b.Shape(), rows.Len()))
}

// withRows is s with another extent along axis 0.
func withRows(s Shape, rows int) Shape {
	s = slices.Clone(s)
	s[0] = rows
	return s
}
