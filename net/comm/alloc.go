package comm

import "github.com/darray-go/darray/net/link"

// Alloc returns n elements, of any content, in memory that the ranks of this host can read, aligned to 64 bytes: messages
// from there are copied once, by their receiver, instead of twice. Where there is no such memory (ranks of one process,
// other systems, DARRAY_LINK=quic, none left) it returns a fresh slice, for which one copy is not saved. It is no part of
// Go's heap: call Free when it is no longer used; what is not freed stays until the process ends.
func Alloc[T Elem](c *Comm, n int) []T {
	if shared, ok := c.m.transport.(link.Allocator); ok && n > 0 {
		if b := shared.Alloc(n * sizeOf[T]()); b != nil {
			return elemsOf[T](b)
		}
	}
	return make([]T, n)
}

// Free takes back what Alloc returned, whole, once no operation uses it. Of any other slice it does nothing.
func Free[T Elem](c *Comm, xs []T) {
	if shared, ok := c.m.transport.(link.Allocator); ok && len(xs) > 0 {
		shared.Free(bytesOf(xs))
	}
}

// Scratch of a collective is used again: fresh memory costs more than what is done with it.
const (
	scratchLeast = 64 << 10 // bytes below which Go's own allocator is as good
	scratchMost  = 64 << 20 // bytes that a rank keeps between two collectives
)

// scratch returns n elements of any content for the time of a collective, and what to call then.
func scratch[T Elem](c *Comm, n int) (xs []T, done func()) {
	bytes := n * sizeOf[T]()
	if bytes < scratchLeast {
		return make([]T, n), func() {}
	}
	m := c.m
	m.mu.Lock()
	b := m.scratch
	m.scratch = nil
	m.mu.Unlock()
	if len(b) < bytes {
		Free(c, b)
		b = Alloc[byte](c, bytes)
	}
	return elemsOf[T](b[:bytes]), func() {
		m.mu.Lock()
		if len(b) <= scratchMost && len(b) > len(m.scratch) && !m.closed {
			b, m.scratch = m.scratch, b
		}
		m.mu.Unlock()
		Free(c, b)
	}
}

func (m *mesh) dropScratch() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if shared, ok := m.transport.(link.Allocator); ok {
		shared.Free(m.scratch)
	}
	m.scratch = nil
}
