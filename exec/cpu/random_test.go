package cpu_test

import (
	"math/rand/v2"
	"slices"

	"github.com/darray-go/darray/array"
)

// part is the launch of elements [lo, hi).
func part(l *array.Launch, lo, hi int) *array.Launch {
	out := &array.Launch{Program: l.Program, Lo: lo, Hi: hi, Operands: slices.Clone(l.Operands)}
	for _, in := range l.Program.Inputs {
		if in.Kind == array.InputBlock {
			out.Operands[in.Slot] = l.Operands[in.Slot].Slice(lo, hi)
		}
	}
	return out
}

// randomLaunch is a well-formed program of up to twelve instructions over a domain of up to three axes.
func randomLaunch(rng *rand.Rand) *array.Launch {
	domains := []array.Shape{{3000}, {1025}, {5}, {7, 311}, {3, 5, 67}, {2, 1, 640}, {1, 1}, {}, {0, 3}, {40, 50, 2}}
	p := &array.Program{Domain: domains[rng.IntN(len(domains))]}
	l := &array.Launch{Program: p, Hi: p.Domain.Len()}
	for range 1 + rng.IntN(5) {
		randomInput(rng, l)
	}
	for range rng.IntN(13) {
		randomInstr(rng, p)
	}
	for range 1 + rng.IntN(4) {
		r := array.Reg(rng.IntN(p.Regs()))
		if rng.IntN(2) == 0 {
			r = array.Reg(p.Regs() - 1)
		}
		o := array.Output{Reg: r, DType: p.RegType(r)}
		if op := array.Sum + array.Op(rng.IntN(int(array.All-array.Sum)+1)); rng.IntN(2) == 0 && defined(op, o.DType) {
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

func randomInput(rng *rand.Rand, l *array.Launch) {
	p, d := l.Program, randomDType(rng)
	in := array.Input{Kind: array.InputKind(rng.IntN(4)), DType: d, Name: "x", Slot: len(l.Operands)}
	n := l.Hi
	switch in.Kind {
	case array.InputConst:
		in.Value = randomScalar(rng, d)
	case array.InputIota:
		if d == array.Bool {
			in.DType = array.Int32
		}
		in.Value, in.Step = randomScalar(rng, in.DType), randomScalar(rng, in.DType)
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
		l.Operands = append(l.Operands, randomBlock(rng, d, n, rng.IntN(20), rng.IntN(3)))
	}
	p.Inputs = append(p.Inputs, in)
}

// randomInstr adds an instruction whose operands are cast to a common type first.
func randomInstr(rng *rand.Rand, p *array.Program) {
	op := array.Op(rng.IntN(int(array.Sum)))
	d := randomDType(rng)
	if !defined(op, d) || op == array.Cast {
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
