package cpu

import (
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// emitter puts the values of a graph into places, in order.
type emitter struct {
	*graph
	*code
	at     []int       // by value: its place; 0: none yet
	bound  []int       // by value: the output that it is computed straight into; see bind
	last   []int       // by value: the position that reads it last; none: no later one
	free   [2][]int    // places of registers and of masks without a value
	widest int         // bytes of the widest element in a register
	filled map[int]int // by register that keeps its value: the cell that it repeats
}

// compile gives the code of a program that is well-formed, for launches where nullable says which inputs can hold nulls.
func compile(p *array.Program, nullable []bool, kernels *kern.Set) *code {
	g := lower(p, nullable, kernels)
	g.fuse()
	g.choose()
	n := len(g.values)
	e := &emitter{
		graph: g, code: &code{program: p, nullable: nullable, kernels: kernels, places: []place{{}}, forests: make([]array.Forest, len(p.Outputs))},
		at: make([]int, n), bound: make([]int, n), last: make([]int, n), filled: map[int]int{},
	}
	order := g.order()
	e.bind()
	e.lifetimes(order)
	for at, v := range order {
		if v < 0 {
			e.sink(^v, at)
		} else {
			e.value(v, at)
		}
	}
	e.tile = leaf
	if e.widest*leaf > registerBytes {
		e.tile = registerBytes / e.widest
	}
	e.weight = e.weigh()
	computes := e.computes()
	e.chains()
	e.single = e.alone()
	e.leaves = e.byLeaves()
	e.ahead = !e.single && computes
	return e.code
}

// bind lets values be computed straight into the results that they leave by: bound is 2*output+1 for the elements of an
// output, 2*output+2 for its validity, else 0.
func (e *emitter) bind() {
	bind := func(v, to int) {
		if v != none && e.bound[v] == 0 && !e.values[v].uniform {
			switch e.values[v].kind {
			case applied, fusedOp, gathered, gatheredValid, counted:
				e.bound[v] = to
			}
		}
	}
	for _, s := range e.sinks {
		if s.fold == nil && !s.check {
			bind(s.value, 2*s.output+1)
			bind(s.valid, 2*s.output+2)
		}
	}
}

// lifetimes finds where each value is read last; a result in its place reads nothing.
func (e *emitter) lifetimes(order []int) {
	for i := range e.last {
		e.last[i] = none
	}
	for at, v := range order {
		if v >= 0 {
			for _, a := range e.values[v].args {
				if a != none {
					e.last[a] = at
				}
			}
			continue
		}
		s := &e.sinks[^v]
		for k, a := range []int{s.value, s.valid} {
			if a != none && (s.fold != nil || s.check || e.bound[a] != 2*s.output+1+k) {
				e.last[a] = at
			}
		}
		if s.fold != nil && s.fold.with != none {
			e.last[s.fold.with] = at
		}
	}
}

// put adds a place.
func (c *code) put(p place) int {
	c.places = append(c.places, p)
	return len(c.places) - 1
}

// window adds a place in a block.
func (c *code) window(p place) int {
	at := c.put(p)
	w := window{
		place: at, index: p.index, size: p.dtype.Size(), result: p.kind >= inResult,
		validity: p.kind == inOperandValidity || p.kind == inResultValidity,
	}
	if p.bitmap() {
		c.bits = append(c.bits, w)
	} else {
		c.flat = append(c.flat, w)
	}
	return at
}

// take finds a register for elements of type d.
func (e *emitter) take(d array.DType) int {
	class := &e.free[0]
	if d == array.Bool {
		class = &e.free[1]
	}
	n := len(*class)
	if n == 0 {
		return e.fresh(d)
	}
	at := (*class)[n-1]
	*class = (*class)[:n-1]
	e.places[at].dtype = d
	e.widest = max(e.widest, width(d)/8)
	return at
}

// fresh makes a register that has held nothing before.
func (e *emitter) fresh(d array.DType) int {
	if d == array.Bool {
		e.masks++
		return e.put(place{inMask, e.masks - 1, d})
	}
	e.registers++
	e.widest = max(e.widest, d.Size())
	return e.put(place{inRegister, e.registers - 1, d})
}

// release gives back the register of a value that position at was the last to read.
func (e *emitter) release(v, at int) {
	if v == none || e.last[v] != at || e.values[v].kind == repeated {
		return
	}
	e.last[v] = none
	e.giveBack(e.at[v])
}

// giveBack makes a register free; other places stay.
func (e *emitter) giveBack(place int) {
	switch e.places[place].kind {
	case inRegister:
		e.free[0] = append(e.free[0], place)
	case inMask:
		e.free[1] = append(e.free[1], place)
	}
}

// value puts one value into its place, by a step where it is computed.
func (e *emitter) value(v, at int) {
	switch of := &e.values[v]; {
	case of.uniform:
		e.cell(v)
	case of.kind == operand:
		e.at[v] = e.window(place{inOperand, of.input, of.out})
	case of.kind == operandValid:
		e.at[v] = e.window(place{inOperandValidity, of.input, array.Bool})
	case of.kind == repeated:
		e.at[v] = e.fresh(of.out) // which no earlier step of a tile writes
		e.fills = append(e.fills, step{do: (*worker).fill, dst: e.at[v], x: e.at[of.args[0]], name: "fill", dtype: of.out})
	default:
		e.compute(v, at)
	}
}

// compute puts the step of a value that a tile computes. Its result may take the register of an operand that nothing
// reads later, if the elements are as large.
func (e *emitter) compute(v, at int) {
	of := &e.values[v]
	s := step{out: none, name: of.name(), dtype: of.out}
	switch of.kind {
	case applied, fusedOp:
		s.loop, s.of = e.loop(of), operation{of.kind, of.op, of.fused}
		s.slow = of.kind == applied && isSlow(of.op)
	case counted:
		s.do, s.input = (*worker).count, &e.code.program.Inputs[of.input]
	case gathered, gatheredValid:
		s.do, s.input = (*worker).gather, &e.code.program.Inputs[of.input]
		if of.out == array.Bool {
			s.do = (*worker).gatherBits
			if of.kind == gatheredValid {
				s.do = (*worker).gatherValidity
			}
		}
		s.axes = collapse(e.code.program.Domain, s.input.Strides)
	}
	for k, to := range []*int{&s.x, &s.y, &s.z} {
		if a := of.args[k]; a != none {
			*to = e.at[a]
		}
	}
	if b := e.bound[v]; b > 0 {
		s.dst = e.window(place{inResult + placeKind((b-1)%2), (b - 1) / 2, of.out})
		if b%2 == 1 && e.last[v] == none && s.loop != nil {
			s.stream, s.out = e.stream(of), (b-1)/2
		}
	} else {
		for _, a := range of.args {
			if a != none && width(e.values[a].out) == width(of.out) {
				e.release(a, at)
			}
		}
		s.dst = e.take(of.out)
	}
	for _, a := range of.args {
		e.release(a, at)
	}
	e.at[v] = s.dst
	e.steps = append(e.steps, s)
}

// isSlow reports whether an op takes several times as long as a sum.
func isSlow(op array.Op) bool {
	switch op {
	case array.Divide, array.Sqrt, array.Reciprocal, array.FloorDivide, array.Remainder, array.Fmod, array.Pow:
		return true
	}
	return op.Info().Go.Float == array.Library
}

// width is the bits of an element in a register.
func width(d array.DType) int {
	if d == array.Bool {
		return 1
	}
	return 8 * d.Size()
}

// cell puts a uniform value into a cell: a constant, what a launch fills in, or a step once a launch.
func (e *emitter) cell(v int) {
	of := &e.values[v]
	e.at[v] = e.put(place{inCell, len(e.cells), of.out})
	cell := len(e.cells)
	e.cells = append(e.cells, 0)
	switch of.kind {
	case constant:
		e.cells[cell] = cellBits(array.ScalarFromBits(of.out, of.bits))
	case scalar, scalarValid:
		e.scalars = append(e.scalars, scalarCell{cell, of.input, of.kind == scalarValid})
	default:
		s := step{loop: e.loop(of), dst: e.at[v], out: none, name: of.name(), dtype: of.out}
		for k, to := range []*int{&s.x, &s.y, &s.z} {
			if a := of.args[k]; a != none {
				*to = e.at[a]
			}
		}
		e.setup = append(e.setup, s)
	}
}

// sink puts the steps by which a value leaves: none where it is computed in the result.
func (e *emitter) sink(number, at int) {
	s := &e.sinks[number]
	if s.check {
		e.steps = append(e.steps, step{do: (*worker).fault, x: e.at[s.value], out: none, check: true, instr: s.instr, name: "check"})
		e.release(s.value, at)
		return
	}
	if s.fold != nil {
		e.reduction(s, at)
		return
	}
	e.store(s.value, 2*s.output+1, at)
	if s.valid == none {
		e.code.valid = append(e.code.valid, s.output)
	} else {
		e.store(s.valid, 2*s.output+2, at)
	}
}

// store copies or fills what is not in its result already.
func (e *emitter) store(v, to, at int) {
	if e.bound[v] == to {
		return
	}
	s := step{x: e.at[v], out: none, name: "copy", dtype: e.values[v].out}
	p := place{inResult + placeKind((to-1)%2), (to - 1) / 2, e.values[v].out}
	s.dst = e.window(p)
	switch {
	case e.values[v].uniform:
		s.do, s.name = (*worker).fill, "fill"
	case p.bitmap():
		s.loop = copyBits
	default:
		s.loop, s.stream, s.out = copier(p.dtype, func(dst, x []byte) { copy(dst, x) }), copier(p.dtype, e.code.kernels.CopyStream), p.index
	}
	e.steps = append(e.steps, s)
	e.release(v, at)
}

// copier makes a loop of a copy of bytes.
func copier(d array.DType, move func(dst, x []byte)) kern.Loop {
	size := d.Size()
	return func(dst, x, _, _ []byte, n int) { move(dst[:n*size], x[:n*size]) }
}

// copyBits copies n bits, whole words.
func copyBits(dst, x, _, _ []byte, n int) { copy(dst, x[:(n+63)/64*8]) }

// alone reports whether the code can go over a whole morsel at once: no registers, no folds, and nothing that two steps
// read, so that nothing is gained by coming back to it while it is in the cache.
func (e *emitter) alone() bool {
	if e.masks+len(e.folds) > 0 {
		return false
	}
	readBy := make([]int, len(e.places))
	for i := range e.steps {
		s := &e.steps[i]
		if s.loop == nil && s.chain == nil {
			return false
		}
		for _, p := range s.touches() {
			switch e.places[p].kind {
			case nowhere, inCell:
				continue
			case inRegister, inMask:
				return false
			}
			if readBy[p] != 0 && readBy[p] != i+1 {
				return false
			}
			readBy[p] = i + 1
		}
	}
	return true
}

// touches lists the places that a step reads or writes.
func (s *step) touches() []int {
	places := []int{s.dst, s.x, s.y, s.z}
	if s.chain != nil {
		for i := range s.chain.links {
			places = append(places, s.chain.links[i].m.place, s.chain.links[i].n.place)
		}
	}
	return places
}

// weigh is what the steps cost an element, in sums of what lies in the cache.
func (e *emitter) weigh() int {
	cost := 0
	for i := range e.steps {
		switch s := &e.steps[i]; {
		case s.of.kind == applied && s.of.op.Info().Go.Float == array.Library:
			cost += 16
		case s.slow:
			cost += 4
		default:
			cost++
		}
	}
	return cost
}

// computes reports whether the steps take at least twice as long as reading their operands from the cache. Then they hide
// what memory takes; else they wait for it in any order, and asking for more at once disturbs what the processor asks for
// itself. On a Zen 3, from memory: a polynomial and sqrt(x*x + y*y) take 0.85 of the time, sum(x*y) 1.4 and x*y + z - u 1.7.
func (e *emitter) computes() bool {
	operands := 0
	for i := range e.flat {
		if !e.flat[i].result {
			operands++
		}
	}
	return operands > 0 && e.weight >= 2*operands
}
