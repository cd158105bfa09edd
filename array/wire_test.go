package array_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// sample is a graph with every kind of node and a shared operand.
func sample() []*array.Node {
	source := &array.Source{Format: "arrowipc", Paths: []string{"a.arrow"}, Column: "delay", Name: "a.delay", Version: []string{"100-1"}}
	x := array.Data(block([]float64{1, 2, 3, 4, 5, 6}, 2, 3), 0)
	y := array.Reshape(array.File(source, array.Int32, 6, 0), array.Shape{2, 3}, 0)
	sum := array.Apply(array.Add, 0, x, y)
	range3 := array.Arange(array.ScalarOf(int8(1)), array.ScalarOf(int8(-5)), array.ScalarOf(int8(-2)), 0)
	picked := array.Apply(array.Where, 0, array.Apply(array.Less, 0, sum, array.NumberOperand(array.ScalarOf(4))), sum, range3)
	centred := array.Apply(array.Subtract, 0, picked, array.Apply(array.Mean, 0, picked))
	scaled := array.Apply(array.Multiply, 0, centred, array.Full(array.ScalarOf(float32(0.1)), array.Shape{3}, 0))
	spread := array.KeepDims(array.Std(0, x, 1, -1), 0)
	return []*array.Node{scaled, array.Apply(array.Count, 0, x), sum, spread, array.Scan(array.CumSum, 0, x, 1), array.Reduce(array.ArgMax, 0, x, 0)}
}

// TestWireGolden pins the wire form: a change of it is a change of the protocol between ranks.
func TestWireGolden(t *testing.T) {
	wire, blocks, err := array.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 1 || blocks[0].Len() != 6 {
		t.Errorf("blocks %v, want the one of six elements", blocks)
	}
	var text bytes.Buffer
	if err := json.Indent(&text, wire, "", " "); err != nil {
		t.Fatal(err)
	}
	golden(t, "wire.golden", array.Fingerprint(wire)+"\n"+text.String()+"\n")
}

// roundTrip encodes and decodes roots, and checks that the wire form is stable and the graph the same.
func roundTrip(t *testing.T, roots []*array.Node) []*array.Node {
	t.Helper()
	wire, _, err := array.Encode(roots)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := array.Decode(wire)
	if err != nil {
		t.Fatalf("%v\n%s", err, wire)
	}
	again, _, err := array.Encode(decoded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(wire, again) || array.Fingerprint(wire) != array.Fingerprint(again) {
		t.Fatalf("the decoded graph encodes as\n%s\nnot\n%s", again, wire)
	}
	return decoded
}

func TestWireRoundTrip(t *testing.T) {
	for i, n := range roundTrip(t, sample()) {
		if want := sample()[i]; n.String() != want.String() || n.DType() != want.DType() || !n.Shape().Equal(want.Shape()) {
			t.Errorf("root %d arrives as %v, want %v", i, n, want)
		}
	}
	for seed := range uint64(200) {
		n := ref.RandomGraph(rand.New(rand.NewPCG(seed, 1)), int(seed%8))
		if got := roundTrip(t, []*array.Node{n})[0]; got.String() != n.String() {
			t.Fatalf("seed %d: %v arrives as %v", seed, n, got)
		}
	}
}

// TestFingerprint: graphs that differ in one value, order or sharing have different names; building twice gives the same.
func TestFingerprint(t *testing.T) {
	x, y := array.Data(block([]int{1}), 0), array.Data(block([]int{1}), 0)
	graphs := []struct {
		name  string
		roots []*array.Node
	}{
		{"x+y", []*array.Node{array.Apply(array.Add, 0, x, y)}},
		{"x+x", []*array.Node{array.Apply(array.Add, 0, x, x)}},
		{"x-y", []*array.Node{array.Apply(array.Subtract, 0, x, y)}},
		{"x", []*array.Node{x}},
		{"x, x", []*array.Node{x, x}},
		{"x, y", []*array.Node{x, y}},
		{"full 1", []*array.Node{array.Full(array.ScalarOf(1), array.Shape{3}, 0)}},
		{"full 2", []*array.Node{array.Full(array.ScalarOf(2), array.Shape{3}, 0)}},
		{"nothing", nil},
	}
	seen := map[string]string{}
	for _, g := range graphs {
		wire, _, err := array.Encode(g.roots)
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[array.Fingerprint(wire)]; ok {
			t.Errorf("%s and %s have one fingerprint", g.name, other)
		}
		seen[array.Fingerprint(wire)] = g.name
	}
	a, _, _ := array.Encode(sample())
	b, _, _ := array.Encode(sample())
	if !bytes.Equal(a, b) {
		t.Error("the same program encodes in two ways")
	}
}

func TestEncodeKeepsErrors(t *testing.T) {
	bad := array.Apply(array.Add, 0, array.Data(block([]int{1, 2}), 0), array.Data(block([]int{1, 2, 3}), 0))
	for _, roots := range [][]*array.Node{{bad}, {array.Apply(array.Sqrt, 0, bad)}, {array.Data(block([]int{1}), 0), bad}} {
		if _, _, err := array.Encode(roots); !errors.Is(err, array.ErrShape) {
			t.Errorf("error %v, want the one that building made", err)
		}
	}
}

// TestDecodeRefuses sends graphs that no user could have built.
func TestDecodeRefuses(t *testing.T) {
	const x = `{"kind":"data","dtype":"float64","shape":[3],"data":1}`
	const cube = `{"kind":"data","dtype":"float64","shape":[2,3,4],"data":1}`
	cases := []struct{ name, nodes, roots, want string }{
		{"unknown kind", `{"kind":"spell","dtype":"int8","shape":[]}`, "0", "unknown kind"},
		{"unknown type", `{"kind":"full","dtype":"int7","shape":[]}`, "0", "int7"},
		{"no type", `{"kind":"data","dtype":"invalid","shape":[1],"data":1}`, "0", "invalid"},
		{"unknown op", x + `,{"kind":"op","op":"frobnicate","dtype":"float64","shape":[3],"args":[0]}`, "1", "frobnicate"},
		{"reduction as op", x + `,{"kind":"op","op":"sum","dtype":"float64","shape":[],"args":[0]}`, "1", "sum"},
		{"op as reduction", x + `,{"kind":"reduce","op":"sqrt","dtype":"float64","shape":[3],"args":[0]}`, "1", "sqrt"},
		{"too few operands", x + `,{"kind":"op","op":"add","dtype":"float64","shape":[3],"args":[0]}`, "1", "2 operands, not 1"},
		{"too many operands", x + `,{"kind":"reduce","op":"sum","dtype":"float64","shape":[],"args":[0,0]}`, "1", "one operand, not 2"},
		{"cast of nothing", `{"kind":"op","op":"cast","dtype":"float64","shape":[]}`, "0", "one operand"},
		{"reshape of nothing", `{"kind":"reshape","dtype":"float64","shape":[]}`, "0", "one operand"},
		{"operands of data", x + `,{"kind":"data","dtype":"float64","shape":[3],"args":[0],"data":2}`, "1", "no operands"},
		{"itself", `{"kind":"op","op":"sqrt","dtype":"float64","shape":[3],"args":[0]}`, "0", "no earlier node"},
		{"a later node", `{"kind":"op","op":"sqrt","dtype":"float64","shape":[3],"args":[1]},` + x, "0", "no earlier node"},
		{"negative operand", x + `,{"kind":"op","op":"sqrt","dtype":"float64","shape":[3],"args":[-1]}`, "1", "no earlier node"},
		{"huge shape", `{"kind":"data","dtype":"float64","shape":[4611686018427387904],"data":1}`, "0", "more elements"},
		{"huge product", `{"kind":"full","dtype":"float64","shape":[4294967296,4294967296]}`, "0", "more elements"},
		{"negative shape", `{"kind":"full","dtype":"float64","shape":[-1]}`, "0", "negative"},
		{"many axes", `{"kind":"full","dtype":"float64","shape":[` + strings.Repeat("1,", 64) + `1]}`, "0", "axes"},
		{"wrong type", x + `,{"kind":"op","op":"sqrt","dtype":"float32","shape":[3],"args":[0]}`, "1", "says float32[3], is float64[3]"},
		{"wrong shape", x + `,{"kind":"op","op":"sqrt","dtype":"float64","shape":[4],"args":[0]}`, "1", "says float64[4], is float64[3]"},
		{"wrong cast", x + `,{"kind":"op","op":"cast","dtype":"float64","shape":[],"args":[0]}`, "1", "says float64[], is float64[3]"},
		{"wrong reshape", x + `,{"kind":"reshape","dtype":"float64","shape":[4],"args":[0]}`, "1", "cannot become"},
		{"operands not cast", x + `,{"kind":"full","dtype":"int8","shape":[]},{"kind":"op","op":"add","dtype":"float64","shape":[3],"args":[0,1]}`, "2", "other types"},
		{"axes out of order", cube + `,{"kind":"reduce","op":"sum","dtype":"float64","shape":[4],"args":[0],"axes":[1,0]}`, "1", "over axes [1 0]"},
		{"axis from the end", cube + `,{"kind":"reduce","op":"sum","dtype":"float64","shape":[2,3],"args":[0],"axes":[-1]}`, "1", "over axes [-1]"},
		{"axis that is not there", cube + `,{"kind":"reduce","op":"sum","dtype":"float64","shape":[2,3],"args":[0],"axes":[3]}`, "1", "out of range"},
		{"axis twice", cube + `,{"kind":"reduce","op":"sum","dtype":"float64","shape":[2,3],"args":[0],"axes":[2,2]}`, "1", "named twice"},
		{"all axes by name", cube + `,{"kind":"reduce","op":"sum","dtype":"float64","shape":[],"args":[0],"axes":[0,1,2]}`, "1", "over axes [0 1 2]"},
		{"index along two axes", cube + `,{"kind":"reduce","op":"argmin","dtype":"int64","shape":[2],"args":[0],"axes":[1,2]}`, "1", "name one axis"},
		{"a value where none is", cube + `,{"kind":"reduce","op":"sum","dtype":"float64","shape":[],"args":[0],"value":7}`, "1", "value 0x7"},
		{"a correction that is none", cube + `,{"kind":"reduce","op":"var","dtype":"float64","shape":[],"args":[0],"value":9221120237041090561}`, "1", "no finite number"},
		{"the correction -0", cube + `,{"kind":"reduce","op":"var","dtype":"float64","shape":[],"args":[0],"value":9223372036854775808}`, "1", "which is 0x0"},
		{"a scan without an axis", cube + `,{"kind":"scan","op":"cumsum","dtype":"float64","shape":[24],"args":[0]}`, "1", "operands of other types"},
		{"a scan along two axes", cube + `,{"kind":"scan","op":"cumsum","dtype":"float64","shape":[2,3,4],"args":[0],"axes":[0,1]}`, "1", "along one axis"},
		{"a scan as a reduction", cube + `,{"kind":"reduce","op":"cumsum","dtype":"float64","shape":[24],"args":[0]}`, "1", "no reduce named"},
		{"a reduction as a scan", cube + `,{"kind":"scan","op":"sum","dtype":"float64","shape":[],"args":[0]}`, "1", "no scan named"},
		{"no broadcast", x + `,{"kind":"data","dtype":"float64","shape":[2],"data":2},{"kind":"op","op":"add","dtype":"float64","shape":[3],"args":[0,1]}`, "2", "do not broadcast"},
		{"wrong block", `{"kind":"data","dtype":"float64","shape":[3],"data":7}`, "0", "block 7"},
		{"file without a source", `{"kind":"file","dtype":"float64","shape":[3]}`, "0", "source"},
		{"arange in two axes", `{"kind":"arange","dtype":"int64","shape":[3,3],"step":1}`, "0", "arange"},
		{"arange that stands still", `{"kind":"arange","dtype":"int64","shape":[3]}`, "0", "arange"},
		{"no value of its type", `{"kind":"full","dtype":"bool","shape":[],"value":2}`, "0", "is no bool"},
		{"too wide a value", `{"kind":"full","dtype":"int8","shape":[],"value":128}`, "0", "is no int8"},
		{"root beyond the nodes", x, "1", "root 1 of 1"},
		{"negative root", x, "-1", "root -1"},
		{"unknown field", `{"kind":"full","dtype":"int8","shape":[],"colour":1}`, "0", "colour"},
		{"not a number", `{"kind":"full","dtype":"int8","shape":["many"]}`, "0", "cannot unmarshal"},
	}
	for _, c := range cases {
		nodes, err := array.Decode([]byte(`{"nodes":[` + c.nodes + `],"roots":[` + c.roots + `]}`))
		if !errors.Is(err, array.ErrGraph) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want an error about %q", c.name, nodes, err, c.want)
		}
	}
	for _, wire := range []string{"", "{", "[]", "null x", `{"nodes":[],"roots":[]}{}`, "\xff"} {
		if _, err := array.Decode([]byte(wire)); !errors.Is(err, array.ErrGraph) {
			t.Errorf("%q: %v, want ErrGraph", wire, err)
		}
	}
}

// TestDeepGraph: a chain of 1e5 ops is walked, encoded, decoded and printed without a deep stack or quadratic time.
func TestDeepGraph(t *testing.T) {
	n := array.Data(block([]float64{1}), 0)
	for i := range 100_000 {
		switch i % 3 {
		case 0:
			n = array.Apply(array.Add, 0, n, n) // as a tree it would have 2^33333 leaves
		case 1:
			n = array.Apply(array.Sqrt, 0, n)
		case 2:
			n = array.Apply(array.Negative, 0, n)
		}
	}
	count := 0
	array.Walk([]*array.Node{n, n}, func(*array.Node) { count++ })
	if count != 100_001 {
		t.Errorf("%d nodes visited", count)
	}
	wire, _, err := array.Encode([]*array.Node{n})
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := array.Decode(wire)
	if err != nil {
		t.Fatal(err)
	}
	if text := decoded[0].String(); len(text) > 1100 || !strings.HasSuffix(text, "...") || text != n.String() {
		t.Errorf("%d bytes of text, ending in %q", len(text), text[len(text)-10:])
	}
}

// TestWalkOrder: operands first, each once, left before right.
func TestWalkOrder(t *testing.T) {
	x, y := array.Data(block([]int{1}), 0), array.Data(block([]int{2}), 0)
	sum := array.Apply(array.Add, 0, x, y)
	product := array.Apply(array.Multiply, 0, y, sum)
	var got []*array.Node
	array.Walk([]*array.Node{product, x}, func(n *array.Node) { got = append(got, n) })
	if !slices.Equal(got, []*array.Node{y, x, sum, product}) {
		t.Errorf("visited %v", got)
	}
}

// FuzzDecode: no bytes make Decode panic, and what it takes encodes to a form that decodes to the same graph.
func FuzzDecode(f *testing.F) {
	wire, _, err := array.Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	if wire, _, err = array.Encode([]*array.Node{array.Apply(array.Sqrt, 0, inParts(f, 1<<40, true, 3, 0, 4))}); err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	for seed := range uint64(20) {
		wire, _, err := array.Encode([]*array.Node{ref.RandomGraph(rand.New(rand.NewPCG(seed, 2)), 4)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		roots, err := array.Decode(wire)
		if err != nil {
			return
		}
		roundTrip(t, roots)
		for _, n := range roots {
			_ = n.String()
		}
	})
}
