package comm

import "time"

// The watch nudges receives that take long, so that they look after who they wait for. One goroutine does it for all, so
// that a receive needs no timer. It sleeps while nothing waits.

// idleTicks is how many times the watch finds nothing that waits before it sleeps.
const idleTicks = 50

func (m *mesh) watch() {
	for {
		select {
		case <-m.box.watch:
		case <-m.quit:
			return
		}
		if !m.patrol() {
			return
		}
	}
}

// patrol nudges until nothing waits; false: the mesh is closed.
func (m *mesh) patrol() bool {
	timer := time.NewTimer(firstLook)
	defer timer.Stop()
	for idle := 0; ; {
		select {
		case <-timer.C:
		case <-m.quit:
			return false
		}
		waiting, young, overdue := m.box.nudge(time.Now(), m.patience, m.roll.after)
		if overdue {
			m.waits()
		}
		switch {
		case waiting == 0 && idle == idleTicks && m.box.unwatched():
			return true
		case waiting == 0:
			idle++
			timer.Reset(firstLook)
		case young:
			idle = 0
			timer.Reset(firstLook)
		default:
			idle = 0
			timer.Reset(max(firstLook, m.patience/4))
		}
	}
}

// nudge wakes the receives whose time has come. It returns how many operations wait, whether one of them is a receive that
// has not been nudged yet, and whether one has waited for so long that rank 0 should hear.
func (b *mailbox) nudge(now time.Time, patience, warn time.Duration) (waiting int, young, overdue bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.states {
		for _, k := range s.active {
			if k.since.IsZero() {
				k.since = now
			}
			overdue = passed(&k.due, now.Sub(k.since), warn) || overdue
		}
		for p := range s.sends {
			waiting++
			overdue = passed(&p.due, now.Sub(p.since), warn) || overdue
		}
		for _, q := range s.all() {
			for _, w := range q.waiters {
				waiting++
				if w.since.IsZero() {
					w.since = now
				}
				if w.kind != kindCall {
					overdue = passed(&w.due, now.Sub(w.since), warn) || overdue
				}
				due := firstLook
				if w.looks > 0 {
					due = time.Duration(w.looks) * patience
				}
				if now.Sub(w.since) >= due && !w.nudged {
					w.nudged = true
					w.looks++
					w.give(outcome{nudge: true})
				}
				young = young || w.looks == 0
			}
		}
	}
	return waiting, young, overdue
}

// passed reports whether a wait has come to where rank 0 is told: at warn, twice that, four times that and so on. No such
// time where warn is 0.
func passed(due *time.Duration, waited, warn time.Duration) bool {
	if warn == 0 || waited < max(*due, warn) {
		return false
	}
	*due = 2 * max(*due, warn)
	return true
}

// nudgeTaken notes where w is, which was nudged, and returns how often that was.
func (b *mailbox) nudgeTaken(w *waiter, at site) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	w.nudged = false
	if w.site == 0 {
		w.site = at
	}
	return w.looks
}

// unwatched lets the next receive that waits wake the watch; false: one waits now.
func (b *mailbox) unwatched() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.states {
		if len(s.sends) > 0 {
			return false
		}
		for _, q := range s.all() {
			if len(q.waiters) > 0 {
				return false
			}
		}
	}
	b.watching = false
	return true
}
