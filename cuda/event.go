package cuda

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"
)

// Event is a place in the work of a stream. Close it.
type Event struct {
	d      *Device
	timed  bool
	mu     sync.Mutex
	handle uintptr // 0 once closed
}

// The driver's flags of events and streams.
const (
	eventDisableTiming = 2 // CU_EVENT_DISABLE_TIMING
	streamNonBlocking  = 1 // CU_STREAM_NON_BLOCKING: no hidden order against the stream that other libraries use by default
)

// Event makes an event. A timed one can tell Since, and costs the device a little more.
func (d *Device) Event(timed bool) (*Event, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	defer d.leave()
	flags := uintptr(eventDisableTiming)
	if timed {
		flags = 0
	}
	word, err := d.v.number(fnEventCreate, flags)
	if err != nil {
		return nil, err
	}
	e := &Event{d: d, timed: timed, handle: uintptr(word)}
	d.mu.Lock()
	d.made[e.handle] = true
	d.mu.Unlock()
	return e, nil
}

// Close gives the event back. Streams that wait for it do so still. The second call does nothing, as does one after the
// device was closed.
func (e *Event) Close() error {
	e.mu.Lock()
	handle := e.handle
	e.handle = 0
	e.mu.Unlock()
	if handle == 0 {
		return nil
	}
	if err := e.d.enter(); err != nil {
		return gone(err)
	}
	defer e.d.leave()
	e.d.mu.Lock()
	delete(e.d.made, handle)
	e.d.mu.Unlock()
	return e.d.v.call(fnEventDestroy, handle)
}

// gone forgives that the device was closed to what is given back: that went with it.
func gone(err error) error {
	if errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// use is the handle, or an error after Close.
func (e *Event) use() (uintptr, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.handle == 0 {
		return 0, fmt.Errorf("event: %w", ErrClosed)
	}
	return e.handle, nil
}

// Done reports whether the work before the last Record of the event is over; true where it was never recorded.
func (e *Event) Done() (bool, error) {
	handle, err := e.use()
	if err != nil {
		return false, err
	}
	if err := e.d.enter(); err != nil {
		return false, err
	}
	defer e.d.leave()
	return e.d.passed(handle)
}

// Sync waits until the work before the last Record is over, or ctx ends.
func (e *Event) Sync(ctx context.Context) error {
	return poll(ctx, e.Done)
}

// Since is the time from start to e, both timed and passed, as the device measured it: to about half a microsecond.
func (e *Event) Since(start *Event) (time.Duration, error) {
	from, err := start.use()
	if err != nil {
		return 0, err
	}
	to, err := e.use()
	if err != nil {
		return 0, err
	}
	if !e.timed || !start.timed {
		return 0, fmt.Errorf("time between events: make both with timing")
	}
	if err := e.d.enter(); err != nil {
		return 0, err
	}
	defer e.d.leave()
	word, err := e.d.v.number(fnEventElapsedTime, from, to)
	if err != nil {
		return 0, err
	}
	return time.Duration(float64(math.Float32frombits(uint32(word))) * float64(time.Millisecond)), nil
}

// passed asks the driver whether an event has passed.
func (d *Device) passed(event uintptr) (bool, error) {
	switch code := d.v.code(fnEventQuery, event); code {
	case 0:
		return true, nil
	case codeNotReady:
		return false, nil
	default:
		return false, d.v.failure(names[fnEventQuery], code)
	}
}

// takeEvent gives an event without timing, used before or new.
func (d *Device) takeEvent() (uintptr, error) {
	d.mu.Lock()
	if n := len(d.events); n > 0 {
		e := d.events[n-1]
		d.events = d.events[:n-1]
		d.mu.Unlock()
		return e, nil
	}
	d.mu.Unlock()
	word, err := d.v.number(fnEventCreate, eventDisableTiming)
	return uintptr(word), err
}

func (d *Device) putEvent(e uintptr) {
	d.mu.Lock()
	d.events = append(d.events, e)
	d.mu.Unlock()
}

// How often poll looks: at first all the time, since most waits are for a few microseconds of work, then after a pause that
// doubles up to the last one, which is also how late the end of the context is seen.
const (
	spins      = 64
	firstPause = 5 * time.Microsecond
	lastPause  = time.Millisecond
)

// poll calls done until it is true or fails, or ctx ends: nothing of the driver's that blocks can be ended from outside.
func poll(ctx context.Context, done func() (bool, error)) error {
	pause := firstPause
	var timer *time.Timer
	for i := 0; ; i++ {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if i < spins {
			runtime.Gosched()
			continue
		}
		if timer == nil {
			timer = time.NewTimer(pause)
			defer timer.Stop()
		} else {
			timer.Reset(pause)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		pause = min(2*pause, lastPause)
	}
}
