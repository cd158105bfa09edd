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

// BenchmarkPlanMany plans many results, and a long chain.
func BenchmarkPlanMany(b *testing.B) {
	x := data(b, floats(8))
	roots := func(of func(*array.Node) *array.Node) (list []*array.Node) {
		for i := range 8000 {
			list = append(list, of(apply(array.Add, x, number(float64(i)))))
		}
		return list
	}
	chain := x
	for range 120_000 {
		chain = apply(array.Add, chain, x)
	}
	for _, bench := range []struct {
		name  string
		roots []*array.Node
	}{
		{"cumsums=8000", roots(func(x *array.Node) *array.Node { return array.Scan(array.CumSum, 0, x, 0) })},
		{"sums=8000", roots(func(x *array.Node) *array.Node { return apply(array.Sum, x) })},
		{"chain=120000", []*array.Node{chain}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := exec.NewPlan(bench.roots, exec.Setting{Ranks: 4}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkExchange multiplies 15 MiB that were computed in parts, by little: as a right operand, which all ranks need whole,
// and as a left one of which they need other rows.
func BenchmarkExchange(b *testing.B) {
	const n = 2_000_000
	count := array.Arange(array.ScalarOf(0.0), array.ScalarOf(float64(n)), array.ScalarOf(1.0), 0)
	computed := apply(array.Square, reshape(count, 2000, 1000)) // nothing to scatter
	for _, bench := range []struct {
		name  string
		roots []*array.Node
	}{
		{"whole", []*array.Node{matmul(data(b, floats(8000), 4, 2000), computed)}},
		{"rows", []*array.Node{matmul(computed, data(b, floats(1000), 1000)), matmul(reshape(computed, 50, 40_000), data(b, floats(40_000)))}},
	} {
		for _, p := range []int{2, 4} {
			for _, inProcess := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/p=%d/inProcess=%t", bench.name, p, inProcess), func(b *testing.B) {
					make := quic
					if inProcess {
						make = local
					}
					cl := make(b, p)
					b.SetBytes(8 * n)
					for b.Loop() {
						if _, _, err := cl.Collect(context.Background(), bench.roots); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
