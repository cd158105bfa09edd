package mem

import "time"

// buffers are free ones on their way out.
type buffers []*buffer

// giveBack lets the system have their pages now, and the runtime the addresses.
func (bs buffers) giveBack() {
	for _, b := range bs {
		if b.size >= hugeFrom {
			discard(b.bytes())
		}
	}
}

// Trim gives all free buffers back to the system.
func (p *Pool) Trim() {
	p.mu.Lock()
	drop := p.shrink(0)
	p.mu.Unlock()
	drop.giveBack()
}

// Close gives the free buffers back, and from now on also what is handed out as soon as it comes back. Get goes on
// working. Safe twice.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed, p.armed = true, false
	if p.timer != nil {
		p.timer.Stop()
	}
	drop := p.shrink(0)
	p.mu.Unlock()
	drop.giveBack()
}

// shrink takes free buffers out, any, until at most so many bytes are free.
func (p *Pool) shrink(most int) (drop buffers) {
	for _, c := range p.free {
		if p.stats.Free <= most {
			break
		}
		drop = append(drop, p.remove(c, len(c.free))...)
	}
	return drop
}

// remove takes the n oldest out of a class.
func (p *Pool) remove(c *class, n int) buffers {
	drop := append(buffers(nil), c.free[:n]...)
	kept := copy(c.free, c.free[n:])
	clear(c.free[kept:])
	c.free = c.free[:kept]
	c.low = min(c.low, kept)
	for _, b := range drop {
		p.stats.Free -= b.size
		p.stats.Trimmed += b.size
	}
	return drop
}

// wind sees to it that a tick comes.
func (p *Pool) wind() {
	p.asked = true
	switch {
	case p.armed || p.closed || p.config.Idle < 0:
		return
	case p.timer == nil:
		p.timer = time.AfterFunc(p.config.Idle, p.tick)
	default:
		p.timer.Reset(p.config.Idle)
	}
	p.armed = true
}

// tick gives back what lay free since the last tick. With nothing left and nobody asking it was the last one, until the
// next Get; what comes back meanwhile is not kept.
func (p *Pool) tick() {
	p.mu.Lock()
	var drop buffers
	for size, c := range p.free {
		drop = append(drop, p.remove(c, c.low)...)
		if c.low = len(c.free); c.low == 0 {
			delete(p.free, size)
		}
	}
	p.armed = !p.closed && (p.asked || p.stats.Free > 0)
	p.asked = false
	if p.armed {
		p.timer.Reset(p.config.Idle)
	}
	p.mu.Unlock()
	drop.giveBack()
}
