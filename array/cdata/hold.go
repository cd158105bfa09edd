//go:build cgo

package cdata

import (
	"runtime"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// hold is the allocator of Arrow buffers over memory that something else owns. When the last of them is released it calls free, once.
type hold struct {
	live    atomic.Int64
	free    func()
	cleanup runtime.Cleanup
}

// newHold has one use, that of its maker, who ends it by Free.
func newHold(free func()) *hold {
	h := &hold{free: free}
	h.live.Store(1)
	return h
}

// collected has the garbage collector call free too, where nobody does before; free must not reach h or its buffers.
func (h *hold) collected() { h.cleanup = runtime.AddCleanup(h, func(free func()) { free() }, h.free) }

func (h *hold) buffer(b []byte) *memory.Buffer {
	h.live.Add(1)
	return memory.NewBufferWithAllocator(b, h)
}

// Free ends one use.
func (h *hold) Free([]byte) {
	if h.live.Add(-1) == 0 {
		h.cleanup.Stop()
		h.free()
	}
}

// Allocate is for buffers that grow, and are then no longer over held memory.
func (*hold) Allocate(n int) []byte { return memory.DefaultAllocator.Allocate(n) }

// Reallocate copies: the old memory stays what it is.
func (h *hold) Reallocate(n int, old []byte) []byte {
	b := memory.DefaultAllocator.Allocate(n)
	copy(b, old)
	return b
}

// over is the same array with its buffers in h; of extension arrays, their storage. What has parallel children begins at 0, they at what was
// its offset: arrow-go's export would apply that to both.
func (h *hold) over(of arrow.ArrayData) *arrowarray.Data {
	t, offset := of.DataType(), of.Offset()
	if ext, ok := t.(arrow.ExtensionType); ok {
		t = ext.StorageType()
	}
	parallel := t.ID() == arrow.STRUCT || t.ID() == arrow.SPARSE_UNION
	buffers := make([]*memory.Buffer, len(of.Buffers()))
	for i, b := range of.Buffers() {
		if b != nil {
			bytes := b.Bytes()
			if parallel {
				bytes = from(bytes, i, offset, of.Len())
			}
			buffers[i] = h.buffer(bytes)
			defer buffers[i].Release()
		}
	}
	children := make([]arrow.ArrayData, len(of.Children()))
	for i, child := range of.Children() {
		children[i] = h.over(child)
		defer children[i].Release()
		if parallel && (offset != 0 || child.Len() != of.Len()) {
			children[i] = arrowarray.NewSliceData(children[i], int64(offset), int64(offset+of.Len()))
			defer children[i].Release()
		}
	}
	if parallel {
		offset = 0
	}
	out := arrowarray.NewData(t, of.Len(), buffers, children, of.NullN(), offset)
	if dictionary, ok := of.Dictionary().(*arrowarray.Data); ok && dictionary != nil {
		words := h.over(dictionary)
		defer words.Release()
		out.SetDictionary(words)
	}
	return out
}

// from is n elements from offset on of a buffer of a struct or sparse union: 0 is validity, in bits, 1 the type of each, in bytes.
func from(buffer []byte, i, offset, n int) []byte {
	switch {
	case offset == 0 || len(buffer) == 0:
		return buffer
	case i == 1:
		return buffer[offset : offset+n]
	case offset%8 == 0:
		return buffer[offset/8:]
	}
	bits := array.AllocBytes((n + 7) / 8)
	array.CopyBits(bits, 0, buffer, offset, n)
	return bits
}
