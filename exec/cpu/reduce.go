package cpu

import (
	"math"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// Reductions go by the tree of array/tree.go. A fold step joins the tile's elements to the lanes of the leaf under way;
// worker.elements calls openLeaves and closeLeaves around each leaf; worker.work delivers the forests of a morsel at its end.

// fold is a reduction of one output.
type fold struct {
	output     int
	op         array.Op
	dtype, acc array.DType
	of         kern.FoldOf
	with       int  // the value that multiplies, else none
	ones       bool // the elements are bools that count as 0 and 1
	masked     int  // the place for elements whose nulls have been replaced
	loop       kern.Fold
	plain      kern.Fold   // of such elements
	leaves     kern.Leaves // loop over whole leaves that lie one after another; nil for bools
	multiply   kern.Loop   // for them where of is a product
	replace    kern.Loop   // puts the identity in the place of nulls
	identity   []byte      // as an element, or a word
}

// leafState is a leaf under way.
type leafState struct {
	lanes kern.State
	valid int // elements that are not null
	ones  int // of those, the ones of bools
}

// foldOf fills in how an output that reduces is folded.
func (g *graph) foldOf(s *sink, o array.Output) {
	f := &fold{output: s.output, op: o.Op, dtype: o.DType, acc: array.AccumulatorType(o.Op, o.DType), with: none}
	s.fold = f
	if o.Op == array.Count {
		s.value = none
		return
	}
	if v := g.values[s.value]; (o.Op == array.Sum || o.Op == array.Mean) && g.is(s.value, array.Cast) && v.in == array.Bool {
		f.ones, f.dtype, s.value = true, array.Bool, v.args[0]
		return
	}
	f.loop = g.kernels.Fold(f.op, f.dtype, kern.OfX)
	f.plain = f.loop
}

// fuseFold joins the reduction with the product that it alone reads.
func (g *graph) fuseFold(s *sink) {
	f, v := s.fold, g.values[s.value]
	if v.kind != applied || v.uniform || f.op != array.Sum && f.op != array.Mean {
		return
	}
	of := kern.OfSquare
	switch {
	case v.op == array.Square:
	case v.op == array.Multiply && !g.values[v.args[0]].uniform && !g.values[v.args[1]].uniform:
		of = kern.OfProduct
	default:
		return
	}
	if loop := g.kernels.Fold(f.op, f.dtype, of); loop != nil {
		f.of, f.loop = of, loop
		s.value, f.with = v.args[0], v.args[1]
		f.multiply = g.kernels.Element(v.op, v.in, kern.VV)
	}
}

// reduction puts the step of a fold. Where elements can be null, it has a register for those that stand in for them.
func (e *emitter) reduction(s *sink, at int) {
	f := s.fold
	st := step{do: (*worker).fold, fold: len(e.folds), out: none, name: f.op.String()}
	if s.value != none {
		st.x = e.at[s.value]
	}
	if f.with != none {
		st.y = e.at[f.with]
	}
	if s.valid != none {
		st.z = e.at[s.valid]
		if f.loop != nil {
			f.masked = e.take(f.dtype)
			f.identity = array.Bytes([]uint64{cellBits(array.ScalarFromBits(f.acc, array.Identity(f.op, f.acc)).Cast(f.dtype))})
			if f.replace = e.code.kernels.Where(f.dtype, kern.VVS); f.replace == nil {
				f.replace = replaceBits
			}
			e.giveBack(f.masked)
		}
	}
	f.leaves = e.code.kernels.Leaves(f.op, f.dtype, f.of)
	e.folds = append(e.folds, *f)
	e.steps = append(e.steps, st)
	e.release(s.value, at)
	e.release(f.with, at)
	e.release(s.valid, at)
}

// replaceBits is dst[i] = y[i] where x[i], else the bit that z repeats.
func replaceBits(dst, x, y, z []byte, n int) {
	d, a, b, c := array.View[uint64](dst), array.View[uint64](x), array.View[uint64](y), array.View[uint64](z)[0]
	for i := range (n + 63) / 64 {
		d[i] = a[i]&b[i] | c&^a[i]
	}
}

// fold joins the tile to the leaf under way. A tile without nulls, or with nothing else, needs no replacing.
func (w *worker) fold(s *step) {
	f, l := &w.code.folds[s.fold], &w.leaves[s.fold]
	valid := w.n
	if s.z > 0 {
		valid = array.CountBits(w.mem[s.z], 0, w.n)
	}
	l.valid += valid
	switch {
	case f.ones:
		l.ones += countOnes(w.mem[s.x], w.mem[s.z], w.n)
	case f.loop == nil || valid == 0:
	case valid == w.n:
		f.loop(&l.lanes, w.mem[s.x], w.mem[s.y], w.n)
	default:
		x, masked := w.mem[s.x], w.mem[f.masked]
		if f.multiply != nil {
			f.multiply(masked, x, w.mem[s.y], nil, w.n)
			x = masked
		}
		f.replace(masked, w.mem[s.z], x, f.identity, w.n)
		f.plain(&l.lanes, masked, nil, w.n)
	}
}

// byLeaves reports whether the code does nothing but fold operands as they lie, of which none is null.
func (e *emitter) byLeaves() bool {
	for i := range e.steps {
		s := &e.steps[i]
		if s.loop != nil || s.check || s.chain != nil || s.dst != 0 || s.z != 0 || e.folds[s.fold].leaves == nil || e.folds[s.fold].ones {
			return false
		}
		for _, at := range []int{s.x, s.y} {
			if kind := e.places[at].kind; kind != inOperand && kind != nowhere {
				return false
			}
		}
	}
	return len(e.steps) > 0
}

// manyLeaves is how many leaves are folded at once, one reduction after another; where there is one alone, all of a morsel.
const manyLeaves = 8

// wholeLeaves folds the whole leaves of [lo, hi), many in a call, so that memory is read without a pause. It gives where
// the rest begins.
func (w *worker) wholeLeaves(lo, hi int) int {
	most := manyLeaves
	if len(w.code.steps) == 1 {
		most = morsel / leaf
	}
	for hi-lo >= leaf {
		out := w.accs[:min(most, (hi-lo)/leaf)]
		w.windows(lo, len(out)*leaf)
		for i := range w.code.steps {
			s := &w.code.steps[i]
			f := &w.code.folds[s.fold]
			f.leaves(out, w.mem[s.x], w.mem[s.y], leaf)
			for k, acc := range out {
				p := array.Partial{Index: uint64(w.run.lo+lo)/leaf + uint64(k), Acc: acc, Count: leaf}
				w.forests[s.fold] = w.forests[s.fold].Push(f.op, f.acc, p)
			}
		}
		lo += len(out) * leaf
	}
	return lo
}

// countOnes counts the ones among the first n bits of x that valid, if there is any, has as well.
func countOnes(x, valid []byte, n int) int {
	if valid == nil {
		return array.CountBits(x, 0, n)
	}
	both := [leaf / 64]uint64{}
	a, b := array.View[uint64](x), array.View[uint64](valid)
	for i := range (n + 63) / 64 {
		both[i] = a[i] & b[i]
	}
	return array.CountBits(array.Bytes(both[:]), 0, n)
}

// openLeaves begins a leaf of every fold.
func (w *worker) openLeaves() {
	for i := range w.code.folds {
		f, l := &w.code.folds[i], &w.leaves[i]
		l.valid, l.ones = 0, 0
		if f.loop != nil {
			kern.Begin(f.op, f.acc, &l.lanes)
		}
	}
}

// closeLeaves puts the leaf that begins with element at of the part into the forests of the morsel.
func (w *worker) closeLeaves(at int) {
	for i := range w.code.folds {
		f, l := &w.code.folds[i], &w.leaves[i]
		p := array.Partial{Index: uint64(w.run.lo+at) / leaf, Count: uint64(l.valid)}
		switch {
		case f.loop != nil:
			p.Acc = w.code.kernels.Join(f.op, f.acc, &l.lanes)
		case f.ones && !f.acc.Float():
			p.Acc = uint64(l.ones)
		case f.ones && l.valid > 0:
			p.Acc = math.Float64bits(float64(l.ones))
		default:
			p.Acc = array.Identity(f.op, f.acc)
		}
		w.forests[i] = w.forests[i].Push(f.op, f.acc, p)
	}
}

// reductions is what the run's outputs come to.
func (r *run) reductions() []array.Forest {
	folds := r.code.folds
	if len(folds) == 0 {
		return r.code.forests
	}
	result := make([]array.Forest, len(r.code.program.Outputs))
	for i := range folds {
		result[folds[i].output] = r.trees[i].take()
	}
	return result
}
