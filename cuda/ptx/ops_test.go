package ptx_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// counts are where groups, words, blocks and leaves begin and end.
var counts = []int{0, 1, 31, 32, 33, 255, 257, 1023, 1024, 1025}

// launchOf is a launch of one op over n elements, with operands of the kinds that follow each other.
func launchOf(rng *rand.Rand, op array.Op, in, out array.DType, n int, nulls float64, kinds ...array.InputKind) *array.Launch {
	p := &array.Program{Domain: array.Shape{n}}
	l := &array.Launch{Program: p, Hi: n}
	instr := array.Instr{Op: op, In: in, Out: out}
	for k := range op.Info().Arity {
		d := in
		if op == array.Where && k == 0 {
			d = array.Bool
		}
		kind := array.InputBlock
		if k < len(kinds) {
			kind = kinds[k]
		}
		input := array.Input{Kind: kind, DType: d, Name: "x", Slot: len(l.Operands)}
		shape := array.Shape{n}
		switch kind {
		case array.InputConst:
			input.Value = randomNumber(rng, d)
		case array.InputBroadcast:
			input.Strides, shape = []int{0}, array.Shape{1}
		}
		if kind != array.InputConst {
			l.Operands = append(l.Operands, ref.Random(rng, d, shape, nulls))
		}
		instr.Args = append(instr.Args, array.Reg(len(p.Inputs)))
		p.Inputs = append(p.Inputs, input)
	}
	instr.Dst = array.Reg(len(p.Inputs))
	p.Code = []array.Instr{instr}
	p.Outputs = []array.Output{{Reg: instr.Dst, DType: out}}
	return l
}

// TestOps runs every op over every type that it has, with nulls and without, over blocks, constants and single elements.
func TestOps(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(3, 5))
	turn := 0
	for _, op := range array.Ops() {
		if op.IsReduction() || op.IsScan() || op == array.Cast {
			continue
		}
		for _, d := range array.DTypes() {
			if !defined(op, d) {
				continue
			}
			t.Run(fmt.Sprint(op, " ", d), func(t *testing.T) {
				for _, nulls := range []float64{0, 0.3} {
					for _, kinds := range [][]array.InputKind{
						nil,
						{array.InputBlock, array.InputConst, array.InputBroadcast},
						{array.InputConst, array.InputBroadcast, array.InputBlock},
					} {
						if turn++; turn%stride != 0 {
							continue
						}
						l := launchOf(rng, op, d, resultOf(op, d), counts[turn/stride%len(counts)], nulls, kinds...)
						exact(t, cpu.Compare(t, l, randomOptions(rng, l)).Kernel.Text)
					}
				}
			})
		}
	}
}

// TestCasts converts between all types, the corners of each among the elements.
func TestCasts(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(7, 7))
	turn := 0
	for _, from := range array.DTypes() {
		for _, to := range array.DTypes() {
			t.Run(fmt.Sprint(from, " to ", to), func(t *testing.T) {
				l := launchOf(rng, array.Cast, from, to, 0, 0)
				x := corners(from)
				l.Hi, l.Program.Domain, l.Operands[0] = x.Len(), array.Shape{x.Len()}, x
				cpu.Compare(t, l, ptxtest.Options{})
				if turn++; turn%stride != 0 {
					return
				}
				l = launchOf(rng, array.Cast, from, to, 200, 0.3)
				cpu.Compare(t, l, randomOptions(rng, l))
			})
		}
	}
}

// corners are the values of a type around which conversions and functions change.
func corners(d array.DType) *array.Block {
	var xs []array.Scalar
	add := func(x array.Scalar) { xs = append(xs, x) }
	if d.Float() {
		for e := -1080; e <= 1024; e += 3 {
			add(array.ScalarOf(math.Ldexp(1, e)))
		}
		for e := range 66 {
			for _, f := range []float64{math.Ldexp(1, e), math.Ldexp(1, e) - 0.5, math.Ldexp(1, e) + 0.5, math.Nextafter(math.Ldexp(1, e), 0)} {
				add(array.ScalarOf(f))
				add(array.ScalarOf(float64(math.Nextafter32(float32(f), 0))))
			}
		}
		for _, f := range []float64{0, math.NaN(), math.Inf(1), math.MaxFloat64, math.MaxFloat32, 5e-324, 0x1p-149, 0x1p-126, 0x1p-1022, 1.5, 2.5, 3.5, math.Pi, 709.7, 88.7, 745.2, 103.9} {
			add(array.ScalarOf(f))
		}
		for _, x := range xs {
			add(array.ScalarOf(-x.Float()))
		}
	} else {
		for e := range 64 {
			for _, x := range []uint64{1 << e, 1<<e - 1, -(1 << e), -(1 << e) - 1, 1<<e + 1} {
				add(array.ScalarOf(x))
			}
		}
	}
	b := array.NewBlock(d, array.Shape{len(xs)}, false)
	for i, x := range xs {
		b.SetScalar(i, x.Cast(d), true)
	}
	return b
}

// TestFunctions runs every function of floats over corners and random bits.
func TestFunctions(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(9, 7))
	for _, op := range array.Ops() {
		if op.Info().Go.Float != array.Library {
			continue
		}
		for _, d := range []array.DType{array.Float32, array.Float64} {
			t.Run(fmt.Sprint(op, " ", d), func(t *testing.T) {
				const n = 3000 / stride
				l := launchOf(rng, op, d, d, n, 0)
				some := corners(d)
				for k := range l.Operands {
					b := array.NewBlock(d, array.Shape{n}, false)
					for i := range n {
						var x array.Scalar
						switch (i + k) % 4 {
						case 0:
							x, _ = some.Scalar(rng.IntN(some.Len()))
						case 1:
							x = array.ScalarOf(math.Float64frombits(rng.Uint64()))
							if d == array.Float32 {
								x = array.ScalarOf(math.Float32frombits(rng.Uint32()))
							}
						case 2:
							x = array.ScalarOf(rng.NormFloat64() * 2)
						default:
							x = array.ScalarOf(rng.NormFloat64() * math.Ldexp(1, rng.IntN(60)-20))
						}
						b.SetScalar(i, x.Cast(d), true)
					}
					l.Operands[k] = b
				}
				exact(t, cpu.Compare(t, l, ptxtest.Options{Grid: 2}).Kernel.Text)
			})
		}
	}
}
