package cuda

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/darray-go/darray/cuda/ptx"
)

// Buffer is memory of the device, with unspecified contents at first. Free it.
type Buffer struct {
	d     *Device
	addr  uint64
	n     int
	block block
	home  *Stream // that waits for the block's guards, nil where there are none
	freed atomic.Bool
	torn  atomic.Bool // others may write to it for all that is known here, so that nobody gets it again
}

// Addr is where the buffer begins, a multiple of ptx.Padding, as kernels take it.
func (b *Buffer) Addr() uint64 { return b.addr }

// Len is how many bytes were asked for. There are at least as many as the next multiple of ptx.Padding.
func (b *Buffer) Len() int { return b.n }

// room is how many bytes there are.
func (b *Buffer) room() int { return b.block.size }

// block is a piece of memory from the driver.
type block struct {
	addr   uint64
	size   int
	guards []mark // while it is cached: work that may still use it
}

// MemoryStats says how much of the device's memory this process has, in bytes, and how often it asked the driver for more.
type MemoryStats struct {
	InUse, Cached, Peak int // Peak: most in use and cached together
	Buffers             int // not freed
	Allocations         int // calls of the driver
	Reused              int // buffers that needed none
}

// pool is the buffers that are in use, and freed ones for the next who asks. A call of the driver for memory, and even more one
// to give it back, costs as much as a kernel, and the latter waits for all work.
type pool struct {
	d     *Device
	mu    sync.Mutex
	free  map[int][]block // by size, the longest there first
	used  map[uint64]bool // addresses of what is handed out
	lost  []block         // see lose
	stats MemoryStats
}

func (p *pool) init(d *Device) {
	p.d = d
	p.free = map[int][]block{}
	p.used = map[uint64]bool{}
}

// class is the size of block for n bytes: the next of eight sizes between a power of two and the next, so that at most an
// eighth is wasted; multiples of ptx.Padding.
func class(n int) int {
	if n <= ptx.Padding {
		return ptx.Padding
	}
	return roundUp(n, max(1<<(bits.Len(uint(n-1))-1)/8, ptx.Padding))
}

// MemoryStats returns the figures of now.
func (d *Device) MemoryStats() MemoryStats {
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	return d.memory.stats
}

// Alloc gives a buffer of n bytes, which may be 0, for any stream. It waits only where memory is short and buffers that were freed
// are still in use by work on the device. ErrOutOfMemory, a *MemoryError with the figures, where there is not enough.
func (d *Device) Alloc(ctx context.Context, n int) (*Buffer, error) { return d.alloc(ctx, n, nil) }

// Alloc is Device.Alloc for a buffer whose first use is by work of this stream: it can be one that was freed a moment ago, for
// which the stream then waits on the device. Copies and fills of other streams wait for that too; kernels launched there do not.
func (s *Stream) Alloc(ctx context.Context, n int) (*Buffer, error) { return s.d.alloc(ctx, n, s) }

func (d *Device) alloc(ctx context.Context, n int, s *Stream) (*Buffer, error) {
	if n < 0 || n > d.info.Memory {
		return nil, d.short(n)
	}
	size := class(n)
	var b block
	err := poll(ctx, func() (ok bool, err error) {
		err = d.do(func() error {
			b, ok, err = d.memory.get(size, s)
			return err
		})
		return ok, err
	})
	if err != nil {
		return nil, err
	}
	buf := &Buffer{d: d, addr: b.addr, n: n, block: b}
	if len(b.guards) > 0 {
		buf.home = s
	}
	return buf, nil
}

// Free gives the buffer back, which work that is queued by now may still use. The second call does nothing, as does one after
// the device was closed.
func (b *Buffer) Free() error {
	if b == nil || b.freed.Swap(true) {
		return nil
	}
	d := b.d
	if b.torn.Load() {
		d.memory.lose(b.block)
		return nil
	}
	if err := d.enter(); err != nil {
		if gone(err) != nil {
			d.memory.lose(b.block)
		}
		return gone(err)
	}
	defer d.leave()
	marks, err := d.marks()
	return errors.Join(err, d.memory.put(b.block, marks))
}

// Trim gives cached memory that no work uses back to the driver.
func (d *Device) Trim() error {
	return d.do(func() error {
		d.memory.mu.Lock()
		defer d.memory.mu.Unlock()
		_, err := d.memory.trim(0)
		return err
	})
}

// get finds a block of a size, or asks the driver for one. False where all that is cached is in use by work, and has to be awaited.
func (p *pool) get(size int, s *Stream) (block, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok, err := p.cached(size, s); ok || err != nil {
		return b, ok, err
	}
	for {
		b, err := p.fresh(size)
		if !errors.Is(err, ErrOutOfMemory) {
			return b, err == nil, err
		}
		freed, err := p.trim(size)
		if err != nil {
			return block{}, false, err
		}
		if freed > 0 {
			continue
		}
		if p.stats.Cached == 0 {
			return block{}, false, p.d.shortWith(size, p.stats)
		}
		return block{}, false, nil
	}
}

// cached takes a block of the size that no work uses any more. For a stream it also takes one that is in use, and lets the
// stream wait.
func (p *pool) cached(size int, s *Stream) (block, bool, error) {
	list := p.free[size]
	for i := range list {
		idle, err := list[i].idle()
		if err != nil {
			return block{}, false, err
		}
		if !idle {
			continue
		}
		return p.take(size, i), true, nil
	}
	if s == nil || len(list) == 0 {
		return block{}, false, nil
	}
	i := max(slices.IndexFunc(list, func(b block) bool { return b.only(s) }), 0)
	if err := s.wait(list[i].guards); err != nil {
		return block{}, false, err
	}
	return p.take(size, i), true, nil
}

// behind lets the stream wait for what may still use a buffer, if there is one, that was allocated for another.
func (s *Stream) behind(b *Buffer) error {
	if b == nil || b.home == nil || b.home == s {
		return nil
	}
	return s.wait(b.block.guards)
}

// only reports whether work of no other stream uses a cached block.
func (b *block) only(s *Stream) bool {
	return !slices.ContainsFunc(b.guards, func(m mark) bool { return m.s != s })
}

// take takes a block out of the cache.
func (p *pool) take(size, i int) block {
	list := p.free[size]
	b := list[i]
	p.free[size] = append(list[:i:i], list[i+1:]...)
	p.used[b.addr] = true
	p.stats.Cached -= size
	p.stats.InUse += size
	p.stats.Buffers++
	p.stats.Reused++
	return b
}

// idle reports whether no work uses a cached block any more.
func (b *block) idle() (bool, error) {
	for len(b.guards) > 0 {
		if ok, err := b.guards[0].over(); !ok || err != nil {
			return false, err
		}
		b.guards = b.guards[1:]
	}
	return true, nil
}

// fresh asks the driver.
func (p *pool) fresh(size int) (block, error) {
	if limit := p.d.options.Memory; limit > 0 && p.stats.InUse+p.stats.Cached+size > limit {
		return block{}, ErrOutOfMemory
	}
	addr, err := p.d.v.number(fnMemAlloc, uintptr(size))
	if err != nil {
		return block{}, err
	}
	p.used[addr] = true
	p.stats.Allocations++
	p.stats.InUse += size
	p.stats.Buffers++
	p.stats.Peak = max(p.stats.Peak, p.stats.InUse+p.stats.Cached)
	return block{addr: addr, size: size}, nil
}

// trim gives cached blocks that no work uses back to the driver until it has given back enough bytes, or all where enough is 0.
func (p *pool) trim(enough int) (freed int, err error) {
	for size, list := range p.free {
		var left []block
		for _, b := range list {
			idle, e := b.idle()
			if err == nil {
				err = e
			}
			if !idle || enough > 0 && freed >= enough {
				left = append(left, b)
				continue
			}
			if e := p.d.v.call(fnMemFree, uintptr(b.addr)); e != nil && err == nil {
				err = e
			}
			freed += size
			p.stats.Cached -= size
		}
		p.free[size] = left
	}
	return freed, err
}

// put takes a block back.
func (p *pool) put(b block, guards []mark) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b.guards = guards
	delete(p.used, b.addr)
	p.stats.InUse -= b.size
	p.stats.Cached += b.size
	p.stats.Buffers--
	p.free[b.size] = append(p.free[b.size], b)
	limit := p.d.options.Cache
	if limit == 0 || p.stats.Cached <= limit {
		return nil
	}
	_, err := p.trim(p.stats.Cached - max(limit, 0))
	return err
}

// lose takes back a block of which nobody can say when work is done with it: it is for close.
func (p *pool) lose(b block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, b.addr)
	p.stats.InUse -= b.size
	p.stats.Buffers--
	p.lost = append(p.lost, b)
}

// close gives everything back, and says what the user had not.
func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, list := range p.free {
		for _, b := range list {
			errs = append(errs, p.d.v.call(fnMemFree, uintptr(b.addr)))
		}
	}
	for _, b := range p.lost {
		errs = append(errs, p.d.v.call(fnMemFree, uintptr(b.addr)))
	}
	for addr := range p.used {
		errs = append(errs, p.d.v.call(fnMemFree, uintptr(addr)))
	}
	p.free, p.used = nil, nil
	if n := p.stats.Buffers; n > 0 {
		errs = append(errs, fmt.Errorf("%d buffers of %d bytes were not freed", n, p.stats.InUse))
	}
	return errors.Join(errs...)
}

// short is the error for n bytes that are not there.
func (d *Device) short(n int) error {
	if n < 0 {
		return fmt.Errorf("buffer of %d bytes", n)
	}
	stats := d.MemoryStats()
	var err error
	if e := d.do(func() error { err = d.shortWith(n, stats); return nil }); e != nil {
		return e
	}
	return err
}

// shortWith is the same with the context current.
func (d *Device) shortWith(n int, stats MemoryStats) error {
	free, total, err := d.freeMemory()
	if err != nil {
		return errors.Join(ErrOutOfMemory, err)
	}
	return &MemoryError{Asked: n, Free: free, Total: total, InUse: stats.InUse, Cached: stats.Cached, Limit: d.options.Memory}
}
