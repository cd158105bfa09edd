package cuda_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref"
)

// simulated is a runner on a simulated device of its own, or on the machine's: see -real.
func simulated(t testing.TB, o fake.Options, d cuda.Options) *cuda.Runner {
	t.Helper()
	v := driver(t, o)
	device, err := v.Open(0, d)
	if err != nil {
		t.Fatal(err)
	}
	r, err := cuda.NewRunner(device)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, err := range []error{r.Close(), device.Close(), v.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return r
}

func apply(op array.Op, args ...*array.Node) *array.Node { return array.Apply(op, 0, args...) }

// numbers are finite floats, of which some are null.
func numbers(rng *rand.Rand, n int) *array.Block {
	b := array.NewBlock(array.Float64, array.Shape{n}, true)
	for i := range n {
		b.SetScalar(i, array.ScalarOf(rng.NormFloat64()), rng.IntN(100) > 0)
	}
	return b
}

// TestPieces: a long array goes through the device in pieces, also where its memory holds but a few of them, and gives the
// processor's bits and trees.
func TestPieces(t *testing.T) {
	n := 1<<20 + 5000
	if testing.Short() {
		n = 1<<18 + 5000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	x, y := numbers(rng, n), numbers(rng, n)
	nx, ny := array.Data(x, 0), array.Data(y, 0)
	square := func(n *array.Node) *array.Node { return array.Reshape(n, array.Shape{n.Shape().Len() / 8, 8}, 0) }
	for _, tt := range []struct {
		name   string
		root   *array.Node
		memory int
		note   string
	}{
		{"much memory", apply(array.Add, nx, ny), 1 << 30, ""},
		{"bools", apply(array.Less, nx, ny), 1 << 30, ""},
		{"a sum", apply(array.Sum, apply(array.Multiply, nx, ny)), 1 << 30, ""},
		{"little memory", apply(array.Add, nx, ny), 8 << 20, "pieces"},
		{"a sum in little memory", apply(array.Sum, apply(array.Multiply, nx, ny)), 8 << 20, "pieces"},
		{"rows in little memory", array.Reduce(array.Max, 0, square(apply(array.Multiply, nx, ny)), 1), 8 << 20, "halves"},
		{"columns in little memory", array.Scan(array.CumSum, 0, array.Reshape(apply(array.Multiply, nx, ny), array.Shape{8, n / 8}, 0), 1), 12 << 20, "halves"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if testing.Short() && tt.memory > 8<<20 {
				t.Skip("-short: in little memory there are pieces enough")
			}
			leak.Check(t)
			memory := tt.memory
			if testing.Short() {
				memory /= 4
			}
			r := simulated(t, fake.Options{Memory: memory}, cuda.Options{Stage: 1 << 20})
			l := devicetest.Launch(t, tt.root, x, y)
			var notes []string
			l.Note = func(text string) { notes = append(notes, text) }
			done := 0
			l.Progress = func(n int) { done += n }
			devicetest.Same(t, r, l)
			if all := strings.Join(notes, "; "); tt.note == "" && all != "" || !strings.Contains(all, tt.note) {
				t.Errorf("notes %q, want %q in them", all, tt.note)
			}
			if done != n {
				t.Errorf("%d elements are said to be done, of %d", done, n)
			}
		})
	}
}

// TestEveryCallOfARunFails: whichever call of the driver fails, a run ends with an error or works, and everything comes back.
func TestEveryCallOfARunFails(t *testing.T) {
	leak.Check(t)
	const n = 3000
	rng := rand.New(rand.NewPCG(3, 4))
	x, y := ref.Random(rng, array.Float64, array.Shape{n}, 0.1), ref.Random(rng, array.Int64, array.Shape{n}, 0)
	nx, ny := array.Data(x, 0), array.Data(y, 0)
	table := array.Reshape(apply(array.Multiply, nx, ny), array.Shape{50, 60}, 0)
	both := []*array.Block{x, y}
	const outOfMemory, unknown = 2, 999
	for _, tt := range []struct {
		root     *array.Node
		operands []*array.Block
	}{
		{apply(array.Less, nx, ny), both},
		{apply(array.Sum, apply(array.Multiply, nx, ny)), both},
		{array.Reduce(array.Var, 0, table, 0), both},
		{array.Scan(array.CumSum, 0, table, 1), both},
		{apply(array.FloorDivide, ny, ny), both[1:]},
	} {
		for _, code := range []int{outOfMemory, unknown} { // where memory is short a run may work nevertheless
			failed := 0
			step := 1
			if testing.Short() {
				step = 7
			}
			for at := 1; failing(t, tt.root, tt.operands, at, code, &failed); at += step {
			}
			if failed < 5 && code == unknown {
				t.Errorf("%s: only %d calls failed a run", tt.root, failed)
			}
		}
	}
}

// failing runs root with the call number at failing, and reports whether there was such a call.
func failing(t *testing.T, root *array.Node, operands []*array.Block, at, code int, failed *int) bool {
	v, err := cuda.Simulated(fake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := v.Open(0, cuda.Options{Stage: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	r, err := cuda.NewRunner(d)
	if err != nil {
		t.Fatal(err)
	}
	l := devicetest.Launch(t, root, operands...)
	calls := len(v.Machine().Calls())
	v.Machine().FailAt(at, code)
	_, err = r.Run(t.Context(), l)
	there := len(v.Machine().Calls())-calls >= at
	if err != nil {
		*failed++
	} else if there {
		devicetest.Same(t, r, l) // it went another way, and still goes
	}
	name := v.Machine().Calls()[min(calls+at, len(v.Machine().Calls()))-1]
	told := (*cuda.Error)(nil)
	if err := r.Close(); err != nil && !errors.As(err, &told) { // of memory that was given back when nobody listened
		t.Errorf("%s, call %d, %s: %v", root, at, name, err)
	}
	for _, err := range []error{d.Close(), v.Close()} {
		if err != nil && there { // else the call that fails is one of these
			t.Errorf("%s, call %d, %s, with code %d: %v", root, at, name, code, err)
		}
	}
	return there
}

// TestRunner holds plans that run on a simulated device against the reference.
func TestRunner(t *testing.T) {
	suite := devicetest.Suite{
		Open: func(t testing.TB) devicetest.Accelerator { return simulated(t, fake.Options{}, cuda.Options{}) },
	}
	suite.Run(t)
	suite.Apart, suite.Graphs = true, 3
	t.Run("a device for each rank", suite.TestRandomGraphs)
}

// TestUsersMemory: what a user has is given back when the runner is closed, and is no leak; what nobody has is one.
func TestUsersMemory(t *testing.T) {
	leak.Check(t)
	for _, own := range []bool{true, false} {
		v, err := cuda.Simulated(fake.Options{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := v.Open(0, cuda.Options{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := cuda.NewRunner(d)
		if err != nil {
			t.Fatal(err)
		}
		x := numbers(rand.New(rand.NewPCG(1, 1)), 100)
		l := devicetest.Launch(t, apply(array.Square, array.Data(x, 0)), x)
		l.Results[0], l.Stay = nil, []bool{true}
		if _, err := r.Run(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if own {
			l.Results[0].Own()
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		far, _ := l.Results[0].Far()
		if err := far.Fetch(t.Context(), array.NewBlock(array.Float64, array.Shape{100}, true), 0); err == nil {
			t.Error("elements came from a runner that is closed")
		}
		if err := d.Close(); (err == nil) != own {
			t.Errorf("the user has it: %v; closing the device: %v", own, err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestFetchThatFails: its destination is the caller's again, and what the device copied for it goes nowhere.
func TestFetchThatFails(t *testing.T) {
	leak.Check(t)
	v := driver(t, fake.Options{Devices: 1})
	d := must[*cuda.Device](t)(v.Open(0, cuda.Options{Stage: 64 << 10, Stages: 2}))
	r := must[*cuda.Runner](t)(cuda.NewRunner(d))
	defer func() { check(t, errors.Join(r.Close(), d.Close(), v.Close())) }()
	const n = 1 << 15 // as much as four staging buffers
	x := numbers(rand.New(rand.NewPCG(1, 1)), n)
	l := devicetest.Launch(t, apply(array.Square, array.Data(x, 0)), x)
	l.Results[0], l.Stay = nil, []bool{true}
	must[[]array.Forest](t)(r.Run(t.Context(), l))
	far, _ := l.Results[0].Far()
	defer far.Release()
	for name, memory := range map[string][]byte{"ordinary": make([]byte, 8*n), "pinned": d.Pinned().Allocate(8 * n)} {
		for call := 1; call <= 4; call++ {
			dst := must[*array.Block](t)(array.WrapBlock(array.Float64, n, 0, memory, array.AllocBytes(n/8), nil))
			v.Machine().FailOf("cuMemcpyDtoHAsync_v2", call, 1)
			if err := far.Fetch(t.Context(), dst, 0); err == nil {
				if name == "ordinary" {
					t.Errorf("copy %d failed, and the fetch did not", call)
				}
				v.Machine().FailOf("cuMemcpyDtoHAsync_v2", 1, 0)
			}
			for i := range memory {
				memory[i] = 7
			}
			one := array.NewBlock(array.Float64, array.Shape{1}, true)
			for range 8 { // through all staging buffers
				check(t, far.Fetch(t.Context(), one, 1))
			}
			for i, b := range memory {
				if b != 7 {
					t.Fatalf("%s memory, copy %d failed: byte %d is written afterwards", name, call, i)
				}
			}
		}
		if name == "pinned" {
			d.Pinned().Free(memory)
		}
	}
}

// TestBands: a program over what is on the device already is done in several launches where it is long, with the bits of one, and a context
// ends it between them.
func TestBands(t *testing.T) {
	leak.Check(t)
	const n = 20*array.LeafSize + 77
	v := driver(t, fake.Options{Devices: 1})
	d := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
	r := must[*cuda.Runner](t)(cuda.NewRunner(d))
	defer func() { check(t, errors.Join(r.Close(), d.Close(), v.Close())) }()
	x := numbers(rand.New(rand.NewPCG(5, 1)), n)
	resident := devicetest.Launch(t, apply(array.Negative, array.Data(x, 0)), x)
	resident.Results[0], resident.Stay = nil, []bool{true}
	must[[]array.Forest](t)(r.Run(t.Context(), resident))
	far, _ := resident.Results[0].Far()
	defer far.Release()
	for _, root := range []*array.Node{
		apply(array.Sum, apply(array.Exp, array.Data(x, 0))),
		apply(array.Sum, apply(array.Multiply, array.Data(x, 0), array.Arange(array.ScalarOf(0.0), array.ScalarOf(float64(n)), array.ScalarOf(1.0), 0))),
		apply(array.Less, array.Data(x, 0), array.NumberOperand(array.ScalarOf(0.5))),
	} {
		run := func(ctx context.Context, work int, progress func(int)) ([]array.Forest, *array.Block, error) {
			r.InBands(work)
			l := devicetest.Launch(t, root, resident.Results[0])
			l.Progress = progress
			var result *array.Block
			if l.Results[0] != nil {
				result = l.Results[0]
				l.Results[0], l.Stay = nil, []bool{true}
			}
			forests, err := r.Run(ctx, l)
			if result != nil {
				at, _ := l.Results[0].Far()
				defer at.Release() // also of a run that failed
				if err == nil {
					err = at.Fetch(ctx, result, 0)
				}
			}
			return forests, result, err
		}
		one, block, err := run(t.Context(), 1<<40, func(int) { t.Error("told of a single launch") })
		check(t, err)
		done := 0
		several, same, err := run(t.Context(), 1, func(n int) { done += n })
		check(t, err)
		if done != 19*array.LeafSize {
			t.Errorf("%s: %d elements told of", root, done)
		}
		if block != nil {
			check(t, ref.Equal(same, block))
		}
		if !reflect.DeepEqual(one, several) {
			t.Errorf("%s: %v, in one launch %v", root, several, one)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		over := errors.New("enough")
		told := 0
		if _, _, err := run(ctx, 1, func(int) { told++; cancel(over) }); !errors.Is(err, over) || told != 1 {
			t.Errorf("%s: told %d times, then %v", root, told, err)
		}
	}
}

// TestMeasure: the device takes the time of the kernels that were launched, and of no others.
func TestMeasure(t *testing.T) {
	leak.Check(t)
	v := driver(t, fake.Options{Devices: 1})
	d := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
	r := must[*cuda.Runner](t)(cuda.NewRunner(d))
	defer func() { check(t, errors.Join(r.Close(), d.Close(), v.Close())) }()
	x := numbers(rand.New(rand.NewPCG(5, 1)), 100)
	run := func() error {
		_, err := r.Run(t.Context(), devicetest.Launch(t, apply(array.Square, array.Data(x, 0)), x))
		return err
	}
	r.Measure(true)
	check(t, run())
	v.Machine().FailOf("cuLaunchKernel", 1, 701)
	if err := run(); err == nil {
		t.Error("a launch failed, and the run did not")
	}
	check(t, run())
	if took, n, err := r.Kernels(t.Context()); took <= 0 || n != 2 || err != nil {
		t.Errorf("%v in %d kernels, want some in 2: %v", took, n, err)
	}
	r.Measure(false)
	check(t, run())
	if _, n, err := r.Kernels(t.Context()); n != 0 || err != nil {
		t.Errorf("%d kernels while nothing was measured: %v", n, err)
	}
}
