package cpu_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// sizes are around bytes, words and chunks.
var sizes = []int{0, 1, 7, 8, 9, 63, 64, 65, 1023, 1024, 1025, 3000}

// results makes blocks for a launch that begin inside larger ones.
func results(l *array.Launch, offset int) {
	nullable := l.Program.Nullable(l.Operands)
	n := l.Hi - l.Lo
	l.Results = make([]*array.Block, len(l.Program.Outputs))
	for i, o := range l.Program.Outputs {
		if !o.Reduce {
			l.Results[i] = array.NewBlock(o.DType, array.Shape{n + offset + 5}, nullable[i]).Slice(offset, offset+n)
		}
	}
}

// launch runs and compares with the oracle.
func launch(t *testing.T, d *cpu.Device, l *array.Launch, offset int) []array.Forest {
	t.Helper()
	results(l, offset)
	forests, err := d.Run(context.Background(), l)
	if err != nil {
		t.Fatalf("%s: %v", l.Program, err)
	}
	verify(t, l, forests)
	return forests
}

// defined reports whether a program can have the op on operands of type d.
func defined(op array.Op, d array.DType) bool {
	text := op.Info().Go
	switch {
	case op == array.Where || op == array.FillNull || op == array.IsNull || op == array.Count:
		return true
	case op.Info().Rule == array.RuleSum && d.Integer():
		return d.Size() == 8
	case d.Integer():
		return text.Int != ""
	case d.Float():
		return text.Float != ""
	}
	return text.Bool != ""
}

// TestOps runs every op on every element type by itself.
func TestOps(t *testing.T) {
	device := cpu.New(1)
	for _, op := range array.Ops() {
		for _, d := range array.DTypes() {
			if !defined(op, d) || op == array.Cast {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", op, d), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(op), uint64(d)))
				for k, n := range sizes {
					for nulls := range 3 {
						if n > 1000 && nulls != (k+int(op)+int(d))%3 {
							continue // a long one each, to be quick
						}
						launch(t, device, single(rng, op, d, n, k+nulls, nulls), (k+nulls)%11)
					}
				}
			})
		}
	}
}

// single is a program of one op over blocks.
func single(rng *rand.Rand, op array.Op, d array.DType, n, offset, nulls int) *array.Launch {
	p := &array.Program{Domain: array.Shape{n}}
	l := &array.Launch{Program: p, Hi: n}
	instr := array.Instr{Op: op, In: d, Out: d, Dst: array.Reg(op.Info().Arity)}
	if rule := op.Info().Rule; rule == array.RuleCompare || rule == array.RuleIsNull {
		instr.Out = array.Bool
	}
	for k := range op.Info().Arity {
		in := d
		if op == array.Where && k == 0 {
			in = array.Bool
		}
		p.Inputs = append(p.Inputs, array.Input{DType: in, Name: fmt.Sprintf("x%d", k), Slot: k})
		l.Operands = append(l.Operands, randomBlock(rng, in, n, offset*(k+1), (nulls+k)%3))
		instr.Args = append(instr.Args, array.Reg(k))
	}
	if op.IsReduction() {
		l.Operands[0] = randomBlock(rng, d, n, offset, nulls)
		p.Outputs = []array.Output{{Reg: 0, DType: d, Reduce: true, Op: op}}
		return l
	}
	p.Code = []array.Instr{instr}
	p.Outputs = []array.Output{{Reg: instr.Dst, DType: instr.Out}}
	return l
}

func TestCast(t *testing.T) {
	device := cpu.New(1)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, from := range array.DTypes() {
		for _, to := range array.DTypes() {
			for nulls, n := range []int{3001, 1024, 7} {
				l := single(rng, array.Cast, from, n, n%5, nulls)
				l.Program.Code[0].Out, l.Program.Outputs[0].DType = to, to
				launch(t, device, l, n%3)
			}
		}
	}
}

// TestRandomPrograms runs programs of all kinds of inputs and outputs, whole and in two parts.
func TestRandomPrograms(t *testing.T) {
	device := cpu.New(1)
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 7))
		whole := randomLaunch(rng)
		want := launch(t, device, whole, rng.IntN(2)*8)
		cut := min(rng.IntN(4)*array.LeafSize, whole.Hi)
		got := launch(t, device, part(whole, 0, cut), rng.IntN(9))
		for i, f := range launch(t, device, part(whole, cut, whole.Hi), 0) {
			o := whole.Program.Outputs[i]
			acc := array.AccumulatorType(o.Op, o.DType)
			for _, p := range f {
				got[i] = got[i].Push(o.Op, acc, p)
			}
			if !sameForest(acc, got[i], want[i]) {
				t.Fatalf("seed %d: cut at %d gives %v, whole %v", seed, cut, got[i], want[i])
			}
		}
	}
}

// TestManyMorsels covers what only long arrays have: goroutines, and forests that are joined.
func TestManyMorsels(t *testing.T) {
	leak.Check(t)
	const n = 2*131072 + 1500
	rng := rand.New(rand.NewPCG(3, 4))
	p := &array.Program{
		Domain:  array.Shape{n},
		Inputs:  []array.Input{{DType: array.Float64, Name: "x"}, {DType: array.Float64, Kind: array.InputConst, Value: array.ScalarOf(1.0)}},
		Code:    []array.Instr{{Op: array.Less, In: array.Float64, Out: array.Bool, Dst: 2, Args: []array.Reg{0, 1}}},
		Outputs: []array.Output{{Reg: 2, DType: array.Bool}, {Reg: 0, DType: array.Float64, Reduce: true, Op: array.Sum}, {Reg: 0, DType: array.Float64}},
	}
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = rng.NormFloat64()
	}
	block, err := array.FromSlice(xs)
	if err != nil {
		t.Fatal(err)
	}
	l := &array.Launch{Program: p, Hi: n, Operands: []*array.Block{block}}
	want := launch(t, cpu.New(1), l, 0)
	again := *l
	if got := launch(t, cpu.New(4), &again, 3); !reflect.DeepEqual(got, want) {
		t.Errorf("four threads give %v, one %v", got, want)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := cpu.New(4).Run(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
}

// TestNeighbours holds that a run writes no bit outside its part.
func TestNeighbours(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, n := range sizes {
		for offset := range 10 {
			l := single(rng, array.LogicalAnd, array.Bool, n, 3, someNulls)
			around := randomBlock(rng, array.Bool, n+offset+70, 0, someNulls)
			before := [][]bool{around.Bools(), nulls(around)}
			l.Results = []*array.Block{around.Slice(offset, offset+n)}
			if _, err := cpu.New(1).Run(context.Background(), l); err != nil {
				t.Fatal(err)
			}
			verify(t, l, nil)
			for k, after := range [][]bool{around.Bools(), nulls(around)} {
				if !slices.Equal(after[:offset], before[k][:offset]) || !slices.Equal(after[offset+n:], before[k][offset+n:]) {
					t.Fatalf("%d elements at bit %d: bits outside were changed", n, offset)
				}
			}
		}
	}
}

func nulls(b *array.Block) []bool {
	out := make([]bool, b.Len())
	for i := range out {
		out[i] = b.IsNull(i)
	}
	return out
}

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
			l := &array.Launch{
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
			launch(t, cpu.New(1), l, 0)
			spoil(l)
			if _, err := cpu.New(1).Run(context.Background(), l); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestReference holds the loops, and with them the oracle, against the evaluator that defines every op.
func TestReference(t *testing.T) {
	device := cpu.New(1)
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
			want, err := ref.Eval(node)
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

// FuzzRun spoils a random program at random places: it must end in an error or in the oracle's results, not in a panic.
func FuzzRun(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seed, []byte{byte(seed), 0, 3, byte(seed * 7), 1, 255})
	}
	f.Fuzz(func(t *testing.T, seed uint64, spoil []byte) {
		l := randomLaunch(rand.New(rand.NewPCG(seed, 7)))
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
		if forests, err := cpu.New(1).Run(context.Background(), l); err == nil {
			verify(t, l, forests)
		}
	})
}
