package comm_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/darray-go/darray/internal/chaos"
	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/comm"
)

// Any number of ranks die at any message, of collectives and of Shrink itself: after each Shrink the survivors agree on
// who is left, and on what is left in the end everything works.
func TestShrink(t *testing.T) {
	leak.Check(t)
	for seed := range programs() {
		synctest.Test(t, func(t *testing.T) { testShrink(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func testShrink(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 11))
	p := 2 + r.IntN(8)
	victims := r.Perm(p)[:1+r.IntN(p-1)]
	at := make([]int64, p) // by rank: the message at which it dies
	for _, v := range victims {
		at[v] = int64(1 + r.IntN(60))
	}
	silent := r.IntN(4) == 0
	derived := r.IntN(2) == 0
	rounds := len(victims) + 2

	net := chaos.NewNet(p)
	var armed atomic.Bool
	sent, dead := make([]atomic.Int64, p), make([]atomic.Bool, p)
	net.OnSend = func(rank, _ int) {
		if armed.Load() && sent[rank].Add(1) == at[rank] {
			dead[rank].Store(true)
			if silent {
				net.Silence(rank)
			} else {
				net.Kill(rank)
			}
		}
	}
	comms := joined(t, net.Transports())
	ctx := minutes(t)
	first := slices.Clone(comms) // by rank: the communicator to begin with
	if derived {
		spmd(t, comms, func(c *comm.Comm) (err error) {
			first[c.Rank()], err = c.Split(ctx, 0, -c.Rank())
			return err
		})
	}
	armed.Store(true)
	left := make([][][]int, p) // by rank and round: who is left
	for rank, err := range each(comms, func(c *comm.Comm) error {
		now := first[c.Rank()]
		for round := range rounds {
			if round == rounds-1 {
				armed.Store(false)
			}
			work := checkAll(ctx, now, round%now.Size(), 2500)
			next, err := now.Shrink(ctx)
			if err != nil {
				return fmt.Errorf("round %d: %w (after %w)", round, err, work)
			}
			defer next.Close()
			now = next
			var worlds []int
			for i := range now.Size() {
				worlds = append(worlds, now.WorldRank(i))
			}
			left[c.Rank()] = append(left[c.Rank()], worlds)
		}
		return checkAll(ctx, now, now.Size()-1, 2500)
	}) {
		if err != nil && !dead[rank].Load() {
			t.Errorf("p %d, victims %v at %v, silent %v, derived %v: rank %d: %v", p, victims, at, silent, derived, rank, err)
		}
	}
	var theirs [][]int
	for rank := range p {
		if dead[rank].Load() || t.Failed() {
			continue
		}
		if theirs == nil {
			theirs = left[rank]
		}
		if !slices.EqualFunc(theirs, left[rank], slices.Equal[[]int]) {
			t.Errorf("the survivors disagree: %v and %v", theirs, left[rank])
		}
		last := left[rank][rounds-1]
		for w := range p {
			if slices.Contains(last, w) == dead[w].Load() {
				t.Errorf("in the end rank %d has %v, rank %d is dead: %v", rank, last, w, dead[w].Load())
			}
		}
	}
}

// A rank that does not wait any longer ends Shrink for all, and names itself.
func TestShrinkGivesUp(t *testing.T) {
	leak.Check(t)
	for impatient := range 3 {
		synctest.Test(t, func(t *testing.T) {
			net := chaos.NewNet(4)
			comms := joined(t, net.Transports())
			net.Kill(3)
			ctx := minutes(t)
			begin := time.Now()
			for r, err := range each(comms[:3], func(c *comm.Comm) error {
				if c.Rank() == (impatient+1)%3 { // does not come before the other has gone
					<-time.After(5 * time.Second)
				}
				mine := ctx
				if c.Rank() == impatient {
					limited, cancel := context.WithTimeout(ctx, 2*time.Second)
					defer cancel()
					mine = limited
				}
				d, err := c.Shrink(mine)
				if d != nil {
					d.Close()
				}
				return err
			}) {
				re := new(comm.RankError)
				if r == impatient && !errors.Is(err, context.DeadlineExceeded) || r != impatient && (!errors.As(err, &re) || re.Rank != impatient) {
					t.Errorf("rank %d gives up, rank %d: %v", impatient, r, err)
				}
			}
			if d := time.Since(begin); d > 5*time.Second+100*time.Millisecond {
				t.Errorf("it took %v", d)
			}
			// The next attempt works.
			for r, err := range each(comms[:3], func(c *comm.Comm) error {
				d, err := c.Shrink(ctx)
				if err != nil {
					return err
				}
				return errors.Join(checkAll(ctx, d, 2, 20), d.Close())
			}) {
				if err != nil {
					t.Errorf("rank %d: %v", r, err)
				}
			}
		})
	}
}
