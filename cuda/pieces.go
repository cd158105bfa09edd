package cuda

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// pieces launches the kernel: over band after band where everything is on the device, mostly one, else for piece after piece of the
// part, each of whole leaves, while the next goes up and the one before comes down.
func (j *job) pieces(ctx context.Context) error {
	moves := 0 // bytes of an element, or nearly
	for _, list := range [][]place{j.operands, j.results} {
		for i := range list {
			if list[i].here != nil {
				moves += max(list[i].dtype.Size(), 1)
			}
		}
	}
	if moves == 0 {
		band := max(up(j.r.bandWork/bandOp/max(len(j.l.Program.Code), 1), array.LeafSize), array.LeafSize)
		_, err := j.r.bands(ctx, j.s, 0, j.n, j.l.Progress, func(lo int) (int, error) {
			hi := min(lo+band, j.n)
			return hi, j.launch(j.s, lo, hi, 0)
		})
		return err
	}
	j.waits = true
	piece := max(up(pieceBytes/moves, array.LeafSize), leastPiece)
	for {
		piece = min(piece, up(j.n, array.LeafSize))
		err := j.slots(ctx, piece, min(slots, pieceCount(j.n, piece)))
		if err == nil {
			break
		}
		if !errors.Is(err, ErrOutOfMemory) || piece <= leastPiece {
			return err
		}
		piece = up(piece/2, array.LeafSize)
		j.note("in %d pieces: the device's memory is short", pieceCount(j.n, piece))
	}
	count := pieceCount(j.n, piece)
	told := 0
	tell := func(k int) { // of piece k, that those before it are done
		if j.l.Progress != nil && k > 0 {
			j.l.Progress(min(k*piece, j.n) - told)
			told = min(k*piece, j.n)
		}
	}
	err := j.r.pipe.Run(ctx, count, Stages{
		Upload: func(ctx context.Context, s *Stream, k, slot int) error {
			tell(k - slots)
			return j.raise(ctx, s, k*piece, min((k+1)*piece, j.n), slot)
		},
		Launch: func(_ context.Context, s *Stream, k, slot int) error {
			return j.launch(s, k*piece, min((k+1)*piece, j.n), slot)
		},
		Download: func(ctx context.Context, s *Stream, k, slot int) error {
			return j.lower(ctx, s, k*piece, min((k+1)*piece, j.n), slot)
		},
	})
	if err == nil {
		tell(count)
	}
	return err
}

func pieceCount(n, piece int) int { return (n + piece - 1) / max(piece, 1) }

// up is the least multiple of unit that is not below n.
func up(n, unit int) int { return (n + unit - 1) / unit * unit }

// slots makes room for so many pieces under way; after an error there is none.
func (j *job) slots(ctx context.Context, piece, n int) error {
	for _, list := range [][]place{j.operands, j.results} {
		for i := range list {
			at := &list[i]
			if at.here == nil {
				continue
			}
			for k := range n {
				m, err := j.room(ctx, at.dtype, piece, at.nulls)
				if err != nil {
					return errors.Join(err, j.clear())
				}
				at.slot[k] = two{m.values, m.validity}
			}
		}
	}
	return nil
}

// clear gives back the room of pieces.
func (j *job) clear() error {
	var errs []error
	for _, list := range [][]place{j.operands, j.results} {
		for i := range list {
			for k, t := range list[i].slot {
				errs = append(errs, t.free())
				list[i].slot[k] = two{}
			}
		}
	}
	return errors.Join(errs...)
}

// raise queues elements [lo, hi) of the part of all operands that are here.
func (j *job) raise(ctx context.Context, s *Stream, lo, hi, slot int) error {
	for i := range j.operands {
		at := &j.operands[i]
		if at.here == nil {
			continue
		}
		values, validity, offset := at.here.Raw()
		bit, err := upload(ctx, s, at.dtype, at.slot[slot].values, values, offset+lo, hi-lo)
		if err == nil && at.nulls {
			at.bit[slot][1], err = upload(ctx, s, array.Bool, at.slot[slot].validity, validity, offset+lo, hi-lo)
		}
		if at.bit[slot][0] = bit; err != nil {
			return fmt.Errorf("operand %d: %w", i, err)
		}
	}
	return nil
}

// lower queues elements [lo, hi) of the part of all results that are here.
func (j *job) lower(ctx context.Context, s *Stream, lo, hi, slot int) error {
	for i := range j.results {
		at := &j.results[i]
		if at.here == nil {
			continue
		}
		values, validity, offset := at.here.Raw()
		err := download(ctx, s, at.dtype, values, offset+lo, at.slot[slot].values, 0, hi-lo, &j.bits)
		if err == nil && at.nulls {
			err = download(ctx, s, array.Bool, validity, offset+lo, at.slot[slot].validity, 0, hi-lo, &j.bits)
		}
		if err != nil {
			return fmt.Errorf("result %d: %w", i, err)
		}
	}
	return nil
}

// launch queues the kernel over elements [lo, hi) of the part.
func (j *job) launch(s *Stream, lo, hi, slot int) error {
	params := make([]uint64, 0, len(j.k.Params))
	for _, p := range j.k.Params {
		params = append(params, j.param(p, lo, hi, slot))
	}
	return j.r.timed(s, func() error { return j.k.launch(s, hi-lo, params) })
}

// param is the word of a parameter for such a launch.
func (j *job) param(p ptx.Param, lo, hi, slot int) uint64 {
	switch p.Kind {
	case ptx.Count:
		return uint64(hi - lo)
	case ptx.First:
		return uint64(j.l.Lo + lo)
	case ptx.Values, ptx.ValuesBit, ptx.Validity, ptx.ValidityBit:
		return j.operands[p.Index].word(p.Kind, lo, slot)
	case ptx.Result, ptx.ResultValid:
		at := &j.results[p.Index]
		b := two{at.values, at.validity}
		if at.here != nil {
			b, lo = at.slot[slot], 0
		}
		if p.Kind == ptx.ResultValid {
			return b.validity.Addr() + uint64(lo/8)
		}
		if at.dtype == array.Bool {
			return b.values.Addr() + uint64(lo/8)
		}
		return b.values.Addr() + uint64(lo*at.dtype.Size())
	case ptx.Nodes:
		return j.nodes[p.Index].Addr() + uint64(lo/array.LeafSize*ptx.NodeBytes)
	case ptx.Faults:
		for k, instr := range j.faulty {
			if instr == p.Index {
				return j.faults.Addr() + uint64(8*k)
			}
		}
	}
	return p.Value
}

// word is the parameter of an operand for a launch from element lo of the part on.
func (at *place) word(kind ptx.ParamKind, lo, slot int) uint64 {
	b, first, bits := two{at.values, at.validity}, at.offset, [2]int{}
	switch {
	case at.here != nil:
		b, first, bits = at.slot[slot], 0, at.bit[slot]
	case !at.whole:
		first += lo
	}
	switch kind {
	case ptx.ValuesBit:
		return uint64(first + bits[0])
	case ptx.ValidityBit:
		return uint64(first + bits[1])
	case ptx.Validity:
		return b.validity.Addr()
	}
	if at.dtype == array.Bool {
		return b.values.Addr()
	}
	return b.values.Addr() + uint64(first*at.dtype.Size())
}

// finish waits where there is something to wait for, tells of elements without a result and gives the trees.
func (j *job) finish(ctx context.Context) ([]array.Forest, error) {
	trees, err := j.trees(ctx)
	if err != nil {
		return nil, err
	}
	first := make([]byte, 8*len(j.faulty))
	if len(j.faulty) > 0 {
		j.waits = true
		if err := j.s.Download(ctx, first, j.faults, 0); err != nil {
			return nil, err
		}
	}
	for i := range j.results {
		if m := j.results[i].twin; m != nil {
			if err := m.fetch(ctx, j.s, j.l.Results[i], 0); err != nil {
				return nil, err
			}
		}
	}
	if j.waits {
		if err := j.s.Sync(ctx); err != nil {
			return nil, err
		}
	}
	for _, put := range j.bits {
		put()
	}
	for k, instr := range j.faulty {
		if at := binary.LittleEndian.Uint64(first[8*k:]); at != ^uint64(0) && j.l.Fault != nil {
			j.l.Fault(instr, int(at))
		}
	}
	return forests(j.l.Program, trees), nil
}
