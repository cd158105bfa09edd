package cpu_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// overAxes is the launch of a node over one block; computed puts an op in between that changes nothing.
func overAxes(n *array.Node, x *array.Block, computed bool) *array.Launch {
	extent, _ := n.Extent()
	p := &array.Program{Domain: array.Shape{x.Len()}, Inputs: []array.Input{{DType: x.DType(), Name: "x"}}}
	o := array.Output{DType: x.DType(), Op: n.Op(), Reduce: n.Kind() == array.KindReduce, Scan: n.Kind() == array.KindScan, Out: n.DType()}
	if computed {
		p.Code = []array.Instr{{Op: array.Maximum, In: x.DType(), Out: x.DType(), Dst: 1, Args: []array.Reg{0, 0}}}
		o.Reg = 1
	}
	if !extent.Whole() {
		o.Extent = extent
	}
	p.Outputs = []array.Output{o}
	l := &array.Launch{Program: p, Hi: x.Len(), Operands: []*array.Block{x.Slice(0, x.Len())}, Results: make([]*array.Block, 1)}
	if !o.Tree() {
		l.Results[0] = array.NewBlock(o.Result(), array.Shape{o.Results(x.Len())}, p.Nullable(l.Operands)[0])
	}
	return l
}

// result runs a launch and gives its values as a block.
func result(t *testing.T, device *cpu.Device, l *array.Launch, n *array.Node) *array.Block {
	t.Helper()
	forests, err := device.Run(context.Background(), l)
	if err != nil {
		t.Fatalf("%s: %v", n, err)
	}
	b := l.Results[0]
	if b == nil {
		value, ok := forests[0].Result(n.Op(), array.AccumulatorType(n.Op(), l.Operands[0].DType()), n.DType())
		b = array.NewBlock(n.DType(), array.Shape{1}, true)
		b.SetScalar(0, value, ok)
	}
	if b, err = b.Reshape(n.Shape()); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAxesThreads: runs, blocks and tables larger than what a goroutine takes at once have the reference's bits for any
// number of goroutines.
func TestAxesThreads(t *testing.T) {
	leak.Check(t)
	rng := rand.New(rand.NewPCG(9, 9))
	for i, c := range []struct {
		shape array.Shape
		axes  []int
	}{
		{array.Shape{135_000}, nil},
		{array.Shape{1, 2, 133_000}, []int{2}},
		{array.Shape{45_000, 3}, []int{1}},
		{array.Shape{20, 700}, []int{1}},
		{array.Shape{9_000, 3}, []int{0}},
		{array.Shape{700, 40}, []int{0}},
		{array.Shape{4, 9000}, []int{0}},
		{array.Shape{5, 70, 50}, []int{1}},
	} {
		if *only != "" && c.shape.Len() > 18_000 { // emulated: too slow
			continue
		}
		ops := []array.Op{array.Sum, array.Min, array.Var, array.ArgMax, array.CumSum}
		for k := range 2 {
			op := ops[(i+2*k)%len(ops)]
			d := []array.DType{array.Float64, array.Float32, array.Int64}[(i+k)%3]
			if op == array.Var && !d.Float() {
				d = array.Float64
			}
			x := ref.Random(rng, d, c.shape, float64(k%2)/8)
			var n *array.Node
			if op.IsScan() {
				n = array.Scan(op, 0, array.Data(x, 0), c.axes...)
			} else {
				n = array.Reduce(op, 0, array.Data(x, 0), c.axes...)
			}
			want, err := ref.Eval(n)
			if err != nil {
				t.Fatal(err)
			}
			for _, threads := range []int{1, 4} {
				device := cpu.New(cpu.Config{Threads: threads})
				for _, computed := range []bool{false, true} {
					name := fmt.Sprintf("%s of %s%v over %v, %d threads, computed %t", op, d, c.shape, c.axes, threads, computed)
					flat, _ := x.Reshape(array.Shape{x.Len()})
					if err := ref.Equal(result(t, device, overAxes(n, flat, computed), n), want); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
				device.Close()
			}
		}
	}
}

// TestMalformedAxes: an output over axes that does not fit its launch is an error, and nothing runs.
func TestMalformedAxes(t *testing.T) {
	device := cpu.New(cpu.Config{Threads: 1})
	defer device.Close()
	rng := rand.New(rand.NewPCG(1, 9))
	x := ref.Random(rng, array.Float64, array.Shape{6400}, 0.5)
	n := array.Reduce(array.Max, 0, array.Reshape(array.Data(x, 0), array.Shape{10, 640}, 0), 1)
	for name, spoil := range map[string]func(l *array.Launch, o *array.Output){
		"extent":    func(_ *array.Launch, o *array.Output) { o.Extent.Length = 641 },
		"no extent": func(_ *array.Launch, o *array.Output) { o.Extent.Inner = 0 },
		"overflow": func(_ *array.Launch, o *array.Output) {
			o.Extent = array.Extent{Outer: 1 << 40, Length: 1 << 40, Inner: 6400}
		},
		"cut":       func(l *array.Launch, _ *array.Output) { l.Lo, l.Operands[0] = 1, x.Slice(1, 6400) },
		"no result": func(l *array.Launch, _ *array.Output) { l.Results[0] = nil },
		"short": func(l *array.Launch, _ *array.Output) {
			l.Results[0] = array.NewBlock(array.Float64, array.Shape{9}, true)
		},
		"type": func(l *array.Launch, _ *array.Output) {
			l.Results[0] = array.NewBlock(array.Int64, array.Shape{10}, true)
		},
		"validity": func(l *array.Launch, _ *array.Output) {
			l.Results[0] = array.NewBlock(array.Float64, array.Shape{10}, false)
		},
		"register":    func(_ *array.Launch, o *array.Output) { o.Reg = 7 },
		"op":          func(_ *array.Launch, o *array.Output) { o.Op = array.Add },
		"bools only":  func(_ *array.Launch, o *array.Output) { o.Op = array.Any },
		"scan":        func(_ *array.Launch, o *array.Output) { o.Scan = true },
		"partial":     func(_ *array.Launch, o *array.Output) { o.Partial = true },
		"operand":     func(l *array.Launch, _ *array.Output) { l.Operands[0] = nil },
		"no operands": func(l *array.Launch, _ *array.Output) { l.Operands = nil },
		"beyond":      func(l *array.Launch, _ *array.Output) { l.Hi = 6401 },
	} {
		l := overAxes(n, x, false)
		spoil(l, &l.Program.Outputs[0])
		if _, err := device.Run(context.Background(), l); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
