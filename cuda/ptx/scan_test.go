package ptx_test

import (
	"fmt"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// scanned is a part of a scan on the card: elements [lo, hi) of x, before which the tree stands.
func (c *card) scanned(n *array.Node, x *array.Block, lo, hi int, before array.Forest) *array.Block {
	c.t.Helper()
	defer c.Free()
	o := outputOf(n)
	plan, err := ptx.Running(o, ptx.Part{Lo: lo, N: hi - lo, Nulls: x.HasNulls()})
	if err != nil {
		c.t.Fatal(err)
	}
	p := ptxtest.Params{}
	c.Operand(p, 0, x, lo, hi-lo)
	c.Result(p, o.DType, hi-lo)
	words := make([]uint64, 64)
	for i := range words {
		words[i] = 0x7ff7dead7ff7dead
	}
	for _, node := range before {
		words[node.Level] = node.Acc
	}
	p.Set(ptx.Before, 0, c.Upload(array.Bytes(words)))
	c.Run(plan, p, o.DType, 1+c.rng.IntN(3))
	if x.HasNulls() {
		_, validity, offset := x.Raw()
		bits := ptxtest.Params{}
		bits.Set(ptx.Count, 0, uint64(hi-lo))
		bits.Set(ptx.Values, 0, c.Upload(validity[(offset+lo)/8:(offset+hi+7)/8]))
		bits.Set(ptx.ValuesBit, 0, uint64((offset+lo)%8))
		bits.Set(ptx.Result, 0, p[ptx.Param{Kind: ptx.ResultValid}])
		c.Launch(ptx.Bits(), 1+c.rng.IntN(2), bits)
	}
	return c.Block(p, o.DType, array.Shape{hi - lo}, x.HasNulls())
}

func eachScan(t *testing.T, f func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64)) {
	leak.Check(t)
	seed := uint64(0)
	for _, op := range []array.Op{array.CumSum, array.CumProd} {
		for _, d := range []array.DType{array.Int64, array.Uint64, array.Float32, array.Float64} {
			for _, nulls := range []float64{0, 0.3} {
				if seed++; seed%stride == 0 {
					t.Run(fmt.Sprintf("%s/%s/%v", op, d, nulls), func(t *testing.T) { f(t, newCard(t, seed), op, d, nulls) })
				}
			}
		}
	}
}

func TestScan(t *testing.T) {
	eachScan(t, func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64) {
		for _, shape := range some(c, 5, []array.Shape{{1, 1, 1}, {1, 31, 1}, {3, 33, 1}, {1, 1024, 1}, {2, 1025, 1}, {40, 70, 1}, {1, 5000, 1}, {2, 40, 3}, {1, 2100, 3}, {2, 1025, 2}}...) {
			c.Races = shape.Len() < 1000
			x := c.random(d, shape, nulls)
			n := array.Scan(op, 0, array.Data(x, 0), 1)
			want, err := ref.Eval(n)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.scanned(n, x, 0, x.Len(), nil).Reshape(shape)
			if err != nil {
				t.Fatal(err)
			}
			if err := ref.Equal(got, want); err != nil {
				t.Fatalf("%s: %v", n, err)
			}
		}
	})
}

// TestScanParts: parts of a scan of all elements, each after the tree over what comes before, give what the whole gives.
func TestScanParts(t *testing.T) {
	eachScan(t, func(t *testing.T, c *card, op array.Op, d array.DType, nulls float64) {
		const n = 6*array.LeafSize + 300
		x := c.random(d, array.Shape{n}, nulls)
		node := array.Scan(op, 0, array.Data(x, 0))
		want, err := ref.Eval(node)
		if err != nil {
			t.Fatal(err)
		}
		total := map[array.Op]array.Op{array.CumSum: array.Sum, array.CumProd: array.Prod}[op]
		acc := array.AccumulatorType(total, d)
		var before array.Forest
		for _, cut := range [][2]int{{0, 1}, {1, 3}, {3, 4}, {4, 7}} {
			lo, hi := cut[0]*array.LeafSize, min(cut[1]*array.LeafSize, n)
			got := c.scanned(node, x, lo, hi, before)
			if err := ref.Equal(got, want.Slice(lo, hi)); err != nil {
				t.Fatalf("%s [%d, %d): %v", node, lo, hi, err)
			}
			plan, err := ptx.Reduction(&array.Output{DType: d, Op: total, Reduce: true}, ptx.Part{Lo: lo, N: hi - lo, Nulls: x.HasNulls()})
			if err != nil {
				t.Fatal(err)
			}
			p := ptxtest.Params{}
			c.Operand(p, 0, x, lo, hi-lo)
			for _, partial := range c.Forest(plan, c.Run(plan, p, d, 2), total, acc) {
				before = before.Push(total, acc, partial)
			}
			c.Free()
		}
	})
}

// FuzzScan holds scans of any extent against the reference.
func FuzzScan(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed, uint8(seed), uint16(411*seed), uint8(5*seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, outer uint8, length uint16, inner uint8) {
		leak.Check(t)
		c := newCard(t, seed)
		c.Races = c.rng.IntN(8) == 0
		shape := array.Shape{1 + int(outer)%70, 1 + int(length)%5000, 1 + int(inner)%40}
		for shape.Len() > 10000 { // the reference is slow
			shape[c.rng.IntN(3)] = 1
		}
		d := []array.DType{array.Int64, array.Uint64, array.Float32, array.Float64}[c.rng.IntN(4)]
		x := c.random(d, shape, []float64{0, 0, 0.1, 0.9, 1}[c.rng.IntN(5)])
		n := array.Scan([]array.Op{array.CumSum, array.CumProd}[c.rng.IntN(2)], 0, array.Data(x, 0), 1)
		want, err := ref.Eval(n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.scanned(n, x, 0, x.Len(), nil).Reshape(shape)
		if err != nil {
			t.Fatal(err)
		}
		if err := ref.Equal(got, want); err != nil {
			t.Fatalf("%s: %v", n, err)
		}
	})
}
