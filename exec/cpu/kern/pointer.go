package kern

import "unsafe"

// This is the package's one file with unsafe: where slices begin, for routines that take pointers.

// first is the address of the first byte; nil for a slice without memory.
func first(b []byte) *byte { return unsafe.SliceData(b) }

// missing is how many bytes the address of b is short of the next multiple of align, a power of two.
func missing(b []byte, align int) int {
	return int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & uintptr(align-1))
}

// aligned reports whether an address is a multiple of size, a power of two.
func aligned(at *byte, size int) bool { return uintptr(unsafe.Pointer(at))&uintptr(size-1) == 0 }
