package exec_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/partition"
)

// FuzzForests: what a rank sends as reductions is refused or is what it says: whole, in order, over its elements.
func FuzzForests(f *testing.F) {
	good := array.Forest{}
	for leaf := range uint64(7) {
		good = good.Push(array.Sum, array.Float64, array.Partial{Index: leaf, Acc: leaf, Count: 1024})
	}
	f.Add(exec.EncodeForests([]array.Forest{good}), 1, 0, 7*array.LeafSize)
	f.Add(exec.EncodeForests([]array.Forest{good, good}), 2, 0, 7*array.LeafSize-5)
	f.Add(exec.EncodeForests([]array.Forest{nil}), 1, 1024, 1024)
	f.Add(bytes.Repeat([]byte{0xff}, 48), 1, 0, 1)
	f.Fuzz(func(t *testing.T, raw []byte, n, lo, hi int) {
		if n < 0 || n > 100 || lo < 0 || hi < lo || hi > 1<<40 {
			t.Skip("no plan asks for such a part")
		}
		forests, err := exec.DecodeForests(raw, n, lo, hi)
		if err != nil {
			return
		}
		if again := exec.EncodeForests(forests); !bytes.Equal(again, raw) {
			t.Errorf("%x came back as %x", raw, again)
		}
		for _, f := range forests {
			leaves := 0
			for _, p := range f {
				leaves += 1 << p.Level
			}
			if want := (hi+array.LeafSize-1)/array.LeafSize - lo/array.LeafSize; hi > lo && leaves != want {
				t.Errorf("%d leaves over [%d,%d), want %d", leaves, lo, hi, want)
			}
			for _, op := range []array.Op{array.Count, array.ArgMin, array.ArgMax, array.Var, array.Any} {
				acc := array.AccumulatorType(op, array.Float64)
				if op == array.Any {
					acc = array.Bool
				}
				if exec.Possible(f, op, acc, partition.Range{Lo: lo, Hi: hi}) == nil {
					checkTotal(t, f.Total(op, acc), op, acc, lo, hi)
				}
			}
		}
	})
}

// checkTotal holds a reduction over elements [lo, hi) against what some elements can give.
func checkTotal(t *testing.T, p array.Partial, op array.Op, acc array.DType, lo, hi int) {
	t.Helper()
	value, ok := p.Value(op, acc, map[bool]array.DType{true: array.Float64, false: acc}[op == array.Var], 0)
	switch {
	case !ok:
	case op == array.Count && (value.Float() < 0 || value.Float() > float64(hi-lo)):
		t.Errorf("%v of [%d,%d) are counted", value, lo, hi)
	case (op == array.ArgMin || op == array.ArgMax) && (value.Float() < float64(lo) || value.Float() >= float64(hi)):
		t.Errorf("the index %v of [%d,%d)", value, lo, hi)
	case op == array.Var && value.Float() < 0:
		t.Errorf("the variance %v", value)
	case op == array.Any && value.Bits() > 1:
		t.Errorf("the bool %d", value.Bits())
	}
}

// FuzzColumns: what a rank sends as trees over rows has the size that the plan says, and comes back as it was.
func FuzzColumns(f *testing.F) {
	f.Add(uint8(0), 100, 3, 0, 100, uint8(2), []byte{1, 2, 3})
	f.Add(uint8(1), 1000, 2, 320, 992, uint8(0), []byte{9})
	f.Add(uint8(2), 70, 1, 64, 70, uint8(2), []byte{})
	f.Fuzz(func(t *testing.T, kind uint8, length, inner, lo, hi int, flags uint8, raw []byte) {
		if length < 1 || length > 1<<20 || inner < 1 || inner > 50 || lo < 0 || hi < lo || hi > length || lo%array.RowLeaf != 0 && lo != length {
			t.Skip("no plan has such rows")
		}
		o := &array.Output{
			Reduce: true, Partial: true, DType: array.Float64, Out: array.Float64, Op: []array.Op{array.Sum, array.Var, array.ArgMax}[kind%3],
			Extent: array.Extent{Outer: 1, Length: length, Inner: inner},
		}
		if hi%array.RowLeaf != 0 && hi != length {
			return
		}
		span := partition.Range{Lo: lo * inner, Hi: hi * inner}
		flags &= 2
		forest, bufs := exec.RoomForColumns(o, span, flags)
		for _, b := range bufs {
			raw = raw[copy(b, raw):]
		}
		if err := exec.CoversRows(forest, o, span); err != nil {
			t.Fatal(err)
		}
		if acc := array.AccumulatorType(o.Op, o.DType); exec.PossibleColumns(forest, o.Op, acc) == nil && len(forest) > 0 {
			for i := range inner {
				var f array.Forest
				for k := range forest {
					f = append(f, forest[k].At(i))
				}
				checkTotal(t, f.Total(o.Op, acc), o.Op, acc, lo, hi)
			}
		}
		sent, out := exec.EncodeColumns(forest)
		if len(forest) > 0 && sent != flags || uint64(len(bytes.Join(out, nil))) != exec.ColumnBytes(o, span, flags) {
			t.Fatalf("%d bytes with flags %d of %d nodes, %d with %d", len(bytes.Join(out, nil)), sent, len(forest), exec.ColumnBytes(o, span, flags), flags)
		}
		if !bytes.Equal(bytes.Join(out, nil), bytes.Join(bufs, nil)) {
			t.Error("the numbers changed")
		}
		if len(forest) > 0 {
			forest[0].Level++
			if exec.CoversRows(forest, o, span) == nil {
				t.Error("a node of another level was taken")
			}
		}
	})
}

// TestNodes: the nodes over a run of leaves are those that pushing them one by one gives.
func TestNodes(t *testing.T) {
	for lo := range 40 {
		for hi := lo; hi < 70; hi++ {
			var want array.Forest
			for leaf := lo; leaf < hi; leaf++ {
				want = want.Push(array.Count, array.Int64, array.Partial{Index: uint64(leaf)})
			}
			if got := exec.Nodes(lo, hi); !slices.Equal(got, []array.Partial(want)) {
				t.Fatalf("leaves [%d, %d): %v, pushed %v", lo, hi, got, want)
			}
		}
	}
}

// TestLeavesOf: the three parts make up the whole one, and cut leaves lie at its ends.
func TestLeavesOf(t *testing.T) {
	const n = 5*array.LeafSize - 100
	for _, lo := range []int{0, 1, 1023, 1024, 1025, 2048, n - 1, n} {
		for _, hi := range []int{lo, lo + 1, 1024, 2048, 2049, 4096, n - 1, n} {
			if hi < lo || hi > n {
				continue
			}
			front, middle, back := exec.LeavesOf(partition.Range{Lo: lo, Hi: hi}, n)
			if front.Len()+middle.Len()+back.Len() != hi-lo || front.Len() >= array.LeafSize || back.Len() >= array.LeafSize {
				t.Errorf("[%d, %d): %v, %v, %v", lo, hi, front, middle, back)
			}
			if !middle.Empty() && (middle.Lo%array.LeafSize != 0 || middle.Hi%array.LeafSize != 0 && middle.Hi != n) {
				t.Errorf("[%d, %d) has whole leaves %v", lo, hi, middle)
			}
		}
	}
}

// FuzzPlan: a graph that the root sends can be refused, but making its plan neither panics nor takes memory for its elements.
func FuzzPlan(f *testing.F) {
	x := array.Reshape(array.Arange(array.ScalarOf(0.0), array.ScalarOf(2100.0*3), array.ScalarOf(1.0), 0), array.Shape{700, 3, 3}, 0)
	big := apply(array.Add, array.Full(array.ScalarOf(1.0), array.Shape{1, 1 << 59}, 0), data(f, []float64{1}))
	parted := func(shape array.Shape, far bool, counts ...int) *array.Node {
		l, err := partition.FromCounts(counts)
		if err != nil {
			f.Fatal(err)
		}
		return array.InParts(array.NewParts(1, l, far, nil), array.Float64, shape, 0)
	}
	table, row := parted(array.Shape{700, 9}, true, 900, 5400, 0), parted(array.Shape{9}, false, 3, 3, 3)
	for _, n := range append(append(overAxes(x), overAxes(table)...), apply(array.Add, table, row), matmul(table, row), matmul(row, reshape(table, 9, 700)), array.Reduce(array.Sum, 0, big, 0), array.Reduce(array.Sum, 0, big, 1), array.Scan(array.CumSum, 0, big),
		matmul(reshape(x, 2100, 3), reshape(x, 3, 2100)), apply(array.Sum, apply(array.Multiply, x, array.Reduce(array.Mean, 0, x, 0)))) {
		wire, _, err := array.Encode([]*array.Node{n, n})
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
		choice := exec.Choice{Accelerator: &paper{&afar{}, nil}, Linked: true, Always: true}
		for _, setting := range []exec.Setting{{Ranks: 1}, {Ranks: 3}, {Ranks: 3, Keep: true}, {Ranks: 3, InProcess: true}, {Ranks: 3, Choice: choice}} {
			if plan, err := exec.NewPlan(roots, setting); err == nil && (plan.Fingerprint() == "" || plan.String() == "") {
				t.Error("a plan without a name")
			}
		}
	})
}
