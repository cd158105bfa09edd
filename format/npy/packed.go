package npy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/darray-go/darray/format"
)

// packed is a member that is deflated.
type packed struct {
	in       *format.Input
	at, size int           // where its bytes lie
	length   int           // bytes unpacked, as the directory says
	crc      uint32        // of them
	turn     chan struct{} // holds one while the member is unpacked
}

// reader unpacks, from the beginning.
func (p *packed) reader(ctx context.Context) io.ReadCloser {
	return flate.NewReader(bufio.NewReaderSize(p.in.Section(ctx, p.at, p.size), min(p.size, stepBytes)))
}

// header unpacks the beginning.
func (p *packed) header(ctx context.Context) (*header, error) {
	z := p.reader(ctx)
	defer z.Close()
	start := make([]byte, min(p.length, prefixV2))
	if _, err := io.ReadFull(z, start); err != nil {
		return nil, p.broken(ctx, err)
	}
	begin, n, err := headerLength(start, p.length)
	if err != nil {
		return nil, err
	}
	if rest := begin + n - len(start); rest > 0 {
		start = append(start, make([]byte, rest)...)
		if _, err := io.ReadFull(z, start[len(start)-rest:]); err != nil {
			return nil, p.broken(ctx, err)
		}
	}
	return readHeader(ctx, source{format.Memory("", start), 0, p.length})
}

func (p *packed) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("truncated: fewer than the %d bytes that the directory says", p.length)
	}
	return fmt.Errorf("damaged: %w", err)
}

// unpack gives all of it, checked.
func (p *packed) unpack(ctx context.Context) ([]byte, error) {
	z := p.reader(ctx)
	defer z.Close()
	out := alloc(p.length)
	for lo := 0; lo < len(out); lo += stepBytes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(z, out[lo:min(len(out), lo+stepBytes)]); err != nil {
			return nil, p.broken(ctx, err)
		}
	}
	switch n, err := z.Read(make([]byte, 1)); {
	case n > 0:
		return nil, fmt.Errorf("damaged: more than the %d bytes that the directory says", p.length)
	case !errors.Is(err, io.EOF):
		return nil, p.broken(ctx, err)
	}
	if got := crc32.ChecksumIEEE(out); got != p.crc {
		return nil, fmt.Errorf("damaged: its checksum is %08x, the directory says %08x", got, p.crc)
	}
	return out, nil
}

// cache keeps members that were unpacked, the latest, as many as fit.
type cache struct {
	limit int // bytes
	mu    sync.Mutex
	kept  []kept
	bytes int
}

type kept struct {
	m   *member
	src source
}

// unpacked gives a member's bytes. Of several that ask for one at a time, one does the work.
func (c *cache) unpacked(ctx context.Context, m *member, budget int) (source, error) {
	select {
	case m.packed.turn <- struct{}{}:
	case <-ctx.Done():
		return source{}, ctx.Err()
	}
	defer func() { <-m.packed.turn }()
	if src, ok := c.find(m); ok {
		return src, nil
	}
	if m.packed.length > budget {
		return source{}, fmt.Errorf("it is %d bytes unpacked, more than Options.Budget of %d; raise that, or save it by np.savez, which does not compress",
			m.packed.length, budget)
	}
	data, err := m.packed.unpack(ctx)
	if err != nil {
		return source{}, err
	}
	src := source{format.Memory(m.name, data), 0, len(data)}
	c.keep(kept{m, src})
	return src, nil
}

func (c *cache) find(m *member) (source, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, k := range c.kept {
		if k.m == m {
			c.kept = append(slices.Delete(c.kept, i, i+1), k)
			return k.src, true
		}
	}
	return source{}, false
}

// keep adds a member and drops the ones that were not asked for longest.
func (c *cache) keep(k kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept = append(c.kept, k)
	c.bytes += k.src.size
	for c.bytes > c.limit {
		c.bytes -= c.kept[0].src.size
		c.kept = slices.Delete(c.kept, 0, 1)
	}
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept, c.bytes = nil, 0
}
