package cpu

import (
	"math"

	"github.com/darray-go/darray/array"
)

// slotBytes is a chunk of the widest type, and a line more, so that the same element of two slots is not in the same set
// of the cache.
const slotBytes = 8*chunk + array.Alignment

// worker runs the steps of a program over chunks. It belongs to one goroutine at a time.
type worker struct {
	arena   []byte   // the slots' own memory
	data    [][]byte // by slot: the elements now in it: in the arena, an operand or a result
	mask    []*mask  // by slot: their validity; nil: all valid
	masks   []mask   // by slot: where mask points to
	bits    mask     // of a value that has no slot
	scratch []byte   // a chunk for elements on their way

	code    *code
	launch  *array.Launch
	part    int // elements of the launch
	at, n   int // the chunk: its first element, counted from the part's, and its length
	forests []array.Forest
}

// begin takes up a run: makes room for its slots and fills those of its constants.
func (w *worker) begin(r *run) {
	w.code, w.launch, w.part = r.code, r.launch, r.launch.Hi-r.launch.Lo
	if need := (r.code.slots + 1) * slotBytes; len(w.arena) < need {
		w.arena = array.AllocBytes(need)
		w.scratch = w.arena[need-slotBytes:]
		w.data = make([][]byte, r.code.slots)
		w.mask = make([]*mask, r.code.slots)
		w.masks = make([]mask, r.code.slots)
	}
	w.n = min(chunk, w.part)
	for i := range r.code.consts {
		s := &r.code.consts[i]
		s.do(w, s)
	}
}

// end lets go of the run's memory.
func (w *worker) end() {
	clear(w.data)
	clear(w.mask)
	w.code, w.launch, w.forests = nil, nil, nil
}

// chunk runs the program over the elements from at on.
func (w *worker) chunk(at int) {
	w.at = at
	if n := min(chunk, w.part-at); n != w.n {
		w.n = n
		for i := range w.code.consts {
			s := &w.code.consts[i]
			w.data[s.dst] = w.own(s.dst, s.dtype)
		}
	}
	for i := range w.code.steps {
		s := &w.code.steps[i]
		s.do(w, s)
	}
}

// own is the slot's own memory for the chunk; for bools, whole words.
func (w *worker) own(slot int, d array.DType) []byte {
	size := w.n * d.Size()
	if d == array.Bool {
		size = (size + 7) &^ 7
	}
	return w.arena[slot*slotBytes:][:size:size]
}

// target is where the step computes its result: the result block itself or the slot's own memory.
func (w *worker) target(s *step) []byte {
	if s.bound < 0 {
		return w.own(s.dst, s.dtype)
	}
	return w.slice(w.launch.Results[s.bound], s.dtype)
}

// slice is the chunk's elements of a block of the part's length; not for bools.
func (w *worker) slice(b *array.Block, d array.DType) []byte {
	values, _, offset := b.Raw()
	return values[(offset+w.at)*d.Size() : (offset+w.at+w.n)*d.Size()]
}

// apply is an element-wise op, null where an operand is.
func (w *worker) apply(s *step) {
	x, y := w.data[s.args[0]], w.data[s.args[1]]
	dst := w.target(s)
	s.loop(dst, x, y)
	w.data[s.dst] = dst
	w.mask[s.dst] = w.all(s)
}

// all is the validity where every operand is valid.
func (w *worker) all(s *step) *mask {
	x, y := w.mask[s.args[0]], w.mask[s.args[1]]
	dst := &w.masks[s.dst]
	switch {
	case x == nil && y == nil:
		return nil
	case x == nil:
		*dst = *y
	case y == nil:
		*dst = *x
	default:
		for i := range dst {
			dst[i] = x[i] & y[i]
		}
	}
	return dst
}

// where picks elements and their validity by the condition.
func (w *worker) where(s *step) {
	cond := w.data[s.args[0]]
	dst := w.target(s)
	s.pick(dst, cond, w.data[s.args[1]], w.data[s.args[2]])
	w.data[s.dst] = dst
	c, x, y := w.mask[s.args[0]], w.mask[s.args[1]], w.mask[s.args[2]]
	if w.mask[s.dst] = nil; c == nil && x == nil && y == nil {
		return
	}
	c, x, y = c.orValid(), x.orValid(), y.orValid()
	w.bits.pack(cond, w.n)
	valid := &w.masks[s.dst]
	for i, bits := range &w.bits {
		valid[i] = c[i] & (bits&x[i] | ^bits&y[i])
	}
	w.mask[s.dst] = valid
}

// fillNull takes y where x is null; null only where both are.
func (w *worker) fillNull(s *step) {
	x, y := w.mask[s.args[0]], w.mask[s.args[1]]
	dst := w.target(s)
	bySize(s.dtype, blend[uint8], blend[uint16], blend[uint32], blend[uint64])(dst, x.orValid(), w.data[s.args[0]], w.data[s.args[1]])
	w.data[s.dst], w.mask[s.dst] = dst, nil
	if x == nil || y == nil {
		return
	}
	valid := &w.masks[s.dst]
	for i := range valid {
		valid[i] = x[i] | y[i]
	}
	w.mask[s.dst] = valid
}

// isNull is the validity, turned round, as values.
func (w *worker) isNull(s *step) {
	w.bits = *w.mask[s.args[0]].orValid()
	for i := range w.bits {
		w.bits[i] = ^w.bits[i]
	}
	dst := w.target(s)
	w.bits.unpack(dst)
	w.data[s.dst], w.mask[s.dst] = dst, nil
}

// store writes a register into a result: its values, unless they were computed there, and its validity.
func (w *worker) store(s *step) {
	values, validity, offset := w.launch.Results[s.out].Raw()
	slot := s.args[0]
	switch {
	case s.dtype == array.Bool:
		w.bits.pack(w.data[slot], w.n)
		w.bits.store(values, offset+w.at, w.n)
	case s.bound != s.out:
		copy(w.slice(w.launch.Results[s.out], s.dtype), w.data[slot])
	}
	switch {
	case validity == nil:
	case w.mask[slot] == nil:
		array.SetBits(validity, offset+w.at, w.n)
	default:
		w.mask[slot].store(validity, offset+w.at, w.n)
	}
}

// reduce folds a register, which is a leaf of the reduction, into the morsel's forest. Null elements count as the identity.
func (w *worker) reduce(s *step) {
	leaf, valid := w.data[s.args[0]][:w.n*s.dtype.Size()], w.n
	identity := array.Identity(s.op, s.acc)
	if m := w.mask[s.args[0]]; m != nil {
		valid = m.count(w.n)
		if valid < w.n && s.fold != nil {
			all := w.scratch[:len(leaf)]
			value := elementBits(array.ScalarFromBits(s.acc, identity).Cast(s.dtype))
			bySize(s.dtype, replace[uint8], replace[uint16], replace[uint32], replace[uint64])(all, m, leaf, value)
			leaf = all
		}
	}
	p := array.Partial{Index: uint64(w.launch.Lo+w.at) / chunk, Acc: identity, Count: uint64(valid)}
	if s.fold != nil {
		p.Acc = s.fold(leaf, identity)
	}
	f := &w.forests[s.out]
	if *f == nil {
		*f = make(array.Forest, 0, 8)
	}
	*f = f.Push(s.op, s.acc, p)
}

// elementBits is a scalar as it lies in memory, in the low bytes.
func elementBits(v array.Scalar) uint64 {
	if v.DType() == array.Float32 {
		return uint64(math.Float32bits(float32(v.Float())))
	}
	return v.Bits()
}
