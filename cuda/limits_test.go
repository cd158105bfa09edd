package cuda_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/cuda"
	"github.com/darray-go/darray/cuda/fake"
	"github.com/darray-go/darray/exec/devicetest"
	"github.com/darray-go/darray/internal/leak"
)

// TestManyParameters: a program of more constants than calls of the driver usually have words is run as any other.
func TestManyParameters(t *testing.T) {
	leak.Check(t)
	r := simulated(t, fake.Options{}, cuda.Options{})
	const n, terms = 100, 480
	x := array.NewBlock(array.Float64, array.Shape{n}, false)
	for i := range n {
		x.SetScalar(i, array.ScalarOf(float64(i)), true)
	}
	p := &array.Program{Domain: array.Shape{n}, Inputs: []array.Input{{DType: array.Float64}}}
	for i := range terms {
		p.Inputs = append(p.Inputs, array.Input{Kind: array.InputConst, DType: array.Float64, Value: array.ScalarOf(1 / float64(i+1))})
	}
	at := array.Reg(0)
	for i := range terms {
		to := array.Reg(p.Regs())
		p.Code = append(p.Code, array.Instr{Op: array.Add, In: array.Float64, Out: array.Float64, Dst: to, Args: []array.Reg{at, array.Reg(i + 1)}})
		at = to
	}
	p.Outputs = []array.Output{{Reg: at, DType: array.Float64}}
	devicetest.Same(t, r, &array.Launch{
		Program: p, Hi: n, Operands: []*array.Block{x}, Results: []*array.Block{array.NewBlock(array.Float64, array.Shape{n}, false)},
	})
}

// TestTakes: a program is refused before it runs where it may need more parameters than a kernel has, and only there.
func TestTakes(t *testing.T) {
	leak.Check(t)
	r := simulated(t, fake.Options{}, cuda.Options{})
	for _, c := range []struct {
		operands, numbers int
		takes             bool
	}{{100, 0, true}, {168, 0, true}, {171, 0, false}, {0, 500, true}, {0, 511, false}} {
		p := &array.Program{Domain: array.Shape{8}}
		for i := range c.operands {
			p.Inputs = append(p.Inputs, array.Input{DType: array.Float64, Slot: i})
		}
		for i := range c.numbers {
			p.Inputs = append(p.Inputs, array.Input{Kind: array.InputConst, DType: array.Float64, Value: array.ScalarOf(float64(i))})
		}
		at, n := array.Reg(0), len(p.Inputs)
		for i := range n - 1 {
			to := array.Reg(p.Regs())
			p.Code = append(p.Code, array.Instr{Op: array.Add, In: array.Float64, Out: array.Float64, Dst: to, Args: []array.Reg{at, array.Reg(i + 1)}})
			at = to
		}
		p.Outputs = []array.Output{{Reg: at, DType: array.Float64, Reduce: true, Op: array.Sum}}
		if err := r.Takes(p); (err == nil) != c.takes {
			t.Errorf("%d operands and %d numbers: %v", c.operands, c.numbers, err)
		}
		if r.Takes(p) != nil {
			continue
		}
		l := &array.Launch{Program: p, Hi: 8, Results: make([]*array.Block, 1)}
		for range c.operands {
			b := array.NewBlock(array.Float64, array.Shape{8}, true)
			for k := range 7 {
				b.SetScalar(k, array.ScalarOf(float64(k)), true)
			}
			l.Operands = append(l.Operands, b)
		}
		devicetest.Same(t, r, l) // what is taken does run
	}
}

// TestHalvesAfterPart: where memory ends behind the first of several outputs, what that has left counts once.
func TestHalvesAfterPart(t *testing.T) {
	leak.Check(t)
	r := simulated(t, fake.Options{}, cuda.Options{Memory: 7 << 18, Stage: 64 << 10})
	const rows, columns = 16 * array.RowLeaf, 1 << 17 / (16 * array.RowLeaf)
	const n = rows * columns
	rng := rand.New(rand.NewPCG(7, 8))
	x := array.NewBlock(array.Float64, array.Shape{n}, false)
	for i := range n {
		x.SetScalar(i, array.ScalarOf(rng.NormFloat64()), true)
	}
	p := &array.Program{
		Domain: array.Shape{rows, columns}, Inputs: []array.Input{{DType: array.Float64}},
		Outputs: []array.Output{
			{DType: array.Float64, Reduce: true, Partial: true, Op: array.Sum, Extent: array.Extent{Outer: 1, Length: rows, Inner: columns}, Out: array.Float64},
			{DType: array.Float64, Scan: true, Op: array.CumSum, Extent: array.Extent{Outer: rows, Length: columns, Inner: 1}},
		},
	}
	notes := ""
	devicetest.Same(t, r, &array.Launch{
		Program: p, Hi: n, Operands: []*array.Block{x}, Columns: make([]array.ColumnForest, 2), Note: func(text string) { notes += text },
		Results: []*array.Block{nil, array.NewBlock(array.Float64, array.Shape{n}, false)},
	})
	if !strings.Contains(notes, "halves") {
		t.Fatalf("notes %q: the memory is not short", notes)
	}
}

// TestExtents: extents that the driver would read the low 32 bits of are errors, and nothing is launched.
func TestExtents(t *testing.T) {
	leak.Check(t)
	dev := open(t, fake.Options{}, cuda.Options{})
	m := must[*cuda.Module](t)(dev.Load(addText))
	f := must[*cuda.Func](t)(m.Func("add"))
	s := must[*cuda.Stream](t)(dev.Stream())
	for _, c := range []struct {
		name        string
		grid, block cuda.Dim
		shared      int
		fails       string
	}{
		{"none", cuda.Dim{}, cuda.Dim{}, 0, ""},
		{"a grid of 2^32+1", cuda.Dim{1<<32 + 1}, cuda.Dim{1}, 0, "the grid has extents"},
		{"a grid of -1", cuda.Dim{1, -1}, cuda.Dim{1}, 0, "the grid has extents"},
		{"blocks of 2^32+1", cuda.Dim{1}, cuda.Dim{1, 1, 1<<32 + 1}, 0, "a block has extents"},
		{"shared memory of 2^32", cuda.Dim{1}, cuda.Dim{1}, 1 << 32, "4294967296 bytes of shared memory"},
		{"shared memory of -1", cuda.Dim{1}, cuda.Dim{1}, -1, "-1 bytes of shared memory"},
	} {
		err := f.Launch(s, c.grid, c.block, c.shared, []uint64{0, 0, 0, 0})
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, err := range []error{s.Sync(t.Context()), s.Close(), m.Close()} {
		check(t, err)
	}
}

// TestPeerReads: memory that a stream of another device still reads is not given to others.
func TestPeerReads(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{Devices: 2, Seed: seed}))
		one := must[*cuda.Device](t)(v.Open(0, cuda.Options{}))
		two := must[*cuda.Device](t)(v.Open(1, cuda.Options{}))
		ctx := t.Context()
		const n = 1 << 16
		to, from := must[*cuda.Stream](t)(one.Stream()), must[*cuda.Stream](t)(two.Stream())
		dst, got := must[*cuda.Buffer](t)(one.Alloc(ctx, n)), make([]byte, n)
		for round := range byte(20) {
			src := must[*cuda.Buffer](t)(two.Alloc(ctx, n))
			check(t, from.Fill(src, 0, n, round))
			check(t, from.Sync(ctx))
			check(t, to.CopyPeer(dst, 0, src, 0, n))
			check(t, src.Free())
			next := must[*cuda.Buffer](t)(two.Alloc(ctx, n))
			check(t, from.Fill(next, 0, n, 0xff))
			check(t, from.Sync(ctx))
			check(t, to.Download(ctx, got, dst, 0))
			check(t, to.Sync(ctx))
			if at := bytes.IndexFunc(got, func(r rune) bool { return r != rune(round) }); at >= 0 {
				t.Fatalf("byte %d of round %d is %#x", at, round, got[at])
			}
			check(t, next.Free())
		}
		kept := must[*cuda.Buffer](t)(two.Alloc(ctx, n))
		check(t, from.Close())
		if err := two.Close(); err == nil || !strings.Contains(err.Error(), "1 buffers") {
			t.Errorf("%v", err)
		}
		if err := to.CopyPeer(dst, 0, kept, 0, n); !errors.Is(err, cuda.ErrClosed) {
			t.Errorf("a copy from a device that is closed: %v", err)
		}
		for _, err := range []error{dst.Free(), to.Close(), one.Close(), v.Close()} {
			check(t, err)
		}
	})
}

// TestFenceFails: memory that was freed when no event could be made for the work that uses it is there again when that is over.
func TestFenceFails(t *testing.T) {
	leak.Check(t)
	v := must[*cuda.Driver](t)(cuda.Simulated(fake.Options{}))
	dev := must[*cuda.Device](t)(v.Open(0, cuda.Options{Memory: 1 << 20}))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // never over but where it fails
	defer cancel()
	s := must[*cuda.Stream](t)(dev.Stream())
	b := must[*cuda.Buffer](t)(dev.Alloc(ctx, 1<<20))
	check(t, s.Fill(b, 0, 1<<20, 1))
	v.Machine().FailAt(2, 999) // behind the one that makes the context current
	if err := b.Free(); err == nil || !strings.Contains(err.Error(), "cuEventCreate") {
		t.Fatalf("%v", err)
	}
	next := must[*cuda.Buffer](t)(dev.Alloc(ctx, 1<<20))
	for _, err := range []error{next.Free(), s.Close(), dev.Close(), v.Close()} {
		check(t, err)
	}
}
