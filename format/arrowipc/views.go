package arrowipc

import (
	"math"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
)

// viewBytes is how long a buffer of views' data may become: what their offsets can name.
const viewBytes = math.MaxInt32

// addView appends views and the data that they refer to: as it lies, or packed where less than half of it is referred to.
func (b *body) addView(d arrow.ArrayData, lo, n int) error {
	const width = arrow.ViewHeaderSizeBytes
	headers := part(bufferOf(d, 1), lo*width, n*width)
	var data [][]byte
	has := 0
	for i := range d.Buffers()[2:] {
		data = append(data, bufferOf(d, 2+i))
		has += len(data[i])
	}
	if used := viewedBytes(d, lo, n); used < has/2 {
		headers, data = packViews(d, data, lo, n, used)
	}
	b.buffers = append(append(b.buffers, headers), data...)
	b.views = append(b.views, len(data))
	return nil
}

// viewedBytes is how much data views refer to, each by itself.
func viewedBytes(d arrow.ArrayData, lo, n int) (used int) {
	headers := viewHeaders(d)[lo : lo+n]
	for i := range headers {
		if h := &headers[i]; !h.IsInline() && !isNull(d, lo-d.Offset()+i) {
			used += h.Len()
		}
	}
	return used
}

func viewHeaders(d arrow.ArrayData) []arrow.ViewHeader {
	return arrow.ViewHeaderTraits.CastFromBytes(bufferOf(d, 1))
}

// packViews copies what views refer to into as few buffers as can be.
func packViews(d arrow.ArrayData, data [][]byte, lo, n, used int) (headers []byte, packed [][]byte) {
	out := make([]arrow.ViewHeader, n)
	copy(out, viewHeaders(d)[lo:lo+n])
	var current []byte
	for i := range out {
		h := &out[i]
		if isNull(d, lo-d.Offset()+i) {
			*h = arrow.ViewHeader{}
			continue
		}
		if h.IsInline() {
			continue
		}
		if len(current)+h.Len() > viewBytes {
			packed, current = append(packed, current), nil
		}
		if current == nil {
			current = make([]byte, 0, min(used, viewBytes))
		}
		at := int(h.BufferOffset())
		from := data[h.BufferIndex()][at : at+h.Len()]
		h.SetIndexOffset(int32(len(packed)), int32(len(current)))
		current = append(current, from...)
		used -= len(from)
	}
	if len(current) > 0 {
		packed = append(packed, current)
	}
	return arrow.ViewHeaderTraits.CastToBytes(out), packed
}

// bytesOf is about how many bytes rows of an array take in a batch.
func bytesOf(node *node, d arrow.ArrayData, lo, n int) int {
	total := 0
	for _, k := range node.kinds {
		total += k.bytes(n)
	}
	if n == 0 {
		return 0
	}
	span := func(first, last int) int {
		if len(node.children) == 0 {
			return last - first
		}
		child := d.Children()[0]
		return bytesOf(node.children[0], child, child.Offset()+first, last-first)
	}
	switch t := node.typ.(type) {
	case *arrow.StringType, *arrow.BinaryType, *arrow.ListType, *arrow.MapType:
		offsets := array.View[int32](bufferOf(d, 1))
		return total + span(int(offsets[lo]), int(offsets[lo+n]))
	case *arrow.LargeStringType, *arrow.LargeBinaryType, *arrow.LargeListType:
		offsets := array.View[int64](bufferOf(d, 1))
		return total + span(int(offsets[lo]), int(offsets[lo+n]))
	case arrow.BinaryViewDataType:
		return total + viewedBytes(d, lo, n)
	case *arrow.FixedSizeListType:
		return total + span(lo*int(t.Len()), (lo+n)*int(t.Len()))
	case *arrow.StructType, *arrow.SparseUnionType:
		for i, c := range node.children {
			child := d.Children()[i]
			total += bytesOf(c, child, child.Offset()+lo, n)
		}
	default: // of dense unions, list views and runs all parts, as an estimate
		for i, c := range node.children {
			child := d.Children()[i]
			total += bytesOf(c, child, child.Offset(), child.Len())
		}
	}
	return total
}
