package comm

import "fmt"

// diverged says that a rank of the job is in another call than this one. Ranks and roots are those of the communicator.
func (b *mailbox) diverged(s *state, seq uint64, world int, theirs, mine theirs) error {
	of := ""
	if s.context != worldContext {
		of = fmt.Sprintf("of the communicator of %s of the job ", communicator(s.members[:min(maxNamed, s.size())], s.size()))
	}
	return fmt.Errorf("%w: %srank %d makes %s%s, rank %d makes %s%s; all ranks must make the same calls in the same order", ErrDiverged, of,
		s.named(world), theirs.numbered(seq), theirs.site.in(), s.named(b.rank), mine.numbered(seq), mine.site.in())
}

// alarm is a failed collective that this rank is not in, for all of its ranks.
type alarm struct {
	members []int
	notice
}

// mislead ends what this rank is in, or its next collective, because one that ended well here has diverged; the lock is
// held. One report is enough, whatever else is still on its way.
func (b *mailbox) mislead(s *state, seq uint64, err error) {
	if seq <= s.misled {
		return
	}
	s.misled = s.seq
	if len(s.active) == 0 && s.stray == nil {
		s.stray = err
	}
	for _, k := range s.active {
		k.fail(err, false)
	}
}

// sound raises an alarm once the lock is free; the lock is held.
func (b *mailbox) sound(s *state, seq uint64, err error) {
	b.alarms = append(b.alarms, alarm{s.members, notice{
		ctl: ctlFailed, context: s.context, seq: seq, err: &RankError{Rank: b.rank, Host: b.host, Cause: err},
	}})
}

// alarm brings word of failed collectives to all their ranks.
func (m *mesh) alarm(alarms []alarm) {
	for _, a := range alarms {
		for _, w := range a.members {
			if w != m.rank {
				m.tellOne(m.peer(w), a.notice)
			}
		}
	}
}
