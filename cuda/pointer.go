package cuda

import (
	"runtime"
	"sync"
	"unsafe"
)

// This is one of the package's two files with unsafe: memory of Go seen by the driver, and the driver's seen by Go. Memory of Go
// that a call gets is on the heap, where nothing moves, and something refers to it until the call is back.

// frame is what a call into a library reads from and writes to. It lives on the heap and is used again.
type frame struct {
	word    [wordsInFrame]uint64
	pointer [wordsInFrame]unsafe.Pointer
	text    [textInFrame]byte
	args    [argsInFrame]uintptr // of a call that is made often, which hence allocates nothing
}

const (
	wordsInFrame = 512 // as many as a kernel's parameters can be
	textInFrame  = 256
	argsInFrame  = 12
)

// frames hands out frames. Their words are zero.
var frames = sync.Pool{New: func() any { return new(frame) }}

func newFrame() *frame { return frames.Get().(*frame) }

// done gives the frame back. Nobody keeps an address of it.
func (f *frame) done(words int) {
	clear(f.word[:words])
	clear(f.pointer[:words])
	frames.Put(f)
}

// at is the address of a word: a number of 32 or 64 bits that the call writes, little-endian as every host with the driver is.
func (f *frame) at(i int) uintptr { return uintptr(unsafe.Pointer(&f.word[i])) }

// pointerAt is the address of a pointer that the call writes.
func (f *frame) pointerAt(i int) uintptr { return uintptr(unsafe.Pointer(&f.pointer[i])) }

// textAt is the address of textInFrame bytes.
func (f *frame) textAt() uintptr { return uintptr(unsafe.Pointer(&f.text[0])) }

// slots makes pointer i point to word i, as cuLaunchKernel and the like want their parameters, and returns where they begin.
func (f *frame) slots(n int) uintptr {
	for i := range n {
		f.pointer[i] = unsafe.Pointer(&f.word[i])
	}
	return f.pointerAt(0)
}

// bytesAt views n bytes from the pointer that a call wrote.
func (f *frame) bytesAt(i, n int) []byte { return unsafe.Slice((*byte)(f.pointer[i]), n) }

// stringAt copies the text from the pointer that a call wrote up to its zero byte, which a library's constant has.
func (f *frame) stringAt(i int) string {
	p := (*byte)(f.pointer[i])
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

// address is where b begins. It makes b live on the heap; its owner keeps it alive while the address is in use.
func address(b []byte) uintptr {
	return onHeap(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}

// onHeap is its argument. What it points to is moved to the heap by the directive.
//
//go:uintptrescapes
//go:noinline
func onHeap(p uintptr) uintptr { return p }

// keep keeps what address was called for alive up to here.
func keep(bs ...[]byte) { runtime.KeepAlive(bs) }

// stringIn copies the text from the pointer that a call returned: a library's constant.
func (f *frame) stringIn(i int) string {
	f.pointer[i] = *(*unsafe.Pointer)(unsafe.Pointer(&f.word[i]))
	return f.stringAt(i)
}
