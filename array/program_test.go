package array_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
)

// program is instructions over inputs x0, x1, ... of float64 and the constant 2; each has all earlier registers at hand.
func program(inputs int, code ...array.Instr) *array.Program {
	p := &array.Program{Domain: array.Shape{10}}
	for i := range inputs {
		p.Inputs = append(p.Inputs, array.Input{Kind: array.InputBlock, DType: array.Float64, Name: "x" + string(rune('0'+i)), Slot: i})
	}
	p.Inputs = append(p.Inputs, array.Input{Kind: array.InputConst, DType: array.Float64, Value: array.ScalarOf(2.0)})
	for i := range code {
		code[i].Dst = array.Reg(len(p.Inputs) + i)
		code[i].In = array.Float64
		if code[i].Out == array.Invalid {
			code[i].Out = array.Float64
		}
	}
	p.Code = code
	p.Outputs = []array.Output{{Reg: array.Reg(p.Regs() - 1), DType: p.RegType(array.Reg(p.Regs() - 1))}}
	return p
}

func instr(op array.Op, args ...array.Reg) array.Instr { return array.Instr{Op: op, Args: args} }

func TestProgramString(t *testing.T) {
	cases := []struct {
		p    *array.Program
		want string
	}{
		{program(1), "2.0"},
		{program(2, instr(array.Add, 0, 1)), "x0 + x1"},
		{program(2, instr(array.Add, 0, 1), instr(array.Add, 0, 2), instr(array.Multiply, 3, 4)), "(x0 + x1) * (x0 + 2.0)"},
		{program(2, instr(array.Add, 0, 1), instr(array.Multiply, 3, 3), instr(array.Divide, 0, 4)), "x0 / ((x0 + x1) * (x0 + x1))"},
		{program(1, instr(array.Sqrt, 0), instr(array.Add, 2, 2), instr(array.Multiply, 0, 3)), "x0 * (sqrt(x0) + sqrt(x0))"},
		{program(1, instr(array.Add, 0, 1), instr(array.Negative, 2)), "-(x0 + 2.0)"},
		{program(1, instr(array.Add, 0, 1), instr(array.Sqrt, 2)), "sqrt(x0 + 2.0)"},
		{program(2, instr(array.Less, 0, 1), instr(array.Where, 3, 0, 1)), "where(x0 < x1, x0, x1)"},
		{program(1, array.Instr{Op: array.Cast, Args: []array.Reg{0}, Out: array.Int8}), "int8(x0)"},
	}
	for _, c := range cases {
		if got := c.p.String(); got != c.want {
			t.Errorf("printed %s, want %s", got, c.want)
		}
	}

	p := program(2, instr(array.Multiply, 0, 1))
	p.Inputs[0] = array.Input{Kind: array.InputIota, DType: array.Float64, Value: array.ScalarOf(0.0), Step: array.ScalarOf(0.5)}
	p.Outputs = append(p.Outputs, array.Output{Reg: 3, DType: array.Float64, Reduce: true, Op: array.Sum})
	if got, want := p.String(), "arange(0.0, step 0.5) * x1; sum(arange(0.0, step 0.5) * x1)"; got != want {
		t.Errorf("printed %s, want %s", got, want)
	}
}

// TestProgramStringIsCut: an expression that doubles with every instruction prints in short time and space.
func TestProgramStringIsCut(t *testing.T) {
	p := program(1)
	for range 10000 {
		last := array.Reg(p.Regs() - 1)
		p.Code = append(p.Code, array.Instr{Op: array.Add, In: array.Float64, Out: array.Float64, Dst: last + 1, Args: []array.Reg{last, last}})
	}
	p.Outputs[0].Reg = array.Reg(p.Regs() - 1)
	if text := p.String(); len(text) > 1100 || !strings.HasSuffix(text, "...") {
		t.Errorf("%d bytes of text, ending in %q", len(text), text[len(text)-10:])
	}
}

func TestProgramNullable(t *testing.T) {
	valid, some := block(make([]float64, 10)), nulls(block(make([]float64, 10)), 1)
	cases := []struct {
		name     string
		code     []array.Instr
		operands []*array.Block
		want     bool
	}{
		{"no nulls", []array.Instr{instr(array.Add, 0, 1)}, []*array.Block{valid, valid}, false},
		{"left", []array.Instr{instr(array.Add, 0, 1)}, []*array.Block{some, valid}, true},
		{"constant", []array.Instr{instr(array.Add, 0, 2)}, []*array.Block{valid, some}, false},
		{"is_null", []array.Instr{instr(array.IsNull, 0)}, []*array.Block{some, valid}, false},
		{"fill_null with a valid one", []array.Instr{instr(array.FillNull, 0, 1)}, []*array.Block{some, valid}, false},
		{"fill_null of a valid one", []array.Instr{instr(array.FillNull, 1, 0)}, []*array.Block{some, valid}, false},
		{"fill_null with a null", []array.Instr{instr(array.FillNull, 0, 0)}, []*array.Block{some, valid}, true},
		{"where picks a null", []array.Instr{instr(array.IsNull, 0), instr(array.Where, 3, 0, 1)}, []*array.Block{some, valid}, true},
		{"through", []array.Instr{instr(array.Sqrt, 0), instr(array.Less, 3, 1)}, []*array.Block{some, valid}, true},
	}
	for _, c := range cases {
		if got := program(2, c.code...).Nullable(c.operands); !slices.Equal(got, []bool{c.want}) {
			t.Errorf("%s: nullable %v, want %v", c.name, got, c.want)
		}
	}
}
