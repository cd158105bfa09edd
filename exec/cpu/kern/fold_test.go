package kern_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu/kern"
)

// foldTest is a fold, and what it is to join of each element.
type foldTest struct {
	op    array.Op
	d     array.DType
	of    kern.FoldOf
	value func(d array.DType, x, y array.Scalar) array.Scalar
}

func foldTests() []foldTest {
	ofX := func(_ array.DType, x, _ array.Scalar) array.Scalar { return x }
	all := []foldTest{
		{array.Any, array.Bool, kern.OfX, ofX},
		{array.All, array.Bool, kern.OfX, ofX},
		{array.Min, array.Bool, kern.OfX, ofX},
		{array.Max, array.Bool, kern.OfX, ofX},
	}
	for _, d := range array.DTypes()[1:] {
		all = append(all, foldTest{array.Min, d, kern.OfX, ofX}, foldTest{array.Max, d, kern.OfX, ofX})
		if d.Size() == 8 || d.Float() {
			all = append(all, foldTest{array.Sum, d, kern.OfX, ofX}, foldTest{array.Prod, d, kern.OfX, ofX})
		}
		if d.Float() {
			all = append(all, foldTest{array.Mean, d, kern.OfX, ofX},
				foldTest{array.Sum, d, kern.OfProduct, func(d array.DType, x, y array.Scalar) array.Scalar {
					return compute(array.Multiply, d, x, y)
				}},
				foldTest{array.Sum, d, kern.OfSquare, func(d array.DType, x, _ array.Scalar) array.Scalar {
					return compute(array.Square, d, x, x)
				}})
		}
	}
	return append(all, foldTest{array.Sum, array.Float64, kern.OfDeviation, func(d array.DType, x, y array.Scalar) array.Scalar {
		return compute(array.Square, d, compute(array.Subtract, d, x, y), array.Scalar{})
	}})
}

// TestFolds holds every fold of every instruction set against array.Join, lane by lane as array/tree.go says, for leaves
// of every length, folded at once and in two runs.
func TestFolds(t *testing.T) {
	for _, isa := range isas(t) {
		set := kern.New(isa)
		for _, f := range foldTests() {
			t.Run(fmt.Sprintf("%s/%s/%s/%d", isa, f.op, f.d, f.of), func(t *testing.T) { f.run(t, set) })
		}
	}
}

func (f foldTest) run(t *testing.T, set *kern.Set) {
	fold, acc := set.Fold(f.op, f.d, f.of), array.AccumulatorType(f.op, f.d)
	if fold == nil {
		t.Fatal("there is no fold")
	}
	rng, plain := rand.New(rand.NewPCG(2, 3)), kern.New(kern.Go)
	for n := range array.LeafSize + 1 {
		if n > 200 && n%61 > 0 && n < 1000 || raceEnabled && n%31 > 0 || n < array.LeafSize && skipped(n) {
			continue
		}
		x, y := randomVector(rng, f.d, n, n%9*f.d.Size()%64&^7), randomVector(rng, f.d, max(n, 1), n%5*f.d.Size()%64)
		for i := range n {
			switch {
			case f.op == array.Any: // else it is always true
				x.set(i, array.ScalarOf(n%2 == 0 && i == n/2))
			case f.op == array.All:
				x.set(i, array.ScalarOf(n%2 == 0 || i != n/2))
			case f.d.Float() && n%4 > 0: // else it is mostly NaN
				x.set(i, array.ScalarOf(rng.NormFloat64()).Cast(f.d))
			}
		}
		want := f.lanes(acc, x, y, n)
		second := func(from int) []byte {
			switch f.of {
			case kern.OfProduct:
				return y.bytes(n)[from*f.d.Size():]
			case kern.OfDeviation:
				return y.bytes(1)
			}
			return nil
		}
		var s kern.State
		kern.Begin(f.op, acc, &s)
		fold(&s, x.bytes(n), second(0), n)
		if got := array.ScalarFromBits(acc, plain.Join(f.op, acc, &s)); !same(got, want) {
			t.Fatalf("n = %d: %s, want %s", n, got, want)
		}
		half := n / 2 &^ 63
		kern.Begin(f.op, acc, &s)
		fold(&s, x.bytes(n)[:storage(f.d, half)], second(0), half)
		fold(&s, x.bytes(n)[storage(f.d, half):], second(half), n-half)
		if got := array.ScalarFromBits(acc, plain.Join(f.op, acc, &s)); !same(got, want) {
			t.Fatalf("n = %d, in two runs: %s, want %s", n, got, want)
		}
		kern.Begin(f.op, acc, &s)
		fold(&s, x.bytes(n), second(0), n)
		if got := array.ScalarFromBits(acc, set.Join(f.op, acc, &s)); !same(got, want) {
			t.Fatalf("n = %d, joined by the set: %s, want %s", n, got, want)
		}
	}
}

// lanes is the leaf's accumulator.
func (f foldTest) lanes(acc array.DType, x, y vector, n int) array.Scalar {
	var lanes [array.Lanes]uint64
	for l := range lanes {
		lanes[l] = array.Identity(f.op, acc)
	}
	for i := range n {
		partner := y.get(0)
		if f.of == kern.OfProduct {
			partner = y.get(i)
		}
		lanes[i%array.Lanes] = array.Join(f.op, acc, lanes[i%array.Lanes], f.value(f.d, x.get(i), partner).Cast(acc).Bits())
	}
	for w := array.Lanes / 2; w > 0; w /= 2 {
		for l := range w {
			lanes[l] = array.Join(f.op, acc, lanes[l], lanes[l+w])
		}
	}
	return array.ScalarFromBits(acc, lanes[0])
}
