package array_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
)

// written is a Builder that writes down what it is asked for, each value by its text.
type written struct{ texts, said []string }

func (w *written) add(format string, args ...any) int {
	w.texts = append(w.texts, fmt.Sprintf(format, args...))
	return len(w.texts) - 1
}

func (w *written) Input(r int) (value, valid int) { return w.add("x%d", r), w.add("ok%d", r) }
func (w *written) Truth(b bool) int               { return w.add("%t", b) }

func (w *written) Apply(op array.Op, in, out array.DType, args [3]int) int {
	var of []string
	for _, a := range args {
		if a != array.NoValue {
			of = append(of, w.texts[a])
		}
	}
	if in != array.Int64 && in != array.Bool || len(of) != op.Info().Arity {
		return w.add("wrong: %s of %s to %s with %v", op, in, out, args)
	}
	return w.add("%s(%s)", op, strings.Join(of, ", "))
}

func (w *written) Fault(instr int, bad array.Op, x, valid int) {
	w.said = append(w.said, fmt.Sprintf("%d: %s %s 0 if %s", instr, w.texts[x], bad, w.texts[valid]))
}

func (w *written) Leave(i, value, valid int) {
	w.said = append(w.said, fmt.Sprintf("out %d: %s if %s", i, w.texts[value], w.texts[valid]))
}

func TestLower(t *testing.T) {
	i64 := array.Input{Kind: array.InputBlock, DType: array.Int64}
	for _, c := range []struct {
		name   string
		inputs int
		code   []array.Instr
		leaves array.Reg
		want   string
	}{
		{"both operands", 2, []array.Instr{{Op: array.Add, Out: array.Int64, Dst: 2, Args: []array.Reg{0, 1}}}, 2, "out 0: add(x0, x1) if logical_and(ok0, ok1)"},
		{"never null", 1, []array.Instr{{Op: array.IsNull, Out: array.Bool, Dst: 1, Args: []array.Reg{0}}}, 1, "out 0: logical_not(ok0) if true"},
		{"filled", 2, []array.Instr{{Op: array.FillNull, Out: array.Int64, Dst: 2, Args: []array.Reg{0, 1}}}, 2, "out 0: where(ok0, x0, x1) if logical_or(ok0, ok1)"},
		{
			"picked", 2,
			[]array.Instr{
				{Op: array.Less, Out: array.Bool, Dst: 2, Args: []array.Reg{0, 1}},
				{Op: array.Where, Out: array.Int64, Dst: 3, Args: []array.Reg{2, 0, 1}},
			},
			3, "out 0: where(less(x0, x1), x0, x1) if logical_and(logical_and(ok0, ok1), where(less(x0, x1), ok0, ok1))",
		},
		{
			"clipped", 3,
			[]array.Instr{{Op: array.Clip, Out: array.Int64, Dst: 3, Args: []array.Reg{0, 1, 2}}},
			3, "out 0: minimum(maximum(x0, x1), x2) if logical_and(logical_and(ok0, ok1), ok2)",
		},
		{
			"faults of what leaves alone", 2,
			[]array.Instr{
				{Op: array.Remainder, Out: array.Int64, Dst: 2, Args: []array.Reg{0, 1}},
				{Op: array.Pow, Out: array.Int64, Dst: 3, Args: []array.Reg{1, 0}},
				{Op: array.FloorDivide, Out: array.Int64, Dst: 4, Args: []array.Reg{3, 1}},
			},
			4, "1: x0 less 0 if logical_and(ok1, ok0)\n2: x1 equal 0 if logical_and(logical_and(ok1, ok0), ok1)\n" +
				"out 0: floor_divide(pow(x1, x0), x1) if logical_and(logical_and(ok1, ok0), ok1)",
		},
	} {
		p := array.Program{Domain: array.Shape{4}, Outputs: []array.Output{{Reg: c.leaves}}}
		for i := range c.inputs {
			in := i64
			in.Slot = i
			p.Inputs = append(p.Inputs, in)
		}
		for i := range c.code {
			c.code[i].In = array.Int64
		}
		p.Code = c.code
		p.Outputs[0].DType = p.RegType(c.leaves)
		if err := p.Check(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var w written
		p.Lower(&w)
		if got := strings.Join(w.said, "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
