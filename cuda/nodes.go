package cuda

import (
	"context"
	"encoding/binary"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// nodes is what a kernel left of a reduction: nodes of a level that lie one after another, and their memory on the host.
type nodes struct {
	level, first int
	raw          []byte
}

// trees queues the download of the nodes of all reductions, by output: of the leaves, but of those that make up whole groups the
// nodes over these.
func (j *job) trees(ctx context.Context) ([][]nodes, error) {
	out := make([][]nodes, len(j.nodes))
	for i, b := range j.nodes {
		if b == nil {
			continue
		}
		j.waits = true
		first := j.l.Lo / array.LeafSize
		head, groups, tail := ptx.Climb(first, up(j.n, array.LeafSize)/array.LeafSize)
		read := func(level, index, count int, from *Buffer, at int) error {
			if count == 0 {
				return nil
			}
			n := nodes{level, index, make([]byte, count*ptx.NodeBytes)}
			out[i] = append(out[i], n)
			return j.s.Download(ctx, n.raw, from, at*ptx.NodeBytes)
		}
		if err := read(0, first, head, b, 0); err != nil {
			return nil, err
		}
		if groups > 0 {
			above, err := j.climb(ctx, &j.l.Program.Outputs[i], b, head, groups)
			if err != nil {
				return nil, err
			}
			if err := read(ptx.GroupLevels, (first+head)/ptx.GroupNodes, groups, above, 0); err != nil {
				return nil, err
			}
		}
		if behind := head + groups*ptx.GroupNodes; tail > 0 {
			if err := read(0, first+behind, tail, b, behind); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// climb queues the making of one node of each group of leaves.
func (j *job) climb(ctx context.Context, o *array.Output, leaves *Buffer, head, groups int) (*Buffer, error) {
	above, err := j.s.Alloc(ctx, groups*ptx.NodeBytes)
	if err != nil {
		return nil, err
	}
	j.own = append(j.own, above)
	text, err := ptx.Combine(o.Op, o.DType)
	if err != nil {
		return nil, err
	}
	k, err := j.r.text(text)
	if err != nil {
		return nil, err
	}
	params := make([]uint64, 0, len(k.Params))
	for _, p := range k.Params {
		switch p.Kind {
		case ptx.Count:
			params = append(params, uint64(groups))
		case ptx.Length:
			params = append(params, uint64(groups*ptx.GroupNodes))
		default:
			params = append(params, [2]uint64{leaves.Addr() + uint64(head*ptx.NodeBytes), above.Addr()}[p.Index])
		}
	}
	return above, j.r.timed(j.s, func() error { return k.launch(j.s, groups, params) })
}

// forests makes the trees of their nodes; nil where nothing reduces.
func forests(p *array.Program, trees [][]nodes) []array.Forest {
	var out []array.Forest
	for i := range p.Outputs {
		o := &p.Outputs[i]
		if !o.Tree() {
			continue
		}
		if out == nil {
			out = make([]array.Forest, len(p.Outputs))
		}
		acc := array.AccumulatorType(o.Op, o.DType)
		for _, n := range trees[i] {
			for k := range len(n.raw) / ptx.NodeBytes {
				node := nodeAt(n.raw, k)
				node.Level, node.Index = uint64(n.level), uint64(n.first+k)
				out[i] = out[i].Push(o.Op, acc, node)
			}
		}
	}
	return out
}

// nodeAt is node number n of raw memory.
func nodeAt(raw []byte, n int) array.Partial {
	word := func(k int) uint64 { return binary.LittleEndian.Uint64(raw[n*ptx.NodeBytes+8*k:]) }
	return array.Partial{Acc: word(0), Aux: word(1), Count: word(2)}
}
