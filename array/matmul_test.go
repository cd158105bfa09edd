package array_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

func zeros(d array.DType, shape ...int) *array.Node {
	return array.Full(array.ScalarFromBits(d, 0), shape, 0)
}

// TestMatmulTypes: the shape and the type of a product are NumPy's.
func TestMatmulTypes(t *testing.T) {
	for _, c := range []struct {
		name string
		x, y *array.Node
		want string
	}{
		{"matrices", zeros(array.Float64, 2, 3), zeros(array.Float64, 3, 4), "float64[2 4]"},
		{"vector and matrix", zeros(array.Float32, 3), zeros(array.Float32, 3, 4), "float32[4]"},
		{"matrix and vector", zeros(array.Int8, 2, 3), zeros(array.Int8, 3), "int8[2]"},
		{"vectors", zeros(array.Bool, 3), zeros(array.Bool, 3), "bool[]"},
		{"nothing to sum", zeros(array.Uint16, 2, 0), zeros(array.Uint16, 0, 4), "uint16[2 4]"},
		{"no rows", zeros(array.Float64, 0, 3), zeros(array.Float64, 3), "float64[0]"},
		{"empty vectors", zeros(array.Float64, 0), zeros(array.Float64, 0), "float64[]"},
		{"floats", zeros(array.Float32, 3), zeros(array.Float64, 3), "float64[]"},
		{"small integer and float", zeros(array.Int16, 3), zeros(array.Float32, 3), "float32[]"},
		{"integer and float", zeros(array.Int32, 3), zeros(array.Float32, 3), "float64[]"},
		{"signs", zeros(array.Int8, 3), zeros(array.Uint8, 3), "int16[]"},
		{"large and sign", zeros(array.Int64, 3), zeros(array.Uint64, 3), "float64[]"},
		{"bool and integer", zeros(array.Bool, 3), zeros(array.Uint8, 3), "uint8[]"},
	} {
		n := array.Matmul(c.x, c.y, 0)
		if got := n.DType().String() + n.Shape().String(); n.Err() != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.name, got, n.Err(), c.want)
		}
	}
}

func TestMatmulMistakes(t *testing.T) {
	f := func(shape ...int) *array.Node { return zeros(array.Float64, shape...) }
	for _, c := range []struct {
		x, y *array.Node
		want string
	}{
		{f(2, 3), f(4, 5), "matmul: shape mismatch: shapes [2 3] and [4 5]: the last axis of the left operand must be as long as the first of the right one"},
		{f(2, 3), f(4, 3), "transpose the right one"},
		{f(3, 2), f(3, 4), "transpose the left one"},
		{f(3), f(4), "shapes [3] and [4]"},
		{f(), f(4), "shapes [] and [4]: a 0-D operand has no axis to sum over; use Multiply to scale"},
		{f(4), array.NumberOperand(array.ScalarOf(2)), "use Multiply"},
		{f(2, 3, 4), f(4, 5), "shapes [2 3 4] and [4 5]: only 1-D and 2-D arrays are multiplied; Reshape to 2-D"},
		{f(1<<32, 1), f(1, 1<<32), "more elements than can be addressed"},
		{f(1<<40, 0), f(0, 1<<40), "more elements than can be addressed"},
	} {
		n := array.Matmul(c.x, c.y, here())
		if err := n.Err(); !errors.Is(err, array.ErrShape) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "(matmul_test.go:") {
			t.Errorf("error %v, want %q and a position", err, c.want)
		}
		if over := array.Matmul(f(1, 1), n, 0); over.Err() != n.Err() {
			t.Errorf("over it the error is %v", over.Err())
		}
	}
}

// TestMatmulWire: a product arrives as it was sent, and what is no product is refused.
func TestMatmulWire(t *testing.T) {
	x, y := array.Data(block(make([]float64, 6), 2, 3), 0), array.Data(block(make([]int8, 12), 3, 4), 0)
	n := array.Matmul(x, y, 0)
	if got, want := n.String(), "matmul(data:float64[2 3], cast(data:int8[3 4], float64))"; got != want {
		t.Errorf("the text is %s, want %s", got, want)
	}
	if got := roundTrip(t, []*array.Node{n})[0]; got.Kind() != array.KindMatmul || got.String() != n.String() {
		t.Errorf("arrives as %v", got)
	}
	const data = `{"kind":"data","dtype":"float64","shape":[2,3],"data":1},{"kind":"data","dtype":"float32","shape":[3,4],"data":2},`
	for product, want := range map[string]string{
		`"dtype":"float64","shape":[2,4],"args":[0]`:      "two operands, not 1",
		`"dtype":"float64","shape":[2,4]`:                 "two operands, not 0",
		`"dtype":"float64","shape":[2,4],"args":[0,1]`:    "other types",
		`"dtype":"float64","shape":[2,3],"args":[0,0]`:    "shapes [2 3] and [2 3]",
		`"dtype":"float64","shape":[2,4],"args":[0,7]`:    "no earlier node",
		`"dtype":"float32","shape":[2,4],"args":[0,1]`:    "says float32[2 4], is float64[2 4]",
		`"dtype":"float64","shape":[8],"args":[0,1]`:      "says float64[8], is float64[2 4]",
		`"dtype":"float64","shape":[2,4],"args":[0,1,1]`:  "two operands, not 3",
		`"dtype":"float64","shape":[2,4],"args":[0,1,-1]`: "no earlier node",
	} {
		_, err := array.Decode([]byte(`{"nodes":[` + data + `{"kind":"matmul",` + product + `}],"roots":[2]}`))
		if !errors.Is(err, array.ErrGraph) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error about %q", product, err, want)
		}
	}
}

// TestProductCheck: what a device would stumble over is refused first.
func TestProductCheck(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	random := func(d array.DType, nulls float64, n int) *array.Block {
		return ref.Random(rng, d, array.Shape{n}, nulls)
	}
	good := func() *array.Product { // elements 3 to 9 of 4 x 3 lie in rows 1 and 2
		return &array.Product{
			Extents: array.Extents{Rows: 4, Inner: 5, Columns: 3}, Lo: 3, Hi: 9,
			X: random(array.Float64, 0, 10), Y: random(array.Float64, 0, 15), Result: array.NewBlock(array.Float64, array.Shape{6}, true),
		}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(p *array.Product){
		"no rows":         func(p *array.Product) { p.Rows = 0 },
		"huge":            func(p *array.Product) { p.Rows, p.Inner = 1<<40, 1<<40 },
		"negative part":   func(p *array.Product) { p.Lo = -1 },
		"part beyond":     func(p *array.Product) { p.Lo, p.Hi = 7, 13 },
		"turned part":     func(p *array.Product) { p.Lo, p.Hi = 9, 3 },
		"no left operand": func(p *array.Product) { p.X = nil },
		"no result":       func(p *array.Product) { p.Result = nil },
		"left operand":    func(p *array.Product) { p.X = random(array.Float64, 0, 9) },
		"right operand":   func(p *array.Product) { p.Y = random(array.Float64, 0, 16) },
		"result":          func(p *array.Product) { p.Result = array.NewBlock(array.Float64, array.Shape{5}, true) },
		"type":            func(p *array.Product) { p.Y = random(array.Float32, 0, 15) },
		"no type":         func(p *array.Product) { p.X = &array.Block{} },
		"nulls": func(p *array.Product) {
			p.X, p.Result = random(array.Float64, 0.5, 10), array.NewBlock(array.Float64, array.Shape{6}, false)
		},
	} {
		p := good()
		spoil(p)
		if p.Check() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
