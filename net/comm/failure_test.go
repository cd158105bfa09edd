package comm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// minutes ends what hangs; in a bubble it costs nothing.
func minutes(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func contains(s string, all []string) bool {
	for _, part := range all {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

// A rank that does not come: the others wait, then one gives up, and so do all; the next collective works.
func TestCancelCollective(t *testing.T) {
	leak.Check(t)
	for _, n := range []int{1, 5000} {
		synctest.Test(t, func(t *testing.T) {
			comms := local(t, 4)
			ctx := minutes(t)
			short, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			begin := time.Now()
			errs := each(comms, func(c *comm.Comm) error {
				switch c.Rank() {
				case 0:
					_, err := comm.Allreduce(short, c, comm.Sum, make([]float64, n))
					return err
				case 2:
					<-short.Done() // late, and then it finds the collective failed
					synctest.Wait()
				}
				_, err := comm.Allreduce(ctx, c, comm.Sum, make([]float64, n))
				return err
			})
			for r, err := range errs {
				var re *comm.RankError
				switch {
				case r == 0 && !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("rank 0: %v", err)
				case r > 0 && (!errors.As(err, &re) || re.Rank != 0 || re.Op != "allreduce"):
					t.Errorf("rank %d: %v", r, err)
				}
			}
			if d := time.Since(begin); d > 3*time.Second+100*time.Millisecond {
				t.Errorf("it took %v to give up after 3 s", d)
			}
			spmd(t, comms, func(c *comm.Comm) error { return checkAll(ctx, c, 3, n) })
		})
	}
}

// An argument that only the root can see to be wrong fails on all ranks.
func TestBadCounts(t *testing.T) {
	leak.Check(t)
	for _, counts := range [][]int{{1, 2}, {1, 2, 3}, {9, -1, 0}, {8, 8, 8}, nil} {
		synctest.Test(t, func(t *testing.T) {
			comms := local(t, 3)
			for r, err := range each(comms, func(c *comm.Comm) error {
				_, err := comm.Scatterv(minutes(t), c, 1, make([]int, 8), counts)
				return err
			}) {
				if err == nil || errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "counts") {
					t.Errorf("counts %v, rank %d: %v", counts, r, err)
				}
			}
			spmd(t, comms, func(c *comm.Comm) error { return checkAll(t.Context(), c, 1, 7) })
		})
	}
}

// A rank dies at its n-th message, or one of its connections breaks there: nobody hangs and everybody hears of it. With
// a rank dead every error names it; a broken connection is blamed on either end.
func TestLostRank(t *testing.T) {
	leak.Check(t)
	for _, dies := range []bool{true, false} {
		for n := 2; n < 24; n += 1 + n/8 {
			synctest.Test(t, func(t *testing.T) { testLostRank(t, n, dies) })
		}
	}
}

func testLostRank(t *testing.T, n int, dies bool) {
	const p, victim = 5, 3
	ts := link.NewMem(p)
	inner := ts[victim]
	var sent atomic.Int64
	ts[victim] = link.NewFault(inner, link.Plan{Send: func(int, int, link.Header) link.Fault {
		if sent.Add(1) != int64(n) {
			return link.Fault{}
		}
		if dies {
			inner.Close()
		}
		return link.Fault{Cut: !dies}
	}})
	comms := joined(t, ts)
	ctx := minutes(t)
	errs := each(comms, func(c *comm.Comm) error {
		for round := range 3 {
			if err := checkAll(ctx, c, (2+round)%p, 3000); err != nil {
				return err
			}
		}
		return nil
	})
	if sent.Load() < int64(n) {
		t.Fatalf("only %d messages; make more to break all of them", sent.Load())
	}
	for r, err := range errs {
		var re *comm.RankError
		if errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &re) || dies && re.Rank != victim {
			t.Errorf("dies %v at message %d, rank %d: %v", dies, n, r, err)
		}
	}
	for r, err := range each(comms, func(c *comm.Comm) error { return comm.Barrier(ctx, c) }) {
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("dies %v at message %d, rank %d: the next collective: %v", dies, n, r, err)
		}
	}
	if !dies {
		return
	}
	// The communicator is over, also between the living: nobody waits for a third one that has given up.
	for r, c := range comms {
		for _, err := range []error{comm.Send(ctx, c, (r+1)%p, 0, []int{7}), expect(ctx, c, (r+1)%p, 0, nil)} {
			if re := new(comm.RankError); r != victim && (!errors.As(err, &re) || re.Rank != victim) {
				t.Errorf("rank %d: a message to or from a living rank: %v", r, err)
			}
		}
	}
	for r, c := range comms {
		err := expect(ctx, c, victim, 0, nil)
		if re := new(comm.RankError); !errors.As(err, &re) || re.Rank != victim {
			t.Errorf("rank %d: receive from the lost rank: %v", r, err)
		}
		if re := new(comm.RankError); !errors.As(c.Err(), &re) || re.Rank != victim {
			t.Errorf("rank %d: Err is %v", r, c.Err())
		}
	}
}

// Close in good order: what was sent arrives, then receives that name the rank fail, and AnySource when all have left.
func TestClose(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 4)
		ctx := minutes(t)
		any1 := make(chan error)
		go func() { any1 <- expect(ctx, comms[1], comm.AnySource, 9, nil) }()
		for _, r := range []int{2, 3} {
			if err := comm.Send(ctx, comms[r], 1, 5, []int{r}); err != nil {
				t.Fatal(err)
			}
			if err := comms[r].Close(); err != nil {
				t.Fatal(err)
			}
			if err := comms[r].Close(); err != nil {
				t.Errorf("second close: %v", err)
			}
			if err := comm.Send(ctx, comms[r], 1, 5, []int{r}); !errors.Is(err, comm.ErrClosed) {
				t.Errorf("send after close: %v", err)
			}
		}
		for _, r := range []int{3, 2} {
			if err := expect(ctx, comms[1], r, 5, []int{r}); err != nil {
				t.Error(err)
			}
			err := expect(ctx, comms[1], r, 5, nil)
			if re := new(comm.RankError); !errors.As(err, &re) || re.Rank != r || !errors.Is(err, comm.ErrLeft) {
				t.Errorf("receive from rank %d after it has closed: %v", r, err)
			}
			// Rank 0 was never sent anything by it, but has heard.
			if err := expect(ctx, comms[0], r, 5, nil); !errors.Is(err, comm.ErrLeft) {
				t.Errorf("receive on rank 0 from rank %d after it has closed: %v", r, err)
			}
		}
		if err := comms[1].Err(); err != nil {
			t.Errorf("a rank that left is no loss: %v", err)
		}
		for r, err := range each(comms[:2], func(c *comm.Comm) error { return comm.Barrier(ctx, c) }) {
			if !errors.Is(err, comm.ErrLeft) {
				t.Errorf("barrier on rank %d without the others: %v", r, err)
			}
		}
		synctest.Wait()
		select {
		case err := <-any1:
			t.Errorf("receive from any with rank 0 there: %v", err)
		default:
		}
		if err := comms[0].Close(); err != nil {
			t.Error(err)
		}
		if err := <-any1; !errors.Is(err, comm.ErrLeft) {
			t.Errorf("receive from any with nobody there: %v", err)
		}
	})
}

func TestAbort(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 4)
		ctx := minutes(t)
		why := errors.New("the disk is full")
		errs := each(comms, func(c *comm.Comm) error {
			switch c.Rank() {
			case 0:
				return comm.Barrier(ctx, c)
			case 1:
				return expect(ctx, c, 3, 0, nil)
			case 2:
				return comm.Send(ctx, c, 1, 0, make([]int, 1e5))
			default:
				synctest.Wait()
				c.Abort(why)
				c.Abort(errors.New("later"))
				return comm.Barrier(ctx, c)
			}
		})
		for r, err := range errs {
			var re *comm.RankError
			if !errors.As(err, &re) || re.Rank != 3 || !strings.Contains(err.Error(), why.Error()) {
				t.Errorf("rank %d: %v", r, err)
			}
			if !errors.As(comms[r].Err(), &re) || re.Rank != 3 {
				t.Errorf("rank %d: Err is %v", r, comms[r].Err())
			}
			if err := comm.Send(ctx, comms[r], 0, 0, []int{1}); !errors.As(err, &re) || re.Rank != 3 {
				t.Errorf("rank %d: a later send: %v", r, err)
			}
		}
		if !errors.Is(errs[3], why) {
			t.Errorf("rank 3: %v", errs[3])
		}
	})
}

// Unread messages that use up a peer's credit do not keep collectives from working.
func TestCollectivesWithoutCredit(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 2)
		ctx := minutes(t)
		const size = 1 << 10
		n := link.EagerCredit / (size + link.HeaderSize)
		spmd(t, comms, func(c *comm.Comm) error {
			for range n {
				if err := comm.Send(ctx, c, 1-c.Rank(), 0, make([]byte, size)); err != nil {
					return err
				}
			}
			for range link.EagerCredit/link.HeaderSize - n*(size/link.HeaderSize+1) {
				if err := comm.Send(ctx, c, 1-c.Rank(), 0, []byte(nil)); err != nil {
					return err
				}
			}
			return checkAll(ctx, c, 1, 10)
		})
	})
}

// Rank 0 has left and cannot tell who is gone: a receive finds out by itself.
func TestLookAfter(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		ts := link.NewMem(3)
		comms := joined(t, ts)
		comms[0].Close()
		ts[2].Close()
		var re *comm.RankError
		begin := time.Now()
		if err := expect(minutes(t), comms[1], 2, 0, nil); !errors.As(err, &re) || re.Rank != 2 {
			t.Errorf("receive from a rank that has died: %v", err)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestRankErrorReads(t *testing.T) {
	err := &comm.RankError{Rank: 2, Host: "h2", Op: "bcast", Cause: link.ErrPeerLost}
	if got, want := fmt.Sprint(err), "bcast: rank 2 on h2: link: peer lost"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
