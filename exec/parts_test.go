package exec_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/internal/ref/bitwise"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/partition"
)

// TestParts holds what is computed of arrays that lie in parts against the reference over the same elements.
func TestParts(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf([]int{2, 3, 4, 7}, []int{3}) {
		for _, way := range []string{"in a process", "apart", "uneven", "linked"} {
			t.Run(fmt.Sprintf("%d %s", p, way), func(t *testing.T) {
				e := &ether{}
				each := func(_ int, c *exec.Config) {
					switch way {
					case "uneven":
						c.Layout = uneven(uint64(p))
					case "linked":
						c.Accelerator, c.Accelerate = &linked{newAfar(t), e}, true
					}
				}
				cl := (*cluster)(nil)
				if way == "apart" {
					cl = joined(t, apart(p, 1), each)
				} else {
					cl = local(t, p, each)
				}
				defer cl.stop()
				seen := make(map[exec.StepKind]bool)
				for i, d := range []array.DType{array.Float64, array.Int32} {
					rng := rand.New(rand.NewPCG(uint64(p), uint64(i)))
					columns := 1 + rng.IntN(30)
					random := func(shape ...int) *array.Node { return array.Data(ref.Random(rng, d, shape, float64(i%2)/5), 0) }
					x, row, square := random(50+rng.IntN(6000/columns), columns), random(columns), random(columns, columns)
					tables := persist(t, cl, x, square)
					kept := []*array.Node{tables[0], persist(t, cl, apply(array.Maximum, row, row))[0], tables[1]}
					for _, use := range devicetest.Uses {
						root := use(kept[0], kept[1], kept[2])
						plan, err := cl.Explain(t.Context(), []*array.Node{root})
						if err != nil {
							t.Fatal(err)
						}
						for _, s := range plan.Steps {
							seen[s.Kind] = true
						}
						got, _, err := cl.Collect(t.Context(), []*array.Node{root})
						if err != nil {
							t.Fatalf("%s: %v", root, err)
						}
						same(t, got[0], use(x, row, square))
					}
				}
				if e.moves > 0 != (way == "linked") {
					t.Errorf("%d times something went from device to device", e.moves)
				}
				if !seen[exec.Gather] || !seen[exec.Allgather] || !seen[exec.Alltoall] || seen[exec.Scatter] {
					t.Errorf("moves %v", seen)
				}
			})
		}
	}
}

func persist(t testing.TB, cl *cluster, roots ...*array.Node) []*array.Node {
	t.Helper()
	kept, err := cl.Persist(context.Background(), roots)
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// TestPartsAgain persists what is persisted, and results of it, and the same result twice.
func TestPartsAgain(t *testing.T) {
	leak.Check(t)
	cl := local(t, 3)
	defer cl.stop()
	x := data(t, floats(5000), 50, 100)
	once := persist(t, cl, x)[0]
	flat := array.Reshape(once, array.Shape{5000}, 0)
	doubled := apply(array.Add, once, once)
	again := persist(t, cl, once, flat, doubled, doubled, apply(array.Max, doubled), apply(array.Add, x, x))
	if again[0].Parts() != once.Parts() || again[1].Parts() != once.Parts() || again[2].Parts() != again[3].Parts() {
		t.Error("parts that are kept already are kept once more")
	}
	if again[4].Parts() != nil || again[4].Block() == nil {
		t.Error("one number lies in parts")
	}
	for i, want := range []*array.Node{x, array.Reshape(x, array.Shape{5000}, 0), apply(array.Add, x, x), apply(array.Add, x, x), apply(array.Max, apply(array.Add, x, x)), apply(array.Add, x, x)} {
		got, _, err := cl.Collect(t.Context(), again[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		same(t, got[0], want)
	}
}

// TestPartsNeededWhole keeps what the same plan needs whole on all ranks, and sees that nobody else gets its memory.
func TestPartsNeededWhole(t *testing.T) {
	leak.Check(t)
	const n, narrow = 1200, 30 // whose parts are large enough for the pool
	for _, way := range []string{"in a process", "apart", "linked"} {
		e := &ether{}
		pool := mem.New(mem.Config{Poison: true})
		each := func(_ int, c *exec.Config) {
			if c.Memory = pool; way == "linked" {
				c.Accelerator, c.Accelerate = &linked{newAfar(t), e}, true
			}
		}
		cl := (*cluster)(nil)
		if way == "apart" {
			cl = joined(t, apart(3, 1), each)
		} else {
			cl = local(t, 3, each)
		}
		x, y := data(t, floats(n*narrow), n, narrow), data(t, floats(n*narrow), narrow, n)
		root := apply(array.Sqrt, apply(array.Abs, x))
		kept := persist(t, cl, root, matmul(y, root))
		for _, other := range []*array.Node{apply(array.Add, x, number(1)), matmul(y, apply(array.Add, x, number(2)))} {
			if _, _, err := cl.Collect(t.Context(), []*array.Node{other}); err != nil {
				t.Fatal(err)
			}
		}
		got, _, err := cl.Collect(t.Context(), kept)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []*array.Node{root, matmul(y, root)} {
			if kept[i].Parts() == nil {
				t.Errorf("%s: array %d is in no parts", way, i)
			}
			same(t, got[i], want)
		}
		runtime.KeepAlive(kept)
		cl.stop()
		pool.Close()
	}
}

// TestPartsStay: what is computed of parts moves no element of them, and the second plan finds the first's layout.
func TestPartsStay(t *testing.T) {
	leak.Check(t)
	const n = 1 << 20
	cl := joined(t, apart(4, 1))
	defer cl.stop()
	x := persist(t, cl, data(t, floats(n)))[0]
	square := persist(t, cl, apply(array.Square, x))[0]
	for _, root := range []*array.Node{apply(array.Sum, apply(array.Multiply, x, square)), apply(array.Max, square), apply(array.Mean, apply(array.Sqrt, x))} {
		_, stats, err := cl.Collect(t.Context(), []*array.Node{root})
		moved := 0
		for _, bytes := range stats.Moved {
			moved += bytes
		}
		if err != nil || moved > 64<<10 {
			t.Errorf("%s moved %d bytes: %v", root, moved, err)
		}
	}
}

// TestPartsGiveBack: the memory of parts is the pool's again after a release, when nobody refers to them, after a task that failed and
// when the cluster is closed.
func TestPartsGiveBack(t *testing.T) {
	leak.Check(t)
	const n = 1 << 20
	pool := mem.New(mem.Config{Poison: true})
	defer pool.Close()
	cl := local(t, 2, func(_ int, c *exec.Config) { c.Memory = pool })
	x := data(t, floats(n))
	before := pool.Stats().InUse
	settle := func(what string) {
		t.Helper()
		for range 10_000 { // cleanups run after a collection, at their leisure, and ranks hear of it
			if pool.Stats().InUse == before {
				return
			}
			runtime.GC()
		}
		t.Errorf("%s: %d bytes are in use", what, pool.Stats().InUse-before)
	}
	kept := persist(t, cl, apply(array.Square, x))[0]
	if used := pool.Stats().InUse - before; used < 8*n {
		t.Fatalf("%d bytes in use while %d elements are kept", used, n)
	}
	kept.Parts().Release()
	kept.Parts().Release()
	if _, _, err := cl.Collect(t.Context(), []*array.Node{apply(array.Sum, kept)}); !errors.Is(err, array.ErrGraph) || !strings.Contains(err.Error(), "persist it again") {
		t.Errorf("collect what was released: %v", err)
	}
	settle("after Release")
	persist(t, cl, apply(array.Square, x))
	settle("when nobody refers to the parts")

	ints := array.CastTo(x, array.Int64, 0)
	if _, err := cl.Persist(t.Context(), []*array.Node{apply(array.FloorDivide, ints, apply(array.Subtract, ints, ints))}); !errors.Is(err, array.ErrDivide) {
		t.Errorf("divide by 0: %v", err)
	}
	settle("after a task that failed")
	kept = persist(t, cl, apply(array.Square, x))[0]
	cl.stop()
	settle("after Close")
	runtime.KeepAlive(kept)
}

// TestPartsElsewhere: parts are of one cluster.
func TestPartsElsewhere(t *testing.T) {
	leak.Check(t)
	one, other, three := local(t, 2), local(t, 2), local(t, 3)
	defer func() { one.stop(); other.stop(); three.stop() }()
	kept := persist(t, one, data(t, floats(100)))[0]
	persist(t, other, data(t, floats(100)))
	for _, cl := range []*cluster{other, three} {
		if _, _, err := cl.Collect(t.Context(), []*array.Node{kept}); !errors.Is(err, array.ErrGraph) || !strings.Contains(err.Error(), "another cluster") {
			t.Errorf("%d ranks: %v", len(cl.comms), err)
		}
		check(t, cl, apply(array.Sum, data(t, floats(100))))
	}
}

// TestPartsSPMD: every rank persists and gets the array; rank 0 gets the elements.
func TestPartsSPMD(t *testing.T) {
	leak.Check(t)
	const p = 3
	alone, err := comm.NewLocal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, comms := range [][]*comm.Comm{alone, commsOver(t, apart(p, 1))} {
		execs := make([]*exec.Executor, p)
		for r, c := range comms {
			if execs[r], err = exec.New(exec.Config{Comm: c, Device: cpu.New(cpu.Config{Threads: 1})}); err != nil {
				t.Fatal(err)
			}
		}
		xs := floats(3000)
		blocks, errs := make([]*array.Block, p), make([]error, p)
		var all sync.WaitGroup
		for r, e := range execs {
			all.Go(func() {
				x := data(t, xs) // rank 0's counts
				kept, err := e.PersistSPMD(context.Background(), []*array.Node{apply(array.Sqrt, x), apply(array.Max, x)})
				if err != nil {
					errs[r] = err
					return
				}
				if (kept[0].Parts() == nil) || (kept[1].Block() != nil) != (r == 0) {
					errs[r] = fmt.Errorf("persisted %v", kept)
				}
				got, _, err := e.CollectSPMD(context.Background(), []*array.Node{apply(array.Multiply, kept[0], kept[1])})
				if errs[r] = errors.Join(errs[r], err); len(got) > 0 {
					blocks[r] = got[0]
				}
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		gone := array.InParts(array.NewParts(1<<40, partition.Balanced(10, p), false, execs[0]), array.Float64, array.Shape{10}, 0)
		for r, e := range execs { // what is not kept is the same error everywhere
			all.Go(func() { _, _, errs[r] = e.CollectSPMD(context.Background(), []*array.Node{gone}) })
		}
		all.Wait()
		for r, err := range errs {
			if !errors.Is(err, array.ErrGraph) {
				t.Errorf("rank %d: %v", r, err)
			}
		}
		for r, e := range execs { // who collects does not persist
			all.Go(func() {
				root := []*array.Node{apply(array.Sqrt, data(t, xs))}
				if r == 1 {
					_, _, errs[r] = e.CollectSPMD(context.Background(), root)
				} else {
					_, errs[r] = e.PersistSPMD(context.Background(), root)
				}
			})
		}
		all.Wait()
		for r, err := range errs {
			if !errors.Is(err, comm.ErrDiverged) {
				t.Errorf("rank %d: %v", r, err)
			}
		}
		x := data(t, xs)
		same(t, blocks[0], apply(array.Multiply, apply(array.Sqrt, x), apply(array.Max, x)))
		for r, c := range comms {
			all.Go(func() { errs[r] = errors.Join(execs[r].Close(), c.Close()) })
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
}

// same holds a block against the reference.
func same(t testing.TB, got *array.Block, root *array.Node) {
	t.Helper()
	want, err := bitwise.Eval(root)
	if err == nil {
		err = ref.Equal(got, want)
	}
	if err != nil {
		t.Errorf("%s: %v", root, err)
	}
}
