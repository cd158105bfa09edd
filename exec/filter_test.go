package exec_test

import (
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// masked is a filter whose mask has been computed.
func masked(a *array.Node, mask *array.Block) *array.Node {
	mask = array.Truth(mask)
	return array.Filtered(a, array.Data(mask, 0), array.Select(mask), 0)
}

// filters are expressions over what masks of several kinds leave.
func filters(rng *rand.Rand, d array.DType, n int, nulls float64) []*array.Node {
	random := func(n int) *array.Node { return array.Data(ref.Random(rng, d, array.Shape{n}, nulls), 0) }
	mask := func(n int, keep float64) *array.Block {
		bits := make([]bool, n)
		for i := range bits {
			bits[i] = rng.Float64() < keep
		}
		b, err := array.FromSlice(bits)
		if err != nil {
			panic(err)
		}
		return b
	}
	x, y := random(n), random(n)
	some, few, none, all := mask(n, 0.5), mask(n, 0.01), mask(n, 0), mask(n, 1)
	if nulls > 0 {
		some = ref.Random(rng, array.Bool, array.Shape{n}, 0.1)
	}
	half := masked(x, some)
	kept := half.Shape()[0]
	again := mask(kept, 0.5)
	computed := apply(array.Subtract, apply(array.Add, x, y), number(1))
	count := array.Arange(array.ScalarOf(0), array.ScalarOf(n), array.ScalarOf(1), 0)
	return []*array.Node{
		half,
		masked(x, few), masked(x, none), masked(x, all),
		apply(array.Sum, half),
		apply(array.Add, half, masked(y, some)),
		apply(array.Subtract, half, apply(array.Mean, half)),
		apply(array.Add, half, random(kept)), // whose layout would be another
		masked(computed, some), masked(count, some),
		masked(array.Full(array.ScalarOf(int8(7)), array.Shape{n}, 0), some),
		masked(half, again), // of what another filter has left
		apply(array.Sum, masked(half, again)),
		apply(array.CumSum, half),
		array.Slice(apply(array.CumSum, x), n/3, n/2, 0),
		array.Slice(half, kept/3, kept/2, 0),
		apply(array.Add, array.Slice(x, 0, n/2, 0), array.Slice(apply(array.Add, y, number(1)), 0, n/2, 0)),
		array.Reshape(half, array.Shape{1, kept}, 0),
		apply(array.Maximum, apply(array.Max, masked(x, few)), half),
	}
}

// TestFilter holds filters against the reference, over any number of ranks and any split.
func TestFilter(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf(upTo9, []int{1, 2, 5}) {
		for seed := range uint64(3) {
			cl := local(t, p, func(_ int, c *exec.Config) {
				if seed == 2 {
					c.Layout = uneven(seed)
				}
			})
			rng := rand.New(rand.NewPCG(seed, uint64(p)))
			types := array.DTypes()
			for _, n := range []int{1, 7, 200, 10_000, 100_000} {
				d := types[rng.IntN(len(types))]
				var roots []*array.Node
				for _, r := range filters(rng, d, n, float64(seed%2)/20) {
					if r.Err() == nil && r.Shape().Len() > 0 { // not all types have all ops
						roots = append(roots, r)
					}
				}
				if n > 1 && len(roots) < 5 {
					t.Fatalf("%s: %d expressions", d, len(roots))
				}
				if n < 100_000 || p == 5 && seed == 0 && !testing.Short() {
					check(t, cl, roots...)
				}
				for i, r := range roots {
					if n < 10_000 || n == 10_000 && i == p%len(roots) {
						check(t, cl, r)
					}
				}
			}
			cl.stop()
		}
	}
}

// TestFilterOverQUIC: over processes the mask is dealt out, and parts are where they were computed.
func TestFilterOverQUIC(t *testing.T) {
	leak.Check(t)
	cl := quic(t, 3)
	for _, r := range filters(rand.New(rand.NewPCG(1, 1)), array.Float64, 5000, 0.1) {
		check(t, cl, r)
	}
}

// TestFilterOfPersisted: parts that the ranks keep are filtered where they lie.
func TestFilterOfPersisted(t *testing.T) {
	leak.Check(t)
	cl := local(t, 4)
	rng := rand.New(rand.NewPCG(3, 3))
	x := ref.Random(rng, array.Int32, array.Shape{50_000}, 0.1)
	kept, err := cl.Persist(t.Context(), []*array.Node{apply(array.Add, array.Data(x, 0), number(1))})
	if err != nil {
		t.Fatal(err)
	}
	mask := ref.Random(rng, array.Bool, array.Shape{50_000}, 0)
	got, _, err := cl.Collect(t.Context(), []*array.Node{masked(kept[0], mask), apply(array.Sum, masked(kept[0], mask))})
	if err != nil {
		t.Fatal(err)
	}
	plain := masked(apply(array.Add, array.Data(x, 0), number(1)), mask)
	for i, n := range []*array.Node{plain, apply(array.Sum, plain)} {
		want, err := ref.Eval(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := ref.Equal(got[i], want); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
}

// TestFilterPlan shows what a plan says of filters.
func TestFilterPlan(t *testing.T) {
	x, err := array.FromSlice(make([]float64, 100_000))
	if err != nil {
		t.Fatal(err)
	}
	mask := array.NewBlock(array.Bool, array.Shape{100_000}, false)
	plan, err := exec.NewPlan([]*array.Node{apply(array.Sum, masked(apply(array.Add, array.Data(x, 0), number(1)), mask))}, exec.Setting{Ranks: 2, Device: "cpu", Options: exec.Options{SmallWork: dealOut}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `scatter x0 root->block(2) 781 KiB
run t0 = x0 + 1.0 float64 cpu
scatter x1 root->block(2) 12 KiB
filter t1 = t0 where x1 float64 block(2)
run sum(t1) float64 cpu
reduce block(2)->root
peak memory 422 KiB on the root, 844 KiB on other ranks
`
	if plan.String() != want {
		t.Errorf("the plan is\n%s\nwant\n%s", plan, want)
	}
}
