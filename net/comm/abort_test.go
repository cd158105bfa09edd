package comm_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/chaos"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// A rank that aborts at once and closes is heard by those that are on their way into a collective.
func TestAbortAndClose(t *testing.T) {
	leak.Check(t)
	for range 200 {
		comms, err := comm.NewLocal(3)
		if err != nil {
			t.Fatal(err)
		}
		errs := make([]error, 3)
		var all sync.WaitGroup
		for r, c := range comms {
			all.Go(func() {
				if r == 2 {
					c.Abort(errors.New("out of luck"))
				} else if errs[r] = comm.Barrier(t.Context(), c); errs[r] != nil {
					c.Abort(errs[r])
				}
				c.Close()
			})
		}
		all.Wait()
		for r, err := range errs[:2] {
			if err == nil || !strings.Contains(err.Error(), "out of luck") {
				t.Fatalf("rank %d: %v", r, err)
			}
		}
	}
}

// A rank that ends the job because another is lost does not take the blame: whoever hears of it so first names the rank that
// is lost, and does not wait for that one to take its leave. The lost rank itself, if it wakes and
// hears it, is expelled.
func TestAbortOverLoss(t *testing.T) {
	leak.Check(t)
	const p, victim = 4, 2
	for _, wakes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			net := chaos.NewNet(p)
			comms := joined(t, net.Transports())
			ctx := minutes(t)
			spmd(t, comms, func(c *comm.Comm) error { return checkAll(ctx, c, 0, 30) })
			limit := time.Now().Add(300 * time.Millisecond)
			net.Silence(victim)
			if wakes {
				limit = limit.Add(net.Detect)
				time.AfterFunc(net.Detect-time.Millisecond, func() { net.Heal(victim) })
			}
			for r, err := range each(comms, func(c *comm.Comm) error {
				if c.Rank() == 1 && !wakes {
					if err := c.Lose(victim, errors.New("signal: killed")); err != nil {
						return err
					}
				}
				err := comm.Barrier(ctx, c)
				if c.Rank() != victim {
					c.Abort(err)
					c.Close()
					if late := time.Since(limit); late > 0 {
						t.Errorf("rank %d was held up for %v", c.Rank(), late)
					}
				}
				return err
			}) {
				re := new(comm.RankError)
				switch {
				case !errors.As(err, &re):
					t.Errorf("rank %d, wakes %v: %v", r, wakes, err)
				case r == victim && re.Rank != victim: // all others may have left before it could hear why
				case re.Rank != victim || errors.Is(err, comm.ErrExpelled) != (r == victim):
					t.Errorf("rank %d, wakes %v: %v", r, wakes, err)
				}
			}
		})
	}
}
