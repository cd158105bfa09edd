package cpu_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
)

// seldom is a block of n bools of which one in every so many is true.
func seldom(rng *rand.Rand, n, every int) *array.Block {
	b := array.NewBlock(array.Bool, array.Shape{n + 3}, false).Slice(3, n+3)
	for range n/every + 1 {
		b.SetScalar(rng.IntN(n), array.ScalarOf(true), true)
	}
	return b
}

// TestMultiplyBoolStrips: products of bools that go in strips, down and across, are as their definition says, and take little
// memory of their own.
func TestMultiplyBoolStrips(t *testing.T) {
	device := cpu.New(cpu.Config{Threads: 1})
	rng := rand.New(rand.NewPCG(5, 6))
	for _, e := range []array.Extents{
		{Rows: 3, Inner: 300_000, Columns: 1},
		{Rows: 5, Inner: 130_000, Columns: 3},
		{Rows: 2, Inner: 2000, Columns: 4200},
		{Rows: 1, Inner: 1100, Columns: 9000},
	} {
		x, y := seldom(rng, e.Rows*e.Inner, 200), seldom(rng, e.Inner*e.Columns, 150)
		n := e.Rows * e.Columns
		for _, at := range [][2]int{{0, n}, {n / 3, n - n/4}} {
			p := partOf(x, y, e, at[0], at[1], rng.IntN(70))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := device.Multiply(context.Background(), p)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > 900<<10 {
				t.Errorf("%v: took %d KiB", e, got>>10)
			}
			for i := at[0]; i < at[1]; i++ {
				want := false
				for k := 0; k < e.Inner && !want; k++ {
					want = isTrue(x, i/e.Columns*e.Inner+k) && isTrue(y, k*e.Columns+i%e.Columns)
				}
				if isTrue(p.Result, i-at[0]) != want {
					t.Fatalf("%v: element %d is not %v", e, i, want)
				}
			}
			if !untouched(p.Result) {
				t.Errorf("%v: memory outside the result is written", e)
			}
		}
	}
}

func isTrue(b *array.Block, i int) bool {
	values, _, offset := b.Raw()
	return values[(offset+i)/8]>>((offset+i)%8)&1 != 0
}

// BenchmarkMultiplyBools multiplies matrices of bools.
func BenchmarkMultiplyBools(b *testing.B) {
	device := cpu.New(cpu.Config{Threads: 1})
	rng := rand.New(rand.NewPCG(7, 8))
	for _, e := range []array.Extents{{Rows: 500, Inner: 500, Columns: 500}, {Rows: 200, Inner: 2000, Columns: 6000}, {Rows: 100, Inner: 100_000, Columns: 1}} {
		b.Run(fmt.Sprintf("%dx%dx%d", e.Rows, e.Inner, e.Columns), func(b *testing.B) {
			x, y := seldom(rng, e.Rows*e.Inner, 2), seldom(rng, e.Inner*e.Columns, 2)
			p := partOf(x, y, e, 0, e.Rows*e.Columns, 0)
			b.ReportAllocs()
			for b.Loop() {
				if err := device.Multiply(context.Background(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
