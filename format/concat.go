package format

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/encoded"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// Concat joins arrays of one type: the array itself where there is one, or one that has rows, else a copy. Arrays that are nested are taken
// apart here, as arrow-go joins no unions and no empty dictionaries; what they are made of is joined by arrow-go.
func Concat(parts []arrow.Array) (arrow.Array, error) {
	if len(parts) == 0 {
		return nil, errors.New("no arrays to join")
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	all := make([]arrow.ArrayData, len(parts))
	for i, p := range parts {
		if !arrow.TypeEqual(p.DataType(), parts[0].DataType()) {
			return nil, fmt.Errorf("arrays of %s and %s cannot be joined", parts[0].DataType(), p.DataType())
		}
		all[i] = p.Data()
	}
	d, err := concat(all)
	if err != nil {
		return nil, err
	}
	return arrowarray.MakeFromData(d), nil
}

// concat joins at least one array.
func concat(all []arrow.ArrayData) (arrow.ArrayData, error) {
	var parts []arrow.ArrayData
	rows := 0
	for _, d := range all {
		if d.Len() > 0 {
			parts = append(parts, d)
			rows += d.Len()
		}
	}
	switch len(parts) {
	case 0:
		return all[0], nil
	case 1:
		return parts[0], nil
	}
	c := &concatenation{parts: parts, rows: rows, buffers: []*memory.Buffer{nil}}
	t := parts[0].DataType()
	storage := t
	for e, ok := storage.(arrow.ExtensionType); ok; e, ok = storage.(arrow.ExtensionType) {
		storage = e.StorageType()
	}
	known, err := c.nested(storage)
	if err != nil {
		return nil, err
	}
	if !known {
		return concatFlat(parts)
	}
	nulls := 0
	if storage.ID() != arrow.RUN_END_ENCODED && storage.ID() != arrow.SPARSE_UNION && storage.ID() != arrow.DENSE_UNION {
		c.buffers[0], nulls = c.validity()
	}
	return arrowarray.NewData(t, rows, c.buffers, c.children, nulls, 0), nil
}

// concatFlat joins arrays without parts of their own, none of them empty.
func concatFlat(parts []arrow.ArrayData) (arrow.ArrayData, error) {
	arrays := make([]arrow.Array, len(parts))
	for i, p := range parts {
		arrays[i] = arrowarray.MakeFromData(p)
	}
	a, err := arrowarray.Concatenate(arrays, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	return a.Data(), nil
}

// concatenation is a nested array that is put together.
type concatenation struct {
	parts    []arrow.ArrayData
	rows     int
	buffers  []*memory.Buffer
	children []arrow.ArrayData
}

// nested joins the parts of arrays that have some; false if they have none.
func (c *concatenation) nested(t arrow.DataType) (bool, error) {
	switch t := t.(type) {
	case *arrow.StructType:
		return true, c.each(t.NumFields(), 1)
	case *arrow.FixedSizeListType:
		return true, c.each(1, int(t.Len()))
	case *arrow.SparseUnionType:
		c.values(1, 1)
		return true, c.each(t.NumFields(), 1)
	case *arrow.DenseUnionType:
		return true, c.dense(t)
	case *arrow.ListType, *arrow.MapType:
		return true, concatLists[int32](c)
	case *arrow.LargeListType:
		return true, concatLists[int64](c)
	case *arrow.ListViewType:
		return true, concatListViews[int32](c)
	case *arrow.LargeListViewType:
		return true, concatListViews[int64](c)
	case *arrow.RunEndEncodedType:
		return true, c.runs(t)
	}
	return false, nil
}

// validity joins bitmaps; nil where nothing is null.
func (c *concatenation) validity() (*memory.Buffer, int) {
	valid := array.AllocBytes((c.rows + 7) / 8)
	at := 0
	for _, d := range c.parts {
		if b := d.Buffers()[0]; b != nil {
			array.CopyBits(valid, at, b.Bytes(), d.Offset(), d.Len())
		} else {
			array.SetBits(valid, at, d.Len())
		}
		at += d.Len()
	}
	nulls := c.rows - array.CountBits(valid, 0, c.rows)
	if nulls == 0 {
		return nil, 0
	}
	return memory.NewBufferBytes(valid), nulls
}

// values joins buffers of so many bytes a row.
func (c *concatenation) values(buffer, width int) {
	out := array.AllocBytes(c.rows * width)[:0]
	for _, d := range c.parts {
		out = append(out, d.Buffers()[buffer].Bytes()[d.Offset()*width:(d.Offset()+d.Len())*width]...)
	}
	c.buffers = append(c.buffers, memory.NewBufferBytes(out))
}

// each joins n children, which have so many rows for each of their parent's.
func (c *concatenation) each(n, times int) error {
	for i := range n {
		var from [][2]int
		for _, d := range c.parts {
			from = append(from, [2]int{d.Offset() * times, (d.Offset() + d.Len()) * times})
		}
		if err := c.child(i, from); err != nil {
			return err
		}
	}
	return nil
}

// child joins rows [from, to) of child i of each part.
func (c *concatenation) child(i int, from [][2]int) error {
	all := make([]arrow.ArrayData, len(c.parts))
	for k, d := range c.parts {
		all[k] = arrowarray.NewSliceData(d.Children()[i], int64(from[k][0]), int64(from[k][1]))
	}
	child, err := concat(all)
	c.children = append(c.children, child)
	return err
}

// errLong is more elements than the offsets of a type can name.
var errLong = errors.New("they have more elements than 32-bit offsets can name")

func concatLists[O int32 | int64](c *concatenation) error {
	out := make([]O, 1, c.rows+1)
	var from [][2]int
	for _, d := range c.parts {
		offsets := array.View[O](d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]
		first, base := offsets[0], out[len(out)-1]
		if last := offsets[d.Len()]; base+(last-first) < base {
			return errLong
		}
		for _, o := range offsets[1:] {
			out = append(out, base+(o-first))
		}
		from = append(from, [2]int{int(first), int(offsets[d.Len()])})
	}
	c.buffers = append(c.buffers, memory.NewBufferBytes(array.Bytes(out)))
	return c.child(0, from)
}

// concatListViews joins all elements, as views may refer to any of them.
func concatListViews[O int32 | int64](c *concatenation) error {
	out := make([]O, 0, c.rows)
	var from [][2]int
	base := 0
	for _, d := range c.parts {
		n := d.Children()[0].Len()
		if int(O(base+n)) != base+n {
			return errLong
		}
		for _, o := range array.View[O](d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()] {
			out = append(out, o+O(base))
		}
		base += n
		from = append(from, [2]int{0, n})
	}
	c.buffers = append(c.buffers, memory.NewBufferBytes(array.Bytes(out)))
	var o O
	c.values(2, len(array.Bytes([]O{o})))
	return c.child(0, from)
}

// dense joins all of each child, as offsets may refer to any of it.
func (c *concatenation) dense(t *arrow.DenseUnionType) error {
	c.values(1, 1)
	out := make([]int32, 0, c.rows)
	var base [256]int
	for _, d := range c.parts {
		codes := d.Buffers()[1].Bytes()[d.Offset() : d.Offset()+d.Len()]
		for i, o := range array.View[int32](d.Buffers()[2].Bytes())[d.Offset() : d.Offset()+d.Len()] {
			out = append(out, o+int32(base[codes[i]]))
		}
		for i, code := range t.TypeCodes() {
			if base[code] += d.Children()[i].Len(); int(int32(base[code])) != base[code] {
				return errLong
			}
		}
	}
	c.buffers = append(c.buffers, memory.NewBufferBytes(array.Bytes(out)))
	for i := range t.NumFields() {
		var from [][2]int
		for _, d := range c.parts {
			from = append(from, [2]int{0, d.Children()[i].Len()})
		}
		if err := c.child(i, from); err != nil {
			return err
		}
	}
	return nil
}

// runs joins runs, their ends counted from the first row of all.
func (c *concatenation) runs(t *arrow.RunEndEncodedType) error {
	var ends *memory.Buffer
	var from [][2]int
	n := 0
	for _, d := range c.parts {
		at, length := encoded.FindPhysicalOffset(d), encoded.GetPhysicalLength(d)
		from = append(from, [2]int{at, at + length})
		n += length
	}
	var err error
	switch t.RunEnds().ID() {
	case arrow.INT16:
		ends, err = concatEnds[int16](c, from, n)
	case arrow.INT32:
		ends, err = concatEnds[int32](c, from, n)
	default:
		ends, err = concatEnds[int64](c, from, n)
	}
	if err != nil {
		return err
	}
	c.children = append(c.children, arrowarray.NewData(t.RunEnds(), n, []*memory.Buffer{nil, ends}, nil, 0, 0))
	return c.child(1, from)
}

func concatEnds[E int16 | int32 | int64](c *concatenation, from [][2]int, n int) (*memory.Buffer, error) {
	if int(E(c.rows)) != c.rows {
		return nil, fmt.Errorf("they have %d rows, more than ends of runs can name", c.rows)
	}
	out := make([]E, 0, n)
	base := 0
	for i, d := range c.parts {
		ends := d.Children()[0]
		for _, e := range array.View[E](ends.Buffers()[1].Bytes())[ends.Offset()+from[i][0] : ends.Offset()+from[i][1]] {
			out = append(out, E(base+min(int(e)-d.Offset(), d.Len())))
		}
		base += d.Len()
	}
	return memory.NewBufferBytes(array.Bytes(out)), nil
}
