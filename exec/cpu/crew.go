package cpu

import "sync"

// crew is a device's goroutines: they wait for runs to share in.
type crew struct {
	mu      sync.Mutex
	jobs    chan *run // nil: not started
	closed  bool
	running sync.WaitGroup
}

// share has up to n goroutines of the crew, as they are free, work on r as well. The first call starts them all.
func (d *Device) share(r *run, n int) {
	if n <= 0 {
		return
	}
	c := &d.crew
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.jobs == nil {
		c.jobs = make(chan *run, d.threads-1)
		for range d.threads - 1 {
			c.running.Go(func() {
				for r := range c.jobs {
					d.work(r)
					d.drop(r)
				}
			})
		}
	}
	for range n {
		r.users.Add(1)
		select {
		case c.jobs <- r:
		default: // all are busy with other runs
			r.users.Add(-1)
			return
		}
	}
}

// close ends the goroutines and waits for them.
func (c *crew) close() {
	c.mu.Lock()
	if !c.closed && c.jobs != nil {
		close(c.jobs)
	}
	c.closed = true
	c.mu.Unlock()
	c.running.Wait()
}

// spare is values to be used again: as many as were in use at once, so that none is made where nothing changes.
type spare[T any] struct {
	mu   sync.Mutex
	list []*T
}

func (s *spare[T]) take() *T {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.list)
	if n == 0 {
		return new(T)
	}
	v := s.list[n-1]
	s.list = s.list[:n-1]
	return v
}

func (s *spare[T]) put(v *T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, v)
}
