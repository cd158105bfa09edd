package cpu_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/ref"
)

// sizes are around bytes, words, tiles and leaves.
var sizes = []int{0, 1, 7, 8, 9, 63, 64, 65, 511, 512, 513, 1023, 1024, 1025, 1536, 3000}

// For an emulated processor, which is slow and not without faults (test/emulate).
var (
	only    = flag.String("cpu.isa", "", "test this instruction set alone (and go, where sets are compared): go, avx2 or avx512")
	bochs27 = flag.Bool("cpu.bochs27", false, "leave out of the tests the programs with casts that the emulator Bochs 2.7 computes wrong")
)

// misemulated reports whether a program has a cast whose bare instruction Bochs 2.7 computes wrong for some values. The
// tests of exec/cpu/kern leave out those values only.
func misemulated(p *array.Program) bool {
	return *bochs27 && slices.ContainsFunc(p.Code, func(i array.Instr) bool {
		from, to := i.In, i.Out
		return i.Op == array.Cast && (from == array.Uint32 && to == array.Float32 ||
			from == array.Uint64 && to == array.Float64 || from == array.Float64 && to == array.Uint64)
	})
}

// isas are the instruction sets of this machine.
func isas() []kern.ISA {
	var list []kern.ISA
	for isa := kern.Go; isa <= kern.Best(); isa++ {
		if *only != "" && *only != isa.String() {
			continue
		}
		list = append(list, isa)
	}
	return list
}

// device gives one that ends with the test.
func device(t testing.TB, threads int, isa kern.ISA) *cpu.Device {
	d := cpu.New(cpu.Config{Threads: threads, ISA: &isa})
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// target is the memory around a result, filled with what no run writes by chance.
type target struct {
	around *array.Block
	lo, hi int
	before [2][]byte
}

// results makes blocks for a launch that begin inside larger ones, which are poisoned.
func results(l *array.Launch, offset int) []target {
	nullable := l.Program.Nullable(l.Operands)
	n := l.Hi - l.Lo
	l.Results = make([]*array.Block, len(l.Program.Outputs))
	l.Resident = make([]bool, len(l.Results))
	var targets []target
	for i, o := range l.Program.Outputs {
		if o.Reduce {
			continue
		}
		t := target{around: array.NewBlock(o.DType, array.Shape{n + offset + 70}, nullable[i]), lo: offset, hi: offset + n}
		values, validity, _ := t.around.Raw()
		for k, buffer := range [][]byte{values, validity} {
			for at := range buffer {
				buffer[at] = byte(0x5a + 37*at)
			}
			t.before[k] = slices.Clone(buffer)
		}
		l.Results[i], l.Resident[i] = t.around.Slice(offset, offset+n), offset%2 == 0
		targets = append(targets, t)
	}
	return targets
}

// intact holds that nothing outside the result was written.
func (x target) intact(t *testing.T) {
	t.Helper()
	values, validity, _ := x.around.Raw()
	size := x.around.DType().Size()
	if x.around.DType() == array.Bool {
		sameOutside(t, values, x.before[0], x.lo, x.hi)
	} else if !slices.Equal(values[:x.lo*size], x.before[0][:x.lo*size]) || !slices.Equal(values[x.hi*size:], x.before[0][x.hi*size:]) {
		t.Fatalf("values outside [%d, %d) were written", x.lo, x.hi)
	}
	sameOutside(t, validity, x.before[1], x.lo, x.hi)
}

func sameOutside(t *testing.T, bitmap, before []byte, lo, hi int) {
	t.Helper()
	if bitmap == nil {
		return
	}
	want := slices.Clone(before)
	array.CopyBits(want, lo, bitmap, lo, hi-lo)
	if !slices.Equal(bitmap, want) {
		t.Fatalf("bits outside [%d, %d) were written", lo, hi)
	}
}

// launch runs and compares with the oracle.
func launch(t *testing.T, d *cpu.Device, l *array.Launch, offset int) []array.Forest {
	t.Helper()
	targets := results(l, offset)
	forests, err := d.Run(context.Background(), l)
	if err != nil {
		t.Fatalf("%s: %v", l.Program, err)
	}
	verify(t, l, forests)
	for _, x := range targets {
		x.intact(t)
	}
	return forests
}

// defined reports whether a program can have the op on operands of type d.
func defined(op array.Op, d array.DType) bool {
	text := op.Info().Go
	switch {
	case op.IsScan() || op.Info().Go == (array.Text{}) && op.IsReduction() && op != array.Count:
		return false // not the fused program's own: axes_test.go
	case op == array.Where || op == array.FillNull || op == array.IsNull || op == array.Count:
		return true
	case op.Info().Rule == array.RuleSum && d.Integer():
		return d.Size() == 8
	case op.Info().Rule == array.RuleWord:
		return d == array.Uint64
	case d.Integer():
		return text.Int != ""
	case d.Float():
		return text.Float != ""
	}
	return text.Bool != ""
}

// TestOps runs every op on every element type and instruction set by itself: all lengths up to two words of bits, and
// around tiles and leaves.
func TestOps(t *testing.T) {
	lengths := slices.Clone(sizes)
	for n := 0; n <= 130; n += stride {
		lengths = append(lengths, n)
	}
	var devices []*cpu.Device
	for _, isa := range isas() {
		devices = append(devices, device(t, 1, isa))
	}
	for _, op := range array.Ops() {
		for _, dtype := range array.DTypes() {
			if !defined(op, dtype) || op == array.Cast {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s", op, dtype), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(op), uint64(dtype)))
				for k, n := range lengths {
					if stride > 1 && (k+int(op)+int(dtype))%4 > 0 {
						continue
					}
					for nulls := range 3 {
						if (n > 1000 || k >= len(sizes) || stride > 1) && nulls != (k/4+int(op)+int(dtype))%3 {
							continue // one each, to be quick
						}
						l := single(rng, op, dtype, n, k+nulls, nulls)
						for _, d := range devices {
							launch(t, d, l, (k+nulls)%11)
						}
					}
				}
			})
		}
	}
}

// TestMorsels runs every op around the end of a morsel, on a type each.
func TestMorsels(t *testing.T) {
	const morsel = 128 * array.LeafSize
	d := device(t, 2, kern.Best())
	for i, op := range array.Ops() {
		var dtypes []array.DType
		for _, dtype := range array.DTypes() {
			if defined(op, dtype) && op != array.Cast {
				dtypes = append(dtypes, dtype)
			}
		}
		if len(dtypes) == 0 || i%stride > 0 {
			continue
		}
		rng := rand.New(rand.NewPCG(uint64(op), 0))
		l := single(rng, op, dtypes[3*i%len(dtypes)], morsel-1+i%3, i%5, i%3)
		launch(t, d, l, 8*(i%2)+i%4)
	}
}

// single is a program of one op over blocks.
func single(rng *rand.Rand, op array.Op, d array.DType, n, offset, nulls int) *array.Launch {
	p := &array.Program{Domain: array.Shape{n}}
	l := &array.Launch{Program: p, Hi: n}
	instr := array.Instr{Op: op, In: d, Out: d, Dst: array.Reg(op.Info().Arity)}
	if op.Info().Rule.GivesBool() {
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
	rng := rand.New(rand.NewPCG(1, 2))
	lengths := []int{3001, 1024, 7, 130}[(stride-1)/3:]
	if *only != "" { // emulated: too slow
		lengths = []int{700, 7}
	}
	for _, isa := range isas() {
		d := device(t, 1, isa)
		for _, from := range array.DTypes() {
			for _, to := range array.DTypes() {
				for nulls, n := range lengths {
					l := single(rng, array.Cast, from, n, n%5, (nulls+int(to))%3)
					l.Program.Code[0].Out, l.Program.Outputs[0].DType = to, to
					if misemulated(l.Program) {
						continue
					}
					launch(t, d, l, n%3)
				}
			}
		}
	}
}

// TestRandomPrograms runs programs of all kinds of inputs and outputs, whole and in two parts.
func TestRandomPrograms(t *testing.T) {
	for _, isa := range isas() {
		d := device(t, 1, isa)
		for seed := range uint64(100 / stride) {
			randomProgram(t, d, seed)
		}
	}
}

func randomProgram(t *testing.T, d *cpu.Device, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	whole := launches.Random(rng)
	if misemulated(whole.Program) {
		return
	}
	want := launch(t, d, whole, rng.IntN(2)*8)
	cut := min(rng.IntN(4)*array.LeafSize, whole.Hi)
	got := launch(t, d, ref.Part(whole, 0, cut), rng.IntN(9))
	for i, f := range launch(t, d, ref.Part(whole, cut, whole.Hi), 0) {
		if !whole.Program.Outputs[i].Reduce {
			continue
		}
		o := whole.Program.Outputs[i]
		acc := array.AccumulatorType(o.Op, o.DType)
		joined := slices.Clone(got[i])
		for _, p := range f {
			joined = joined.Push(o.Op, acc, p)
		}
		if !sameForest(acc, joined, want[i]) {
			t.Fatalf("seed %d: cut at %d gives %v, whole %v", seed, cut, joined, want[i])
		}
	}
}
