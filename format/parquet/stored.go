package parquet

import (
	"encoding/base64"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// Some types are stored as others, which hold the same values: views of texts as texts (see unviewed), durations as the integers that they are, and lists
// of a fixed size as lists; of these two the stored Arrow schema says what they were. The library writes fixed lists as well, but neither
// null ones nor slices of them.

// storedSchema is the schema of what is written.
func storedSchema(s *arrow.Schema) (*arrow.Schema, error) {
	fields := make([]arrow.Field, s.NumFields())
	for i, f := range s.Fields() {
		f.Type = unviewedType(f.Type)
		switch f.Type.ID() {
		case arrow.DURATION:
			f.Type = arrow.PrimitiveTypes.Int64
		case arrow.FIXED_SIZE_LIST:
			f.Type = arrow.ListOfField(f.Type.(*arrow.FixedSizeListType).ElemField())
		}
		if holdsFixedLists(f.Type) {
			return nil, fmt.Errorf("column %q: lists of a fixed size within others, %s, cannot be written; cast them to lists first", f.Name, f.Type)
		}
		fields[i] = f
	}
	meta := s.Metadata()
	if i := meta.FindKey(schemaKey); i >= 0 { // of a file that the schema came from
		keys, values := meta.Keys(), meta.Values()
		meta = arrow.NewMetadata(append(keys[:i:i], keys[i+1:]...), append(values[:i:i], values[i+1:]...))
	}
	return arrow.NewSchema(fields, &meta), nil
}

// restored reports whether the stored Arrow schema has to say what columns were.
func restored(s *arrow.Schema) bool {
	for _, f := range s.Fields() {
		if f.Type.ID() == arrow.DURATION || f.Type.ID() == arrow.FIXED_SIZE_LIST {
			return true
		}
	}
	return false
}

func holdsFixedLists(t arrow.DataType) bool {
	if t.ID() == arrow.FIXED_SIZE_LIST {
		return true
	}
	nested, ok := t.(arrow.NestedType)
	if !ok {
		return false
	}
	for _, f := range nested.Fields() {
		if holdsFixedLists(f.Type) {
			return true
		}
	}
	return false
}

// withSchema adds an Arrow schema to be stored.
func withSchema(stored, s *arrow.Schema) *arrow.Schema {
	raw := base64.StdEncoding.EncodeToString(flight.SerializeSchema(s, memory.DefaultAllocator))
	meta := stored.Metadata()
	meta = arrow.NewMetadata(append(meta.Keys(), schemaKey), append(meta.Values(), raw))
	return arrow.NewSchema(stored.Fields(), &meta)
}

// storedArray is the array as it is written.
func storedArray(a arrow.Array, t arrow.DataType) (arrow.Array, error) {
	a = unviewed(a)
	switch a.(type) {
	case *arrowarray.Duration:
		d := a.Data()
		return arrowarray.MakeFromData(arrowarray.NewData(t, d.Len(), d.Buffers(), nil, d.NullN(), d.Offset())), nil
	}
	if fixed, ok := a.(*arrowarray.FixedSizeList); ok {
		return listOf(fixed, t)
	}
	if !arrow.TypeEqual(a.DataType(), t) {
		return nil, fmt.Errorf("%s, the file has %s", a.DataType(), t)
	}
	return a, nil
}

// listOf makes lists of fixed ones, empty where they are null.
func listOf(a *arrowarray.FixedSizeList, t arrow.DataType) (arrow.Array, error) {
	n, width := a.Len(), int(a.DataType().(*arrow.FixedSizeListType).Len())
	if n*width > math.MaxInt32 {
		return nil, fmt.Errorf("%d values in one batch; write fewer rows at a time", n*width)
	}
	offsets := make([]int32, n+1)
	var runs []arrow.Array
	for i, start := 0, 0; i < n; i++ {
		offsets[i+1] = offsets[i]
		if a.IsNull(i) {
			start = i + 1
			continue
		}
		if offsets[i+1] += int32(width); i == n-1 || a.IsNull(i+1) {
			from, _ := a.ValueOffsets(start)
			_, to := a.ValueOffsets(i)
			runs = append(runs, arrowarray.NewSlice(a.ListValues(), from, to))
		}
	}
	if len(runs) == 0 {
		runs = append(runs, arrowarray.NewSlice(a.ListValues(), 0, 0))
	}
	values, err := format.Concat(runs)
	if err != nil {
		return nil, err
	}
	var valid *memory.Buffer
	if a.NullN() > 0 {
		valid = memory.NewBufferBytes(alloc((n + 7) / 8))
		bitutil.CopyBitmap(a.NullBitmapBytes(), a.Data().Offset(), n, valid.Bytes(), 0)
	}
	buffers := []*memory.Buffer{valid, memory.NewBufferBytes(array.Bytes(offsets))}
	return arrowarray.MakeFromData(arrowarray.NewData(t, n, buffers, []arrow.ArrayData{values.Data()}, a.NullN(), 0)), nil
}

// groupSize is how many rows take about groupBytes, by those of a record.
func groupSize(r arrow.RecordBatch) int {
	total := 0
	for _, c := range r.Columns() {
		total += valueBytes(c)
	}
	return max(1, min(groupRows, groupBytes/max(1, total/int(r.NumRows()))))
}

// valueBytes is about how many bytes an array's values take.
func valueBytes(a arrow.Array) int {
	n := a.Len()
	switch a := a.(type) {
	case *arrowarray.String:
		return 4*n + len(a.ValueBytes())
	case *arrowarray.LargeString:
		return 8*n + len(a.ValueBytes())
	case *arrowarray.Binary:
		return 4*n + len(a.ValueBytes())
	case *arrowarray.LargeBinary:
		return 8*n + len(a.ValueBytes())
	case *arrowarray.StringView:
		total := 16 * n
		for i := range n {
			total += a.ValueLen(i)
		}
		return total
	case arrowarray.ListLike:
		if n == 0 {
			return 0
		}
		from, _ := a.ValueOffsets(0)
		_, to := a.ValueOffsets(n - 1)
		return 4*n + valueBytes(arrowarray.NewSlice(a.ListValues(), from, to))
	case *arrowarray.Struct:
		total := 0
		for i := range a.NumField() {
			total += valueBytes(a.Field(i))
		}
		return total
	}
	if t, ok := a.DataType().(arrow.FixedWidthDataType); ok {
		return n * max(1, t.BitWidth()/8)
	}
	return 8 * n
}
