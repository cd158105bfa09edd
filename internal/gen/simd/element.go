package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// form is a kern.Form: which operands of a loop are single elements.
type form struct {
	name   string
	scalar [3]bool
}

var (
	vv  = form{"VV", [3]bool{}}
	vs  = form{"VS", [3]bool{1: true}}
	sv  = form{"SV", [3]bool{0: true}}
	vsv = form{"VSV", [3]bool{1: true}}
	vvs = form{"VVS", [3]bool{2: true}}
	vss = form{"VSS", [3]bool{1: true, 2: true}}
)

// suffix is the part of a routine's name: nothing for VV.
func (f form) suffix() string {
	if f == vv {
		return ""
	}
	return f.name
}

// elementwise is an op that computes each lane from those of its operands.
type elementwise struct {
	op        array.Op
	dtypes    groups
	forms     []form
	constants func(r *routine, d array.DType) []vec // what the body needs in registers; may be nil
	body      func(r *routine, d array.DType, x, c []vec) vec
	stream    bool // by its nature bound by memory: streamed forms for floats
}

// Types that have a routine each, or one for several: a sum of integers has the same bits signed or not. The first of a
// group names it.
var (
	signless = groups{{array.Int8, array.Uint8}, {array.Int16, array.Uint16}, {array.Int32, array.Uint32}, {array.Int64, array.Uint64}}
	signed   = groups{{array.Int8}, {array.Int16}, {array.Int32}, {array.Int64}}
	unsigned = groups{{array.Uint8}, {array.Uint16}, {array.Uint32}, {array.Uint64}}
	floats   = groups{{array.Float32}, {array.Float64}}
)

type groups [][]array.DType

// vectors is how many vectors a loop takes at once: enough that its own counting is little, and 64 elements at most.
func (r *routine) vectors(d array.DType) int {
	return min(4, 64/r.lanes(d))
}

func elementKernels(k *kernUnit) {
	for _, e := range slices.Concat(elementwises, exactOps) {
		for _, isa := range isas {
			for _, d := range e.dtypes {
				for _, f := range e.forms {
					k.elementwise(e, isa, d, f, false)
					if e.stream && d[0].Float() {
						k.elementwise(e, isa, d, f, true)
					}
				}
			}
		}
	}
}

// elementwise writes one routine and notes it for every type that it serves.
func (k *kernUnit) elementwise(e elementwise, isa isa, group []array.DType, f form, stream bool) {
	d := group[0]
	name, table, how := lower(e.op.Info().Func)+goName(d)+f.suffix(), "element", ""
	if stream {
		name, table, how = name+"Stream", "stream", streamed
	}
	r := k.unit.routine(name, isa, loopSignature, fmt.Sprintf("is dst[i] = %s%s%s.", e.op, operandWords(e.op.Info().Arity, f), how))
	var constants []vec
	if e.constants != nil {
		constants = e.constants(r, d)
	}
	block := r.elements(d, e.op.Info().Arity, f, stream, func(x []vec) vec { return e.body(r, d, x, constants) })
	for _, s := range group {
		k.add(isa, table, name, block, "array."+e.op.Info().Func, "array."+goName(s), f.name)
	}
}

// elements writes the loop of an element-wise body whose operands and results are all of type d, and gives its block.
func (r *routine) elements(d array.DType, arity int, f form, stream bool, body func(x []vec) vec) int {
	dst, n := r.param("dst"), r.param("n")
	in := r.inputs(d, arity, f)
	vectors := r.vectors(d)
	r.loop("loop", n, vectors*r.lanes(d), func() {
		for v := range vectors {
			at := v * r.isa.width
			r.put(body(in.load(at)), operand.Mem{Base: dst, Disp: at}, stream)
		}
		in.advance(vectors * r.isa.width)
		r.ADDQ(operand.U32(uint32(vectors*r.isa.width)), dst)
	})
	r.end()
	return vectors * r.lanes(d)
}

// put stores or streams.
func (r *routine) put(v vec, to operand.Mem, stream bool) {
	if stream {
		r.stream(v, to)
	} else {
		r.store(v, to)
	}
}

// inputs are the operands of a loop: the address of each vector, or the scalar in every lane of a register.
type inputs struct {
	r         *routine
	addresses []reg.GPVirtual // nil for a scalar
	scalars   []vec
}

// inputs loads the arguments of an op whose operands are all of type d.
func (r *routine) inputs(d array.DType, arity int, f form) inputs {
	return r.inputsOf(d, f, []int{0, 1, 2}[:arity]...)
}

// inputsOf loads the arguments that are operands of type d, by number.
func (r *routine) inputsOf(d array.DType, f form, operands ...int) inputs {
	in := inputs{r: r}
	for _, i := range operands {
		address := r.param("xyz"[i : i+1])
		var scalar vec
		if f.scalar[i] {
			scalar, address = r.broadcast(d, operand.Mem{Base: address}), nil
		}
		in.addresses, in.scalars = append(in.addresses, address), append(in.scalars, scalar)
	}
	return in
}

// load gives a vector of each operand, from some bytes after their addresses on.
func (in inputs) load(at int) []vec {
	x := slices.Clone(in.scalars)
	for i, p := range in.addresses {
		if p != nil {
			x[i] = in.r.load(operand.Mem{Base: p, Disp: at})
		}
	}
	return x
}

// advance moves the addresses on.
func (in inputs) advance(bytes int) {
	for _, p := range in.addresses {
		if p != nil {
			in.r.ADDQ(operand.U32(uint32(bytes)), p)
		}
	}
}
