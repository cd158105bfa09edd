package exec

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/net/comm"
)

// maxPartials is more than a forest ever has: two for each level of a tree over 2^63 leaves.
const maxPartials = 128

// reduction is one output of a run that reduces.
type reduction struct {
	value int
	op    array.Op
	acc   array.DType // of the accumulator
	out   array.DType
}

// reductions lists those that a step finishes.
func (r *run) reductions(s *Step) []reduction {
	var list []reduction
	for i, o := range s.run.Program.Outputs {
		if o.Reduce {
			v := s.run.outputs[i]
			list = append(list, reduction{v, o.Op, array.AccumulatorType(o.Op, o.DType), r.plan.graph.values[v].dtype})
		}
	}
	return list
}

// reduce joins the trees of all ranks on the root, in the order of the elements: the same bits for any split. Where
// other ranks need the values, the root tells them.
func (r *run) reduce(ctx context.Context, s *Step) error {
	list := r.reductions(s)
	forests := make([]array.Forest, len(list))
	for i, red := range list {
		forests[i], r.forests[red.value] = r.forests[red.value], nil
	}
	if s.Split && r.plan.Ranks > 1 {
		if r.rank != 0 {
			return r.report(ctx, s, list, forests)
		}
		if err := r.merge(ctx, s, list, forests); err != nil {
			return err
		}
	}
	told := make([]byte, 0, 16*len(list))
	for i, red := range list {
		value, ok := forests[i].Result(red.op, red.acc, red.out)
		r.wholes[red.value] = scalarBlock(value, ok)
		told = binary.LittleEndian.AppendUint64(told, value.Bits())
		told = binary.LittleEndian.AppendUint64(told, bit(ok))
	}
	if !s.Split || s.OnRoot || r.plan.Ranks == 1 {
		return nil
	}
	return eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error {
		return comm.SendParcel(ctx, r.comm, peer, tagData, comm.Parcel{Aux: mark(r.task, r.at), Bufs: [][]byte{told}})
	})
}

// merge appends the other ranks' trees to the root's.
func (r *run) merge(ctx context.Context, s *Step, list []reduction, forests []array.Forest) error {
	theirs := make([][]array.Forest, r.plan.Ranks)
	err := eachPeer(ctx, r.plan.Ranks, func(ctx context.Context, peer int) error {
		in, err := r.receive(ctx, peer, r.task, r.at)
		if err != nil {
			return err
		}
		defer in.Discard()
		if most := uint64(len(list) * (8 + 32*maxPartials)); in.Size > most {
			return fmt.Errorf("rank %d sent %d bytes for %d reductions, at most %d are possible", peer, in.Size, len(list), most)
		}
		raw := make([]byte, in.Size)
		if err := in.ReadInto(ctx, raw); err != nil {
			return err
		}
		span := s.span(peer)
		if theirs[peer], err = decodeForests(raw, len(list), span.Lo, span.Hi); err != nil {
			return fmt.Errorf("rank %d sent %w", peer, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, red := range list {
		for _, more := range theirs[1:] {
			for _, p := range more[i] {
				forests[i] = forests[i].Push(red.op, red.acc, p)
			}
		}
	}
	return nil
}

// report sends this rank's trees to the root and takes the values where this rank needs them.
func (r *run) report(ctx context.Context, s *Step, list []reduction, forests []array.Forest) error {
	p := comm.Parcel{Count: uint64(len(list)), Aux: mark(r.task, r.at), Bufs: [][]byte{encodeForests(forests)}}
	if err := comm.SendParcel(ctx, r.comm, 0, tagData, p); err != nil || s.OnRoot {
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

// encodeForests writes for each forest its number of partials, and each as four words.
func encodeForests(forests []array.Forest) []byte {
	var out []byte
	for _, f := range forests {
		out = binary.LittleEndian.AppendUint64(out, uint64(len(f)))
		for _, p := range f {
			for _, word := range [...]uint64{p.Level, p.Index, p.Acc, p.Count} {
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
		if partials > maxPartials || uint64(len(raw)) < 32*partials {
			return nil, fmt.Errorf("a reduction of %d partials in %d bytes", partials, len(raw))
		}
		for range partials {
			forests[i] = append(forests[i], array.Partial{Level: word(), Index: word(), Acc: word(), Count: word()})
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
	d := s.DType()
	raw := array.AllocBytes(8)
	switch bits := s.Bits(); d {
	case array.Float32:
		binary.LittleEndian.PutUint32(raw, math.Float32bits(float32(math.Float64frombits(bits))))
	default: // two's complement: the low bytes are the value; a bool is bit 0
		binary.LittleEndian.PutUint64(raw, bits)
	}
	var validity []byte
	if !ok {
		validity = []byte{0}
	}
	b, err := array.WrapBlock(d, 1, 0, raw, validity, nil)
	if err != nil {
		return array.NewBlock(d, array.Shape{}, !ok)
	}
	return b
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
