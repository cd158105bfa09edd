package shmlink

import (
	"math/bits"
	"sync"
)

// buffers recycles what eager payloads are kept in until they are read.
type buffers struct{ pools [bits.UintSize]sync.Pool } // by the power of two

func (b *buffers) take(n int) []byte {
	class := bits.Len(uint(n - 1))
	if kept, ok := b.pools[class].Get().(*[]byte); ok {
		return (*kept)[:n]
	}
	return make([]byte, n, 1<<class)
}

func (b *buffers) put(data []byte) { b.pools[bits.Len(uint(cap(data)-1))].Put(&data) }
