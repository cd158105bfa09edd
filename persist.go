package darray

import (
	"context"

	"github.com/darray-go/darray/array"
)

// Persist computes a on the default cluster and leaves it where that was done: in the accelerator's memory where the plan has the
// last step there, else in this process's. The result is an Array of the same elements, to compute with as often as one likes:
// nothing is computed or copied to a device again. a itself may be data, which goes to the accelerator so. The memory is free
// when nothing refers to the Array any more, or arrays made of it, or after Release.
//
// Where several ranks compute a, each keeps its part, and what is computed of that starts there. It blocks as Collect does, with the
// same errors.
func (a Array) Persist(ctx context.Context) (Array, error) {
	c, err := Default()
	if err != nil {
		return Array{}, err
	}
	arrays, err := c.Persist(ctx, a)
	if err != nil {
		return Array{}, err
	}
	return arrays[0], nil
}

// Persist is Array.Persist on this cluster, for several arrays in one plan, shared parts once. Of the ranks of Over every one
// gets the arrays. They are to be collected on this cluster.
func (c *Cluster) Persist(ctx context.Context, arrays ...Array) ([]Array, error) {
	persist := c.driver.Persist
	if c.spmd {
		persist = c.driver.PersistSPMD
	}
	var kept []*array.Node
	err := c.resolved(ctx, nodes(arrays), func(roots []*array.Node) (err error) {
		kept, err = persist(ctx, roots)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Array, len(kept))
	for i, n := range kept {
		out[i] = Array{n}
	}
	return out, nil
}

// Release gives the memory of a persisted array back that a device has, or the ranks have in parts, instead of when nothing refers to
// it: neither it nor what was made of it can be collected any more. For other arrays it does nothing. Safe twice.
func (a Array) Release() {
	if a.node == nil {
		return
	}
	if p := a.node.Parts(); p != nil {
		p.Release()
		return
	}
	if a.node.Block() == nil {
		return
	}
	if far, _ := a.node.Block().Far(); far != nil {
		far.Release()
	}
}
