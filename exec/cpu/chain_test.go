package cpu_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// chained are programs whose chains stand in testdata/chains.txt.
var chained = []struct {
	name  string
	build func(b *builder)
}{
	{"a product and two sums", func(b *builder) {
		x, y, z, u := b.x(f64), b.x(f64), b.x(f64), b.x(f64)
		b.out(b.op(array.Subtract, b.op(array.Add, b.op(array.Multiply, x, y), z), u))
	}},
	{"both accumulators", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.out(b.op(array.Sqrt, b.op(array.Add, b.op(array.Multiply, x, x), b.op(array.Multiply, y, y))))
	}},
	{"Horner's scheme keeps x", func(b *builder) {
		x := b.x(f32)
		y := b.op(array.Multiply, x, b.c(array.ScalarOf(float32(2))))
		for i := range 3 {
			y = b.op(array.Multiply, b.op(array.Add, y, b.c(array.ScalarOf(float32(i)+0.5))), x)
		}
		b.out(y)
	}},
	{"the accumulator comes second", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.out(b.op(array.Divide, b.f(1), b.op(array.Subtract, x, b.op(array.Add, x, y))))
	}},
	{"what is read again is stored, in a register or in the result", func(b *builder) {
		x, y, z := b.x(f64), b.x(f64), b.x(f64)
		s := b.op(array.Add, x, y)
		b.out(s)
		p := b.op(array.Divide, s, z)
		q := b.op(array.Sqrt, b.op(array.Subtract, p, z))
		b.out(b.op(array.Multiply, b.op(array.Add, q, y), b.op(array.Divide, p, s)))
	}},
	{"one step is no chain, and other steps break one", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		d := b.op(array.Sqrt, b.op(array.Subtract, x, y))
		b.out(b.op(array.Add, b.op(array.Maximum, d, y), x))
	}},
	{"a reduction reads what a chain stores", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.reduce(array.Max, b.op(array.Sqrt, b.op(array.Add, x, y)))
	}},
}

// TestChainCode compares the chains of programs with testdata/chains.txt.
func TestChainCode(t *testing.T) {
	if kern.Best() == kern.Go {
		t.Skip("NOT TESTED: chains, which this processor's kernels do not have")
	}
	var out strings.Builder
	for _, tt := range chained {
		b := &builder{}
		tt.build(b)
		p := b.program(5000)
		fmt.Fprintf(&out, "== %s\n%s\n%s\n", tt.name, p, cpu.Dump(p, b.nulls, kern.AVX2))
	}
	path := filepath.Join("testdata", "chains.txt")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, &out, want)
	}
}

// TestLongChain runs a chain of more links than one call takes over a morsel.
func TestLongChain(t *testing.T) {
	b := &builder{}
	x, y := b.x(f64), b.x(f64)
	v := x
	for i := range 300 {
		v = b.op([]array.Op{array.Add, array.Divide, array.Subtract}[i%3], v, []node{y, x}[i%2])
	}
	b.out(v)
	const n = 40_001
	l := &array.Launch{Program: b.program(n), Hi: n}
	rng := rand.New(rand.NewPCG(8, 4))
	for range 2 {
		l.Operands = append(l.Operands, randomBlock(rng, f64, n, 0, noNulls))
	}
	sameOnAll(t, l)
}

// TestChains runs random programs of ops that chains have, with shared values and several results, over lengths around a
// block, a tile and a morsel, beside the reference.
func TestChains(t *testing.T) {
	ops := []array.Op{array.Add, array.Subtract, array.Multiply, array.Divide, array.Square, array.Sqrt, array.Negative}
	lengths := []int{1, 31, 32, 63, 64, 65, 127, 129, 511, 513, 1024, 1500, 3000}
	runs := 1500
	if testing.Short() {
		runs = 150
	}
	rng := rand.New(rand.NewPCG(8, 3))
	for i := range runs {
		n := lengths[i%len(lengths)]
		if i%100 == 99 {
			n = 150_001 // more than one morsel
		}
		d := f64
		if i%2 == 1 {
			d = f32
		}
		p := &array.Program{Domain: array.Shape{n}}
		l := &array.Launch{Program: p, Hi: n}
		for k := range 2 + rng.IntN(4) {
			in := array.Input{DType: d, Name: "x", Slot: len(l.Operands)}
			if k > 1 && rng.IntN(2) == 0 {
				in.Kind, in.Value = array.InputConst, randomScalar(rng, d)
			} else {
				l.Operands = append(l.Operands, randomBlock(rng, d, n, rng.IntN(3), i%3))
			}
			p.Inputs = append(p.Inputs, in)
		}
		for range 2 + rng.IntN(12) {
			op := ops[rng.IntN(len(ops))]
			instr := array.Instr{Op: op, In: d, Out: d, Dst: array.Reg(p.Regs())}
			for range op.Info().Arity {
				a := rng.IntN(p.Regs())
				if rng.IntN(2) == 0 {
					a = p.Regs() - 1 - rng.IntN(min(3, p.Regs()))
				}
				instr.Args = append(instr.Args, array.Reg(a))
			}
			p.Code = append(p.Code, instr)
		}
		for k := range 1 + rng.IntN(3) {
			r := array.Reg(p.Regs() - 1 - k*rng.IntN(3)%p.Regs())
			p.Outputs = append(p.Outputs, array.Output{Reg: r, DType: d})
			if rng.IntN(4) == 0 {
				p.Outputs[k].Reduce, p.Outputs[k].Op = true, array.Sum
			}
		}
		sameOnAll(t, l)
	}
}
