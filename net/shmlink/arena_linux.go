package shmlink

import (
	"errors"
	"math/bits"
	"sync"

	"golang.org/x/sys/unix"
)

const (
	allocAlign = 64
	defaultCap = 64 << 30
	leastArena = 64 << 20
)

// arena is the memory of a rank that all its peers on the host may read. Blocks are cut off its untouched end and, once
// freed, kept by size for the next of that size: fresh pages cost more than a copy. The system gets pages back only when
// the arena is closed: it refuses to take them out of sealed memory.
type arena struct {
	*memory
	fd int

	mu     sync.Mutex
	end    int           // the first byte never handed out
	staged int           // blocks of bigPiece on loan to messages from elsewhere
	used   map[int]int   // offset of each block handed out -> its class
	kept   map[int][]int // class -> offsets
	closed bool
}

func newArena(size uint64) (*arena, error) {
	n := int(size)
	if n == 0 {
		var info unix.Sysinfo_t
		if err := unix.Sysinfo(&info); err != nil {
			return nil, err
		}
		n = int(min(info.Totalram*uint64(info.Unit)/2, defaultCap))
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_FSIZE, &limit) == nil && limit.Cur < uint64(n) { // beyond it the process would be killed
		n = int(limit.Cur)
	}
	for {
		m, fd, err := newMemory("darray-arena", n)
		if err == nil {
			return &arena{memory: m, fd: fd, used: make(map[int]int), kept: make(map[int][]int)}, nil
		}
		if n /= 2; size != 0 || n < leastArena || !errors.Is(err, unix.ENOMEM) { // the address space may be limited
			return nil, err
		}
	}
}

// class rounds n up to the sizes in which blocks are kept: four between a power of two and the next.
func class(n int) int {
	n = max(n, allocAlign)
	step := max(1<<(bits.Len(uint(n-1))-3), allocAlign)
	return (n + step - 1) / step * step
}

func (a *arena) alloc(n int) []byte {
	if n <= 0 || n > len(a.b) {
		return nil
	}
	size := class(n)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	off := a.end
	if kept := a.kept[size]; len(kept) > 0 {
		off = kept[len(kept)-1] // the warmest
		a.kept[size] = kept[:len(kept)-1]
	} else {
		if size >= 1<<12 { // whole pages, so that blocks share none
			off = (off + 1<<12 - 1) &^ (1<<12 - 1)
		}
		if off > len(a.b)-size {
			if off, size = a.larger(size); size == 0 {
				return nil
			}
		} else {
			a.end = off + size
		}
	}
	if len(a.used) == 0 && !a.retain() {
		return nil
	}
	a.used[off] = size
	return a.b[off : off+n : off+n]
}

// larger takes the smallest kept block above size, where all has been handed out before. A size of 0: there is none.
func (a *arena) larger(size int) (off, found int) {
	for s, kept := range a.kept {
		if s > size && len(kept) > 0 && (found == 0 || s < found) {
			found = s
		}
	}
	if found > 0 {
		kept := a.kept[found]
		off = kept[len(kept)-1]
		a.kept[found] = kept[:len(kept)-1]
	}
	return off, found
}

// free takes back what alloc gave; anything else it ignores.
func (a *arena) free(b []byte) {
	off, ok := a.offset(b)
	if !ok {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	size, ok := a.used[off]
	if !ok || len(b) > size {
		return
	}
	delete(a.used, off)
	a.kept[size] = append(a.kept[size], off)
	if len(a.used) == 0 { // what is handed out keeps the arena mapped, even beyond its close
		a.release()
	}
}

func (a *arena) close() error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.release()
	return unix.Close(a.fd)
}

const (
	// bigPiece is the shortest run that Go's copy writes past the caches, for the receiver of a payload from pastCaches on. The
	// sender copies by smallPiece, so that the receiver finds the bytes in the cache.
	bigPiece = 1 << 20
	// maxStaged bounds the blocks that a rank takes for messages which do not lie in its arena.
	maxStaged = 16
)

// stage lends bigPiece bytes of the arena to a message. False: there are none, which a message must bear.
func (a *arena) stage() (off int, ok bool) {
	a.mu.Lock()
	full := a.staged >= maxStaged
	if !full {
		a.staged++
	}
	a.mu.Unlock()
	if full {
		return 0, false
	}
	b := a.alloc(bigPiece)
	if b == nil {
		a.mu.Lock()
		a.staged--
		a.mu.Unlock()
		return 0, false
	}
	off, _ = a.offset(b)
	return off, true
}

func (a *arena) unstage(off int) {
	a.mu.Lock()
	a.staged--
	a.mu.Unlock()
	a.free(a.b[off : off+bigPiece])
}
