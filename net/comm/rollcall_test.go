package comm_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
	"github.com/darray-go/darray/net/link"
)

// warnings collects what rank 0 says.
type warnings struct {
	mu    sync.Mutex
	said  []string
	times []time.Duration
	begin time.Time
}

func (w *warnings) warn(sentence string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, sentence)
	w.times = append(w.times, time.Since(w.begin).Round(time.Second))
}

func (w *warnings) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}

// warned runs f on p ranks for a time on the bubble's clock and returns what rank 0 said meanwhile.
func warned(t *testing.T, p int, limit time.Duration, f func(ctx context.Context, c *comm.Comm)) *warnings {
	t.Helper()
	w := &warnings{begin: time.Now()}
	comms, err := comm.Config{Size: p, Warn: w.warn}.Local()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, comms)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	each(comms, func(c *comm.Comm) error {
		f(ctx, c)
		return nil
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	return w
}

var line = regexp.MustCompile(`rollcall_test\.go:\d+`)

func TestRollcall(t *testing.T) {
	leak.Check(t)
	sum := func(ctx context.Context, c *comm.Comm) { _, _ = comm.Allreduce(ctx, c, comm.Sum, []int{1}) }
	recv := func(ctx context.Context, c *comm.Comm, from int) { _, _ = comm.Recv(ctx, c, from, 5, make([]int, 1)) }
	for _, tc := range []struct {
		name string
		p    int
		f    func(ctx context.Context, c *comm.Comm)
		want string
	}{
		{"one receives", 4, func(ctx context.Context, c *comm.Comm) {
			if c.Rank() == 1 {
				recv(ctx, c, 3)
				return
			}
			sum(ctx, c)
		}, "3 of 4 ranks wait in Allreduce #1 (L) for 10 s; rank 1 is in Recv from 3 tag 5 (L) for 10 s"},
		{"one sends", 3, func(ctx context.Context, c *comm.Comm) {
			if c.Rank() == 1 {
				_ = comm.Send(ctx, c, 2, 7, make([]int, 1e5))
				return
			}
			_ = comm.Barrier(ctx, c)
		}, "2 of 3 ranks wait in Barrier #1 (L) for 10 s; rank 1 is in Send to 2 tag 7 (L) for 10 s"},
		{"one is in none", 3, func(ctx context.Context, c *comm.Comm) {
			_ = comm.Barrier(ctx, c)
			if c.Rank() == 1 {
				<-ctx.Done()
				return
			}
			sum(ctx, c)
		}, "2 of 3 ranks wait in Allreduce #2 (L) for 10 s; rank 1 is in none, last in Barrier #1 (L) 10 s ago"},
		{"rank 0 is in none", 3, func(ctx context.Context, c *comm.Comm) {
			if c.Rank() == 0 {
				<-ctx.Done()
				return
			}
			sum(ctx, c)
		}, "2 of 3 ranks wait in Allreduce #1 (L) for 10 s; rank 0 is in none yet"},
		{"several places", 5, func(ctx context.Context, c *comm.Comm) {
			switch c.Rank() {
			case 0:
				_, _ = comm.Probe(ctx, c, comm.AnySource, 3)
			case 1:
				req := comm.Irecv(ctx, c, 0, 1, make([]int, 1))
				_, _ = req.Wait(ctx)
			case 2:
				comm.Irecv(ctx, c, 3, comm.AnyTag, make([]int, 1))
				<-ctx.Done()
			default:
				_ = comm.Bcast(ctx, c, 0, make([]int, 1))
			}
		}, "2 of 5 ranks wait in Bcast #1 (L) for 10 s; rank 0 is in Probe from any tag 3 (L) for 10 s; " +
			"rank 1 is in Irecv from 0 tag 1 (L) for 10 s; rank 2 is in none, with Irecv from 3 any tag (L) under way"},
		{
			"all receive", 2, func(ctx context.Context, c *comm.Comm) { recv(ctx, c, 1-c.Rank()) },
			"rank 0 is in Recv from 1 tag 5 (L) for 10 s; rank 1 is in Recv from 0 tag 5 (L) for 10 s",
		},
		{"one computes while the other receives", 2, func(ctx context.Context, c *comm.Comm) {
			if c.Rank() == 1 {
				recv(ctx, c, 0)
			}
		}, ""},
		{"many", 40, func(ctx context.Context, c *comm.Comm) {
			if r := c.Rank(); r == 3 || r == 7 || r > 20 && r < 30 {
				<-ctx.Done()
				return
			}
			_, _ = comm.Gather(ctx, c, 39, []int{1})
			<-ctx.Done()
		}, "ranks"},
		{"a part of them", 5, func(ctx context.Context, c *comm.Comm) {
			d, err := c.Split(ctx, c.Rank()%2, 0)
			if err != nil || c.Rank() == 2 || c.Rank()%2 == 1 {
				<-ctx.Done()
				return
			}
			sum(ctx, d)
		}, "ranks 0 and 4 (2 of 3) wait in Allreduce #1 of ranks 0, 2 and 4 (L) for 10 s; ranks 1-3 are in none, last in Allgather #1 (L) 10 s ago"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := warned(t, tc.p, 14*time.Second, tc.f)
				got := line.ReplaceAllString(w.text(), "L")
				if tc.want == "ranks" {
					t.Log(got)
				} else if got != tc.want {
					t.Errorf("rank 0 says\n%s\nwant\n%s", got, tc.want)
				}
			})
		})
	}
}

// The same is said after 10, 20, 40, ... seconds, also where the ranks began to wait at different times.
func TestRollcallGrowsQuiet(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		w := warned(t, 6, 200*time.Second, func(ctx context.Context, c *comm.Comm) {
			timer := time.NewTimer(time.Duration(c.Rank()) * 3 * time.Second)
			defer timer.Stop()
			if c.Rank() == 5 {
				<-ctx.Done()
				return
			}
			<-timer.C
			_ = comm.Barrier(ctx, c)
		})
		if n := len(w.times); n < 3 || n > 6 || w.times[0] != 10*time.Second {
			t.Errorf("said after %v", w.times)
		}
		for i := 2; i < len(w.times); i++ {
			if w.times[i]-w.times[i-1] < 3*(w.times[i-1]-w.times[i-2])/2 {
				t.Errorf("the times do not grow: %v", w.times)
			}
		}
	})
}

// A rank that does not answer, such as one that is stopped, is said to be so.
func TestRollcallUnanswered(t *testing.T) {
	leak.Check(t)
	const control, here = 4, 13 // what the answer is (control.go)
	synctest.Test(t, func(t *testing.T) {
		ts := link.NewMem(3)
		ts[2] = link.NewFault(ts[2], link.Plan{Send: func(_, _ int, h link.Header) link.Fault {
			if h.Kind == control && h.Op == here {
				return link.Fault{Gate: make(chan struct{})}
			}
			return link.Fault{}
		}})
		w := &warnings{begin: time.Now()}
		cfgs := configs(ts)
		for r := range cfgs {
			cfgs[r].WaitWarn, cfgs[r].Warn = 3*time.Second, w.warn
		}
		comms, errs := joinAll(t.Context(), cfgs)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, comms)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		each(comms, func(c *comm.Comm) error {
			if c.Rank() == 2 {
				<-ctx.Done()
				return nil
			}
			return comm.Barrier(ctx, c)
		})
		got := line.ReplaceAllString(w.text(), "L")
		if want := "2 of 3 ranks wait in Barrier #1 (L) for 3 s; rank 2 does not answer"; got != want {
			t.Errorf("rank 0 says\n%s\nwant\n%s", got, want)
		}
	})
}

func TestRollcallOff(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		w := &warnings{}
		comms, err := comm.Config{Size: 2, Warn: w.warn, WaitWarn: -1}.Local()
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, comms)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := comm.Barrier(ctx, comms[0]); !errors.Is(err, context.DeadlineExceeded) || w.text() != "" {
			t.Errorf("%v, said %q", err, w.text())
		}
	})
}

// Positions of everything that a rank can be in, each with its line; none is left when all have ended.
func TestPositions(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		comms := local(t, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := comms[0]
		var all sync.WaitGroup
		all.Go(func() { _, _ = comm.Recv(ctx, c, 1, 1, make([]int, 1)) })
		all.Go(func() { _, _ = comm.RecvParcel(ctx, c, 2, 2) })
		all.Go(func() { _, _ = comm.Probe(ctx, c, comm.AnySource, comm.AnyTag) })
		all.Go(func() { _ = comm.Send(ctx, c, 1, 3, make([]int, 1e5)) })
		all.Go(func() { _ = comm.SendParcel(ctx, c, 1, 4, comm.Parcel{Bufs: [][]byte{make([]byte, 1e6)}}) })
		all.Go(func() { _, _ = comm.Sendrecv(ctx, c, 2, 5, make([]int, 1e5), 2, 6, make([]int, 1)) })
		all.Go(func() { _ = comm.Barrier(ctx, c) })
		in := comm.Irecv(ctx, c, 1, 7, make([]int, 1))
		out := comm.Isend(ctx, c, 1, 8, make([]int, 1e5))
		<-time.After(5 * time.Second)
		var got []string
		for _, p := range c.Positions() {
			got = append(got, line.ReplaceAllString(p.String(), "L"))
			if p.Waited.Round(time.Second) != 5*time.Second || p.Blocked != !strings.HasPrefix(p.Op, "I") || p.Ended {
				t.Errorf("%+v", p)
			}
		}
		slices.Sort(got)
		want := []string{
			"Barrier #1 (L)", "Irecv from 1 tag 7 (L)", "Isend to 1 tag 8 (L)", "Probe from any any tag (L)", "Recv from 1 tag 1 (L)",
			"Recv from 2 tag 6 (L)", "RecvParcel from 2 tag 2 (L)", "Send to 1 tag 3 (L)", "Send to 2 tag 5 (L)", "SendParcel to 1 tag 4 (L)",
		}
		if !slices.Equal(got, want) {
			t.Errorf("positions\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		cancel()
		all.Wait()
		_, _ = in.Wait(t.Context())
		_, _ = out.Wait(t.Context())
		if at := c.Positions(); len(at) != 1 || !at[0].Ended || at[0].Op != "Barrier" {
			t.Errorf("at the end: %v", at)
		}
	})
}
