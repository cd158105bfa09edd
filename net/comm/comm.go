package comm

import (
	"context"

	"github.com/darray-go/darray/net/link"
)

// Comm is a group of ranks that talk to each other. Messages of different communicators never meet.
//
// Send, Recv and their kin may be called from any goroutine. Collectives are called by every rank in the same order,
// one at a time on one Comm; they may run beside point-to-point messages.
type Comm struct {
	m       *mesh
	context uint32
}

// worldContext is the communicator of all ranks; derived ones count up from here.
const worldContext uint32 = 1

// Rank returns this rank, in [0, Size).
func (c *Comm) Rank() int { return c.m.rank }

// Size returns the number of ranks.
func (c *Comm) Size() int { return c.m.size }

// InProcess reports whether messages to that rank stay in this process, so that references are handed over as they are.
func (c *Comm) InProcess(peer int) bool {
	if peer == c.m.rank {
		return true
	}
	if peer < 0 || peer >= c.m.size {
		return false
	}
	if conn := c.m.peers[peer].linked(); conn != nil {
		return conn.Stats().Scheme == inProcess
	}
	return c.m.transport.Scheme() == inProcess
}

// inProcess is the scheme of link.NewMem.
const inProcess = "mem"

// Err returns why operations fail now: the Comm is closed or aborted (all of them), or a rank is lost (collectives, and
// messages with that rank). Nil while all is well.
func (c *Comm) Err() error { return c.m.box.err() }

// Close says goodbye to the other ranks, ends what is pending here with ErrClosed, and waits until no goroutine is left.
// What Send has accepted reaches its receiver. Safe twice.
func (c *Comm) Close() error { return c.m.close() }

// Abort ends everything, pending and to come, on this and all other ranks with a *RankError that names this rank and
// wraps err (its text, on the others). Close is still to be called.
func (c *Comm) Abort(err error) { c.m.abort(err) }

// PeerStats is the traffic with one rank so far.
type PeerStats struct {
	Rank int
	Host string
	link.Stats
}

// Stats returns the traffic with each rank that this one was ever connected with, by rank.
func (c *Comm) Stats() []PeerStats {
	var stats []PeerStats
	for _, p := range c.m.peers {
		if p == nil {
			continue
		}
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
	k, err := c.m.box.begin(c, sig, cancel)
	if k == nil {
		return within(sig.op.String(), err)
	}
	if err == nil {
		err = body(ctx, k)
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	left, tell, err := c.m.box.finish(k, err)
	for _, l := range left {
		l.Discard()
	}
	if tell {
		c.m.tell(notice{ctl: ctlFailed, context: c.context, seq: k.seq, err: c.m.blame(err)}, -1)
	}
	return within(sig.op.String(), err)
}
