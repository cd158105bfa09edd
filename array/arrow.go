package array

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Width is the element type of a column of an Arrow type and the shape of one of its rows: empty but for fixed-size lists of numbers,
// which are arrays of more axes. Times and their kin are the integers that they are stored as. Invalid where arrays cannot be made of it.
func Width(t arrow.DataType) (d DType, row Shape) {
	for {
		list, ok := t.(*arrow.FixedSizeListType)
		if !ok {
			return Storage(t), row
		}
		row = append(row, int(list.Len()))
		if t = list.Elem(); storage(t).Valid() || len(row) > maxAxes-2 {
			return Invalid, nil
		}
	}
}

// FromStorage is FromArrow of the elements as Width says: those of lists one after another, where a null list is a list of nulls.
func FromStorage(a arrow.Array) (*Block, error) { return fromStorage(a, FromArrow) }

// OverStorage is FromStorage of an array that nobody releases, as files give them: it stays reachable with the block, and its memory comes back with
// the first collection of garbage after both, not the second.
func OverStorage(a arrow.Array) (*Block, error) {
	return fromStorage(a, func(part arrow.Array) (*Block, error) { return overArrow(part, a) })
}

func fromStorage(a arrow.Array, from func(arrow.Array) (*Block, error)) (*Block, error) {
	if list, ok := a.(*arrowarray.FixedSizeList); ok {
		return fromLists(list, from)
	}
	if d := storage(a.DataType()); d.Valid() {
		data := a.Data()
		as := arrowarray.NewData(d.Arrow(), data.Len(), data.Buffers(), nil, data.NullN(), data.Offset())
		defer as.Release()
		numbers := arrowarray.MakeFromData(as)
		defer numbers.Release()
		return from(numbers)
	}
	return from(a)
}

func fromLists(list *arrowarray.FixedSizeList, from func(arrow.Array) (*Block, error)) (*Block, error) {
	width := int(list.DataType().(*arrow.FixedSizeListType).Len())
	lo := list.Data().Offset() * width
	hi := lo + list.Len()*width
	if hi > list.ListValues().Len() {
		return nil, fmt.Errorf("%w: %d lists of %d over %d values", ErrShape, list.Len(), width, list.ListValues().Len())
	}
	values := arrowarray.NewSlice(list.ListValues(), int64(lo), int64(hi))
	defer values.Release()
	b, err := fromStorage(values, from)
	if err != nil || list.NullN() == 0 {
		return b, err
	}
	out := NewBlock(b.dtype, b.shape, true)
	out.Put(0, b)
	each := b.n / max(1, list.Len())
	for i := range list.Len() {
		if list.IsNull(i) {
			ClearBits(out.validity, i*each, each)
		}
	}
	return out, nil
}

// ArrowRows is the block as an Arrow array with an element a row, without a copy: Arrow for one axis, fixed-size lists of numbers for more;
// Width and FromStorage are the way back. A scalar is an array of one. Memory is as of Arrow. ErrShape where an axis beyond the first has no
// elements or more than 2³¹-1, which Arrow's lists cannot say; ErrDType where the block has no type, or its elements lie in a device's memory.
func (b *Block) ArrowRows() (arrow.Array, error) {
	if !b.dtype.Valid() {
		return nil, fmt.Errorf("%w: an empty block has none; make it with NewBlock or FromSlice", ErrDType)
	}
	if far, _ := b.Far(); far != nil {
		return nil, fmt.Errorf("%w: the elements lie in the memory of %s; collect them first", ErrDType, far.Device())
	}
	for i, n := range b.shape[min(1, len(b.shape)):] {
		if n < 1 || n > math.MaxInt32 {
			return nil, fmt.Errorf("%w: axis %d of %v has %d elements, Arrow's lists 1 to %d; reshape to one axis", ErrShape, i+1, b.shape, n, math.MaxInt32)
		}
	}
	a := b.Arrow()
	for i := len(b.shape) - 1; i > 0; i-- {
		field := arrow.Field{Name: "item", Type: a.DataType(), Nullable: i == len(b.shape)-1}
		t := arrow.FixedSizeListOfField(int32(b.shape[i]), field)
		data := arrowarray.NewData(t, b.shape[:i].Len(), []*memory.Buffer{nil}, []arrow.ArrayData{a.Data()}, 0, 0)
		a.Release()
		a = arrowarray.MakeFromData(data)
		data.Release()
	}
	return a, nil
}

// ClearBits clears bits [lo, lo+n) of a bitmap.
func ClearBits(bitmap []byte, lo, n int) {
	for i := lo; i < lo+n; i++ {
		bitmap[i>>3] &^= 1 << (i & 7)
	}
}
