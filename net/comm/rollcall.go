package comm

import (
	"context"
	"sync"
	"time"

	"github.com/darray-go/darray/net/link"
)

// The roll-call finds out where a job hangs. A rank that has waited for long tells rank 0 (watch.go). Rank 0 asks all ranks
// where they are and says so in one sentence. All of it are control messages, which are read whatever the ranks do.

const (
	defaultWaitWarn = 10 * time.Second
	// rollSettle is how long rank 0 waits for others to say that they wait, which they do at about the same time.
	rollSettle = 100 * time.Millisecond
	// answerLimit is how long a rank has to say where it is.
	answerLimit = time.Second
)

// roll is what a rank knows of roll-calls. All but after is for rank 0.
type roll struct {
	after time.Duration // 0: never
	warn  func(sentence string)
	state *rollState
}

type rollState struct {
	mu      sync.Mutex
	called  bool // a roll-call is about to begin
	number  uint64
	answers chan answer // to question number; nil: none is under way
	last    time.Time   // when the last roll-call began

	// Of the last warning.
	told time.Time
	key  string
	gap  time.Duration // until the same may be said again
}

// answer is where a rank is.
type answer struct {
	rank   int
	at     []record
	silent bool // it has not answered
	gone   bool
}

func (cfg Config) roll() roll {
	r := roll{after: cfg.WaitWarn, warn: cfg.Warn, state: new(rollState)}
	switch {
	case r.after < 0:
		r.after = 0
	case r.after == 0:
		r.after = defaultWaitWarn
	}
	return r
}

// waits makes rank 0 hear that this rank has waited for long.
func (m *mesh) waits() {
	if m.rank == 0 {
		m.callRoll()
	} else {
		m.tellOne(m.peer(0), notice{ctl: ctlWaits})
	}
}

// heedRoll takes in p's part of a roll-call.
func (m *mesh) heedRoll(p *peer, msg *link.Message) {
	switch {
	case msg.Op == ctlWaits && m.rank == 0:
		m.callRoll()
	case msg.Op == ctlWhere && p.rank == 0:
		m.tellOne(p, notice{ctl: ctlHere, seq: msg.Seq, body: encodeRecords(m.box.positions(time.Now()))})
	case msg.Op == ctlHere && m.rank == 0:
		m.answered(p, msg)
	}
}

func (m *mesh) answered(p *peer, msg *link.Message) {
	s := m.roll.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil || msg.Seq != s.number || msg.Size > link.EagerLimit {
		return
	}
	raw := make([]byte, msg.Size)
	if msg.ReadInto(context.Background(), raw) != nil {
		return // the reader will see why
	}
	at, err := decodeRecords(raw)
	if err != nil {
		return // counts as no answer
	}
	select {
	case s.answers <- answer{rank: p.rank, at: at}:
	default: // it has answered twice
	}
}

// callRoll starts a roll-call soon, unless one is about to begin.
func (m *mesh) callRoll() {
	s := m.roll.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.roll.warn == nil || m.roll.after == 0 || s.called {
		return
	}
	wait := rollSettle
	if since := time.Since(s.last); !s.last.IsZero() && since < m.roll.after/4 { // those who wait for other reasons, later
		wait = m.roll.after/4 - since
	}
	s.called = m.run(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			m.warn(m.askAll())
		case <-m.quit:
		}
	})
}

// askAll asks every rank where it is.
func (m *mesh) askAll() []answer {
	s := m.roll.state
	answers := make(chan answer, m.size)
	s.mu.Lock()
	s.called, s.last = false, time.Now()
	s.number++
	s.answers = answers
	number := s.number
	s.mu.Unlock()
	all := make([]answer, m.size)
	all[0] = answer{at: m.box.positions(time.Now())}
	asked := 0
	for r := 1; r < m.size; r++ {
		p := m.peer(r)
		all[r] = answer{rank: r, silent: true}
		if _, err := p.state(); err != nil {
			all[r].gone = true
			continue
		}
		m.tellOne(p, notice{ctl: ctlWhere, seq: number, reach: true})
		asked++
	}
	limit := time.NewTimer(answerLimit)
	defer limit.Stop()
	for timeout := false; asked > 0 && !timeout; asked-- {
		select {
		case a := <-answers:
			all[a.rank] = a
		case <-limit.C:
			timeout = true
		case <-m.quit:
			timeout = true
		}
	}
	s.mu.Lock()
	s.answers = nil
	s.mu.Unlock()
	return all
}

// warn says where the ranks are, if that is worth a word: one has waited long in a collective, or all have in anything. The
// same is said again after growing times.
func (m *mesh) warn(all []answer) {
	text, key := sentence(all, m.roll.after)
	if text == "" || m.box.over() != nil {
		return
	}
	s := m.roll.state
	s.mu.Lock()
	now := time.Now()
	if key != s.key {
		s.key, s.gap, s.told = key, m.roll.after, time.Time{}
	}
	again := s.told.IsZero() || now.Sub(s.told) > s.gap-s.gap/8 // answers take time
	if again {
		if !s.told.IsZero() {
			s.gap *= 2
		}
		s.told = now
	}
	s.mu.Unlock()
	if again {
		m.roll.warn(text)
	}
}
