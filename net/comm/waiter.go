package comm

import (
	"slices"
	"time"
)

// outcome is what a receive gets: a letter, why there will be none, or a nudge to look after who it waits for.
type outcome struct {
	letter letter
	err    error
	nudge  bool
}

// waiter is a receive that has been posted and not met its letter yet. Whoever takes it off the list gives the outcome.
type waiter struct {
	want
	st     *state
	since  time.Time     // when the watch first saw it
	looks  int           // times that it was nudged
	due    time.Duration // when it is next told to rank 0 that it waits; 0: at the first time
	nudged bool          // the nudge has not been taken yet
	site   site          // where in the program, once it has taken long
	got    chan outcome
}

func (w *waiter) give(o outcome) { w.got <- o }

// waiter returns an unused one; the lock is held.
func (b *mailbox) waiter() *waiter {
	if last := len(b.spare) - 1; last >= 0 {
		w := b.spare[last]
		b.spare = b.spare[:last]
		return w
	}
	return &waiter{got: make(chan outcome, 2)} // a nudge and the outcome
}

// release takes w back, which is off its list and whose outcome was taken.
func (b *mailbox) release(w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.got: // a nudge that came too late
	default:
	}
	*w = waiter{got: w.got}
	b.spare = append(b.spare, w)
}

// withdraw takes w off its list and releases it. A letter that met it just before goes back to where it was. True: the
// payload is in w.into already, which is not to be undone. When it returns, nobody writes there any more.
func (b *mailbox) withdraw(w *waiter) (placed letter, ok bool) {
	l := b.takeBack(w)
	b.release(w)
	if l.placed {
		return l, true
	}
	if l.Message != nil {
		l.Discard() // without the lock, as it calls the link
	}
	return letter{}, false
}

// takeBack takes w off its list. It returns a letter whose payload has been placed, or which nobody can want any more.
func (b *mailbox) takeBack(w *waiter) letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := w.st.at(w.kind, w.seq)
	if i := slices.Index(q.waiters, w); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
		return letter{}
	}
	out := <-w.got
	if out.nudge {
		out = <-w.got
	}
	l := out.letter
	switch {
	case l.placed:
		return l
	case l.Message == nil || w.peek:
		return letter{}
	case b.end != nil || b.freed[w.st.context]:
		return l
	case q.hand(l):
		return letter{}
	}
	i := slices.IndexFunc(q.letters, func(kept letter) bool { return kept.arrival > l.arrival })
	if i < 0 {
		i = len(q.letters)
	}
	q.letters = slices.Insert(q.letters, i, l)
	return letter{}
}
