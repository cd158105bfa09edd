package exec_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu/mem"
	"github.com/darray-go/darray/internal/leak"
)

// TestTemporariesComeBack: what a plan stores between two programs is given back when it is not needed any more, and no
// result of several rounds over that memory differs from the first.
func TestTemporariesComeBack(t *testing.T) {
	leak.Check(t)
	const n = 300_000
	xs := floats(n)
	for _, p := range []int{1, 3} {
		pool := mem.New(mem.Config{Poison: true})
		cl := local(t, p, func(_ int, c *exec.Config) { c.Memory = pool })
		x := data(t, xs)
		centred := apply(array.Subtract, x, array.Apply(array.Mean, 0, x))
		stored := apply(array.Less, centred, array.Apply(array.Max, 0, apply(array.Multiply, centred, number(0.5))))
		roots := []*array.Node{apply(array.Multiply, centred, array.Apply(array.Sum, 0, centred)), stored}
		var first []*array.Block
		for round := range 4 {
			blocks, _, err := cl.Collect(context.Background(), roots)
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = blocks
				continue
			}
			for i := range blocks {
				got, _, _ := blocks[i].Raw()
				want, _, _ := first[i].Raw()
				if !slices.Equal(got, want) {
					t.Errorf("p=%d: result %d of round %d differs from the first", p, i, round)
				}
			}
			runtime.KeepAlive(blocks)
		}
		if s := pool.Stats(); p == 1 && s.Released == 0 {
			t.Errorf("p=%d: no temporary was given back: %+v", p, s)
		}
		runtime.KeepAlive(first)
		cl.stop()
		pool.Close()
	}
}

// TestHeldResultsCount: what the user still holds is memory that a plan cannot have, until it is dropped.
func TestHeldResultsCount(t *testing.T) {
	leak.Check(t)
	const n = 1 << 20 // 8 MiB
	xs := floats(n)
	pool := mem.New(mem.Config{Limit: 41 << 20})
	defer pool.Close()
	cl := local(t, 2, func(_ int, c *exec.Config) { c.Memory = pool })
	collect := func() (*array.Block, error) {
		blocks, _, err := cl.Collect(context.Background(), []*array.Node{apply(array.Add, data(t, xs), number(1.0))})
		if err != nil {
			return nil, err
		}
		return blocks[0], nil
	}
	var held []*array.Block
	var err error
	for len(held) < 8 && err == nil {
		var b *array.Block
		if b, err = collect(); err == nil {
			held = append(held, b)
		}
	}
	if !errors.Is(err, exec.ErrMemory) || !strings.Contains(err.Error(), "results and columns in use hold 40 MiB, the limit is 41 MiB") || len(held) != 5 {
		t.Fatalf("%d results, then %v", len(held), err)
	}
	values, err := array.Values[float64](held[4])
	if err != nil || values[n-1] != xs[n-1]+1 {
		t.Errorf("reads %v, %v", values[n-1], err)
	}
	held = slices.Clone(held[:1])
	if _, err := collect(); err != nil {
		t.Error(err)
	}
	runtime.KeepAlive(held)
}

// ending is a context that has ended from the given time on that somebody looks at it; 0: never. For one goroutine.
type ending struct {
	context.Context
	looks, end int
}

func (e *ending) Err() error {
	if e.looks++; e.end > 0 && e.looks >= e.end {
		return context.Canceled
	}
	return nil
}

// TestCopyEnds: what is only copied, since it is given, takes no longer to end than what is computed: each look at the context
// while it is copied ends it.
func TestCopyEnds(t *testing.T) {
	leak.Check(t)
	const n, huge = 1 << 20, 2 << 20 // 8 MiB
	x := data(t, make([]float64, n))
	cl := local(t, 1)
	all := &ending{Context: context.Background()}
	if _, _, err := cl.Collect(all, []*array.Node{x}); err != nil || all.looks < 8*n/huge {
		t.Errorf("%d looks while %d MiB are copied, %v", all.looks, 8*n>>20, err)
	}
	for end := 1; end <= all.looks; end++ {
		if _, _, err := cl.Collect(&ending{context.Background(), 0, end}, []*array.Node{x}); err == nil {
			t.Errorf("look %d of %d did not end it", end, all.looks)
		}
	}
	cl.stop()
}

// TestLoopRecycles: a = a + b takes no new memory after some rounds, over one rank or several.
func TestLoopRecycles(t *testing.T) {
	if raceDetector {
		t.Skip("the pool hands nothing out again that users dropped: the detector would not see their order")
	}
	leak.Check(t)
	const n = 4 << 20 // 32 MiB
	for _, p := range []int{1, 3} {
		pool := mem.New(mem.Config{})
		cl := local(t, p, func(_ int, c *exec.Config) { c.Memory = pool })
		x, y := data(t, make([]float64, n)), array.Full(array.ScalarOf(1.0), array.Shape{n}, 0)
		const rounds = 40
		for range rounds {
			blocks, _, err := cl.Collect(context.Background(), []*array.Node{apply(array.Add, x, y)})
			if err != nil {
				t.Fatal(err)
			}
			x = array.Data(blocks[0], 0)
		}
		values, err := array.Values[float64](x.Block())
		if err != nil || values[0] != rounds || values[n-1] != rounds {
			t.Errorf("p=%d: %v ... %v, %v", p, values[0], values[n-1], err)
		}
		if s := pool.Stats(); s.Misses > rounds/4 || s.GCs > rounds {
			t.Errorf("p=%d: %+v", p, s)
		}
		t.Logf("p=%d: %+v", p, pool.Stats())
		cl.stop()
		pool.Close()
	}
}

// BenchmarkLoop is a = a + b: each result is the next operand, and dropped then. Into: over the destination of the round
// before last.
func BenchmarkLoop(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000, 10_000_000} {
		for _, how := range []string{"recycled", "fresh", "into"} {
			b.Run(fmt.Sprintf("n=%d/%s", n, how), func(b *testing.B) {
				config := mem.Config{}
				if how == "fresh" {
					config.Idle = -1
				}
				pool := mem.New(config)
				defer pool.Close()
				cl := local(b, 1, func(_ int, c *exec.Config) { c.Memory = pool })
				x, y := array.NewBlock(array.Float64, array.Shape{n}, false), data(b, floats(n))
				next := array.NewBlock(array.Float64, array.Shape{n}, false)
				b.ReportAllocs()
				b.SetBytes(int64(24 * n))
				for b.Loop() {
					sum := apply(array.Add, array.Data(x, 0), y)
					if how == "into" {
						if _, err := cl.CollectInto(context.Background(), sum, next); err != nil {
							b.Fatal(err)
						}
						x, next = next, x
						continue
					}
					blocks, _, err := cl.Collect(context.Background(), []*array.Node{sum})
					if err != nil {
						b.Fatal(err)
					}
					x = blocks[0]
				}
				s := pool.Stats()
				b.ReportMetric(float64(s.Misses)/float64(b.N), "misses/op")
				b.ReportMetric(float64(s.GCs)/float64(b.N), "GCs/op")
			})
		}
	}
}
