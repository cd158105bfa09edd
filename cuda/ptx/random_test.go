package ptx_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// defined reports whether an op computes in d, by what Check says of a program of it.
func defined(op array.Op, d array.DType) bool {
	p := &array.Program{Domain: array.Shape{1}, Inputs: []array.Input{{DType: d}}, Outputs: []array.Output{{DType: d}}}
	if op.IsReduction() {
		p.Outputs[0].Reduce, p.Outputs[0].Op = true, op
		return p.Check() == nil
	}
	if op == array.Where || op == array.Cast {
		return true
	}
	instr := array.Instr{Op: op, In: d, Out: d, Dst: 1, Args: make([]array.Reg, op.Info().Arity)}
	if op.Info().Rule.GivesBool() {
		instr.Out = array.Bool
	}
	p.Code = []array.Instr{instr}
	return p.Check() == nil
}

// randomLaunch is a well-formed program of up to twelve instructions over a domain of up to three axes.
func randomLaunch(rng *rand.Rand) *array.Launch {
	domains := []array.Shape{{300}, {1025}, {5}, {7, 111}, {3, 5, 17}, {2, 1, 64}, {1, 1}, {}, {0, 3}, {40, 25, 2}, {33}, {31}}
	p := &array.Program{Domain: domains[rng.IntN(len(domains))]}
	l := &array.Launch{Program: p, Hi: p.Domain.Len()}
	for range 1 + rng.IntN(4) {
		randomInput(rng, l)
	}
	for range rng.IntN(13) {
		randomInstr(rng, p)
	}
	for range 1 + rng.IntN(3) {
		r := array.Reg(rng.IntN(p.Regs()))
		if rng.IntN(2) == 0 {
			r = array.Reg(p.Regs() - 1)
		}
		o := array.Output{Reg: r, DType: p.RegType(r)}
		if op := array.Sum + array.Op(rng.IntN(int(array.All-array.Sum)+1)); rng.IntN(3) == 0 && defined(op, o.DType) {
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

// randomNumber is one element of a random block.
func randomNumber(rng *rand.Rand, d array.DType) array.Scalar {
	x, _ := ref.Random(rng, d, array.Shape{1}, 0).Scalar(0)
	return x
}

func randomInput(rng *rand.Rand, l *array.Launch) {
	p, d := l.Program, randomDType(rng)
	in := array.Input{Kind: array.InputKind(rng.IntN(4)), DType: d, Name: "x", Slot: len(l.Operands)}
	shape := array.Shape{l.Hi}
	switch in.Kind {
	case array.InputConst:
		in.Value = randomNumber(rng, d)
	case array.InputIota:
		if d == array.Bool {
			in.DType = array.Int32
		}
		in.Value, in.Step = randomNumber(rng, in.DType), randomNumber(rng, in.DType)
	case array.InputBroadcast:
		shape = slices.Clone(p.Domain)
		for i := range shape {
			if rng.IntN(2) == 0 {
				shape[i] = 1
			}
		}
		shape = shape[rng.IntN(len(shape)+1):]
		in.Strides = shape.BroadcastStrides(p.Domain)
		shape = array.Shape{shape.Len()}
	}
	if in.Kind == array.InputBlock || in.Kind == array.InputBroadcast {
		l.Operands = append(l.Operands, ref.Random(rng, d, shape, float64(rng.IntN(3))/4))
	}
	p.Inputs = append(p.Inputs, in)
}

// randomInstr adds an instruction whose operands are cast to a common type first.
func randomInstr(rng *rand.Rand, p *array.Program) {
	op := array.Op(rng.IntN(int(array.Sum)))
	d := randomDType(rng)
	switch op {
	case array.SignBit, array.CopySign: // of a NaN that is computed, the sign is anybody's
		op = array.FillNull
	}
	if !defined(op, d) || op == array.Cast {
		op, d = array.FillNull, p.RegType(array.Reg(rng.IntN(p.Regs())))
	}
	instr := array.Instr{Op: op, In: d, Out: d}
	if op.Info().Rule.GivesBool() {
		instr.Out = array.Bool
	}
	for k := range op.Info().Arity {
		want := d
		if op == array.Where && k == 0 {
			want = array.Bool
		}
		instr.Args = append(instr.Args, as(p, array.Reg(rng.IntN(p.Regs())), want))
	}
	instr.Dst = array.Reg(p.Regs())
	p.Code = append(p.Code, instr)
}

// as is a register in type d.
func as(p *array.Program, r array.Reg, d array.DType) array.Reg {
	from := p.RegType(r)
	if from == d {
		return r
	}
	p.Code = append(p.Code, array.Instr{Op: array.Cast, In: from, Out: d, Dst: array.Reg(p.Regs()), Args: []array.Reg{r}})
	return array.Reg(p.Regs() - 1)
}

// randomOptions are a grid, operands that begin anywhere, and now and then validity that nothing needs.
func randomOptions(rng *rand.Rand, l *array.Launch) ptxtest.Options {
	o := ptxtest.Options{Grid: 1 + rng.IntN(3), Races: rng.IntN(4) == 0, Rest: byte(rng.IntN(2) * 0xFF), Nullable: l.Program.Nullable(l.Operands)}
	for _, b := range l.Operands {
		o.Lead = append(o.Lead, rng.IntN(2)*rng.IntN(9)*b.DType().Size())
	}
	for i := range o.Nullable {
		o.Nullable[i] = o.Nullable[i] || rng.IntN(5) == 0
	}
	return o
}

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

// randomPart is the launch of some elements, of whole leaves where there is a reduction.
func randomPart(rng *rand.Rand, l *array.Launch) *array.Launch {
	n := l.Hi
	unit := 1
	for _, o := range l.Program.Outputs {
		unit = max(unit, o.Unit())
	}
	lo := rng.IntN(n/unit+1) * unit
	hi := min(n, lo+rng.IntN((n-lo)/unit+2)*unit)
	return part(l, lo, hi)
}

func trial(t *testing.T, cpu *ptxtest.Processor, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	l := randomLaunch(rng)
	cpu.Compare(t, l, randomOptions(rng, l))
	if l.Hi > 0 {
		l = randomPart(rng, l)
		cpu.Compare(t, l, randomOptions(rng, l))
	}
}

// TestRandomPrograms holds kernels of random programs against the processor.
func TestRandomPrograms(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	for seed := range uint64(300 / stride) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { trial(t, cpu, seed) })
	}
}

// FuzzPrograms is it without an end.
func FuzzPrograms(f *testing.F) {
	f.Add(uint64(1))
	cpu := ptxtest.NewProcessor(f)
	f.Fuzz(func(t *testing.T, seed uint64) { trial(t, cpu, seed) })
}
