package exec_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
	"github.com/darray-go/darray/exec/cpu"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// inTime is how soon after its context a Collect ends.
const inTime = 100 * time.Millisecond

// TestCancelInTime: a Collect over a rank whose device works until its context ends waits for no timer.
func TestCancelInTime(t *testing.T) {
	leak.Check(t)
	for stuck := range 3 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			cl := joined(t, link.NewMem(3), func(rank int, c *exec.Config) {
				if rank == stuck {
					c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(ctx context.Context, _ *array.Launch) error {
						if time.Since(start()) < time.Minute {
							<-ctx.Done()
						}
						return ctx.Err()
					}}
				}
			})
			n := xPlusMean(t, 10_000)
			_, _, err := cl.Collect(ctx, []*array.Node{n})
			if took := time.Since(start()) - time.Minute; !errors.Is(err, context.DeadlineExceeded) || took > inTime {
				t.Errorf("rank %d was computing: %v after its time the error is %v", stuck, took, err)
			}
			check(t, cl, n)
			cl.stop()
		})
	}
}

// start is when every bubble of synctest begins.
func start() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// TestCancelMoves ends a Collect over QUIC while large blocks are on their way to and from rank 0.
func TestCancelMoves(t *testing.T) {
	leak.Check(t)
	const large, tries = 1 << 20, 3
	var blocks atomic.Int64
	var limit atomic.Int64
	var stop atomic.Pointer[func()]
	transports := quicTransports(t, 3)
	for r, tr := range transports {
		transports[r] = link.NewFault(tr, link.Plan{Recv: func(_, _ int, h link.Header) link.Fault {
			if h.Size > large && blocks.Add(1) == limit.Load() {
				(*stop.Load())()
			}
			return link.Fault{}
		}})
	}
	cl := joined(t, transports)
	n := apply(array.Add, data(t, floats(1_000_000)), number(1.0))
	for at := range int64(4) { // blocks to both ranks, then from them
		best := time.Hour // other work of the machine may delay some tries, not all
		for range tries {
			ctx, cancel := context.WithCancel(context.Background())
			var ended time.Time
			f := func() { ended = time.Now(); cancel() }
			stop.Store(&f)
			blocks.Store(0)
			limit.Store(at + 1)
			_, _, err := cl.Collect(ctx, []*array.Node{n})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("ended at block %d: the error is %v", at, err)
			}
			best = min(best, time.Since(ended))
			limit.Store(0)
			check(t, cl, xPlusMean(t, 1000))
		}
		if best > inTime {
			t.Errorf("ended at block %d: it took %v", at, best)
		}
	}
	cl.stop()
}

// TestSlowParcels: what ranks tell each other about the end of a task, its failure and the end of the cluster arrives
// however long it takes to set out, as on a machine that has other things to do.
func TestSlowParcels(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		transports := link.NewMem(3)
		for r, tr := range transports {
			transports[r] = link.NewFault(tr, link.Plan{Send: func(int, int, link.Header) link.Fault {
				return link.Fault{Delay: time.Second}
			}})
		}
		fails := true
		cl := joined(t, transports, func(rank int, c *exec.Config) {
			if rank == 2 {
				c.Device = &wrapped{cpu.New(cpu.Config{Threads: 1}), func(context.Context, *array.Launch) error {
					if fails {
						return errDevice
					}
					return nil
				}}
			}
		})
		n := xPlusMean(t, 10_000)
		if _, _, err := cl.Collect(context.Background(), []*array.Node{n}); err == nil || !strings.Contains(err.Error(), "on fire") {
			t.Errorf("the error is %v", err)
		}
		fails = false
		check(t, cl, n)
		cl.stop()
		for r, err := range cl.served {
			if err != nil {
				t.Errorf("rank %d served and got %v", r, err)
			}
		}
	})
}
