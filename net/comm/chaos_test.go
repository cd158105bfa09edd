package comm_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/chaos"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// chaosRuns is how many random programs a test runs: seeds 0, 1, ...
var chaosRuns = flag.Uint64("chaos.runs", 0, "random programs for each kind of failure; 0: 50, or 15 with -short or the race detector")

func programs() uint64 {
	switch {
	case *chaosRuns > 0:
		return *chaosRuns
	case slow():
		return 15
	}
	return 50
}

// Random programs in which a rank dies, falls silent, or two ranks are cut from each other, at a random message: every
// operation of a communicator with the culprit ends with an error that names it, in time; every other one is right.
func TestChaos(t *testing.T) {
	leak.Check(t)
	for seed := range programs() {
		for _, fault := range []string{"kill", "silence", "cut"} {
			synctest.Test(t, func(t *testing.T) { testChaos(t, seed, fault) })
			if t.Failed() {
				t.Fatalf("seed %d, %s", seed, fault)
			}
		}
	}
}

func testChaos(t *testing.T, seed uint64, fault string) {
	r := rand.New(rand.NewPCG(seed, 7))
	p := 2 + r.IntN(8)
	victim := r.IntN(p)
	if fault == "cut" && p == 2 { // neither can know better than that the other is gone
		return
	}
	other := (victim + 1 + r.IntN(p-1)) % p
	culprit := victim
	if fault == "cut" {
		culprit = max(victim, other)
	}
	at := int64(1 + r.IntN(40))
	steps := chaos.Program(seed, p)

	net := chaos.NewNet(p)
	var armed atomic.Bool
	var begun time.Time
	var sent atomic.Int64
	net.OnSend = func(rank, _ int) {
		if rank != victim || !armed.Load() || sent.Add(1) != at {
			return
		}
		begun = time.Now()
		switch fault {
		case "kill":
			net.Kill(victim)
		case "silence":
			net.Silence(victim)
		case "cut":
			net.Cut(victim, other)
		}
	}
	comms := joined(t, net.Transports())
	armed.Store(true)
	ctx := minutes(t)
	outcomes := make([][]chaos.Outcome, p)
	each(comms, func(c *comm.Comm) error {
		outcomes[c.Rank()] = chaos.Run(ctx, c, steps)
		return nil
	})
	happened := sent.Load() >= at
	detection := net.Detect
	if fault == "kill" {
		detection = 0
	}
	if p == 2 && victim == 0 {
		detection += time.Second / 2 // the last rank there is tries once more to reach the one above it
	}
	for rank, out := range outcomes {
		for _, o := range out {
			if o.Err == nil {
				continue
			}
			where := fmt.Sprintf("p %d, %s of %d (and %d) at %d, rank %d, step %d %v", p, fault, victim, other, at, rank, o.Index, o.Step)
			re := new(comm.RankError)
			switch {
			case !happened:
				t.Errorf("%s: nothing has happened: %v", where, o.Err)
			case !errors.As(o.Err, &re):
				t.Errorf("%s: %v", where, o.Err)
			case rank == victim && fault != "cut": // it cannot know
			case re.Rank != culprit:
				t.Errorf("%s names rank %d: %v", where, re.Rank, o.Err)
			case !hasMember(o.On, culprit) && !torn(steps, outcomes, o.Comm):
				t.Errorf("%s has not this member: %v", where, o.Err)
			case o.End.Sub(begun) > detection+100*time.Millisecond && o.End.Sub(begun) > 0 && !late(out, o, begun, detection):
				t.Errorf("%s: it took %v: %v", where, o.End.Sub(begun), o.Err)
			}
		}
	}
	begin := time.Now()
	var all sync.WaitGroup
	for _, c := range comms {
		all.Go(func() { c.Close() })
	}
	all.Wait()
	if d := time.Since(begin); d > 2*time.Second {
		t.Errorf("close took %v", d)
	}
}

// late reports whether o began late: what came before it on this rank ended late already and was right, or took no time.
func late(out []chaos.Outcome, o chaos.Outcome, begun time.Time, detection time.Duration) bool {
	i := slices.IndexFunc(out, func(x chaos.Outcome) bool { return x.Index == o.Index })
	return i > 0 && o.End.Equal(out[i-1].End)
}

// torn reports whether a split that led to a communicator failed on some rank, which ends it for all.
func torn(steps []chaos.Step, outcomes [][]chaos.Outcome, number int) bool {
	made := []int{-1} // by communicator: the step that made it
	for i, s := range steps {
		if s.Kind == "split" {
			made = append(made, i)
		}
	}
	for ; number > 0; number = steps[made[number]].Comm {
		for _, out := range outcomes {
			for _, o := range out {
				if o.Index == made[number] && o.Err != nil {
					return true
				}
			}
		}
	}
	return false
}

func hasMember(c *comm.Comm, world int) bool {
	for r := range c.Size() {
		if c.WorldRank(r) == world {
			return true
		}
	}
	return false
}

// A rank that was silent until the others gave it up, and then hears them again, finds itself expelled, and nothing that it
// had under way reaches them.
func TestExpelled(t *testing.T) {
	leak.Check(t)
	for _, p := range []int{2, 4} {
		for victim := 1; victim < p; victim++ {
			synctest.Test(t, func(t *testing.T) {
				net := chaos.NewNet(p)
				comms := joined(t, net.Transports())
				ctx := minutes(t)
				spmd(t, comms, func(c *comm.Comm) error { return checkAll(ctx, c, 0, 3000) })
				net.Silence(victim)
				time.AfterFunc(net.Detect-time.Millisecond, func() { net.Heal(victim) })
				for r, err := range each(comms, func(c *comm.Comm) error {
					_, err := comm.Recv(ctx, c, (c.Rank()+1)%p, 0, make([]int, 1))
					return err
				}) {
					re := new(comm.RankError)
					if !errors.As(err, &re) || re.Rank != victim || errors.Is(err, comm.ErrExpelled) != (r == victim) {
						t.Errorf("rank %d of %d was silent, rank %d: %v", victim, p, r, err)
					}
				}
				if err := comm.Send(ctx, comms[victim], 0, 0, []int{1}); !errors.Is(err, comm.ErrExpelled) {
					t.Errorf("the expelled rank sends: %v", err)
				}
				if err := comms[victim].Err(); !errors.Is(err, comm.ErrExpelled) {
					t.Errorf("the expelled rank's Err is %v", err)
				}
				survivors := slices.Delete(slices.Clone(comms), victim, victim+1)
				for _, err := range each(survivors, func(c *comm.Comm) error {
					d, err := c.Shrink(ctx)
					if err != nil {
						return err
					}
					return errors.Join(checkAll(ctx, d, 0, 3000), d.Close())
				}) {
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

// Some ranks know at once that another is dead, as a launcher tells them: so do all, and nobody waits for its silence.
func TestLose(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		const p, victim = 5, 3
		net := chaos.NewNet(p)
		comms := joined(t, net.Transports())
		ctx := minutes(t)
		spmd(t, comms, func(c *comm.Comm) error { return checkAll(ctx, c, 0, 30) })
		net.Silence(victim)
		begin := time.Now()
		for r, err := range each(comms, func(c *comm.Comm) error {
			if c.Rank() == 2 {
				synctest.Wait()
				if err := c.Lose(c.Rank(), errors.New("itself")); err == nil {
					t.Error("a rank can declare itself lost")
				}
				if err := c.Lose(victim, errors.New("signal: killed")); err != nil {
					t.Error(err)
				}
			}
			return comm.Send(ctx, c, (c.Rank()+1)%p, 0, make([]int, 1e5))
		}) {
			re := new(comm.RankError)
			if r != victim && (!errors.As(err, &re) || re.Rank != victim || re.Cause.Error() != "signal: killed" || time.Since(begin) > net.Detect+2*time.Second) {
				t.Errorf("rank %d after %v: %v", r, time.Since(begin), err)
			}
			if r != victim && errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("rank %d hung", r)
			}
		}
	})
}
