// Package devicetest is the conformance suite of exec.Accelerator: whole plans run over it and give the bits of the reference.
package devicetest

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
	"github.com/darray-go/darray/internal/ref/bitwise"
	"github.com/darray-go/darray/net/comm"
)

// Open gives a device for one test, which closes it by t.Cleanup and fails where memory was not released.
type Open func(t testing.TB) exec.Accelerator

// Suite is what a device is tried with.
type Suite struct {
	Open Open
	// Graphs is how many random graphs each number of ranks gets; 0: 8.
	Graphs int
	// Refuses says which graphs the device is known not to take, whatever runs then: nil, none. The suite fails where a plan gives a step
	// to the processor that it must not.
	Refuses func(err error) bool
	// Apart gives each rank a device of its own, where it is one for all else.
	Apart bool
}

// Run runs all of the suite.
func (s Suite) Run(t *testing.T) {
	t.Run("every op", s.testEveryOp)
	t.Run("random graphs", s.TestRandomGraphs)
	t.Run("over axes", s.testOverAxes)
	t.Run("products", s.testProducts)
	t.Run("stays", s.testStays)
	t.Run("persisted", s.testPersisted)
	t.Run("no result", s.testNoResult)
	t.Run("cancelled", s.testCancelled)
}

// cluster is p ranks of this process, which share the device and give it all that it takes.
func (s Suite) cluster(t *testing.T, p int) *exec.Executor {
	t.Helper()
	leak.Check(t)
	comms, err := comm.NewLocal(p)
	if err != nil {
		t.Fatal(err)
	}
	pool, processor := mem.New(mem.Config{Poison: true}), cpu.New(cpu.Config{Threads: 1})
	t.Cleanup(func() {
		processor.Close()
		pool.Close()
	})
	device := s.Open(t)
	execs := make([]*exec.Executor, p)
	served := make(chan error, p)
	for r, c := range comms {
		if s.Apart && r > 0 {
			device = s.Open(t)
		}
		execs[r], err = exec.New(exec.Config{
			Comm: c, Device: processor, Accelerator: device, Accelerate: true, Memory: pool, Options: exec.Options{SmallWork: -1},
		})
		if err != nil {
			t.Fatal(err)
		}
		if r > 0 {
			go func() { served <- execs[r].Serve(context.Background()) }()
		}
	}
	t.Cleanup(func() {
		execs[0].Close()
		for range p - 1 {
			<-served
		}
		for r, c := range comms {
			execs[r].Close()
			c.Close()
		}
	})
	return execs[0]
}

// check collects roots together and holds them against the reference, and the plan against Refuses.
func (s Suite) check(t *testing.T, e *exec.Executor, roots ...*array.Node) {
	t.Helper()
	for _, root := range roots {
		if root.Err() != nil {
			t.Fatal(root.Err())
		}
	}
	if plan, err := e.Explain(t.Context(), roots); err == nil {
		for _, why := range plan.Refused() {
			if s.Refuses == nil || !s.Refuses(why) {
				t.Errorf("%v: %v", roots, why)
			}
		}
	}
	blocks, _, err := e.Collect(t.Context(), roots)
	for i, root := range roots {
		want, wrong := bitwise.Eval(root)
		if wrong != nil && sameFault(err, wrong) {
			return
		}
		if err != nil {
			continue // a later root's
		}
		if wrong != nil {
			t.Fatal(wrong)
		}
		if err := ref.Equal(blocks[i], want); err != nil {
			t.Errorf("%s: %v", root, err)
		}
	}
	if err != nil {
		t.Fatalf("%v: %v", roots, err)
	}
}

// sameFault reports whether two errors are about the same element without a result.
func sameFault(err, want error) bool {
	e, w := (*array.ElementError)(nil), (*array.ElementError)(nil)
	return errors.As(err, &e) && errors.As(want, &w) && e.Error() == w.Error()
}

// types are the element types that a test goes through: with -short, as under the race detector, those that differ most.
func types() []array.DType {
	if testing.Short() {
		return []array.DType{array.Bool, array.Int16, array.Float64}
	}
	return array.DTypes()
}

// ranks are the numbers of ranks.
func ranks(all ...int) []int {
	if testing.Short() {
		return all[len(all)-1:]
	}
	return all
}

func apply(op array.Op, args ...*array.Node) *array.Node { return array.Apply(op, 0, args...) }

// lengths are where kernels differ: around a warp, a bitmap's words, a leaf and several leaves.
var lengths = []int{0, 1, 31, 32, 33, 255, 1023, 1025, 5000}

func (s Suite) testEveryOp(t *testing.T) {
	e := s.cluster(t, 1)
	rng := rand.New(rand.NewPCG(1, 7))
	at := 0
	for _, op := range array.Ops() {
		for _, d := range types() {
			var roots []*array.Node
			for _, nulls := range []float64{0, 0.25} {
				n := lengths[at%len(lengths)]
				at++
				args := make([]*array.Node, op.Info().Arity)
				for i := range args {
					args[i] = array.Data(ref.Random(rng, d, array.Shape{n}, nulls), 0)
				}
				node := array.CastTo(args[0], array.DTypes()[at%len(array.DTypes())], 0)
				if op != array.Cast {
					node = apply(op, args...)
				}
				if node.Err() == nil {
					roots = append(roots, node)
				}
			}
			s.check(t, e, roots...)
		}
	}
}

// TestRandomGraphs is the part of the suite that runs random expressions on several numbers of ranks.
func (s Suite) TestRandomGraphs(t *testing.T) {
	graphs := s.Graphs
	if graphs == 0 {
		graphs = 8
	}
	if testing.Short() {
		graphs = 3
	}
	for _, p := range ranks(1, 2, 4, 3) {
		t.Run("", func(t *testing.T) {
			e := s.cluster(t, p)
			for i := range uint64(graphs) {
				rng := rand.New(rand.NewPCG(i, uint64(p)))
				roots := make([]*array.Node, 1+rng.IntN(3))
				for k := range roots {
					roots[k] = ref.RandomGraph(rng, 1+rng.IntN(6))
				}
				s.check(t, e, roots...)
			}
		})
	}
}

func (s Suite) testOverAxes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	shapes := []array.Shape{{2050}, {3, 1100}, {1100, 3}, {70, 33}, {2, 65, 9}, {1, 31}, {0, 3}}
	for _, p := range ranks(1, 3) {
		t.Run("", func(t *testing.T) {
			e := s.cluster(t, p)
			for i, d := range types() {
				x := array.Data(ref.Random(rng, d, shapes[(i+p)%len(shapes)], float64(i%3)/4), 0)
				s.check(t, e, overAxes(x)...)
				s.check(t, e, overAxes(apply(array.Maximum, x, x))...)
			}
		})
	}
}

// overAxes is every reduction and scan of an array along each of its axes and of all of it.
func overAxes(x *array.Node) []*array.Node {
	var out []*array.Node
	for _, op := range array.Ops() {
		if !op.IsReduction() && !op.IsScan() {
			continue
		}
		out = append(out, apply(op, x))
		for axis := range x.Shape() {
			if op.IsScan() {
				out = append(out, array.Scan(op, 0, x, axis))
			} else {
				out = append(out, array.Reduce(op, 0, x, axis))
			}
		}
	}
	return out
}

func (s Suite) testProducts(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 9))
	for _, p := range ranks(1, 3) {
		t.Run("", func(t *testing.T) {
			e := s.cluster(t, p)
			for i, d := range types() {
				random := func(shape ...int) *array.Node {
					return array.Data(ref.Random(rng, d, shape, float64(i%2)/8), 0)
				}
				m, k, n := 1+rng.IntN(80), 1+rng.IntN(300), 1+rng.IntN(70)
				x, y := random(m, k), random(k, n)
				xy := array.Matmul(x, y, 0)
				s.check(t, e, xy, array.Matmul(random(k), y, 0), array.Matmul(xy, random(n), 0), apply(array.Maximum, xy, xy))
			}
		})
	}
}

// testStays: where a step's result is read by other steps of the device alone, it does not come back in between.
func (s Suite) testStays(t *testing.T) {
	e := s.cluster(t, 1)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, nulls := range []float64{0, 0.2} {
		x := array.Data(ref.Random(rng, array.Float64, array.Shape{60, 50}, nulls), 0)
		y := apply(array.Exp, apply(array.Square, x))
		centred := apply(array.Subtract, y, array.Reduce(array.Mean, 0, y, 0))
		again := apply(array.Divide, centred, array.KeepDims(array.Reduce(array.Max, 0, centred, 1), 0))
		product := array.Matmul(again, array.Matmul(array.Reshape(x, array.Shape{50, 60}, 0), again, 0), 0)
		for _, roots := range [][]*array.Node{{product}, {product, again, y}} { // of the second, two come back too
			plan, err := e.Explain(t.Context(), roots)
			if err != nil {
				t.Fatal(err)
			}
			if plan.Staying() < 3 {
				t.Errorf("%d results stay on the device:\n%v", plan.Staying(), plan)
			}
			s.check(t, e, roots...)
		}
	}
}

// isFar reports whether what was persisted lies in accelerators' memory.
func isFar(n *array.Node) bool {
	if parts := n.Parts(); parts != nil {
		return parts.Far
	}
	far, _ := n.Block().Far()
	return far != nil
}

// testPersisted: what is persisted has the same elements, stays on the devices, in parts where several ranks compute, is read there, and is
// fetched for those who cannot read it there.
func (s Suite) testPersisted(t *testing.T) {
	for _, p := range ranks(3, 1) {
		t.Run("", func(t *testing.T) {
			e := s.cluster(t, p)
			rng := rand.New(rand.NewPCG(uint64(p), 12))
			for i, d := range types() {
				x := array.Data(ref.Random(rng, d, array.Shape{40, 61}, float64(i%2)/4), 0)
				y := apply(array.Maximum, x, array.Data(ref.Random(rng, d, array.Shape{61}, 0), 0))
				kept, err := e.Persist(t.Context(), []*array.Node{x, y, apply(array.Max, x)})
				if err != nil {
					t.Fatal(err)
				}
				for k, n := range kept {
					if parts := n.Parts(); (parts != nil) != (p > 1 && k < 2) {
						t.Errorf("%d ranks: array %d lies in parts: %v", p, k, parts)
					}
					if far := isFar(n); far != (k < 2) {
						t.Errorf("%d ranks: array %d of %s lies far: %v", p, k, d, far)
					}
				}
				for _, roots := range [][2]*array.Node{
					{kept[0], x},
					{kept[1], y},
					{apply(array.Equal, kept[0], kept[1]), apply(array.Equal, x, y)},
					{apply(array.Count, array.Reshape(kept[1], array.Shape{61, 40}, 0)), apply(array.Count, array.Reshape(y, array.Shape{61, 40}, 0))},
					{array.Reduce(array.Min, 0, kept[1], 0), array.Reduce(array.Min, 0, y, 0)},
					{apply(array.Equal, kept[0], kept[2]), apply(array.Equal, x, apply(array.Max, x))},
				} {
					got, _, err := e.Collect(t.Context(), roots[:1])
					if err != nil {
						t.Fatalf("%s: %v", roots[0], err)
					}
					want, wrong := bitwise.Eval(roots[1])
					if wrong != nil {
						t.Fatal(wrong)
					}
					if err := ref.Equal(got[0], want); err != nil {
						t.Errorf("%s of what was persisted: %v", roots[1], err)
					}
				}
				for _, n := range kept[:2] {
					if parts := n.Parts(); parts != nil {
						parts.Release()
					} else {
						far, _ := n.Block().Far()
						far.Release()
					}
					if _, _, err := e.Collect(t.Context(), []*array.Node{apply(array.Equal, n, x)}); err == nil {
						t.Error("an array that was released has elements")
					}
				}
			}
		})
	}
}

// testNoResult: an element without a result is the same error as the processor's.
func (s Suite) testNoResult(t *testing.T) {
	e := s.cluster(t, 2)
	x := array.Arange(array.ScalarOf(int64(0)), array.ScalarOf(int64(4000)), array.ScalarOf(int64(1)), 0)
	zeros := apply(array.Subtract, x, array.Full(array.ScalarOf(int64(3001)), array.Shape{4000}, 0))
	s.check(t, e, apply(array.FloorDivide, x, zeros))
	s.check(t, e, apply(array.Pow, x, zeros))
	s.check(t, e, apply(array.Where, apply(array.Equal, zeros, array.NumberOperand(array.ScalarOf(int64(0)))), x, apply(array.Remainder, x, zeros)))
}

// testCancelled: a run ends with its context and leaves nothing behind.
func (s Suite) testCancelled(t *testing.T) {
	e := s.cluster(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	x := array.Arange(array.ScalarOf(0.0), array.ScalarOf(1e5), array.ScalarOf(1.0), 0)
	if _, _, err := e.Collect(ctx, []*array.Node{apply(array.Exp, x)}); !errors.Is(err, context.Canceled) {
		t.Errorf("a run whose context has ended: %v", err)
	}
	s.check(t, e, apply(array.Sum, apply(array.Sqrt, x)))
}
