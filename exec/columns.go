package exec

import (
	"context"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// resultSpan is the elements of an output's block that a part of the domain gives.
func resultSpan(o *array.Output, span partition.Range) partition.Range {
	return partition.Range{Lo: o.Results(span.Lo), Hi: o.Results(span.Hi)}
}

// attach gives a launch what output i needs or leaves besides a block.
func (r *run) attach(l *array.Launch, s *Step, i int) {
	o := &s.Program.Outputs[i]
	switch v := r.plan.graph.values[s.outputs[i]]; {
	case o.Partial && l.Columns == nil:
		l.Columns = make([]array.ColumnForest, len(s.outputs))
	case o.Scan && len(v.args) > 1 && r.before != nil:
		if l.Before == nil {
			l.Before = make([]array.Forest, len(s.outputs))
		}
		l.Before[i] = r.before[v.args[1]]
	}
}

// keepColumns stores the trees over rows that a launch gave.
func (r *run) keepColumns(s *Step, o *array.Output, v int, l *array.Launch, i int) error {
	if err := coversRows(l.Columns[i], o, partition.Range{Lo: l.Lo, Hi: l.Hi}); err != nil {
		return fmt.Errorf("device %s: %w", r.device(s).Name(), err)
	}
	if r.columns == nil {
		r.columns = make([]array.ColumnForest, len(r.parts))
	}
	r.columns[v] = l.Columns[i]
	return nil
}

// coversRows checks that trees stand on the row leaves of a part, in as few nodes as possible, and are as wide as the rows.
func coversRows(f array.ColumnForest, o *array.Output, span partition.Range) error {
	lo, hi := rowLeaves(o, span)
	want := nodes(lo, hi)
	if len(f) != len(want) {
		return fmt.Errorf("%d nodes over row leaves [%d, %d), not %d", len(f), lo, hi, len(want))
	}
	for k, c := range f {
		if c.Level != want[k].Level || c.Index != want[k].Index {
			return fmt.Errorf("node %d of level %d over row leaves [%d, %d)", c.Index, c.Level, lo, hi)
		}
		if c.Rows != rowsOf(o, want[k]) {
			return fmt.Errorf("a node over %d rows, not %d", c.Rows, rowsOf(o, want[k]))
		}
		n := o.Extent.Inner
		if len(c.Acc) != n || c.Count != nil && len(c.Count) != n || o.Op.HasAux() != (c.Aux != nil) || c.Aux != nil && len(c.Aux) != n {
			return fmt.Errorf("a node of %d columns, not %d", len(c.Acc), n)
		}
	}
	return nil
}

// hasCounts is the flag of a parcel of trees over rows that count by column: nulls were left out.
const hasCounts uint8 = 2

// reduceColumns joins the trees over rows of all ranks on the root, in the order of the rows: the same bits for any split.
// Where other ranks need the values, the root sends them.
func (r *run) reduceColumns(ctx context.Context, s *Step) error {
	o := s.output()
	forest := r.columns[s.value]
	r.columns[s.value] = nil
	all := partition.Range{Lo: 0, Hi: s.N}
	if r.rank != 0 {
		if err := r.sendColumns(ctx, s, forest); err != nil || s.OnRoot {
			return err
		}
		b, err := r.receiveBlock(ctx, 0, s, all)
		r.wholes[s.value] = b
		return err
	}
	acc := array.AccumulatorType(o.Op, o.DType)
	for peer := 1; peer < r.plan.Ranks; peer++ { // one at a time: they may be large
		theirs, err := r.receiveColumns(ctx, peer, s, o)
		if err != nil {
			return err
		}
		for _, c := range theirs {
			forest = forest.Push(o.Op, acc, c)
		}
	}
	b := forest.Result(o.Op, acc, o.Out, o.Correction)
	if b == nil {
		return fmt.Errorf("no rank has rows to reduce; this is a fault of the planner")
	}
	r.wholes[s.value] = b
	if s.OnRoot {
		return nil
	}
	return eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error { return r.send(ctx, peer, b) })
}

// sendColumns sends this rank's trees over rows to the root: node by node the accumulators as 64-bit words, then Aux and Count
// where there are any. Their places in the tree follow from the plan.
func (r *run) sendColumns(ctx context.Context, s *Step, f array.ColumnForest) error {
	p := comm.Parcel{Count: uint64(len(f)), Aux: mark(r.task, r.at)}
	if r.comm.InProcess(0) {
		p.Ref = f
	} else {
		p.Flags, p.Bufs = encodeColumns(f)
	}
	r.count(0, bytesIn(p.Bufs))
	return comm.SendParcel(ctx, r.comm, 0, tagData, p)
}

func encodeColumns(f array.ColumnForest) (flags uint8, bufs [][]byte) {
	if slices.ContainsFunc(f, func(c array.Columns) bool { return c.Count != nil }) {
		flags = hasCounts
	}
	for i := range f {
		c := &f[i]
		bufs = append(bufs, array.Bytes(c.Acc))
		if c.Aux != nil {
			bufs = append(bufs, array.Bytes(c.Aux))
		}
		if flags == hasCounts {
			c.SpreadCount()
			bufs = append(bufs, array.Bytes(c.Count))
		}
	}
	return flags, bufs
}

// receiveColumns takes a peer's trees over its rows.
func (r *run) receiveColumns(ctx context.Context, peer int, s *Step, o *array.Output) (array.ColumnForest, error) {
	in, err := r.receive(ctx, peer, r.task, r.at)
	if err != nil {
		return nil, err
	}
	defer in.Discard()
	r.count(peer, int(in.Size))
	span := s.layout.Range(peer)
	if ref, ok := in.Ref(); ok {
		f, ok := ref.(array.ColumnForest)
		if !ok {
			return nil, fmt.Errorf("rank %d handed over a %T instead of trees", peer, ref)
		}
		return f, coversRows(f, o, span)
	}
	if want := columnBytes(o, span, in.Flags); in.Size != want || in.Flags&^hasCounts != 0 {
		return nil, fmt.Errorf("rank %d sent %d bytes of trees over rows with flags %d, the plan says %d bytes", peer, in.Size, in.Flags, want)
	}
	f, bufs := roomForColumns(o, span, in.Flags)
	if len(bufs) == 0 {
		return f, nil
	}
	if err := in.ReadInto(ctx, bufs...); err != nil {
		return nil, err
	}
	if err := possibleColumns(f, o.Op, array.AccumulatorType(o.Op, o.DType)); err != nil {
		return nil, fmt.Errorf("rank %d sent %w", peer, err)
	}
	return f, nil
}

// columnBytes is the bytes of the trees over the rows of a part on the wire.
func columnBytes(o *array.Output, span partition.Range, flags uint8) uint64 {
	words := uint64(1)
	if o.Op.HasAux() {
		words++
	}
	if flags&hasCounts != 0 {
		words++
	}
	lo, hi := rowLeaves(o, span)
	return uint64(len(nodes(lo, hi))) * uint64(o.Extent.Inner) * 8 * words
}

// roomForColumns is the trees over the rows of a part without their numbers, and the buffers of those in wire order.
func roomForColumns(o *array.Output, span partition.Range, flags uint8) (array.ColumnForest, [][]byte) {
	lo, hi := rowLeaves(o, span)
	var f array.ColumnForest
	var bufs [][]byte
	words := func() []uint64 {
		w := make([]uint64, o.Extent.Inner)
		bufs = append(bufs, array.Bytes(w))
		return w
	}
	for _, node := range nodes(lo, hi) {
		c := array.Columns{Level: node.Level, Index: node.Index, Rows: rowsOf(o, node), Acc: words()}
		if o.Op.HasAux() {
			c.Aux = words()
		}
		if flags&hasCounts != 0 {
			c.Count = words()
		}
		f = append(f, c)
	}
	return f, bufs
}

// rowsOf is how many rows a node is over.
func rowsOf(o *array.Output, node array.Partial) uint64 {
	lo := node.Index << node.Level * array.RowLeaf
	return min(1<<node.Level*array.RowLeaf, uint64(o.Extent.Length)-lo)
}
