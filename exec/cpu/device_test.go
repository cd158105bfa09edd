package cpu_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/leak"
)

// long is a launch of several morsels with every kind of output.
func long(n, nulls int) *array.Launch {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	b := &builder{}
	x, y := b.x(f64), b.null(f64)
	sum := b.op(array.Add, b.op(array.Multiply, x, y), b.f(0.5))
	b.out(b.op(array.Less, x, b.f(0)))
	b.out(sum)
	b.reduce(array.Sum, x)
	b.reduce(array.Mean, sum)
	b.reduce(array.Count, y)
	l := &array.Launch{Program: b.program(n), Hi: n}
	for range 2 {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(i*(7+i%13)%1001)/7 - 50
		}
		block, _ := array.FromSlice(xs)
		l.Operands = append(l.Operands, block)
	}
	if nulls == someNulls {
		values, _, _ := l.Operands[1].Raw()
		validity := make([]byte, (n+7)/8)
		for i := range validity {
			validity[i] = byte(rng.Uint32() | 0x5f)
		}
		l.Operands[1], _ = array.WrapBlock(f64, n, 0, values, validity, nil)
	}
	return l
}

// TestThreads holds that any number of goroutines gives the same bits, over results at any bit.
func TestThreads(t *testing.T) {
	leak.Check(t)
	for nulls := range 2 {
		l := long(2*131072+1500, nulls)
		one := device(t, 1, kern.Best())
		want := launch(t, one, l, 0)
		blocks := l.Results
		for threads := 2; threads <= 8; threads++ {
			d := device(t, threads, kern.Best())
			again := *l
			targets := results(&again, 4*(threads%3))
			got, err := d.Run(context.Background(), &again)
			if err != nil {
				t.Fatal(err)
			}
			for i, o := range l.Program.Outputs {
				if o.Reduce {
					if !slices.Equal(got[i], want[i]) {
						t.Errorf("%d threads give %v, one %v", threads, got[i], want[i])
					}
				} else if !slices.EqualFunc(again.Results[i].Clone().Buffers(), blocks[i].Clone().Buffers(), slices.Equal[[]byte]) {
					t.Errorf("%d threads give other elements of result %d", threads, i)
				}
			}
			for _, x := range targets {
				x.intact(t)
			}
		}
	}
}

// TestStop ends a run in the middle.
func TestStop(t *testing.T) {
	leak.Check(t)
	d := device(t, 3, kern.Best())
	l := long(10*131072, noNulls)
	results(l, 0)
	ctx, cancel := context.WithCancel(context.Background())
	l.Progress = func(int) { cancel() }
	if _, err := d.Run(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled on the way: %v", err)
	}
	l.Progress = func(int) { t.Error("a morsel was done after the end") }
	if _, err := d.Run(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

func TestProgress(t *testing.T) {
	leak.Check(t)
	l := long(2*131072+77, noNulls)
	var told atomic.Int64
	l.Progress = func(n int) { told.Add(int64(n)) }
	launch(t, device(t, 2, kern.Best()), l, 0)
	if told.Load() != int64(l.Hi) {
		t.Errorf("told of %d elements of %d", told.Load(), l.Hi)
	}
}

// TestClose closes a device while runs are under way: they end as they would, and so do later ones.
func TestClose(t *testing.T) {
	leak.Check(t)
	d := cpu.New(cpu.Config{Threads: 4})
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			l := long((2+i)*131072, noNulls)
			for range 3 {
				results(l, 0)
				if _, err := d.Run(context.Background(), l); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	wait.Wait()
	launch(t, d, long(131073, noNulls), 0)
}

// TestCodes runs one program over operands that can hold nulls and over others in turn, and more programs than are kept.
func TestCodes(t *testing.T) {
	d := device(t, 1, kern.Best())
	rng := rand.New(rand.NewPCG(1, 9))
	l := single(rng, array.Add, i64, 100, 0, noNulls)
	l.Operands[1] = randomBlock(rng, i64, 100, 0, noNulls)
	with := *l
	with.Operands = []*array.Block{randomBlock(rng, i64, 100, 3, someNulls), l.Operands[1]}
	for range 300 {
		launch(t, d, l, 0)
		launch(t, d, &with, 1)
		launch(t, d, single(rng, array.Subtract, i64, 5, 0, someNulls), 0)
	}
}

// TestAllocations: a program that is known allocates nothing but the forests that it gives.
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		want  float64
		build func(b *builder)
	}{
		{"small", 10, 0, func(b *builder) { b.out(b.op(array.Add, b.x(f64), b.x(f64))) }},
		{"scalars", 10, 0, func(b *builder) { b.out(b.op(array.Multiply, b.x(f64), b.op(array.Sqrt, b.scalar(f64, false)))) }},
		{"tiles", 5000, 0, func(b *builder) {
			x := b.x(f64)
			b.out(b.op(array.Sqrt, b.op(array.Add, b.op(array.Multiply, x, x), b.f(1))))
		}},
		{"nulls", 5000, 0, func(b *builder) { b.out(b.op(array.Sqrt, b.op(array.Add, b.null(f64), b.null(f64)))) }},
		{"morsels", 400_000, 0, func(b *builder) { b.out(b.op(array.Less, b.x(f64), b.f(1))) }},
		{"sum", 100_000, 2, func(b *builder) { b.reduce(array.Sum, b.null(f64)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &builder{}
			c.build(b)
			d := device(t, 2, kern.Best())
			l := benchLaunch(b, c.n)
			got := testing.AllocsPerRun(50, func() {
				if _, err := d.Run(context.Background(), l); err != nil {
					t.Fatal(err)
				}
			})
			if got > c.want {
				t.Errorf("%v allocations, want %v", got, c.want)
			}
		})
	}
}
