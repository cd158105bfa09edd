package cuda

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// hostRange is memory of the host that the device copies from and to by itself.
type hostRange struct {
	lo, hi uintptr
	bytes  []byte // keeps registered memory of Go alive
	owned  bool   // from cuMemHostAlloc
	freed  bool   // by its user, but in use by work still
	uses   int    // pieces of work that are queued
}

// PinnedStats says how much pinned memory there is, in bytes.
type PinnedStats struct {
	InUse, Cached, Staging, Registered int
	Refused                            int // allocations that the driver refused, so that they got ordinary memory
}

// pinned is the pinned memory of the host: what the Arrow allocator gave, freed pieces of it for the next who asks, what was
// registered, and the staging buffers.
type pinned struct {
	d     *Device
	mu    sync.Mutex
	all   []*hostRange         // by address
	free  map[int][]*hostRange // by size
	stats PinnedStats
	// failed is what the driver said when memory was given back: Arrow's Free cannot, so Close does.
	failed []error
}

func (p *pinned) init(d *Device) {
	p.d = d
	p.free = map[int][]*hostRange{}
}

// Flags of cuMemHostAlloc and cuMemHostRegister: for contexts of all devices.
const (
	hostAllocPortable    = 1
	hostRegisterPortable = 1
)

// Pinned allocates host memory that copies to and from the device use directly, at the speed of the link and while the host goes
// on. Pages of it are never swapped out, and making them is slow: it is for arrays that will go to the device. Its buffers are
// zeroed and begin at multiples of 64, and are those of the device: none may be used once that is closed. Arrow cannot be told
// no: where the driver refuses, a buffer is ordinary memory and counts in PinnedStats.Refused.
func (d *Device) Pinned() memory.Allocator { return pinnedAllocator{&d.pinned} }

// PinnedStats returns the figures of now.
func (d *Device) PinnedStats() PinnedStats {
	d.pinned.mu.Lock()
	defer d.pinned.mu.Unlock()
	return d.pinned.stats
}

type pinnedAllocator struct{ p *pinned }

// Allocate gives n zeroed bytes.
func (a pinnedAllocator) Allocate(n int) []byte {
	b, err := a.p.get(n)
	if err != nil {
		a.p.mu.Lock()
		a.p.stats.Refused++
		a.p.mu.Unlock()
		return array.AllocBytes(n)
	}
	clear(b)
	return b
}

// Reallocate gives n bytes that begin with those of old, and takes old back; old itself where it has room.
func (a pinnedAllocator) Reallocate(n int, old []byte) []byte {
	if n <= cap(old) {
		grown := old[:n]
		clear(grown[min(len(old), n):])
		return grown
	}
	b := a.Allocate(n)
	copy(b, old)
	a.Free(old)
	return b
}

// Free takes back what Allocate or Reallocate gave.
func (a pinnedAllocator) Free(b []byte) { a.p.put(b) }

// get gives n bytes, unspecified.
func (p *pinned) get(n int) ([]byte, error) {
	if n < 0 {
		return nil, fmt.Errorf("pinned memory of %d bytes", n)
	}
	size := class(n)
	p.mu.Lock()
	if list := p.free[size]; len(list) > 0 {
		r := list[len(list)-1]
		p.free[size] = list[:len(list)-1]
		p.stats.Cached -= size
		p.stats.InUse += size
		r.freed = false
		p.mu.Unlock()
		return r.bytes[:n:size], nil
	}
	p.mu.Unlock()
	b, err := p.fresh(size)
	if err != nil {
		return nil, err
	}
	return b[:n:size], nil
}

// fresh asks the driver for size bytes.
func (p *pinned) fresh(size int) ([]byte, error) {
	var b []byte
	err := p.d.do(func() error {
		f := newFrame()
		defer f.done(1)
		if err := p.d.v.call(fnMemHostAlloc, f.pointerAt(0), uintptr(size), hostAllocPortable); err != nil {
			return err
		}
		b = f.bytesAt(0, size)
		return nil
	})
	if err != nil {
		return nil, err
	}
	lo := address(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.insert(&hostRange{lo: lo, hi: lo + uintptr(size), bytes: b, owned: true})
	p.stats.InUse += size
	return b, nil
}

func (p *pinned) insert(r *hostRange) {
	i, _ := slices.BinarySearchFunc(p.all, r.lo, func(r *hostRange, lo uintptr) int { return cmp.Compare(r.lo, lo) })
	p.all = slices.Insert(p.all, i, r)
}

// find is the range that holds all of b, nil where there is none, with the lock held.
func (p *pinned) find(b []byte) *hostRange {
	if len(b) == 0 {
		return nil
	}
	lo := address(b)
	i, ok := slices.BinarySearchFunc(p.all, lo, func(r *hostRange, lo uintptr) int { return cmp.Compare(r.lo, lo) })
	if !ok {
		i--
	}
	if i < 0 || lo+uintptr(len(b)) > p.all[i].hi {
		return nil
	}
	return p.all[i]
}

// IsPinned reports whether all of b is pinned memory of the device: from Pinned, or registered.
func (d *Device) IsPinned(b []byte) bool {
	d.pinned.mu.Lock()
	defer d.pinned.mu.Unlock()
	return d.pinned.find(b) != nil
}

// hold keeps the pinned memory that b is in from being used for something else until the result is called; nil where b is not
// pinned.
func (p *pinned) hold(b []byte) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.find(b)
	if r == nil || r.freed {
		return nil
	}
	r.uses++
	return func() {
		p.mu.Lock()
		r.uses--
		var drop *hostRange
		if r.freed && r.uses == 0 && r.owned {
			drop = p.recycle(r)
		}
		p.mu.Unlock()
		p.drop(drop)
	}
}

// put takes back what get gave.
func (p *pinned) put(b []byte) {
	b = b[:cap(b)]
	p.mu.Lock()
	r := p.find(b)
	if r == nil || !r.owned || r.freed {
		p.mu.Unlock()
		return // ordinary memory, or the device is closed
	}
	r.freed = true
	p.stats.InUse -= len(r.bytes)
	var drop *hostRange
	if r.uses == 0 {
		drop = p.recycle(r)
	}
	p.mu.Unlock()
	p.drop(drop)
}

// recycle puts memory that nothing uses into the cache, or returns it where that is full.
func (p *pinned) recycle(r *hostRange) (drop *hostRange) {
	size := len(r.bytes)
	if p.stats.Cached+size > p.d.options.Pinned {
		p.remove(r)
		return r
	}
	p.stats.Cached += size
	p.free[size] = append(p.free[size], r)
	return nil
}

func (p *pinned) remove(r *hostRange) {
	p.all = slices.DeleteFunc(p.all, func(other *hostRange) bool { return other == r })
}

// drop gives memory back to the driver.
func (p *pinned) drop(r *hostRange) {
	if r == nil {
		return
	}
	if err := p.d.enter(); err != nil {
		p.mu.Lock() // for close, which comes to it
		p.insert(r)
		if gone(err) != nil {
			p.failed = append(p.failed, err)
		}
		p.mu.Unlock()
		return
	}
	defer p.d.leave()
	if err := p.d.v.call(fnMemFreeHost, r.lo); err != nil {
		p.mu.Lock()
		p.failed = append(p.failed, err)
		p.mu.Unlock()
	}
}

// staging notes that n bytes that get gave are a staging buffer's.
func (p *pinned) staging(n int) {
	p.mu.Lock()
	p.stats.InUse -= n
	p.stats.Staging += n
	p.mu.Unlock()
}

// Register pins memory that is there already, such as a mapped file or a receive buffer, until the result is called, which waits for
// work that uses it. b must stay where it is; the device keeps it alive. Memory that overlaps pinned memory is an error.
func (d *Device) Register(b []byte) (unregister func() error, err error) {
	if len(b) == 0 {
		return func() error { return nil }, nil
	}
	p := &d.pinned
	r := &hostRange{lo: address(b), bytes: b}
	r.hi = r.lo + uintptr(len(b))
	p.mu.Lock()
	for _, other := range p.all {
		if r.lo < other.hi && other.lo < r.hi {
			p.mu.Unlock()
			return nil, errors.New("memory to register overlaps memory that is pinned already")
		}
	}
	p.mu.Unlock()
	err = d.do(func() error { return d.v.call(fnMemHostRegister, r.lo, uintptr(len(b)), hostRegisterPortable) })
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.insert(r)
	p.stats.Registered += len(b)
	p.mu.Unlock()
	var once sync.Once
	return func() (err error) {
		once.Do(func() { err = gone(p.unregister(r)) })
		return err
	}, nil
}

func (p *pinned) unregister(r *hostRange) error {
	if err := p.d.enter(); err != nil {
		return err // Close comes to it
	}
	defer p.d.leave()
	p.mu.Lock()
	r.freed = true
	inUse := r.uses > 0
	p.remove(r)
	p.stats.Registered -= len(r.bytes)
	p.mu.Unlock()
	var err error
	if inUse {
		err = p.d.v.call(fnCtxSynchronize)
	}
	return errors.Join(err, p.d.v.call(fnMemHostUnregister, r.lo))
}

// close gives everything back. Work is over, and what users still have goes too.
func (p *pinned) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := p.failed
	for _, r := range p.all {
		fn := fnMemHostUnregister
		if r.owned {
			fn = fnMemFreeHost
		}
		errs = append(errs, p.d.v.call(fn, r.lo))
	}
	if n := p.stats.InUse; n > 0 {
		errs = append(errs, fmt.Errorf("%d bytes of pinned memory were not freed", n))
	}
	if n := p.stats.Registered; n > 0 {
		errs = append(errs, fmt.Errorf("%d bytes of memory are still registered", n))
	}
	p.all, p.free = nil, nil
	return errors.Join(errs...)
}
