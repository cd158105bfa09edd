package darray_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// into is a cluster of p ranks in this process that deals out all but the smallest work, and a float64 block of n.
func into(t *testing.T, p, n int) (*darray.Cluster, *darray.Block, []float64) {
	t.Helper()
	c, err := darray.Local(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	xs := make([]float64, n)
	dst, err := darray.BlockOver(xs)
	if err != nil {
		t.Fatal(err)
	}
	return c, dst, xs
}

func ramp(n int, step float64) []float64 {
	xs := make([]float64, n)
	for i := range xs {
		xs[i] = float64(i) * step
	}
	return xs
}

func TestCollectInto(t *testing.T) {
	leak.Check(t)
	ctx := context.Background()
	for _, p := range []int{1, 2, 3} {
		for _, n := range []int{1, 10, 100_000, 1 << 20} {
			c, dst, xs := into(t, p, n)
			a, b := ramp(n, 1), ramp(n, 0.5)
			misses := c.Memory().Misses
			if err := c.CollectInto(ctx, dst, darray.Add(darray.FromSlice(a), darray.FromSlice(b))); err != nil {
				t.Fatal(err)
			}
			for i, x := range xs {
				if x != a[i]+b[i] {
					t.Fatalf("p=%d n=%d: element %d is %v, want %v", p, n, i, x, a[i]+b[i])
				}
			}
			if more := c.Memory().Misses - misses; more != 0 {
				t.Errorf("p=%d n=%d: %d buffers were made beside the destination", p, n, more)
			}
			// Over its own memory: element i of the result reads element n-1-i of what it overwrites too.
			for round := range 3 {
				before := slices.Clone(xs)
				if err := c.CollectInto(ctx, dst, darray.Add(darray.FromBlock(dst), darray.FromSlice(xs))); err != nil {
					t.Fatal(err)
				}
				for i, x := range xs {
					if x != 2*before[i] {
						t.Fatalf("p=%d n=%d, round %d: element %d is %v, want %v", p, n, round, i, x, 2*before[i])
					}
				}
			}
			// A window of the destination from a shifted one.
			if n > 10 {
				before := slices.Clone(xs)
				if err := c.CollectInto(ctx, dst.Slice(1, n-1), darray.Add(darray.FromBlock(dst.Slice(2, n)), 1)); err != nil {
					t.Fatal(err)
				}
				for i := range xs {
					want := before[i]
					if i > 0 && i < n-1 {
						want = before[i+1] + 1
					}
					if xs[i] != want {
						t.Fatalf("p=%d n=%d, shifted: element %d is %v, want %v", p, n, i, xs[i], want)
					}
				}
			}
		}
	}
}

// TestCollectIntoAnything: results that are no fresh run over their elements, and types that share bytes.
func TestCollectIntoAnything(t *testing.T) {
	leak.Check(t)
	ctx := context.Background()
	const n = 70_001
	xs := ramp(n, 1)
	a := darray.FromSlice(xs)
	flags := darray.Less(a, 12_345.0)
	for name, result := range map[string]darray.Array{
		"data":     a,
		"reshaped": a.Reshape(1, n),
		"range":    darray.Arange(0.0, n, 1.0),
		"constant": darray.Full(3.5, 7, 11),
		"sum":      darray.Sum(a),
		"bool":     flags,
		"bools":    darray.FromSlice([]bool{true, false, true}),
		"column":   open(t, flights).Col("distance"),
		"empty":    darray.FromSlice([]float64{}),
	} {
		for _, p := range []int{1, 2} {
			c, err := darray.Local(p)
			if err != nil {
				t.Fatal(err)
			}
			want, err := c.Collect(ctx, result)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			dst, err := darray.NewBlock(result.DType(), result.Shape()...)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := c.CollectInto(ctx, dst, result); err != nil {
					t.Fatalf("p=%d %s: %v", p, name, err)
				}
				if dst.String() != want[0].String() || dst.NullN() != want[0].NullN() {
					t.Errorf("p=%d %s: got %v, want %v", p, name, dst, want[0])
				}
			}
			for _, i := range []int{0, dst.Len() / 3, dst.Len() - 1} {
				if i >= 0 && i < dst.Len() && value(dst, i) != value(want[0], i) {
					t.Errorf("p=%d %s: element %d is %v, want %v", p, name, i, value(dst, i), value(want[0], i))
				}
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func value(b *darray.Block, i int) string {
	v, ok := b.Scalar(i)
	if !ok {
		return "null"
	}
	return v.String()
}

// TestCollectIntoNulls: nulls come and go with what is collected; a slice of the destination has its own.
func TestCollectIntoNulls(t *testing.T) {
	leak.Check(t)
	ctx := context.Background()
	const n, skip = 200_000, 3
	values, validity := ramp(n+skip, 1), make([]byte, (n+skip+7)/8)
	nulls := 0
	for i := range n + skip {
		if i%5 != 0 {
			validity[i/8] |= 1 << (i % 8)
		} else if i >= skip {
			nulls++
		}
	}
	b, err := array.WrapBlock(array.Float64, n, skip, array.Bytes(values), validity, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []int{1, 2} {
		c, whole, xs := into(t, p, n+skip+1)
		dst := whole.Slice(skip+1, n+skip+1)
		for name, a := range map[string]darray.Array{"data": darray.FromBlock(b), "computed": darray.Add(darray.FromBlock(b), 0)} {
			if err := c.CollectInto(ctx, dst, a); err != nil {
				t.Fatal(err)
			}
			if dst.NullN() != nulls {
				t.Errorf("p=%d %s: %d nulls, want %d", p, name, dst.NullN(), nulls)
			}
			for i := range n {
				if dst.IsNull(i) != b.IsNull(i) || !b.IsNull(i) && xs[skip+1+i] != values[skip+i] {
					t.Fatalf("p=%d %s: element %d is %v", p, name, i, value(dst, i))
				}
			}
			if err := c.CollectInto(ctx, dst, darray.Ones(darray.Float64, n)); err != nil {
				t.Fatal(err)
			}
			if dst.HasNulls() || xs[0] != 0 || xs[skip+1] != 1 || xs[n+skip] != 1 {
				t.Errorf("p=%d %s: then ones: %v", p, name, dst)
			}
		}
	}
}

func TestCollectIntoWrong(t *testing.T) {
	leak.Check(t)
	ctx := context.Background()
	c, dst, xs := into(t, 2, 6)
	xs[0] = 42
	ints, _ := darray.NewBlock(darray.Int64, 6)
	for _, tt := range []struct {
		dst  *darray.Block
		a    darray.Array
		is   error
		text string
	}{
		{nil, darray.Zeros(darray.Float64, 6), darray.ErrDType, "NewBlock"},
		{&darray.Block{}, darray.Zeros(darray.Float64, 6), darray.ErrDType, "NewBlock"},
		{ints, darray.Zeros(darray.Float64, 6), darray.ErrDType, "the result is float64, the destination int64"},
		{dst, darray.Zeros(darray.Float64, 7), darray.ErrShape, "the result has shape [7], the destination [6]"},
		{dst, darray.Zeros(darray.Float64, 2, 3), darray.ErrShape, "[2 3]"},
		{dst, darray.Array{}, darray.ErrShape, "zero Array"},
	} {
		if err := c.CollectInto(ctx, tt.dst, tt.a); !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("got %v, want %v with %q", err, tt.is, tt.text)
		}
	}
	if xs[0] != 42 {
		t.Error("the destination has changed")
	}
	if err := c.CollectInto(ctx, dst, darray.Zeros(darray.Float64, 6)); err != nil || xs[0] != 0 {
		t.Errorf("%v, then %v", xs, err)
	}
	if _, err := darray.NewBlock(darray.Float64, -1); !errors.Is(err, darray.ErrShape) {
		t.Errorf("a block of -1: %v", err)
	}
	if _, err := darray.NewBlock(darray.DType(99), 1); !errors.Is(err, darray.ErrDType) {
		t.Errorf("a block of no type: %v", err)
	}
	for _, n := range []int{1 << 44, 1 << 46, 1 << 59} {
		if _, err := darray.NewBlock(darray.Float64, n); !errors.Is(err, darray.ErrMemory) {
			t.Errorf("a block of %d: %v", n, err)
		}
	}
	if _, err := darray.BlockOver(xs, 5); !errors.Is(err, darray.ErrShape) {
		t.Errorf("a block of 5 over 6: %v", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if err := darray.Arange(0.0, 6, 1).CollectInto(done, dst); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}

// TestCollectIntoSPMD: rank 0 passes the destination, and its mistakes are everybody's.
func TestCollectIntoSPMD(t *testing.T) {
	leak.Check(t)
	const n = 100_000
	err := darray.Config{Ranks: 3}.SPMD(func(ctx context.Context, c *comm.Comm) error {
		cluster, err := darray.Over(c)
		if err != nil {
			return err
		}
		defer cluster.Close()
		var dst, wrong *darray.Block
		xs := make([]float64, n)
		if c.Rank() == 0 {
			if dst, err = darray.BlockOver(xs); err != nil {
				return err
			}
		}
		a := darray.Sqrt(darray.Arange(0.0, n, 1.0))
		if err := cluster.CollectInto(ctx, wrong, a); !errors.Is(err, darray.ErrDType) {
			t.Errorf("rank %d, without a destination: %v", c.Rank(), err)
		}
		if err := cluster.CollectInto(ctx, dst, a); err != nil {
			return err
		}
		for i, x := range xs {
			if want := math.Sqrt(float64(i)); c.Rank() == 0 && x != want {
				t.Fatalf("element %d is %v, want %v", i, x, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// scribbler is an allocator whose memory is written over once it is free, as a mapping that is gone, or memory of C.
type scribbler struct{ freed chan struct{} }

func (scribbler) Allocate(n int) []byte { return make([]byte, n) }
func (s scribbler) Reallocate(n int, old []byte) []byte {
	return append(make([]byte, 0, n), old[:min(n, len(old))]...)[:n]
}

func (s scribbler) Free(b []byte) {
	clear(b)
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// TestCollectIntoOutlives: nothing of an Arrow array that is released is left in the destination.
func TestCollectIntoOutlives(t *testing.T) {
	leak.Check(t)
	c, dst, _ := into(t, 1, 100)
	free := scribbler{make(chan struct{}, 1)}
	func() {
		b := arrowarray.NewFloat64Builder(free)
		defer b.Release()
		for i := range dst.Len() {
			if b.Append(float64(i)); i%2 == 0 {
				b.AppendNull()
			}
		}
		a := b.NewArray()
		defer a.Release()
		part := arrowarray.NewSlice(a, 0, int64(dst.Len()))
		defer part.Release()
		for len(free.freed) > 0 {
			<-free.freed
		}
		if err := c.CollectInto(context.Background(), dst, darray.FromArrow(part)); err != nil {
			t.Fatal(err)
		}
	}()
	nulls := dst.NullN()
	for freed := false; !freed; {
		runtime.GC()
		select {
		case <-free.freed:
			freed = true
		default:
			runtime.Gosched()
		}
	}
	if nulls != 33 || dst.NullN() != nulls {
		t.Errorf("%d nulls, then %d", nulls, dst.NullN())
	}
}

// TestCollectIntoOneOfTwo: equal arrays are computed once, and are blocks of their own all the same.
func TestCollectIntoOneOfTwo(t *testing.T) {
	leak.Check(t)
	ctx := context.Background()
	for _, p := range []int{1, 3} {
		c, _, _ := into(t, p, 0)
		x := darray.FromSlice([]float64{1, 2, 3, 4})
		for name, a := range map[string]darray.Array{
			"zeros": darray.Zeros(darray.Float64, 4), "data": x, "op": darray.Add(x, 1), "sum": darray.Sum(x), "bools": darray.Less(x, 3), "large": darray.Arange(0, 200_000, 1),
		} {
			want, err := c.Collect(ctx, a)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Collect(ctx, a, a, a.Reshape(1, a.Len()))
			if err != nil {
				t.Fatal(err)
			}
			for i, b := range got {
				if value(b, 0) != value(want[0], 0) {
					t.Errorf("p=%d %s: result %d is %v, want %v", p, name, i, b, want[0])
				}
				other := darray.Add(darray.FromBlock(b).Cast(darray.Float64), 7).Cast(b.DType())
				if b.DType() == darray.Bool {
					other = darray.LogicalNot(darray.FromBlock(b))
				}
				if err := c.CollectInto(ctx, b, other); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
