package devicetest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/ref"
)

// Accelerator is what the suite tries.
type Accelerator = exec.Accelerator

// Linked is an Accelerator of which several are a group.
type Linked = exec.Linked

// Launch is a launch of the first program of the plan of one array on one rank, over all of it and blocks of this process, which
// are the data of the graph in its order.
func Launch(t testing.TB, root *array.Node, operands ...*array.Block) *array.Launch {
	t.Helper()
	plan, err := exec.NewPlan([]*array.Node{root}, exec.Setting{Ranks: 1, Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Steps {
		if s.Kind != exec.Run {
			continue
		}
		l := &array.Launch{Program: s.Program, Hi: max(s.Program.Domain.Len(), 1), Operands: make([]*array.Block, len(operands))}
		for _, in := range s.Program.Inputs {
			if in.Kind == array.InputBlock {
				l.Operands[in.Slot] = operands[in.Name[1]-'0'] // x0, x1
			}
		}
		nullable := s.Program.Nullable(l.Operands)
		for i := range s.Program.Outputs {
			var b *array.Block
			if o := &s.Program.Outputs[i]; !o.Tree() {
				b = array.NewBlock(o.Result(), array.Shape{o.Results(l.Hi)}, nullable[i])
			}
			l.Results = append(l.Results, b)
		}
		return l
	}
	t.Fatal("the plan runs nothing")
	return nil
}

// Same runs a launch on the device and on the processor, which must give the same.
func Same(t testing.TB, device exec.Device, l *array.Launch) {
	t.Helper()
	processor := cpu.New(cpu.Config{Threads: 2})
	defer processor.Close()
	here := *l
	here.Progress, here.Note = nil, nil
	here.Results = append([]*array.Block(nil), l.Results...)
	for i, b := range l.Results {
		if b != nil {
			here.Results[i] = array.NewBlock(b.DType(), array.Shape{b.Len()}, b.HasNulls())
		}
	}
	here.Columns = slices.Clone(l.Columns)
	want, err := processor.Run(t.Context(), &here)
	if err != nil {
		t.Fatal(err)
	}
	got, err := device.Run(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.Program.Outputs {
		if l.Program.Outputs[i].Tree() && !slices.Equal(got[i], want[i]) {
			t.Errorf("output %d: %v, on the processor %v", i, got[i], want[i])
		}
	}
	if !reflect.DeepEqual(l.Columns, here.Columns) {
		t.Errorf("other nodes of columns: %v, on the processor %v", l.Columns, here.Columns)
	}
	for i, b := range here.Results {
		if b == nil {
			continue
		}
		if err := ref.Equal(l.Results[i], b); err != nil {
			t.Errorf("output %d: %v", i, err)
		}
	}
}

// SameProduct runs a product into p.Result on the device and on the processor, which must give the same.
func SameProduct(t testing.TB, device exec.Device, p *array.Product) {
	t.Helper()
	processor := cpu.New(cpu.Config{Threads: 2})
	defer processor.Close()
	here := *p
	here.Progress, here.Note = nil, nil
	here.Result = array.NewBlock(p.Result.DType(), array.Shape{p.Result.Len()}, p.Result.HasNulls())
	if err := processor.Multiply(t.Context(), &here); err != nil {
		t.Fatal(err)
	}
	if err := device.Multiply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := ref.Equal(p.Result, here.Result); err != nil {
		t.Errorf("%s: %v", p.Result.DType(), err)
	}
}
