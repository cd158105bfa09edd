//go:build cgo

package cdata

// #include "taken.h"
import "C"

import "sync"

// Structs is an ArrowArray and an ArrowSchema in C memory, for programs that have none of their own to export to or to be handed. It begins
// with both released, and is to be closed.
type Structs struct {
	mu sync.Mutex
	c  *C.struct_darray_structs
}

// NewStructs allocates the structs. Where the system has no memory their addresses are 0, which Export and Import refuse.
func NewStructs() *Structs { return &Structs{c: C.darray_structs_new()} }

// Array is the address of the ArrowArray; 0 after Close.
func (s *Structs) Array() uintptr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil {
		return 0
	}
	return uintptr(C.darray_structs_array(s.c))
}

// Schema is the address of the ArrowSchema; 0 after Close.
func (s *Structs) Schema() uintptr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c == nil {
		return 0
	}
	return uintptr(C.darray_structs_schema(s.c))
}

// Close releases what nobody has taken out of the structs, and frees them: their addresses are not to be used any more. Safe twice.
func (s *Structs) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c != nil {
		C.darray_structs_free(s.c)
		s.c = nil
	}
}
