package ptxtest

import (
	"math"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
)

// Processor is what kernels are held against: exec/cpu.
type Processor struct{ device *cpu.Device }

// NewProcessor gives one, which is closed at the test's end.
func NewProcessor(t testing.TB) *Processor {
	device := cpu.New(cpu.Config{Threads: 1})
	t.Cleanup(func() { device.Close() })
	return &Processor{device}
}

// Compare runs a launch on the processor and by its fused kernel, and holds one against the other bit for bit, any NaN for any.
// Results of the launch do not count.
func (c *Processor) Compare(t testing.TB, l *array.Launch, o Options) Outcome {
	t.Helper()
	p := l.Program
	got := Fused(t, l, o)
	faults := map[int]uint64{}
	nullable := p.Nullable(l.Operands)
	want := *l
	want.Results = make([]*array.Block, len(p.Outputs))
	want.Fault = func(instr, element int) {
		if at, ok := faults[instr]; !ok || uint64(element) < at {
			faults[instr] = uint64(element)
		}
	}
	for i, out := range p.Outputs {
		if !out.Reduce {
			want.Results[i] = array.NewBlock(out.DType, array.Shape{l.Hi - l.Lo}, nullable[i])
		}
	}
	forests, err := c.device.Run(t.Context(), &want)
	if err != nil {
		t.Fatal(err)
	}
	for i, out := range p.Outputs {
		switch {
		case !out.Reduce:
			sameBlocks(t, l, i, got, want.Results[i])
		case l.Hi > l.Lo:
			sameForest(t, l, i, got, forests[i])
		}
	}
	if len(faults) != len(got.Faults) {
		t.Fatalf("%s: faults %v, want %v\n%s", p, got.Faults, faults, got.Kernel.Text)
	}
	for instr, at := range faults {
		if got.Faults[instr] != at {
			t.Fatalf("%s: faults %v, want %v\n%s", p, got.Faults, faults, got.Kernel.Text)
		}
	}
	return got
}

func sameBlocks(t testing.TB, l *array.Launch, i int, got Outcome, want *array.Block) {
	t.Helper()
	for at := range want.Len() {
		x, ok := got.Results[i].Scalar(at)
		y, valid := want.Scalar(at)
		if ok != valid || ok && !Same(x, y) {
			t.Fatalf("%s, part [%d, %d) of %v: output %d has %s (valid %v) at %d, want %s (valid %v)\n%s",
				l.Program, l.Lo, l.Hi, l.Program.Domain, i, x, ok, at, y, valid, got.Kernel.Text)
		}
	}
}

func sameForest(t testing.TB, l *array.Launch, i int, got Outcome, want array.Forest) {
	t.Helper()
	o := l.Program.Outputs[i]
	acc := array.AccumulatorType(o.Op, o.DType)
	var forest array.Forest
	for _, node := range got.Nodes[i] {
		forest = forest.Push(o.Op, acc, node)
	}
	fail := len(forest) != len(want)
	for k := 0; k < len(want) && !fail; k++ {
		x, y := forest[k], want[k]
		fail = x.Level != y.Level || x.Index != y.Index || x.Count != y.Count || x.Aux != y.Aux ||
			!Same(array.ScalarFromBits(acc, x.Acc), array.ScalarFromBits(acc, y.Acc))
	}
	if fail {
		t.Fatalf("%s, part [%d, %d): output %d has the tree %v, want %v\n%s", l.Program, l.Lo, l.Hi, i, forest, want, got.Kernel.Text)
	}
}

// Same reports whether two values have the same bits, any NaN being like any.
func Same(x, y array.Scalar) bool {
	return x == y || x.DType() == y.DType() && x.DType().Float() && math.IsNaN(x.Float()) && math.IsNaN(y.Float())
}
