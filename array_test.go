package darray_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray"
	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// collect runs on a cluster of its own and closes it.
func collect[T darray.Element](t *testing.T, p int, a darray.Array) []T {
	t.Helper()
	c, err := darray.Local(p)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	blocks, err := c.Collect(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	values, err := darray.Values[T](blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestCollect(t *testing.T) {
	leak.Check(t)
	a := darray.FromSlice([]float64{1, 2, 3, 4})
	for _, p := range []int{1, 2, 3, 7} {
		got := collect[float64](t, p, darray.Multiply(darray.Add(a, 1), a))
		if want := []float64{2, 6, 12, 20}; !slices.Equal(got, want) {
			t.Errorf("p=%d: %v, want %v", p, got, want)
		}
	}
}

func TestResultsAreOperands(t *testing.T) {
	leak.Check(t)
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	blocks, err := c.Collect(context.Background(), darray.Arange(0, 6, 1).Reshape(2, 3))
	if err != nil {
		t.Fatal(err)
	}
	again := darray.FromBlock(blocks[0])
	if want := (darray.Shape{2, 3}); !again.Shape().Equal(want) {
		t.Errorf("shape %v, want %v", again.Shape(), want)
	}
	if got, want := collect[int64](t, 3, darray.Add(again, 10)), []int64{10, 11, 12, 13, 14, 15}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if darray.FromBlock(nil).Err() == nil {
		t.Error("an array of no block is no error")
	}
}

func TestBroadcastAndReshape(t *testing.T) {
	leak.Check(t)
	rows := darray.Arange(0, 3, 1).Reshape(3, 1)
	columns := darray.FromSlice([]int{10, 20})
	got := collect[int64](t, 2, darray.Add(rows, columns))
	if want := []int64{10, 20, 11, 21, 12, 22}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestNumbersAreWeak(t *testing.T) {
	a := darray.FromSlice([]int16{1, 2})
	for _, c := range []struct {
		name string
		a    darray.Array
		want darray.DType
	}{
		{"int16 + int", darray.Add(a, 2), darray.Int16},
		{"int16 + float", darray.Add(a, 2.5), darray.Float64},
		{"int16 / int", darray.Divide(a, 2), darray.Float64},
		{"float32 * float", darray.Multiply(a.Cast(darray.Float32), 2.5), darray.Float32},
		{"int16 < int beyond it", darray.Less(a, 100000), darray.Bool},
	} {
		if c.a.Err() != nil || c.a.DType() != c.want {
			t.Errorf("%s: %v, %v; want %v", c.name, c.a.DType(), c.a.Err(), c.want)
		}
	}
}

func TestMistakesNameTheLine(t *testing.T) {
	_, _, line, _ := runtime.Caller(0)
	a := darray.Add(darray.Ones(darray.Float64, 3, 4), darray.Ones(darray.Float64, 4, 3)) // line + 1
	_, err := a.Collect()
	if !errors.Is(err, darray.ErrShape) {
		t.Fatalf("error %v", err)
	}
	where := "array_test.go:" + itoa(line+1)
	for _, want := range []string{"[3 4] and [4 3]", "transpose", where} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
	for name, a := range map[string]darray.Array{
		"overflow":      darray.Add(darray.FromSlice([]uint8{1}), 300),
		"bool":          darray.Subtract(darray.FromSlice([]bool{true}), true),
		"reshape":       darray.Ones(darray.Int8, 6).Reshape(4, 2),
		"slice":         darray.FromSlice([]int{1, 2, 3}, 2, 2),
		"cast":          darray.Ones(darray.Int8, 6).Cast(darray.DType(99)),
		"dtype":         darray.Zeros(darray.DType(99), 6),
		"shape":         darray.Full(1.5, -1),
		"step":          darray.Arange(0, 10, 0),
		"axis":          darray.ArgMin(darray.Ones(darray.Int8, 2, 3), 0, 1),
		"axis range":    darray.Sum(darray.Ones(darray.Int8, 2), 1),
		"frame column":  (&darray.Frame{}).Col("x"),
		"frame lengths": (&darray.Frame{}).With("x", darray.Ones(darray.Int8, 2)).With("y", darray.Ones(darray.Int8, 3)).Col("y"),
		"error is kept": darray.Sqrt(darray.Add(darray.FromSlice([]uint8{1}), 300)),
	} {
		if err := a.Err(); err == nil || !strings.Contains(err.Error(), "array_test.go:") {
			t.Errorf("%s: error %v does not name the line", name, err)
		}
		if _, err := a.Collect(); err == nil {
			t.Errorf("%s: collected", name)
		}
	}
	if _, err := (darray.Array{}).Collect(); err == nil {
		t.Error("the zero Array was collected")
	}
}

func itoa(n int) string { return array.ScalarOf(n).String() }

func TestReducingAllAxesByName(t *testing.T) {
	got, err := darray.Item[int64](darray.Sum(darray.Ones(darray.Int8, 2, 3), -1, 0))
	if err != nil || got != 6 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestItem(t *testing.T) {
	if _, err := darray.Item[int64](darray.Arange(0, 2, 1)); !errors.Is(err, darray.ErrShape) {
		t.Errorf("two elements: %v", err)
	}
	if _, err := darray.Item[int32](darray.Arange(0, 1, 1)); !errors.Is(err, darray.ErrDType) {
		t.Errorf("another type: %v", err)
	}
	empty := darray.FromSlice([]float64{})
	if _, err := darray.Item[float64](darray.Mean(empty)); !errors.Is(err, array.ErrNull) {
		t.Errorf("mean of nothing: %v", err)
	}
	if got, err := darray.Item[float64](darray.Sum(empty)); err != nil || got != 0 || math.Signbit(got) {
		t.Errorf("sum of nothing: %v, %v", got, err)
	}
}

func TestFromArrowKeepsNulls(t *testing.T) {
	leak.Check(t)
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	builder := arrowarray.NewInt32Builder(mem)
	builder.AppendValues([]int32{1, 2, 3, 4}, []bool{true, false, true, true})
	column := builder.NewArray()
	builder.Release()
	a := darray.FromArrow(column)
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	blocks, err := c.Collect(context.Background(),
		darray.Add(a, 1), darray.Sum(a), darray.Count(a), darray.FillNull(a, -1), darray.IsNull(a))
	if err != nil {
		t.Fatal(err)
	}
	got := blocks[0].Arrow()
	defer got.Release()
	if want := "[2 (null) 4 5]"; got.String() != want || got.DataType().ID() != arrow.INT32 {
		t.Errorf("a + 1 = %s %s, want %s", got, got.DataType(), want)
	}
	for i, want := range []string{"", "8", "3", "[ 1 -1  3  4]", "[false  true false false]"} {
		if i > 0 && blocks[i].String() != want {
			t.Errorf("result %d prints %s, want %s", i, blocks[i], want)
		}
	}
	column.Release()
}

func TestOneClusterManyCallers(t *testing.T) {
	leak.Check(t)
	c, err := darray.Local(3)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	results := make(chan error)
	for k := range 8 {
		go func() {
			blocks, err := c.Collect(context.Background(), darray.Sum(darray.Arange(0, 200000+k, 1)))
			if err == nil {
				n := int64(200000 + k)
				if got, _ := blocks[0].Scalar(0); int64(got.Bits()) != n*(n-1)/2 {
					err = errors.New("wrong sum " + got.String())
				}
			}
			results <- err
		}()
	}
	for range 8 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}

func TestResultsHaveTheirOwnMemory(t *testing.T) {
	leak.Check(t)
	xs := []float64{1, 2, 3}
	for _, p := range []int{1, 2} {
		got := collect[float64](t, p, darray.FromSlice(xs))
		xs[0] = -1
		if got[0] != 1 {
			t.Errorf("p=%d: a result changed with the slice that it came from", p)
		}
		xs[0] = 1
		column := collect[int16](t, p, open(t, flights).Col("distance"))
		runtime.GC() // the file's mapping goes with the block, which nothing holds now
		runtime.GC()
		if column[1] != 2227 || column[199999] != 1452 {
			t.Errorf("p=%d: column reads %d ... %d", p, column[1], column[199999])
		}
	}
}

func TestClosedCluster(t *testing.T) {
	leak.Check(t)
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.Collect(context.Background(), darray.Arange(0, 3, 1)); err == nil {
		t.Error("a closed cluster collects")
	}
	for _, p := range []int{0, -3, 100000} {
		if _, err := darray.Local(p); err == nil {
			t.Errorf("Local(%d) works", p)
		}
	}
}

func TestCancelledCollect(t *testing.T) {
	leak.Check(t)
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	big := darray.Sum(darray.Arange(0, 1_000_000, 1))
	if _, err := c.Collect(ctx, big); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := c.Collect(context.Background(), big); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestProgress(t *testing.T) {
	const n = 1 << 20
	var told []int
	c, err := darray.Config{Progress: func(done, total int) {
		if total != n {
			t.Errorf("%d of %d", done, total)
		}
		told = append(told, done)
	}}.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Collect(context.Background(), darray.Sum(darray.Arange(0.0, n, 1))); err != nil {
		t.Fatal(err)
	}
	if len(told) < 3 || told[0] <= 0 || told[0] >= n || told[len(told)-1] != n || !slices.IsSorted(told) {
		t.Errorf("told %v", told)
	}
}

// TestMemoryOfTheMachine: without a limit of the user's, the machine's memory is one.
func TestMemoryOfTheMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is asked how much memory it has")
	}
	huge := darray.Arange[int64](0, 1<<53, 1)
	if _, err := huge.Collect(); !errors.Is(err, darray.ErrMemory) {
		t.Errorf("error %v", err)
	}
	err := darray.Config{Ranks: 3}.SPMD(func(ctx context.Context, c *comm.Comm) error {
		cluster, err := darray.Over(c)
		if err != nil {
			return err
		}
		defer cluster.Close()
		if _, err := cluster.Collect(ctx, huge); c.Rank() == 0 && !errors.Is(err, darray.ErrMemory) || err == nil {
			t.Errorf("rank %d: error %v", c.Rank(), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMemoryLimit(t *testing.T) {
	leak.Check(t)
	c, err := darray.Config{MemoryLimit: 1 << 20}.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Collect(context.Background(), darray.Add(darray.Arange(0, 1_000_000, 1), 1))
	if !errors.Is(err, darray.ErrMemory) {
		t.Errorf("error %v", err)
	}
}

// TestExplain: ranks that somebody asked for get their parts; else one device has all threads, and nothing moves.
func TestExplain(t *testing.T) {
	sum := darray.Add(darray.Arange(0, 1_000_000, 1), darray.FromSlice(make([]int64, 1_000_000)))
	c, err := darray.Local(2)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked, err := c.Explain(context.Background(), sum)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"scatter", "run", "gather", "7.6 MiB", "by reference"} {
		if !strings.Contains(asked.String(), want) {
			t.Errorf("%q is not in the plan of two ranks:\n%s", want, asked)
		}
	}
	plan, err := sum.Explain()
	if err != nil {
		t.Fatal(err)
	}
	if text := plan.String(); strings.Contains(text, "scatter") || runtime.GOMAXPROCS(0) > 1 && !strings.Contains(text, "by all threads") {
		t.Errorf("the plan of the default cluster:\n%s", text)
	}
}
