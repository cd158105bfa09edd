package array_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
)

// ramp is n values f(0), f(1), ...
func ramp[T array.Element](n int, f func(i int) T) []T {
	xs := make([]T, n)
	for i := range xs {
		xs[i] = f(i)
	}
	return xs
}

// block is the values as a block of a shape; no shape: 1-D.
func block[T array.Element](xs []T, shape ...int) *array.Block {
	b, err := array.FromSlice(xs, shape...)
	if err != nil {
		panic(err)
	}
	return b
}

// item is a 0-D block.
func item[T array.Element](x T) *array.Block {
	b, err := block([]T{x}).Reshape(nil)
	if err != nil {
		panic(err)
	}
	return b
}

// TestStringAsNumPy: testdata/print.golden is what NumPy printed for the same arrays (1.24 under NumPy 2's promotion).
func TestStringAsNumPy(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	iota := func(n int) []int { return ramp(n, func(i int) int { return i }) }
	cases := []struct {
		name  string
		block *array.Block
	}{
		{"floats", block([]float64{1, 2, 3})},
		{"halves", block([]float64{1, 2.5, -0.25})},
		{"thirds", block(ramp(5, func(i int) float64 { return float64(i) / 3 }))},
		{"special", block([]float64{1, nan, inf, -inf})},
		{"only special", block([]float64{nan, inf})},
		{"one nan", block([]float64{nan})},
		{"negative zero", block([]float64{math.Copysign(0, -1), 0})},
		{"wide range", block([]float64{1, 2000.25})},
		{"range of 1000", block([]float64{1, 1000})},
		{"range above 1000", block([]float64{1, 1001})},
		{"large", block([]float64{1e8, 1})},
		{"just below large", block([]float64{99999999, 1e7})},
		{"small", block([]float64{1e-5, 1e-4})},
		{"least without exponent", block([]float64{1e-4, 0.01})},
		{"three digit exponents", block([]float64{1e100, 1e-5, nan, -inf})},
		{"subnormal", block([]float64{5e-324})},
		{"greatest", block([]float64{math.MaxFloat64, 0})},
		{"nine decimals", block([]float64{0.123456789, 1})},
		{"rounds away its decimals", block([]float64{2.000000001, 1.5})},
		{"float32", block([]float32{0.1, 0.2, 16777216})},
		{"float32 tenth", block([]float32{0.1})},
		{"float32 least", block([]float32{1e-4, 0.01})},
		{"float32 thirds", block(ramp(3, func(i int) float32 { return float32(i) / 3 }))},
		{"float32 large", block([]float32{3e38, 1})},
		{"float32 wide range", block([]float32{-1.44509e-4, 2277796.8, 7.693925e-8, -9.014208e-6})},
		{"ints", block([]int{1, -20, 300})},
		{"int8", block([]int8{-128, 127})},
		{"uint64", block([]uint64{math.MaxUint64, 0})},
		{"long", block(iota(1200))},
		{"in full", block(iota(1000))},
		{"long floats", block(ramp(1001, func(i int) float64 { return float64(i) * 0.5 }))},
		{"2-D", block(iota(6), 2, 3)},
		{"2-D floats", block(ramp(6, func(i int) float64 { return float64(i) / 4 }), 3, 2)},
		{"2-D long", block(iota(10000), 100, 100)},
		{"2-D narrow", block(iota(3000), 1000, 3)},
		{"2-D six wide", block(iota(1200), 200, 6)},
		{"2-D seven wide", block(iota(1400), 200, 7)},
		{"3-D", block(iota(12), 2, 2, 3)},
		{"3-D long", block(iota(8000), 20, 20, 20)},
		{"4-D", block(iota(16), 2, 2, 2, 2)},
		{"lines", block(iota(100))},
		{"lines of floats", block(ramp(30, func(i int) float64 { return float64(i) / 7 }))},
		{"lines in rows", block(ramp(60, func(i int) int { return i * 1000 }), 2, 30)},
		{"long words", block(ramp(8, func(i int) float64 { return (float64(i) + 0.5) * 1e90 }), 2, 4)},
		{"empty", block([]float64{})},
		{"empty 2-D", block([]float64{}, 0, 3)},
		{"empty rows", block([]float64{}, 2, 0)},
		{"0-D", item(1.5)},
		{"0-D int", item(-7)},
		{"0-D float32", item(float32(0.1))},
		{"0-D large", item(1e16)},
		{"0-D not so large", item(123456789012345.0)},
		{"0-D small", item(1e-5)},
		{"0-D nan", item(nan)},
		{"one", block([]int{7})},
		{"one row", block([]float64{1.5}, 1, 1)},
	}
	var out strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&out, "--- %s\n%v\n", c.name, c.block)
	}
	golden(t, "print.golden", out.String())
}

// TestStringOfOurOwn is what NumPy has no example for: Go's words for booleans, and nulls.
func TestStringOfOurOwn(t *testing.T) {
	bools := make([]bool, 20)
	bools[3] = true
	cases := []struct {
		block *array.Block
		want  string
	}{
		{block([]bool{true, false}), "[ true false]"},
		{block(bools).Slice(2, 5), "[false  true false]"},
		{item(true), "true"},
		{nulls(block([]float64{1, 2.5}), 1), "[null  2.5]"},
		{nulls(block([]float64{1, 1e9, 3}), 2), "[  1. null   3.]"},
		{nulls(block([]int8{1, 2}), 1), "[null    2]"},
		{nulls(block([]bool{true, true}), 2), "[true null]"},
		{nulls(item(1.5), 1), "null"},
		{nil, "<no block>"},
		{&array.Block{}, "<no block>"},
	}
	for _, c := range cases {
		if got := c.block.String(); got != c.want {
			t.Errorf("printed %q, want %q", got, c.want)
		}
	}
}

// nulls is b with a null where mask has a bit.
func nulls(b *array.Block, mask int) *array.Block {
	values, _, offset := b.Raw()
	validity := make([]byte, (b.Len()+7)/8)
	for i := range b.Len() {
		if mask>>i&1 == 0 {
			validity[i/8] |= 1 << (i % 8)
		}
	}
	out, err := array.WrapBlock(b.DType(), b.Len(), offset, values, validity, b)
	if err == nil {
		out, err = out.Reshape(b.Shape())
	}
	if err != nil {
		panic(err)
	}
	return out
}
