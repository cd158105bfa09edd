package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// Options of a device. The zero value works.
type Options struct {
	Memory  int // most bytes of the device's memory that buffers take, cached ones too; default: what there is
	Cache   int // most bytes that freed buffers keep for the next; default: what there is; negative: none
	Stage   int // bytes of one staging buffer, pinned; default 16 MiB
	Stages  int // staging buffers in each direction; default 3, at least 2
	Pinned  int // most bytes of freed pinned memory kept for the next; default 256 MiB; negative: none
	Modules int // compiled modules kept although nobody has them loaded; default 256; negative: none
	Copiers int // goroutines that a large copy to or from a staging buffer uses; default 4, no more than GOMAXPROCS
}

// settle fills in defaults.
func (o Options) settle() Options {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&o.Stage, 16<<20)
	def(&o.Stages, 3)
	def(&o.Pinned, 256<<20)
	def(&o.Modules, 256)
	def(&o.Copiers, 4)
	o.Stage = max(roundUp(o.Stage, stageAlign), 64<<10)
	o.Stages = max(o.Stages, 2)
	o.Copiers = max(min(o.Copiers, runtime.GOMAXPROCS(0)), 1)
	return o
}

// Device is an open GPU: its primary context, which other libraries of the process share. Close it.
type Device struct {
	v       *Driver
	info    Info
	options Options
	handle  uintptr
	context uintptr
	current []uintptr // context, as the arguments of the call that is made most often

	memory  pool
	pinned  pinned
	up      ring // staging towards the device
	down    ring // and from it
	modules modules

	visiting sync.Mutex
	visits   *Stream // see visited; nil before there is one

	mu      sync.Mutex
	idle    sync.Cond // users is 0
	users   int       // calls that are under way
	closed  bool
	streams []*Stream
	events  []uintptr            // without timing, for use again
	made    map[uintptr]bool     // events of users that are not closed
	handles map[any]func() error // of libraries, that are not closed: how to, with the context current
	rates   *Rates
}

// Open opens the device for the rank that is the local-th of its host: device local mod the number there is, so that ranks
// share devices evenly where there are fewer. It blocks for as long as the driver takes to make a context, up to a second.
func (v *Driver) Open(local int, o Options) (*Device, error) {
	n, err := v.count()
	if err != nil {
		return nil, err
	}
	if local < 0 {
		return nil, fmt.Errorf("local rank %d is negative", local)
	}
	handle, info, err := v.describe(local % n)
	if err != nil {
		return nil, err
	}
	context, err := v.number(fnPrimaryCtxRetain, handle)
	if err != nil {
		return nil, fmt.Errorf("device %d, %s: %w", info.Ordinal, info.Name, err)
	}
	d := &Device{v: v, info: info, options: o.settle(), handle: handle, context: uintptr(context), current: []uintptr{uintptr(context)}, made: map[uintptr]bool{}, handles: map[any]func() error{}}
	d.idle.L = &d.mu
	d.memory.init(d)
	d.pinned.init(d)
	d.up.init(d)
	d.down.init(d)
	d.modules.init(d)
	return d, nil
}

// Info says what the device is.
func (d *Device) Info() Info { return d.info }

// Name is the device's with its ordinal, "cuda:0".
func (d *Device) Name() string { return fmt.Sprintf("cuda:%d", d.info.Ordinal) }

// Memory returns how many bytes of the device's memory the driver has left, for all processes, and how many there are.
func (d *Device) Memory() (free, total int, err error) {
	if err := d.enter(); err != nil {
		return 0, 0, err
	}
	defer d.leave()
	return d.freeMemory()
}

func (d *Device) freeMemory() (free, total int, err error) {
	f := newFrame()
	defer f.done(2)
	err = d.v.call(fnMemGetInfo, f.at(0), f.at(1))
	return int(f.word[0]), int(f.word[1]), err
}

// enter makes the device's context current on this thread, where the goroutine stays until leave: a thread keeps the context of
// whoever used it last, and the scheduler moves goroutines between calls. What a call does in between is short.
func (d *Device) enter() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return ErrClosed
	}
	d.users++
	d.mu.Unlock()
	runtime.LockOSThread()
	if err := d.v.call(fnCtxSetCurrent, d.current...); err != nil {
		d.leave()
		return err
	}
	return nil
}

// leave ends what enter began.
func (d *Device) leave() {
	runtime.UnlockOSThread()
	d.mu.Lock()
	if d.users--; d.users == 0 {
		d.idle.Broadcast()
	}
	d.mu.Unlock()
}

// do runs f between enter and leave.
func (d *Device) do(f func() error) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer d.leave()
	return f()
}

// Close waits for the work on the device, gives everything back and releases the context. It says what the user had not freed
// or closed, which is gone too. The second call does nothing.
func (d *Device) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	for d.users > 0 {
		d.idle.Wait()
	}
	streams := slices.Clone(d.streams)
	d.mu.Unlock()

	defer thread()()
	errs := []error{d.v.call(fnCtxSetCurrent, d.context), d.v.call(fnCtxSynchronize)}
	for _, closes := range d.handles {
		errs = append(errs, closes())
	}
	if n := len(d.handles); n > 0 {
		errs = append(errs, fmt.Errorf("%d handles of cuBLAS or groups were not closed", n))
	}
	n := len(streams)
	if d.visits != nil {
		n--
	}
	if n > 0 {
		errs = append(errs, fmt.Errorf("%d streams were not closed", n))
	}
	for _, s := range streams {
		errs = append(errs, s.destroy())
	}
	errs = append(errs, d.modules.close(), d.memory.close(), d.pinned.close())
	for _, e := range d.events {
		errs = append(errs, d.v.call(fnEventDestroy, e))
	}
	for e := range d.made {
		errs = append(errs, d.v.call(fnEventDestroy, e))
	}
	if n := len(d.made); n > 0 {
		errs = append(errs, fmt.Errorf("%d events were not closed", n))
	}
	errs = append(errs, d.v.call(fnCtxSetCurrent, 0), d.v.call(fnPrimaryCtxRelease, d.handle))
	return errors.Join(errs...)
}

// opened notes how to close something of a library's, whose owner is to do so before the device.
func (d *Device) opened(owner any, closes func() error) {
	d.mu.Lock()
	d.handles[owner] = closes
	d.mu.Unlock()
}

// shut closes what opened noted, with the context current; nothing where that was done.
func (d *Device) shut(owner any) error {
	d.mu.Lock()
	closes := d.handles[owner]
	delete(d.handles, owner)
	d.mu.Unlock()
	if closes == nil {
		return nil
	}
	return closes()
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
