package shmlink

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memory is a memfd mapped into this process: writable where it is this rank's own, read-only where it is a peer's. It
// stays mapped while anybody holds it, so that no slice of it is ever left dangling.
type memory struct {
	b       []byte
	refs    atomic.Int64
	touched []atomic.Uint64 // of a peer's: one bit for each populateStep that populate has mapped
}

// populateStep: mapping pages one fault after another costs six times as much as mapping them at once.
const populateStep = 64 << 10

// seals: nobody can make the memory shorter (so no access to it ever faults), and nobody but the owner, who mapped it
// before, can map it writable.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_FUTURE_WRITE | unix.F_SEAL_SEAL

// newMemory makes and seals memory of size bytes, all zero; pages are taken when they are touched. The caller closes fd.
func newMemory(name string, size int) (m *memory, fd int, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err = unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, -1, fmt.Errorf("memfd_create: %w", err)
	}
	m, err = mapOwn(fd, size)
	if err != nil {
		return nil, -1, errors.Join(err, unix.Close(fd))
	}
	return m, fd, nil
}

func mapOwn(fd, size int) (*memory, error) {
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return nil, fmt.Errorf("size memfd to %d bytes: %w", size, err)
	}
	b, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of memfd: %w", size, err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(fmt.Errorf("seal memfd: %w", err), unix.Munmap(b))
	}
	m := &memory{b: b}
	m.refs.Store(1)
	return m, nil
}

// openMemory maps a peer's memory read-only and closes fd. The size must be want, or, where that is 0, at most limit.
func openMemory(fd, want, limit int) (*memory, error) {
	defer unix.Close(fd)
	has, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || has&seals != seals {
		return nil, fmt.Errorf("the peer's memory is not sealed (seals %#x, %v)", has, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("size of the peer's memory: %w", err)
	}
	if st.Size <= 0 || st.Size > int64(limit) || want != 0 && st.Size != int64(want) {
		return nil, fmt.Errorf("the peer's memory has %d bytes, want %d, limit %d", st.Size, want, limit)
	}
	b, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, unix.MAP_SHARED|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map the peer's memory: %w", err)
	}
	m := &memory{b: b, touched: make([]atomic.Uint64, len(b)/populateStep/64+1)}
	m.refs.Store(1)
	return m, nil
}

// populate maps the pages of a peer's n bytes at off that it has not mapped before, and what else is in their steps. It is
// a hint: kernels before 5.14 refuse it.
func (m *memory) populate(off, n int) {
	last := (off + n - 1) / populateStep
	for lo := off / populateStep; lo <= last; lo++ {
		hi := lo
		for hi <= last && m.touch(hi) {
			hi++
		}
		if hi > lo {
			_ = unix.Madvise(m.b[lo*populateStep:min(hi*populateStep, len(m.b))], unix.MADV_POPULATE_READ)
			lo = hi
		}
	}
}

// touch marks a step and reports whether it was not.
func (m *memory) touch(step int) bool {
	word, bit := &m.touched[step/64], uint64(1)<<(step%64)
	return word.Load()&bit == 0 && word.Or(bit)&bit == 0
}

// retain holds the memory for the caller until release. False: it is unmapped.
func (m *memory) retain() bool {
	for {
		n := m.refs.Load()
		if n == 0 {
			return false
		}
		if m.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (m *memory) release() {
	if m.refs.Add(-1) == 0 {
		_ = unix.Munmap(m.b) // it fails for what is no mapping only
	}
}

// word is the eight bytes at off as the word that two processes share. off is a multiple of 8 below len(m.b).
func (m *memory) word(off int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&m.b[off])) }

// offset is where b lies in m. False: not, or not all of it.
func (m *memory) offset(b []byte) (int, bool) {
	base, at := uintptr(unsafe.Pointer(unsafe.SliceData(m.b))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	if at < base || at-base > uintptr(len(m.b)) || uintptr(len(b)) > uintptr(len(m.b))-(at-base) {
		return 0, false
	}
	return int(at - base), true
}
