package exec

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// maxPartials is more than a forest ever has: two for each level of a tree over 2^63 leaves.
const maxPartials = 128

// reduction is one output of a run that reduces.
type reduction struct {
	value int
	op    array.Op
	in    array.DType // of the elements
	acc   array.DType // of the accumulator
	out   array.DType

	correction float64
}

// reductionsOf lists those that a step is about: some of the run's outputs, in their order.
func (g *graph) reductionsOf(s *Step) []reduction {
	list := make([]reduction, 0, len(s.outputs))
	for i, o := range s.run.Program.Outputs {
		if len(list) == len(s.outputs) {
			break
		}
		if v := s.run.outputs[i]; v == s.outputs[len(list)] {
			value := g.values[v]
			red := reduction{value: v, op: o.Op, in: o.DType, acc: array.AccumulatorType(o.Op, o.DType), out: value.dtype}
			if o.Op == array.Var {
				red.correction = value.scalar.Float()
			}
			list = append(list, red)
		}
	}
	return list
}

// reduce joins the trees of all ranks on the root, in the order of the elements: the same bits for any split. Where
// other ranks need the values, the root tells them.
func (r *run) reduce(ctx context.Context, s *Step) error {
	list := s.reductions
	if r.plan.Ranks == 1 {
		for i := range list {
			r.settle(&list[i], r.forests[list[i].value])
		}
		return nil
	}
	forests := make([]array.Forest, len(list))
	for i, red := range list {
		forests[i], r.forests[red.value] = r.forests[red.value], nil
	}
	if s.Split {
		if r.rank != 0 {
			return r.report(ctx, s, list, forests)
		}
		if err := r.merge(ctx, s, list, forests); err != nil {
			return err
		}
	}
	told := make([]byte, 0, 16*len(list))
	for i := range list {
		value, ok := r.settle(&list[i], forests[i])
		told = binary.LittleEndian.AppendUint64(told, value.Bits())
		told = binary.LittleEndian.AppendUint64(told, bit(ok))
	}
	if !s.Split || s.OnRoot {
		return nil
	}
	return eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error {
		return comm.SendParcel(ctx, r.comm, peer, tagData, comm.Parcel{Aux: mark(r.task, r.at), Bufs: [][]byte{told}})
	})
}

// settle makes the block of a reduction whose tree is complete.
func (r *run) settle(red *reduction, f array.Forest) (array.Scalar, bool) {
	value, ok := f.Total(red.op, red.acc).Value(red.op, red.acc, red.out, red.correction)
	r.wholes[red.value] = scalarBlock(value, ok)
	return value, ok
}

// merge appends the other ranks' trees to the root's.
func (r *run) merge(ctx context.Context, s *Step, list []reduction, forests []array.Forest) error {
	theirs, edges, err := r.collectForests(ctx, s, list)
	if err != nil {
		return err
	}
	theirs[0] = forests
	for i := range list {
		whole := make([]array.Forest, len(theirs))
		for rank, of := range theirs {
			whole[rank] = of[i]
		}
		if s.cutting == nil {
			for _, more := range whole[1:] {
				forests[i] = list[i].push(forests[i], more)
			}
			continue
		}
		cut := make([][2]*array.Block, len(theirs))
		for rank := range cut {
			if rank == 0 && r.edges != nil {
				cut[0], r.edges[list[i].value] = r.edges[list[i].value], [2]*array.Block{}
			} else if rank > 0 {
				cut[rank] = edges[rank][i]
			}
		}
		if forests[i], err = r.joinCut(ctx, s, &list[i], whole, cut); err != nil {
			return err
		}
	}
	return nil
}

// push appends the trees over the elements that follow.
func (red *reduction) push(f, more array.Forest) array.Forest {
	for _, p := range more {
		f = f.Push(red.op, red.acc, p)
	}
	return f
}

// collectForests takes the trees of every other rank, by rank, and the elements of cut leaves.
func (r *run) collectForests(ctx context.Context, s *Step, list []reduction) ([][]array.Forest, [][][2]*array.Block, error) {
	theirs, edges := make([][]array.Forest, r.plan.Ranks), make([][][2]*array.Block, r.plan.Ranks)
	err := eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) (err error) {
		if theirs[peer], err = r.receiveForests(ctx, peer, list, s.leaves(peer)); err == nil && s.cutting != nil {
			edges[peer], err = r.receiveEdges(ctx, peer, s, list)
		}
		return err
	})
	return theirs, edges, err
}

// receiveForests takes the trees of reductions from a peer, each over the elements of a span.
func (r *run) receiveForests(ctx context.Context, peer int, list []reduction, span partition.Range) ([]array.Forest, error) {
	in, err := r.receive(ctx, peer, r.task, r.at)
	if err != nil {
		return nil, err
	}
	defer in.Discard()
	if most := uint64(len(list) * (8 + partialBytes*maxPartials)); in.Size > most {
		return nil, fmt.Errorf("rank %d sent %d bytes for %d reductions, at most %d are possible", peer, in.Size, len(list), most)
	}
	raw := make([]byte, in.Size)
	if err := in.ReadInto(ctx, raw); err != nil {
		return nil, err
	}
	forests, err := decodeForests(raw, len(list), span.Lo, span.Hi)
	for i := 0; i < len(forests) && err == nil; i++ {
		err = possible(forests[i], list[i].op, list[i].acc, span)
	}
	if err != nil {
		return nil, fmt.Errorf("rank %d sent %w", peer, err)
	}
	return forests, nil
}

// sendForests sends trees to a peer.
func (r *run) sendForests(ctx context.Context, peer int, forests []array.Forest) error {
	p := comm.Parcel{Count: uint64(len(forests)), Aux: mark(r.task, r.at), Bufs: [][]byte{encodeForests(forests)}}
	return comm.SendParcel(ctx, r.comm, peer, tagData, p)
}

// prefix gives each rank the trees over all elements before its part.
func (r *run) prefix(ctx context.Context, s *Step) error {
	list := s.reductions
	mine := make([]array.Forest, len(list))
	for i, red := range list {
		mine[i] = r.forests[red.value]
	}
	if r.before == nil {
		r.before = make([]array.Forest, len(r.parts))
	}
	if r.rank != 0 {
		if err := r.sendForests(ctx, 0, mine); err != nil {
			return err
		}
		before, err := r.receiveForests(ctx, 0, list, partition.Range{Lo: 0, Hi: s.span(r.rank).Lo})
		if err != nil {
			return err
		}
		for i, red := range list {
			r.before[red.value] = before[i]
		}
		return nil
	}
	theirs, _, err := r.collectForests(ctx, s, list)
	if err != nil {
		return err
	}
	theirs[0] = mine
	before := make([][]array.Forest, r.plan.Ranks)
	for peer := range before[1:] {
		before[peer+1] = make([]array.Forest, len(list))
		for i, red := range list {
			var f array.Forest
			if peer > 0 {
				f = slices.Clone(before[peer][i])
			}
			before[peer+1][i] = red.push(f, theirs[peer][i])
		}
	}
	return eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error { return r.sendForests(ctx, peer, before[peer]) })
}

// report sends this rank's trees to the root and takes the values where this rank needs them.
func (r *run) report(ctx context.Context, s *Step, list []reduction, forests []array.Forest) error {
	err := r.sendForests(ctx, 0, forests)
	if err == nil && s.cutting != nil && r.edges != nil {
		err = r.sendEdges(ctx, s, list)
	}
	if err != nil || s.OnRoot {
		return err
	}
	in, err := r.receive(ctx, 0, r.task, r.at)
	if err != nil {
		return err
	}
	defer in.Discard()
	raw := make([]byte, 16*len(list))
	if err := in.ReadInto(ctx, raw); err != nil {
		return err
	}
	for i, red := range list {
		value := array.ScalarFromBits(red.out, binary.LittleEndian.Uint64(raw[16*i:]))
		r.wholes[red.value] = scalarBlock(value, raw[16*i+8] != 0)
	}
	return nil
}

// partialBytes is the size of a partial on the wire.
const partialBytes = 5 * 8

// encodeForests writes for each forest its number of partials, and each as five words.
func encodeForests(forests []array.Forest) []byte {
	var out []byte
	for _, f := range forests {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(f)))
		for _, p := range f {
			for _, word := range [...]uint64{p.Level, p.Index, p.Acc, p.Aux, p.Count} {
				out = binary.LittleEndian.AppendUint64(out, word)
			}
		}
	}
	return out
}

// decodeForests reads n forests, each over elements [lo, hi).
func decodeForests(raw []byte, n, lo, hi int) ([]array.Forest, error) {
	forests := make([]array.Forest, n)
	word := func() uint64 {
		w := binary.LittleEndian.Uint64(raw)
		raw = raw[8:]
		return w
	}
	for i := range forests {
		if len(raw) < 8 {
			return nil, fmt.Errorf("%d of %d reductions", i, n)
		}
		partials := word()
		if partials > maxPartials || uint64(len(raw)) < partialBytes*partials {
			return nil, fmt.Errorf("a reduction of %d partials in %d bytes", partials, len(raw))
		}
		for range partials {
			forests[i] = append(forests[i], array.Partial{Level: word(), Index: word(), Acc: word(), Aux: word(), Count: word()})
		}
		if err := covers(forests[i], lo, hi); err != nil {
			return nil, err
		}
	}
	if len(raw) > 0 {
		return nil, fmt.Errorf("%d bytes behind %d reductions", len(raw), n)
	}
	return forests, nil
}

// covers checks that a forest stands on the leaves of elements [lo, hi), each once and in order.
func covers(f array.Forest, lo, hi int) error {
	leaf, end := uint64(lo/array.LeafSize), uint64((hi+array.LeafSize-1)/array.LeafSize)
	if lo >= hi {
		end = leaf
	}
	for _, p := range f {
		if p.Level >= 63 || p.Index > math.MaxInt64>>p.Level || p.Index<<p.Level != leaf || end-leaf < 1<<p.Level {
			return fmt.Errorf("a reduction with node %d of level %d where leaf %d of %d is due", p.Index, p.Level, leaf, end)
		}
		leaf += 1 << p.Level
	}
	if leaf != end {
		return fmt.Errorf("a reduction that ends at leaf %d of %d", leaf, end)
	}
	return nil
}

// scalarBlock is a 0-D block of one value, or of a null.
func scalarBlock(s array.Scalar, ok bool) *array.Block {
	b := array.NewBlock(s.DType(), nil, !ok)
	bits := s.Bits()
	if s.DType() == array.Float32 {
		bits = uint64(math.Float32bits(float32(math.Float64frombits(bits))))
	}
	var raw [8]byte
	binary.LittleEndian.PutUint64(raw[:], bits) // two's complement: the low bytes are the value; a bool is bit 0
	values, validity, _ := b.Raw()
	copy(values, raw[:])
	clear(validity)
	return b
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
