package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/partition"
)

// loan is a result of the root that the ranks of its process write into.
type loan struct {
	block    *array.Block // 1-D, from the start of its buffer
	resident bool         // its pages are in memory
}

// hasRoom holds what a plan needs in this process against what its pool may still hand out; lent says that the only result is
// computed in memory of the caller's.
func (e *Executor) hasRoom(p *Plan, lent bool) error {
	need := 0
	for r, peak := range p.Peak {
		if r == 0 && lent {
			peak = p.beside
		}
		if r == e.comm.Rank() || e.comm.InProcess(r) {
			need = min(need+peak, addressable)
		}
	}
	if need < mem.Pooled {
		return nil // none of it comes from the pool
	}
	err := e.config.Memory.Room(need)
	if over := (*mem.LimitError)(nil); errors.As(err, &over) {
		return fmt.Errorf("%w: the plan needs %s at once in this process, results and columns in use hold %s, the limit is %s; drop results, use more hosts or raise the limit (DARRAY_MEMORY_LIMIT)",
			ErrMemory, size(need), size(over.InUse), size(over.Limit))
	}
	return err
}

// lend allocates the results that are gathered, so that ranks of this process can write their parts in place.
func (r *run) lend() error {
	if r.plan.Ranks == 1 {
		return nil
	}
	for i := range r.plan.Steps {
		s := &r.plan.Steps[i]
		if s.Kind != Gather || r.lent != nil && r.lent[s.value].block != nil {
			continue
		}
		values, resident, err := r.config.Memory.Get(s.DType.BufferSize(s.N))
		if err != nil {
			return err
		}
		b, err := array.WrapBlock(s.DType, s.N, 0, values, nil, nil)
		if err != nil {
			return err
		}
		r.lendValue(s.value, loan{b, resident})
	}
	return nil
}

func (r *run) lendValue(value int, l loan) {
	if r.lent == nil {
		r.lent = make([]loan, len(r.parts))
	}
	r.lent[value] = l
}

// room is a block for a span of a value, with contents that are unspecified and all valid: in place in the result that the
// root has lent, or memory of the pool. Bools and validity are never in place, since neighbouring spans share bytes.
func (r *run) room(value int, d array.DType, span partition.Range, validity bool) (b *array.Block, resident bool, err error) {
	var bits, values []byte
	if validity {
		if bits, err = r.ones(value, span.Len()); err != nil {
			return nil, false, err
		}
	}
	if r.lent != nil && r.lent[value].block != nil && d != array.Bool {
		values, _, _ = r.lent[value].block.Raw()
		values, resident = values[span.Lo*d.Size():span.Hi*d.Size()], r.lent[value].resident
	} else if values, resident, err = r.buffer(value, d.BufferSize(span.Len())); err != nil {
		return nil, false, err
	}
	b, err = array.WrapBlock(d, span.Len(), 0, values, bits, nil)
	return b, resident, err
}

// copyOf is a block in memory of its own.
func (r *run) copyOf(ctx context.Context, b *array.Block) (*array.Block, error) {
	bufs := b.Buffers()
	for i, from := range bufs {
		to, _, err := r.config.Memory.Get(len(from))
		if err != nil {
			return nil, err
		}
		if err := copyTo(ctx, to, from); err != nil {
			return nil, err
		}
		bufs[i] = to
	}
	return array.WrapBlock(b.DType(), b.Len(), 0, bufs[0], append(bufs, nil)[1], nil)
}

// copyPiece is the bytes that are copied between two looks at a context, a huge page: fresh ones may take their time.
const copyPiece = 2 << 20

// copyTo is copy of equally many bytes until ctx ends.
func copyTo(ctx context.Context, to, from []byte) error {
	for len(from) > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := copy(to, from[:min(len(from), copyPiece)])
		to, from = to[n:], from[n:]
	}
	return nil
}

// ones is a bitmap in which n elements are valid.
func (r *run) ones(value, n int) ([]byte, error) {
	bits, _, err := r.buffer(value, array.Bool.BufferSize(n))
	if err == nil {
		array.SetBits(bits, 0, n)
	}
	return bits, err
}

// owned is memory that nobody but this run sees: a buffer of the pool, or a device's.
type owned struct {
	value int
	buf   []byte
	far   array.Far
}

// giveBack lets it be used again.
func (o *owned) giveBack(e *Executor) {
	if o.far != nil {
		o.far.Release()
		return
	}
	e.config.Memory.Put(o.buf)
}

// buffer gives memory for a value, which goes back to the pool with it unless somebody else gets to see it. The bits
// behind the end of a bitmap are zeros.
func (r *run) buffer(value, bytes int) (buf []byte, resident bool, err error) {
	if buf, resident, err = r.config.Memory.Get(bytes); err != nil || bytes < mem.Pooled {
		return buf, false, err
	}
	buf[bytes-1] = 0
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = append(r.own, owned{value: value, buf: buf})
	return buf, resident, nil
}

// disown leaves the buffers of a value to whoever else sees them: the runtime finds out when nobody does.
func (r *run) disown(value int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = slices.DeleteFunc(r.own, func(o owned) bool { return o.value == value && o.far == nil })
}

// release gives back the buffers of a value that no step needs any more.
func (r *run) release(value int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own = slices.DeleteFunc(r.own, func(o owned) bool {
		if o.value == value {
			o.giveBack(r.Executor)
		}
		return o.value == value
	})
}
