package comm

import (
	"encoding/binary"
	"errors"
	"unsafe"
)

// Elements travel as they lie in memory: little-endian, int and uint of 64 bits. A platform with 32-bit int stops the
// compiler here; one of the other byte order is refused by checkPlatform when a Comm is made.
const _ = uint(1 << 63)

var errByteOrder = errors.New("comm: this platform is big-endian; darray runs on little-endian ones (amd64, arm64, riscv64)")

func checkPlatform() error {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return errByteOrder
	}
	return nil
}

// bytesOf views xs as bytes, without a copy. What a peer writes through it is taken as it is, also for bool: peers are
// authenticated and run the same build.
func bytesOf[T Elem](xs []T) []byte {
	if len(xs) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(xs))), len(xs)*int(unsafe.Sizeof(xs[0])))
}

// elemsOf views b, which is aligned for T and has whole elements, as elements.
func elemsOf[T Elem](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/sizeOf[T]())
}

// grower returns a function that makes *out hold n bytes worth of elements and views it as bytes, for algorithms that
// learn the length of their result late.
func grower[T Elem](out *[]T) func(n int) []byte {
	size := int(unsafe.Sizeof(*new(T)))
	return func(n int) []byte {
		*out = make([]T, n/size)
		return bytesOf(*out)
	}
}
