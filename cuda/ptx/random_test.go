package ptx_test

import (
	"fmt"
	"math/rand/v2"
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

// launches are random programs over small domains of up to three axes: they are interpreted.
var launches = ref.Launches{
	Domains: []array.Shape{{300}, {1025}, {5}, {7, 111}, {3, 5, 17}, {2, 1, 64}, {1, 1}, {}, {0, 3}, {40, 25, 2}, {33}, {31}},
	Defined: func(op array.Op, d array.DType) bool {
		// Of a NaN that is computed, the sign is anybody's.
		return op != array.SignBit && op != array.CopySign && defined(op, d)
	},
	Scalar: randomNumber,
	Block: func(rng *rand.Rand, d array.DType, n int) *array.Block {
		return ref.Random(rng, d, array.Shape{n}, float64(rng.IntN(3))/4)
	},
}

// randomNumber is one element of a random block.
func randomNumber(rng *rand.Rand, d array.DType) array.Scalar {
	x, _ := ref.Random(rng, d, array.Shape{1}, 0).Scalar(0)
	return x
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

// randomPart is the launch of some elements, of whole leaves where there is a reduction.
func randomPart(rng *rand.Rand, l *array.Launch) *array.Launch {
	n := l.Hi
	unit := 1
	for _, o := range l.Program.Outputs {
		unit = max(unit, o.Unit())
	}
	lo := rng.IntN(n/unit+1) * unit
	hi := min(n, lo+rng.IntN((n-lo)/unit+2)*unit)
	return ref.Part(l, lo, hi)
}

func trial(t *testing.T, cpu *ptxtest.Processor, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	l := launches.Random(rng)
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
