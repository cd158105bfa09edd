package cpu_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// builder writes programs: operands in any order, then ops on registers. Instructions are numbered when it is done.
type builder struct {
	inputs  []array.Input
	code    []array.Instr
	outputs []array.Output
	nulls   []bool
}

// node is a register under way: an input (from 0) or an instruction (from -1 down).
type node int

func (b *builder) add(in array.Input, nullable bool) node {
	b.inputs, b.nulls = append(b.inputs, in), append(b.nulls, nullable)
	return node(len(b.inputs) - 1)
}

func (b *builder) slots() int {
	n := 0
	for _, in := range b.inputs {
		if in.Kind == array.InputBlock || in.Kind == array.InputBroadcast {
			n++
		}
	}
	return n
}

func (b *builder) x(d array.DType) node { return b.add(b.operand(d), false) }

// operand is an input over the next operand.
func (b *builder) operand(d array.DType) array.Input {
	return array.Input{DType: d, Slot: b.slots(), Name: fmt.Sprint("x", b.slots())}
}

// null is an operand that can hold nulls.
func (b *builder) null(d array.DType) node {
	return b.add(array.Input{DType: d, Slot: b.slots()}, true)
}

func (b *builder) scalar(d array.DType, nullable bool) node {
	in := b.operand(d)
	in.Kind, in.Strides = array.InputBroadcast, []int{0}
	return b.add(in, nullable)
}

func (b *builder) c(s array.Scalar) node {
	return b.add(array.Input{Kind: array.InputConst, DType: s.DType(), Value: s}, false)
}

func (b *builder) f(v float64) node { return b.c(array.ScalarOf(v)) }

func (b *builder) dtype(n node) array.DType {
	if n >= 0 {
		return b.inputs[n].DType
	}
	return b.code[-n-1].Out
}

// op is an instruction whose operands have its type.
func (b *builder) op(op array.Op, args ...node) node {
	d := b.dtype(args[len(args)-1])
	if op.Info().Rule.GivesBool() {
		d = array.Bool
	}
	return b.to(op, d, args...)
}

func (b *builder) cast(d array.DType, x node) node { return b.to(array.Cast, d, x) }

func (b *builder) to(op array.Op, out array.DType, args ...node) node {
	instr := array.Instr{Op: op, In: b.dtype(args[len(args)-1]), Out: out}
	for _, a := range args {
		instr.Args = append(instr.Args, array.Reg(a))
	}
	b.code = append(b.code, instr)
	return node(-len(b.code))
}

func (b *builder) out(n node) {
	b.outputs = append(b.outputs, array.Output{Reg: array.Reg(n), DType: b.dtype(n)})
}

func (b *builder) reduce(op array.Op, n node) {
	b.outputs = append(b.outputs, array.Output{Reg: array.Reg(n), DType: b.dtype(n), Reduce: true, Op: op})
}

func (b *builder) program(n int) *array.Program {
	reg := func(r array.Reg) array.Reg {
		if r < 0 {
			r = array.Reg(len(b.inputs)) - r - 1
		}
		return r
	}
	p := &array.Program{Domain: array.Shape{n}, Inputs: b.inputs, Code: b.code, Outputs: b.outputs}
	for i := range p.Code {
		p.Code[i].Dst = array.Reg(len(b.inputs) + i)
		for k, a := range p.Code[i].Args {
			p.Code[i].Args[k] = reg(a)
		}
	}
	for i := range p.Outputs {
		p.Outputs[i].Reg = reg(p.Outputs[i].Reg)
	}
	return p
}

const (
	f32 = array.Float32
	f64 = array.Float64
	i8  = array.Int8
	i32 = array.Int32
	i64 = array.Int64
	u8  = array.Uint8
	t1  = array.Bool
)

var negZero = math.Copysign(0, -1)

// passes are programs that show what each pass of the compiler does.
var passes = []struct {
	name  string
	build func(b *builder)
}{
	{"one op goes over whole morsels", func(b *builder) { b.out(b.op(array.Add, b.x(f64), b.x(f64))) }},
	{"equal values are one, operands in any order", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.out(b.op(array.Divide, b.op(array.Add, x, y), b.op(array.Sqrt, b.op(array.Add, y, x))))
	}},
	{"comparisons seen from either side are one", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.out(b.op(array.Less, x, y))
		b.out(b.op(array.Greater, y, x))
	}},
	{"square and x*x are one", func(b *builder) {
		x := b.x(f64)
		b.out(b.op(array.Minimum, b.op(array.Square, x), b.op(array.Multiply, x, x)))
	}},
	{"scalars stand second", func(b *builder) { b.out(b.op(array.Less, b.f(3), b.x(f64))) }},
	{"but for ops with sides", func(b *builder) { b.out(b.op(array.Divide, b.f(3), b.x(f64))) }},
	{"constants are folded", func(b *builder) {
		b.out(b.op(array.Add, b.x(f64), b.op(array.Sqrt, b.op(array.Add, b.f(1), b.f(3)))))
	}},
	{"what depends on scalars alone is computed once a launch", func(b *builder) {
		b.out(b.op(array.Multiply, b.x(f64), b.op(array.Divide, b.f(1), b.scalar(f64, false))))
	}},
	{"identities", func(b *builder) {
		x := b.x(f64)
		for _, n := range []node{
			b.op(array.Multiply, x, b.f(1)), b.op(array.Add, x, b.f(negZero)), b.op(array.Subtract, x, b.f(0)), b.op(array.Divide, x, b.f(1)),
			b.op(array.Negative, b.op(array.Negative, x)), b.op(array.Maximum, x, x),
		} {
			b.reduce(array.Max, n)
		}
	}},
	{"x + 0 is none, as it makes -0 of no sign", func(b *builder) {
		x := b.x(f64)
		b.out(b.op(array.Add, x, b.f(0)))
		b.out(b.op(array.Subtract, x, b.f(negZero)))
		b.out(b.op(array.Subtract, b.f(0), x))
	}},
	{"x * 0 is 0 for integers alone", func(b *builder) {
		b.out(b.op(array.Multiply, b.x(i64), b.c(array.ScalarOf(int64(0)))))
		b.out(b.op(array.Multiply, b.x(f64), b.f(0)))
	}},
	{"cheaper ops", func(b *builder) {
		x := b.x(f64)
		b.out(b.op(array.Multiply, x, b.f(2)))
		b.out(b.op(array.Multiply, x, b.f(-1)))
		b.out(b.op(array.Divide, x, b.f(8)))
		b.out(b.op(array.Add, x, b.op(array.Negative, b.x(f64))))
		b.out(b.op(array.Subtract, b.f(negZero), x))
	}},
	{"not by a power of two, nor with a subnormal inverse", func(b *builder) {
		x := b.x(f64)
		b.out(b.op(array.Divide, x, b.f(3)))
		b.out(b.op(array.Divide, x, b.f(0x1p1023)))
		b.out(b.op(array.Divide, b.x(f32), b.c(array.ScalarOf(float32(0x1p127)))))
	}},
	{"casts through a wider type", func(b *builder) {
		b.out(b.cast(f64, b.cast(i64, b.x(i8))))
		b.out(b.cast(u8, b.cast(i32, b.x(i64))))
		b.out(b.cast(f32, b.cast(f64, b.x(f32))))
	}},
	{"casts that lose something stay", func(b *builder) {
		b.out(b.cast(i64, b.cast(i8, b.x(i32))))
		b.out(b.cast(i8, b.cast(f64, b.x(i32)))) // floats saturate, integers wrap
		b.out(b.cast(f64, b.cast(f32, b.x(i64))))
	}},
	{"not of a comparison that nothing else reads", func(b *builder) {
		x, y := b.x(i32), b.x(i32)
		b.out(b.op(array.LogicalNot, b.op(array.Less, x, y)))
		b.out(b.op(array.LogicalNot, b.op(array.Equal, b.x(f64), b.x(f64))))
	}},
	{"NaN is neither less nor not less", func(b *builder) {
		b.out(b.op(array.LogicalNot, b.op(array.Less, b.x(f64), b.x(f64))))
	}},
	{"where of not, of the same, of bools", func(b *builder) {
		c, x, y := b.x(t1), b.x(f64), b.x(f64)
		b.out(b.op(array.Where, b.op(array.LogicalNot, c), x, y))
		b.reduce(array.Min, b.op(array.Where, c, x, x))
		b.out(b.op(array.Where, c, b.c(array.ScalarOf(true)), b.x(t1)))
	}},
	{"where between scalars", func(b *builder) {
		b.out(b.op(array.Where, b.op(array.Greater, b.x(f64), b.f(0)), b.f(1), b.f(-1)))
	}},
	{"products are fused with sums", func(b *builder) {
		x, y, z, u := b.x(f64), b.x(f64), b.x(f64), b.x(f64)
		b.out(b.op(array.Subtract, b.op(array.Add, b.op(array.Multiply, x, y), z), u))
	}},
	{"sqrt(x*x + y*y)", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		b.out(b.op(array.Sqrt, b.op(array.Add, b.op(array.Multiply, x, x), b.op(array.Multiply, y, y))))
	}},
	{"products on either side of a difference", func(b *builder) {
		x, y, z := b.x(f32), b.x(f32), b.x(f32)
		b.out(b.op(array.Subtract, b.op(array.Multiply, x, y), z))
		b.out(b.op(array.Subtract, z, b.op(array.Multiply, x, z)))
	}},
	{"products that are read twice, and of integers, are not", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		p := b.op(array.Multiply, x, y)
		b.out(b.op(array.Add, p, x))
		b.out(p)
		b.out(b.op(array.Add, b.op(array.Multiply, b.x(i64), b.x(i64)), b.x(i64)))
	}},
	{"Horner's scheme", func(b *builder) {
		x := b.x(f64)
		y := b.f(5)
		for i := range 4 {
			y = b.op(array.Add, b.op(array.Multiply, y, x), b.f(float64(i)))
		}
		b.out(y)
	}},
	{"folds of products", func(b *builder) {
		x, y := b.x(f64), b.x(f32)
		b.reduce(array.Sum, b.op(array.Multiply, x, b.x(f64)))
		b.reduce(array.Mean, b.op(array.Square, y))
		b.reduce(array.Sum, b.op(array.Multiply, x, b.f(3)))
	}},
	{"sums of bools count ones", func(b *builder) {
		less := b.op(array.Less, b.x(f64), b.f(0))
		b.reduce(array.Sum, b.cast(i64, less))
		b.reduce(array.Mean, b.cast(f64, less))
		b.reduce(array.Any, less)
	}},
	{"validity is joined apart from values", func(b *builder) {
		x, y := b.null(f64), b.null(f64)
		b.out(b.op(array.Add, b.op(array.Multiply, x, y), x))
	}},
	{"no validity where nothing can be null", func(b *builder) {
		x := b.x(f64)
		b.out(b.op(array.FillNull, x, b.x(f64)))
		b.out(b.op(array.IsNull, x))
	}},
	{"nulls filled and looked at", func(b *builder) {
		x := b.null(f64)
		b.out(b.op(array.FillNull, x, b.f(0)))
		b.out(b.op(array.IsNull, x))
		b.reduce(array.Count, x)
		b.reduce(array.Sum, x)
	}},
	{"where picks validity too", func(b *builder) {
		b.out(b.op(array.Where, b.x(t1), b.null(f64), b.x(f64)))
	}},
	{"a null scalar", func(b *builder) {
		x := b.null(i32)
		b.out(b.op(array.Add, x, b.scalar(i32, true)))
	}},
	{"the operand that needs more registers goes first", func(b *builder) {
		x, y := b.x(f64), b.x(f64)
		deep := b.op(array.Divide, b.op(array.Sqrt, x), b.op(array.Sqrt, y))
		b.out(b.op(array.Divide, b.op(array.Abs, x), b.op(array.Divide, deep, b.op(array.Negative, y))))
	}},
	{"what nothing reads is not computed", func(b *builder) {
		x := b.x(f64)
		b.op(array.Sqrt, x)
		b.out(b.op(array.Negative, x))
	}},
	{"a result that is an operand, one, or two results", func(b *builder) {
		x := b.x(f64)
		b.out(x)
		b.out(b.f(7))
		s := b.op(array.Sqrt, x)
		b.out(s)
		b.out(s)
	}},
	{"bools are bitmaps", func(b *builder) {
		p := b.op(array.LogicalAnd, b.op(array.Less, b.x(f64), b.f(0)), b.x(t1))
		b.out(b.op(array.LogicalXor, p, b.x(t1)))
	}},
}

// TestPasses compares the code of programs with testdata/code.txt.
func TestPasses(t *testing.T) {
	var out strings.Builder
	for _, pass := range passes {
		b := &builder{}
		pass.build(b)
		p := b.program(5000)
		fmt.Fprintf(&out, "== %s\n%s\n%s\n", pass.name, p, cpu.Dump(p, b.nulls, kern.Go))
	}
	path := filepath.Join("testdata", "code.txt")
	if *update {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, old := strings.Split(out.String(), "\n== "), strings.Split(string(want), "\n== ")
	for i := range got {
		if i >= len(old) || got[i] != old[i] {
			t.Fatalf("%s: got\n%s\nwant\n%s", path, got[i], append(old, "the end")[min(i, len(old))])
		}
	}
	if len(old) > len(got) {
		t.Fatalf("%s: %d programs more", path, len(old)-len(got))
	}
}
