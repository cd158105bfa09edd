package cpu

import (
	"cmp"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// Steps on floats that follow each other become one step, a chain of package kern: what they compute stays in registers of the
// processor, and all their operands are read at the same time, which memory likes better than one after another.

// chain is such a step: its links, and the steps that it stands for, which do what is less than a block at the end of a tile.
type chain struct {
	dtype array.DType
	block int // elements that links take at once
	links []link
	parts []step
}

// link is a link and its operands.
type link struct {
	op          kern.LinkOp
	accumulator int
	m, n        from
	out         int // the result that may be written past the caches, else none
}

// from is where a link's operand lies: a place, or a cell that is number cell-1 in code.spread; neither where it has none.
type from struct{ place, cell int }

// operation is what a step computes, if it is an op.
type operation struct {
	kind  kind
	op    array.Op
	fused kern.Fused
}

// linkOps are the ops that are links: over a vector in memory, a cell, the other accumulator.
var linkOps = map[array.Op][3]kern.LinkOp{
	array.Add:      {kern.LinkAdd, kern.LinkAddCell, kern.LinkAddOther},
	array.Subtract: {kern.LinkSubtract, kern.LinkSubtractCell, kern.LinkSubtractOther},
	array.Multiply: {kern.LinkMultiply, kern.LinkMultiplyCell, kern.LinkMultiplyOther},
	array.Divide:   {kern.LinkDivide, kern.LinkDivideCell, kern.LinkDivideOther},
}

// fusedLinks are the products of linkOps with a sum after them: by the sum's op, the product's operand, the sum's operand.
var fusedLinks = map[array.Op][3][2]kern.LinkOp{
	array.Add: {
		{kern.LinkMultiplyAdd, kern.LinkMultiplyAddCell},
		{kern.LinkMultiplyCellAdd, kern.LinkMultiplyCellAddCell},
		{kern.LinkMultiplyOtherAdd, kern.LinkMultiplyOtherAddCell},
	},
	array.Subtract: {
		{kern.LinkMultiplySubtract, kern.LinkMultiplySubtractCell},
		{kern.LinkMultiplyCellSubtract, kern.LinkMultiplyCellSubtractCell},
		{kern.LinkMultiplyOtherSubtract, kern.LinkMultiplyOtherSubtractCell},
	},
}

// linked reports whether a step can be part of a chain.
func (e *emitter) linked(s *step) bool {
	if s.loop == nil || e.code.kernels.ChainBlock(s.dtype) == 0 {
		return false
	}
	switch s.of.kind {
	case applied:
		return linkOps[s.of.op] != [3]kern.LinkOp{} || s.of.op == array.Square || s.of.op == array.Sqrt
	case fusedOp:
		return true
	}
	return false
}

// chains makes chains of the code's steps.
func (e *emitter) chains() {
	for i := range e.fills {
		e.filled[e.fills[i].dst] = e.fills[i].x
	}
	var steps []step
	for lo := 0; lo < len(e.steps); {
		hi := lo
		for hi < len(e.steps) && e.linked(&e.steps[hi]) && e.steps[hi].dtype == e.steps[lo].dtype {
			hi++
		}
		if hi-lo < 2 {
			steps = append(steps, e.steps[lo])
			lo++
			continue
		}
		c := &chainer{emitter: e, chain: &chain{dtype: e.steps[lo].dtype, block: e.code.kernels.ChainBlock(e.steps[lo].dtype), parts: e.steps[lo:hi]}, end: hi}
		for c.now = lo; c.now < hi; c.now++ {
			c.step(&e.steps[c.now])
		}
		c.now, c.overwritten = hi-1, 0
		c.leave(0)
		c.leave(1)
		e.block = cmp.Or(min(e.block, c.block), c.block)
		steps = append(steps, step{do: (*worker).chain, chain: c.chain, out: none, name: "chain", dtype: c.dtype})
		lo = hi
	}
	e.steps = steps
}

// chainer makes a chain. Each accumulator holds the value of a place, which is stored there only if it is read again after
// the accumulator has got another one.
type chainer struct {
	*emitter
	*chain
	now, end    int    // the step under way, and where the chain ends
	later       int    // a place that this step reads after what is being done; 0: none
	overwritten int    // the place that this step gives another value
	held        [2]int // by accumulator: a place, product, or 0
	stored      [2]bool
}

// product stands for the place of a product on its way to a sum.
const product = -1

// step adds the links of a step.
func (c *chainer) step(s *step) {
	c.overwritten = s.dst
	switch {
	case s.of.kind == fusedOp:
		c.later = s.z
		r := c.binary(array.Multiply, s.x, s.y)
		c.held[r], c.later = product, 0
		switch s.of.fused {
		case kern.MulAdd:
			r = c.binary(array.Add, product, s.z)
		case kern.MulSub:
			r = c.binary(array.Subtract, product, s.z)
		default:
			r = c.binary(array.Subtract, s.z, product)
		}
		c.result(r, s)
	case s.y == 0:
		r := c.load(s.x)
		op := kern.LinkSqrt
		if s.of.op == array.Square {
			op = kern.LinkSquare
		}
		c.add(op, r, from{})
		c.result(r, s)
	default:
		c.result(c.binary(s.of.op, s.x, s.y), s)
	}
}

func (c *chainer) add(op kern.LinkOp, accumulator int, m from) {
	c.links = append(c.links, link{op: op, accumulator: accumulator, m: m, out: none})
}

// binary computes x op y in an accumulator, which it gives; what the accumulators held is where it may still be read.
func (c *chainer) binary(op array.Op, x, y int) int {
	if x == y && op == array.Multiply {
		r := c.load(x)
		c.add(kern.LinkSquare, r, from{})
		return r
	}
	if x == y {
		c.store(c.holder(x))
	}
	if op == array.Add || op == array.Multiply { // in which order does not matter
		if there := c.holder(x) >= 0; c.holder(y) >= 0 && (!there || c.soon(x)) {
			x, y = y, x
		}
	}
	var at int
	if other := c.holder(y); c.holder(x) < 0 && other >= 0 { // y is there, and x has to come in front of it
		at = 1 - other
		c.leave(at)
		c.bring(at, x)
	} else {
		at = c.load(x)
	}
	c.operate(op, at, y)
	return at
}

// operate adds the link of an accumulator op y. What is read again soon comes into the other accumulator, if that is free:
// a link reads as much as a core can.
func (c *chainer) operate(op array.Op, at, y int) {
	other := 1 - at
	if c.held[other] != y && !c.busy(other) && c.places[c.cellOf(y)].kind != inCell && c.soon(y) {
		c.bring(other, y)
		c.held[other], c.stored[other] = y, true
	}
	form, m := 0, c.from(y)
	switch {
	case c.held[other] == y:
		form, m = 2, from{}
	case m.cell > 0:
		form = 1
	}
	if last := &c.links[len(c.links)-1]; form < 2 && last.accumulator == at && fusedLinks[op] != [3][2]kern.LinkOp{} {
		for k, product := range linkOps[array.Multiply] {
			if last.op == product {
				last.op, last.n = fusedLinks[op][k][form], m
				return
			}
		}
	}
	c.add(linkOps[op][form], at, m)
}

// soon reports whether one of the next steps of the chain reads a place again.
func (c *chainer) soon(place int) bool {
	if place <= 0 {
		return false
	}
	for _, s := range c.emitter.steps[c.now+1 : min(c.now+4, c.end)] {
		if s.x == place || s.y == place || s.z == place {
			return true
		}
		if s.dst == place {
			return false
		}
	}
	return false
}

// load gives an accumulator that holds x and whose value is not needed there any more.
func (c *chainer) load(x int) int {
	if r := c.holder(x); r >= 0 {
		c.leave(r)
		return r
	}
	r := 0
	if c.busy(0) && !c.busy(1) {
		r = 1
	}
	c.leave(r)
	c.bring(r, x)
	return r
}

// bring puts x into an accumulator.
func (c *chainer) bring(r, x int) {
	op, m := kern.LinkLoad, c.from(x)
	if m.cell > 0 {
		op = kern.LinkLoadCell
	}
	c.add(op, r, m)
}

// from is where a place's value lies in memory.
func (c *chainer) from(place int) from {
	if place = c.cellOf(place); place > 0 && c.places[place].kind == inCell {
		c.spread = append(c.spread, place)
		return from{cell: len(c.spread)}
	}
	return from{place: place}
}

// cellOf is the cell whose value a register repeats; other places as they are.
func (c *chainer) cellOf(place int) int {
	if cell, ok := c.filled[place]; ok {
		return cell
	}
	return max(place, 0)
}

// holder is the accumulator that holds a place's value; -1: none does.
func (c *chainer) holder(place int) int {
	for r, p := range c.held {
		if p == place && p != 0 {
			return r
		}
	}
	return -1
}

// busy reports whether an accumulator has a value that has to be stored first, or a product.
func (c *chainer) busy(r int) bool {
	return c.held[r] == product || !c.stored[r] && c.needed(c.held[r])
}

// leave lets go of what an accumulator holds, storing what is read later.
func (c *chainer) leave(r int) {
	if c.held[r] != product && c.needed(c.held[r]) {
		c.store(r)
	}
	c.held[r] = 0
}

// store puts a register's value into its place, if it is held by an accumulator alone.
func (c *chainer) store(r int) {
	if r >= 0 && c.held[r] > 0 && !c.stored[r] {
		c.add(kern.LinkStore, r, from{place: c.held[r]})
		c.stored[r] = true
	}
}

// needed reports whether a place is read after what is being done, before it gets another value.
func (c *chainer) needed(place int) bool {
	if place <= 0 {
		return false
	}
	if place == c.later {
		return true
	}
	if place == c.overwritten {
		return false
	}
	for i := c.now + 1; i < len(c.emitter.steps); i++ {
		s := &c.emitter.steps[i]
		if s.x == place || s.y == place || s.z == place {
			return true
		}
		if s.dst == place {
			return false
		}
	}
	return false
}

// result says that an accumulator holds what a step gives.
func (c *chainer) result(r int, s *step) {
	if other := 1 - r; c.held[other] == s.dst || c.held[other] == product {
		c.held[other] = 0
	}
	c.held[r], c.stored[r] = s.dst, false
	if c.places[s.dst].kind >= inResult {
		c.add(kern.LinkStore, r, from{place: s.dst})
		if s.stream != nil {
			c.links[len(c.links)-1].out = s.out
		}
		c.stored[r] = true
	}
}

// linkedAtOnce is links times elements of a call: some 0.3 ms, in which the runtime cannot stop the goroutine.
const linkedAtOnce = 4 << 20

// chain runs a chain over the tile: its links as far as they go, then the steps that they stand for.
func (w *worker) chain(s *step) {
	c := s.chain
	done := w.n / c.block * c.block
	most := max(linkedAtOnce/len(c.links)/c.block, 1) * c.block
	for at := 0; at < done; at += most {
		kernels := w.code.kernels
		w.links = w.links[:0]
		for i := range c.links {
			l := &c.links[i]
			op := l.op
			if l.out != none && w.run.streams[l.out] {
				op = kern.LinkStream
			}
			w.links = append(w.links, kernels.Link(op, l.accumulator, c.dtype, w.operand(l.m, at*c.dtype.Size()), w.operand(l.n, at*c.dtype.Size())))
		}
		w.links = append(w.links, kernels.LinkEnd())
		kernels.Chain(w.links, c.dtype, min(most, done-at))
	}
	if rest := w.n - done; rest > 0 {
		at := done * c.dtype.Size()
		for i := range c.parts {
			p := &c.parts[i]
			p.loop(w.from(p.dst, at), w.from(p.x, at), w.from(p.y, at), w.from(p.z, at), rest)
		}
	}
}

// operand is a link's operand from some byte of the tile on.
func (w *worker) operand(f from, at int) *byte {
	switch {
	case f.cell > 0:
		return &w.spread[(f.cell-1)*kern.CellBytes]
	case f.place > 0:
		return &w.mem[f.place][at]
	}
	return nil
}

// from is a place's memory from some byte of the tile on. A register that takes part in a run over a whole morsel only holds
// what is between the steps of a chain's end.
func (w *worker) from(place, at int) []byte {
	switch p := &w.code.places[place]; {
	case place == 0:
		return nil
	case p.kind == inCell || p.kind == inRegister && w.code.single:
		return w.mem[place]
	}
	return w.mem[place][at:]
}

// spreadCells fills the memory of the cells that links read.
func (w *worker) spreadCells() {
	c := w.code
	if c.block == 0 || w.run.n < c.block {
		return // the chains' links do not run
	}
	if need := len(c.spread) * kern.CellBytes; len(w.spread) < need {
		w.spread = array.AllocBytes(need)
	}
	for i, place := range c.spread {
		size := c.places[place].dtype.Size()
		to := w.spread[i*kern.CellBytes:][:kern.CellBytes]
		for at := 0; at < len(to); at += size {
			copy(to[at:at+size], w.mem[place])
		}
	}
}
