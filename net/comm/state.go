package comm

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/darray-go/darray/net/link"
)

// letter is an incoming message and the rank of the job that it came from. Its zero value is none.
type letter struct {
	source  int
	arrival uint64 // its place among all letters of this rank
	*link.Message

	placed bool // there is no message any more: the payload is where the receive wanted it
	tag    int32
	count  uint64
}

// queue holds the messages that can meet the same receives: those of one kind in a communicator, or of one collective.
type queue struct {
	letters []letter  // arrived before their receive
	waiters []*waiter // posted before their letter
}

// state is what a mailbox keeps of one communicator. The mailbox's lock guards it, cause excepted. It comes to be with
// the first message that names it, which may be before this rank has made the communicator.
type state struct {
	context uint32
	members []int       // ranks in the job, ascending by rank in the communicator; nil before it is made; see isMember
	place   map[int]int // rank in the communicator by rank in the job; nil: the same
	present int         // other members that are not gone
	left    map[int]*RankError
	cause   atomic.Pointer[error] // why nothing works any more
	revoked chan struct{}         // closed with cause

	shrinks atomic.Uint64 // calls of Shrink

	user, parcels, userParcels queue

	sends map[*pending]struct{} // sends that wait
	calls
}

// pending is a send that waits and can be ended from outside.
type pending struct {
	cancel context.CancelCauseFunc
	what   Position
	from   origin
	since  time.Time
	due    time.Duration // when it is next told to rank 0 that it waits; 0: at the first time
}

// origin is where in the program an operation comes from.
type origin struct {
	site site
	req  *Request // nil: the program waits for it
}

// worldContext is the communicator of all ranks.
const worldContext uint32 = 1

func newState(context uint32) *state {
	return &state{
		context: context, revoked: make(chan struct{}), sends: make(map[*pending]struct{}),
		calls: calls{active: make(map[uint64]*call), queues: make(map[uint64]*queue), failed: make(map[uint64]error), asked: make(map[uint64]question)},
	}
}

// size is the number of members.
func (s *state) size() int { return len(s.members) }

func (s *state) made() bool { return s.members != nil }

func (s *state) isMember(world int) bool {
	_, ok := s.rankOf(world)
	return ok
}

// rankOf is the rank in this communicator of a rank of the job.
func (s *state) rankOf(world int) (int, bool) {
	if s.place == nil {
		return world, world >= 0 && world < len(s.members)
	}
	r, ok := s.place[world]
	return r, ok
}

// broken returns why nothing works any more on the communicator, or nil. It takes no lock.
func (s *state) broken() error {
	if e := s.cause.Load(); e != nil {
		return *e
	}
	return nil
}

// at returns the queue that a message belongs to, made now if need be; the lock is held.
func (s *state) at(kind uint8, seq uint64) *queue {
	switch kind {
	case kindUser:
		return &s.user
	case kindParcel:
		return &s.parcels
	case kindUserParcel:
		return &s.userParcels
	}
	q := s.queues[seq]
	if q == nil {
		q = &queue{}
		s.queues[seq] = q
	}
	return q
}

// revoke ends everything that is pending and to come on the communicator; the lock is held. Known: the other ranks have
// heard of it already.
func (s *state) revoke(err error, known bool) {
	if !s.cause.CompareAndSwap(nil, &err) {
		return
	}
	close(s.revoked)
	for _, k := range s.active {
		k.fail(err, known)
	}
	for p := range s.sends {
		p.cancel(err)
	}
	for _, q := range s.all() {
		for _, w := range q.waiters {
			w.give(outcome{err: err})
		}
		q.waiters = nil
	}
}

func (s *state) all() []*queue {
	qs := []*queue{&s.user, &s.parcels, &s.userParcels}
	for _, q := range s.queues {
		qs = append(qs, q)
	}
	return qs
}

// end takes the receives off that no message can come for any more; the lock is held.
func (s *state) end(hopeless func(w *waiter) error) {
	for _, q := range s.all() {
		q.waiters = slices.DeleteFunc(q.waiters, func(w *waiter) bool {
			err := hopeless(w)
			if err != nil {
				w.give(outcome{err: err})
			}
			return err != nil
		})
	}
}
