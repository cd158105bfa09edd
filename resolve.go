package darray

import (
	"context"
	"errors"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// resolved calls run with the graph under arrays; where filters have to be run first to know how many rows they leave, it does that.
func (c *Cluster) resolved(ctx context.Context, roots []*array.Node, run func([]*array.Node) error) error {
	if !c.spmd { // the usual graph has no filter, and is not searched for one
		if err := run(roots); !errors.Is(err, array.ErrPending) {
			return err
		}
	}
	roots, err := c.resolve(ctx, roots)
	if err != nil {
		return err
	}
	return run(roots)
}

// resolve runs the filters in a graph.
func (c *Cluster) resolve(ctx context.Context, roots []*array.Node) ([]*array.Node, error) {
	for {
		masks := array.Masks(roots)
		if len(masks) == 0 {
			return roots, nil
		}
		var blocks []*Block
		var err error
		if c.spmd {
			blocks, _, err = c.driver.CollectSPMD(ctx, masks)
		} else {
			blocks, _, err = c.driver.Collect(ctx, masks)
		}
		if err != nil {
			return nil, err
		}
		known := make(map[*array.Node]array.Mask)
		for i, m := range masks {
			var mask array.Mask
			if blocks != nil {
				b := array.Truth(blocks[i])
				mask = array.Mask{Bools: array.Data(b, 0), Selection: array.Select(b)}
			} else {
				mask = array.Mask{Bools: array.Elsewhere(Bool, m.Shape(), 0), Selection: &array.Selection{}}
			}
			if c.spmd {
				if err := c.shareSelection(ctx, mask.Selection); err != nil {
					return nil, err
				}
			}
			known[m] = mask
		}
		roots = array.Resolve(roots, known)
	}
}

// shareSelection tells all ranks of a program that every rank runs what rank 0 has counted.
func (c *Cluster) shareSelection(ctx context.Context, s *array.Selection) error {
	head := []int64{int64(s.Step), int64(len(s.Kept))}
	if err := comm.Bcast(ctx, c.ranks, 0, head); err != nil {
		return err
	}
	kept := make([]int64, head[1])
	for i, k := range s.Kept {
		kept[i] = int64(k)
	}
	if err := comm.Bcast(ctx, c.ranks, 0, kept); err != nil {
		return err
	}
	s.Step, s.Kept = int(head[0]), make([]int, len(kept))
	for i, k := range kept {
		s.Kept[i] = int(k)
	}
	return nil
}
