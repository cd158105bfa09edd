// Package mem recycles the memory of results and temporaries. Pages that are in memory already are the fastest to write:
// fresh ones cost more than the arithmetic that fills them.
package mem

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"github.com/darray-go/darray/array"
)

// ErrLimit: a pool would hold more than its limit. The error is a *LimitError.
var ErrLimit = errors.New("memory limit")

// LimitError has the figures of an ErrLimit, in bytes.
type LimitError struct {
	Need  int // asked for
	InUse int // by whoever else has buffers of the pool
	Limit int
}

// Error says the figures in MiB.
func (e *LimitError) Error() string {
	mib := func(n int) float64 { return float64(n) / (1 << 20) }
	return fmt.Sprintf("memory limit: %.1f MiB more beside %.1f MiB in use, the limit is %.1f MiB; drop results that are not needed any more, or raise the limit",
		mib(e.Need), mib(e.InUse), mib(e.Limit))
}

// Unwrap is ErrLimit.
func (e *LimitError) Unwrap() error { return ErrLimit }

// Pooled is where a pool begins, in bytes: a smaller buffer is made in the time that it takes to hand one out.
const Pooled = 64 << 10

const (
	// hugePage is the size of a huge page where they can be advised, in bytes.
	hugePage = 2 << 20
	// hugeFrom is where buffers begin at a huge page, and are advised to be made of such: below it the space in front of
	// them would count.
	hugeFrom = 2 * hugePage
	// mostStep is from one class to the next where buffers are largest, in bytes.
	mostStep = 64 << 20
	// mostBytes is more than any machine has.
	mostBytes = 1 << 46
)

// Config of a Pool; its zero value works.
type Config struct {
	// Limit is the bytes that may be handed out and free at once, without small buffers (below Pooled). 0: no limit.
	Limit int
	// Idle is how long a buffer lies free before its memory goes back to the system. Default 10 s, negative: at once.
	Idle time.Duration
	// Poison fills buffers with 0xAA before they are handed out, so that a test finds who relies on zeros.
	Poison bool
}

// Pool hands out buffers of some size classes and takes them back, also from users who just drop them. It is safe for use
// by several goroutines. Between two collections of garbage it needs no lock but its own.
type Pool struct {
	config   Config
	recycles bool // what users drop is handed out again

	mu         sync.Mutex
	free       map[int]*class      // by size
	out        map[uintptr]*buffer // what is handed out, by where it begins
	timer      *time.Timer         // of tick; nil: never needed yet
	armed      bool                // the timer runs
	asked      bool                // since the last tick
	closed     bool                // nothing is kept
	stats      Stats
	pacer      pacer      // of collections
	collecting sync.Mutex // one collection at a time
}

// class is the free buffers of one size, the last used at the end: its lines may be in the cache still.
type class struct {
	free []*buffer
	low  int // the least that were free since the last tick
}

// Stats counts what a pool did. Bytes are those of size classes, a little above what was asked for.
type Stats struct {
	Limit    int // bytes; 0: none
	InUse    int // bytes handed out; what users have dropped counts until the runtime finds out
	Free     int // bytes at hand for the next who asks
	High     int // the most of InUse and Free together
	Hits     int // buffers that were handed out from memory at hand
	Misses   int // buffers that were made
	Recycled int // buffers that users dropped and the runtime gave back
	Released int // buffers that were given back by Put
	Trimmed  int // bytes given back to the system
	GCs      int // collections of garbage that the pool asked for
}

// New is an empty pool. It starts no goroutine.
func New(c Config) *Pool {
	if c.Idle == 0 {
		c.Idle = 10 * time.Second
	}
	return &Pool{config: c, recycles: !unordered, free: make(map[int]*class), out: make(map[uintptr]*buffer), stats: Stats{Limit: max(c.Limit, 0)}}
}

// Get hands out n bytes that begin at a multiple of 64 bytes, with contents that are unspecified. Resident says that their
// pages are in memory already, so that stores past the caches pay. The buffer comes back by Put, or by itself once nobody
// reaches any part of it. A *LimitError where the pool would grow beyond its limit. It may run a collection of garbage
// before it makes new memory, and blocks for that.
func (p *Pool) Get(n int) (buf []byte, resident bool, err error) {
	if n > mostBytes {
		return nil, false, p.refuse(n)
	}
	return p.get(n, p.config.Limit)
}

func (p *Pool) get(n, limit int) (buf []byte, resident bool, err error) {
	if n < Pooled {
		buf = array.AllocBytes(max(n, 0))
		p.poison(buf)
		return buf, false, nil
	}
	size := Size(n)
	b := p.reuse(size)
	if b == nil && p.worthCollecting(size) {
		p.collect(size)
		b = p.reuse(size)
	}
	if resident = b != nil; !resident {
		if !p.count(size, limit) {
			p.collect(0)
			if !p.count(size, limit) {
				return nil, false, p.refuse(n)
			}
		}
		b = newBuffer(p, size)
	}
	return p.lend(b)[:n:n], resident, nil
}

// Put takes back a buffer of Get that nobody else sees or will see: the whole of it or a part that begins where it begins.
// Small buffers, and what is no buffer of this pool, are left to the runtime.
func (p *Pool) Put(buf []byte) {
	if cap(buf) == 0 {
		return
	}
	p.mu.Lock()
	b := p.out[address(buf)]
	if b == nil {
		p.mu.Unlock()
		return
	}
	b.take(buf)
	p.stats.Released++
	p.pacer.handed -= b.size
	drop := p.back(b, address(buf), true)
	p.mu.Unlock()
	drop.giveBack()
}

// Stats is what the pool did so far.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// reuse is a free buffer, taken from its class; nil where none is.
func (p *Pool) reuse(size int) *buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.free[size]
	if c == nil || len(c.free) == 0 {
		return nil
	}
	last := len(c.free) - 1
	b := c.free[last]
	c.free[last] = nil
	c.free = c.free[:last]
	c.low = min(c.low, last)
	p.stats.Free -= size
	p.stats.InUse += size
	p.stats.Hits++
	return b
}

// lend hands b out, which stats count as in use already.
func (p *Pool) lend(b *buffer) []byte {
	p.poison(b.bytes())
	p.mu.Lock()
	defer p.mu.Unlock()
	buf := b.lend()
	p.out[address(buf)] = b
	p.pacer.handed += b.size
	p.wind()
	return buf
}

// returned is what the runtime calls: nobody reaches b any more.
func (p *Pool) returned(b *buffer, base *byte) {
	p.mu.Lock()
	b.base = base
	p.stats.Recycled++
	drop := p.back(b, address(b.bytes()), p.recycles)
	p.mu.Unlock()
	drop.giveBack()
}

// back puts b among the free buffers. Where it is not to be kept it is given back, for the system.
func (p *Pool) back(b *buffer, at uintptr, keep bool) (drop buffers) {
	delete(p.out, at)
	p.stats.InUse -= b.size
	if !keep || !p.armed { // with no tick to come nobody has asked for a while
		p.stats.Trimmed += b.size
		return buffers{b}
	}
	c := p.free[b.size]
	if c == nil {
		c = &class{}
		p.free[b.size] = c
	}
	c.free = append(c.free, b)
	p.stats.Free += b.size
	return nil
}

// count counts a new buffer of a size, after letting go of free ones where the limit (0: none) asks for that; false where
// that does not help.
func (p *Pool) count(size, limit int) bool {
	p.mu.Lock()
	var drop buffers
	fits := limit <= 0 || size <= limit-p.stats.InUse
	if fits {
		if limit > 0 {
			drop = p.shrink(limit - p.stats.InUse - size)
		}
		p.stats.InUse += size
		p.stats.Misses++
		p.stats.High = max(p.stats.High, p.stats.InUse+p.stats.Free)
	}
	p.mu.Unlock()
	drop.giveBack()
	return fits
}

// Room says whether n more bytes can be handed out: a *LimitError where that would be beyond the limit. What users have
// dropped does not count: where it matters, Room runs a collection of garbage to find out, and blocks for that.
func (p *Pool) Room(n int) error {
	limit := p.config.Limit
	if limit <= 0 || n <= limit-p.Stats().InUse {
		return nil
	}
	if n <= limit {
		p.collect(0)
	}
	if n <= limit-p.Stats().InUse {
		return nil
	}
	return p.refuse(n)
}

func (p *Pool) refuse(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := p.config.Limit
	if limit <= 0 {
		limit = mostBytes
	}
	return &LimitError{Need: n, InUse: p.stats.InUse, Limit: limit}
}

// poisoned is what Config.Poison fills buffers with.
const poisoned = 0xAA

func (p *Pool) poison(buf []byte) {
	if !p.config.Poison || len(buf) == 0 {
		return
	}
	buf[0] = poisoned
	for done := 1; done < len(buf); done *= 2 { // by copies, which take no time worth speaking of
		copy(buf[done:], buf[:done])
	}
}

// Size is what a buffer of n bytes counts for in a pool: that of its class. There are eight classes from a power of two to the
// next, of whole huge pages from 16 MiB on and no further apart than 64 MiB. So at most an eighth is not used, and never
// touched. What is smaller than Pooled does not count in a pool, and has its own size.
func Size(n int) int {
	if n < Pooled || n > mostBytes {
		return n
	}
	step := 1 << (bits.Len(uint(n-1)) - 4)
	if n >= 8*hugePage {
		step = min(max(step, hugePage), mostStep)
	}
	return (n + step - 1) &^ (step - 1)
}
