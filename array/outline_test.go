package array_test

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/partition"
)

// outline takes the outline of a graph that has one.
func outline(t testing.TB, roots ...*array.Node) *array.Outline {
	t.Helper()
	o := &array.Outline{}
	if !o.Of(roots, 1000) {
		t.Fatalf("no outline of %v", roots)
	}
	return o
}

// TestOutlines: outlines are equal exactly where the wire forms are, which say all there is to a graph.
func TestOutlines(t *testing.T) {
	b := block([]float64{1, 2, 3, 4, 5, 6})
	x, y := array.Data(b, 0), array.Data(block(make([]float64, 6)), 0)
	narrow := array.Data(block(make([]float32, 6)), 0)
	source := func(version string) *array.Source {
		return &array.Source{Format: "f", Paths: []string{"p", "q"}, Column: "c", Name: "n", Version: []string{version, "2"}}
	}
	apply := func(op array.Op, args ...*array.Node) *array.Node { return array.Apply(op, 0, args...) }
	num := func(v float64) *array.Node { return array.NumberOperand(array.ScalarOf(v)) }
	sum := apply(array.Add, x, y)
	parts := func(far bool, counts ...int) *array.Node { return inParts(t, 7, far, counts...) }
	graphs := [][]*array.Node{
		{parts(false, 4, 2)},
		{parts(false, 2, 4)},
		{parts(true, 4, 2)},
		{parts(false, 2, 2, 2)},
		{apply(array.Add, parts(false, 4, 2), parts(false, 4, 2))},
		{array.File(source("1"), array.Float64, 6, 0), parts(false, 6)},
		{array.File(&array.Source{Format: "f", Step: 5}, array.Float64, 6, 0)},
		{array.File(&array.Source{Format: "f", Views: 5}, array.Float64, 6, 0)},
		{apply(array.Add, x, y)},
		{apply(array.Add, x, x)},
		{apply(array.Add, x, array.Data(b, 0))}, // another node over the same block
		{apply(array.Add, y, x)},
		{apply(array.Multiply, x, y)},
		{apply(array.Add, x, narrow)},
		{apply(array.Add, narrow, narrow)},
		{apply(array.Add, x, num(1))},
		{apply(array.Add, x, num(2))},
		{apply(array.Add, narrow, num(1))},
		{apply(array.Add, array.Reshape(x, array.Shape{2, 3}, 0), array.Reshape(y, array.Shape{2, 3}, 0))},
		{array.Reshape(apply(array.Add, x, y), array.Shape{2, 3}, 0)},
		{apply(array.Add, array.Data(block(make([]float64, 6), 2, 3), 0), array.Data(block(make([]float64, 6), 2, 3), 0))},
		{apply(array.Add, x, y), x},
		{x, apply(array.Add, x, y)},
		{sum, sum},
		{apply(array.Add, x, y), apply(array.Add, x, y)},
		{apply(array.Square, sum), sum},
		{apply(array.Sum, x)},
		{apply(array.Mean, x)},
		{array.CastTo(x, array.Int8, 0)},
		{array.CastTo(x, array.Int16, 0)},
		{array.Full(array.ScalarOf(1.0), array.Shape{6}, 0)},
		{array.Full(array.ScalarOf(1.0), array.Shape{2, 3}, 0)},
		{array.Full(array.ScalarOf(1), array.Shape{6}, 0)},
		{array.Arange(array.ScalarOf(0), array.ScalarOf(6), array.ScalarOf(1), 0)},
		{array.Arange(array.ScalarOf(0), array.ScalarOf(12), array.ScalarOf(2), 0)},
		{array.File(source("1"), array.Float64, 6, 0)},
		{array.File(source("3"), array.Float64, 6, 0)},
		{array.File(source("1"), array.Int64, 6, 0)},
		{array.File(source("1"), array.Float64, 7, 0)},
		{apply(array.Add, array.File(source("1"), array.Float64, 6, 0), array.File(source("3"), array.Float64, 6, 0))},
		sample(), sample(),
	}
	rng := rand.New(rand.NewPCG(4, 4))
	for range 60 {
		roots := make([]*array.Node, 1+rng.IntN(3))
		for i := range roots {
			roots[i] = ref.RandomGraph(rng, rng.IntN(5))
		}
		graphs = append(graphs, roots)
	}
	wires := make([][]byte, len(graphs))
	outlines := make([]*array.Outline, len(graphs))
	for i, roots := range graphs {
		wire, blocks, err := array.Encode(roots)
		if err != nil {
			t.Fatal(err)
		}
		wires[i], outlines[i] = wire, outline(t, roots...)
		if !slices.Equal(outlines[i].Blocks(), blocks) {
			t.Errorf("graph %d: the blocks are in another order than Encode's", i)
		}
	}
	for i := range graphs {
		for j := range graphs {
			same := bytes.Equal(wires[i], wires[j])
			if outlines[i].Equal(outlines[j]) != same {
				t.Errorf("graphs %d and %d: equal outlines is %v, equal wire forms %v:\n%s\n%s", i, j, !same, same, wires[i], wires[j])
			}
			if same && outlines[i].Hash() != outlines[j].Hash() {
				t.Errorf("graphs %d and %d are equal, their hashes are not", i, j)
			}
		}
	}
}

// inParts is an array whose parts of so many elements have a name.
func inParts(t testing.TB, id uint64, far bool, counts ...int) *array.Node {
	t.Helper()
	l, err := partition.FromCounts(counts)
	if err != nil {
		t.Fatal(err)
	}
	return array.InParts(array.NewParts(id, l, far, nil), array.Float64, array.Shape{l.N()}, 0)
}

// TestOutlineOfParts: which parts they are is no structure, and is at hand.
func TestOutlineOfParts(t *testing.T) {
	one, other := inParts(t, 1, false, 4, 2), inParts(t, 2, false, 4, 2)
	a, b := outline(t, array.Apply(array.Add, 0, one, other)), outline(t, array.Apply(array.Add, 0, other, one))
	if !a.Equal(b) || a.Hash() != b.Hash() {
		t.Error("other parts make another outline")
	}
	if got := b.Parts(); len(got) != 2 || got[0] != other.Parts() || got[1] != one.Parts() {
		t.Errorf("parts %v", got)
	}
	if a.Clear(); len(a.Parts()) != 0 {
		t.Error("parts are held after Clear")
	}
}

// TestOutlineKnowsNodes fails where a node has got a part that nobody has thought of: what a plan depends on belongs into
// Outline.visit (and into TestOutlines), then into this list.
func TestOutlineKnowsNodes(t *testing.T) {
	within := []string{"kind", "op", "dtype", "shape", "args", "axes", "scalar", "step", "of"}
	beside := []string{"few", "weak", "err", "pc", "place"} // the memory of args; what building graphs needs; what makes no plan; what messages need
	var fields []string
	for f := range reflect.TypeFor[array.Node]().Fields() {
		fields = append(fields, f.Name)
	}
	known := append(within, beside...)
	slices.Sort(known)
	if slices.Sort(fields); !slices.Equal(fields, known) {
		t.Errorf("a node is %v, outlines are made for %v", fields, known)
	}
	if n := reflect.TypeFor[array.Source]().NumField(); n != 12 {
		t.Errorf("a source has %d fields, Source.Equal compares 12", n)
	}
}

// TestOutlineLimit: graphs that are too large or wrong have none, however deep they are.
func TestOutlineLimit(t *testing.T) {
	x := array.Data(block([]float64{1}), 0)
	deep := x
	for range 1_000_000 {
		deep = array.Apply(array.Negative, 0, deep)
	}
	wrong := array.Apply(array.Add, 0, x, array.Failed(0, array.ErrShape))
	four := array.Apply(array.Add, 0, array.Apply(array.Negative, 0, x), array.Data(block([]float64{1}), 0))
	var o array.Outline
	for _, tt := range []struct {
		name  string
		roots []*array.Node
		most  int
		want  bool
	}{
		{"a million deep", []*array.Node{deep}, 128, false},
		{"an error", []*array.Node{x, wrong}, 128, false},
		{"as many", []*array.Node{four}, 4, true},
		{"one more", []*array.Node{four}, 3, false},
		{"shared counts once", []*array.Node{four, x, four}, 4, true},
		{"nothing", nil, 0, true},
	} {
		if got := o.Of(tt.roots, tt.most); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if !tt.want && (o.Words() != 0 || len(o.Blocks()) != 0) {
			t.Errorf("%s: something is left", tt.name)
		}
	}
}

// TestOutlineAllocates nothing once it has its memory, and no more for a node of an op than the node.
func TestOutlineAllocates(t *testing.T) {
	x, y := array.Data(block([]float64{1}), 0), array.Data(block([]float64{1}), 0)
	roots := []*array.Node{array.Apply(array.Add, 0, x, y)}
	var o array.Outline
	if n := testing.AllocsPerRun(100, func() { o.Of(roots, 10); o.Hash(); o.Equal(&o); o.Clear() }); n != 0 {
		t.Errorf("an outline is %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { roots[0] = array.Apply(array.Add, 0, x, y) }); n != 1 {
		t.Errorf("a node is %v allocations", n)
	}
}
