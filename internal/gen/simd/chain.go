package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// The links of chains (see kern.Chain) are routines that jump to each other: a chain in memory says which is next and where
// its operand lies. They share registers: the two accumulators of linkVectors vectors each, and the general ones below.
const linkVectors = 8

var (
	linkAt     = reg.RSI // of the link under way: its address, then its operands'
	linkFirst  = reg.RDI // of the chain
	linkOffset = reg.RAX // bytes of each operand that are done
	linkBytes  = reg.RCX // of each in all
	linkData   = reg.RBX
	linkMore   = reg.R8 // where the link's second operand lies
	linkNext   = reg.RDX
)

// link is a routine of a chain, for both accumulators.
type link struct {
	name  string
	text  string // A is the accumulator, B the other one, m and n the operands
	typed bool   // it depends on the element type
	write func(r *routine, d array.DType, a, other reg.VecPhysical, m, n operand.Mem)
	m, n  source // of the operands
}

// source is where a link's operand comes from.
type source int

const (
	nowhere source = iota
	memory         // a vector
	cell           // elements that are equal
	other          // the other accumulator
)

// linkOps are kern's link ops, in their order.
var linkOps = append([]link{
	{name: "Load", text: "A = m", write: linkLoad, m: memory},
	{name: "LoadCell", text: "A = m", write: linkLoad, m: cell},
	{name: "Store", text: "m = A", m: memory, write: func(r *routine, _ array.DType, a, _ reg.VecPhysical, m, _ operand.Mem) { r.VMOVUPS(a, m) }},
	{name: "Stream", text: "m = A, past the caches", m: memory, write: func(r *routine, _ array.DType, a, _ reg.VecPhysical, m, _ operand.Mem) {
		r.VMOVNTPS(a, m)
	}},
	{name: "Square", text: "A = A * A", typed: true, write: func(r *routine, d array.DType, a, _ reg.VecPhysical, _, _ operand.Mem) {
		(*routine).multiplies(r, d)(a, a, a)
	}},
	{name: "Sqrt", text: "A = sqrt(A)", typed: true, write: func(r *routine, d array.DType, a, _ reg.VecPhysical, _, _ operand.Mem) {
		of(d, nil, nil, nil, nil, r.VSQRTPS, r.VSQRTPD)(a, a)
	}},
}, append(arithmeticLinks(), fusedLinks()...)...)

func linkLoad(r *routine, _ array.DType, a, _ reg.VecPhysical, m, _ operand.Mem) { r.VMOVUPS(m, a) }

// arithmeticLinks are A = A op an operand, for a vector, a cell, and the other accumulator.
func arithmeticLinks() (all []link) {
	for _, op := range []struct {
		name, sign string
		of         func(*routine, array.DType) instruction
	}{
		{"Add", "+", (*routine).adds},
		{"Subtract", "-", (*routine).subtracts},
		{"Multiply", "*", (*routine).multiplies},
		{"Divide", "/", (*routine).divides},
	} {
		write := func(r *routine, d array.DType, a, _ reg.VecPhysical, m, _ operand.Mem) { op.of(r, d)(m, a, a) }
		both := func(r *routine, d array.DType, a, b reg.VecPhysical, _, _ operand.Mem) { op.of(r, d)(b, a, a) }
		text := "A = A " + op.sign + " m"
		all = append(all, link{name: op.name, text: text, typed: true, write: write, m: memory},
			link{name: op.name + "Cell", text: text, typed: true, write: write, m: cell},
			link{name: op.name + "Other", text: "A = A " + op.sign + " B", typed: true, write: both})
	}
	return all
}

// fusedLinks are A = A*m + n and A*m - n. What they save is a jump, and the adders work beside the multipliers.
func fusedLinks() (all []link) {
	words := map[source]string{memory: "", cell: "Cell", other: "Other"}
	for _, op := range []struct {
		name, sign string
		of         func(*routine, array.DType) instruction
	}{{"Add", "+", (*routine).adds}, {"Subtract", "-", (*routine).subtracts}} {
		for _, from := range []source{memory, cell, other} {
			for _, n := range []source{memory, cell} {
				l := link{
					name: "Multiply" + words[from] + op.name + words[n], text: "A = A*m " + op.sign + " n, the product rounded", typed: true, m: from, n: n,
					write: func(r *routine, d array.DType, a, b reg.VecPhysical, m, n operand.Mem) {
						if from == other {
							r.multiplies(d)(b, a, a)
						} else {
							r.multiplies(d)(m, a, a)
						}
						op.of(r, d)(n, a, a)
					},
				}
				if from == other {
					l.text = "A = A*B " + op.sign + " n, the product rounded"
				}
				all = append(all, l)
			}
		}
	}
	return all
}

func (r *routine) adds(d array.DType) instruction {
	return of(d, nil, nil, nil, nil, r.VADDPS, r.VADDPD)
}

func (r *routine) subtracts(d array.DType) instruction {
	return of(d, nil, nil, nil, nil, r.VSUBPS, r.VSUBPD)
}

func (r *routine) multiplies(d array.DType) instruction {
	return of(d, nil, nil, nil, nil, r.VMULPS, r.VMULPD)
}

func (r *routine) divides(d array.DType) instruction {
	return of(d, nil, nil, nil, nil, r.VDIVPS, r.VDIVPD)
}

// chainRoutines are the links, what begins and ends a chain, and what tells the links' addresses.
func chainRoutines(k *kernUnit) {
	for _, isa := range isas {
		r := k.unit.routine("chain", isa, "func(links *uintptr, bytes int)",
			fmt.Sprintf("runs links over bytes of each operand, a multiple of %d and not 0; the last one is linkEnd.", linkVectors*isa.width))
		r.Load(r.Param("links"), linkFirst)
		r.Load(r.Param("bytes"), linkBytes)
		r.XORQ(linkOffset, linkOffset)
		r.MOVQ(linkFirst, linkAt)
		r.jump()
		var names []string
		for _, b := range []bool{false, true} {
			for _, l := range linkOps {
				for _, d := range []array.DType{array.Float32, array.Float64} {
					if l.typed || d == array.Float32 {
						names = append(names, k.link(isa, l, b, d))
					} else {
						names = append(names, names[len(names)-1])
					}
				}
			}
		}
		names = append(names, k.linkEnd(isa))
		k.linkAddresses(isa, names)
	}
}

// jump goes to the link under way. For avo it ends the function, as it knows no jumps but to labels.
func (r *routine) jump() {
	r.MOVQ(operand.Mem{Base: linkAt}, linkNext)
	r.Instruction(&ir.Instruction{Opcode: "JMP", Operands: []operand.Op{linkNext}, Inputs: []operand.Op{linkNext}, IsTerminal: true})
}

// accumulator is the vectors of one of the two.
func accumulator(isa isa, second bool) []reg.VecPhysical {
	all := []reg.VecPhysical{
		reg.Y0, reg.Y1, reg.Y2, reg.Y3, reg.Y4, reg.Y5, reg.Y6, reg.Y7, reg.Y8, reg.Y9, reg.Y10, reg.Y11, reg.Y12, reg.Y13, reg.Y14, reg.Y15,
	}
	if isa == avx512 {
		all = []reg.VecPhysical{
			reg.Z0, reg.Z1, reg.Z2, reg.Z3, reg.Z4, reg.Z5, reg.Z6, reg.Z7, reg.Z8, reg.Z9, reg.Z10, reg.Z11, reg.Z12, reg.Z13, reg.Z14, reg.Z15,
		}
	}
	if second {
		return all[linkVectors:]
	}
	return all[:linkVectors]
}

// link writes one and gives its name.
func (k *kernUnit) link(isa isa, l link, second bool, d array.DType) string {
	name, text := "link"+l.name+"A", l.text
	if second {
		name, text = "link"+l.name+"B", strings.NewReplacer("A", "B", "B", "A").Replace(l.text)
	}
	if l.typed {
		name += goName(d)
	}
	r := k.unit.routine(name, isa, "func()", "is "+text+".")
	r.Attributes(attr.NOSPLIT | attr.NOFRAME)
	if l.m == memory || l.m == cell {
		r.MOVQ(operand.Mem{Base: linkAt, Disp: 8}, linkData)
	}
	if l.n != nowhere {
		r.MOVQ(operand.Mem{Base: linkAt, Disp: 16}, linkMore)
	}
	at := func(base reg.Register, from source, i int) operand.Mem {
		if from == cell {
			return operand.Mem{Base: base}
		}
		return operand.Mem{Base: base, Index: linkOffset, Scale: 1, Disp: i * isa.width}
	}
	mine, its := accumulator(isa, second), accumulator(isa, !second)
	for i, a := range mine {
		l.write(r, d, a, its[i], at(linkData, l.m, i), at(linkMore, l.n, i))
	}
	r.ADDQ(operand.U32(24), linkAt)
	r.jump()
	return name + isa.name
}

// linkEnd writes the link that begins the chain anew for the next elements, or returns to who called it.
func (k *kernUnit) linkEnd(isa isa) string {
	r := k.unit.routine("linkEnd", isa, "func()", "goes on with the chain's next elements, if there are any.")
	r.Attributes(attr.NOSPLIT | attr.NOFRAME)
	r.ADDQ(operand.U32(uint32(linkVectors*isa.width)), linkOffset)
	r.CMPQ(linkOffset, linkBytes)
	r.JAE(operand.LabelRef("done"))
	r.MOVQ(linkFirst, linkAt)
	r.jump()
	r.Label("done")
	r.end()
	return "linkEnd" + isa.name
}

// linkAddresses writes the routine that tells where the links are.
func (k *kernUnit) linkAddresses(isa isa, names []string) {
	r := k.unit.routine("linkAddresses", isa, "func(to *uintptr)", fmt.Sprintf("stores the addresses of the %d links.", len(names)))
	to, at := r.param("to"), r.GP64()
	for i, name := range names {
		r.LEAQ(operand.Mem{Symbol: operand.Symbol{Name: "·" + name}, Base: reg.StaticBase}, at)
		r.MOVQ(at, operand.Mem{Base: to, Disp: 8 * i})
	}
	r.RET()
}
