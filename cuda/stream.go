package cuda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Stream is a queue of work on the device, done in order; work of different streams is in no order but that of Wait. Close it.
type Stream struct {
	d      *Device
	handle uintptr

	mu     sync.Mutex
	closed bool
	// Work is counted: issued is how much was queued, passed how much is known to be over. Each fence is an event that was
	// recorded at a count, the oldest first.
	issued, passed uint64
	fences         []fence
	kept           []kept      // what work still uses, the oldest first
	outs           []*transfer // downloads whose last step, out of a staging buffer, is still to do
}

// fence is an event behind the first at pieces of work of a stream.
type fence struct {
	at    uint64
	event uintptr
}

// kept is something that is let go when the first at pieces of work of a stream are over.
type kept struct {
	at      uint64
	release func()
}

// mark is a place in a stream: behind the first at pieces of its work.
type mark struct {
	s  *Stream
	at uint64
}

// Stream makes a stream.
func (d *Device) Stream() (*Stream, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	word, err := d.v.number(fnStreamCreate, streamNonBlocking)
	if err != nil {
		return nil, err
	}
	s := &Stream{d: d, handle: uintptr(word)}
	d.mu.Lock()
	d.streams = append(d.streams, s)
	d.mu.Unlock()
	return s, nil
}

// Close waits for the stream's work, however long that takes, and gives the stream back. Downloads that were not waited for by
// Sync may be lost. The second call does nothing, as does one after the device was closed.
func (s *Stream) Close() error {
	if err := s.d.enter(); err != nil {
		return gone(err)
	}
	defer s.d.leave()
	return s.destroy()
}

// destroy is Close with the context current.
func (s *Stream) destroy() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	outs := s.outs
	s.outs = nil
	s.mu.Unlock()
	for _, t := range outs {
		t.drop()
	}
	err := s.d.v.call(fnStreamSynchronize, s.handle)
	s.mu.Lock()
	free := s.advance(s.issued)
	s.mu.Unlock()
	for _, k := range free {
		k.release()
	}
	s.d.mu.Lock()
	s.d.streams = slices.DeleteFunc(s.d.streams, func(other *Stream) bool { return other == s })
	s.d.mu.Unlock()
	return errors.Join(err, s.d.v.call(fnStreamDestroy, s.handle))
}

// issue queues work, which q does, and counts it. Where q fails nothing was queued. Release, if there is one, is called once,
// when the work is over; also where it was never queued.
func (s *Stream) issue(release func(), q func() error) (mark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.closed {
		err = fmt.Errorf("stream: %w", ErrClosed)
	} else {
		err = q()
	}
	if err != nil {
		if release != nil {
			release()
		}
		return mark{s, s.issued}, err
	}
	s.issued++
	if release != nil {
		s.kept = append(s.kept, kept{s.issued, release})
	}
	return mark{s, s.issued}, nil
}

// fence makes sure that it can be seen when all work queued so far is over.
func (s *Stream) fence() (mark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := mark{s, s.issued}
	if s.passed >= s.issued || s.closed {
		return m, nil
	}
	if n := len(s.fences); n > 0 && s.fences[n-1].at >= s.issued {
		return m, nil
	}
	event, err := s.d.takeEvent()
	if err != nil {
		return m, err
	}
	if err := s.d.v.call(fnEventRecord, event, s.handle); err != nil {
		s.d.putEvent(event)
		return m, err
	}
	s.fences = append(s.fences, fence{s.issued, event})
	return m, nil
}

// look finds out how much of the stream's work is over, and lets go of what that used.
func (s *Stream) look() error {
	s.mu.Lock()
	var free []kept
	var err error
	for len(s.fences) > 0 {
		f := s.fences[0]
		ok, e := s.d.passed(f.event)
		if err = e; !ok {
			break
		}
		free = append(free, s.advance(f.at)...)
	}
	s.mu.Unlock()
	for _, k := range free {
		k.release()
	}
	return err
}

// advance notes that the first at pieces of work are over, and returns what they kept.
func (s *Stream) advance(at uint64) []kept {
	s.passed = max(s.passed, at)
	n := 0
	for n < len(s.fences) && s.fences[n].at <= at {
		s.d.putEvent(s.fences[n].event)
		n++
	}
	s.fences = slices.Delete(s.fences, 0, n)
	n = 0
	for n < len(s.kept) && s.kept[n].at <= at {
		n++
	}
	free := slices.Clone(s.kept[:n])
	s.kept = slices.Delete(s.kept, 0, n)
	return free
}

// over reports whether what the mark stands behind is over. Where the fence at it could not be made there is one from now on.
func (m mark) over() (bool, error) {
	if m.known() {
		return true, nil
	}
	if err := m.s.look(); err != nil {
		return false, err
	}
	if m.known() {
		return true, nil
	}
	if m.fenced() {
		return false, nil
	}
	_, err := m.s.fence()
	return false, err
}

// fenced reports whether there is a fence at the mark or later.
func (m mark) fenced() bool {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	n := len(m.s.fences)
	return m.s.passed >= m.at || n > 0 && m.s.fences[n-1].at >= m.at
}

// await waits until that is so.
func (m mark) await(ctx context.Context) error {
	return poll(ctx, func() (ok bool, err error) {
		err = m.s.d.do(func() error {
			ok, err = m.over()
			return err
		})
		return ok, err
	})
}

// known reports whether that is known already.
func (m mark) known() bool {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.s.passed >= m.at
}

// marks are the places that all streams with work have come to in their queues, each with a fence.
func (d *Device) marks() ([]mark, error) {
	d.mu.Lock()
	streams := slices.Clone(d.streams)
	d.mu.Unlock()
	var marks []mark
	var errs []error
	for _, s := range streams {
		m, err := s.fence()
		errs = append(errs, err)
		if !m.known() {
			marks = append(marks, m)
		}
	}
	return marks, errors.Join(errs...)
}

// visited makes work of another device that uses memory of this one, up to a mark with a fence, count as work of its own: of a
// stream that does nothing but wait for such.
func (d *Device) visited(m mark) error {
	return d.do(func() error {
		d.visiting.Lock()
		defer d.visiting.Unlock()
		if d.visits == nil {
			s, err := d.Stream()
			if err != nil {
				return err
			}
			d.visits = s
		}
		_, err := d.visits.issue(nil, func() error { return d.visits.wait([]mark{m}) })
		return err
	})
}

// Record makes e stand behind all work queued so far.
func (s *Stream) Record(e *Event) error {
	handle, err := e.use()
	if err != nil {
		return err
	}
	if err := s.d.enter(); err != nil {
		return err
	}
	defer s.d.leave()
	_, err = s.issue(nil, func() error { return s.d.v.call(fnEventRecord, handle, s.handle) })
	return err
}

// Wait makes work queued from now on wait, on the device, for what e stood behind when Wait was called. The caller goes on.
func (s *Stream) Wait(e *Event) error {
	handle, err := e.use()
	if err != nil {
		return err
	}
	if err := s.d.enter(); err != nil {
		return err
	}
	defer s.d.leave()
	_, err = s.issue(nil, func() error { return s.d.v.call(fnStreamWaitEvent, s.handle, handle, 0) })
	return err
}

// wait makes the stream wait for marks of other streams.
func (s *Stream) wait(marks []mark) error {
	for _, m := range marks {
		if m.s == s || m.known() {
			continue
		}
		m.s.mu.Lock()
		var event uintptr
		for _, f := range m.s.fences {
			if f.at >= m.at {
				event = f.event
				break
			}
		}
		// The event stays out of use by others while its stream is locked, which is all that a wait needs.
		var err error
		if event != 0 {
			err = s.d.v.call(fnStreamWaitEvent, s.handle, event, 0)
		}
		m.s.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// Sync waits until all work queued so far is over, and the bytes of its downloads are where they belong. Where ctx ends first
// the work goes on, but downloads to memory that is not pinned write nothing any more.
func (s *Stream) Sync(ctx context.Context) error {
	if err := s.sync(ctx); err != nil {
		s.drop()
		return err
	}
	return nil
}

func (s *Stream) sync(ctx context.Context) error {
	var m mark
	err := s.d.do(func() (err error) {
		m, err = s.fence()
		return err
	})
	if err != nil {
		return err
	}
	return s.syncTo(ctx, m)
}

// syncTo is sync for the work up to a mark with a fence.
func (s *Stream) syncTo(ctx context.Context, m mark) error {
	if err := m.await(ctx); err != nil {
		return err
	}
	for {
		t := s.firstOut(m.at)
		if t == nil {
			return nil
		}
		t.copyOut()
		s.mu.Lock()
		if len(s.outs) > 0 && s.outs[0] == t {
			s.outs = slices.Delete(s.outs, 0, 1)
		}
		s.mu.Unlock()
		if err := context.Cause(ctx); err != nil {
			return err
		}
	}
}

// firstOut is the oldest download of the first at pieces of work that may not be in its place yet.
func (s *Stream) firstOut(at uint64) *transfer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.outs) == 0 || s.outs[0].mark.at > at {
		return nil
	}
	return s.outs[0]
}

// drop forgets the downloads that are not in their place yet.
func (s *Stream) drop() {
	s.mu.Lock()
	outs := s.outs
	s.outs = nil
	s.mu.Unlock()
	for _, t := range outs {
		t.drop()
	}
}
