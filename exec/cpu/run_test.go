package cpu_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/internal/ref/bitwise"
)

// TestMalformed spoils a launch that runs, one thing at a time.
func TestMalformed(t *testing.T) {
	for name, spoil := range map[string]func(*array.Launch){
		"no program":            func(l *array.Launch) { l.Program = nil },
		"negative domain":       func(l *array.Launch) { l.Program.Domain = array.Shape{-1} },
		"part outside":          func(l *array.Launch) { l.Hi = 3000 },
		"part reversed":         func(l *array.Launch) { l.Lo = 2048 },
		"leaf cut":              func(l *array.Launch) { l.Program.Domain = array.Shape{4000} },
		"input type":            func(l *array.Launch) { l.Program.Inputs[0].DType = array.Float64 },
		"invalid type":          func(l *array.Launch) { l.Program.Inputs[0].DType = 200 },
		"input kind":            func(l *array.Launch) { l.Program.Inputs[0].Kind = 9 },
		"slot":                  func(l *array.Launch) { l.Program.Inputs[0].Slot = 7 },
		"negative slot":         func(l *array.Launch) { l.Program.Inputs[0].Slot = -1 },
		"constant's type":       func(l *array.Launch) { l.Program.Inputs[2].Value = array.ScalarOf(1.5) },
		"strides":               func(l *array.Launch) { l.Program.Inputs[1].Strides = nil },
		"negative stride":       func(l *array.Launch) { l.Program.Inputs[1].Strides = []int{-1} },
		"far stride":            func(l *array.Launch) { l.Program.Inputs[1].Strides = []int{1 << 61} },
		"stride out of operand": func(l *array.Launch) { l.Program.Inputs[1].Strides = []int{2} },
		"register order":        func(l *array.Launch) { l.Program.Code[0].Dst = 9 },
		"register ahead":        func(l *array.Launch) { l.Program.Code[0].Args[0] = 3 },
		"negative register":     func(l *array.Launch) { l.Program.Code[0].Args[0] = -1 },
		"operand count":         func(l *array.Launch) { l.Program.Code[0].Args = l.Program.Code[0].Args[:1] },
		"no such op":            func(l *array.Launch) { l.Program.Code[0].Op = 250 },
		"reduction as op":       func(l *array.Launch) { l.Program.Code[0].Op = array.Sum },
		"op not for type":       func(l *array.Launch) { l.Program.Code[0].Op = array.Divide },
		"out type":              func(l *array.Launch) { l.Program.Code[0].Out = array.Int8 },
		"output register":       func(l *array.Launch) { l.Program.Outputs[0].Reg = 77 },
		"output type":           func(l *array.Launch) { l.Program.Outputs[0].DType = array.Int8 },
		"no such reduction":     func(l *array.Launch) { l.Program.Outputs[1].Op = array.Any },
		"op as reduction":       func(l *array.Launch) { l.Program.Outputs[1].Op = array.Add },
		"no operand":            func(l *array.Launch) { l.Operands[0] = nil },
		"short operand":         func(l *array.Launch) { l.Operands[0] = l.Operands[0].Slice(0, 5) },
		"short result":          func(l *array.Launch) { l.Results[0] = l.Results[0].Slice(0, 5) },
		"no result":             func(l *array.Launch) { l.Results[0] = nil },
		"few results":           func(l *array.Launch) { l.Results = l.Results[:1] },
		"no validity":           func(l *array.Launch) { l.Results[0] = array.NewBlock(array.Int64, array.Shape{2000}, false) },
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(8, 9))
			fresh := func() *array.Launch {
				return &array.Launch{
					Program: &array.Program{
						Domain: array.Shape{2000},
						Inputs: []array.Input{
							{DType: array.Int64, Name: "x"},
							{DType: array.Int64, Name: "y", Kind: array.InputBroadcast, Slot: 1, Strides: []int{1}},
							{DType: array.Int64, Kind: array.InputConst, Value: array.ScalarOf(3)},
						},
						Code: []array.Instr{
							{Op: array.Add, In: array.Int64, Out: array.Int64, Dst: 3, Args: []array.Reg{0, 1}},
							{Op: array.Multiply, In: array.Int64, Out: array.Int64, Dst: 4, Args: []array.Reg{3, 2}},
						},
						Outputs: []array.Output{{Reg: 4, DType: array.Int64}, {Reg: 3, DType: array.Int64, Reduce: true, Op: array.Sum}},
					},
					Hi:       2000,
					Operands: []*array.Block{randomBlock(rng, array.Int64, 2000, 0, someNulls), randomBlock(rng, array.Int64, 2000, 0, noNulls)},
				}
			}
			launch(t, device(t, 1, kern.Best()), fresh(), 0)
			l := fresh()
			results(l, 0)
			spoil(l)
			if _, err := device(t, 1, kern.Best()).Run(context.Background(), l); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestReference holds the loops, and with them the oracle, against the evaluator that defines every op.
func TestReference(t *testing.T) {
	device := device(t, 1, kern.Best())
	for _, op := range array.Ops() {
		for _, d := range array.DTypes() {
			if !defined(op, d) || op == array.Cast {
				continue
			}
			rng := rand.New(rand.NewPCG(uint64(op), uint64(d)))
			l := single(rng, op, d, 1100, 3, someNulls)
			args := make([]*array.Node, len(l.Operands))
			for i, b := range l.Operands {
				args[i] = array.Data(b, 0)
			}
			node := array.Apply(op, 0, args...)
			want, err := bitwise.Eval(node)
			if err != nil {
				t.Fatalf("%s of %s: %v", op, d, err)
			}
			forests := launch(t, device, l, 0)
			got := l.Results[0]
			if op.IsReduction() {
				got = array.NewBlock(node.DType(), nil, true)
				values, validity, _ := got.Raw()
				value, ok := forests[0].Result(op, array.AccumulatorType(op, d), node.DType())
				if put(values, node.DType(), 0, value); !ok {
					validity[0] = 0
				}
			}
			if err := ref.Equal(got.DropValidity(), want.DropValidity()); err != nil {
				t.Errorf("%s of %s: %v", op, d, err)
			}
		}
	}
}

// FuzzISAs holds that all instruction sets give the same bits, NaN for NaN.
func FuzzISAs(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed, seed*3)
	}
	f.Fuzz(func(t *testing.T, seed, stream uint64) {
		sameOnAll(t, launches.Random(rand.New(rand.NewPCG(seed, stream))))
	})
}

func sameOnAll(t *testing.T, l *array.Launch) {
	t.Helper()
	var want []array.Forest
	var blocks []*array.Block
	if misemulated(l.Program) {
		return
	}
	sets := isas()
	if sets[0] != kern.Go {
		sets = append([]kern.ISA{kern.Go}, sets...)
	}
	for _, isa := range sets {
		results(l, 3)
		forests, err := device(t, 1, isa).Run(context.Background(), l)
		if err != nil {
			t.Fatalf("%s: %v", isa, err)
		}
		if isa == kern.Go {
			want, blocks = forests, l.Results
			continue
		}
		for i, o := range l.Program.Outputs {
			if o.Reduce {
				if acc := array.AccumulatorType(o.Op, o.DType); !sameForest(acc, forests[i], want[i]) {
					t.Fatalf("%s: %s gives %v, go %v", l.Program, isa, forests[i], want[i])
				}
			} else if err := ref.Equal(l.Results[i], blocks[i]); err != nil {
				t.Fatalf("%s: %s and go: %v", l.Program, isa, err)
			}
		}
	}
}

// FuzzRun spoils a random program at random places: it must end in an error or in the oracle's results, not in a panic.
func FuzzRun(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, []byte{byte(seed), 0, 3, byte(seed * 7), 1, 255})
	}
	f.Add(uint64(46), []byte("B00A0 ")) // an argmin whose operand has fewer strides than there are axes
	f.Fuzz(func(t *testing.T, seed uint64, spoil []byte) {
		l := launches.Random(rand.New(rand.NewPCG(seed, 7)))
		results(l, 0)
		for ; len(spoil) >= 3; spoil = spoil[3:] {
			at, value := int(spoil[1]), int(int8(spoil[2]))
			p := l.Program
			in, out := &p.Inputs[at%len(p.Inputs)], &p.Outputs[at%len(p.Outputs)]
			switch spoil[0] % 12 {
			case 0:
				in.DType = array.DType(value)
			case 1:
				in.Kind = array.InputKind(value)
			case 2:
				in.Slot = value
			case 3:
				in.Strides = append(in.Strides, value)
			case 4:
				out.Reg = array.Reg(value)
			case 5:
				out.Op, out.Reduce = array.Op(value), value%2 == 0
			case 6:
				p.Domain = append(p.Domain, value)
			case 7:
				l.Lo = value
			case 8:
				l.Hi += value
			}
			if len(p.Code) > 0 {
				instr := &p.Code[at%len(p.Code)]
				switch spoil[0] % 12 {
				case 9:
					instr.Op = array.Op(value)
				case 10:
					instr.In, instr.Out = array.DType(value), array.DType(at)
				case 11:
					instr.Args[at%len(instr.Args)] = array.Reg(value)
				}
			}
		}
		if forests, err := device(t, 1, isas()[seed%uint64(len(isas()))]).Run(context.Background(), l); err == nil {
			verify(t, l, forests)
		}
	})
}
