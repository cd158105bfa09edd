package array_test

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// TestResultTypes writes down what every op gives for operands of each one type, and what it computes in: the table agrees
// with NumPy 2, but for sqrt of bool and 8-bit integers, float16 there.
func TestResultTypes(t *testing.T) {
	var out strings.Builder
	row := func(name string, cell func(array.DType) string) {
		line := fmt.Sprintf("%-14s", name)
		for _, d := range array.DTypes() {
			line += fmt.Sprintf(" %-6s", cell(d))
		}
		out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	out.WriteString("# The result of each op over operands of one type (a), with the type it computes in where that is another: in>out.\n")
	row("a", short)
	for _, op := range array.Ops() {
		if op != array.Cast {
			row(op.String(), func(d array.DType) string { return resultType(op, d) })
		}
	}
	golden(t, "types.golden", out.String())
}

// resultType is one cell of the table.
func resultType(op array.Op, d array.DType) string {
	args := make([]*array.Node, op.Info().Arity)
	for i := range args {
		args[i] = ones(d)
	}
	n := array.Apply(op, 0, args...)
	if n.Err() != nil {
		return "-"
	}
	last := n.Args()[len(args)-1]
	in, out := short(last.DType()), short(n.DType())
	if in == out {
		return out
	}
	return in + ">" + out
}

func TestAccumulatorType(t *testing.T) {
	cases := []struct {
		op      array.Op
		in, acc array.DType
	}{
		{array.Sum, array.Float32, array.Float64},
		{array.Sum, array.Int64, array.Int64},
		{array.Prod, array.Uint64, array.Uint64},
		{array.Mean, array.Float32, array.Float64},
		{array.Min, array.Float32, array.Float32},
		{array.Max, array.Int8, array.Int8},
		{array.Count, array.Uint8, array.Int64},
		{array.Any, array.Bool, array.Bool},
	}
	for _, c := range cases {
		if got := array.AccumulatorType(c.op, c.in); got != c.acc {
			t.Errorf("AccumulatorType(%s, %s) = %s, want %s", c.op, c.in, got, c.acc)
		}
	}
}

// TestCompareByValue: signed integers and uint64 have no common type that holds both, yet compare by value, null where
// either side is.
func TestCompareByValue(t *testing.T) {
	signed := []int64{-1, 0, 1, 1<<53 + 1, 1<<63 - 1, -1 << 63, 5, -5}
	unsigned := []uint64{1<<64 - 1, 0, 1, 1 << 53, 1<<63 - 1, 1 << 63, 5, 1<<64 - 5}
	holds := map[array.Op]func(sign int) bool{
		array.Equal: func(s int) bool { return s == 0 }, array.NotEqual: func(s int) bool { return s != 0 },
		array.Less: func(s int) bool { return s < 0 }, array.LessEqual: func(s int) bool { return s <= 0 },
		array.Greater: func(s int) bool { return s > 0 }, array.GreaterEqual: func(s int) bool { return s >= 0 },
	}
	n := len(signed)
	x, err := nulls(block(signed), 1<<6).Reshape(array.Shape{n, 1})
	if err != nil {
		t.Fatal(err)
	}
	y := nulls(block(unsigned), 1<<6|1<<2)
	for op, holds := range holds {
		for _, swapped := range []bool{false, true} {
			args := []*array.Node{array.Data(x, 0), array.Data(y, 0)}
			if swapped {
				args[0], args[1] = args[1], args[0]
			}
			got, err := ref.Eval(array.Apply(op, 0, args...))
			if err != nil {
				t.Fatal(err)
			}
			for i, s := range signed {
				for k, u := range unsigned {
					sign := big.NewInt(s).Cmp(new(big.Int).SetUint64(u))
					if swapped {
						sign = -sign
					}
					want := fmt.Sprint(holds(sign))
					if x.IsNull(i) || y.IsNull(k) {
						want = "null"
					}
					if text := got.ItemString(i*n + k); text != want {
						t.Errorf("%s of %d and %d (swapped %v) is %s, want %s", op, s, u, swapped, text, want)
					}
				}
			}
		}
	}
}

// TestCompareWithNumber: a Go number that the array's type does not hold compares by value too.
func TestCompareWithNumber(t *testing.T) {
	cases := []struct {
		x      *array.Block // nil: the number 1<<63 - 1
		number array.Scalar
		want   string // of x < number
	}{
		{block([]int8{-128, 127}), array.ScalarOf(1000), "true true"},
		{block([]uint8{0, 255}), array.ScalarOf(-1), "false false"},
		{block([]uint64{0, 1<<64 - 1}), array.ScalarOf(-1), "false false"},
		{block([]int64{-1, 1}), array.ScalarOf(uint64(1 << 63)), "true true"},
		{block([]int32{1, 3}), array.ScalarOf(2.5), "true false"},
		{block([]bool{false, true}), array.ScalarOf(1), "true false"},
		{nil, array.ScalarOf(uint64(1<<63 + 1)), "true"}, // as float64 both would be 1<<63
	}
	for _, c := range cases {
		x := array.NumberOperand(array.ScalarOf(math.MaxInt64))
		if c.x != nil {
			x = array.Data(c.x, 0)
		}
		got, err := ref.Eval(array.Apply(array.Less, 0, x, array.NumberOperand(c.number)))
		if err != nil {
			t.Fatal(err)
		}
		if items(got) != c.want {
			t.Errorf("%v < %s is %s, want %s", x, c.number, items(got), c.want)
		}
	}
}
