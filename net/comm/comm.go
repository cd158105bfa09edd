package comm

import (
	"context"
	"fmt"

	"github.com/darray-go/darray/net/link"
)

// Comm is a group of ranks that talk to each other. Messages of different communicators never meet. The first one holds
// all ranks of the job (NewLocal, Join); Split, Dup, Shrink and NewCart make others of it.
//
// Send, Recv and their kin may be called from any goroutine. Collectives are called by every rank of the communicator in
// the same order; the blocking ones one at a time, beside any number of non-blocking ones and of messages.
type Comm struct {
	m     *mesh
	st    *state
	ranks []int // in the job, by rank; nil: the same
	rank  int
}

// Rank returns this rank, in [0, Size).
func (c *Comm) Rank() int { return c.rank }

// Size returns the number of ranks.
func (c *Comm) Size() int { return c.st.size() }

// WorldRank returns the rank in the job of a rank of this communicator: the one that a RankError names. -1 where there is
// no such rank.
func (c *Comm) WorldRank(rank int) int {
	if rank < 0 || rank >= c.Size() {
		return -1
	}
	return c.world(rank)
}

// Host returns the name of the host that a rank runs on, empty where it is not known.
func (c *Comm) Host(rank int) string {
	if w := c.WorldRank(rank); w >= 0 {
		return c.m.hostOf(w)
	}
	return ""
}

func (c *Comm) world(rank int) int {
	if c.ranks == nil {
		return rank
	}
	return c.ranks[rank]
}

// InProcess reports whether messages to that rank stay in this process, so that references are handed over as they are.
func (c *Comm) InProcess(peer int) bool {
	w := c.WorldRank(peer)
	switch {
	case w == c.m.rank:
		return true
	case w < 0:
		return false
	}
	if conn := c.m.peer(w).linked(); conn != nil {
		return conn.Stats().Scheme == inProcess
	}
	return c.m.transport.Scheme() == inProcess
}

// inProcess is the scheme of link.NewMem.
const inProcess = "mem"

// Err returns why operations fail now: the Comm is closed or aborted, or one of its ranks is lost. Nil while all is well.
func (c *Comm) Err() error { return c.st.broken() }

// Close ends what is pending here with ErrClosed. On the communicator of all ranks it says goodbye to the others and waits
// until no goroutine is left; what Send has accepted reaches its receiver. A derived one is freed alone: ranks that still
// wait for this one in it get ErrLeft. Safe twice.
func (c *Comm) Close() error {
	if c.st.context != worldContext {
		c.m.box.free(c.st)
		return nil
	}
	return c.m.close()
}

// Abort ends everything, pending and to come, on this and all other ranks of the job with a *RankError that names this
// rank and wraps err (its text, on the others). Where err wraps a *RankError, the rank that it names stays the culprit.
// Close is still to be called.
func (c *Comm) Abort(err error) { c.m.abort(err) }

// Lose tells all ranks that a rank of this communicator is dead, which the caller knows for certain: a launcher has seen
// its process end. It does not wait. Every communicator that the rank is a member of is over with a *RankError that names
// it and wraps cause.
func (c *Comm) Lose(rank int, cause error) error {
	if err := c.checkRank("lost rank", rank); err != nil {
		return err
	}
	w := c.world(rank)
	if w == c.m.rank {
		return fmt.Errorf("rank %d is this rank; it is not lost", rank)
	}
	c.m.learn(news{err: &RankError{Rank: w, Host: c.m.hostOf(w), Cause: cause}, lost: true, certain: true})
	return nil
}

// PeerStats is the traffic with one rank so far.
type PeerStats struct {
	Rank int // in the job
	Host string
	link.Stats
}

// Stats returns the traffic of all communicators with each rank that this one was ever connected with, by rank.
func (c *Comm) Stats() []PeerStats {
	var stats []PeerStats
	for _, p := range c.m.known() {
		if conn := p.linked(); conn != nil {
			stats = append(stats, PeerStats{Rank: p.rank, Host: p.host, Stats: conn.Stats()})
		}
	}
	return stats
}

// collective runs body as the next collective of c. However it ends, it ends on all ranks: one that fails tells the
// others. The ctx of body ends with the collective.
func (c *Comm) collective(ctx context.Context, sig signature, body func(ctx context.Context, k *call) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	k, err := c.m.box.begin(c, sig, nil, cancel)
	if k == nil {
		return within(sig.op.String(), err)
	}
	if err == nil {
		err = body(ctx, k)
	}
	return c.conclude(ctx, k, err)
}

// start runs body as the next collective of c without waiting for it. The place in the order of collectives is taken
// before start returns.
func (c *Comm) start(ctx context.Context, sig signature, body func(ctx context.Context, k *call) error) *Request {
	r := newRequest(c, "")
	ctx, cancel := context.WithCancelCause(ctx)
	k, err := c.m.box.begin(c, sig, r, cancel)
	if k == nil {
		cancel(nil)
		return r.fail(within(sig.op.String(), err))
	}
	work := func() {
		defer cancel(nil)
		if err == nil {
			err = body(ctx, k)
		}
		r.complete(Status{}, c.conclude(ctx, k, err))
	}
	if !c.m.run(work) {
		r.complete(Status{}, c.conclude(ctx, k, ErrClosed))
		cancel(nil)
	}
	return r
}

// conclude leaves the collective, whose body returned err, and tells the other ranks where it has failed.
func (c *Comm) conclude(ctx context.Context, k *call, err error) error {
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	left, tell, err := c.m.box.finish(k, err)
	for _, l := range left {
		l.Discard()
	}
	if tell {
		c.tell(notice{ctl: ctlFailed, context: c.st.context, seq: k.seq, err: c.m.blame(err)})
	}
	return within(k.op.String(), err)
}

// tell brings n to the other ranks of c without waiting for it: those of the job by way of rank 0 where they are not joined,
// those of a derived communicator directly, since rank 0 may not be one of them.
func (c *Comm) tell(n notice) {
	if c.ranks == nil {
		c.m.tell(n, -1)
		return
	}
	for _, w := range c.ranks {
		if w != c.m.rank {
			c.m.tellOne(c.m.peer(w), n)
		}
	}
}

func (c *Comm) checkRank(what string, r int) error {
	if r < 0 || r >= c.Size() {
		return fmt.Errorf("%s %d is not a rank; the ranks are 0 to %d", what, r, c.Size()-1)
	}
	return nil
}
