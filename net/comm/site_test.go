package comm_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// below is the place one line below its call.
func below() string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("site_test.go:%d", line+1)
}

func generic[T comm.Number](ctx context.Context, c *comm.Comm, want *string, xs []T) {
	*want = below()
	_, _ = comm.Allreduce(ctx, c, comm.Sum[T], xs)
}

func small(ctx context.Context, c *comm.Comm) { _ = comm.Barrier(ctx, c) } // the compiler puts it into its caller

// The place that a Position names is the line that calls into this module, whatever the compiler made of it.
func TestSites(t *testing.T) {
	leak.Check(t)
	for name, f := range map[string]func(ctx context.Context, c *comm.Comm, want *string){
		"message": func(ctx context.Context, c *comm.Comm, want *string) {
			*want = below()
			_, _ = comm.Recv(ctx, c, 1, 1, make([]int, 1))
		},
		"collective": func(ctx context.Context, c *comm.Comm, want *string) {
			*want = below()
			_, _ = comm.Gather(ctx, c, 0, make([]float32, 1))
		},
		"generic":  func(ctx context.Context, c *comm.Comm, want *string) { generic(ctx, c, want, []int8{1}) },
		"generic2": func(ctx context.Context, c *comm.Comm, want *string) { generic(ctx, c, want, []float64{1}) },
		"inlined": func(ctx context.Context, c *comm.Comm, want *string) {
			_, _, line, _ := runtime.Caller(0)
			*want = fmt.Sprintf("site_test.go:%d", line-17) // in small
			small(ctx, c)
		},
		"method": func(ctx context.Context, c *comm.Comm, want *string) {
			*want = below()
			_, _ = c.Split(ctx, 0, 0)
		},
		"deferred": func(ctx context.Context, c *comm.Comm, want *string) {
			defer func() {
				*want = below()
				_ = comm.Send(ctx, c, 1, 1, make([]int, 1e5))
			}()
		},
		"function value": func(ctx context.Context, c *comm.Comm, want *string) {
			f := comm.Bcast[int]
			*want = below()
			_ = f(ctx, c, 1, make([]int, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := local(t, 2)[0]
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan string)
				go func() {
					var want string
					f(ctx, c, &want)
					done <- want
				}()
				<-time.After(time.Second)
				at := c.Positions()
				cancel()
				if want := <-done; len(at) != 1 || at[0].Site != want {
					t.Errorf("at %v, want %s", at, want)
				}
			})
		})
	}
}
