package exec_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// TestProgressPanics: a Progress that panics ends the task on all ranks, and who recovers can go on: what fails in the next
// Collect is heard.
func TestProgressPanics(t *testing.T) {
	leak.Check(t)
	for _, overQUIC := range []bool{false, true} {
		for at := range int64(4) {
			var calls atomic.Int64
			var failing atomic.Bool
			cl := make3(t, overQUIC, func(rank int, c *exec.Config) {
				if rank == 0 {
					c.Progress = func(int, int) {
						if calls.Add(1)-1 == at {
							panic("as the user likes")
						}
					}
				}
				if rank == 2 {
					c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(context.Context, *array.Launch) error {
						if failing.Load() {
							return errDevice
						}
						return nil
					}}
				}
			})
			n := xPlusMean(t, 20_000)
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("call %d of Progress did not panic", at)
					}
				}()
				_, _, _ = cl.Collect(context.Background(), []*array.Node{n})
			}()
			failing.Store(true)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			var re *comm.RankError
			if _, _, err := cl.Collect(ctx, []*array.Node{n}); !errors.As(err, &re) || re.Rank != 2 {
				t.Errorf("after a panic in call %d of Progress, rank 2 failed: the error is %v", at, err)
			}
			cancel()
			failing.Store(false)
			check(t, cl, n)
			cl.stop()
		}
	}
}
