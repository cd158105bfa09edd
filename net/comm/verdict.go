package comm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/darray-go/darray/net/link"
)

// A rank that loses its connection to another cannot know which of the two the others will miss. So nothing is lost by one
// rank's word: it accuses the other at the judge, the top of the overlay, whose verdict comes to all ranks in the same
// order. Of two that have lost each other and are both there, the higher one goes, and is told so. A judge that is lost
// itself is replaced by the next rank, once a second one has lost it as well.

const (
	// verdictLimit is how long a rank that has lost another waits for a verdict before it decides alone. The judge finds out by
	// itself at most a keep-alive (0.5 s) and its timer's slack later than any other rank.
	verdictLimit = time.Second
	// hearLimit is how long word of a rank that has left may take longer than the end of its conns.
	hearLimit = 20 * time.Millisecond
	// expelLimit bounds the attempt to tell a rank that it is expelled.
	expelLimit = 250 * time.Millisecond
	// pleadLimit bounds the attempt to reach the last other rank once more.
	pleadLimit = 500 * time.Millisecond
)

// lose has the loss of the conn to p judged. It returns when that is done.
func (m *mesh) lose(p *peer, cause error) {
	if _, ended := p.state(); ended != nil || m.box.over() != nil {
		p.end(cause)
		return
	}
	if errors.Is(cause, link.ErrClosed) {
		m.unplugged(cause)
		p.end(cause)
		return
	}
	o := m.overlay
	o.mu.Lock()
	o.out[p.rank] = true
	o.change()
	o.mu.Unlock()
	m.appeal(p, cause)
}

// appeal accuses p until there is a verdict: at each superior that this rank comes to have meanwhile.
func (m *mesh) appeal(p *peer, cause error) {
	timer := time.NewTimer(verdictLimit)
	defer timer.Stop()
	for asked := -1; ; {
		changed := m.changes()
		if above := m.superior(); above != asked || above == m.rank {
			asked = above
			m.accuse(m.rank, p.rank, cause)
		}
		if asked == m.rank && m.alone() {
			m.plead(p, cause)
		}
		select {
		case <-p.ended:
			return
		case <-m.box.ended:
			p.end(cause)
			return
		case <-changed:
		case <-timer.C:
			m.declare(p.rank, m.rank, cause)
			return
		}
	}
}

// accuse takes in that rank by has lost rank of, and judges or passes it on.
func (m *mesh) accuse(by, of int, cause error) {
	if m.box.over() != nil {
		return
	}
	o := m.overlay
	o.mu.Lock()
	judge := superior(m.rank, o.degree, o.isOut)
	gone, guilty := m.box.goneWhy(of) != nil, m.box.goneWhy(by) != nil
	if !gone && !guilty && of != m.rank {
		if o.accused[of] == nil {
			o.accused[of] = make(map[int]error)
		}
		o.accused[of][by] = cause
	}
	// A rank that has lost those above it may be the one that is lost: it judges others only when that is decided.
	open := false
	for q := range min(of, m.rank) {
		open = open || m.box.goneWhy(q) == nil
	}
	witnesses, unreachable := len(o.accused[of]), o.out[of]
	o.mu.Unlock()
	switch {
	case gone || guilty:
		if by != m.rank {
			m.repeat(m.peer(by))
		}
	case judge != m.rank:
		m.tellOne(m.peer(judge), notice{ctl: ctlAccuse, by: by, reach: true, err: &RankError{Rank: of, Cause: cause}})
	case of == m.rank && by < of:
		m.expelled(by, cause.Error()) // the lower one stays, and is its own judge
	case of == m.rank:
		m.declare(by, of, errors.New("it has lost its connection to that rank"))
	case open:
	case by < of:
		m.declare(of, by, cause)
	case unreachable && witnesses > 1:
		m.declare(of, by, cause)
	case unreachable: // only this rank has lost it: wait for another, or for the word that it is this one that goes
	default:
		m.tellOne(m.peer(of), notice{ctl: ctlAsk, by: by, reach: true})
	}
}

// review takes up the accusations that had to wait for another verdict.
func (m *mesh) review() {
	type accusation struct {
		by, of int
		cause  error
	}
	var waiting []accusation
	m.overlay.mu.Lock()
	for of, by := range m.overlay.accused {
		for accuser, cause := range by {
			waiting = append(waiting, accusation{accuser, of, cause})
		}
	}
	m.overlay.mu.Unlock()
	slices.SortFunc(waiting, func(a, b accusation) int { return cmp.Or(a.of-b.of, a.by-b.by) })
	for _, a := range waiting {
		if m.superior() == m.rank {
			m.accuse(a.by, a.of, a.cause)
		}
	}
}

// declare is the verdict that a rank is gone, because rank by has lost it.
func (m *mesh) declare(rank, by int, cause error) {
	if by != m.rank {
		cause = fmt.Errorf("rank %d cannot reach it: %w", by, cause)
	}
	m.learn(news{err: &RankError{Rank: rank, Host: m.hostOf(rank), Cause: cause}, lost: true})
}

// plead tries to reach the last other rank once more, which this one has lost: it is gone, or has lost this one.
func (m *mesh) plead(p *peer, cause error) {
	if p.rank > m.rank {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), pleadLimit)
	defer cancel()
	conn, err := m.transport.Dial(ctx, p.rank, p.addr)
	if err != nil {
		m.declare(p.rank, m.rank, cause)
		return
	}
	conn.Close()
	m.expelled(p.rank, cause.Error())
}

// expelled ends everything here: the other ranks go on without this one.
func (m *mesh) expelled(by int, why string) {
	m.box.close(&RankError{Rank: m.rank, Host: m.host, Cause: fmt.Errorf("%w (rank %d: %s)", ErrExpelled, by, why)})
}

// expel tells p, which is gone for all, why, and ends the conn to it.
func (m *mesh) expel(p *peer, certain bool) {
	m.dismiss(p, notice{ctl: ctlGone, news: m.sentence(p.rank)}, certain)
}

// dismiss says a last word to p, and ends the conn to it. A process that has ended is not told.
func (m *mesh) dismiss(p *peer, last notice, dead bool) {
	conn := p.linked()
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), expelLimit)
	defer cancel()
	if dead {
		cancel()
	}
	h, payload := last.message()
	_ = conn.Send(ctx, h, payload) // it may hear nothing any more
	shut(ctx, conn)
}

// writeOff leaves a rank alone that is lost, as the word says that ends everything: it is told so, if it lives, and its leave
// is not waited for.
func (m *mesh) writeOff(n notice) {
	p := m.peer(n.err.Rank)
	p.end(n.err.Cause)
	m.run(func() { m.dismiss(p, n, n.over == overDead) })
}

// sentence is the news that a rank is lost, none where it is not.
func (m *mesh) sentence(rank int) []news {
	m.overlay.mu.Lock()
	defer m.overlay.mu.Unlock()
	for _, n := range m.overlay.log {
		if n.err.Rank == rank && n.lost {
			return []news{n}
		}
	}
	return nil
}

// hear takes in the log of p.
func (m *mesh) hear(p *peer, log []news) {
	for _, n := range log {
		r := n.err.Rank
		switch {
		case r == m.rank && n.lost:
			m.expelled(p.rank, n.err.Cause.Error())
		case r == m.rank:
		case !n.lost && m.isLinked(r): // its own conn says when all it sent has come
		case n.lost && !n.certain && r < p.rank && r == m.superior():
			m.accuse(p.rank, r, n.err.Cause) // here it is still to be reached
		default:
			m.learn(n)
		}
	}
}

// hearOut gives p, which does not answer a dial, time to be heard of: it may have left in good order just before.
func (m *mesh) hearOut(p *peer) {
	timer := time.NewTimer(hearLimit)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-m.box.ended:
	case <-timer.C:
	}
}

// unplugged ends everything because the transport was closed under it: then this rank is the one that is lost.
func (m *mesh) unplugged(cause error) {
	err := &RankError{Rank: m.rank, Host: m.host, Cause: fmt.Errorf("its transport was closed under it: %w", cause)}
	m.box.close(err)
	m.tell(notice{ctl: ctlGone, news: []news{{err: err, lost: true, certain: true}}}, -1) // where only one conn was closed
}
