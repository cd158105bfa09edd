package ref_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// data is a 1-D node over Go values.
func data[T array.Element](t *testing.T, xs ...T) *array.Node {
	t.Helper()
	b, err := array.FromSlice(xs)
	if err != nil {
		t.Fatal(err)
	}
	return array.Data(b, 0)
}

func eval(t *testing.T, n *array.Node) *array.Block {
	t.Helper()
	b, err := ref.Eval(n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// want compares a node's values with literals, NaN equal to NaN.
func want[T array.Element](t *testing.T, n *array.Node, xs ...T) {
	t.Helper()
	expected, err := array.FromSlice(xs, n.Shape()...)
	if len(n.Shape()) == 0 && err == nil {
		expected, err = expected.Reshape(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := ref.Equal(eval(t, n), expected); err != nil {
		t.Errorf("%v: %v", n, err)
	}
}

func TestEvalByHand(t *testing.T) {
	negativeZero := math.Copysign(0, -1)
	f := data(t, 1, negativeZero, math.NaN(), math.Inf(-1))
	want(t, array.Apply(array.Add, 0, data[int8](t, 127, -128, 3), data[int8](t, 1, -1, 4)), int8(-128), 127, 7)
	want(t, array.Apply(array.Multiply, 0, data[uint8](t, 200, 16), data[uint8](t, 2, 16)), uint8(144), 0)
	want(t, array.Apply(array.Negative, 0, data[uint16](t, 1, 0)), uint16(65535), 0)
	want(t, array.Apply(array.Abs, 0, data[int8](t, -128, -5)), int8(-128), 5)
	want(t, array.Apply(array.Abs, 0, f), 1, 0, math.NaN(), math.Inf(1))
	want(t, array.Apply(array.Minimum, 0, f, data(t, 2, 0.0, 1, 1)), 1, negativeZero, math.NaN(), math.Inf(-1))
	want(t, array.Apply(array.Maximum, 0, f, data(t, 2, 0.0, 1, 1)), 2, 0.0, math.NaN(), 1)
	want(t, array.Apply(array.Less, 0, f, data(t, 2, 0.0, 1, 1)), true, false, false, true)
	want(t, array.Apply(array.Divide, 0, data(t, 1, -1, 0), data(t, 0, 0, 0)), math.Inf(1), math.Inf(-1), math.NaN())
	want(t, array.CastTo(data(t, 300, -1.9, math.NaN(), math.Inf(-1)), array.Uint8, 0), uint8(255), 0, 0, 0)
	want(t, array.CastTo(data(t, 300, -1.9, math.NaN(), math.Inf(-1)), array.Int8, 0), int8(127), -1, 0, -128)
	want(t, array.CastTo(data(t, 300, -129), array.Int8, 0), int8(44), 127)
	want(t, array.CastTo(data(t, 0, negativeZero, math.NaN(), 0.1), array.Bool, 0), false, false, true, true)
	want(t, array.CastTo(data(t, 1<<60+1<<36+1), array.Float32, 0), float32(1<<60+1<<37)) // through float64 it would be 1<<60
	want(t, array.Apply(array.Sum, 0, data[float32](t, 1<<24, 1, 1)), float32(1<<24+2))
	want(t, array.Apply(array.Mean, 0, data[int8](t, 1, 2)), 1.5)
	want(t, array.Apply(array.Sum, 0, data[float64](t)), 0.0)
	want(t, array.Apply(array.Prod, 0, data[int8](t, 100, 100)), 10000)
	want(t, array.Apply(array.Min, 0, data(t, 0, negativeZero)), negativeZero)
	want(t, array.Arange(array.ScalarOf(0.5), array.ScalarOf(2.0), array.ScalarOf(0.5), 0), 0.5, 1, 1.5)
}

// TestNulls writes out every rule for nulls over all nine pairs of null, 0 and 1.
func TestNulls(t *testing.T) {
	x, y, none := nullable(t, 3), nullable(t, 1), nullable(t, 9)
	cases := []struct {
		node *array.Node
		want string
	}{
		{x, "null null null 0 0 0 1 1 1"},
		{y, "null 0 1 null 0 1 null 0 1"},
		{array.Apply(array.Add, 0, x, y), "null null null null 0 1 null 1 2"},
		{array.Apply(array.FillNull, 0, x, y), "null 0 1 0 0 0 1 1 1"},
		{array.Apply(array.IsNull, 0, x), "true true true false false false false false false"},
		{array.Apply(array.Where, 0, x, x, y), "null null null null 0 1 1 1 1"},
		{array.Apply(array.Where, 0, x, y, none), "null null null null null null null 0 1"},
		{array.Apply(array.LogicalNot, 0, x), "null null null true true true false false false"},
		{array.Apply(array.LogicalOr, 0, x, y), "null null null null false true null true true"},
		{array.CastTo(x, array.Float64, 0), "null null null 0.0 0.0 0.0 1.0 1.0 1.0"},
		{stack(t, array.Count, array.Sum, y), "6 3"},
		{stack(t, array.Max, array.Min, x), "1 0"},
		{stack(t, array.Max, array.Min, none), "null null"},
		{stack(t, array.Count, array.Sum, none), "0 0"},
		{stack(t, array.Any, array.All, none), "false true"},
		{array.Apply(array.Mean, 0, y), "0.5"},
		{array.Apply(array.Mean, 0, none), "null"},
		{array.Apply(array.Prod, 0, none), "1"},
	}
	for _, c := range cases {
		b := eval(t, c.node)
		items := make([]string, b.Len())
		for i := range items {
			items[i] = b.ItemString(i)
		}
		if got := strings.Join(items, " "); got != c.want {
			t.Errorf("%v = %s, want %s", c.node, got, c.want)
		}
	}
}

// nullable is nine elements that walk through null, 0 and 1, each staying for every steps.
func nullable(t *testing.T, every int) *array.Node {
	t.Helper()
	values, validity := make([]int8, 9), []byte{0, 0}
	for i := range values {
		if state := i / every % 3; state > 0 {
			values[i] = int8(state - 1)
			validity[i/8] |= 1 << (i % 8)
		}
	}
	b, err := array.WrapBlock(array.Int8, len(values), 0, array.Bytes(values), validity, nil)
	if err != nil {
		t.Fatal(err)
	}
	return array.Data(b, 0)
}

// stack is two reductions of x as the elements of one array.
func stack(t *testing.T, first, second array.Op, x *array.Node) *array.Node {
	t.Helper()
	return array.Apply(array.Where, 0, data(t, true, false), array.Apply(first, 0, x), array.Apply(second, 0, x))
}

// TestFloat32 holds the float32 results against big.Float, rounded once.
func TestFloat32(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	big64 := func(x float32) *big.Float { return new(big.Float).SetPrec(2000).SetFloat64(float64(x)) }
	rounds := map[array.Op]func(z, x, y *big.Float) *big.Float{
		array.Add: (*big.Float).Add, array.Subtract: (*big.Float).Sub, array.Multiply: (*big.Float).Mul, array.Divide: (*big.Float).Quo,
	}
	var xs, ys []float32
	for len(xs) < 3000 {
		x, y := math.Float32frombits(rng.Uint32()), math.Float32frombits(rng.Uint32())
		if len(xs)%2 == 0 { // near the subnormals, where a result has fewer bits
			x, y = math.Float32frombits(rng.Uint32N(1<<25)), math.Float32frombits(rng.Uint32N(1<<25)+0x3f000000)
		}
		if x-x == 0 && y-y == 0 && x != 0 && y != 0 {
			xs, ys = append(xs, x), append(ys, y)
		}
	}
	for op, round := range rounds {
		got, err := array.Values[float32](eval(t, array.Apply(op, 0, data(t, xs...), data(t, ys...))))
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			exact, _ := round(new(big.Float).SetPrec(2000), big64(xs[i]), big64(ys[i])).Float32()
			if got[i] != exact {
				t.Fatalf("%s(%g, %g) = %g, want %g", op, xs[i], ys[i], got[i], exact)
			}
		}
	}
}

// TestTree adds ones to 2^53, which get lost or not by where the tree's brackets stand.
func TestTree(t *testing.T) {
	const n = 2*1024 + 40
	xs := make([]float64, n)
	xs[0], xs[16], xs[32], xs[1024] = 1<<53, 1, 1, 1
	xs[2048], xs[2049], xs[2050] = 1, 1, 1
	// Lane 0 of leaf 0: (2^53 + 1) = 2^53; lane 16 holds 1: 2^53 + 1 = 2^53. Leaf 1 is 1: 2^53 + 1 = 2^53. Leaf 2 is 3, exact.
	want(t, array.Apply(array.Sum, 0, data(t, xs...)), float64(1<<53+4)) // 2^53 + 3 lies halfway and rounds to even
}

func TestEqual(t *testing.T) {
	base := eval(t, data(t, 1, 0, math.NaN()))
	cases := []struct {
		name string
		xs   []float64
		want string
	}{
		{"same", []float64{1, 0, math.Float64frombits(0xfff8000000000001)}, ""},
		{"zero's sign", []float64{1, math.Copysign(0, -1), math.NaN()}, "element [1]"},
		{"last bit", []float64{math.Nextafter(1, 2), 0, math.NaN()}, "element [0]"},
		{"not NaN", []float64{1, 0, 0}, "element [2]"},
		{"shape", []float64{1, 0}, "type or shape"},
	}
	for _, c := range cases {
		err := ref.Equal(base, eval(t, data(t, c.xs...)))
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if ref.Equal(eval(t, data[int64](t, 1)), eval(t, data[uint64](t, 1))) == nil {
		t.Error("int64 equals uint64")
	}
}

// TestRandomGraph makes sure that random graphs can be built and evaluated, and that they reach the whole op table.
func TestRandomGraph(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(400) {
		n := ref.RandomGraph(rand.New(rand.NewPCG(seed, 0)), int(seed%6))
		b, err := ref.Eval(n)
		if errors.Is(err, array.ErrDivide) || errors.Is(err, array.ErrNegativePower) {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v: %v", seed, n, err)
		}
		if b.DType() != n.DType() || !b.Shape().Equal(n.Shape()) {
			t.Fatalf("seed %d: a %s%v for a %s%v", seed, b.DType(), b.Shape(), n.DType(), n.Shape())
		}
		array.Walk([]*array.Node{n}, func(n *array.Node) {
			switch n.Kind() {
			case array.KindOp, array.KindReduce, array.KindScan:
				seen[n.Op().String()] = true
			}
			seen[fmt.Sprint("kind ", n.Kind())] = true
			seen[n.DType().String()] = true
		})
	}
	for _, op := range array.Ops() {
		if !seen[op.String()] {
			t.Errorf("no random graph has the op %s", op)
		}
	}
	for _, d := range array.DTypes() {
		if !seen[d.String()] {
			t.Errorf("no random graph has the type %s", d)
		}
	}
}

// TestMatmulByHand: products whose elements can be told without a machine.
func TestMatmulByHand(t *testing.T) {
	shaped := func(n *array.Node, shape ...int) *array.Node { return array.Reshape(n, shape, 0) }
	matmul := func(x, y *array.Node) *array.Node { return array.Matmul(x, y, 0) }
	want(t, matmul(shaped(data(t, 1, 2, 3, 4, 5, 6), 2, 3), shaped(data(t, 1, 0, 0, 1, 1, 1), 3, 2)), 4, 5, 10, 11)
	want(t, matmul(data[int8](t, 100, 100), data[int8](t, 2, 1)), int8(44))
	want(t, matmul(shaped(data(t, true, false, false, false), 2, 2), data(t, true, true)), true, false)
	want(t, matmul(data[float64](t), data[float64](t)), 0.0)
	want(t, matmul(data(t, 1e-200), data(t, -1e-200)), 0.0) // -0 as a block's sum, added to 0
	want(t, matmul(data(t, math.Inf(1), 1), data(t, 0.0, 1)), math.NaN())
	want(t, matmul(data[float32](t, 1, 1+1.0/4096), data[float32](t, float32(math.Exp2(-40)), 1+1.0/4096)), float32(1+1.0/2048+1.0/(1<<23))) // fused: half an ulp and a bit

	third := 1.0 / 3 // which is 2^-54/3 short: 1 - 3*third is 0 with two roundings
	want(t, matmul(data(t, 1, -3), data(t, 1, third)), math.Exp2(-54))

	xs, ys := make([]float64, array.MatmulBlock+1), make([]float64, array.MatmulBlock+1)
	for i := range xs {
		xs[i], ys[i] = 1, math.Exp2(-53)
	}
	ys[0], ys[array.MatmulBlock] = 1, math.Exp2(-52) // within a block the small ones are lost one by one
	want(t, matmul(data(t, xs...), data(t, ys...)), 1+math.Exp2(-52))
	ys[array.MatmulBlock] = math.Exp2(-53)
	want(t, matmul(data(t, xs...), data(t, ys...)), 1.0)
	ys[0], ys[1], ys[array.MatmulBlock] = 0, 1, math.Exp2(-53)*1.5 // another block is added at once
	want(t, matmul(data(t, xs...), data(t, ys...)), 1+math.Exp2(-52))
}
