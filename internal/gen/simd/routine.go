package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"

	"github.com/darray-go/darray/array"
)

// isa is an instruction set that routines are written in.
type isa struct {
	name  string
	width int // bytes of a vector register
}

var (
	avx2   = isa{"AVX2", 32}
	avx512 = isa{"AVX512", 64}
	isas   = []isa{avx2, avx512}
)

// unit is an assembly file under construction, and the Go file that declares its routines.
type unit struct {
	ctx       *build.Context
	name      string // of the files: z<name>_amd64.s and z<name>_amd64.go
	pkg       string
	constants map[string]operand.Mem
	names     []string
}

func newUnit(pkg, name string) *unit {
	return &unit{ctx: build.NewContext(), name: name, pkg: pkg, constants: map[string]operand.Mem{}}
}

// texts are the two files.
func (u *unit) texts() (assembly, stubs []byte, err error) {
	file, err := u.ctx.Result()
	if err == nil {
		err = pass.Compile.Execute(file)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", u.name, err)
	}
	for _, f := range file.Functions() {
		f.Nodes = slices.DeleteFunc(f.Nodes, selfMove)
		for _, extension := range f.ISA {
			if strings.HasSuffix(f.Name, avx2.name) && strings.HasPrefix(extension, "AVX512") {
				return nil, nil, fmt.Errorf("%s needs %s", f.Name, extension)
			}
		}
		if strings.HasSuffix(f.Name, avx2.name) && slices.ContainsFunc(f.Nodes, upperRegister) {
			return nil, nil, fmt.Errorf("%s needs more than 16 registers", f.Name)
		}
	}
	cfg := printer.Config{Name: "internal/gen/simd", Pkg: u.pkg}
	if assembly, err = printer.NewGoAsm(cfg).Print(file); err != nil {
		return nil, nil, err
	}
	stubs, err = printer.NewStubs(cfg).Print(file)
	return assembly, stubs, err
}

// selfMove reports a move of a vector to where it is: what a loop carries over often is.
func selfMove(n ir.Node) bool {
	i, ok := n.(*ir.Instruction)
	return ok && i.Opcode == "VMOVAPS" && len(i.Operands) == 2 && i.Operands[0] == i.Operands[1]
}

// upperRegister reports an instruction on one of the registers that only AVX-512 has.
func upperRegister(n ir.Node) bool {
	i, ok := n.(*ir.Instruction)
	return ok && slices.ContainsFunc(append(i.InputRegisters(), i.OutputRegisters()...), func(r reg.Register) bool {
		p, ok := r.(reg.Physical)
		return ok && p.Kind() == reg.KindVector && p.PhysicalIndex() > 15
	})
}

// vec is a vector register, as wide as the routine's instruction set has them.
type vec = reg.VecVirtual

// routine is a function under construction. Its methods write instructions for the vectors of its instruction set, so that
// one description serves all; what only one of them has is written by the instruction's name. Results are new registers.
// It alone embeds avo's Context: each type that does costs the compiler seconds for methods by the thousand.
type routine struct {
	*build.Context
	unit *unit
	isa  isa
}

// routine begins a function: its name is that of the loop and of the instruction set. doc says what the loop computes.
func (u *unit) routine(name string, isa isa, signature, doc string) *routine {
	name += isa.name
	u.ctx.Function(name)
	u.Attributes(attr.NOSPLIT)
	u.ctx.SignatureExpr(signature)
	u.ctx.Pragma("noescape")
	u.ctx.Doc(name + " " + doc)
	u.names = append(u.names, name)
	return &routine{u.ctx, u, isa}
}

// Attributes sets those of the function that was begun last.
func (u *unit) Attributes(a attr.Attribute) { u.ctx.Attributes(a) }

// end is the end of the function.
func (r *routine) end() {
	r.VZEROUPPER()
	r.RET()
}

// param loads an argument of the function.
func (r *routine) param(name string) reg.GPVirtual {
	p := r.GP64()
	r.Load(r.Param(name), p)
	return p
}

// loop writes body and repeats it until n, which goes down by block each time, is 0. It runs once at least.
func (r *routine) loop(label string, n reg.GPVirtual, block int, body func()) {
	r.Label(label)
	body()
	r.SUBQ(operand.U32(uint32(block)), n)
	r.JNE(operand.LabelRef(label))
}

// lanes is how many elements of type d a vector has.
func (r *routine) lanes(d array.DType) int { return r.isa.width / d.Size() }

// vec is a register that nothing is in yet.
func (r *routine) vec() vec {
	if r.isa == avx512 {
		return r.ZMM()
	}
	return r.YMM()
}

// load, store and stream move a vector; stream past the caches, to an address that is a multiple of its size.
func (r *routine) load(from operand.Mem) vec {
	v := r.vec()
	r.VMOVUPS(from, v)
	return v
}

func (r *routine) store(v vec, to operand.Mem)  { r.VMOVUPS(v, to) }
func (r *routine) stream(v vec, to operand.Mem) { r.VMOVNTPS(v, to) }

// broadcast loads one element into every lane.
func (r *routine) broadcast(d array.DType, from operand.Mem) vec {
	v := r.vec()
	switch d.Size() {
	case 1:
		r.VPBROADCASTB(from, v)
	case 2:
		r.VPBROADCASTW(from, v)
	case 4:
		r.VPBROADCASTD(from, v)
	case 8:
		r.VPBROADCASTQ(from, v)
	}
	return v
}

// zero is a register of zeros.
func (r *routine) zero() vec {
	v := r.vec()
	r.VXORPS(v, v, v)
	return v
}

// every has the same value of size bytes in every lane, for a mask or the like.
func (r *routine) every(size int, bits uint64) vec {
	for ; size < 8; size *= 2 {
		bits = bits&(1<<(8*size)-1) | bits<<(8*size)
	}
	v := r.vec()
	r.VPBROADCASTQ(r.constant([]uint64{bits}), v)
	return v
}

// constant is the address of words in read-only memory, each sequence of words there once. Floats come by their bits:
// avo prints whole floats as integers.
func (u *unit) constant(words []uint64) operand.Mem {
	key := fmt.Sprintf("%x", words)
	if at, ok := u.constants[key]; ok {
		return at
	}
	at := u.ctx.StaticGlobal(fmt.Sprintf("%sConstant%d", u.name, len(u.constants)))
	u.ctx.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, w := range words {
		u.ctx.AddDatum(8*i, operand.U64(w))
	}
	u.constants[key] = at
	return at
}

func (r *routine) constant(words []uint64) operand.Mem { return r.unit.constant(words) }

// perLane is a vector whose lane i of size bytes has the value of i.
func (r *routine) perLane(size int, value func(i int) uint64) vec {
	words := make([]uint64, r.isa.width/8)
	for i := range r.isa.width / size {
		words[i*size/8] |= value(i) & (1<<(8*size) - 1) << (8 * (i * size % 8))
	}
	return r.load(r.constant(words))
}

// instruction is one by its name, operands as avo wants them: the destination last.
type instruction func(...operand.Op)

// of picks the instruction for elements of type d: those on 1, 2, 4 and 8 bytes and on float32 and float64.
func of(d array.DType, b, w, l, q, ps, pd instruction) instruction {
	switch {
	case d == array.Float32:
		return ps
	case d == array.Float64:
		return pd
	}
	return map[int]instruction{1: b, 2: w, 4: l, 8: q}[d.Size()]
}

// do writes an instruction on vectors; as in Go's expressions and Intel's manuals the left operand comes first.
func (r *routine) do(op instruction, operands ...operand.Op) vec {
	if op == nil {
		panic("no such instruction for the type")
	}
	v := r.vec()
	operands = slices.Clone(operands)
	slices.Reverse(operands)
	op(append(operands, v)...)
	return v
}
