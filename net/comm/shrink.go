package comm

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Shrink returns a communicator of the ranks of c that are still there, in the same order. Every one of them calls it, as a
// rule after an operation of c has failed because a rank is lost. It works on communicators that are over for that reason,
// and if more ranks are lost meanwhile; then its result may be over at once, and Shrink is called on that. The new
// communicator is to be closed. (MPI_Comm_shrink of ULFM: Bland, Bouteiller, Herault, Bosilca, Dongarra: Post-failure
// recovery of MPI communication capability, IJHPCA 27(3), 2013.)
//
// It blocks until all have called it. One that gives up, as its ctx has ended, makes it fail on all with a *RankError
// that names it. ErrExpelled: the others go on without this rank.
//
// The lowest rank there is coordinates: 2(p-1) messages where nothing else fails.
func (c *Comm) Shrink(ctx context.Context) (*Comm, error) {
	d, err := c.shrink(ctx)
	return d, within("shrink", err)
}

// How it agrees. Each rank joins the council at the lowest rank that it does not know to be gone, the coordinator. Once all
// who are not gone have joined there, that one decides and tells all. A coordinator that is lost is replaced by the next
// lowest rank; a rank joins there only when it takes all lower ones for gone, from whom it then hears nothing any more. So
// whoever has a decision of theirs has it by then, and hands it over in place of joining, also long after it has returned
// from Shrink: the next coordinator asks. If nobody has one, no rank that is there has returned with one.

// council is one call of Shrink. The mesh's councils lock guards it.
type council struct {
	c        *Comm        // while this rank is in it
	joined   map[int]bool // ranks of the job that take this one for the coordinator
	absent   map[int]bool // that have closed the communicator, or are gone for another
	given    *RankError   // a rank that gave up
	mine     error        // why this rank gave up
	decision *decision
}

// decision is what all come out of a council with.
type decision struct {
	context uint32
	members []int      // ranks in the job
	err     *RankError // where it has failed
}

type councilKey struct {
	context uint32
	number  uint64 // of the Shrink on it
}

// councils are those that this rank has heard of.
type councils struct {
	mu  sync.Mutex
	all map[councilKey]*council
}

// maxCouncils bounds them.
const maxCouncils = 1 << 12

// at returns a council, nil where there are too many; the lock is held.
func (cs *councils) at(key councilKey) *council {
	co := cs.all[key]
	if co == nil && len(cs.all) < maxCouncils {
		co = &council{joined: make(map[int]bool), absent: make(map[int]bool)}
		if cs.all == nil {
			cs.all = make(map[councilKey]*council)
		}
		cs.all[key] = co
	}
	return co
}

func (c *Comm) shrink(ctx context.Context) (*Comm, error) {
	m := c.m
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if over := m.box.over(); over != nil {
		return nil, over
	}
	key := councilKey{c.st.context, c.st.shrinks.Add(1)}
	if !m.enter(key, c) {
		return nil, fmt.Errorf("%d communicators have been shrunk; end the job", maxCouncils)
	}
	again := time.NewTicker(m.patience / 2)
	defer again.Stop()
	for told := -1; ; {
		changed := m.changes()
		d, coordinator := m.confer(key, told)
		if d != nil {
			return c.adopt(d)
		}
		told = coordinator
		select {
		case <-changed:
		case <-again.C: // a message may have gone to a rank that was not to be reached
			told = -1
		case <-m.box.ended:
			return nil, m.box.over()
		case <-ctx.Done():
			m.giveUp(key, context.Cause(ctx))
			return nil, context.Cause(ctx)
		}
	}
}

func (m *mesh) enter(key councilKey, c *Comm) bool {
	m.councils.mu.Lock()
	defer m.councils.mu.Unlock()
	co := m.councils.at(key)
	if co == nil || len(m.councils.all) == maxCouncils {
		return false
	}
	co.c = c
	return true
}

// confer returns the decision, or does what this rank can do about it: as the coordinator it decides, or asks who has not
// joined; else it joins there, unless that was told.
func (m *mesh) confer(key councilKey, told int) (d *decision, coordinator int) {
	m.councils.mu.Lock()
	defer m.councils.mu.Unlock()
	co := m.councils.at(key)
	if co.decision != nil {
		return co.decision, 0
	}
	there := co.c.st.there(m.box, co.absent)
	coordinator = there[0]
	if coordinator != m.rank {
		if told != coordinator {
			m.sendCouncil(coordinator, councilJoin, key, co)
		}
		return nil, coordinator
	}
	var missing []int
	for _, w := range there {
		if w != m.rank && !co.joined[w] {
			missing = append(missing, w)
		}
	}
	switch {
	case co.given != nil:
		co.decision = &decision{err: co.given}
	case len(missing) == 0:
		id, err := m.contextOf(m.rank, m.made.Add(1))
		co.decision = &decision{context: id, members: there}
		if err != nil {
			co.decision = &decision{err: m.blame(err)}
		}
	default:
		if told != coordinator {
			for _, w := range missing {
				m.sendCouncil(w, councilAsk, key, co)
			}
		}
		return nil, coordinator
	}
	m.announce(key, co, there)
	return co.decision, coordinator
}

func (m *mesh) announce(key councilKey, co *council, to []int) {
	for _, w := range to {
		if w != m.rank {
			m.sendCouncil(w, councilDecision, key, co)
		}
	}
}

// there are the members that are not gone, ascending by rank in the communicator, as ranks of the job.
func (s *state) there(b *mailbox, absent map[int]bool) []int {
	b.mu.Lock()
	defer b.mu.Unlock()
	var there []int
	for _, w := range s.members {
		if b.gone[w] == nil && s.left[w] == nil && !absent[w] {
			there = append(there, w)
		}
	}
	return there
}

// adopt makes the communicator that was decided on.
func (c *Comm) adopt(d *decision) (*Comm, error) {
	if d.err != nil {
		return nil, d.err
	}
	if !slices.Contains(d.members, c.m.rank) {
		return nil, &RankError{Rank: c.m.rank, Host: c.m.host, Cause: fmt.Errorf("%w: they have shrunk the communicator without it", ErrExpelled)}
	}
	return c.m.enlist(d.context, d.members)
}

// giveUp leaves a council without a decision, and so ends it for all.
func (m *mesh) giveUp(key councilKey, why error) {
	m.councils.mu.Lock()
	defer m.councils.mu.Unlock()
	co := m.councils.at(key)
	co.mine = why
	if co.decision != nil {
		m.disown(co)
		return
	}
	there := co.c.st.there(m.box, co.absent)
	if there[0] == m.rank {
		co.decision = &decision{err: m.blame(why)}
		m.announce(key, co, there)
		return
	}
	m.sendCouncil(there[0], councilRefusal, key, co)
}

// disown ends the communicator that was decided on while this rank gave up.
func (m *mesh) disown(co *council) {
	if co.decision.err != nil {
		return
	}
	for _, w := range co.decision.members {
		if w != m.rank {
			m.tellOne(m.peer(w), notice{ctl: ctlRevoke, context: co.decision.context, err: m.blame(co.mine)})
		}
	}
}

// sendCouncil tells a rank something; the lock is held.
func (m *mesh) sendCouncil(to int, what uint8, key councilKey, co *council) {
	n := notice{ctl: ctlShrink, context: key.context, seq: key.number, what: what, reach: true, decision: co.decision}
	if what == councilRefusal {
		n.err = m.blame(co.mine)
	}
	m.tellOne(m.peer(to), n)
}

// hearCouncil takes in what p says about a call of Shrink.
func (m *mesh) hearCouncil(p *peer, w councilWord) {
	closed := m.box.isFreed(w.key.context)
	m.councils.mu.Lock()
	defer m.councils.mu.Unlock()
	co := m.councils.at(w.key)
	if co == nil {
		return
	}
	if w.decision != nil && co.decision == nil {
		co.decision = w.decision
		if co.mine != nil {
			m.disown(co)
		}
	}
	switch {
	case w.what == councilDecision:
	case co.decision != nil:
		m.sendCouncil(p.rank, councilDecision, w.key, co)
	case w.what == councilJoin:
		co.joined[p.rank] = true
	case w.what == councilAbsent:
		co.absent[p.rank] = true
	case w.what == councilRefusal:
		co.given = w.err
	case w.what == councilAsk && co.mine != nil:
		m.sendCouncil(p.rank, councilRefusal, w.key, co)
	case w.what == councilAsk && closed && co.c == nil:
		m.sendCouncil(p.rank, councilAbsent, w.key, co)
	case w.what == councilAsk && co.c != nil:
		if co.c.st.there(m.box, co.absent)[0] == p.rank {
			m.sendCouncil(p.rank, councilJoin, w.key, co)
		}
	}
	m.stir()
}
