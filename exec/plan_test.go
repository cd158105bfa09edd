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
	shared := local
	shared.OneDevice = true
	odd := four
	odd.Layout = func(shape array.Shape, p int) partition.Layout { return partition.OnRank(shape.Len(), p, p-1) }
	keep := four
	keep.Keep = true
	linked := four
	linked.Choice = exec.Choice{Accelerator: &paper{&afar{}, nil}, Always: true, Linked: true, Rates: array.Rates{Launch: 1000, Up: 1e10, Down: 1e10, Memory: 1e12, Ops: 1e12}}
	linked.Choice.Processor = linked.Choice.Rates
	parts := func(far bool, shape array.Shape, counts ...int) *array.Node {
		l, err := partition.FromCounts(counts)
		if err != nil {
			t.Fatal(err)
		}
		return array.InParts(array.NewParts(1, l, far, nil), array.Float64, shape, 0)
	}
	lies, other := parts(false, array.Shape{n}, 100_000, 200_000, 300_000, 400_000), parts(false, array.Shape{n}, n/4, n/4, n/4, n/4)
	far := parts(true, array.Shape{1000, 1000}, n/4, n/4, n/4, n/4)
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
		{"in one process, whose ranks share a device", shared, []*array.Node{apply(array.Add, x, y), apply(array.Sum, x)}},
		{"a column, read by ranks that share a device", shared, []*array.Node{apply(array.Abs, file)}},
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
		{"sum along axis 1", four, []*array.Node{array.Reduce(array.Sum, 0, table, 1)}},
		{"sum along axis 0", four, []*array.Node{array.Reduce(array.Sum, 0, table, 0)}},
		{"sums along both and of all", four, []*array.Node{array.Reduce(array.Sum, 0, table, 0), array.Reduce(array.Sum, 0, table, 1), apply(array.Sum, table)}},
		{"rows minus their means", local, []*array.Node{apply(array.Subtract, table, array.KeepDims(array.Reduce(array.Mean, 0, table, 1), 0))}},
		{"columns minus their means", four, []*array.Node{apply(array.Subtract, table, array.Reduce(array.Mean, 0, table, 0))}},
		{"norm of columns", four, []*array.Node{array.Norm(0, table, 0)}},
		{"axes apart", four, []*array.Node{array.Reduce(array.Max, 0, array.Reshape(x, array.Shape{100, 100, 100}, 0), 0, 2)}},
		{"axes apart of what is computed", four, []*array.Node{array.Reduce(array.Max, 0, array.Reshape(centred, array.Shape{100, 100, 100}, 0), 0, 2)}},
		{"few rows", four, []*array.Node{array.Reduce(array.Sum, 0, array.Reshape(x, array.Shape{2, n / 2}, 0), 1)}},
		{"few rows together", four, []*array.Node{array.Reduce(array.Sum, 0, array.Reshape(x, array.Shape{2, n / 2}, 0), 0)}},
		{"standard deviation", four, []*array.Node{array.Std(0, x, 1)}},
		{"the place of the least", four, []*array.Node{apply(array.ArgMin, x), array.Reduce(array.ArgMin, 0, table, 1)}},
		{"running sum", four, []*array.Node{apply(array.CumSum, apply(array.Square, x))}},
		{"running sum on one rank", exec.Setting{Ranks: 1, Device: "cpu"}, []*array.Node{apply(array.CumSum, x), apply(array.Sum, x)}},
		{"running sum of rows", four, []*array.Node{array.Scan(array.CumSum, 0, table, 1)}},
		{"running sum of columns", four, []*array.Node{array.Scan(array.CumSum, 0, apply(array.Square, table), 0)}},
		{"rows of nothing", four, []*array.Node{array.Reduce(array.Sum, 0, array.Full(array.ScalarOf(1.0), array.Shape{3, 0}, 0), 1)}},
		{"a product", four, []*array.Node{matmul(table, table)}},
		{"a product in one process", local, []*array.Node{matmul(table, reshape(row, 1000, 1))}},
		{"a small product in one process", local, []*array.Node{matmul(reshape(row, 10, 100), reshape(row, 100, 10))}},
		{"a product on one rank", exec.Setting{Ranks: 1, Device: "cpu"}, []*array.Node{matmul(table, row)}},
		{"a product among others", four, []*array.Node{apply(array.Add, matmul(apply(array.Sqrt, table), apply(array.Square, table)), row), mean}},
		{"a sum of a product", four, []*array.Node{apply(array.Sum, matmul(table, table))}},
		{"a computed product whose rows lie elsewhere", four, []*array.Node{matmul(reshape(centred, 1000, 1000), row)}},
		{"a computed product and its operand's other rows", four, []*array.Node{matmul(reshape(x, 1000, 1000), row), matmul(reshape(centred, 625, 1600), data(t, floats(1600)))}},
		{"the same in one process", local, []*array.Node{matmul(reshape(x, 1000, 1000), row), matmul(reshape(centred, 625, 1600), data(t, floats(1600)))}},
		{"a product of a column", four, []*array.Node{apply(array.Mean, matmul(reshape(file, 1000, 1000), row))}},
		{"a dot", four, []*array.Node{matmul(row, apply(array.Square, row))}},
		{"a dot that all need", four, []*array.Node{apply(array.Add, x, matmul(row, row))}},
		{"a product of constants", four, []*array.Node{matmul(array.Full(array.ScalarOf(2.0), array.Shape{9, 1000}, 0), row)}},
		{"a product of nothing", four, []*array.Node{matmul(array.Full(array.ScalarOf(2.0), array.Shape{9, 0}, 0), array.Full(array.ScalarOf(2.0), array.Shape{0, 9}, 0))}},
		{"what stays in parts", keep, []*array.Node{apply(array.Sqrt, x), file, apply(array.Max, x)}},
		{"parts as they lie", four, []*array.Node{apply(array.Square, lies)}},
		{"parts that lie otherwise", four, []*array.Node{apply(array.Multiply, lies, other)}},
		{"a sum of parts, of which each gives the elements of a leaf", four, []*array.Node{apply(array.Sum, lies)}},
		{"parts that all need, on devices", linked, []*array.Node{apply(array.Max, matmul(far, far))}},
		{"rows of parts, on devices", linked, []*array.Node{apply(array.Max, matmul(array.Reshape(far, array.Shape{625, 1600}, 0), array.Reshape(far, array.Shape{1600, 625}, 0)))}},
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
