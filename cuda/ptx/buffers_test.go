package ptx_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// TestBufferTexts holds the text of kernels over buffers against testdata.
func TestBufferTexts(t *testing.T) {
	leak.Check(t)
	float32s := ptx.Finish{Out: array.Float32, Validity: true, Correction: 1}
	float64s := ptx.Finish{Out: array.Float64}
	keep := func(k *ptx.Kernel, err error) *ptx.Kernel {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	for name, k := range map[string]*ptx.Kernel{
		"leaves_sum":       keep(ptx.Leaves(array.Sum, array.Float64, false)),
		"leaves_argmin":    keep(ptx.Leaves(array.ArgMin, array.Int16, true)),
		"rows_mean":        keep(ptx.Rows(array.Mean, array.Float32, true, 8, float32s)),
		"rows_any":         keep(ptx.Rows(array.Any, array.Bool, false, 32, ptx.Finish{Out: array.Bool})),
		"combine_var":      keep(ptx.Combine(array.Var, array.Float32)),
		"values_var":       keep(ptx.RunValues(array.Var, array.Float32, float32s)),
		"columns_sum":      keep(ptx.Columns(array.Sum, array.Float64, false, &float64s)),
		"column_nodes_max": keep(ptx.ColumnNodes(array.Max, array.Float64, nil)),
		"scan":             keep(ptx.Scan(array.CumSum, array.Float32, true)),
		"scan_rows":        keep(ptx.ScanRows(array.CumProd, array.Int64, false)),
		"pairs":            keep(ptx.Pairs(array.CumSum, array.Float64)),
		"column_sums":      keep(ptx.ColumnSums(array.CumSum, array.Int64, false)),
		"matmul":           keep(ptx.Matmul(array.Float32)),
		"product_nulls":    ptx.ProductNulls(true, true),
		"bits":             ptx.Bits(),
	} {
		file := filepath.Join("testdata", "buffers", name+".ptx")
		if *update {
			if err := os.WriteFile(file, []byte(k.Text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if k.Text != string(want) {
			t.Errorf("%s is\n%s\nwant\n%s", name, k.Text, want)
		}
		for _, word := range []string{".approx", ".local", "add.f", "mul.f", "mad.f"} {
			if strings.Contains(k.Text, word) {
				t.Errorf("%s has %s", name, word)
			}
		}
	}
}

// blockLaunch is the launch of a node over one block.
func blockLaunch(n *array.Node, x *array.Block) *array.Launch {
	o := outputOf(n)
	p := &array.Program{Domain: array.Shape{x.Len()}, Inputs: []array.Input{{DType: x.DType()}}, Outputs: []array.Output{*o}}
	l := &array.Launch{Program: p, Hi: x.Len(), Operands: []*array.Block{x.Slice(0, x.Len())}, Results: make([]*array.Block, 1)}
	if !o.Tree() {
		l.Results[0] = array.NewBlock(o.Result(), array.Shape{o.Results(x.Len())}, p.Nullable(l.Operands)[0])
	}
	return l
}

// onCPU is what the processor makes of a node.
func onCPU(t *testing.T, n *array.Node, x *array.Block) *array.Block {
	t.Helper()
	l := blockLaunch(n, x)
	forests := ptxtest.NewProcessor(t).Run(t, l)
	b := l.Results[0]
	if b == nil {
		value, ok := forests[0].Result(n.Op(), array.AccumulatorType(n.Op(), x.DType()), n.DType())
		b = array.NewBlock(n.DType(), array.Shape{1}, true)
		b.SetScalar(0, value, ok)
	}
	b, err := b.Reshape(n.Shape())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestProcessor holds longer runs against the processor.
func TestProcessor(t *testing.T) {
	leak.Check(t)
	c := newCard(t, 31)
	for i, n := range []struct {
		op    array.Op
		d     array.DType
		shape array.Shape
		axis  []int
	}{
		{array.Sum, array.Float64, array.Shape{40000}, nil},
		{array.Var, array.Float32, array.Shape{40000}, nil},
		{array.ArgMax, array.Int8, array.Shape{40000}, nil},
		{array.Mean, array.Float32, array.Shape{2, 40000}, []int{1}},
		{array.Var, array.Float64, array.Shape{8000, 5}, []int{1}},
		{array.Var, array.Float64, array.Shape{20000, 2}, []int{0}},
		{array.ArgMin, array.Float64, array.Shape{9000, 3}, []int{0}},
		{array.Min, array.Uint16, array.Shape{3, 3000, 3}, []int{1}},
	} {
		if i%min(stride, 4) != 0 {
			continue
		}
		x := c.random(n.d, n.shape, float64(i%2)/4)
		node := array.Reduce(n.op, 0, array.Data(x, 0), n.axis...)
		c.threads = []int{0, 1}[i/2%2]
		if err := ref.Equal(c.reduced(node, x, 3), onCPU(t, node, x)); err != nil {
			t.Fatalf("%s: %v", node, err)
		}
	}
	for i, shape := range []array.Shape{{1, 40000, 1}, {1, 4100, 8}} {
		x := c.random(array.Float64, shape, float64(i)/4)
		node := array.Scan(array.CumSum, 0, array.Data(x, 0), 1)
		got, err := c.scanned(node, x, 0, x.Len(), nil).Reshape(shape)
		if err != nil {
			t.Fatal(err)
		}
		if err := ref.Equal(got, onCPU(t, node, x)); err != nil {
			t.Fatalf("%s: %v", node, err)
		}
	}
}

// TestProductNulls: the validity of parts of products, as the processor has it.
func TestProductNulls(t *testing.T) {
	leak.Check(t)
	c := newCard(t, 32)
	for _, nulls := range [][2]float64{{0, 0.02}, {0.02, 0}, {0.01, 0.01}} {
		e := array.Extents{Rows: 20, Inner: 11, Columns: 37}
		x, y := ref.Random(c.rng, array.Int32, array.Shape{e.Rows, e.Inner}, nulls[0]), ref.Random(c.rng, array.Int32, array.Shape{e.Inner, e.Columns}, nulls[1])
		for _, part := range [][2]int{{0, 740}, {5, 6}, {30, 400}, {74, 111}} {
			lo, hi := part[0], part[1]
			first, end := e.RowsOf(lo, hi)
			rows := x.Slice(first*e.Inner, end*e.Inner)
			want := array.NewBlock(array.Int32, array.Shape{hi - lo}, true)
			ptxtest.NewProcessor(t).Multiply(t, &array.Product{Extents: e, Lo: lo, Hi: hi, X: rows, Y: y, Result: want})
			p := ptxtest.Params{}
			p.Set(ptx.Count, 0, uint64(hi-lo))
			p.Set(ptx.First, 0, uint64(lo%e.Columns))
			p.Set(ptx.ColumnCount, 0, uint64(e.Columns))
			for i, of := range []struct {
				b      *array.Block
				extent array.Extent
			}{{rows, array.Extent{Outer: end - first, Length: e.Inner, Inner: 1}}, {y, array.Extent{Outer: 1, Length: e.Inner, Inner: e.Columns}}} {
				p.Set(ptx.Values, i, c.allOf(of.b, of.extent))
				p.Set(ptx.ValuesBit, i, 0)
			}
			p.Set(ptx.Result, 0, c.Room((hi-lo+7)/8))
			c.Launch(ptx.ProductNulls(x.HasNulls(), y.HasNulls()), 1, p)
			bits := c.Bytes(p[ptx.Param{Kind: ptx.Result}], (hi-lo+7)/8)
			for i := range hi - lo {
				if valid := bits[i/8]>>(i%8)&1 != 0; valid == want.IsNull(i) {
					t.Fatalf("part %v, element %d: valid is %v", part, i, valid)
				}
			}
			c.Free()
		}
	}
}

// allOf is where the bits are of which runs of a block have no null; 0 for none that has validity.
func (c *card) allOf(b *array.Block, e array.Extent) uint64 {
	c.t.Helper()
	_, validity, offset := b.Raw()
	if validity == nil {
		return 0
	}
	o := &array.Output{DType: array.Bool, Op: array.All, Reduce: true, Extent: e, Out: array.Bool}
	plan, err := ptx.Reduction(o, ptx.Part{N: e.Len()})
	if err != nil {
		c.t.Fatal(err)
	}
	p := ptxtest.Params{}
	p.Set(ptx.Values, 0, c.Upload(validity[offset/8:(offset+b.Len()+7)/8]))
	p.Set(ptx.ValuesBit, 0, uint64(offset%8))
	c.Result(p, array.Bool, e.Runs())
	c.Run(plan, p, array.Bool, 2)
	return p[ptx.Param{Kind: ptx.Result}]
}

// TestNone holds the errors of what there is no kernel for.
func TestNone(t *testing.T) {
	leak.Check(t)
	only := func(_ *ptx.Kernel, err error) error { return err }
	float64s := ptx.Finish{Out: array.Float64}
	for name, err := range map[string]error{
		"sum of int8":         only(ptx.Leaves(array.Sum, array.Int8, false)),
		"mean of int64":       only(ptx.Columns(array.Mean, array.Int64, false, nil)),
		"any of float64":      only(ptx.Combine(array.Any, array.Float64)),
		"no reduction":        only(ptx.Rows(array.Add, array.Float64, false, 8, float64s)),
		"another result":      only(ptx.RunValues(array.Sum, array.Float32, float64s)),
		"another for columns": only(ptx.ColumnNodes(array.ArgMin, array.Float64, &float64s)),
		"scan of bool":        only(ptx.Scan(array.CumSum, array.Bool, false)),
		"a reduction":         only(ptx.Pairs(array.Sum, array.Float64)),
		"columns of int8":     only(ptx.ColumnSums(array.CumSum, array.Int8, false)),
		"rows of int8":        only(ptx.ScanRows(array.CumSum, array.Int8, false)),
		"no type":             only(ptx.Matmul(array.Invalid)),
	} {
		if !errors.Is(err, array.ErrDType) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ptx.Rows(array.Sum, array.Float64, false, 10, float64s); !errors.Is(err, array.ErrShape) {
		t.Errorf("rows over 10 lanes: %v", err)
	}
	sum := array.Output{Op: array.Sum, DType: array.Float64, Out: array.Float64, Reduce: true}
	if _, err := ptx.Reduction(&sum, ptx.Part{}); !errors.Is(err, array.ErrGraph) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := ptx.Running(&sum, ptx.Part{N: 5}); !errors.Is(err, array.ErrGraph) {
		t.Errorf("no scan: %v", err)
	}
	sum.Extent, sum.Out = array.Extent{Outer: 5, Length: 1, Inner: 1}, array.Float32
	if _, err := ptx.Reduction(&sum, ptx.Part{N: 5}); !errors.Is(err, array.ErrDType) {
		t.Errorf("another type: %v", err)
	}
}

// TestBufferInstructions bounds the instructions of threads for each element, or product of two: a card does some ten times as
// many in the time that it reads eight bytes.
func TestBufferInstructions(t *testing.T) {
	leak.Check(t)
	for _, test := range []struct {
		name  string
		shape array.Shape
		axis  int
		scan  bool
		nulls float64
		most  float64
	}{
		{"leaves", array.Shape{1, 64 * 1024}, 1, false, 0, 10},
		{"leaves with nulls", array.Shape{1, 64 * 1024}, 1, false, 0.1, 25},
		{"rows of 10", array.Shape{6400, 10}, 1, false, 0, 75},
		{"columns", array.Shape{512, 128}, 0, false, 0, 20},
		{"scan", array.Shape{1, 64 * 1024}, 1, true, 0, 50},
		{"scan of columns", array.Shape{2048, 32}, 0, true, 0, 60},
	} {
		c := newCard(t, 41)
		x := array.NewBlock(array.Float64, test.shape, test.nulls > 0)
		for i := range x.Len() {
			x.SetScalar(i, array.ScalarOf(c.rng.Float64()), c.rng.Float64() >= test.nulls)
		}
		if test.scan {
			c.scanned(array.Scan(array.CumSum, 0, array.Data(x, 0), test.axis), x, 0, x.Len(), nil)
		} else {
			c.reduced(array.Reduce(array.Sum, 0, array.Data(x, 0), test.axis), x, 1000)
		}
		each := float64(c.Instructions) / float64(x.Len())
		t.Logf("%-20s %6.1f instructions an element", test.name, each)
		if each > test.most {
			t.Errorf("%s: %.1f instructions an element, at most %v were expected", test.name, each, test.most)
		}
	}
	c := newCard(t, 42)
	const n = 128
	x := c.random(array.Float64, array.Shape{n, n}, 0)
	c.product(x, x, array.Extents{Rows: n, Inner: n, Columns: n}, 0, n*n)
	each := float64(c.Instructions) / (n * n * n)
	if t.Logf("%-20s %6.2f instructions a product", "matmul", each); each > 2 {
		t.Errorf("matmul: %.2f instructions a product", each)
	}
}
