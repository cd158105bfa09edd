package comm

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/darray-go/darray/internal/leak"
	"github.com/darray-go/darray/net/link"
)

// body notes that its message was discarded.
type body struct{ discarded bool }

func (b *body) ReadInto(context.Context, [][]byte) error { return nil }
func (b *body) Ref() (any, bool)                         { return nil, false }
func (b *body) Discard() bool                            { b.discarded = true; return true }

const derivedContext = 77

func boxOf(members ...int) (*mailbox, *state) {
	b := newMailbox(members[0], "here", func([]alarm) {})
	return b, b.make(derivedContext, members)
}

func userLetter(source, tag int) (letter, *body) {
	kept := &body{}
	h := link.Header{Kind: kindUser, Context: derivedContext, Tag: int32(tag)}
	return letter{source: source, Message: link.NewMessage(h, kept)}, kept
}

func post(t *testing.T, b *mailbox, s *state, w want) *waiter {
	t.Helper()
	l, waiting, err := b.take(s, w, true)
	if waiting == nil {
		t.Fatalf("got %v, %v where nothing has come", l, err)
	}
	return waiting
}

// Receives that give up when they have met their letters put these back in the order in which they came.
func TestWithdrawKeepsOrder(t *testing.T) {
	b, s := boxOf(0, 1)
	w := want{kind: kindUser, source: 1, anyTag: true}
	first, second := post(t, b, s, w), post(t, b, s, w)
	for tag := range 3 {
		l, _ := userLetter(1, tag)
		b.deliver(l)
	}
	b.withdraw(first)
	b.withdraw(second)
	for tag := range 3 {
		if l, _, err := b.take(s, w, false); err != nil || l.Message == nil || int(l.Tag) != tag {
			t.Fatalf("letter %d: got %+v, %v", tag, l, err)
		}
	}
}

// A letter that a receive has met is let go where the communicator is freed before the receive gives up: else its sender
// would wait for ever.
func TestWithdrawFromFreed(t *testing.T) {
	b, s := boxOf(0, 1)
	w := post(t, b, s, want{kind: kindUser, source: 1})
	l, kept := userLetter(1, 0)
	b.deliver(l)
	b.free(s)
	b.withdraw(w)
	if !kept.discarded {
		t.Error("the letter is kept by a communicator that is freed")
	}
}

// A rank that has left a communicator and then the job counts once: there is another one that may still send.
func TestLeaveTwice(t *testing.T) {
	b, s := boxOf(0, 1, 2)
	left := &RankError{Rank: 1, Cause: ErrLeft}
	b.depart(derivedContext, left)
	b.leave(left, false)
	l, w, err := b.take(s, want{kind: kindUser, source: AnySource}, true)
	if w == nil {
		t.Fatalf("got %v, %v while rank 2 is there", l, err)
	}
	b.leave(&RankError{Rank: 2, Cause: ErrLeft}, false)
	if out := <-w.got; !errors.Is(out.err, ErrLeft) {
		t.Errorf("nobody is left: got %+v", out)
	}
}

// placing starts to put a message of rank 1 where a receive of rank 0 wants it, and returns once it has found that.
func placing(c *Comm) (w *waiter) {
	h := link.Header{Kind: kindUser, Context: worldContext, DType: dtypeOf[int](), Count: 1, Size: 8}
	for w == nil {
		runtime.Gosched()
		w = c.m.box.placeable(1, h)
	}
	return w
}

var aPlaced = outcome{letter: letter{source: 1, placed: true, count: 1}}

// A receive whose context ends while a sender puts the payload where it belongs has got the message.
func TestPlacedAsContextEnds(t *testing.T) {
	leak.Check(t)
	comms, err := NewLocal(2)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, comms)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := Recv(ctx, comms[0], 1, 0, make([]int, 1))
		got <- err
	}()
	w := placing(comms[0])
	cancel()
	for range 1000 {
		runtime.Gosched()
	}
	select {
	case err := <-got:
		t.Fatalf("the receive is over (%v) while its memory is written", err)
	default:
	}
	w.give(aPlaced)
	if err := <-got; err != nil {
		t.Errorf("the message is lost: %v", err)
	}
}

// Irecv on a communicator that is being closed does not end while its memory is written.
func TestPlacedAsMeshCloses(t *testing.T) {
	leak.Check(t)
	comms, err := NewLocal(2)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, comms)
	m := comms[0].m
	m.mu.Lock()
	got := make(chan *Request, 1)
	go func() { got <- Irecv(t.Context(), comms[0], 1, 0, make([]int, 1)) }()
	w := placing(comms[0])
	m.closed = true
	m.mu.Unlock()
	for range 1000 {
		runtime.Gosched()
	}
	select {
	case <-got:
		t.Error("the receive is over while its memory is written")
	default:
	}
	w.give(aPlaced)
	<-got
	m.mu.Lock()
	m.closed = false
	m.mu.Unlock()
}

// A communicator is made once: no peer's word makes another of it.
func TestMakeOnce(t *testing.T) {
	b, s := boxOf(0, 1)
	if b.make(derivedContext, []int{0, 2}) != nil || len(s.members) != 2 || s.members[1] != 1 {
		t.Error("a communicator was made anew")
	}
	b.free(s)
	if b.make(derivedContext, []int{0, 1}) != nil || b.unmade != 0 {
		t.Errorf("a closed communicator was made anew, or %d are counted that are not made", b.unmade)
	}
}
