package ref

import (
	"math/rand/v2"
	"slices"

	"github.com/darray-go/darray/array"
)

// Launches makes random launches of fused programs, for tests of whatever runs them. All fields are needed.
type Launches struct {
	Domains []array.Shape
	Defined func(op array.Op, d array.DType) bool // the ops and reductions to use, and the types that they compute in
	Scalar  func(rng *rand.Rand, d array.DType) array.Scalar
	Block   func(rng *rand.Rand, d array.DType, n int) *array.Block
}

// Random is a launch of all elements of a well-formed program: one to five inputs, up to twelve instructions, one to four outputs.
func (g *Launches) Random(rng *rand.Rand) *array.Launch {
	p := &array.Program{Domain: g.Domains[rng.IntN(len(g.Domains))]}
	l := &array.Launch{Program: p, Hi: p.Domain.Len()}
	for range 1 + rng.IntN(5) {
		g.input(rng, l)
	}
	for range rng.IntN(13) {
		g.instr(rng, p)
	}
	for range 1 + rng.IntN(4) {
		r := array.Reg(rng.IntN(p.Regs()))
		if rng.IntN(2) == 0 {
			r = array.Reg(p.Regs() - 1)
		}
		o := array.Output{Reg: r, DType: p.RegType(r)}
		if op := array.Sum + array.Op(rng.IntN(int(array.All-array.Sum)+1)); rng.IntN(2) == 0 && g.Defined(op, o.DType) {
			o.Reduce, o.Op = true, op
		}
		p.Outputs = append(p.Outputs, o)
	}
	return l
}

func randomDType(rng *rand.Rand) array.DType {
	d := array.DTypes()
	return d[rng.IntN(len(d))]
}

func (g *Launches) input(rng *rand.Rand, l *array.Launch) {
	p, d := l.Program, randomDType(rng)
	in := array.Input{Kind: array.InputKind(rng.IntN(4)), DType: d, Name: "x", Slot: len(l.Operands)}
	n := l.Hi
	switch in.Kind {
	case array.InputConst:
		in.Value = g.Scalar(rng, d)
	case array.InputIota:
		if d == array.Bool {
			in.DType = array.Int32
		}
		in.Value, in.Step = g.Scalar(rng, in.DType), g.Scalar(rng, in.DType)
	case array.InputBroadcast:
		shape := slices.Clone(p.Domain)
		for i := range shape {
			if rng.IntN(2) == 0 {
				shape[i] = 1
			}
		}
		shape = shape[rng.IntN(len(shape)+1):]
		in.Strides, n = shape.BroadcastStrides(p.Domain), shape.Len()
	}
	if in.Kind == array.InputBlock || in.Kind == array.InputBroadcast {
		l.Operands = append(l.Operands, g.Block(rng, d, n))
	}
	p.Inputs = append(p.Inputs, in)
}

// instr adds an instruction whose operands are cast to a common type first.
func (g *Launches) instr(rng *rand.Rand, p *array.Program) {
	op := array.Op(rng.IntN(int(array.Sum)))
	d := randomDType(rng)
	if op == array.Cast || !g.Defined(op, d) {
		op, d = array.FillNull, p.RegType(array.Reg(rng.IntN(p.Regs())))
	}
	instr := array.Instr{Op: op, In: d, Out: d}
	if op.Info().Rule.GivesBool() {
		instr.Out = array.Bool
	}
	for k := range op.Info().Arity {
		a, want := array.Reg(rng.IntN(p.Regs())), d
		if op == array.Where && k == 0 {
			want = array.Bool
		}
		if from := p.RegType(a); from != want {
			cast := array.Instr{Op: array.Cast, In: from, Out: want, Dst: array.Reg(p.Regs()), Args: []array.Reg{a}}
			p.Code = append(p.Code, cast)
			a = cast.Dst
		}
		instr.Args = append(instr.Args, a)
	}
	instr.Dst = array.Reg(p.Regs())
	p.Code = append(p.Code, instr)
}

// Part is the launch of elements [lo, hi) of one of all elements; it shares the operands' memory.
func Part(l *array.Launch, lo, hi int) *array.Launch {
	out := &array.Launch{Program: l.Program, Lo: lo, Hi: hi, Operands: slices.Clone(l.Operands)}
	for _, in := range l.Program.Inputs {
		if in.Kind == array.InputBlock {
			out.Operands[in.Slot] = l.Operands[in.Slot].Slice(lo, hi)
		}
	}
	return out
}
