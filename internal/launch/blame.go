package launch

import (
	"errors"
	"fmt"
	"time"
)

// A rank that fails says whom it blames before it ends, so that the launcher names the one that failed by itself, which
// need not be the first to exit, and so that the others can let that one speak first.

const (
	// lastWords bounds the wait for what an ended process has still said.
	lastWords = 100 * time.Millisecond
	// speakFirst bounds how long a rank waits for the one that it blames to end: in vain, where that one is stopped or cut off.
	speakFirst = 500 * time.Millisecond
)

// Blame tells the launcher which rank is at fault for the end of this one: another, or this one itself. Then it waits until
// that other rank's process has ended and what it wrote is read, for at most 500 ms.
func (a *Agent) Blame(self, rank int) {
	ended := a.endOf(rank)
	if a.send(message{Kind: "blame", Rank: rank}) != nil || rank == self {
		return
	}
	limit := time.NewTimer(speakFirst)
	defer limit.Stop()
	select {
	case <-ended:
	case <-a.gone:
	case <-limit.C:
	}
}

// endOf is closed when the launcher says that a rank has ended.
func (a *Agent) endOf(rank int) <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ends == nil {
		a.ends = make(map[int]chan struct{})
	}
	if a.ends[rank] == nil {
		a.ends[rank] = make(chan struct{})
	}
	return a.ends[rank]
}

func (a *Agent) hearEnd(rank int) {
	ended := a.endOf(rank)
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-ended:
	default:
		close(a.ends[rank])
	}
}

// blamed takes note of whom a rank blames.
func (s *agentServer) blamed(m *member, by, rank int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rank < 0 || rank >= MaxRanks {
		return
	}
	s.blames[by] = rank
	if s.ended[rank] {
		tell(m, message{Kind: "ended", Rank: rank})
	}
}

// hasEnded tells those who blame a rank, here or on other hosts, that its process has ended.
func (s *agentServer) hasEnded(rank int) {
	s.hearEnd(rank)
	s.mu.Lock()
	r, says := s.blames[rank]
	s.mu.Unlock()
	if says && r == rank {
		s.part.up(message{Kind: "ended", Rank: rank})
	}
}

// hearEnd tells those here.
func (s *agentServer) hearEnd(rank int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[rank] = true
	for by, r := range s.blames {
		if r == rank && by != rank {
			tell(s.members[by], message{Kind: "ended", Rank: rank})
		}
	}
}

// culprit follows the blame from a rank to one that blames itself or nobody. The rank it began with where blame goes in a
// circle.
func (s *agentServer) culprit(rank int) int {
	s.hearOut(rank)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := rank
	for range s.blames {
		next, says := s.blames[at]
		if !says || next == at {
			return at
		}
		at = next
	}
	if next, says := s.blames[at]; says && next != at {
		return rank
	}
	return at
}

// hearOut waits for what a rank that has ended has said to the agent.
func (s *agentServer) hearOut(rank int) {
	s.mu.Lock()
	m := s.members[rank]
	s.mu.Unlock()
	if m == nil {
		return
	}
	limit := time.NewTimer(lastWords)
	defer limit.Stop()
	select {
	case <-m.ended:
	case <-limit.C:
	}
}

// exitOf describes how a rank ended.
func exitOf(e exit) *ExitError {
	return &ExitError{Rank: e.process.rank, PID: e.state.Pid(), State: e.state.String(), Code: exitCode(e.state)}
}

// accuse makes the error of the job that of the rank which is at fault, where that is another than the first that exited.
func (j *job) accuse() {
	var first *ExitError
	if !errors.As(j.cause, &first) || j.failed == nil {
		return
	}
	e, ended := j.ended[j.agent.culprit(first.Rank)]
	if !ended || e.process == j.failed || exitCode(e.state) == 0 {
		return
	}
	exit := exitOf(e)
	if e.asked { // by us: it was at fault before, and may as well have been silent as have failed
		exit.State = fmt.Sprintf("rank %d blames it; then it was ended, %s", first.Rank, exit.State)
		exit.Code = first.Code
	}
	j.failed, j.cause = e.process, exit
}
