package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
)

// CollectInto is Collect of one array into memory of the caller's: dst, of its type and shape, has the elements
// afterwards. They are computed in place, but for bools and for arrays that read memory of dst itself, which are computed
// beside it and copied. After an error of the run dst's values are unspecified.
func (e *Executor) CollectInto(ctx context.Context, root *array.Node, dst *array.Block) (Stats, error) {
	if err := e.collects(); err != nil {
		return Stats{}, err
	}
	return e.collectInto(ctx, root, dst, false)
}

// CollectIntoSPMD is CollectInto where every rank calls it with an equal graph. Rank 0's dst counts, the others' do not.
func (e *Executor) CollectIntoSPMD(ctx context.Context, root *array.Node, dst *array.Block) (Stats, error) {
	if e.comm.Rank() == 0 {
		return e.collectInto(ctx, root, dst, true)
	}
	_, stats, err := e.CollectSPMD(ctx, []*array.Node{root})
	return stats, err
}

func (e *Executor) collectInto(ctx context.Context, root *array.Node, dst *array.Block, spmd bool) (Stats, error) {
	if dst == nil {
		dst = &array.Block{} // of no type, so that it fits nothing: all ranks hear of it
	}
	var stats Stats
	err := e.collect(ctx, []*array.Node{root}, []*array.Block{dst}, nil, how{spmd: spmd}, &stats)
	return stats, err
}

// fits says why a result cannot be collected into dst.
func fits(dst *array.Block, root *array.Node) error {
	switch {
	case !dst.DType().Valid():
		return fmt.Errorf("collect into: %w: the destination is no block; make one of %s%v with NewBlock", array.ErrDType, root.DType(), root.Shape())
	case dst.DType() != root.DType():
		return fmt.Errorf("collect into: %w: the result is %s, the destination %s; Cast the one or make the other anew", array.ErrDType, root.DType(), dst.DType())
	case !dst.Shape().Equal(root.Shape()):
		return fmt.Errorf("collect into: %w: the result has shape %v, the destination %v; Reshape one", array.ErrShape, root.Shape(), dst.Shape())
	}
	return nil
}

// into reports whether the first root can be computed in dst, nil for none: a value that is made of parts in disjoint places,
// and no operand in the same memory, since a program may write an element before it has read all that it needs of that operand.
func (p *Plan) into(dst *array.Block, operands []*array.Block) bool {
	if dst == nil || dst.DType() == array.Bool {
		return false
	}
	value := p.graph.roots[0].value
	gathered := p.Ranks == 1
	for i := range p.Steps {
		gathered = gathered || p.Steps[i].Kind == Gather && p.Steps[i].value == value
	}
	return gathered && !slices.ContainsFunc(operands, func(b *array.Block) bool { return b != nil && dst.Overlaps(b) })
}

// lendInto has the first root computed in dst.
func (r *run) lendInto(dst *array.Block) {
	value := r.plan.graph.roots[0].value
	if b, err := array.WrapBlock(dst.DType(), dst.Len(), 0, dst.Buffers()[0], nil, dst); err == nil {
		r.lendValue(value, loan{b, true})
	}
}
