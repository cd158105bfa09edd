package darray

import (
	"cmp"
	"context"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/mem"
)

// mostBlock is more bytes than any machine has, where the system does not tell how many: Go would panic not far above.
const mostBlock = 1 << 46

// NewBlock is a block of zeros (false for bool), to collect into or to fill by its Values before it is read. It lies as results
// do: aligned, and on huge pages where it is large, which large arrays are read faster from. ErrShape and ErrDType where there is
// no such block, ErrMemory where it is larger than the machine's memory.
func NewBlock(dt DType, shape ...int) (*Block, error) {
	if !dt.Valid() {
		return nil, fmt.Errorf("new block: %w: %s is not an element type", ErrDType, dt)
	}
	if err := Shape(shape).Check(); err != nil {
		return nil, fmt.Errorf("new block: %w", err)
	}
	need := dt.BufferSize(Shape(shape).Len())
	if has := cmp.Or(machineMemory(), mostBlock); need > has {
		return nil, fmt.Errorf("new block: %w: %s%v takes %d bytes, the machine has %d; collect a smaller part", ErrMemory, dt, shape, need, has)
	}
	b, err := array.WrapBlock(dt, Shape(shape).Len(), 0, mem.Make(need), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("new block: %w", err)
	}
	return b.Reshape(shape)
}

// BlockOver is a block over xs, 1-D or of the given shape, without a copy: what is collected into it is in xs. ErrShape
// where the shape does not hold len(xs) elements.
func BlockOver[T Number](xs []T, shape ...int) (*Block, error) {
	b, err := array.FromSlice(xs, shape...)
	if err != nil {
		return nil, fmt.Errorf("block over a slice: %w", err)
	}
	return b, nil
}

// CollectInto is CollectContext into memory of the caller's: afterwards dst, of a's type and shape, has a's elements, and
// its nulls. A loop that collects into the same blocks again takes no new memory.
//
// a is computed in place, but for bools and for arrays that read dst's own memory (FromBlock(dst) + 1), which are computed
// beside it and copied. What was made over dst before, slices of its Values and arrays that are not collected yet, sees
// the new values; Slices and Arrow arrays of dst keep the nulls of before. ErrDType and ErrShape where dst does not fit:
// nothing has run. After another error dst's values are unspecified.
func (a Array) CollectInto(ctx context.Context, dst *Block) error {
	c, err := Default()
	if err != nil {
		return err
	}
	return c.CollectInto(ctx, dst, a)
}

// CollectInto is Array.CollectInto on this cluster. Of the ranks of Over, rank 0's dst counts and the others' may be nil.
func (c *Cluster) CollectInto(ctx context.Context, dst *Block, a Array) error {
	_, err := c.CollectIntoStats(ctx, dst, a)
	return err
}

// CollectIntoStats is CollectInto with what the run moved and how long it took.
func (c *Cluster) CollectIntoStats(ctx context.Context, dst *Block, a Array) (Stats, error) {
	var stats Stats
	err := c.resolved(ctx, []*array.Node{a.n()}, func(roots []*array.Node) (err error) {
		if c.spmd {
			stats, err = c.driver.CollectIntoSPMD(ctx, roots[0], dst)
		} else {
			stats, err = c.driver.CollectInto(ctx, roots[0], dst)
		}
		return err
	})
	return stats, err
}
