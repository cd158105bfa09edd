package mem

// Allocator is a pool as Arrow's memory.Allocator: its buffers are zeroed, as Arrow's own. Arrow cannot be told no, so the
// pool's limit does not bind it; what it hands out counts as in use.
type Allocator struct{ Pool *Pool }

// Allocate gives n zeroed bytes.
func (a Allocator) Allocate(n int) []byte {
	buf, _, _ := a.Pool.get(n, 0) // no limit, no error
	clear(buf)
	return buf
}

// Reallocate gives n bytes that begin with those of old, zeros behind them, and takes old back. Where old has room it is
// old itself.
func (a Allocator) Reallocate(n int, old []byte) []byte {
	if n <= cap(old) {
		grown := old[:n]
		clear(grown[min(len(old), n):])
		return grown
	}
	buf := a.Allocate(n)
	copy(buf, old)
	a.Pool.Put(old)
	return buf
}

// Free takes back what Allocate or Reallocate gave.
func (a Allocator) Free(buf []byte) { a.Pool.Put(buf) }
