package array

import (
	"fmt"
	"math"
	"unsafe"
)

// This is the package's one file with unsafe: bytes seen as numbers and numbers as bytes. Memory is little-endian, as
// Arrow's is; internal/lint keeps unsafe out of the other files.

// View sees n elements of T in b without a copy; b must hold them and be aligned for T. T is never bool.
func View[T Number](b []byte) []T {
	var zero T
	if len(b) == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}

// Bytes sees a slice of numbers as bytes without a copy.
func Bytes[T Number](xs []T) []byte {
	var zero T
	if len(xs) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(xs))), len(xs)*int(unsafe.Sizeof(zero)))
}

// Alignment is what Arrow advises and SIMD kernels like, in bytes.
const Alignment = 64

// smallBytes is where a line more than is needed costs little, in bytes.
const smallBytes = 1 << 10

// AllocBytes gives n zeroed bytes that start at a multiple of Alignment, owned by the garbage collector.
func AllocBytes(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	if n <= smallBytes { // the allocator places such sizes at their own multiples; where it does not, the longer way follows
		if raw := make([]byte, (n+Alignment-1)&^(Alignment-1)); aligned(raw, Alignment) {
			return raw[:n:n]
		}
	}
	raw := make([]byte, n+Alignment-1)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(raw))) & (Alignment - 1))
	return raw[skip : skip+n : skip+n]
}

// aligned reports whether b starts at a multiple of size bytes, as a view of numbers of that size needs.
func aligned(b []byte, size int) bool {
	return len(b) == 0 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%uintptr(size) == 0
}

// Overlaps reports whether some element of b and some element of other, null or not, share memory.
func (b *Block) Overlaps(other *Block) bool {
	lo, hi := b.extent()
	from, to := other.extent()
	return lo < to && from < hi
}

// extent is the addresses of a block's values; lo == hi where it has none. A byte that a bitmap begins or ends in counts.
func (b *Block) extent() (lo, hi uintptr) {
	if b.n == 0 {
		return 0, 0
	}
	base := uintptr(unsafe.Pointer(unsafe.SliceData(b.values)))
	if b.dtype == Bool {
		return base + uintptr(b.offset/8), base + uintptr(bitmapBytes(b.offset+b.n))
	}
	size := b.dtype.Size()
	return base + uintptr(b.offset*size), base + uintptr((b.offset+b.n)*size)
}

// Values views the values of a block without a copy (bool: unpacked into a new slice). Elements under a null hold an
// unspecified value: see Block.IsNull. The slice must not be changed while other arrays use the block, and keeps only
// memory of the garbage collector alive: over a mapped file, keep b as long as the slice.
// ErrDType where T is another type; int and uint view int64 and uint64 blocks.
func Values[T Element](b *Block) ([]T, error) {
	if d := DTypeOf[T](); d != b.dtype {
		return nil, fmt.Errorf("%w: the block holds %s, not %s; use Values[%s] or Cast first", ErrDType, b.dtype, d, b.dtype)
	}
	var out []T
	switch p := any(&out).(type) {
	case *[]bool:
		*p = b.Bools()
	case *[]int:
		*p = View[int](b.bytes())
	case *[]int8:
		*p = View[int8](b.bytes())
	case *[]int16:
		*p = View[int16](b.bytes())
	case *[]int32:
		*p = View[int32](b.bytes())
	case *[]int64:
		*p = View[int64](b.bytes())
	case *[]uint:
		*p = View[uint](b.bytes())
	case *[]uint8:
		*p = b.bytes()
	case *[]uint16:
		*p = View[uint16](b.bytes())
	case *[]uint32:
		*p = View[uint32](b.bytes())
	case *[]uint64:
		*p = View[uint64](b.bytes())
	case *[]float32:
		*p = View[float32](b.bytes())
	case *[]float64:
		*p = View[float64](b.bytes())
	}
	return out, nil
}

// FromSlice wraps xs as a 1-D block, or as one of the given shape, without a copy (bool: packed into a new bitmap).
func FromSlice[T Element](xs []T, shape ...int) (*Block, error) {
	s := Shape(shape)
	if len(shape) == 0 {
		s = Shape{len(xs)}
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	if s.Len() != len(xs) {
		return nil, fmt.Errorf("%w: %d values do not fill shape %v (%d elements)", ErrShape, len(xs), s, s.Len())
	}
	b := &Block{dtype: DTypeOf[T](), n: len(xs)}
	b.shape = append(b.few[:0], s...)
	switch xs := any(xs).(type) {
	case []bool:
		b.values = AllocBytes(bitmapBytes(len(xs)))
		for i, v := range xs {
			if v {
				b.values[i/8] |= 1 << (i % 8)
			}
		}
	case []int:
		b.values = Bytes(xs)
	case []int8:
		b.values = Bytes(xs)
	case []int16:
		b.values = Bytes(xs)
	case []int32:
		b.values = Bytes(xs)
	case []int64:
		b.values = Bytes(xs)
	case []uint:
		b.values = Bytes(xs)
	case []uint8:
		b.values = xs
	case []uint16:
		b.values = Bytes(xs)
	case []uint32:
		b.values = Bytes(xs)
	case []uint64:
		b.values = Bytes(xs)
	case []float32:
		b.values = Bytes(xs)
	case []float64:
		b.values = Bytes(xs)
	}
	return b, nil
}

// Scalar is element i with its type; false where it is null.
func (b *Block) Scalar(i int) (Scalar, bool) {
	if b.IsNull(i) {
		return Scalar{dtype: b.dtype}, false
	}
	s := Scalar{dtype: b.dtype}
	if b.dtype == Bool {
		if bit(b.values, b.offset+i) {
			s.bits = 1
		}
		return s, true
	}
	v := b.bytes()
	switch b.dtype {
	case Int8:
		s.bits = uint64(int64(View[int8](v)[i]))
	case Int16:
		s.bits = uint64(int64(View[int16](v)[i]))
	case Int32:
		s.bits = uint64(int64(View[int32](v)[i]))
	case Int64, Uint64:
		s.bits = View[uint64](v)[i]
	case Uint8:
		s.bits = uint64(v[i])
	case Uint16:
		s.bits = uint64(View[uint16](v)[i])
	case Uint32:
		s.bits = uint64(View[uint32](v)[i])
	case Float32:
		s.bits = math.Float64bits(float64(View[float32](v)[i]))
	case Float64:
		s.bits = View[uint64](v)[i]
	}
	return s, true
}
