package ptx_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

var reductions = []array.Op{
	array.Sum, array.Prod, array.Min, array.Max, array.Mean, array.Count, array.Any, array.All, array.ArgMin, array.ArgMax, array.Var,
}

// takes reports whether a reduction takes elements of type d without a cast.
func takes(op array.Op, d array.DType) bool {
	n := array.Reduce(op, 0, array.Full(array.ScalarFromBits(d, 0), array.Shape{1}, 0))
	return n.Err() == nil && n.Args()[0].DType() == d
}

// outputOf is the output of a reduction or scan in a program.
func outputOf(n *array.Node) *array.Output {
	o := &array.Output{DType: n.Args()[0].DType(), Op: n.Op(), Reduce: n.Kind() == array.KindReduce, Scan: n.Kind() == array.KindScan, Out: n.DType()}
	if e, _ := n.Extent(); !e.Whole() {
		o.Extent = e
	}
	if o.Op == array.Var {
		o.Correction = n.Scalar().Float()
	}
	return o
}

// reduced is a reduction on the card.
func (c *card) reduced(n *array.Node, x *array.Block, most int) *array.Block {
	c.t.Helper()
	defer c.Free()
	o := outputOf(n)
	part := ptx.Part{N: x.Len(), Nulls: x.HasNulls(), Threads: c.threads}
	runs := o.Results(x.Len())
	nullable := blockLaunch(n, x).Program.Nullable([]*array.Block{x})[0]
	part.Validity = nullable || o.Op == array.Sum && x.HasNulls() // where it must be there, and where it may
	plan, err := ptx.Reduction(o, part)
	if err != nil {
		c.t.Fatal(err)
	}
	p := ptxtest.Params{}
	c.Operand(p, 0, x, 0, x.Len())
	if o.Whole() {
		acc := array.AccumulatorType(o.Op, o.DType)
		value, ok := c.Forest(plan, c.Run(plan, p, o.DType, most), o.Op, acc).Result(o.Op, acc, n.DType())
		b := array.NewBlock(n.DType(), n.Shape(), true)
		b.SetScalar(0, value, ok)
		return b
	}
	c.Result(p, o.Out, runs)
	c.Run(plan, p, o.DType, most)
	return c.Block(p, o.Out, n.Shape(), part.Validity)
}

func (c *card) compare(n *array.Node, x *array.Block, most int) {
	c.t.Helper()
	want, err := ref.Eval(n)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := ref.Equal(c.reduced(n, x, most), want); err != nil {
		c.t.Fatalf("%s: %v", n, err)
	}
}

// each calls f for every reduction of every type, with nulls and without, on a card with numbers of its own.
func each(t *testing.T, ops []array.Op, f func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64)) {
	leak.Check(t)
	seed := uint64(0)
	for _, op := range ops {
		for _, d := range array.DTypes() {
			for _, nulls := range []float64{0, 0.3} {
				if !takes(op, d) {
					continue
				}
				if seed++; seed%stride == 0 {
					t.Run(fmt.Sprintf("%s/%s/%v", op, d, nulls), func(t *testing.T) { f(t, newCard(t, seed), op, d, nulls) })
				}
			}
		}
	}
}

// some is n of the cases, in any order: every one comes for some op and type.
func some[T any](c *card, n int, cases ...T) []T {
	c.rng.Shuffle(len(cases), func(i, j int) { cases[i], cases[j] = cases[j], cases[i] })
	return cases[:min(n, len(cases))]
}

func TestWhole(t *testing.T) {
	each(t, reductions, func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64) {
		for _, n := range some(c, 4, 1, 31, 32, 33, 1023, 1024, 1025, 5000) {
			c.Races = n < 1100
			x := c.random(d, array.Shape{n}, nulls)
			c.compare(array.Reduce(op, 0, array.Data(x, 0)), x, 1+c.rng.IntN(3))
		}
	})
}

func TestRows(t *testing.T) {
	each(t, reductions, func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64) {
		for i, shape := range some(c, 3, []array.Shape{{1, 1}, {40, 1}, {33, 2}, {70, 5}, {100, 16}, {31, 31}, {7, 33}, {3, 1023}, {2, 1024}, {3, 2049}}...) {
			c.Races, c.threads = shape.Len() < 1100, i%2
			x := c.random(d, shape, nulls)
			c.compare(array.Reduce(op, 0, array.Data(x, 0), 1), x, 1+c.rng.IntN(3))
		}
	})
}

func TestColumns(t *testing.T) {
	each(t, reductions, func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64) {
		for _, shape := range some(c, 3, []array.Shape{{1, 1, 3}, {1, 5, 7}, {1, 31, 2}, {2, 32, 33}, {3, 33, 4}, {1, 100, 3}, {1, 1025, 2}, {4, 70, 5}}...) {
			for _, threads := range some(c, 1, 0, 1, 20, 100) { // segments of one leaf, of all, of some
				c.Races, c.threads = shape.Len() < 300, threads
				x := c.random(d, shape, nulls)
				c.compare(array.Reduce(op, 0, array.Data(x, 0), 1), x, 1+c.rng.IntN(3))
			}
		}
	})
}

// A variance with a correction of its own, in each form of the kernels; not all of them have enough elements.
func TestCorrection(t *testing.T) {
	leak.Check(t)
	c := newCard(t, 4)
	for _, d := range []array.DType{array.Float32, array.Float64} {
		for _, shape := range []array.Shape{{9, 3}, {3, 2}, {5, 40}} {
			for axis := range 2 {
				x := c.random(d, shape, 0.3)
				n := array.Variance(0, array.Data(x, 0), 1.5, axis)
				want, err := ref.Eval(n)
				if err != nil {
					t.Fatal(err)
				}
				if err := ref.Equal(c.reduced(n, x, 2), want); err != nil {
					t.Fatalf("%s: %v", n, err)
				}
			}
		}
	}
}

// TestParts: the nodes of parts, joined in order, give what the whole gives.
func TestParts(t *testing.T) {
	leak.Check(t)
	for _, op := range []array.Op{array.Sum, array.ArgMin, array.Var, array.Count} {
		for _, nulls := range []float64{0, 0.4} {
			c := newCard(t, 5)
			const n = 13*array.LeafSize + 77
			x := c.random(array.Float64, array.Shape{n}, nulls)
			node := array.Reduce(op, 0, array.Data(x, 0))
			want, err := ref.Eval(node)
			if err != nil {
				t.Fatal(err)
			}
			var all array.Forest
			for _, cut := range [][2]int{{0, 3}, {3, 4}, {4, 11}, {11, 14}} {
				lo, hi := cut[0]*array.LeafSize, min(cut[1]*array.LeafSize, n)
				plan, err := ptx.Reduction(outputOf(node), ptx.Part{Lo: lo, N: hi - lo, Nulls: x.HasNulls()})
				if err != nil {
					t.Fatal(err)
				}
				p := ptxtest.Params{}
				c.Operand(p, 0, x, lo, hi-lo)
				for _, partial := range c.Forest(plan, c.Run(plan, p, array.Float64, 2), op, array.Float64) {
					all = all.Push(op, array.Float64, partial)
				}
			}
			value, ok := all.Result(op, array.Float64, node.DType())
			got := array.NewBlock(node.DType(), nil, true)
			got.SetScalar(0, value, ok)
			if err := ref.Equal(got, want); err != nil {
				t.Errorf("%s: %v", node, err)
			}
		}
	}
}

// TestColumnParts: likewise of columns, cut between row leaves.
func TestColumnParts(t *testing.T) {
	each(t, []array.Op{array.Sum, array.ArgMax, array.Var, array.Count, array.Any}, func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64) {
		const rows, inner = 21*array.RowLeaf + 5, 3
		x := c.random(d, array.Shape{rows, inner}, nulls)
		node := array.Reduce(op, 0, array.Data(x, 0), 0)
		want, err := ref.Eval(node)
		if err != nil {
			t.Fatal(err)
		}
		o, acc := outputOf(node), array.AccumulatorType(op, d)
		o.Partial = true
		var all array.ColumnForest
		for _, cut := range [][2]int{{0, 3}, {3, 4}, {4, 15}, {15, 22}} {
			lo, hi := cut[0]*array.RowLeaf, min(cut[1]*array.RowLeaf, rows)
			plan, err := ptx.Reduction(o, ptx.Part{Lo: lo * inner, N: (hi - lo) * inner, Nulls: x.HasNulls(), Threads: 1 + c.rng.IntN(30)})
			if err != nil {
				t.Fatal(err)
			}
			p := ptxtest.Params{}
			c.Operand(p, 0, x, lo*inner, (hi-lo)*inner)
			scratch := c.Run(plan, p, d, 2)
			for _, run := range plan.Nodes {
				words := array.View[uint64](c.Bytes(scratch[run.Buffer]+uint64(run.Offset), run.Count*ptx.NodeBytes))
				columns := array.NewColumns(op, acc, run.Count)
				columns.Level, columns.Index, columns.Rows = uint64(run.Level), uint64(run.Index), uint64(run.Rows)
				columns.SpreadCount()
				for i := range run.Count {
					columns.Acc[i], columns.Count[i] = words[3*i], words[3*i+2]
					if columns.Aux != nil {
						columns.Aux[i] = words[3*i+1]
					}
				}
				all = all.Push(op, acc, columns)
			}
		}
		got := all.Result(op, acc, node.DType(), 0)
		if err := ref.Equal(got, want); err != nil {
			t.Errorf("%s: %v", node, err)
		}
	})
}

// TestCombine: whole groups and what is left of a run, of several runs, from nodes of random elements.
func TestCombine(t *testing.T) {
	leak.Check(t)
	for _, op := range []array.Op{array.Sum, array.Min, array.ArgMin, array.Var, array.Count} {
		c := newCard(t, 7)
		for _, perRun := range []int{1, 2, 31, 33, 1000, ptx.GroupNodes, 2*ptx.GroupNodes + 33} {
			runs := 1
			if perRun < 40 {
				runs = 3
			}
			nodes := make([]array.Partial, runs*perRun)
			var bytes []byte
			for i := range nodes {
				p := &nodes[i]
				p.Index = uint64(i % perRun)
				if p.Count = c.rng.Uint64N(3); op == array.Count {
					p.Count *= 1000
				} else {
					p.Acc = array.ScalarOf(float64(c.rng.IntN(1000)) / 7).Bits()
				}
				switch {
				case op == array.ArgMin:
					p.Aux = uint64(i)
				case op == array.Var && p.Count > 0:
					p.Aux = array.ScalarOf(c.rng.Float64()).Bits()
				}
				bytes = binary.LittleEndian.AppendUint64(bytes, p.Acc)
				bytes = binary.LittleEndian.AppendUint64(bytes, p.Aux)
				bytes = binary.LittleEndian.AppendUint64(bytes, p.Count)
			}
			k, err := ptx.Combine(op, array.Float64)
			if err != nil {
				t.Fatal(err)
			}
			groups := (perRun + ptx.GroupNodes - 1) / ptx.GroupNodes
			p := ptxtest.Params{}
			p.Set(ptx.Count, 0, uint64(runs*groups))
			p.Set(ptx.Length, 0, uint64(perRun))
			p.Set(ptx.Nodes, 0, c.Upload(bytes))
			p.Set(ptx.Nodes, 1, c.Room(runs*groups*ptx.NodeBytes))
			c.Races = perRun < 100
			c.Launch(k, 1, p)
			got := array.View[uint64](c.Bytes(p[ptx.Param{Kind: ptx.Nodes, Index: 1}], runs*groups*ptx.NodeBytes))
			for i := range runs * groups {
				lo := i/groups*perRun + i%groups*ptx.GroupNodes
				var f array.Forest
				for _, node := range nodes[lo:min(lo+ptx.GroupNodes, i/groups*perRun+perRun)] {
					f = f.Push(op, array.AccumulatorType(op, array.Float64), node)
				}
				want := f.Total(op, array.AccumulatorType(op, array.Float64))
				if got[3*i] != want.Acc || got[3*i+1] != want.Aux || got[3*i+2] != want.Count {
					t.Fatalf("%s, group %d of %d nodes: %x, want %x %x %x", op, i, perRun, got[3*i:3*i+3], want.Acc, want.Aux, want.Count)
				}
			}
		}
	}
}

func TestClimb(t *testing.T) {
	leak.Check(t)
	const g = ptx.GroupNodes
	for _, c := range []struct{ first, n, head, groups, tail int }{
		{0, 5, 0, 0, 5}, {0, g, 0, 1, 0}, {3, 5, 5, 0, 0}, {3, 2 * g, g - 3, 1, 3}, {g, 2*g + 1, 0, 2, 1}, {g - 1, 2, 1, 0, 1},
	} {
		if head, groups, tail := ptx.Climb(c.first, c.n); head != c.head || groups != c.groups || tail != c.tail {
			t.Errorf("Climb(%d, %d) is %d, %d, %d", c.first, c.n, head, groups, tail)
		}
	}
}

// FuzzReduction holds reductions of any extent, segment and grid against the reference.
func FuzzReduction(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, uint8(seed), uint8(3*seed), uint16(41*seed), uint8(seed/2), uint8(5*seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, op, outer uint8, length uint16, inner, threads uint8) {
		leak.Check(t)
		c := newCard(t, seed)
		c.Races = c.rng.IntN(8) == 0
		c.threads = int(threads)
		o := reductions[int(op)%len(reductions)]
		d := array.Bool
		for range 1 + seed%11 {
			for d = d%array.Float64 + 1; !takes(o, d); d = d%array.Float64 + 1 {
			}
		}
		shape := array.Shape{1 + int(outer)%40, 1 + int(length)%2500, 1 + int(inner)%40}
		for shape.Len() > 8000 { // the reference is slow
			shape[c.rng.IntN(3)] = 1
		}
		x := c.random(d, shape, []float64{0, 0, 0.1, 0.9, 1}[c.rng.IntN(5)])
		c.compare(array.Reduce(o, 0, array.Data(x, 0), 1), x, 1+c.rng.IntN(5))
	})
}
