package comm

import (
	"slices"
	"sync"
	"time"
)

// The overlay says who a rank hears from and who it tells, of what concerns all: who is gone, what has failed.
//
// The ranks stand in a tree with rank 0 at the top: the children of rank r are r*degree+1 to r*degree+degree. Up to
// starLimit ranks the degree is the number of ranks, which makes it a star. Each rank is joined with its parent from the
// start and so sees the end of it. Ranks that are out (gone, or out of this one's reach) are left out of the tree: their
// children belong to the nearest ancestor that is not, and where there is none to the lowest rank that is not, which is
// then the top. Nobody hands out these roles: each rank works them out from what it knows, and both ends of a new edge
// look for each other.
//
// The top is the judge (verdict.go): accusations go up to it, and who is gone comes down from it as a log that each rank
// passes on in the order in which it came. So the first entry that is a member of a communicator is the same on all ranks.
const (
	starLimit  = 256
	treeDegree = 16
)

func degreeFor(ranks, limit int) int {
	if limit == 0 {
		limit = starLimit
	}
	if ranks <= limit {
		return ranks
	}
	return treeDegree
}

// superior is the rank above one, itself at the top.
func superior(rank, degree int, out func(rank int) bool) int {
	for above := rank; above > 0; {
		above = (above - 1) / degree
		if !out(above) {
			return above
		}
	}
	for lowest := range rank {
		if !out(lowest) {
			return lowest
		}
	}
	return rank
}

// subordinates are the ranks whose superior is this one.
func subordinates(rank, size, degree int, out func(rank int) bool) []int {
	var below []int
	var adopt func(of int)
	adopt = func(of int) {
		for child := of*degree + 1; child <= of*degree+degree && child < size; child++ {
			switch {
			case child == rank:
			case out(child):
				adopt(child)
			default:
				below = append(below, child)
			}
		}
	}
	adopt(rank)
	if rank > 0 && superior(rank, degree, out) == rank {
		adopt(0) // which is out: what is left without an ancestor
	}
	return below
}

// overlay is what a rank knows of it.
type overlay struct {
	degree int

	mu       sync.Mutex
	out      map[int]bool          // ranks that are gone, or that this one has lost and accused
	log      []news                // who is gone, in the order in which it became known
	accused  map[int]map[int]error // by rank: who has lost it, and why
	settling bool                  // a settle waits
	changed  chan struct{}         // closed with each change, and then replaced
}

// news is that a rank is gone.
type news struct {
	err     *RankError
	lost    bool // it has not left in good order
	certain bool // whoever said so has seen its process end
}

func newOverlay(degree int) *overlay {
	return &overlay{degree: degree, out: make(map[int]bool), accused: make(map[int]map[int]error), changed: make(chan struct{})}
}

// change wakes who waits for changes; the lock is held.
func (o *overlay) change() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *overlay) isOut(rank int) bool { return o.out[rank] }

// changes returns a channel that is closed when somebody more is out.
func (m *mesh) changes() <-chan struct{} {
	m.overlay.mu.Lock()
	defer m.overlay.mu.Unlock()
	return m.overlay.changed
}

// stir wakes who waits for changes.
func (m *mesh) stir() {
	m.overlay.mu.Lock()
	defer m.overlay.mu.Unlock()
	m.overlay.change()
}

// superior is the rank above this one, itself at the top.
func (m *mesh) superior() int {
	m.overlay.mu.Lock()
	defer m.overlay.mu.Unlock()
	return superior(m.rank, m.overlay.degree, m.overlay.isOut)
}

// neighbours are the ranks above and below this one.
func (m *mesh) neighbours() []int {
	o := m.overlay
	o.mu.Lock()
	defer o.mu.Unlock()
	around := subordinates(m.rank, m.size, o.degree, o.isOut)
	if above := superior(m.rank, o.degree, o.isOut); above != m.rank {
		around = append(around, above)
	}
	return around
}

// alone reports whether this rank can reach no other.
func (m *mesh) alone() bool {
	m.overlay.mu.Lock()
	defer m.overlay.mu.Unlock()
	return len(m.overlay.out) >= m.size-1
}

// settleDelay is how long a rank waits after another has left in good order before it looks for those that it then has
// above and below it: as a rule all ranks are about to leave.
const settleDelay = time.Second

// settle takes the place in the tree that this rank has now: it joins the rank above, and tells those below what they may
// have missed.
func (m *mesh) settle(after time.Duration) {
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-m.box.ended:
		return
	}
	o := m.overlay
	o.mu.Lock()
	o.settling = o.settling && after == 0
	o.mu.Unlock()
	if above := m.superior(); above != m.rank {
		m.dial(m.peer(above))
	}
	m.spread(true)
}

// learn enters that a rank is gone and passes it on. False: that was known.
func (m *mesh) learn(n news) bool {
	if m.box.over() != nil {
		return false // the others hear why from this rank's last word
	}
	o, r := m.overlay, n.err.Rank
	o.mu.Lock()
	if !m.box.leave(n.err, n.lost) {
		o.mu.Unlock()
		return false
	}
	o.out[r] = true
	delete(o.accused, r)
	o.log = append(o.log, n)
	if p := m.peers[r].Load(); p != nil {
		p.end(n.err.Cause)
	}
	settling := o.settling
	o.settling = settling || !n.lost
	waiting := len(o.accused) > 0
	o.change()
	o.mu.Unlock()
	if waiting {
		m.run(m.review)
	}
	if n.lost {
		m.run(func() { m.expel(m.peer(r), n.certain) })
		m.run(func() { m.settle(0) })
	} else {
		m.spread(false)
		if !settling {
			m.run(func() { m.settle(settleDelay) })
		}
	}
	return true
}

// spread brings the log to those above and below this rank, as far as they have not been told; where it is not to reach
// out, only to those among them that it is joined with.
func (m *mesh) spread(reach bool) {
	for _, r := range m.neighbours() {
		if p := m.peer(r); reach || p.live.Load() != nil {
			m.inform(p)
		}
	}
}

// inform brings the rest of the log to p, without waiting for it.
func (m *mesh) inform(p *peer) {
	o := m.overlay
	o.mu.Lock()
	begin := !p.telling && p.told < len(o.log)
	p.telling = p.telling || begin
	o.mu.Unlock()
	if begin && !m.runNotice(func() { m.recite(p) }) {
		o.mu.Lock()
		p.telling = false
		o.mu.Unlock()
	}
}

// recite brings p the log in order. Nobody is dialed to hear only of ranks that have left in good order.
func (m *mesh) recite(p *peer) {
	o := m.overlay
	for {
		o.mu.Lock()
		batch := slices.Clone(o.log[p.told:min(len(o.log), p.told+maxNews)])
		p.told += len(batch)
		p.telling = len(batch) > 0
		o.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		m.bring(p, notice{ctl: ctlGone, news: batch, reach: slices.ContainsFunc(batch, func(n news) bool { return n.lost })})
	}
}

// owes reports whether p hears of lost ranks from this one and has not been told of one. A rank that closes because of a loss
// tells so before its goodbye, which would else be taken for the reason why others wait in vain.
func (m *mesh) owes(p *peer) bool {
	o := m.overlay
	o.mu.Lock()
	defer o.mu.Unlock()
	lost := slices.ContainsFunc(o.log[min(p.told, len(o.log)):], func(n news) bool { return n.lost && n.err.Rank != p.rank })
	return lost && !p.telling
}

// repeat brings p the whole log again: it has missed a part.
func (m *mesh) repeat(p *peer) {
	m.overlay.mu.Lock()
	p.told = 0
	m.overlay.mu.Unlock()
	m.inform(p)
}
