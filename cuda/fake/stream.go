package fake

import (
	"context"
	"maps"
	"slices"
	"time"
	"unsafe"
)

// stream is a queue of work.
type stream struct {
	d       *device
	number  int
	queue   []*op
	end     time.Duration // of the last work that has run
	dropped bool          // destroyed; what is queued runs still
}

// op is a piece of work.
type op struct {
	name   string
	issued time.Duration
	wait   *recording
	record *recording
	can    func() bool // what else it waits for: other ranks
	run    func(context.Context) outcome
	long   bool // a kernel, which ends with the context
}

// event is a place in a stream, once it was recorded.
type event struct {
	d    *device
	time bool
	last *recording
}

// recording is one call of cuEventRecord.
type recording struct {
	st   *stream
	done bool
	at   time.Duration
}

// enqueue puts work into a stream.
func (m *Machine) enqueue(st *stream, o *op) result {
	o.issued = m.clock
	st.queue = append(st.queue, o)
	return success
}

// streamsOf are a device's streams in the order of their making, those with work that were destroyed too.
func (m *Machine) streamsOf(d *device) []*stream {
	var out []*stream
	for _, h := range slices.Sorted(maps.Keys(m.streams)) {
		if st := m.streams[h]; st.d == d {
			out = append(out, st)
		}
	}
	return append(out, d.zombies...)
}

// ready reports whether the first work of a stream can run.
func (st *stream) ready() bool {
	if len(st.queue) == 0 {
		return false
	}
	o := st.queue[0]
	return (o.wait == nil || o.wait.done) && (o.can == nil || o.can())
}

// on finds a stream of a device by its handle. There is no default stream: its hidden waits would hide mistakes.
func (m *Machine) on(d *device, handle uintptr) *stream {
	st := m.streams[handle]
	if st == nil || st.d != d {
		m.fault("stream %#x is not one of device %d", handle, d.ordinal)
		return nil
	}
	return st
}

// streamCalls are the functions about streams and events.
func (s *slot) streamCalls() map[string]any {
	return map[string]any{
		"cuStreamCreate": func(out *uintptr, flags uint32) uintptr {
			return s.current("cuStreamCreate", func(m *Machine, d *device) result {
				if flags > 1 {
					return invalidValue
				}
				h := m.handle()
				m.streams[h] = &stream{d: d, number: m.made, end: m.clock}
				m.made++
				return set(out, h)
			})
		},
		"cuStreamDestroy_v2": func(h uintptr) uintptr {
			return s.current("cuStreamDestroy_v2", func(m *Machine, d *device) result {
				st := m.on(d, h)
				if st == nil {
					return invalidHandle
				}
				delete(m.streams, h)
				if len(st.queue) > 0 {
					st.dropped = true
					d.zombies = append(d.zombies, st)
				}
				return success
			})
		},
		"cuStreamSynchronize": func(h uintptr) uintptr {
			return s.current("cuStreamSynchronize", func(m *Machine, d *device) result {
				st := m.on(d, h)
				if st == nil {
					return invalidHandle
				}
				m.drain(st)
				return d.broken
			})
		},
		"cuStreamWaitEvent": func(h, e uintptr, flags uint32) uintptr {
			return s.current("cuStreamWaitEvent", func(m *Machine, d *device) result {
				st, ev := m.on(d, h), m.events[e]
				if st == nil || ev == nil || flags != 0 {
					return invalidHandle
				}
				if ev.last == nil {
					return success
				}
				return m.enqueue(st, &op{name: "wait", wait: ev.last})
			})
		},
		"cuEventCreate": func(out *uintptr, flags uint32) uintptr {
			return s.current("cuEventCreate", func(m *Machine, d *device) result {
				if flags > 3 {
					return invalidValue
				}
				h := m.handle()
				m.events[h] = &event{d: d, time: flags&2 == 0}
				return set(out, h)
			})
		},
		"cuEventDestroy_v2": func(e uintptr) uintptr {
			return s.current("cuEventDestroy_v2", func(m *Machine, _ *device) result {
				if m.events[e] == nil {
					m.fault("cuEventDestroy of %#x, which is no event", e)
					return invalidHandle
				}
				delete(m.events, e)
				return success
			})
		},
		"cuEventRecord": func(e, h uintptr) uintptr {
			return s.current("cuEventRecord", func(m *Machine, d *device) result {
				st, ev := m.on(d, h), m.events[e]
				if st == nil || ev == nil || ev.d != d {
					return invalidHandle
				}
				ev.last = &recording{st: st}
				return m.enqueue(st, &op{name: "record", record: ev.last})
			})
		},
		"cuEventQuery": func(e uintptr) uintptr {
			return s.current("cuEventQuery", func(m *Machine, d *device) result { return m.query(d, e) })
		},
		"cuEventElapsedTime": func(out *float32, from, to uintptr) uintptr {
			return s.current("cuEventElapsedTime", func(m *Machine, d *device) result {
				a, b := m.events[from], m.events[to]
				if a == nil || b == nil || !a.time || !b.time || a.last == nil || b.last == nil {
					return invalidHandle
				}
				if !a.last.done || !b.last.done {
					return notReady
				}
				return set(out, float32(float64(b.last.at-a.last.at)/float64(time.Millisecond)))
			})
		},
	}
}

// query tells whether an event has passed, after a little more has run.
func (m *Machine) query(d *device, e uintptr) result {
	ev := m.events[e]
	if ev == nil {
		return invalidHandle
	}
	m.clock -= m.o.Rates.Call // who asks more often shall not measure longer
	last := ev.last
	if last == nil {
		return success
	}
	steps := 1 + m.rng.IntN(3)
	m.runs(last.st, func() bool {
		steps--
		return last.done || steps < 0
	})
	if d.broken != success {
		return d.broken
	}
	if !last.done {
		return notReady
	}
	m.clock = max(m.clock, last.at)
	return success
}

// hostOp is a copy between the host and the device. From memory that is not pinned it is done when the call is back.
func (m *Machine) hostOp(st *stream, name string, p unsafe.Pointer, addr uint64, n int, in bool) result {
	lo := uintptr(p)
	r := m.pinnedAt(lo, n)
	rate := m.o.Rates.DeviceToHost
	if in {
		rate = m.o.Rates.HostToDevice
	}
	if r == nil {
		rate /= 4
	}
	o := &op{name: name, run: func(context.Context) outcome {
		if r != nil && r.dead {
			return outcome{wrong: "its pinned memory was freed while it was queued"}
		}
		there, err := st.d.memory.Bytes(addr, n)
		if err != nil {
			return outcome{wrong: err.Error()}
		}
		here := unsafe.Slice((*byte)(p), n)
		if in {
			copy(there, here)
		} else {
			copy(here, there)
		}
		return outcome{took: m.cost(float64(n), rate)}
	}}
	m.enqueue(st, o)
	if r == nil {
		m.drain(st)
	}
	return success
}

// cost is the time for so much of something, with the start of it.
func (m *Machine) cost(n, rate float64) time.Duration {
	return m.o.Rates.Launch + time.Duration(n/rate*float64(time.Second))
}
