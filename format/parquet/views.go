package parquet

import (
	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// The library does not write views of texts and bytes, which Polars has in its Arrow files wherever there is text: in dictionaries, lists, structs.

// unviewedType is a type with texts and bytes for their views.
func unviewedType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.StringViewType:
		return arrow.BinaryTypes.String
	case *arrow.BinaryViewType:
		return arrow.BinaryTypes.Binary
	case *arrow.DictionaryType:
		return &arrow.DictionaryType{IndexType: t.IndexType, ValueType: unviewedType(t.ValueType), Ordered: t.Ordered}
	case *arrow.ListType:
		return arrow.ListOfField(unviewedField(t.ElemField()))
	case *arrow.LargeListType:
		return arrow.LargeListOfField(unviewedField(t.ElemField()))
	case *arrow.MapType:
		m := arrow.MapOfFields(unviewedField(t.KeyField()), unviewedField(t.ItemField()))
		m.KeysSorted = t.KeysSorted
		return m
	case *arrow.StructType:
		fields := t.Fields()
		for i, f := range fields {
			fields[i] = unviewedField(f)
		}
		return arrow.StructOf(fields...)
	}
	return t
}

func unviewedField(f arrow.Field) arrow.Field {
	f.Type = unviewedType(f.Type)
	return f
}

// unviewed is an array of the type that unviewedType gives.
func unviewed(a arrow.Array) arrow.Array {
	t := unviewedType(a.DataType())
	if arrow.TypeEqual(t, a.DataType()) {
		return a
	}
	n, d := a.Len(), a.Data()
	switch a := a.(type) {
	case *arrowarray.StringView:
		b := arrowarray.NewStringBuilder(memory.DefaultAllocator)
		b.Reserve(n)
		for i := range n {
			if a.IsNull(i) {
				b.AppendNull()
			} else {
				b.Append(a.Value(i))
			}
		}
		return b.NewArray()
	case *arrowarray.BinaryView:
		b := arrowarray.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
		b.Reserve(n)
		for i := range n {
			if a.IsNull(i) {
				b.AppendNull()
			} else {
				b.Append(a.Value(i))
			}
		}
		return b.NewArray()
	case *arrowarray.Dictionary:
		values := unviewed(a.Dictionary()).Data().(*arrowarray.Data)
		return arrowarray.MakeFromData(arrowarray.NewDataWithDictionary(t, n, d.Buffers(), d.NullN(), d.Offset(), values))
	case *arrowarray.Struct:
		parts := make([]arrow.ArrayData, a.NumField())
		for i := range parts {
			parts[i] = unviewed(a.Field(i)).Data() // which has the rows of a alone
		}
		return arrowarray.MakeFromData(arrowarray.NewData(t, n, []*memory.Buffer{validityOf(a)}, parts, a.NullN(), 0))
	case *arrowarray.LargeList:
		return unviewedLists[int64](a, t)
	case arrowarray.ListLike: // lists of 32 bits, and maps
		return unviewedLists[int32](a, t)
	}
	return a
}

// unviewedLists has the values of the rows of a alone.
func unviewedLists[O int32 | int64](a arrowarray.ListLike, t arrow.DataType) arrow.Array {
	n := a.Len()
	offsets := make([]O, n+1)
	var first, end int64
	if n > 0 {
		first, _ = a.ValueOffsets(0)
		end = first
	}
	for i := range n {
		_, end = a.ValueOffsets(i)
		offsets[i+1] = O(end - first)
	}
	values := unviewed(arrowarray.NewSlice(a.ListValues(), first, end))
	buffers := []*memory.Buffer{validityOf(a), memory.NewBufferBytes(array.Bytes(offsets))}
	return arrowarray.MakeFromData(arrowarray.NewData(t, n, buffers, []arrow.ArrayData{values.Data()}, a.NullN(), 0))
}

// validityOf is a bit for each row of an array, or nil where none is null.
func validityOf(a arrow.Array) *memory.Buffer {
	if a.NullN() == 0 {
		return nil
	}
	valid := memory.NewBufferBytes(alloc((a.Len() + 7) / 8))
	bitutil.CopyBitmap(a.NullBitmapBytes(), a.Data().Offset(), a.Len(), valid.Bytes(), 0)
	return valid
}
