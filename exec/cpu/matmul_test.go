package cpu_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// matrices are the random operands of a product, in blocks that begin anywhere in their memory, and the product as a graph.
func matrices(rng *rand.Rand, d array.DType, e array.Extents, nulls float64) (x, y *array.Block, product *array.Node) {
	x = ref.Random(rng, d, array.Shape{e.Rows * e.Inner}, nulls*float64(rng.IntN(2)))
	y = ref.Random(rng, d, array.Shape{e.Inner * e.Columns}, nulls)
	matrix := func(b *array.Block, shape ...int) *array.Node { return array.Reshape(array.Data(b, 0), shape, 0) }
	return x, y, array.Matmul(matrix(x, e.Rows, e.Inner), matrix(y, e.Inner, e.Columns), 0)
}

// partOf is elements [lo, hi) of a product, to be filled in poisoned memory.
func partOf(x, y *array.Block, e array.Extents, lo, hi, offset int) *array.Product {
	first, end := e.RowsOf(lo, hi)
	p := &array.Product{Extents: e, Lo: lo, Hi: hi, X: x.Slice(first*e.Inner, end*e.Inner), Y: y}
	p.Result = array.NewBlock(x.DType(), array.Shape{hi - lo + offset + 9}, p.X.HasNulls() || y.HasNulls()).Slice(offset, hi-lo+offset)
	poison(p.Result)
	return p
}

// poison fills a block, and what lies around it, with ones.
func poison(b *array.Block) {
	values, validity, _ := b.Raw()
	for _, bytes := range [][]byte{values, validity} {
		if len(bytes) > 0 {
			bytes[0] = 0xff
		}
		for done := 1; done < len(bytes); done *= 2 {
			copy(bytes[done:], bytes[:done])
		}
	}
}

// untouched reports whether a block's memory still is poison where the block is not.
func untouched(b *array.Block) bool {
	values, validity, offset := b.Raw()
	d := b.DType()
	for i, x := range values {
		if at := i / max(1, d.Size()); d != array.Bool && (at < offset || at >= offset+b.Len()) && x != 0xff {
			return false
		}
	}
	bitmaps := [][]byte{validity}
	if d == array.Bool {
		bitmaps = append(bitmaps, values)
	}
	for _, bits := range bitmaps {
		for i := range 8 * len(bits) {
			if (i < offset || i >= offset+b.Len()) && bits[i/8]>>(i%8)&1 == 0 {
				return false
			}
		}
	}
	return true
}

// TestMultiply holds parts of products against the reference: all types, extents around tiles, parts that begin and end
// anywhere in rows, nulls.
func TestMultiply(t *testing.T) {
	leak.Check(t)
	extents := []array.Extents{
		{Rows: 1, Inner: 1, Columns: 1},
		{Rows: 3, Inner: 7, Columns: 5},
		{Rows: 1, Inner: 300, Columns: 9},
		{Rows: 40, Inner: 9, Columns: 1},
		{Rows: 17, Inner: 3, Columns: 65},
		{Rows: 5, Inner: array.MatmulBlock, Columns: 4},
		{Rows: 4, Inner: 2*array.MatmulBlock + 1, Columns: 13},
		{Rows: 2, Inner: 2, Columns: 600},
		{Rows: 33, Inner: 130, Columns: 8},
	}
	device := device(t, 2, kern.Best())
	for _, d := range array.DTypes() {
		for i, e := range extents {
			rng := rand.New(rand.NewPCG(uint64(d), uint64(i)))
			x, y, graph := matrices(rng, d, e, float64(rng.IntN(2))/30)
			want, err := ref.Eval(graph)
			if err != nil {
				t.Fatal(err)
			}
			n := e.Rows * e.Columns
			for _, at := range [][2]int{{0, n}, {n / 3, n}, {0, n - n/3}, {n / 3, n/3 + 1}, {n / 4, n - n/4}, {n, n}} {
				t.Run(fmt.Sprintf("%s/%v/%v", d, e, at), func(t *testing.T) {
					p := partOf(x, y, e, at[0], at[1], rng.IntN(70))
					if err := device.Multiply(context.Background(), p); err != nil {
						t.Fatal(err)
					}
					if err := ref.Equal(p.Result, want.Slice(at[0], at[1])); err != nil {
						t.Error(err)
					}
					if !untouched(p.Result) {
						t.Error("memory outside the result is written")
					}
				})
			}
		}
	}
}

// TestMultiplyThreads: several goroutines share a product that is worth it; by plain loops in the order that array.Matmul lays
// down.
func TestMultiplyThreads(t *testing.T) {
	leak.Check(t)
	const m, k, n = 50, array.MatmulBlock + 20, 270
	device := device(t, 3, kern.Best())
	rng := rand.New(rand.NewPCG(3, 3))
	x, y, u, v := make([]float64, m*k), make([]float64, k*n), make([]int16, m*k), make([]int16, k*n)
	for i := range x {
		x[i], u[i] = rng.NormFloat64(), int16(rng.Int())
	}
	for i := range y {
		y[i], v[i] = rng.NormFloat64(), int16(rng.Int())
	}
	want, wrapped := make([]float64, m*n), make([]int16, m*n)
	for i := range m * n {
		blocks := [2]float64{}
		for p := range k {
			a, b := i/n*k+p, p*n+i%n
			blocks[p/array.MatmulBlock] = math.FMA(x[a], y[b], blocks[p/array.MatmulBlock])
			wrapped[i] += u[a] * v[b]
		}
		want[i] = blocks[0] + blocks[1]
	}
	e := array.Extents{Rows: m, Inner: k, Columns: n}
	multiplied(t, device, e, x, y, want)
	multiplied(t, device, e, u, v, wrapped)
}

// multiplied holds a product of slices against what it has to be, in whole and in two parts.
func multiplied[T array.Element](t *testing.T, d *cpu.Device, e array.Extents, x, y, want []T) {
	t.Helper()
	left, err := array.FromSlice(x)
	if err != nil {
		t.Fatal(err)
	}
	right, err := array.FromSlice(y)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range [][2]int{{0, len(want)}, {0, len(want) / 3}, {len(want) / 3, len(want)}} {
		lo, hi := at[0], at[1]
		p := partOf(left, right, e, lo, hi, 0)
		if err := d.Multiply(context.Background(), p); err != nil {
			t.Fatal(err)
		}
		got, err := array.Values[T](p.Result)
		if err != nil || !slices.Equal(got, want[lo:hi]) {
			t.Errorf("%s: elements %d to %d differ, %v", left.DType(), lo, hi, err)
		}
	}
}

func TestMultiplyMalformed(t *testing.T) {
	e := array.Extents{Rows: 3, Inner: 4, Columns: 5}
	x, y, _ := matrices(rand.New(rand.NewPCG(1, 2)), array.Float64, e, 0)
	p := partOf(x, y, e, 0, 15, 0)
	p.Inner = 5
	if err := cpu.New(cpu.Config{Threads: 1}).Multiply(context.Background(), p); !errors.Is(err, array.ErrShape) {
		t.Errorf("the error is %v", err)
	}
}

// TestMultiplyProgress: what is told adds up to the part.
func TestMultiplyProgress(t *testing.T) {
	e := array.Extents{Rows: 5, Inner: 4, Columns: 5}
	x, y, _ := matrices(rand.New(rand.NewPCG(1, 2)), array.Int32, e, 0)
	p := partOf(x, y, e, 3, 24, 0)
	done := 0
	p.Progress = func(n int) { done += n }
	if err := cpu.New(cpu.Config{Threads: 1}).Multiply(context.Background(), p); err != nil || done != 21 {
		t.Errorf("%d of 21 elements, %v", done, err)
	}
}

// TestMultiplyCancel: a product that takes seconds ends soon after its context.
func TestMultiplyCancel(t *testing.T) {
	leak.Check(t)
	const n, soon, tries = 1500, 100 * time.Millisecond, 10
	device := device(t, 2, kern.Best())
	for _, d := range []array.DType{array.Float32, array.Int64, array.Uint8, array.Bool} {
		x := array.NewBlock(d, array.Shape{n * n}, false)
		poison(x)
		p := &array.Product{Extents: array.Extents{Rows: n, Inner: n, Columns: n}, Hi: n * n, X: x, Y: x}
		p.Result = array.NewBlock(d, array.Shape{n * n}, false)
		best := time.Hour // other work of the machine may delay some tries, not all
		for try := 0; try < tries && best > soon; try++ {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			start := time.Now()
			if err := device.Multiply(ctx, p); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: the error is %v", d, err)
			}
			best = min(best, time.Since(start))
			cancel()
		}
		if best > soon {
			t.Errorf("%s: it took %v", d, best)
		}
	}
}
