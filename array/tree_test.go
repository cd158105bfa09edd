package array_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/ref"
)

// reductions are the ops that join accumulators.
var reductions = []array.Op{array.Sum, array.Prod, array.Min, array.Max, array.Mean, array.Count, array.Any, array.All}

// leafPartials is the accumulator of each leaf, computed through Identity and Join as tree.go says.
func leafPartials(op array.Op, b *array.Block) []array.Partial {
	acc := array.AccumulatorType(op, b.DType())
	var leaves []array.Partial
	for lo := 0; lo < b.Len(); lo += array.LeafSize {
		lanes := slices.Repeat([]uint64{array.Identity(op, acc)}, array.Lanes)
		p := array.Partial{Index: uint64(lo / array.LeafSize)}
		for j := range min(array.LeafSize, b.Len()-lo) {
			s, ok := b.Scalar(lo + j)
			if ok {
				lanes[j%array.Lanes] = array.Join(op, acc, lanes[j%array.Lanes], s.Cast(acc).Bits())
				p.Count++
			}
		}
		for half := array.Lanes / 2; half > 0; half /= 2 {
			for l := range half {
				lanes[l] = array.Join(op, acc, lanes[l], lanes[l+half])
			}
		}
		p.Acc = lanes[0]
		leaves = append(leaves, p)
	}
	return leaves
}

// joined pushes the leaves as one forest, or as forests of random runs that are pushed onto each other.
func joined(rng *rand.Rand, op array.Op, acc array.DType, leaves []array.Partial, cut bool) array.Forest {
	var whole array.Forest
	for len(leaves) > 0 {
		n := len(leaves)
		if cut {
			n = 1 + rng.IntN(n)
		}
		var run array.Forest
		for _, leaf := range leaves[:n] {
			run = run.Push(op, acc, leaf)
		}
		for _, p := range run {
			whole = whole.Push(op, acc, p)
		}
		leaves = leaves[n:]
	}
	return whole
}

// TestForest: any cut of the leaves into runs gives the bits of one run, and those of the tree by recursion (ref).
func TestForest(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	dtypes := array.DTypes()
	for trial := range 60 {
		n := rng.IntN(8 * array.LeafSize)
		if trial%10 == 0 {
			n = trial / 10
		}
		d := dtypes[rng.IntN(len(dtypes))]
		op := reductions[rng.IntN(len(reductions))]
		n0 := array.Apply(op, 0, array.Data(ref.Random(rng, d, array.Shape{n}, float64(rng.IntN(2))*0.4), 0))
		if n0.Err() != nil {
			t.Fatal(n0.Err())
		}
		operand, err := ref.Eval(n0.Args()[0])
		if err != nil {
			t.Fatal(err)
		}
		want, err := ref.Eval(n0)
		if err != nil {
			t.Fatal(err)
		}
		acc := array.AccumulatorType(op, operand.DType())
		leaves := leafPartials(op, operand)
		for _, cut := range []bool{false, true, true, true} {
			got, ok := joined(rng, op, acc, leaves, cut).Result(op, acc, n0.DType())
			w, wantOK := want.Scalar(0)
			bothNaN := math.IsNaN(got.Float()) && math.IsNaN(w.Float())
			if ok != wantOK || ok && (got.DType() != w.DType() || got.Bits() != w.Bits() && !bothNaN) {
				t.Fatalf("%s of %d %s (cut %v): %s (%v), want %s (%v)", op, n, d, cut, got, ok, w, wantOK)
			}
		}
	}
}

// total is the tree over leaves [0, len(leaves)) by recursion: node (level, index) joins the two below, as far as they exist.
func total(leaves []float64, level, index int) float64 {
	if level == 0 {
		return leaves[index]
	}
	left := total(leaves, level-1, 2*index)
	if (2*index+1)<<(level-1) >= len(leaves) {
		return left
	}
	return left + total(leaves, level-1, 2*index+1)
}

// TestForestOfManyLeaves: any cut of any number of leaves, whose sums round differently in every other order.
func TestForestOfManyLeaves(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	for n := 1; n < 200; n++ {
		sums, leaves := make([]float64, n), make([]array.Partial, n)
		for i := range sums {
			sums[i] = math.Ldexp(rng.NormFloat64(), rng.IntN(60))
			leaves[i] = array.Partial{Index: uint64(i), Acc: math.Float64bits(sums[i]), Count: 1}
		}
		level := 0
		for 1<<level < n {
			level++
		}
		want := total(sums, level, 0)
		for range 5 {
			got, ok := joined(rng, array.Sum, array.Float64, leaves, true).Result(array.Sum, array.Float64, array.Float64)
			if !ok || got.Float() != want {
				t.Fatalf("the sum of %d leaves is %v, want %v", n, got.Float(), want)
			}
		}
	}
}

// TestForestSize: a run of n leaves is at most 2*log2(n) nodes, from leaf 0 one for each bit of n.
func TestForestSize(t *testing.T) {
	for lo := range uint64(40) {
		var f array.Forest
		for n := uint64(1); n < 600; n++ {
			f = f.Push(array.Sum, array.Int64, array.Partial{Index: lo + n - 1, Acc: 1, Count: 1})
			if limit := 2 * math.Ceil(math.Log2(float64(n+1))); float64(len(f)) > limit {
				t.Fatalf("%d leaves from %d are %d nodes", n, lo, len(f))
			}
			total := uint64(0)
			for _, p := range f {
				total += p.Count
			}
			if total != n {
				t.Fatalf("%d leaves from %d count %d", n, lo, total)
			}
		}
	}
}

// TestIdentity: joining the identity changes no accumulator, on either side, not even the sign of a zero.
func TestIdentity(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for _, op := range reductions {
		if op == array.Count {
			continue
		}
		for _, d := range array.DTypes() {
			n := array.Apply(op, 0, ones(d))
			acc := array.AccumulatorType(op, n.Args()[0].DType())
			identity := array.Identity(op, acc)
			b := ref.Random(rng, acc, array.Shape{300}, 0)
			for i := range b.Len() {
				s, _ := b.Scalar(i)
				left, right := array.Join(op, acc, identity, s.Bits()), array.Join(op, acc, s.Bits(), identity)
				isNaN := acc.Float() && math.IsNaN(s.Float())
				if !isNaN && (left != s.Bits() || right != s.Bits()) {
					t.Fatalf("%s of %s with its identity %#x gives %#x and %#x", op, s, identity, left, right)
				}
			}
		}
	}
}

// TestResultOfNothing: no forest at all, as from an empty array.
func TestResultOfNothing(t *testing.T) {
	cases := map[array.Op]string{
		array.Sum: "0.0", array.Prod: "1.0", array.Min: "null", array.Max: "null", array.Mean: "null",
		array.Count: "0", array.Any: "false", array.All: "true",
	}
	for op, want := range cases {
		n := array.Apply(op, 0, ones(array.Float32))
		s, ok := array.Forest(nil).Result(op, array.AccumulatorType(op, n.Args()[0].DType()), n.DType())
		got := "null"
		if ok {
			got = s.String()
		}
		if got != want || s.DType() != n.DType() {
			t.Errorf("%s of nothing is %s(%s), want %s(%s)", op, s.DType(), got, n.DType(), want)
		}
	}
}
