package cpu

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// stride is the bytes from one register to the next: a line more than a register, so that the same element of two
// registers is not in the same set of the cache.
const stride = registerBytes + array.Alignment

// maskBytes is a register of bools.
const maskBytes = leaf / 8

// worker runs the steps of a code over tiles. It belongs to one goroutine at a time.
type worker struct {
	code    *code
	run     *run
	arena   []byte   // registers, masks, then a buffer for each bitmap
	mem     [][]byte // by place: the tile's elements
	blocks  [][]byte // by window of code.flat, then of code.bits: the block's buffer
	offsets []int    // by window of code.bits: the part's first bit
	leaves  []leafState
	forests []array.Forest // of the morsel, by fold
	accs    [morsel / leaf]uint64
	spread  []byte // the cells that links read
	links   []kern.Link
	at, n   int // the tile: its first element, counted from the part's, and its length
}

// begin takes up a run: finds its blocks, and fills the registers that keep their value.
func (w *worker) begin(r *run) {
	c := r.code
	w.run, w.code = r, c
	need := c.registers*stride + (c.masks+len(c.bits))*maskBytes
	if len(w.arena) < need {
		w.arena = array.AllocBytes(need)
	}
	w.mem = sized(w.mem, len(c.places))
	w.blocks = sized(w.blocks, len(c.flat)+len(c.bits))
	w.offsets = sized(w.offsets, len(c.bits))
	w.leaves = sized(w.leaves, len(c.folds))
	for i := range c.places {
		switch p := &c.places[i]; p.kind {
		case inCell:
			w.mem[i] = array.Bytes(r.cells[p.index : p.index+1])
		case inRegister:
			w.mem[i] = w.arena[p.index*stride:][:registerBytes:registerBytes]
		case inMask:
			w.mem[i] = w.mask(p.index)
		}
	}
	for i := range c.flat {
		win := &c.flat[i]
		values, _, offset := r.block(win).Raw()
		w.blocks[i] = values[offset*win.size:][:r.n*win.size]
	}
	for i := range c.bits {
		win := &c.bits[i]
		values, validity, offset := r.block(win).Raw()
		if win.validity {
			values = validity
		}
		w.blocks[len(c.flat)+i], w.offsets[i] = values, offset
	}
	w.spreadCells()
	w.n = min(c.tile, r.n)
	for i := range c.fills {
		s := &c.fills[i]
		s.do(w, s)
	}
}

// sized gives a slice of n elements, the old one where it is large enough.
func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// mask is the memory of a mask, or of the buffer of a bitmap after the masks.
func (w *worker) mask(index int) []byte {
	return w.arena[w.code.registers*stride+index*maskBytes:][:maskBytes:maskBytes]
}

// end lets go of the run's memory.
func (w *worker) end() {
	clear(w.mem)
	clear(w.blocks)
	clear(w.links[:cap(w.links)])
	w.run, w.code = nil, nil
}

// work runs the code over morsel m.
func (w *worker) work(m int) {
	r := w.run
	lo, hi := m*r.morsel, min((m+1)*r.morsel, r.n)
	w.elements(lo, hi)
	for i := range w.code.folds {
		f := &w.code.folds[i]
		r.trees[i].put(f.op, f.acc, m, w.forests[i])
	}
	if r.fence {
		w.code.kernels.Fence()
	}
	if r.launch.Progress != nil {
		r.launch.Progress(hi - lo)
	}
}

// elements runs the code over elements [lo, hi) of the part.
func (w *worker) elements(lo, hi int) {
	w.forests = sized(w.forests, len(w.code.folds))
	for i := range w.forests {
		w.forests[i] = w.forests[i][:0]
	}
	at := lo
	if w.code.leaves {
		at = w.wholeLeaves(lo, hi)
	}
	for at < hi {
		n := min(w.run.span, hi-at)
		if n > leaf && len(w.code.bits) > 0 && n%64 != 0 {
			n &^= 63 // the buffers of the bitmaps take the rest
		}
		if len(w.code.folds) > 0 && at%leaf == 0 {
			w.openLeaves()
		}
		w.tile(at, n)
		at += n
		if len(w.code.folds) > 0 && (at%leaf == 0 || at == hi) {
			w.closeLeaves((at - 1) / leaf * leaf)
		}
	}
}

// tile runs the steps over n elements from at on.
func (w *worker) tile(at, n int) {
	w.windows(at, n)
	c := w.code
	if len(c.bits) > 0 {
		w.openBits()
	}
	for i := range c.steps {
		if w.run.ahead {
			w.ahead(at+n, i)
		}
		s := &c.steps[i]
		switch {
		case s.loop == nil:
			s.do(w, s)
		case s.stream != nil && w.run.streams[s.out]:
			s.stream(w.mem[s.dst], w.mem[s.x], w.mem[s.y], w.mem[s.z], n)
		default:
			s.loop(w.mem[s.dst], w.mem[s.x], w.mem[s.y], w.mem[s.z], n)
		}
	}
	if len(c.bits) > 0 {
		w.closeBits()
	}
}

// fault tells of the tile's first element for which an instruction has no result.
func (w *worker) fault(s *step) {
	tell := w.run.launch.Fault
	if tell == nil {
		return
	}
	if i := kern.FirstBit(w.mem[s.x], w.n); i < w.n {
		tell(s.instr, w.run.lo+w.at+i)
	}
}

// ahead asks for the operands of the next tile, from element at on: before each step for a like share of them, so that
// they come while steps compute that need no memory.
func (w *worker) ahead(at, step int) {
	c := w.code
	n := min(w.n, w.run.n-at)
	lo, hi := at+n*step/len(c.steps), at+n*(step+1)/len(c.steps)
	for i := range c.flat {
		if win := &c.flat[i]; !win.result && lo < hi {
			c.kernels.Prefetch(w.blocks[i][lo*win.size : hi*win.size])
		}
	}
}

// windows moves the places in blocks of numbers to n elements from at on.
func (w *worker) windows(at, n int) {
	w.at, w.n = at, n
	for i := range w.code.flat {
		win := &w.code.flat[i]
		w.mem[win.place] = w.blocks[i][at*win.size : (at+n)*win.size]
	}
}

// direct reports whether the kernels can work on the tile's bits of a bitmap where they lie: whole words from a byte on.
func (w *worker) direct(bit int) bool { return bit%8 == 0 && w.n%64 == 0 }

// openBits finds the tile's bitmaps: in their blocks, or in buffers that operands are loaded into.
func (w *worker) openBits() {
	c := w.code
	for i := range c.bits {
		win, bitmap, bit := &c.bits[i], w.blocks[len(c.flat)+i], w.offsets[i]+w.at
		if w.direct(bit) {
			w.mem[win.place] = bitmap[bit/8:][:w.n/8]
			continue
		}
		buffer := w.mask(c.masks + i)
		if w.mem[win.place] = buffer; !win.result {
			loadBits(buffer, bitmap, bit, w.n)
		}
	}
}

// closeBits stores the buffers of results.
func (w *worker) closeBits() {
	c := w.code
	for i := range c.bits {
		if bit := w.offsets[i] + w.at; c.bits[i].result && !w.direct(bit) {
			array.CopyBits(w.blocks[len(c.flat)+i], bit, w.mask(c.masks+i), 0, w.n)
		}
	}
}
