//go:build !race

package darray_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/darray-go/darray"
)

// small is expressions over ten elements, made anew each time, and the allocations that they may cost end to end. (The race
// detector takes things out of pools at random, so this file is not for it.)
var small = []struct {
	name string
	make func(a, b darray.Array) darray.Array
	most float64
}{
	{"a + b", func(a, b darray.Array) darray.Array { return darray.Add(a, b) }, 5},
	{"a + 1", func(a, _ darray.Array) darray.Array { return darray.Add(a, 1) }, 7},
	{"a + b + a + b + a + b", func(a, b darray.Array) darray.Array {
		return darray.Add(darray.Add(darray.Add(darray.Add(darray.Add(a, b), a), b), a), b)
	}, 9},
	{"sum(a)", func(a, _ darray.Array) darray.Array { return darray.Sum(a) }, 9},
}

// ten is two arrays of ten elements.
func ten() (a, b darray.Array) {
	xs, ys := make([]float64, 10), make([]float64, 10)
	for i := range xs {
		xs[i], ys[i] = float64(i), 1/float64(i+1)
	}
	return darray.FromSlice(xs), darray.FromSlice(ys)
}

// TestSmallAllocations: what a small array costs does not creep up.
func TestSmallAllocations(t *testing.T) {
	a, b := ten()
	for _, s := range small {
		n := testing.AllocsPerRun(200, func() {
			if _, err := s.make(a, b).Collect(); err != nil {
				t.Fatal(err)
			}
		})
		if n > s.most {
			t.Errorf("%s on the default cluster: %v allocations, want at most %v", s.name, n, s.most)
		}
	}
}

// BenchmarkSmall is expressions over ten elements, from making them to the result.
func BenchmarkSmall(b *testing.B) {
	x, y := ten()
	for _, p := range []int{1, 2} {
		c, err := darray.Local(p)
		if err != nil {
			b.Fatal(err)
		}
		for _, s := range small {
			b.Run(fmt.Sprintf("%s/p=%d", s.name, p), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := c.Collect(context.Background(), s.make(x, y)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAdd10 is the sum of two arrays of ten elements on the default cluster, from making it to the result.
func BenchmarkAdd10(b *testing.B) {
	x, y := ten()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := darray.Add(x, y).Collect(); err != nil {
			b.Fatal(err)
		}
	}
}
