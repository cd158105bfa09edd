package exec_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/partition"
)

var update = flag.Bool("update", false, "rewrite testdata")

// TestPlanTexts holds the text of plans against testdata/plans.txt.
func TestPlanTexts(t *testing.T) {
	const n = 1_000_000
	x, y := data(t, floats(n)), data(t, make([]int32, n))
	flags := data(t, make([]bool, n))
	table, row := array.Reshape(x, array.Shape{1000, 1000}, 0), data(t, floats(1000))
	file := array.File(&array.Source{Format: "arrowipc", Paths: []string{"f"}, Column: "delay", Name: "flights.delay"}, array.Float64, n, 0)
	narrow := array.File(&array.Source{Format: "arrowipc", Paths: []string{"f"}, Column: "late", Name: "flights.late"}, array.Int16, n, 0)
	mean := apply(array.Mean, x)
	centred := apply(array.Subtract, x, mean)
	chain := x
	for range 300 {
		chain = apply(array.Add, chain, number(1.0))
	}
	four := exec.Setting{Ranks: 4, Device: "cpu"}
	local := exec.Setting{Ranks: 4, Device: "cpu", InProcess: true}
	odd := four
	odd.Layout = func(shape array.Shape, p int) partition.Layout { return partition.OnRank(shape.Len(), p, p-1) }
	var out strings.Builder
	for _, tt := range []struct {
		name    string
		setting exec.Setting
		roots   []*array.Node
	}{
		{"add", four, []*array.Node{apply(array.Add, x, y)}},
		{"add in one process", local, []*array.Node{apply(array.Add, x, y)}},
		{"add on one rank", exec.Setting{Ranks: 1, Device: "cpu"}, []*array.Node{apply(array.Add, x, y)}},
		{"small in one process", local, []*array.Node{apply(array.Add, row, number(1.0))}},
		{"nothing to compute", four, []*array.Node{x}},
		{"a bool result", four, []*array.Node{apply(array.LogicalNot, flags)}},
		{"sum", four, []*array.Node{apply(array.Sum, x)}},
		{"sum over count", four, []*array.Node{apply(array.Divide, apply(array.Sum, x), apply(array.Count, x))}},
		{"x minus its mean", four, []*array.Node{centred}},
		{"variance", local, []*array.Node{apply(array.Mean, apply(array.Square, centred))}},
		{"several results share", four, []*array.Node{apply(array.Sqrt, apply(array.Add, x, y)), apply(array.Sum, apply(array.Add, x, y)), mean}},
		{"a row over a table", four, []*array.Node{apply(array.Multiply, table, row)}},
		{"a computed row over a table", four, []*array.Node{apply(array.Multiply, table, apply(array.Square, row))}},
		{"a range", four, []*array.Node{array.Arange(array.ScalarOf(0), array.ScalarOf(n), array.ScalarOf(1), 0)}},
		{"a range over a table", four, []*array.Node{apply(array.Add, table, array.Arange(array.ScalarOf(0.0), array.ScalarOf(1000.0), array.ScalarOf(1.0), 0))}},
		{"a column", four, []*array.Node{apply(array.Abs, file)}},
		{"a column's spread", four, []*array.Node{apply(array.Sum, apply(array.Square, apply(array.Subtract, narrow, apply(array.Mean, narrow))))}},
		{"a column as it is", local, []*array.Node{file}},
		{"scalars", four, []*array.Node{apply(array.Add, number(2.0), number(3.0))}},
		{"all on the last rank", odd, []*array.Node{apply(array.Negative, x)}},
		{"a long chain", four, []*array.Node{chain}},
	} {
		plan, err := exec.NewPlan(tt.roots, tt.setting)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		fmt.Fprintf(&out, "# %s\n%s\n", tt.name, plan)
	}
	golden := filepath.Join("testdata", "plans.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("plans differ from %s (-update rewrites it):\n%s", golden, out.String())
	}
}
