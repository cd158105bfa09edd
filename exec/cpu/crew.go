package cpu

import (
	"sync"
	"sync/atomic"
)

// crew is a device's goroutines beside those of its callers.
type crew struct {
	once    sync.Once // starts them, with the first task that is offered
	members []member
	closed  atomic.Bool
	running sync.WaitGroup
}

// member is a goroutine of a crew.
type member struct {
	task atomic.Pointer[task] // its next one; nil while it works
	wake chan struct{}
	_    [48]byte // the next member's is in another line of the cache
}

// task is work that a crew can share in.
type task struct {
	// work does a part and returns when none is left; member counts the goroutines from 1, the caller's is 0.
	work func(member int)
}

// What stands where a member waits for a task.
var (
	looking task // it looks for one
	asleep  task // it has to be woken
)

// looks is how often a goroutine looks before it sleeps, 50 us in all: the next task, and the end of this one, mostly come
// sooner, and to wake a sleeper takes as long as to add 100,000 elements.
const looks = 100_000

// offer offers t to the first n members of a crew of size, those that sleep only if they are to be woken. It gives how many
// have been offered it.
func (c *crew) offer(t *task, n, size int, wake bool) (offered int) {
	if n <= 0 || c.closed.Load() {
		return 0
	}
	c.once.Do(func() { c.start(size) })
	for i := range c.members[:min(n, len(c.members))] {
		m := &c.members[i]
		switch {
		case m.task.CompareAndSwap(&looking, t):
			offered++
		case wake && m.task.CompareAndSwap(&asleep, t):
			offered++
			m.wake <- struct{}{}
		}
	}
	return offered
}

// revoke takes t back from those it was offered to who have not begun with it, and gives their number.
func (c *crew) revoke(t *task, offered int) (revoked int) {
	if offered == 0 {
		return 0
	}
	for i := range c.members {
		if c.members[i].task.CompareAndSwap(t, &looking) {
			revoked++
		}
	}
	return revoked
}

func (c *crew) start(size int) {
	c.members = make([]member, size)
	for i := range c.members {
		m := &c.members[i]
		m.wake = make(chan struct{}, 1)
		m.task.Store(&looking)
		c.running.Go(func() {
			for t := c.next(m); t != nil; t = c.next(m) {
				t.work(i + 1)
				m.task.Store(&looking)
			}
		})
	}
}

// next waits for a task; nil once the crew is closed.
func (c *crew) next(m *member) *task {
	for {
		for range looks {
			if t := m.task.Load(); t != &looking && m.task.CompareAndSwap(t, nil) {
				return t
			}
		}
		if m.task.CompareAndSwap(&looking, &asleep) {
			if c.closed.Load() && m.task.CompareAndSwap(&asleep, &looking) {
				return nil
			}
			<-m.wake
		}
	}
}

// close ends the goroutines and waits for them.
func (c *crew) close() {
	c.closed.Store(true)
	c.once.Do(func() {}) // none is started any more
	for i := range c.members {
		if m := &c.members[i]; m.task.CompareAndSwap(&asleep, &looking) {
			m.wake <- struct{}{}
		}
	}
	c.running.Wait()
}

// shares deals the pieces of a task to goroutines: to each some that lie together, which it takes in order before it takes
// what others have left. So it meets the memory that it has in its caches when a task is repeated.
type shares struct {
	of   []share
	left atomic.Int64 // pieces that are not done
	end  atomic.Int32 // who came first to the end: see finish and wait
	done chan struct{}
}

// share is the pieces of a goroutine.
type share struct {
	next atomic.Int64
	hi   int64
	_    [48]byte
}

const (
	ended  = 1 + iota // all pieces were done before the caller slept
	sleeps            // the caller sleeps until it is told
)

// begin deals out n pieces.
func (s *shares) begin(n, members int) {
	if s.done == nil {
		s.done = make(chan struct{}, 1)
	}
	if cap(s.of) < members {
		s.of = make([]share, members)
	}
	s.of = s.of[:members]
	for k := range s.of {
		s.of[k].next.Store(int64(n * k / members))
		s.of[k].hi = int64(n * (k + 1) / members)
	}
	s.left.Store(int64(n))
	s.end.Store(0)
}

// take gives member's next piece; false where none is left.
func (s *shares) take(member int) (piece int, ok bool) {
	for range s.of {
		if member >= len(s.of) {
			member = 0
		}
		f := &s.of[member]
		if f.next.Load() < f.hi {
			if p := f.next.Add(1) - 1; p < f.hi {
				return int(p), true
			}
		}
		member++
	}
	return 0, false
}

// cancel takes all pieces that nobody has taken, and gives their number.
func (s *shares) cancel() (n int) {
	for k := range s.of {
		n += int(max(0, s.of[k].hi-s.of[k].next.Swap(s.of[k].hi)))
	}
	return n
}

// finish says that n more pieces are done.
func (s *shares) finish(n int) {
	if s.left.Add(int64(-n)) == 0 && !s.end.CompareAndSwap(0, ended) {
		s.done <- struct{}{}
	}
}

// wait returns when all pieces are done.
func (s *shares) wait() {
	for range looks {
		if s.left.Load() == 0 {
			return
		}
	}
	if s.end.CompareAndSwap(0, sleeps) {
		<-s.done
	}
}
