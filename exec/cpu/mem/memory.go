package mem

import (
	"runtime"
	"strings"
	"unsafe"
	"weak"

	"github.com/darray-go/darray/array"
)

// This is the package's one file with unsafe: a buffer is found again by its address, which does not keep it alive, and
// comes back from the runtime as a pointer to its first byte.

// buffer is memory of the pool, free or handed out. While it is handed out nothing here keeps it alive.
type buffer struct {
	pool  *Pool
	size  int   // of its class: what a user may get of it
	skip  int   // bytes in front, up to the alignment
	whole int   // bytes allocated
	base  *byte // the first byte allocated; nil while handed out
	seen  weak.Pointer[byte]
	// back is what the runtime calls once nobody else reaches any byte of the buffer. It is made once, that handing out
	// allocates little.
	back func(*byte)
}

// newBuffer allocates a buffer of a class, with contents that are unspecified. Its pages are not in memory yet.
func newBuffer(p *Pool, size int) *buffer {
	raw, skip := allocate(size, unzeroed)
	b := &buffer{pool: p, size: size, skip: skip, whole: len(raw), base: unsafe.SliceData(raw)}
	b.back = func(base *byte) { p.returned(b, base) }
	return b
}

// allocate gives memory with room for size bytes, at least Pooled, from byte skip on: large ones on huge pages.
func allocate(size int, bytes func(n int) []byte) (raw []byte, skip int) {
	if size < hugeFrom {
		return bytes(size), 0 // more than 32 KiB: a span of its own, whose pages begin at multiples of 8 KiB
	}
	raw = bytes(size + hugePage)
	skip = int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (hugePage - 1))
	advise(raw[skip : skip+size])
	return raw, skip
}

func zeroed(n int) []byte { return make([]byte, n) }

// unzeroed is make without the zeros that the runtime writes over memory that it has used before, in one go that no context
// ends: 480 MiB took 0.1 s, and 3 s where the machine had to find the pages first. A Builder that grows once allocates so, and
// the string of its first byte is where that begins; nobody else has the string. Were a Builder to write zeros one day, this
// would only be slower.
func unzeroed(n int) []byte {
	var b strings.Builder
	b.Grow(n)
	b.WriteByte(0)
	return unsafe.Slice(unsafe.StringData(b.String()), n)
}

// Make gives n zeroed bytes that lie as a pool's buffers do: aligned for Arrow, and on huge pages where they are many. They
// belong to the garbage collector and to no pool.
func Make(n int) []byte {
	if n < Pooled {
		return array.AllocBytes(n)
	}
	raw, skip := allocate(n, zeroed)
	return raw[skip : skip+n : skip+n]
}

// bytes is what a user gets of a free buffer.
func (b *buffer) bytes() []byte {
	return unsafe.Slice(b.base, b.whole)[b.skip : b.skip+b.size : b.skip+b.size]
}

// lend hands the buffer out: from now on its user alone keeps it alive, and back is called when the last slice of it, also
// of its middle, is gone. runtime.AddCleanup would not do: it runs when the memory is already given away.
func (b *buffer) lend() []byte {
	out := b.bytes()
	runtime.SetFinalizer(b.base, b.back)
	b.seen = weak.Make(b.base)
	b.base = nil
	return out
}

// take makes a buffer that was handed out the pool's again. buf begins where lend's result began.
func (b *buffer) take(buf []byte) {
	b.base = (*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(buf)), -b.skip))
	runtime.SetFinalizer(b.base, nil)
}

// out reports whether the buffer is handed out, or on its way back.
func (b *buffer) out() bool { return b.base == nil }

// dropped reports whether the runtime has found that nobody reaches a buffer that is handed out: back is on its way.
func (b *buffer) dropped() bool { return b.out() && b.seen.Value() == nil }

// address names a slice by where it begins. Memory of the Go heap does not move.
func address(buf []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(buf))) }
