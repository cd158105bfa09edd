package exec_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// roomy are graphs with results, temporaries and messages of sizes that a pool hands out, a little above those of its classes.
func roomy(rng *rand.Rand, nulls float64) map[string][]*array.Node {
	const rows, columns = 1051, 253 // 265 903 elements: 2.03 MiB of float64
	x := array.Data(ref.Random(rng, array.Float64, array.Shape{rows, columns}, nulls), 0)
	y := array.Data(ref.Random(rng, array.Float64, array.Shape{rows, columns}, nulls), 0)
	flags := array.Data(ref.Random(rng, array.Bool, array.Shape{9 * rows, columns}, nulls), 0) // bits enough for a buffer
	sum := apply(array.Add, x, y)
	centred := apply(array.Subtract, sum, apply(array.Mean, sum))
	square := reshape(apply(array.Add, array.Arange(array.ScalarOf(0.0), array.ScalarOf(300.0*300), array.ScalarOf(1.0), 0), number(1.0)), 300, 300)
	return map[string][]*array.Node{
		"add":                {sum},
		"two results":        {sum, apply(array.Multiply, x, y)},
		"what is given":      {x, flags},
		"bools":              {apply(array.LogicalNot, flags)},
		"a compare":          {apply(array.Less, x, y)},
		"float32":            {array.CastTo(sum, array.Float32, 0)},
		"a stored temporary": {apply(array.Multiply, centred, apply(array.Max, centred))},
		"along axis 0":       {array.Reduce(array.Sum, 0, centred, 0)},
		"along axis 1":       {array.Reduce(array.Var, 0, centred, 1)},
		"least along axis 0": {array.Reduce(array.ArgMin, 0, sum, 0)},
		"wide rows":          {array.Reduce(array.Sum, 0, reshape(sum, 1, rows*columns), 0)},
		"few wide rows":      {array.Reduce(array.Var, 0, array.CastTo(reshape(array.CastTo(flags, array.Float64, 0), 9, rows*columns), array.Float32, 0), 0)},
		"running sum":        {apply(array.CumSum, centred)},
		"of columns":         {array.Scan(array.CumSum, 0, centred, 0)},
		"of rows":            {array.Scan(array.CumSum, 0, centred, 1)},
		"a product":          {matmul(square, square)},
		"products":           {matmul(matmul(square, square), square), apply(array.Sum, square)},
		"other rows":         {matmul(sum, apply(array.Square, reshape(array.Full(array.ScalarOf(2.0), array.Shape{columns}, 0), columns))), matmul(reshape(sum, columns, rows), x)},
		"all of bools":       {array.Reduce(array.Any, 0, reshape(apply(array.LogicalNot, flags), 9, rows, columns), 0, 2)},
		"the same twice":     {sum, sum, reshape(sum, columns, rows)},
	}
}

// moving are those of them that move what others do not.
var moving = []string{"bools", "two results", "a stored temporary", "along axis 0", "products", "other rows", "all of bools"}

// TestRoomIsEnough: a plan that is let run has the memory that it takes. The pools may have as much as the plan says that it
// needs, and not a byte more; with a byte less the plan is refused before it runs.
func TestRoomIsEnough(t *testing.T) {
	leak.Check(t)
	for _, percent := range ranksOf([]int{0, 10}, []int{10}) {
		nulls := float64(percent) / 100
		for name, roots := range roomy(rand.New(rand.NewPCG(1, 2)), nulls) {
			for _, tt := range []struct {
				p         int
				inProcess bool
			}{{1, true}, {3, true}, {3, false}} {
				if !tt.inProcess && (nulls == 0 || !slices.Contains(moving, name)) {
					continue // messages take their time
				}
				plan, err := exec.NewPlan(roots, exec.Setting{Ranks: tt.p, Device: "cpu", InProcess: tt.inProcess, Options: exec.Options{SmallWork: dealOut}})
				if err != nil {
					t.Fatal(err)
				}
				if err := collectIn(t, pools(plan, tt.inProcess, 0), tt.inProcess, roots); err != nil {
					t.Errorf("%s over %d ranks, nulls %v, in process %t: %v\n%s", name, tt.p, nulls, tt.inProcess, err, plan)
				}
			}
		}
	}
}

// pools are those of the ranks, with limits that are less bytes below what a plan says: one for all in one process.
func pools(plan *exec.Plan, inProcess bool, less int) []*mem.Pool {
	pools, all := make([]*mem.Pool, plan.Ranks), 0
	for r, peak := range plan.Peak {
		all += peak
		pools[r] = mem.New(mem.Config{Limit: max(peak-less, 1), Idle: -1})
	}
	if inProcess {
		one := mem.New(mem.Config{Limit: max(all-less, 1), Idle: -1})
		for r := range pools {
			pools[r] = one
		}
	}
	return pools
}

func collectIn(t *testing.T, pools []*mem.Pool, inProcess bool, roots []*array.Node) error {
	t.Helper()
	set := func(r int, c *exec.Config) { c.Memory = pools[r] }
	var cl *cluster
	if inProcess {
		cl = local(t, len(pools), set)
	} else {
		cl = quic(t, len(pools), set)
	}
	_, _, err := cl.Collect(context.Background(), roots)
	cl.stop()
	for _, pool := range pools {
		pool.Close()
	}
	return err
}

// TestRoomIsRefused: what has no room is refused with figures that add up, before anything runs.
func TestRoomIsRefused(t *testing.T) {
	leak.Check(t)
	for name, roots := range roomy(rand.New(rand.NewPCG(1, 2)), 0) {
		plan, err := exec.NewPlan(roots, exec.Setting{Ranks: 1, Device: "cpu", InProcess: true, Options: exec.Options{SmallWork: dealOut}})
		if err != nil {
			t.Fatal(err)
		}
		if plan.Peak[0] < mem.Pooled {
			continue
		}
		err = collectIn(t, pools(plan, true, 1), true, roots)
		if !errors.Is(err, exec.ErrMemory) || !strings.Contains(err.Error(), "the plan needs") {
			t.Errorf("%s: with a byte less than %d the error is %v", name, plan.Peak[0], err)
		}
	}
}
