package array

import (
	"fmt"
	"math"
	"runtime"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Block is a contiguous, row-major run of elements with validity: a whole collected array or one rank's part of it.
// It is immutable once it is filled, but for Overwrite. Its memory belongs to the garbage collector, or to whatever it was made over
// (a user's slice, an Arrow array, a mapped file), which it keeps alive; between the steps of a plan its elements may lie in a
// device's memory alone (see Far). The zero value is an empty block of no type.
type Block struct {
	dtype    DType
	shape    Shape
	n        int
	offset   int    // elements skipped at the start of values and validity
	values   []byte // bool: bitmap, least significant bit first; else little-endian numbers
	validity []byte // bitmap, 1 = valid; nil: no nulls
	keep     any    // what owns the memory where the garbage collector does not; *far where it is a device's, and nothing is here
	few      [2]int // where shape lies if it is as short, so that it is no allocation
}

// NewBlock allocates a zeroed block, all valid; with validity, a bitmap of ones is allocated too.
func NewBlock(d DType, shape Shape, validity bool) *Block {
	n := shape.Len()
	b := &Block{dtype: d, n: n, values: AllocBytes(d.BufferSize(n))}
	b.shape = append(b.few[:0], shape...)
	if validity {
		b.validity = AllocBytes(bitmapBytes(n))
		SetBits(b.validity, 0, n)
	}
	return b
}

// WrapBlock makes a 1-D block of n elements over buffers as Arrow lays them out, starting at element offset, without a
// copy (but for values at an address that their type cannot have). keep stays reachable as long as the block, its slices
// and its Arrow arrays. An error where the buffers are too short.
func WrapBlock(d DType, n, offset int, values, validity []byte, keep any) (*Block, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("%w: %s is not an element type", ErrDType, d)
	}
	if n < 0 || offset < 0 || n > math.MaxInt/8-offset { // as Shape.Check
		return nil, fmt.Errorf("%w: %d elements at offset %d", ErrShape, n, offset)
	}
	if need := d.BufferSize(n + offset); len(values) < need {
		return nil, fmt.Errorf("%w: %d %s values at offset %d need %d bytes, the buffer has %d", ErrShape, n, d, offset, need, len(values))
	}
	if validity != nil && len(validity) < bitmapBytes(n+offset) {
		return nil, fmt.Errorf("%w: validity of %d elements at offset %d needs %d bytes, the buffer has %d",
			ErrShape, n, offset, bitmapBytes(n+offset), len(validity))
	}
	if !aligned(values, d.Size()) {
		values = append(AllocBytes(len(values))[:0], values...)
	}
	b := &Block{dtype: d, n: n, offset: offset, values: values, validity: validity, keep: keep, few: [2]int{n}}
	b.shape = b.few[:1]
	return b, nil
}

// retained holds an Arrow array for the blocks over it and releases it when the last of them is gone.
type retained struct{ array arrow.Array }

// FromArrow wraps an Arrow array of a numeric or bool type without a copy; the array stays retained as long as a block over
// its memory is reachable.
func FromArrow(a arrow.Array) (*Block, error) {
	keep := &retained{a}
	b, err := overArrow(a, keep)
	if err != nil {
		return nil, err
	}
	a.Retain()
	runtime.AddCleanup(keep, arrow.Array.Release, a)
	return b, nil
}

// overArrow is a block over an Arrow array's memory, which keep holds.
func overArrow(a arrow.Array, keep any) (*Block, error) {
	if a == nil {
		return nil, fmt.Errorf("%w: there is no Arrow array", ErrDType)
	}
	d, err := FromArrowType(a.DataType())
	if err != nil {
		return nil, err
	}
	data := a.Data()
	buffer := func(i int) []byte {
		if b := data.Buffers()[i]; b != nil {
			return b.Bytes()
		}
		return nil
	}
	var validity []byte
	if a.NullN() != 0 {
		validity = buffer(0)
	}
	return WrapBlock(d, data.Len(), data.Offset(), buffer(1), validity, keep)
}

// Arrow is the block as an Arrow array without a copy, flattened to 1-D. The memory stays the block's, which lives as long
// as the array is reachable; releasing the array frees nothing.
func (b *Block) Arrow() arrow.Array {
	buffer := func(data []byte) *memory.Buffer { return memory.NewBufferWithAllocator(data, owner{b}) }
	var validity *memory.Buffer
	if b.validity != nil {
		validity = buffer(b.validity)
	}
	data := arrowarray.NewData(b.dtype.Arrow(), b.n, []*memory.Buffer{validity, buffer(b.values)}, nil, b.NullN(), b.offset)
	defer data.Release()
	return arrowarray.MakeFromData(data)
}

// owner is the allocator of buffers that lie in a block: it keeps the block reachable and frees nothing.
type owner struct{ block *Block }

func (owner) Allocate(n int) []byte { return AllocBytes(n) }
func (owner) Reallocate(n int, old []byte) []byte {
	return append(AllocBytes(n)[:0], old[:min(n, len(old))]...)[:n]
}
func (owner) Free([]byte) {}

// DType is the element type.
func (b *Block) DType() DType { return b.dtype }

// Shape is the block's shape; not to be changed.
func (b *Block) Shape() Shape { return b.shape }

// Len is the number of elements.
func (b *Block) Len() int { return b.n }

// HasNulls reports whether the block carries validity; some element may be null.
func (b *Block) HasNulls() bool { return b.validity != nil || b.keep != nil && b.farNulls() }

// IsNull reports whether element i is null.
func (b *Block) IsNull(i int) bool { return b.validity != nil && !bit(b.validity, b.offset+i) }

// NullN counts the null elements, 64 at a step.
func (b *Block) NullN() int {
	if b.validity == nil {
		return 0
	}
	return b.n - CountBits(b.validity, b.offset, b.n)
}

// Bools unpacks a bool block into a new slice.
func (b *Block) Bools() []bool {
	out := make([]bool, b.n)
	for i := range out {
		out[i] = bit(b.values, b.offset+i)
	}
	return out
}

// Raw gives the buffers as they lie in memory: element i of the block is element offset+i of values (and of validity,
// nil where nothing is null). For kernels and links; the caller must not write into a block that others can see. A far block
// has none.
func (b *Block) Raw() (values, validity []byte, offset int) { return b.values, b.validity, b.offset }

// bytes is the values of a numeric block from its first element.
func (b *Block) bytes() []byte {
	size := b.dtype.Size()
	return b.values[b.offset*size : (b.offset+b.n)*size]
}

// Borrowed reports whether b's memory belongs to something other than the garbage collector, as far as is known: an Arrow array, a mapped
// file, a device. Such memory stays only as long as b is reachable, whatever slices of it are kept, and it may be read-only.
func (b *Block) Borrowed() bool { return b.keep != nil }

// Slice is elements [lo, hi) as a 1-D block over the same memory. As with a Go slice, the range must lie within the block.
func (b *Block) Slice(lo, hi int) *Block {
	part := *b
	part.n, part.offset = hi-lo, b.offset+lo
	part.few = [2]int{hi - lo}
	part.shape = part.few[:1]
	return &part
}

// Reshape is the same elements under another shape of as many elements.
func (b *Block) Reshape(shape Shape) (*Block, error) {
	if err := shape.Check(); err != nil {
		return nil, err
	}
	if shape.Len() != b.n {
		return nil, fmt.Errorf("%w: %d elements do not fill shape %v", ErrShape, b.n, shape)
	}
	out := *b
	out.shape = append(out.few[:0], shape...)
	return &out, nil
}

// DropValidity gives b without its bitmap where nothing is null, b itself otherwise.
func (b *Block) DropValidity() *Block {
	if b.validity == nil || b.NullN() > 0 {
		return b
	}
	out := *b
	out.shape = append(out.few[:0], b.shape...)
	out.validity = nil
	return &out
}
