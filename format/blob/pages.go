package blob

import (
	"container/list"
	"context"
	"sync"
)

const (
	smallBytes = 256 << 10 // reads below it go through pages
	pageBytes  = 512 << 10 // a footer and the metadata of a file mostly lie in one or two
	pageCount  = 32
)

// pages keeps the parts of an object that small reads fell into, the latest ones.
type pages struct {
	size  int // of the object
	fetch func(ctx context.Context, dst []byte, at int) error

	mu    sync.Mutex
	known map[int]*list.Element // by number
	order list.List             // of *page, the latest first
}

// page is one part. done is closed once bytes or err is there.
type page struct {
	number int
	bytes  []byte
	err    error
	done   chan struct{}
}

// fill copies bytes that may lie in several pages.
func (p *pages) fill(ctx context.Context, dst []byte, at int) error {
	for len(dst) > 0 {
		b, err := p.page(ctx, at/pageBytes)
		if err != nil {
			return err
		}
		n := copy(dst, b[at%pageBytes:])
		dst, at = dst[n:], at+n
	}
	return nil
}

// page gives the bytes of a page. Of several that ask for one at a time, one fetches it; where that fails the others try for themselves.
func (p *pages) page(ctx context.Context, number int) ([]byte, error) {
	for {
		g, mine := p.begin(number)
		if mine {
			p.end(ctx, g)
			return g.bytes, g.err
		}
		select {
		case <-g.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if g.err == nil {
			return g.bytes, nil
		}
	}
}

// begin finds a page, or makes one that the caller is to fetch.
func (p *pages) begin(number int) (g *page, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.known[number]; e != nil {
		p.order.MoveToFront(e)
		return e.Value.(*page), false
	}
	if p.known == nil {
		p.known = make(map[int]*list.Element)
	}
	g = &page{number: number, done: make(chan struct{})}
	p.known[number] = p.order.PushFront(g)
	for p.order.Len() > pageCount {
		p.drop(p.order.Back())
	}
	return g, true
}

// end fetches a page; one that failed is forgotten.
func (p *pages) end(ctx context.Context, g *page) {
	defer close(g.done)
	lo := g.number * pageBytes
	b := make([]byte, min(pageBytes, p.size-lo))
	if g.err = guarded(ctx, lo, func(ctx context.Context, lo int) error { return p.fetch(ctx, b, lo) }); g.err == nil {
		g.bytes = b
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.known[g.number]; e != nil && e.Value == g {
		p.drop(e)
	}
}

func (p *pages) drop(e *list.Element) {
	delete(p.known, e.Value.(*page).number)
	p.order.Remove(e)
}

// put keeps the first page where it came with the answer to the opening request.
func (p *pages) put(b []byte) {
	g, mine := p.begin(0)
	if mine {
		g.bytes = b
		close(g.done)
	}
}
