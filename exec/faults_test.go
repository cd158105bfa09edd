package exec_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/internal/ref/bitwise"
	"github.com/darray-go/darray/net/comm"
)

// divisors are n integers that are 1 but for the zeros.
func divisors(t testing.TB, n int, zeros ...int) *array.Node {
	xs := make([]int32, n)
	for i := range xs {
		xs[i] = 1
	}
	for _, i := range zeros {
		xs[i] = 0
	}
	return data(t, xs)
}

// faulty are graphs with elements that have no result, and how the error begins; "" where there is none.
func faulty(t testing.TB) []struct {
	name  string
	roots []*array.Node
	want  string
} {
	const n = 6000
	ones := divisors(t, n)
	table := func(x *array.Node) *array.Node { return array.Reshape(x, array.Shape{n / 6, 6}, 0) }
	null := func(at int) *array.Node { // ones and a zero that is null
		xs, validity := array.AllocBytes(4*n), make([]byte, (n+7)/8)
		for i := range n {
			xs[4*i], validity[i/8] = 1, validity[i/8]|1<<(i%8)
		}
		xs[4*at], validity[at/8] = 0, validity[at/8]&^(1<<(at%8))
		b, err := array.WrapBlock(array.Int32, n, 0, xs, validity, nil)
		if err != nil {
			t.Fatal(err)
		}
		return array.Data(b, 0)
	}
	late := apply(array.FloorDivide, ones, divisors(t, n, n-1))
	early := apply(array.Remainder, ones, divisors(t, n, 3, 4000))
	return []struct {
		name  string
		roots []*array.Node
		want  string
	}{
		{"none", []*array.Node{apply(array.FloorDivide, ones, ones)}, ""},
		{"first", []*array.Node{apply(array.Fmod, ones, divisors(t, n, 0))}, "fmod: integer division by zero at element [0]"},
		{"the first of two", []*array.Node{early}, "remainder: integer division by zero at element [3]"},
		{"last", []*array.Node{late}, "floor_divide: integer division by zero at element [5999]"},
		{"operands before what reads them", []*array.Node{apply(array.Remainder, ones, apply(array.Subtract, late, ones))}, "floor_divide: integer division by zero at element [5999]"},
		{"roots in order", []*array.Node{late, early}, "floor_divide: integer division by zero at element [5999]"},
		{"roots in the other order", []*array.Node{early, late}, "remainder: integer division by zero at element [3]"},
		{"a table", []*array.Node{apply(array.FloorDivide, table(ones), table(divisors(t, n, 1234, 5000)))}, "floor_divide: integer division by zero at element [205 4]"},
		{"broadcast", []*array.Node{apply(array.FloorDivide, table(ones), divisors(t, 6, 2))}, "floor_divide: integer division by zero at element [0 2]"},
		{"a column", []*array.Node{apply(array.FloorDivide, table(ones), array.Reshape(divisors(t, n/6, 999), array.Shape{n / 6, 1}, 0))}, "floor_divide: integer division by zero at element [999 0]"},
		{"a Go number", []*array.Node{apply(array.Remainder, ones, number(0))}, "remainder: integer division by zero at element [0]"},
		{"one element", []*array.Node{apply(array.Remainder, apply(array.Sum, ones), apply(array.Subtract, apply(array.Min, ones), apply(array.Max, ones)))}, "remainder: integer division by zero; "},
		{"folded", []*array.Node{apply(array.Sum, late)}, "floor_divide: integer division by zero at element [5999]"},
		{"folded by rows", []*array.Node{array.Reduce(array.Max, 0, table(late), 1), array.Reduce(array.Var, 0, table(late), 0)}, "floor_divide: integer division by zero at element [5999]"},
		{"folded whole and by rows", []*array.Node{array.Reduce(array.Sum, 0, table(late), 0), apply(array.Sum, table(late))}, "floor_divide: integer division by zero at element [5999]"},
		{"scanned", []*array.Node{apply(array.CumSum, late)}, "floor_divide: integer division by zero at element [5999]"},
		{"not picked", []*array.Node{apply(array.Where, apply(array.NotEqual, divisors(t, n, 77), number(0)), apply(array.FloorDivide, ones, divisors(t, n, 77)), ones)}, "floor_divide: integer division by zero at element [77]"},
		{"never picked", []*array.Node{apply(array.Where, number(0), late, ones)}, "floor_divide: integer division by zero at element [5999]"},
		{"multiplied by 0", []*array.Node{apply(array.Multiply, late, number(0))}, "floor_divide: integer division by zero at element [5999]"},
		{"a null divisor", []*array.Node{apply(array.FloorDivide, ones, null(50))}, ""},
		{"a null dividend", []*array.Node{apply(array.FloorDivide, null(50), divisors(t, n, 50))}, ""},
		{"a null before it", []*array.Node{apply(array.FloorDivide, null(50), divisors(t, n, 50, 51))}, "floor_divide: integer division by zero at element [51]"},
		{"no elements", []*array.Node{apply(array.FloorDivide, data(t, []int32{}), number(0))}, ""},
		{"floats", []*array.Node{apply(array.Divide, ones, divisors(t, n, 1))}, ""},
	}
}

// TestFaults: the error is the same for any number of ranks and any split, and the next collect works.
func TestFaults(t *testing.T) {
	leak.Check(t)
	for _, p := range ranksOf(upTo9, []int{1, 3, 4}) {
		for seed := range uint64(2) {
			device := cpu.New(cpu.Config{Threads: 1 + 2*int(seed)})
			cl := local(t, p, func(_ int, c *exec.Config) {
				if c.Device = device; seed > 0 {
					c.Layout = uneven(seed)
				}
			})
			for _, test := range faulty(t) {
				blocks, _, err := cl.Collect(context.Background(), test.roots)
				e := (*array.ElementError)(nil)
				switch {
				case test.want == "" && err != nil, test.want != "" && (!errors.As(err, &e) || !strings.HasPrefix(err.Error(), test.want)):
					t.Errorf("%d ranks: %s: %v, want %q", p, test.name, err, test.want)
				case test.want != "" && (blocks != nil || !errors.Is(err, array.ErrDivide)):
					t.Errorf("%d ranks: %s: %d blocks beside %v", p, test.name, len(blocks), err)
				}
				if _, wrong := bitwise.Eval(test.roots[0]); len(test.roots) == 1 && (wrong == nil) != (err == nil) || wrong != nil && !sameFault(err, wrong) {
					t.Errorf("%d ranks: %s: %v, the reference %v", p, test.name, err, wrong)
				}
			}
			cl.stop()
			if err := device.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFaultsSPMD: all ranks have the same error, also those that have no element without a result, and those of other processes.
func TestFaultsSPMD(t *testing.T) {
	leak.Check(t)
	const p, n = 3, 30_000
	graph := func() []*array.Node {
		return []*array.Node{apply(array.FloorDivide, divisors(t, n), divisors(t, n, 25_000))}
	}
	for _, over := range []string{"memory", "quic"} {
		start := func() ([]*comm.Comm, error) { return comm.NewLocal(p) }
		if over == "quic" {
			start = func() ([]*comm.Comm, error) { return overQUIC(t, p) }
		}
		comms, err := start()
		if err != nil {
			t.Fatal(err)
		}
		errs := make([]error, p)
		var all sync.WaitGroup
		for r, c := range comms {
			e, err := exec.New(exec.Config{Comm: c, Device: cpu.New(cpu.Config{Threads: 1})})
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() { _, _, errs[r] = e.CollectSPMD(context.Background(), graph()) })
		}
		all.Wait()
		for r, err := range errs {
			e := (*array.ElementError)(nil)
			if !errors.Is(err, array.ErrDivide) || err.Error() != errs[0].Error() || !strings.Contains(err.Error(), "[25000]") {
				t.Errorf("%s: rank %d: %v", over, r, err)
			}
			if !errors.As(err, &e) || e.Op != array.FloorDivide || !slices.Equal(e.Index, []int{25_000}) || e.Cause != array.ErrDivide {
				t.Errorf("%s: rank %d: the error holds %+v", over, r, e)
			}
		}
		for _, c := range comms {
			all.Go(func() { c.Close() })
		}
		all.Wait()
	}
}

func overQUIC(t testing.TB, p int) ([]*comm.Comm, error) {
	transports := quicTransports(t, p)
	comms, errs := make([]*comm.Comm, p), make([]error, p)
	var all sync.WaitGroup
	for r, tr := range transports {
		all.Go(func() {
			comms[r], errs[r] = comm.Join(context.Background(), comm.Config{Rank: r, Size: p, Transport: tr, Root: transports[0].Addr()})
		})
	}
	all.Wait()
	return comms, errors.Join(errs...)
}

// TestFaultsOverQUIC: ranks of other processes tell the root of theirs.
func TestFaultsOverQUIC(t *testing.T) {
	leak.Check(t)
	cl := quic(t, 3)
	for _, test := range faulty(t) {
		_, _, err := cl.Collect(context.Background(), test.roots)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// TestRandomFaults: divisors with zeros anywhere.
func TestRandomFaults(t *testing.T) {
	leak.Check(t)
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 9))
		n := 1 + rng.IntN(9000)
		var zeros []int
		for range rng.IntN(4) {
			zeros = append(zeros, rng.IntN(n))
		}
		x, y := divisors(t, n), divisors(t, n, zeros...)
		op := []array.Op{array.FloorDivide, array.Remainder, array.Fmod}[rng.IntN(3)]
		root := apply(array.Add, apply(array.Sum, apply(op, x, y)), apply(op, y, x))
		cl := local(t, 1+rng.IntN(5), func(_ int, c *exec.Config) { c.Layout = uneven(seed) })
		check(t, cl, root)
		cl.stop()
	}
}

// FuzzFaults: what a rank sends as faults is refused or is about elements that can have none.
func FuzzFaults(f *testing.F) {
	roots := []*array.Node{apply(array.FloorDivide, divisors(f, 10), divisors(f, 10, 4))}
	f.Add(exec.EncodeFaults(2, 4))
	f.Add(exec.EncodeFaults(2, 10))
	f.Add(exec.EncodeFaults(0, 0))
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, err := exec.DecodeFaults(raw, roots)
		if err == nil && len(list) != len(raw)/16 {
			t.Errorf("%d faults in %d bytes", len(list), len(raw))
		}
		for _, at := range list {
			if at[0] != 2 || at[1] < 0 || at[1] > 9 {
				t.Errorf("a fault at %v", at)
			}
		}
	})
}
