package comm

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/darray-go/darray/net/link"
)

// want says which letters of a queue a receive takes.
type want struct {
	kind   uint8
	seq    uint64 // of the collective; 0 outside
	source int    // in the job, or AnySource
	tag    int32
	anyTag bool
	peek   bool     // a probe: the letter stays
	req    *Request // that of a receive which the program does not wait in

	// Where the payload goes, for a sender that can put it there itself.
	into  []byte
	dtype uint8
	exact bool // it fills all of into
}

func (w *want) matches(source int, tag int32) bool {
	return (w.source == source || w.source == AnySource) && (w.tag == tag || w.anyTag)
}

// fits reports whether a payload may be put into w.into. What may not takes the usual way, which says why.
func (w *want) fits(h link.Header) bool {
	if w.into == nil || w.peek || w.dtype != h.DType {
		return false
	}
	return int(h.Size) == len(w.into) || !w.exact && int(h.Size) < len(w.into)
}

// mailbox matches letters with receives: each letter goes to the oldest receive that wants it, each receive gets the
// oldest letter that it wants. It also keeps the state of the collectives (calls.go) and who is gone, so that a letter,
// a loss and a receive always meet under one lock.
type mailbox struct {
	rank  int
	host  string
	watch chan struct{}   // one slot: something waits and nobody watches
	raise func(a []alarm) // brings word to other ranks; called without the lock

	mu       sync.Mutex
	states   map[uint32]*state  // by context; also of communicators that this rank has not made yet
	unmade   int                // how many of them
	freed    map[uint32]bool    // contexts whose communicator was closed
	gone     map[int]*RankError // by rank: it is lost, or has left
	lost     []*RankError       // those that have not left in good order, in the order in which it became known
	end      error              // why everything is over
	ended    chan struct{}      // closed with end
	spare    []*waiter          // to be used again: a receive that waits costs no allocation
	arrivals uint64             // letters so far
	watching bool
	alarms   []alarm // to be raised by who holds the lock
}

// maxUnmade bounds the communicators that others name and this rank has not made.
const maxUnmade = 1 << 12

func newMailbox(rank int, host string, raise func(a []alarm)) *mailbox {
	return &mailbox{
		rank: rank, host: host, raise: raise, gone: make(map[int]*RankError), ended: make(chan struct{}), watch: make(chan struct{}, 1),
		states: make(map[uint32]*state), freed: make(map[uint32]bool),
	}
}

// state returns what is kept of a communicator, nil where it is closed; the lock is held.
func (b *mailbox) state(context uint32) *state {
	s := b.states[context]
	if s == nil && !b.freed[context] && b.unmade < maxUnmade {
		s = newState(context)
		b.states[context] = s
		b.unmade++
	}
	return s
}

// make enters a communicator of this rank with its members, ranks of the job. Nil: there is or was one of that context.
func (b *mailbox) make(context uint32, members []int) *state {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.states[context]
	switch {
	case s == nil && !b.freed[context]:
		s = newState(context)
		b.states[context] = s
	case s == nil || s.made():
		return nil
	default:
		b.unmade--
	}
	s.members, s.present = members, len(members)-1
	for r, w := range members {
		if r != w && s.place == nil {
			s.place = make(map[int]int, len(members))
		}
	}
	if s.place != nil {
		for r, w := range members {
			s.place[w] = r
		}
	}
	for _, w := range members {
		if b.gone[w] != nil {
			s.present--
		}
	}
	for _, e := range b.lost { // in the order in which they were lost, so that all ranks name the same one
		if s.isMember(e.Rank) {
			s.revoke(e, true)
		}
	}
	if b.end != nil {
		s.revoke(b.end, true)
	}
	return s
}

// unlock also raises the alarms that were sounded meanwhile.
func (b *mailbox) unlock() {
	alarms := b.alarms
	b.alarms = nil
	b.mu.Unlock()
	if alarms != nil {
		b.raise(alarms)
	}
}

// free closes a communicator on this rank alone.
func (b *mailbox) free(s *state) {
	b.mu.Lock()
	s.revoke(ErrClosed, true)
	var left []letter
	for _, q := range s.all() {
		left = append(left, q.letters...)
		q.letters = nil
	}
	delete(b.states, s.context)
	b.freed[s.context] = true
	b.mu.Unlock()
	for _, l := range left {
		l.Discard()
	}
}

// deliver hands l to its receive or keeps it. False: nobody will ever want it, and the caller discards it.
func (b *mailbox) deliver(l letter) bool {
	b.mu.Lock()
	defer b.unlock()
	if b.end != nil || b.isLost(l.source) {
		return false
	}
	s := b.state(l.Context)
	if s == nil || s.made() && !s.isMember(l.source) {
		return false
	}
	if l.Kind == kindCall && !b.admit(s, l.source, l.Header) {
		return false
	}
	q := s.at(l.Kind, laneSeq(l))
	b.arrivals++
	l.arrival = b.arrivals
	if !q.hand(l) {
		q.letters = append(q.letters, l)
	}
	return true
}

func laneSeq(l letter) uint64 {
	if l.Kind == kindCall {
		return l.Seq
	}
	return 0
}

// place puts the payload of a message where the receive that waits for it wants it. False: it takes the usual way.
func (b *mailbox) place(source int, h link.Header, p link.Payload) bool {
	w := b.placeable(source, h)
	if w == nil {
		return false
	}
	into := w.into
	for _, buf := range p.Bufs {
		into = into[copy(into, buf):]
	}
	w.give(outcome{letter: letter{source: source, placed: true, tag: h.Tag, count: h.Count}})
	return true
}

// placeable takes the receive off its list that a message can be put into.
func (b *mailbox) placeable(source int, h link.Header) *waiter {
	if h.Kind == kindControl {
		return nil
	}
	b.mu.Lock()
	defer b.unlock()
	s := b.states[h.Context]
	if b.end != nil || b.isLost(source) || s == nil || !s.isMember(source) || h.Kind == kindCall && (s.active[h.Seq] == nil || !b.admit(s, source, h)) {
		return nil
	}
	seq := uint64(0)
	if h.Kind == kindCall {
		seq = h.Seq
	}
	q := s.at(h.Kind, seq)
	for i, w := range q.waiters {
		if w.matches(source, h.Tag) {
			if !w.fits(h) {
				return nil
			}
			q.waiters = slices.Delete(q.waiters, i, i+1)
			return w
		}
	}
	return nil
}

// hand gives l to the oldest receive that wants it, and shows it to the probes before that.
func (q *queue) hand(l letter) bool {
	for i := 0; i < len(q.waiters); i++ {
		w := q.waiters[i]
		if !w.matches(l.source, l.Tag) {
			continue
		}
		q.waiters = slices.Delete(q.waiters, i, i+1)
		w.give(outcome{letter: l})
		if !w.peek {
			return true
		}
		i--
	}
	return false
}

// pull takes the oldest letter that w wants.
func (q *queue) pull(w *want) letter {
	for i, l := range q.letters {
		if w.matches(l.source, l.Tag) {
			if !w.peek {
				q.letters = slices.Delete(q.letters, i, i+1)
			}
			return l
		}
	}
	return letter{}
}

// take returns the oldest letter that w wants, or else, where post is set, a waiter for it.
func (b *mailbox) take(s *state, w want, post bool) (letter, *waiter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.broken(); err != nil {
		return letter{}, nil, err
	}
	q := s.at(w.kind, w.seq)
	if l := q.pull(&w); l.Message != nil || !post {
		return l, nil, nil
	}
	if err := b.hopeless(s, w.source); err != nil {
		return letter{}, nil, err
	}
	waiting := b.waiter()
	waiting.want, waiting.st = w, s
	q.waiters = append(q.waiters, waiting)
	b.beWatched()
	return letter{}, waiting, nil
}

// beWatched wakes the watch; the lock is held.
func (b *mailbox) beWatched() {
	if !b.watching {
		b.watching = true
		b.watch <- struct{}{} // has room: who watched took the last one
	}
}

// hopeless returns why no letter from source can come any more, or nil.
func (b *mailbox) hopeless(s *state, source int) error {
	if source != AnySource {
		if e := b.gone[source]; e != nil {
			return e
		}
		if e := s.left[source]; e != nil {
			return e
		}
		return nil
	}
	if s.present > 0 || s.size() == 1 {
		return nil
	}
	var last *RankError
	for _, r := range s.members {
		if e := b.gone[r]; r != b.rank && e != nil && (last == nil || errors.Is(last, ErrLeft)) { // a lost rank says more
			last = e
		}
	}
	if last == nil {
		for _, e := range s.left {
			last = e
		}
	}
	if last == nil { // not typed nil
		return nil
	}
	return last
}

// leave records that a rank is gone and ends what needs it: receives that name it and, if it is lost and has not left
// in good order, every communicator that it is a member of. False: that was known.
func (b *mailbox) leave(e *RankError, lost bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone[e.Rank] != nil {
		return false
	}
	b.gone[e.Rank] = e
	if lost {
		b.lost = append(b.lost, e)
	}
	for _, s := range b.states {
		if !s.made() || !s.isMember(e.Rank) {
			continue
		}
		if s.left[e.Rank] == nil { // else it has been counted
			s.present--
		}
		if lost {
			s.revoke(e, true)
			continue
		}
		s.end(func(w *waiter) error { return b.hopeless(s, w.source) })
	}
	return true
}

// revoke ends a communicator, perhaps before this rank has made it.
func (b *mailbox) revoke(context uint32, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.state(context); s != nil {
		s.revoke(err, true)
	}
}

// isFreed reports whether this rank has closed a communicator.
func (b *mailbox) isFreed(context uint32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.freed[context]
}

// goneWhy is that a rank is lost or has left, or nil.
func (b *mailbox) goneWhy(rank int) *RankError {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.gone[rank]
}

// wasLost reports whether a rank is lost.
func (b *mailbox) wasLost(rank int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.isLost(rank)
}

// isLost reports whether a rank is lost: nothing that it still says counts. The lock is held.
func (b *mailbox) isLost(rank int) bool {
	e := b.gone[rank]
	return e != nil && !errors.Is(e.Cause, ErrLeft)
}

// depart records that a member has closed its end of a derived communicator.
func (b *mailbox) depart(context uint32, e *RankError) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.states[context]
	if s == nil || !s.made() || !s.isMember(e.Rank) || s.left[e.Rank] != nil {
		return
	}
	if s.left == nil {
		s.left = make(map[int]*RankError)
	}
	s.left[e.Rank] = e
	if b.gone[e.Rank] == nil {
		s.present--
	}
	s.end(func(w *waiter) error { return b.hopeless(s, w.source) })
}

// close ends everything that waits, now and later, with err. Only the first counts.
func (b *mailbox) close(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		return
	}
	b.end = err
	close(b.ended)
	for _, s := range b.states {
		s.revoke(err, true)
		for _, q := range s.all() {
			q.letters = nil // the links' Close lets the senders go
		}
	}
}

// over returns why everything is over, or nil.
func (b *mailbox) over() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end
}

// sending enters a send that waits, so that it ends with its communicator.
func (b *mailbox) sending(s *state, p *pending) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := s.broken(); err != nil {
		return err
	}
	s.sends[p] = struct{}{}
	b.beWatched()
	return nil
}

func (b *mailbox) sent(s *state, p *pending) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(s.sends, p)
}

// errStill: two goroutines are in collectives of one communicator.
func errStill(sig signature) error {
	return fmt.Errorf("this rank is still in %v; one blocking collective at a time", sig)
}
