package comm

import (
	"context"
	"fmt"
	"time"

	"github.com/darray-go/darray/net/link"
)

// opcode says which collective a message belongs to. Do not renumber.
type opcode uint8

const (
	opBarrier opcode = iota + 1
	opBcast
	opScatter
	opGather
	opAllgather
	opReduce
	opAllreduce
	opAlltoall
	opAlltoallv
	opReduceScatter
	opScan
	opExscan
	opConfer
)

func (o opcode) String() string {
	names := [...]string{
		"none", "barrier", "bcast", "scatter", "gather", "allgather", "reduce", "allreduce",
		"alltoall", "alltoallv", "reducescatter", "scan", "exscan", "confer",
	}
	if int(o) >= len(names) {
		return fmt.Sprintf("op %d", uint8(o))
	}
	return names[o]
}

func (o opcode) rooted() bool {
	return o == opBcast || o == opScatter || o == opGather || o == opReduce
}

// signature is what all ranks must agree on in one collective. It travels in the header of each of its messages.
type signature struct {
	op    opcode
	dtype uint8
	root  int
	count int  // elements, where every rank must pass as many; else 0
	fold  fold // of a reduction
}

func signatureOf(h link.Header) signature {
	return signature{op: opcode(h.Op), dtype: h.DType, root: int(h.Root), count: int(h.Count), fold: foldFrom(h.Aux)}
}

// agrees reports whether both ranks make the same call.
func (s signature) agrees(with signature) bool {
	return s == with || s.fold.agrees(with.fold) && s.without() == with.without()
}

func (s signature) without() signature {
	s.fold = 0
	return s
}

// numbered reads "Bcast #17 of 100 float64, root 0"; without a number where seq is 0.
func (s signature) numbered(seq uint64) string {
	text := s.op.name()
	if seq > 0 {
		text += fmt.Sprintf(" #%d", seq)
	}
	switch {
	case s.count > 0:
		text += fmt.Sprintf(" of %d %s", s.count, dtypeName(s.dtype))
	case s.dtype != dtypeNone:
		text += " of " + dtypeName(s.dtype)
	}
	if name := s.fold.String(); name != "" {
		text += " by " + name
	}
	if s.op.rooted() {
		text += fmt.Sprintf(", root %d", s.root)
	}
	return text
}

// String reads "Bcast of 100 float64, root 0".
func (s signature) String() string { return s.numbered(0) }

// calls is the state of the collectives of one communicator; the mailbox's lock guards it.
type calls struct {
	seq      uint64            // of the collective entered last
	active   map[uint64]*call  // those that this rank is in
	blocking *call             // the one among them that a goroutine waits in, or nil
	queues   map[uint64]*queue // their messages, and those of collectives to come
	past     [16]ended         // the last ones, for what comes late
	failed   map[uint64]error  // by seq: collectives that others have failed and this rank has not entered
	asked    map[uint64]question
	stray    error  // for the next collective: one that ended well here has diverged
	misled   uint64 // the collective entered last when the ranks were last found to have diverged
}

// question is a rollcall for a collective that this rank has not entered.
type question struct {
	from int
	theirs
}

// theirs is another rank's part in a collective, as a message says.
type theirs struct {
	signature
	site site
}

func theirsOf(h link.Header) theirs { return theirs{signatureOf(h), siteFrom(h.Aux)} }

// aux is the word of a header that siteFrom and foldFrom read.
func (t theirs) aux() uint64 { return uint64(uint32(t.site)) | uint64(uint32(t.fold))<<32 }

func siteFrom(aux uint64) site { return site(uint32(aux)) }
func foldFrom(aux uint64) fold { return fold(uint32(aux >> 32)) }

// maxAhead bounds the failed collectives, and the questions, that a rank remembers before it has come to them.
const (
	maxAhead       = 1 << 10
	maxAheadUnmade = 1 << 4 // of a communicator that this rank has not made
)

func (s *state) ahead() int {
	if s.made() {
		return maxAhead
	}
	return maxAheadUnmade
}

// ended is a finished collective.
type ended struct {
	theirs
	seq uint64
	at  time.Time
	err error
}

// call is a collective that this rank is in.
type call struct {
	signature
	c      *Comm
	seq    uint64
	site   site
	req    *Request      // nil: the program waits in it
	since  time.Time     // when the watch first saw it
	due    time.Duration // when it is next told to rank 0 that it waits; 0: at the first time
	cancel context.CancelCauseFunc

	err   error // why it was ended from outside; guarded by the mailbox's lock
	known bool  // the other ranks have heard of err already
}

func (k *call) mine() theirs { return theirs{k.signature, k.site} }

// fail ends the call from outside, if there is one; the mailbox's lock is held.
func (k *call) fail(err error, known bool) {
	if k == nil || k.err != nil {
		return
	}
	k.err, k.known = err, known
	k.cancel(err)
}

// admit looks at the message of a collective before it may be matched; the lock is held.
func (b *mailbox) admit(s *state, source int, h link.Header) bool {
	if h.Seq == 0 {
		return false // no rank of this build says that
	}
	if h.Seq > s.seq { // of a collective that this rank has not reached
		return s.failed[h.Seq] == nil
	}
	there := theirsOf(h)
	if k := s.active[h.Seq]; k != nil {
		if !there.agrees(k.signature) {
			k.fail(b.diverged(s, h.Seq, source, there, k.mine()), false)
			return false
		}
		return true
	}
	e := s.past[h.Seq%uint64(len(s.past))]
	if e.seq != h.Seq || e.err != nil || h.Seq <= s.misled {
		return false // of a failed collective
	}
	// It ended well here, yet somebody expects this rank to want more of it.
	err := b.diverged(s, h.Seq, source, there, e.theirs)
	b.sound(s, h.Seq, err)
	b.mislead(s, h.Seq, err)
	return false
}

// named is the rank in this communicator of a rank of the job, for messages.
func (s *state) named(world int) int {
	if r, ok := s.rankOf(world); ok {
		return r
	}
	return world
}

// begin enters the next collective. An error without a call: nothing was entered. With a call: it has failed already.
func (b *mailbox) begin(c *Comm, sig signature, req *Request, cancel context.CancelCauseFunc) (*call, error) {
	at, blocking := here(), req == nil
	b.mu.Lock()
	defer b.mu.Unlock()
	s := c.st
	if b.end != nil {
		return nil, b.end
	}
	if blocking && s.blocking != nil {
		return nil, errStill(s.blocking.signature)
	}
	s.seq++
	k := &call{signature: sig, c: c, seq: s.seq, site: at, req: req, cancel: cancel}
	s.active[k.seq] = k
	if blocking {
		s.blocking = k
	}
	asked, isAsked := s.asked[k.seq]
	broken := s.broken()
	switch {
	case broken != nil:
		k.fail(broken, true) // whoever revoked it has told the others
	case s.failed[k.seq] != nil:
		k.fail(s.failed[k.seq], true)
	case s.stray != nil:
		k.fail(s.stray, false)
		s.stray = nil
	case isAsked && !asked.agrees(sig):
		k.fail(b.diverged(s, k.seq, asked.from, asked.theirs, k.mine()), false)
	default:
		if q := s.queues[k.seq]; q != nil {
			for _, l := range q.letters {
				if there := theirsOf(l.Header); !there.agrees(sig) {
					k.fail(b.diverged(s, k.seq, l.source, there, k.mine()), false)
					break
				}
			}
		}
	}
	delete(s.failed, k.seq)
	delete(s.asked, k.seq)
	return k, k.err
}

// finish leaves the collective, whose body returned err. It returns letters to discard, whether the other ranks must be
// told of a failure, and that failure.
func (b *mailbox) finish(k *call, err error) (left []letter, tell bool, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k.err != nil && (err != nil || codeOf(k.err) == codeDiverged) {
		err = k.err
	}
	s := k.c.st
	delete(s.active, k.seq)
	if s.blocking == k {
		s.blocking = nil
	}
	s.past[k.seq%uint64(len(s.past))] = ended{theirs: k.mine(), seq: k.seq, at: time.Now(), err: err}
	if codeOf(err) == codeDiverged {
		s.misled, s.stray = s.seq, nil // one report is enough
	}
	if q := s.queues[k.seq]; q != nil {
		left = q.letters
		delete(s.queues, k.seq)
	}
	return left, err != nil && !k.known, err
}

// abandon ends a collective that another rank has failed, whether this rank is in it or has yet to come to it.
func (b *mailbox) abandon(context uint32, seq uint64, err error) (left []letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state(context)
	switch {
	case s == nil:
	case seq > s.seq && len(s.failed) >= s.ahead():
		s.stray = err // this rank is too far behind to tell them apart
	case seq > s.seq:
		s.failed[seq] = err
		if q := s.queues[seq]; q != nil {
			left, q.letters = q.letters, nil
		}
	case s.active[seq] != nil:
		s.active[seq].fail(err, true)
	case codeOf(err) == codeDiverged:
		if e := &s.past[seq%uint64(len(s.past))]; e.seq != seq || e.err == nil {
			b.mislead(s, seq, err)
		}
	}
	return left
}

// rollcall answers a rank that has waited for this one in a collective: where both are in it, they must agree. If this
// rank has finished it otherwise, or has closed the communicator, the asker must hear why no message will come.
func (b *mailbox) rollcall(from int, h link.Header) error {
	b.mu.Lock()
	defer b.unlock()
	s := b.state(h.Context)
	if s == nil {
		return ErrLeft
	}
	if h.Seq == 0 { // about a message
		return nil
	}
	there := theirsOf(h)
	if k := s.active[h.Seq]; k != nil {
		if !there.agrees(k.signature) {
			k.fail(b.diverged(s, h.Seq, from, there, k.mine()), false)
		}
		return nil
	}
	if h.Seq > s.seq {
		if len(s.asked) < s.ahead() {
			s.asked[h.Seq] = question{from, there}
		}
		return nil
	}
	e := s.past[h.Seq%uint64(len(s.past))]
	switch {
	case e.seq != h.Seq:
		return nil
	case e.err != nil:
		return e.err
	case !e.agrees(there.signature):
		err := b.diverged(s, h.Seq, from, there, e.theirs)
		b.sound(s, h.Seq, err)
		b.mislead(s, h.Seq, err)
	}
	return nil
}
