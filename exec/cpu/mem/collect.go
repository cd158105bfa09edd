package mem

import (
	"runtime"
	"runtime/metrics"
)

// A dropped buffer comes back when the runtime collects garbage, and it has no reason to: recycled memory is no allocation,
// so nothing grows. So a pool that has no buffer at hand asks for a collection, where that costs little against the fresh
// pages that it may save: marking passes over pointers alone, and buffers have none. The figures are those of
// docs/rationale.md: 0.4 ms for a heap of buffers against 10 ms and more for 80 MB of fresh pages.
const (
	// cycle is the bytes that have to be handed out between two collections: writing them takes 3 ms or more, and a cache of the
	// third level still holds some of them when they come back.
	cycle = 32 << 20
	// scan is how many bytes have to be handed out for each byte with pointers that marking would pass over: a core marks
	// about 1 GB/s, and touches 4 GB/s of fresh pages.
	scan = 4
	// mostFruitless bounds how far the distance doubles while collections bring nothing.
	mostFruitless = 10
	// patience is how often to let others run while the runtime's goroutine gives buffers back.
	patience = 10_000
)

// pacer decides when a collection is worth it.
type pacer struct {
	handed    int // bytes handed out since the last collection that the pool asked for, without what was given back
	fruitless int // collections in a row that brought no buffer of the size that was asked for
}

// worthCollecting reports whether there may be a dropped buffer of that size to be found at a good price.
func (p *Pool) worthCollecting(size int) bool {
	p.mu.Lock()
	handed, far := p.pacer.handed, max(size, cycle)<<p.pacer.fruitless
	p.mu.Unlock()
	return handed >= far && handed >= scan*pointers()
}

// collect has the runtime find what users have dropped, and waits until it has come back: all of it, or with a size until
// a buffer of that size is at hand. One at a time: who waited for another's collection takes what that one brought.
func (p *Pool) collect(size int) {
	p.collecting.Lock()
	defer p.collecting.Unlock()
	if size > 0 && p.has(size) {
		return
	}
	runtime.GC() // ends when all garbage is known and its finalizers are queued
	dropped := p.dropped(size)
	for i := 0; i < patience && p.waiting(dropped, size == 0); i++ {
		runtime.Gosched() // not a channel: the finalizers' goroutine may not touch those of a synctest bubble
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.GCs++
	p.pacer.handed = 0
	switch c := p.free[size]; {
	case size == 0:
	case c != nil && len(c.free) > 0:
		p.pacer.fruitless = 0
	default:
		p.pacer.fruitless = min(p.pacer.fruitless+1, mostFruitless)
	}
}

func (p *Pool) has(size int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.free[size]
	return c != nil && len(c.free) > 0
}

// dropped lists the buffers of a size (0: of any) that are on their way back.
func (p *Pool) dropped(size int) (list buffers) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.out {
		if (size == 0 || b.size == size) && b.dropped() {
			list = append(list, b)
		}
	}
	return list
}

// waiting reports whether none of the list is back yet or, with all, whether one is not.
func (p *Pool) waiting(list buffers, all bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range list {
		if b.out() == all {
			return all
		}
	}
	return !all && len(list) > 0
}

// pointers is the bytes of this process that marking passes over.
func pointers() int {
	sample := []metrics.Sample{{Name: "/gc/scan/total:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int(min(sample[0].Value.Uint64(), mostBytes))
}
