package ptx_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/internal/leak"
)

var update = flag.Bool("update", false, "write testdata")

// maker makes a program step by step.
type maker struct{ p array.Program }

func (m *maker) input(in array.Input) array.Reg {
	m.p.Inputs = append(m.p.Inputs, in)
	return array.Reg(len(m.p.Inputs) - 1)
}

// x is the next operand.
func (m *maker) x(d array.DType) array.Reg {
	return m.input(array.Input{DType: d, Slot: len(m.p.Inputs)})
}

func (m *maker) number(x array.Scalar) array.Reg {
	return m.input(array.Input{Kind: array.InputConst, DType: x.DType(), Value: x})
}

func (m *maker) broadcast(d array.DType, strides ...int) array.Reg {
	return m.input(array.Input{Kind: array.InputBroadcast, DType: d, Slot: len(m.p.Inputs), Strides: strides})
}

// op puts an op, all inputs being there, on operands of the type of the last.
func (m *maker) op(op array.Op, args ...array.Reg) array.Reg {
	d := m.p.RegType(args[len(args)-1])
	return m.to(op, resultOf(op, d), args...)
}

func (m *maker) to(op array.Op, out array.DType, args ...array.Reg) array.Reg {
	instr := array.Instr{Op: op, In: m.p.RegType(args[len(args)-1]), Out: out, Dst: array.Reg(m.p.Regs()), Args: args}
	m.p.Code = append(m.p.Code, instr)
	return instr.Dst
}

func (m *maker) out(r array.Reg) {
	m.p.Outputs = append(m.p.Outputs, array.Output{Reg: r, DType: m.p.RegType(r)})
}

func (m *maker) reduce(op array.Op, r array.Reg) {
	m.p.Outputs = append(m.p.Outputs, array.Output{Reg: r, DType: m.p.RegType(r), Reduce: true, Op: op})
}

// programs are those whose text is kept.
var programs = []struct {
	name string
	form ptx.Form
	make func(m *maker)
}{
	{"add", ptx.Form{Aligned: []bool{true, true}}, func(m *maker) {
		m.out(m.op(array.Add, m.x(array.Float64), m.x(array.Float64)))
	}},
	{"add_unaligned", ptx.Form{}, func(m *maker) {
		m.out(m.op(array.Add, m.x(array.Float32), m.x(array.Float32)))
	}},
	{"int8", ptx.Form{Aligned: []bool{true, true}}, func(m *maker) {
		m.out(m.op(array.Multiply, m.x(array.Int8), m.x(array.Int8)))
	}},
	{"where_nulls", ptx.Form{Nulls: []bool{true, true, true}, Nullable: []bool{true}}, func(m *maker) {
		c, x, y := m.x(array.Bool), m.x(array.Float64), m.x(array.Float64)
		m.out(m.op(array.Where, c, x, y))
	}},
	{"compare", ptx.Form{}, func(m *maker) {
		x, c := m.x(array.Int32), m.number(array.ScalarOf(int32(3)))
		m.out(m.op(array.LessEqual, x, c))
	}},
	{"broadcast", ptx.Form{}, func(m *maker) {
		row, column := m.broadcast(array.Float32, 0, 1), m.broadcast(array.Float32, 1, 0)
		m.out(m.op(array.Multiply, row, column))
	}},
	{"arange", ptx.Form{}, func(m *maker) {
		m.out(m.input(array.Input{Kind: array.InputIota, DType: array.Float32, Value: array.ScalarOf(float32(1)), Step: array.ScalarOf(float32(0.5))}))
	}},
	{"floor_divide", ptx.Form{Aligned: []bool{true, true}}, func(m *maker) {
		m.out(m.op(array.FloorDivide, m.x(array.Int32), m.x(array.Int32)))
	}},
	{"cast", ptx.Form{Aligned: []bool{true}}, func(m *maker) {
		m.out(m.to(array.Cast, array.Uint8, m.x(array.Float64)))
	}},
	{"exp", ptx.Form{Aligned: []bool{true}}, func(m *maker) {
		m.out(m.op(array.Exp, m.x(array.Float64)))
	}},
	{"sum_of_products", ptx.Form{}, func(m *maker) {
		m.reduce(array.Sum, m.op(array.Multiply, m.x(array.Float64), m.x(array.Float64)))
	}},
	{"several", ptx.Form{Nulls: []bool{true}, Nullable: []bool{true}}, func(m *maker) {
		x, c := m.x(array.Float32), m.number(array.ScalarOf(float32(2)))
		y := m.op(array.Add, x, c)
		m.out(y)
		m.reduce(array.Max, y)
		m.reduce(array.Count, y)
	}},
}

func programNamed(t testing.TB, name string) (*array.Program, ptx.Form) {
	for _, c := range programs {
		if c.name == name {
			m := &maker{p: array.Program{Domain: array.Shape{300, 70}}}
			c.make(m)
			return &m.p, c.form
		}
	}
	t.Fatal("no program " + name)
	return nil, ptx.Form{}
}

// TestTexts holds the text of kernels against testdata.
// resultOf is the type of an op.s result.
func resultOf(op array.Op, d array.DType) array.DType {
	if op.Info().Rule.GivesBool() {
		return array.Bool
	}
	return d
}

func TestTexts(t *testing.T) {
	leak.Check(t)
	for _, c := range programs {
		p, form := programNamed(t, c.name)
		k, err := ptx.Build(p, form)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", c.name+".ptx")
		if *update {
			if err := os.WriteFile(file, []byte(k.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if k.Text != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", c.name, k.Text, want)
		}
		exact(t, k.Text)
	}
}

// loose are instructions that a card may compute in its own way or the compiler may fuse, and memory that is the stack's.
var loose = regexp.MustCompile(`\.approx|\.ftz|\.full|\.local|\b(add|sub|mul|mad|div|sqrt|fma|rcp)\.f(32|64)`)

// exact holds that a text has none of them.
func exact(t *testing.T, text string) {
	t.Helper()
	if found := loose.FindString(text); found != "" {
		t.Errorf("there is a %s in\n%s", found, text)
	}
}

// TestTooMany holds that a program with more parameters than a kernel can have is an error.
func TestTooMany(t *testing.T) {
	leak.Check(t)
	m := &maker{p: array.Program{Domain: array.Shape{1}}}
	for i := range 600 {
		m.number(array.ScalarOf(float64(i)))
	}
	sum := array.Reg(0)
	for i := range 599 {
		sum = m.op(array.Add, sum, array.Reg(i+1))
	}
	m.out(sum)
	if _, err := ptx.Build(&m.p, ptx.Form{}); !errors.Is(err, array.ErrGraph) {
		t.Errorf("%v, want ErrGraph", err)
	}
}

// TestSameText holds that neither constants nor extents nor strides are in the text.
func TestSameText(t *testing.T) {
	leak.Check(t)
	text := func(c float64, rows, columns int) (string, []ptx.Param) {
		m := &maker{p: array.Program{Domain: array.Shape{rows, columns}}}
		row, by, n := m.broadcast(array.Float64, 0, 1), m.broadcast(array.Float64, columns+1, 0), m.number(array.ScalarOf(c))
		m.out(m.op(array.Add, m.op(array.Multiply, row, by), n))
		k, err := ptx.Build(&m.p, ptx.Form{})
		if err != nil {
			t.Fatal(err)
		}
		return k.Text, k.Params
	}
	a, as := text(2, 10, 20)
	b, bs := text(3, 123456, 7)
	if a != b {
		t.Errorf("%s and\n%s", a, b)
	}
	if len(as) != len(bs) {
		t.Errorf("%d parameters and %d", len(as), len(bs))
	}
}

// TestRefused holds the errors of what is no fused kernel.
func TestRefused(t *testing.T) {
	leak.Check(t)
	for name, c := range map[string]struct {
		o    array.Output
		form ptx.Form
		want error
	}{
		"over an axis":       {array.Output{Reduce: true, Op: array.Sum, Extent: array.Extent{Outer: 3, Length: 5, Inner: 1}}, ptx.Form{}, array.ErrGraph},
		"scan":               {array.Output{Scan: true, Op: array.CumSum}, ptx.Form{}, array.ErrGraph},
		"argmin":             {array.Output{Reduce: true, Op: array.ArgMin}, ptx.Form{}, array.ErrGraph},
		"no such register":   {array.Output{Reg: 7}, ptx.Form{}, array.ErrGraph},
		"nulls have no room": {array.Output{}, ptx.Form{Nulls: []bool{true}}, array.ErrNull},
	} {
		c.o.DType = array.Float64
		p := &array.Program{Domain: array.Shape{15}, Inputs: []array.Input{{DType: array.Float64}}, Outputs: []array.Output{c.o}}
		if _, err := ptx.Build(p, c.form); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := ptx.Build(nil, ptx.Form{}); !errors.Is(err, array.ErrGraph) {
		t.Errorf("no program: %v", err)
	}
}
