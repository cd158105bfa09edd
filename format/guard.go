package format

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// Guard turns a panic in the rest of a function into its error: a fault where a mapped file was cut, and whatever malformed input a
// library does not expect. Write defer Guard(&err)(). Panics of other goroutines are theirs to guard: see Each.
func Guard(err *error) (done func()) {
	faults := debug.SetPanicOnFault(true)
	return func() {
		debug.SetPanicOnFault(faults)
		switch r := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }:
			*err = errCut
		default:
			*err = fmt.Errorf("is malformed: %v", r)
		}
	}
}

// Each calls f for the numbers below n on as many goroutines as there are threads, each under Guard, and waits for all. The first
// error ends the others' context and is returned.
func Each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	if n == 1 {
		return guarded(ctx, 0, f)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := range next {
				if err := guarded(ctx, i, f); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}

func guarded(ctx context.Context, i int, f func(ctx context.Context, i int) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer Guard(&err)()
	return f(ctx, i)
}
