package cpu

import (
	"context"
	"sync/atomic"

	"github.com/darray-go/darray/array"
)

const (
	// streamBytes is the size from which a result in resident memory is written past the caches: what follows it in the
	// program or after it does not find it there anyway.
	streamBytes = 4 << 20
	// aheadBytes is the size of operands and results from which they do not lie in the caches of a core.
	aheadBytes = 2 << 20
)

// run is one launch under way.
type run struct {
	task    task // for the crew; the same in all its launches
	ctx     context.Context
	code    *code
	launch  *array.Launch
	lo, n   int          // the part: its first element in the domain, its length
	span    int          // elements that the steps take at a time
	morsel  int          // elements that a goroutine takes at a time
	shares  shares       // of the morsels
	cells   []uint64     // the code's, or own
	own     []uint64     // memory for cells
	streams []bool       // by output: whether stores go past the caches
	fence   bool         // whether any does
	wakes   bool         // it is worth waking goroutines that sleep
	ahead   bool         // the operands of a tile are asked for while the one before is computed
	trees   []inOrder    // by fold
	users   atomic.Int64 // goroutines that know of the run, which is used again when there is none
}

// begin takes up a launch that has been checked, and gives the goroutines that it is worth.
func (r *run) begin(ctx context.Context, d *Device, c *code, l *array.Launch) int {
	if r.task.work == nil {
		r.task.work = func(member int) {
			d.work(r, member)
			d.drop(r, 1)
		}
	}
	r.ctx, r.code, r.launch, r.lo, r.n = ctx, c, l, l.Lo, l.Hi-l.Lo
	r.morsel = (r.n/(perThread*d.threads) + leaf - 1) / leaf * leaf
	weight := max(c.weight, simpleWeight)
	r.morsel = min(max(r.morsel, leastMorsel*simpleWeight/weight/leaf*leaf, leaf), morsel)
	r.wakes = r.n >= wakeElements*simpleWeight/weight
	morsels := (r.n + r.morsel - 1) / r.morsel
	threads := min(d.threads, max(morsels, 1))
	r.span = c.tile
	if c.single {
		r.span = r.morsel
		if weight > simpleWeight {
			r.span = min(r.span, mostAtOnce)
		}
	}
	for i := range c.bits {
		if w := &c.bits[i]; r.offset(w)%8 != 0 {
			r.span = c.tile
			if w.result {
				threads = 1 // neighbouring morsels share a byte of it
			}
		}
	}
	bytes := 0
	for i := range c.flat {
		bytes += r.n * c.flat[i].size
	}
	r.ahead = c.ahead && bytes >= aheadBytes
	r.streams, r.fence = sized(r.streams, len(l.Results)), false
	for i := range r.streams {
		r.streams[i] = i < len(l.Resident) && l.Resident[i] && r.n*c.program.Outputs[i].DType.Size() >= streamBytes
		r.fence = r.fence || r.streams[i]
	}
	for _, o := range c.valid {
		if _, validity, offset := l.Results[o].Raw(); validity != nil {
			array.SetBits(validity, offset, r.n)
		}
	}
	r.scalars()
	r.shares.begin(morsels, threads)
	for len(r.trees) < len(c.folds) {
		r.trees = append(r.trees, inOrder{})
	}
	for i := range c.folds {
		r.trees[i].drop() // those of a run that was broken off
	}
	return threads
}

// block is the block of a window.
func (r *run) block(w *window) *array.Block {
	if w.result {
		return r.launch.Results[w.index]
	}
	return r.launch.Operands[w.index]
}

func (r *run) offset(w *window) int {
	_, _, offset := r.block(w).Raw()
	return offset
}

// scalars fills the cells that depend on the launch.
func (r *run) scalars() {
	c := r.code
	if r.cells = c.cells; len(c.scalars) == 0 || r.n == 0 {
		return
	}
	r.own = append(r.own[:0], c.cells...)
	r.cells = r.own
	for _, s := range c.scalars {
		v, ok := r.launch.Operands[s.slot].Scalar(0)
		if s.validity {
			v = array.ScalarOf(ok)
		}
		r.cells[s.cell] = cellBits(v)
	}
	for i := range c.setup {
		s := &c.setup[i]
		dst := c.places[s.dst]
		s.loop(r.cell(s.dst), r.cell(s.x), r.cell(s.y), r.cell(s.z), 1)
		if at := dst.index; dst.bitmap() {
			r.cells[at] = -(r.cells[at] & 1)
		}
	}
}

// cell is the memory of a place that is a cell; nil for none.
func (r *run) cell(place int) []byte {
	if place == 0 {
		return nil
	}
	at := r.code.places[place].index
	return array.Bytes(r.cells[at : at+1])
}

// work takes morsels until none is left; none is where ctx has ended.
func (d *Device) work(r *run, member int) {
	var w *worker
	for {
		m, ok := r.shares.take(member)
		if !ok {
			break
		}
		done := 1
		if r.ctx.Err() == nil {
			if w == nil {
				w = d.worker(r)
			}
			w.work(m)
		} else {
			done += r.shares.cancel()
		}
		r.shares.finish(done)
	}
	if w != nil {
		w.end()
		d.workers.put(w)
	}
}

// worker gives a worker that has taken up r.
func (d *Device) worker(r *run) *worker {
	w := d.workers.take()
	w.begin(r)
	return w
}

// drop lets go of r for n of its users.
func (d *Device) drop(r *run, n int) {
	if r.users.Add(int64(-n)) == 0 {
		d.runs.put(r)
	}
}
