package array_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
)

// TestProgramCheck holds what is said of programs that are not well-formed.
func TestProgramCheck(t *testing.T) {
	good := func() *array.Program {
		return &array.Program{
			Domain: array.Shape{4, 5},
			Inputs: []array.Input{
				{DType: array.Int32},
				{Kind: array.InputConst, DType: array.Int32, Value: array.ScalarOf(int32(2))},
				{Kind: array.InputBroadcast, DType: array.Bool, Slot: 1, Strides: []int{0, 1}},
				{Kind: array.InputIota, DType: array.Float32, Value: array.ScalarOf(float32(2)), Step: array.ScalarOf(float32(1))},
			},
			Code: []array.Instr{
				{Op: array.Add, In: array.Int32, Out: array.Int32, Dst: 4, Args: []array.Reg{0, 1}},
				{Op: array.Where, In: array.Int32, Out: array.Int32, Dst: 5, Args: []array.Reg{2, 4, 0}},
				{Op: array.Cast, In: array.Int32, Out: array.Float64, Dst: 6, Args: []array.Reg{5}},
				{Op: array.Less, In: array.Int32, Out: array.Bool, Dst: 7, Args: []array.Reg{5, 0}},
			},
			Outputs: []array.Output{{Reg: 6, DType: array.Float64}, {Reg: 6, DType: array.Float64, Reduce: true, Op: array.Mean}},
		}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  string
		spoil func(p *array.Program)
	}{
		{"input 0: ", func(p *array.Program) { p.Inputs[0].DType = array.Invalid }},
		{"input 0: no kind 9", func(p *array.Program) { p.Inputs[0].Kind = 9 }},
		{"input 0: no operand -1", func(p *array.Program) { p.Inputs[0].Slot = -1 }},
		{"input 1: ", func(p *array.Program) { p.Inputs[1].DType = array.Int64 }},
		{"input 2: ", func(p *array.Program) { p.Inputs[2].Strides = nil }},
		{"input 3: ", func(p *array.Program) { p.Inputs[3].Step = array.ScalarOf(1) }},
		{"instruction 0: op? is not element-wise", func(p *array.Program) { p.Code[0].Op = 250 }},
		{"instruction 0: sum is not element-wise", func(p *array.Program) { p.Code[0].Op = array.Sum }},
		{"instruction 0: cumsum is not element-wise", func(p *array.Program) { p.Code[0].Op = array.CumSum }},
		{"instruction 0: defines register 9, not 4", func(p *array.Program) { p.Code[0].Dst = 9 }},
		{"instruction 0: add takes 2 operands, not 1", func(p *array.Program) { p.Code[0].Args = p.Code[0].Args[:1] }},
		{"instruction 0: reads register 7 before it is there", func(p *array.Program) { p.Code[0].Args[0] = 7 }},
		{"instruction 0: reads register -1", func(p *array.Program) { p.Code[0].Args[0] = -1 }},
		{"instruction 0: ", func(p *array.Program) { p.Code[0].Op = array.Sqrt; p.Code[0].Args = p.Code[0].Args[:1] }},
		{"instruction 1: ", func(p *array.Program) { p.Code[1].Args[0] = 0 }},
		{"instruction 2: ", func(p *array.Program) { p.Code[2].Out = 99 }},
		{"instruction 3: ", func(p *array.Program) { p.Code[3].Out = array.Int32 }},
		{"output 0: no register 8", func(p *array.Program) { p.Outputs[0].Reg = 8 }},
		{"output 0: says int8", func(p *array.Program) { p.Outputs[0].DType = array.Int8 }},
		{"output 1: no reduction any of float64", func(p *array.Program) { p.Outputs[1].Op = array.Any }},
		{"output 1: no reduction add of float64", func(p *array.Program) { p.Outputs[1].Op = array.Add }},
	} {
		p := good()
		c.spoil(p)
		if err := p.Check(); !errors.Is(err, array.ErrGraph) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want one with %q", err, c.want)
		}
	}
	if err := (*array.Program)(nil).Check(); !errors.Is(err, array.ErrGraph) {
		t.Errorf("no program: %v", err)
	}
}
