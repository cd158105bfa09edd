package cpu_test

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/exec/cpu/kern"
	"github.com/darray-go/darray/internal/leak"
)

// TestShares: every piece is taken once, and a goroutine begins with its own, in order.
func TestShares(t *testing.T) {
	leak.Check(t)
	for n := range 40 {
		for members := 1; members <= 5; members++ {
			for _, together := range []bool{false, true} {
				taken := cpu.Taken(n, members, together)
				var all []int
				for k, ps := range taken {
					all = append(all, ps...)
					own := slices.DeleteFunc(slices.Clone(ps), func(p int) bool { return p < n*k/members || p >= n*(k+1)/members })
					if !slices.IsSorted(own) || !slices.Equal(own, ps[:len(own)]) {
						t.Errorf("%d pieces: goroutine %d of %d took %v", n, k, members, ps)
					}
				}
				slices.Sort(all)
				for i, p := range all {
					if p != i {
						t.Fatalf("%d pieces, %d goroutines took %v", n, members, taken)
					}
				}
				if len(all) != n || !together && n > 0 && len(taken[0]) != n {
					t.Errorf("%d pieces, %d goroutines took %v", n, members, taken)
				}
			}
		}
	}
}

// TestCrewWakes: goroutines that sleep take part in a run that is worth it. The run ends only if all are in it at once.
func TestCrewWakes(t *testing.T) {
	leak.Check(t)
	const threads = 3
	d := device(t, threads, kern.Best())
	for range 3 {
		l := long(4*131072, noNulls)
		results(l, 0)
		var inside atomic.Int64
		l.Progress = func(int) {
			for inside.Add(1); inside.Load() < threads; { // each stays in its first morsel until all are here
				runtime.Gosched()
			}
		}
		if _, err := d.Run(context.Background(), l); err != nil {
			t.Fatal(err)
		}
		for !cpu.Asleep(d) {
			runtime.Gosched()
		}
	}
}

// TestCrewBusy: a run that finds the crew in another one is done by its caller.
func TestCrewBusy(t *testing.T) {
	leak.Check(t)
	d := device(t, 2, kern.Best())
	first, second := long(4*131072, noNulls), long(4*131072, noNulls)
	results(first, 0)
	results(second, 0)
	var wait sync.WaitGroup
	var inside atomic.Int64
	both, goOn := make(chan struct{}), make(chan struct{})
	first.Progress = func(int) {
		if inside.Add(1) == 2 {
			close(both)
		}
		<-goOn
	}
	wait.Go(func() {
		if _, err := d.Run(context.Background(), first); err != nil {
			t.Error(err)
		}
	})
	<-both
	if _, err := d.Run(context.Background(), second); err != nil {
		t.Error(err)
	}
	close(goOn)
	wait.Wait()
}
