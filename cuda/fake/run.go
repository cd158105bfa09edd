package fake

import (
	"context"
	"slices"
	"time"
)

// asking is how much of the host's time one call runs kernels for. Nearly all that tests run is over in it, so that the order of work
// does not depend on time.
const asking = 10 * time.Millisecond

// runs runs work until done says so, or a kernel takes too long, or nothing can run. By the toss of a coin that is only what has to run
// for the stream, or whatever can run of all streams.
func (m *Machine) runs(st *stream, done func() bool) {
	only := m.rng.IntN(2) == 0
	until := time.Now().Add(asking)
	for !done() {
		next := st
		switch {
		case m.busy != nil:
			next = m.busy.st
		case only:
			next = m.behind(st)
		default:
			next = m.any(st.d)
		}
		if next == nil || !m.step(next, time.Until(until)) {
			return
		}
	}
}

// drain runs all work that a stream has now. While a kernel takes long, other calls go on.
func (m *Machine) drain(st *stream) {
	n := len(st.queue)
	if n == 0 {
		return
	}
	last := st.queue[n-1]
	over := func() bool { return !slices.Contains(st.queue, last) }
	for {
		m.runs(st, over)
		if over() {
			break
		}
		b := m.busy
		if b == nil {
			m.fault("stream %d: waits for what never comes", st.number)
			st.d.broken = launchFailed
			break
		}
		m.mu.Unlock()
		<-b.over
		m.mu.Lock()
	}
	m.clock = max(m.clock, st.end)
}

// behind is the stream that has to go on for this one to; nil where that is not up to streams.
func (m *Machine) behind(st *stream) *stream {
	for !st.ready() {
		if st.queue[0].wait == nil {
			return nil
		}
		st = st.queue[0].wait.st
	}
	return st
}

// any is one of the streams that can go on, most often of the device; nil where none can.
func (m *Machine) any(d *device) *stream {
	var ready []*stream
	for _, dev := range m.devices {
		for _, st := range m.streamsOf(dev) {
			if st.ready() && (dev == d || m.rng.IntN(4) == 0) {
				ready = append(ready, st)
			}
		}
	}
	if len(ready) == 0 { // what is waited for is on another device
		for _, dev := range m.devices {
			for _, st := range m.streamsOf(dev) {
				if st.ready() {
					ready = append(ready, st)
				}
			}
		}
	}
	if len(ready) == 0 {
		return nil
	}
	return ready[m.rng.IntN(len(ready))]
}

// step runs the first work of a stream. False where that is a kernel that takes long: it runs on, and nothing else does until it is
// over.
func (m *Machine) step(st *stream, patience time.Duration) bool {
	o := st.queue[0]
	var got outcome
	if o.run != nil && st.d.broken == success {
		var over bool
		if got, over = m.work(st, o, patience); !over {
			return false
		}
	}
	st.queue = st.queue[1:]
	start := max(st.end, o.issued)
	if o.wait != nil {
		start = max(start, o.wait.at)
	}
	st.end = start + got.took
	if o.run != nil && st.d.broken == success {
		m.trace = recent(append(m.trace, Op{Stream: st.number, Name: o.name, Start: start, End: st.end}))
		if got.wrong != "" {
			m.fault("stream %d: %s: %s", st.number, o.name, got.wrong)
			st.d.broken = illegalAddress
		}
	}
	if o.record != nil {
		o.record.done, o.record.at = true, st.end
	}
	if st.dropped && len(st.queue) == 0 {
		st.d.zombies = slices.DeleteFunc(st.d.zombies, func(z *stream) bool { return z == st })
	}
	return true
}

// outcome is how long work took on the device, and what went wrong.
type outcome struct {
	took  time.Duration
	wrong string
}

// busy is a kernel that runs.
type busy struct {
	st   *stream
	stop context.CancelFunc
	over chan struct{} // closed when got is there
	got  outcome
}

// work runs an op for as long as patience is.
func (m *Machine) work(st *stream, o *op, patience time.Duration) (outcome, bool) {
	if !o.long {
		return o.run(nil), true
	}
	if m.busy == nil {
		ctx, stop := context.WithCancel(context.Background())
		b := &busy{st: st, stop: stop, over: make(chan struct{})}
		m.busy = b
		go func() {
			b.got = o.run(ctx)
			close(b.over)
		}()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-m.busy.over:
		got := m.busy.got
		m.busy.stop()
		m.busy = nil
		return got, true
	case <-timer.C:
		return outcome{}, false
	}
}

// stop ends the kernel that runs on a device.
func (m *Machine) stop(d *device) {
	if m.busy != nil && m.busy.st.d == d {
		m.busy.stop()
		<-m.busy.over
		m.busy = nil
	}
}
