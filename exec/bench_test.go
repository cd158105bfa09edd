package exec_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
)

// BenchmarkCollect adds two float64 arrays over ranks of this process.
func BenchmarkCollect(b *testing.B) {
	for _, n := range []int{100, 10_000, 1_000_000, 10_000_000} {
		for _, p := range []int{1, 2} {
			b.Run(fmt.Sprintf("n=%d/p=%d", n, p), func(b *testing.B) {
				cl := local(b, p, func(_ int, c *exec.Config) { c.SmallWork = 0 })
				roots := []*array.Node{apply(array.Add, data(b, floats(n)), data(b, floats(n)))}
				b.ReportAllocs()
				b.SetBytes(int64(24 * n))
				for b.Loop() {
					if _, _, err := cl.Collect(context.Background(), roots); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPlan makes the plan of a chain of additions.
func BenchmarkPlan(b *testing.B) {
	for _, ops := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("ops=%d", ops), func(b *testing.B) {
			n := data(b, floats(1000))
			for range ops {
				n = apply(array.Add, n, number(1.0))
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := exec.NewPlan([]*array.Node{n}, exec.Setting{Ranks: 4, Device: "cpu"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
