package kern_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// mostLeaves is the greatest number of leaves that a test folds at once.
const mostLeaves = 9

// leavesData are operands of mostLeaves whole leaves: ordinary numbers, and a run with special ones in every leaf but some.
func (f foldTest) leavesData(rng *rand.Rand) (x, y vector) {
	const n = mostLeaves * array.LeafSize
	x, y = randomVector(rng, f.d, n, f.d.Size()), randomVector(rng, f.d, n, 3*f.d.Size())
	for i := range n {
		if f.d.Float() && i%701 > 9 { // else it is mostly NaN
			x.set(i, array.ScalarOf(rng.NormFloat64()).Cast(f.d))
			y.set(i, array.ScalarOf(rng.NormFloat64()).Cast(f.d))
		}
	}
	return x, y
}

// TestLeaves holds leaves of every length, any number of them at once, against the same leaves folded one by one in Go and,
// for some lengths, lane by lane.
func TestLeaves(t *testing.T) {
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for _, f := range foldTests() {
			leaves := set.Leaves(f.op, f.d, f.of)
			if want := f.d != array.Bool && f.of != kern.OfDeviation; (leaves != nil) != want {
				t.Errorf("%s/%s/%s/%d: there are leaves: %v, want %v", isa, f.op, f.d, f.of, leaves != nil, want)
			}
			if leaves != nil {
				t.Run(fmt.Sprintf("%s/%s/%s/%d", isa, f.op, f.d, f.of), func(t *testing.T) { f.runLeaves(t, leaves) })
			}
		}
	}
}

func (f foldTest) runLeaves(t *testing.T, leaves kern.Leaves) {
	x, y := f.leavesData(rand.New(rand.NewPCG(5, 3)))
	plain, acc := kern.New(kern.Go), array.AccumulatorType(f.op, f.d)
	fold := plain.Fold(f.op, f.d, f.of)
	for length := 1; length <= array.LeafSize; length++ {
		if length > 130 && length != 1000 && length < 1023 || raceEnabled && length%31 > 1 || length < array.LeafSize && skipped(length) {
			continue
		}
		var want [mostLeaves]array.Scalar
		for k := range want {
			var s kern.State
			kern.Begin(f.op, acc, &s)
			fold(&s, x.from(k*length).bytes(length), y.from(k*length).bytes(length), length)
			want[k] = array.ScalarFromBits(acc, plain.Join(f.op, acc, &s))
			if length%45 == 1 && k < 3 {
				if lanes := f.lanes(acc, x.from(k*length), y.from(k*length), length); !same(want[k], lanes) {
					t.Fatalf("leaf %d of length %d in Go: %s, want %s", k, length, want[k], lanes)
				}
			}
		}
		for n := range mostLeaves + 1 {
			for _, there := range []int{n * length, mostLeaves * array.LeafSize} { // what may be read behind the leaves
				var out [mostLeaves + 1]uint64
				out[n] = 7
				leaves(out[:n:n], x.bytes(there), y.bytes(there), length)
				if out[n] != 7 {
					t.Fatalf("%d leaves of length %d: a word behind them was written", n, length)
				}
				for k, w := range out[:n] {
					if got := array.ScalarFromBits(acc, w); !same(got, want[k]) {
						t.Fatalf("leaf %d of %d of length %d, %d elements there: %s, want %s", k, n, length, there, got, want[k])
					}
				}
			}
		}
	}
}
