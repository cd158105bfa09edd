package kern_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// TestRows holds every loop over rows of every instruction set against array.Join, for all numbers of columns at which the
// loops over vectors begin and end, and sees that nothing is written behind the accumulators.
func TestRows(t *testing.T) {
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for _, f := range foldTests() {
			if f.d == array.Bool || f.of != kern.OfX && f.of != kern.OfDeviation {
				if set.Rows(f.op, f.d, f.of) != nil {
					t.Errorf("%s/%s/%s/%d: there is a loop", isa, f.op, f.d, f.of)
				}
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s/%d", isa, f.op, f.d, f.of), func(t *testing.T) { f.runRows(t, set) })
		}
		single := foldTest{op: array.Sum, d: array.Float32, of: kern.OfDeviation}
		t.Run(fmt.Sprintf("%s/deviations of float32", isa), func(t *testing.T) { single.runRows(t, set) })
	}
}

func (f foldTest) runRows(t *testing.T, set *kern.Set) {
	join, acc := set.Rows(f.op, f.d, f.of), array.AccumulatorType(f.op, f.d)
	if join == nil {
		t.Fatal("there is no loop")
	}
	rng := rand.New(rand.NewPCG(7, 3))
	const behind = 8 // accumulators that stay as they are
	for n := range 300 {
		if n > 140 && n%37 > 0 && n < 255 || skipped(n) {
			continue
		}
		rows, stride := []int{1, 2, 3, 4, 5, 7, 32}[n%7], n+n%3*5
		if n%11 == 0 {
			rows = 0
		}
		x := randomVector(rng, f.d, rows*stride+n+1, n%5*f.d.Size())
		y := randomVector(rng, array.Float64, n+1, n%3*8)
		accs := randomVector(rng, acc, n+behind, n%4*acc.Size())
		if f.d.Float() && n%4 > 0 { // else it is mostly NaN
			for i := range rows*stride + n {
				x.set(i, array.ScalarOf(rng.NormFloat64()).Cast(f.d))
			}
			for i := range n {
				y.set(i, array.ScalarOf(rng.NormFloat64()))
				accs.set(i, array.ScalarOf(rng.NormFloat64()).Cast(acc))
			}
		}
		want := make([]array.Scalar, n+behind)
		for i := range want {
			want[i] = accs.get(i)
			for r := 0; r < rows && i < n; r++ {
				v := x.get(r*stride + i).Cast(acc)
				if f.of == kern.OfDeviation {
					v = compute(array.Square, acc, compute(array.Subtract, acc, v, y.get(i)), array.Scalar{})
				}
				want[i] = array.ScalarFromBits(acc, array.Join(f.op, acc, want[i].Bits(), v.Bits()))
			}
		}
		var means []byte
		if f.of == kern.OfDeviation {
			means = y.bytes(n)
		}
		elements := 0
		if rows > 0 {
			elements = (rows-1)*stride + n
		}
		join(accs.bytes(n), x.bytes(elements), means, n, rows, stride)
		for i, w := range want {
			if got := accs.get(i); !same(got, w) {
				t.Fatalf("n = %d, %d rows, stride %d: column %d: %s, want %s", n, rows, stride, i, got, w)
			}
		}
	}
}

// TestRowsTooShort: a slice that does not hold the elements ends the program before one is read.
func TestRowsTooShort(t *testing.T) {
	for _, isa := range isas(t) {
		join := kern.New(isa).Rows(array.Sum, array.Float64, kern.OfX)
		x := array.AllocBytes(8 * 100)
		for name, f := range map[string]func(){
			"accumulators": func() { join(x[:8*31], x, nil, 32, 2, 32) },
			"rows":         func() { join(x, x, nil, 32, 3, 40) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s, %s: no panic", isa, name)
					}
				}()
				f()
			}()
		}
	}
}
