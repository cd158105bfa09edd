package exec

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/array"
)

// Persist computes arrays and leaves them where that was done, on rank 0 while the others are in Serve: in an accelerator's memory
// where the plan has the last step there, which is taken to be read there once more; else in a process's. What several ranks
// compute stays with them, each its part, except where ranks share one device. The nodes are the arrays, over data or parts, which are
// the caller's, until nothing refers to them.
func (e *Executor) Persist(ctx context.Context, roots []*array.Node) ([]*array.Node, error) {
	if err := e.collects(); err != nil {
		return nil, err
	}
	return e.persist(ctx, roots, how{keep: true})
}

// PersistSPMD is Persist where every rank calls it with an equal graph. Rank 0 has the elements of what is in no parts.
func (e *Executor) PersistSPMD(ctx context.Context, roots []*array.Node) ([]*array.Node, error) {
	if e.comm.Rank() == 0 {
		return e.persist(ctx, roots, how{spmd: true, keep: true})
	}
	wire, _, err := array.Encode(roots)
	if err != nil {
		return nil, err
	}
	s, err := e.serve(ctx, called(wire, true))
	if err != nil {
		return nil, err
	}
	if s == nil || s.run == nil {
		return nil, fmt.Errorf("persist: rank 0 ended a task that it had not begun")
	}
	parts := make([]*array.Parts, len(roots))
	s.run.partsOf(s.of, parts, nil)
	return persisted(roots, make([]*array.Block, len(roots)), parts)
}

func (e *Executor) persist(ctx context.Context, roots []*array.Node, how how) ([]*array.Node, error) {
	blocks, parts := make([]*array.Block, len(roots)), make([]*array.Parts, len(roots))
	if err := e.collect(ctx, roots, blocks, parts, how, nil); err != nil {
		return nil, err
	}
	return persisted(roots, blocks, parts)
}

// persisted makes the arrays; of those without a block and parts, rank 0 has the block.
func persisted(roots []*array.Node, blocks []*array.Block, parts []*array.Parts) ([]*array.Node, error) {
	out := make([]*array.Node, len(roots))
	for i, n := range roots {
		switch {
		case parts[i] != nil:
			out[i] = array.InParts(parts[i], n.DType(), n.Shape(), 0)
		case blocks[i] != nil:
			out[i] = array.Data(blocks[i], 0)
		default:
			out[i] = array.Elsewhere(n.DType(), n.Shape(), 0)
		}
		if err := out[i].Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
