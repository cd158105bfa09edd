package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// foldSignature is kern's type simdFold.
const foldSignature = "func(s, x, y *byte, n int)"

// folding is a reduction with routines: how a value joins its lane.
type folding struct {
	op        array.Op
	ofs       []foldOf
	dtypes    groups
	constants func(r *routine, d array.DType) []vec // what join needs in registers; may be nil
	join      func(r *routine, d array.DType, lane, value vec, c []vec) vec
	joinAt    func(r *routine, d array.DType, lane vec, value operand.Mem) // the same in place, of a value in memory; may be nil
}

// foldOf is a kern.FoldOf: what is joined of an element of x and its partner.
type foldOf struct {
	name    string
	partner partner
	dtypes  []array.DType // that have it; nil for all
	value   func(r *routine, d array.DType, x, y reg.VecVirtual) reg.VecVirtual
}

// partner is what stands in a fold's y.
type partner int

const (
	alone   partner = iota // nothing
	element                // a vector
	single                 // one element
)

var (
	floatTypes = []array.DType{array.Float32, array.Float64}
	words      = groups{{array.Int64, array.Uint64}} // narrower integers are cast before they are summed

	ofX   = foldOf{name: "OfX"}
	ofAny = []foldOf{
		ofX,
		{"OfProduct", element, floatTypes, func(r *routine, d array.DType, x, y reg.VecVirtual) reg.VecVirtual {
			return r.times(d, x, y)
		}},
		{"OfSquare", alone, floatTypes, func(r *routine, d array.DType, x, _ reg.VecVirtual) reg.VecVirtual {
			return r.times(d, x, x)
		}},
		{"OfDeviation", single, []array.DType{array.Float64}, func(r *routine, d array.DType, x, y reg.VecVirtual) reg.VecVirtual {
			difference := r.subtract(d, x, y)
			return r.times(d, difference, difference)
		}},
	}

	foldings = []folding{
		{array.Sum, ofAny, slices.Concat(words, floats), nil, func(r *routine, d array.DType, lane, value vec, _ []vec) vec {
			return r.add(d, lane, value)
		}, func(r *routine, d array.DType, lane vec, value operand.Mem) {
			of(d, nil, nil, nil, r.VPADDQ, nil, r.VADDPD)(value, lane, lane)
		}},
		{array.Prod, []foldOf{ofX}, slices.Concat(words, floats), nil, func(r *routine, d array.DType, lane, value vec, _ []vec) vec {
			return r.multiply(d, lane, value, nil)
		}, nil},
		{array.Min, []foldOf{ofX}, numbers, extremeConstants, func(r *routine, d array.DType, lane, value vec, c []vec) vec {
			return r.minimum(d, lane, value, c)
		}, nil},
		{array.Max, []foldOf{ofX}, numbers, extremeConstants, func(r *routine, d array.DType, lane, value vec, c []vec) vec {
			return r.maximum(d, lane, value, c)
		}, nil},
	}
)

func foldKernels(k *kernUnit) {
	for _, isa := range isas {
		for _, f := range foldings {
			for _, group := range f.dtypes {
				for _, of := range f.ofs {
					if of.name != ofX.name && !slices.Contains(of.dtypes, group[0]) {
						continue
					}
					if acc := array.AccumulatorType(f.op, group[0]); acc.Size()*array.Lanes >= isa.width { // else AVX2 serves
						k.fold(f, of, isa, group, acc)
						if of.partner != single {
							k.leaves(f, of, isa, group, acc)
						}
					}
				}
			}
		}
	}
}

// folded is a fold under construction.
type folded struct {
	asm *routine
	folding
	of        foldOf
	d, acc    array.DType
	x, y      reg.GPVirtual
	same      vec // y where it is a single element
	constants []vec
}

// folded loads the arguments that are folded.
func (k *kernUnit) folded(r *routine, f folding, of foldOf, d, acc array.DType) *folded {
	out := &folded{asm: r, folding: f, of: of, d: d, acc: acc, x: r.param("x")}
	switch of.partner {
	case element:
		out.y = r.param("y")
	case single:
		out.same = r.broadcast(d, operand.Mem{Base: r.param("y")})
	}
	if f.constants != nil {
		out.constants = f.constants(r, acc)
	}
	return out
}

// nameOf is the name of what is folded, and what is joined of an element.
func (of foldOf) nameOf(f folding, d array.DType) (name, value string) {
	name, value = f.op.Info().Func+goName(d), "x[i]"
	if of.name != ofX.name {
		name += of.name
		value = map[string]string{"OfProduct": "x[i]*y[i]", "OfSquare": "x[i]*x[i]", "OfDeviation": "(x[i]-y[0])*(x[i]-y[0])"}[of.name]
	}
	return name, value
}

// turn is the vectors of lanes that one turn of the loop joins, and their elements.
func (f *folded) turn() (vectors, elements int) {
	all := f.lanesOf()
	turns := max(1, 4/all)
	return turns * all, turns * array.Lanes
}

// lanesOf is the vectors that hold the lanes.
func (f *folded) lanesOf() int { return array.Lanes * f.acc.Size() / f.asm.isa.width }

// over joins n elements to the lanes and moves x and y on.
func (f *folded) over(n reg.GPVirtual, lanes []vec) {
	vectors, elements := f.turn()
	f.asm.loop("loop", n, elements, func() {
		for at := range vectors {
			lane := lanes[at%len(lanes)]
			f.asm.VMOVAPS(f.join(f.asm, f.acc, lane, f.value(f.x, f.y, at), f.constants), lane)
		}
		f.asm.ADDQ(operand.U32(uint32(elements*f.d.Size())), f.x)
		if f.of.partner == element {
			f.asm.ADDQ(operand.U32(uint32(elements*f.d.Size())), f.y)
		}
	})
}

// value is what is joined to vector at of the lanes, of the elements from x and y on.
func (f *folded) value(x, y reg.GPVirtual, at int) vec {
	step := f.asm.isa.width / f.acc.Size() * f.d.Size() // bytes of the elements that make a vector of lanes
	var partner reg.VecVirtual
	if partner = f.same; f.of.partner == element {
		partner = f.asm.loadBytes(operand.Mem{Base: y, Disp: at * step}, step)
	}
	v := f.asm.loadBytes(operand.Mem{Base: x, Disp: at * step}, step)
	if f.of.value != nil {
		v = f.of.value(f.asm, f.d, v, partner)
	}
	if f.d != f.acc {
		wide := f.asm.vec()
		f.asm.VCVTPS2PD(v, wide)
		v = wide
	}
	return v
}

// fold writes one routine. The lanes of the leaf stay in registers from the first element to the last.
func (k *kernUnit) fold(f folding, of foldOf, isa isa, group []array.DType, acc array.DType) {
	name, value := of.nameOf(f, group[0])
	name = lower(name)
	r := k.unit.routine(name, isa, foldSignature, fmt.Sprintf("joins %s to lane i mod %d of s by %s.", value, array.Lanes, f.op))
	state, n := r.param("s"), r.param("n")
	this := k.folded(r, f, of, group[0], acc)
	lanes := make([]vec, this.lanesOf())
	for i := range lanes {
		lanes[i] = r.load(operand.Mem{Base: state, Disp: i * isa.width})
	}
	this.over(n, lanes)
	for i, lane := range lanes {
		r.store(lane, operand.Mem{Base: state, Disp: i * isa.width})
	}
	r.end()
	_, block := this.turn()
	for _, s := range group {
		k.add(isa, "fold", name, block, "array."+f.op.Info().Func, "array."+goName(s), of.name)
	}
}

// register is a register of some bytes.
func (r *routine) register(bytes int) reg.VecVirtual {
	switch bytes {
	case 64:
		return r.ZMM()
	case 32:
		return r.YMM()
	}
	return r.XMM()
}

// loadBytes loads 16, 32 or 64 bytes.
func (r *routine) loadBytes(from operand.Mem, bytes int) reg.VecVirtual {
	v := r.register(bytes)
	r.VMOVUPS(from, v)
	return v
}

// times is x*y in registers of any size.
func (r *routine) times(d array.DType, x, y reg.VecVirtual) reg.VecVirtual {
	v := r.register(int(x.Size()))
	of(d, nil, nil, nil, nil, r.VMULPS, r.VMULPD)(y, x, v)
	return v
}
