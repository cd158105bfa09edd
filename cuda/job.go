package cuda

import (
	"context"
	"errors"
	"fmt"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
)

// job is one run under way.
type job struct {
	r *Runner
	l *array.Launch
	n int
	s *Stream

	operands []place // by slot
	results  []place // by output
	nodes    []*Buffer
	faults   *Buffer
	faulty   []int // instructions that can have no result, in the order of their words in faults
	k        *kernel
	own      []*Buffer // that are given back when the run is over
	bits     []func()
	waits    bool // the host has something to wait for
}

// place is where an operand or a result lies for the kernels.
type place struct {
	dtype    array.DType
	here     *array.Block // goes up or comes down piece by piece; nil where it is on the device
	values   *Buffer
	validity *Buffer
	offset   int // element of the buffers that is the first
	nulls    bool
	whole    bool          // InputBroadcast: the same for all pieces
	twin     *remote       // a result that is computed there and copied when it is complete
	slot     [slots]two    // of here: its room by slot
	bit      [slots][2]int // of here: the bits of the first of values and of validity
}

// two is a buffer of values and one of validity.
type two struct{ values, validity *Buffer }

// pieceBytes is about as much as goes over the link at a time: more than a copy needs to be at full speed, less than what the
// first upload, which nothing overlaps, should take.
const pieceBytes = 16 << 20

// leastPiece is the elements of a piece below which no device is worth it: memory is short.
const leastPiece = 4 * array.LeafSize

// place brings what is not done in pieces to the device and makes room there.
func (j *job) place(ctx context.Context) error {
	p := j.l.Program
	j.operands, j.results = make([]place, len(j.l.Operands)), make([]place, len(p.Outputs))
	for slot, b := range j.l.Operands {
		if b == nil {
			continue
		}
		if err := j.operand(ctx, slot, b); err != nil {
			return fmt.Errorf("operand %d: %w", slot, err)
		}
	}
	nullable := p.Nullable(j.l.Operands)
	for i := range p.Outputs {
		if err := j.result(ctx, i, nullable[i]); err != nil {
			return fmt.Errorf("result %d: %w", i, err)
		}
	}
	form := ptx.Form{}
	for slot := range j.operands {
		at := &j.operands[slot]
		form.Nulls = append(form.Nulls, at.nulls)
		form.Aligned = append(form.Aligned, at.here != nil || at.dtype != array.Bool && at.offset*at.dtype.Size()%16 == 0)
	}
	for i := range j.results {
		form.Nullable = append(form.Nullable, j.results[i].nulls)
	}
	var err error
	if j.k, err = j.r.kernel(p, form); err != nil {
		return err
	}
	return j.watch(ctx)
}

// operand finds out where an operand is, and brings it to the device where it is not read piece by piece.
func (j *job) operand(ctx context.Context, slot int, b *array.Block) error {
	at := &j.operands[slot]
	at.dtype, at.nulls, at.whole = b.DType(), b.HasNulls(), true
	for _, in := range j.l.Program.Inputs {
		if in.Kind == array.InputBlock && in.Slot == slot {
			at.whole = false
		}
	}
	if far, offset := b.Far(); far != nil {
		m := far.(*remote)
		if !m.isSpilled() {
			at.values, at.validity, at.offset = m.values, m.validity, offset
			return nil
		}
		b = m.spilled.Slice(offset, offset+b.Len())
	}
	again := slot < len(j.l.Again) && j.l.Again[slot]
	if !at.whole && !again {
		at.here = b
		return nil
	}
	m, err := j.lift(ctx, b, at.nulls)
	switch {
	case errors.Is(err, ErrOutOfMemory) && !at.whole: // then it goes up piece by piece, each time
		j.note("operand %d does not stay there: the device's memory is short", slot)
		at.here = b
		return nil
	case err != nil:
		return err
	}
	at.values, at.validity = m.values, m.validity
	if again {
		j.l.Operands[slot] = array.FarBlock(b.DType(), b.Len(), at.nulls, m)
		return nil
	}
	j.own = append(j.own, m.values)
	if m.validity != nil {
		j.own = append(j.own, m.validity)
	}
	return nil
}

// lift copies a block to the device, its first element to the first of the buffers, with validity if nulls says so.
func (j *job) lift(ctx context.Context, b *array.Block, nulls bool) (*remote, error) {
	m, err := j.room(ctx, b.DType(), b.Len(), nulls)
	if err != nil {
		return nil, err
	}
	values, validity, offset := b.Raw()
	if b.DType() == array.Bool && offset%8 != 0 {
		values, offset = j.straight(values, offset, b.Len()), 0
	}
	_, err = upload(ctx, j.s, b.DType(), m.values, values, offset, b.Len())
	switch {
	case err != nil || !nulls:
	case validity == nil:
		err = j.s.Fill(m.validity, 0, (b.Len()+7)/8, 0xff)
	default:
		_, _, offset = b.Raw()
		if offset%8 != 0 {
			validity, offset = j.straight(validity, offset, b.Len()), 0
		}
		_, err = upload(ctx, j.s, array.Bool, m.validity, validity, offset, b.Len())
	}
	if err != nil {
		m.Release()
		return nil, err
	}
	j.waits = true // for pinned memory, which is read later
	return m, nil
}

// straight is bits from the start of a byte on.
func (j *job) straight(bits []byte, from, n int) []byte {
	out := make([]byte, (n+7)/8)
	array.CopyBits(out, 0, bits, from, n)
	return out
}

// room is memory for n elements on the device.
func (j *job) room(ctx context.Context, d array.DType, n int, validity bool) (*remote, error) {
	m := &remote{r: j.r, dtype: d}
	var err error
	if m.values, err = j.s.Alloc(ctx, bytesOf(d, n)); err == nil && validity {
		m.validity, err = j.s.Alloc(ctx, bytesOf(array.Bool, n))
	}
	if err != nil {
		m.Release()
		return nil, err
	}
	return m, nil
}

// result finds out where a result goes.
func (j *job) result(ctx context.Context, i int, nullable bool) error {
	o := &j.l.Program.Outputs[i]
	at := &j.results[i]
	at.dtype = o.Result()
	b := j.l.Results[i]
	if o.Tree() {
		return nil
	}
	if b != nil {
		at.here, at.nulls = b, b.HasNulls()
		if i >= len(j.l.Stay) || !j.l.Stay[i] || i >= len(j.l.Twins) {
			return nil
		}
		m, err := j.room(ctx, at.dtype, j.n, at.nulls)
		switch {
		case errors.Is(err, ErrOutOfMemory): // then it goes up again
			return nil
		case err != nil:
			return err
		}
		at.values, at.validity, at.here, at.twin = m.values, m.validity, nil, m
		j.l.Twins[i] = array.FarBlock(at.dtype, j.n, at.nulls, m)
		return nil
	}
	at.nulls = nullable
	m, err := j.room(ctx, at.dtype, j.n, nullable)
	if errors.Is(err, ErrOutOfMemory) {
		j.note("result %d stays in the memory of the host: the device's is short", i)
		m, err = &remote{r: j.r, dtype: at.dtype, spilled: array.NewBlock(at.dtype, array.Shape{j.n}, nullable)}, nil
		at.here = m.spilled
	}
	if err != nil {
		return err
	}
	at.values, at.validity = m.values, m.validity
	j.l.Results[i] = array.FarBlock(at.dtype, j.n, nullable, m)
	return nil
}

// watch makes room for nodes of reductions and for the first elements without a result.
func (j *job) watch(ctx context.Context) error {
	p := j.l.Program
	j.nodes = make([]*Buffer, len(p.Outputs))
	leaves := (j.n + array.LeafSize - 1) / array.LeafSize
	for i := range p.Outputs {
		if !p.Outputs[i].Tree() {
			continue
		}
		b, err := j.s.Alloc(ctx, leaves*ptx.NodeBytes)
		if err != nil {
			return err
		}
		j.nodes[i], j.own = b, append(j.own, b)
	}
	for _, param := range j.k.Params {
		if param.Kind == ptx.Faults {
			j.faulty = append(j.faulty, param.Index)
		}
	}
	if len(j.faulty) == 0 {
		return nil
	}
	b, err := j.s.Alloc(ctx, 8*len(j.faulty))
	if err != nil {
		return err
	}
	j.faults, j.own = b, append(j.own, b)
	return j.s.Fill(b, 0, 8*len(j.faulty), 0xff)
}

func (j *job) note(format string, args ...any) {
	if j.l.Note != nil {
		j.l.Note(fmt.Sprintf(format, args...))
	}
}

// end gives back what only this run needs, and where it failed what it would have left.
func (j *job) end(ctx context.Context, failed error) error {
	var errs []error
	if failed != nil { // the host's memory is the caller's again
		for _, s := range []*Stream{j.r.pipe.in, j.r.pipe.compute, j.r.pipe.out} {
			errs = append(errs, s.Sync(context.WithoutCancel(ctx)))
		}
	}
	for _, b := range j.own {
		errs = append(errs, b.Free())
	}
	for i := range j.results {
		for _, t := range j.results[i].slot {
			errs = append(errs, t.free())
		}
	}
	for i := range j.operands {
		for _, t := range j.operands[i].slot {
			errs = append(errs, t.free())
		}
	}
	if failed != nil {
		return nil
	}
	return errors.Join(errs...)
}

func (t two) free() error {
	var errs []error
	for _, b := range []*Buffer{t.values, t.validity} {
		if b != nil {
			errs = append(errs, b.Free())
		}
	}
	return errors.Join(errs...)
}
