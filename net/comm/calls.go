package comm

import (
	"context"
	"fmt"

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
)

func (o opcode) String() string {
	names := [...]string{"none", "barrier", "bcast", "scatter", "gather", "allgather", "reduce", "allreduce"}
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
	count int // elements, where every rank must pass as many; else 0
}

func signatureOf(h link.Header) signature {
	return signature{op: opcode(h.Op), dtype: h.DType, root: int(h.Root), count: int(h.Count)}
}

// String reads "bcast of 100 float64, root 0".
func (s signature) String() string {
	text := s.op.String()
	switch {
	case s.count > 0:
		text += fmt.Sprintf(" of %d %s", s.count, dtypeName(s.dtype))
	case s.dtype != dtypeNone:
		text += " of " + dtypeName(s.dtype)
	}
	if s.op.rooted() {
		text += fmt.Sprintf(", root %d", s.root)
	}
	return text
}

// calls is the state of the collectives of one communicator; the mailbox's lock guards it.
type calls struct {
	seq    uint64           // of the collective entered last
	active *call            // the one this rank is in, or nil
	past   [16]ended        // the last ones, for what comes late
	failed map[uint64]error // by seq: collectives that others have failed and this rank has not entered
	stray  error            // a message for a collective that ended well here: the ranks have diverged
}

// maxAhead bounds the failed collectives that a rank remembers before it has come to them.
const maxAhead = 1 << 10

// ended is a finished collective.
type ended struct {
	signature
	seq uint64
	err error
}

// call is the collective that this rank is in.
type call struct {
	signature
	c      *Comm
	seq    uint64
	cancel context.CancelCauseFunc

	err   error // why it was ended from outside; guarded by the mailbox's lock
	known bool  // the other ranks have heard of err already
}

func (k *call) lane() lane { return lane{kind: kindCall, context: k.c.context, seq: k.seq} }

// fail ends the call from outside, if there is one; the mailbox's lock is held.
func (k *call) fail(err error, known bool) {
	if k == nil || k.err != nil {
		return
	}
	k.err, k.known = err, known
	k.cancel(err)
}

func diverged(seq uint64, rank int, theirs, mine signature) error {
	return fmt.Errorf("%w: in collective %d rank %d makes a %v, this rank a %v; all ranks must make the same calls in the same order",
		ErrDiverged, seq, rank, theirs, mine)
}

// admit looks at the letter of a collective before it may be matched; the lock is held.
func (b *mailbox) admit(l *letter) bool {
	s := b.calls[l.Context]
	theirs := signatureOf(l.Header)
	switch {
	case s == nil || l.Seq == 0:
		return false // no rank of this build says that
	case l.Seq > s.seq: // of a collective that this rank has not reached
		return s.failed[l.Seq] == nil
	case s.active != nil && s.active.seq == l.Seq:
		if theirs != s.active.signature {
			s.active.fail(diverged(l.Seq, l.source, theirs, s.active.signature), false)
			return false
		}
		return true
	default:
		e := s.past[l.Seq%uint64(len(s.past))]
		if e.seq != l.Seq || e.err != nil {
			return false // of a failed collective
		}
		// It ended well here, yet somebody expects this rank to want more of it.
		err := diverged(l.Seq, l.source, theirs, e.signature)
		if s.active != nil {
			s.active.fail(err, false)
		} else if s.stray == nil {
			s.stray = err
		}
		return false
	}
}

// begin enters the next collective. An error without a call: nothing was entered. With a call: it has failed already.
func (b *mailbox) begin(c *Comm, sig signature, cancel context.CancelCauseFunc) (*call, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil {
		return nil, b.end
	}
	s := b.calls[c.context]
	if s.active != nil {
		return nil, fmt.Errorf("this rank is still in %v; one collective at a time", s.active.signature)
	}
	s.seq++
	k := &call{signature: sig, c: c, seq: s.seq, cancel: cancel}
	s.active = k
	switch {
	case b.lost != nil:
		k.fail(b.lost, false)
	case s.failed[k.seq] != nil:
		k.fail(s.failed[k.seq], true)
	case s.stray != nil:
		k.fail(s.stray, false)
		s.stray = nil
	default:
		for _, l := range b.letters[k.lane()] {
			if signatureOf(l.Header) != sig {
				k.fail(diverged(k.seq, l.source, signatureOf(l.Header), sig), false)
				break
			}
		}
	}
	delete(s.failed, k.seq)
	return k, k.err
}

// finish leaves the collective, whose body returned err. It returns letters to discard, whether the other ranks must be
// told of a failure, and that failure.
func (b *mailbox) finish(k *call, err error) (left []*letter, tell bool, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k.err != nil && (err != nil || codeOf(k.err) == codeDiverged) {
		err = k.err
	}
	s := b.calls[k.c.context]
	s.active = nil
	s.past[k.seq%uint64(len(s.past))] = ended{signature: k.signature, seq: k.seq, err: err}
	if codeOf(err) == codeDiverged {
		for i := range s.past { // one report is enough, whatever else is still on its way
			s.past[i].err = err
		}
	}
	return b.letters.drop(k.lane()), err != nil && !k.known, err
}

// abandon ends a collective that another rank has failed, whether this rank is in it or has yet to come to it.
func (b *mailbox) abandon(context uint32, seq uint64, err error) (left []*letter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.calls[context]
	switch {
	case s == nil:
	case seq > s.seq && len(s.failed) == maxAhead:
		s.stray = err // this rank is too far behind to tell them apart
	case seq > s.seq:
		s.failed[seq] = err
		left = b.letters.drop(lane{kind: kindCall, context: context, seq: seq})
	case s.active != nil && s.active.seq == seq:
		s.active.fail(err, true)
	}
	return left
}

// rollcall answers a rank that has waited long for this one in a collective: where both are in it, they must agree. If
// this rank has finished it otherwise, the asker must hear why no message will come.
func (b *mailbox) rollcall(from int, h link.Header) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.calls[h.Context]
	if s == nil {
		return nil
	}
	theirs := signatureOf(h)
	if s.active != nil && s.active.seq == h.Seq {
		if theirs != s.active.signature {
			s.active.fail(diverged(h.Seq, from, theirs, s.active.signature), false)
		}
		return nil
	}
	e := s.past[h.Seq%uint64(len(s.past))]
	switch {
	case e.seq != h.Seq:
		return nil
	case e.err != nil:
		return e.err
	case e.signature != theirs:
		return diverged(h.Seq, from, theirs, e.signature)
	default:
		return nil
	}
}
