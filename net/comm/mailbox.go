package comm

import (
	"errors"
	"slices"
	"sync"

	"github.com/darray-go/darray/net/link"
)

// letter is an incoming message and the rank it came from.
type letter struct {
	source int
	*link.Message
}

// lane parts the messages that can never meet the same receive: by kind, communicator and collective (0 outside).
type lane struct {
	kind    uint8
	context uint32
	seq     uint64
}

func (l *letter) lane() lane { return lane{kind: l.Kind, context: l.Context, seq: laneSeq(l.Header)} }

func laneSeq(h link.Header) uint64 {
	if h.Kind == kindCall {
		return h.Seq
	}
	return 0
}

// want says which letters of a lane a receive takes.
type want struct {
	lane
	source int // or AnySource
	tag    int32
	anyTag bool
}

func (w want) matches(l *letter) bool {
	return (w.source == l.source || w.source == AnySource) && (w.tag == l.Tag || w.anyTag)
}

// outcome is what a receive gets: a letter, or why there will be none.
type outcome struct {
	letter *letter
	err    error
}

// waiter is a receive that has been posted and not met its letter yet. Whoever takes it off the list sends to got.
type waiter struct {
	want
	got chan outcome // one slot
}

// mailbox matches letters with receives: each letter goes to the oldest receive that wants it, each receive gets the
// oldest letter that it wants. It also keeps the state of the collectives (calls.go) and who is gone, so that a letter,
// a loss and a receive always meet under one lock.
type mailbox struct {
	rank int

	mu      sync.Mutex
	letters queues[*letter]   // arrived before their receive
	waiters queues[*waiter]   // posted before their letter
	calls   map[uint32]*calls // by communicator of this rank; what names another one is dropped
	gone    []*RankError      // by rank: it is lost, or has left
	present int               // other ranks that are not gone
	lost    *RankError        // the first rank that some rank has lost: the end of collectives
	end     error             // why everything is over
}

func newMailbox(rank, size int) *mailbox {
	return &mailbox{
		rank: rank, present: size - 1, gone: make([]*RankError, size),
		calls:   map[uint32]*calls{worldContext: {failed: make(map[uint64]error)}},
		letters: make(queues[*letter]), waiters: make(queues[*waiter]),
	}
}

// deliver hands l to its receive or keeps it. False: nobody will ever want it, and the caller discards it.
func (b *mailbox) deliver(l *letter) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil || l.Kind == kindCall && !b.admit(l) {
		return false
	}
	if !b.hand(l) {
		b.letters[l.lane()] = append(b.letters[l.lane()], l)
	}
	return true
}

func (b *mailbox) hand(l *letter) bool {
	w, ok := b.waiters.pull(l.lane(), func(w *waiter) bool { return w.matches(l) })
	if ok {
		w.got <- outcome{letter: l}
	}
	return ok
}

// take returns the oldest letter that w wants, or else a waiter for it.
func (b *mailbox) take(w want) (*letter, *waiter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		return nil, nil, b.end
	}
	if l, ok := b.letters.pull(w.lane, w.matches); ok {
		return l, nil, nil
	}
	if err := b.hopeless(w); err != nil {
		return nil, nil, err
	}
	waiting := &waiter{want: w, got: make(chan outcome, 1)}
	b.waiters[w.lane] = append(b.waiters[w.lane], waiting)
	return nil, waiting, nil
}

// hopeless returns why no letter for w can come any more, or nil.
func (b *mailbox) hopeless(w want) error {
	if w.source != AnySource {
		if e := b.gone[w.source]; e != nil {
			return e
		}
		return nil
	}
	if b.present > 0 || len(b.gone) == 1 {
		return nil
	}
	var last *RankError
	for r, e := range b.gone {
		if r != b.rank && (last == nil || errors.Is(last, ErrLeft)) { // a lost rank says more than one that left
			last = e
		}
	}
	return last
}

// withdraw takes w off the list. A letter that met it just before goes back to where it was.
func (b *mailbox) withdraw(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.waiters.pull(w.lane, func(other *waiter) bool { return other == w }); ok {
		return
	}
	if out := <-w.got; out.letter != nil && !b.hand(out.letter) {
		b.letters[w.lane] = slices.Insert(b.letters[w.lane], 0, out.letter)
	}
}

// leave records that a rank is gone and ends what needs it: receives that name it and, if it is lost and has not left
// in good order, every collective. Known: the other ranks have heard of it.
func (b *mailbox) leave(e *RankError, lost, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone[e.Rank] != nil {
		return
	}
	b.gone[e.Rank] = e
	b.present--
	if lost {
		b.breakOff(e, known)
	}
	for ln, queue := range b.waiters {
		b.waiters[ln] = slices.DeleteFunc(queue, func(w *waiter) bool {
			err := b.hopeless(w.want)
			if err != nil {
				w.got <- outcome{err: err}
			}
			return err != nil
		})
	}
}

// sever records that some rank has lost another, so that collectives are over. It reports whether that was news.
func (b *mailbox) sever(e *RankError) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost != nil {
		return false
	}
	b.breakOff(e, true)
	return true
}

func (b *mailbox) breakOff(e *RankError, known bool) {
	if b.lost == nil {
		b.lost = e
	}
	for _, s := range b.calls {
		s.active.fail(e, known)
	}
}

// close ends everything that waits, now and later, with err. Only the first counts.
func (b *mailbox) close(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		return
	}
	b.end = err
	for _, queue := range b.waiters {
		for _, w := range queue {
			w.got <- outcome{err: err}
		}
	}
	clear(b.waiters)
	clear(b.letters) // the links' Close lets the senders go
	for _, s := range b.calls {
		s.active.fail(err, true)
	}
}

// over returns why everything is over, or nil.
func (b *mailbox) over() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.end
}

// err returns why nothing works any more, or why collectives do not, or nil.
func (b *mailbox) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.end != nil:
		return b.end
	case b.lost != nil:
		return b.lost
	default:
		return nil
	}
}

// queues holds what waits, by lane, each in order of arrival.
type queues[T any] map[lane][]T

// pull takes the first of a lane that fits.
func (q queues[T]) pull(ln lane, fits func(T) bool) (T, bool) {
	var found T
	queue := q[ln]
	i := slices.IndexFunc(queue, fits)
	switch {
	case i < 0:
		return found, false
	case len(queue) == 1:
		found = queue[0]
		delete(q, ln)
	case i == 0: // the usual case, and a long queue is not to be moved for it
		found, queue[0] = queue[0], found
		q[ln] = queue[1:]
	default:
		found = queue[i]
		q[ln] = slices.Delete(queue, i, i+1)
	}
	return found, true
}

// drop takes all of a lane.
func (q queues[T]) drop(ln lane) []T {
	all := q[ln]
	delete(q, ln)
	return all
}
