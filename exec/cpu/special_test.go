package cpu_test

import (
	"math"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// Special values of the ops that are exact, as the array API standard (2025.12) and IEEE 754-2019 list them.
func TestSpecialValues(t *testing.T) {
	nan, inf, zero := math.NaN(), math.Inf(1), math.Copysign(0, -1) // zero is -0
	const tiny, huge = 5e-324, math.MaxFloat64
	unary := map[array.Op][][2]float64{
		array.Floor: {{nan, nan}, {inf, inf}, {-inf, -inf}, {0, 0}, {zero, zero}, {0.5, 0}, {-0.5, -1}, {tiny, 0}, {-tiny, -1}, {huge, huge}, {1<<52 + 0.5, 1 << 52}, {2.5, 2}, {-2.5, -3}},
		array.Ceil:  {{nan, nan}, {inf, inf}, {-inf, -inf}, {0, 0}, {zero, zero}, {0.5, 1}, {-0.5, zero}, {tiny, 1}, {-tiny, zero}, {-huge, -huge}, {2.5, 3}, {-2.5, -2}},
		array.Trunc: {{nan, nan}, {inf, inf}, {-inf, -inf}, {0, 0}, {zero, zero}, {0.5, 0}, {-0.5, zero}, {tiny, 0}, {-tiny, zero}, {2.5, 2}, {-2.5, -2}},
		array.Round: {
			{nan, nan},
			{inf, inf},
			{-inf, -inf},
			{0, 0},
			{zero, zero},
			{0.5, 0},
			{-0.5, zero},
			{1.5, 2},
			{2.5, 2},
			{-2.5, -2},
			{-3.5, -4},
			{0.49999999999999994, 0},
			{-0.49999999999999994, zero},
			{0.5000000000000001, 1},
			{4503599627370495.5, 4503599627370496},
			{4503599627370497, 4503599627370497},
		},
		array.Sign:       {{nan, nan}, {inf, 1}, {-inf, -1}, {0, 0}, {zero, 0}, {tiny, 1}, {-tiny, -1}, {huge, 1}},
		array.Reciprocal: {{nan, nan}, {inf, 0}, {-inf, zero}, {0, inf}, {zero, -inf}, {2, 0.5}, {tiny, inf}, {0x1p-1022, 0x1p1022}, {huge, 0x1p-1024}},
		array.Positive:   {{nan, nan}, {inf, inf}, {-inf, -inf}, {0, 0}, {zero, zero}, {tiny, tiny}},
	}
	tests := map[array.Op][][2]float64{ // 1 is true
		array.IsNaN:    {{nan, 1}, {math.Copysign(nan, -1), 1}, {inf, 0}, {-inf, 0}, {0, 0}, {huge, 0}, {tiny, 0}},
		array.IsInf:    {{nan, 0}, {inf, 1}, {-inf, 1}, {0, 0}, {huge, 0}, {-huge, 0}, {tiny, 0}},
		array.IsFinite: {{nan, 0}, {inf, 0}, {-inf, 0}, {0, 1}, {zero, 1}, {huge, 1}, {-huge, 1}, {tiny, 1}},
		array.SignBit:  {{0, 0}, {zero, 1}, {inf, 0}, {-inf, 1}, {tiny, 0}, {-tiny, 1}, {math.Copysign(nan, 1), 0}, {math.Copysign(nan, -1), 1}},
	}
	binary := map[array.Op][][3]float64{
		array.CopySign:  {{1, zero, -1}, {1, 0, 1}, {-1, 0, 1}, {-1, zero, -1}, {0, -1, zero}, {zero, 1, 0}, {inf, -1, -inf}, {1, math.Copysign(nan, -1), -1}, {-1, math.Copysign(nan, 1), 1}, {nan, 1, nan}},
		array.NextAfter: {{0, 1, tiny}, {0, -1, -tiny}, {zero, 1, tiny}, {tiny, 0, 0}, {-tiny, 0, zero}, {1, 1, 1}, {0, zero, zero}, {zero, 0, 0}, {1, 2, 1 + 0x1p-52}, {1, 0, 1 - 0x1p-53}, {huge, inf, inf}, {inf, 0, huge}, {-inf, 0, -huge}, {inf, inf, inf}, {0x1p-1022, 0, 0x0.fffffffffffffp-1022}, {nan, 1, nan}, {1, nan, nan}},
	}
	for _, isa := range isas() {
		d := device(t, 1, isa)
		for op, list := range unary {
			for _, c := range list {
				special(t, d, isa, op, c[1], c[0])
			}
		}
		for op, list := range tests {
			for _, c := range list {
				special(t, d, isa, op, c[1], c[0])
			}
		}
		for op, list := range binary {
			for _, c := range list {
				special(t, d, isa, op, c[2], c[0], c[1])
			}
		}
	}
}

// special holds the first and the last of enough equal elements for vectors and what they leave.
func special(t *testing.T, d *cpu.Device, isa kern.ISA, op array.Op, want float64, operands ...float64) {
	t.Helper()
	const n = 131
	b := builder{}
	l := &array.Launch{Hi: n}
	var args []node
	for _, v := range operands {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = v
		}
		block, err := array.FromSlice(xs)
		if err != nil {
			t.Fatal(err)
		}
		l.Operands = append(l.Operands, block)
		args = append(args, b.x(array.Float64))
	}
	b.out(b.op(op, args...))
	l.Program = b.program(n)
	out := array.Float64
	if op.Info().Rule.GivesBool() {
		out = array.Bool
	}
	l.Results = []*array.Block{array.NewBlock(out, array.Shape{n}, false)}
	if _, err := d.Run(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{0, n - 1} {
		got, _ := l.Results[0].Scalar(i)
		if out == array.Bool {
			got = array.ScalarOf(float64(got.Bits()))
		}
		if !same(got, array.ScalarOf(want)) {
			t.Errorf("%s in %s of %v: element %d is %s, want %v", op, isa, operands, i, got, want)
		}
	}
}
