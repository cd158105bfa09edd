package ptx_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda/ptx/ptxtest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// TestReductions folds every type by every reduction that is fused, over parts of a domain and with nulls, on grids that are
// smaller than the work.
func TestReductions(t *testing.T) {
	leak.Check(t)
	cpu := ptxtest.NewProcessor(t)
	rng := rand.New(rand.NewPCG(4, 4))
	turn := 0
	for op := array.Sum; op <= array.All; op++ {
		for _, d := range array.DTypes() {
			if !defined(op, d) {
				continue
			}
			t.Run(fmt.Sprint(op, " ", d), func(t *testing.T) {
				for i, n := range []int{0, 1, 31, 33, 1023, 1024, 1025, 10*1024 + 77} {
					if turn++; turn%stride != 0 {
						continue
					}
					l := &array.Launch{Hi: n, Program: &array.Program{
						Domain: array.Shape{n}, Inputs: []array.Input{{DType: d, Name: "x"}},
						Outputs: []array.Output{{DType: d, Reduce: true, Op: op}},
					}}
					l.Operands = []*array.Block{ref.Random(rng, d, array.Shape{n}, float64(i%3)/2)}
					cpu.Compare(t, l, ptxtest.Options{Grid: 1 + i%2})
					if n > 2*array.LeafSize {
						cpu.Compare(t, ref.Part(l, array.LeafSize, n), ptxtest.Options{})
					}
				}
			})
		}
	}
}
