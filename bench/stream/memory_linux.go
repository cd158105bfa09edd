package stream

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapping is memory that the system gave.
type mapping []byte

// allocate gives n zeroes on pages of their own, huge ones where the system grants them.
func allocate(n int) ([]float64, mapping, error) {
	memory, err := unix.Mmap(-1, 0, 8*n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, fmt.Errorf("stream: %d bytes: %w", 8*n, err)
	}
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE) // small pages do as well, and the figures show it
	return unsafe.Slice((*float64)(unsafe.Pointer(unsafe.SliceData(memory))), n), memory, nil
}

func (m mapping) free() error {
	if m == nil {
		return nil
	}
	return unix.Munmap(m)
}
