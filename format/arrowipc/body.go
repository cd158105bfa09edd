package arrowipc

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
)

// body is a batch that is being put together: its arrays depth first, and buffers that hold just their rows, from the first on.
type body struct {
	e       *encoder
	nodes   []pair // rows, nulls
	buffers [][]byte
	views   []int        // buffers of data of each view
	wide    map[int]bool // buffers of values of 16 bytes and more: Polars (0.26.1 for Node.js) does not read them at the 8 bytes behind a length
}

// bufferOf is the bytes of one of an array's buffers; none where there is none.
func bufferOf(d arrow.ArrayData, i int) []byte {
	if b := d.Buffers()[i]; b != nil {
		return b.Bytes()
	}
	return nil
}

// add appends rows [lo, lo+n) of an array's buffers, counted without regard to its offset.
func (b *body) add(ctx context.Context, node *node, d arrow.ArrayData, lo, n int) error {
	b.nodes = append(b.nodes, pair{n, b.addValidity(node, d, lo, n)})
	switch t := node.typ.(type) {
	case *arrow.NullType:
		return nil
	case *arrow.DictionaryType:
		indices, err := b.e.indices(ctx, node, d, lo, n)
		b.buffers = append(b.buffers, indices)
		return err
	case *arrow.StructType, *arrow.FixedSizeListType:
		return b.addParts(ctx, node, d, lo, n)
	case *arrow.SparseUnionType:
		b.buffers = append(b.buffers, bufferOf(d, 1)[lo:lo+n])
		return b.addParts(ctx, node, d, lo, n)
	case *arrow.DenseUnionType:
		return b.addDense(ctx, node, d, t, lo, n)
	case *arrow.RunEndEncodedType:
		return b.addRuns(ctx, node, d, lo, n)
	case *arrow.ListType, *arrow.MapType:
		return addList[int32](ctx, b, node, d, lo, n)
	case *arrow.LargeListType:
		return addList[int64](ctx, b, node, d, lo, n)
	case *arrow.ListViewType:
		return addListView[int32](ctx, b, node, d, lo, n)
	case *arrow.LargeListViewType:
		return addListView[int64](ctx, b, node, d, lo, n)
	case arrow.BinaryViewDataType:
		return b.addView(d, lo, n)
	case *arrow.StringType, *arrow.BinaryType:
		addBinary[int32](b, d, lo, n)
	case *arrow.LargeStringType, *arrow.LargeBinaryType:
		addBinary[int64](b, d, lo, n)
	case *arrow.BooleanType:
		b.buffers = append(b.buffers, bitsFrom(bufferOf(d, 1), lo, n))
	default:
		width := node.width() / 8
		if width >= 16 {
			if b.wide == nil {
				b.wide = make(map[int]bool)
			}
			b.wide[len(b.buffers)] = true
		}
		b.buffers = append(b.buffers, part(bufferOf(d, 1), lo*width, n*width))
	}
	return nil
}

// addValidity appends the validity of an array that may have one, and says how many rows are null.
func (b *body) addValidity(node *node, d arrow.ArrayData, lo, n int) (nulls int) {
	if node.typ.ID() == arrow.NULL {
		return n
	}
	if len(node.kinds) == 0 || !node.kinds[0].validity {
		return 0
	}
	valid := bufferOf(d, 0)
	if valid != nil {
		nulls = n - array.CountBits(valid, lo, n)
	}
	if nulls == 0 {
		valid = nil
	}
	b.buffers = append(b.buffers, bitsFrom(valid, lo, n))
	return nulls
}

// part is n bytes of b, which may be missing if there are none.
func part(b []byte, at, n int) []byte {
	if n == 0 {
		return nil
	}
	return b[at : at+n]
}

// bitsFrom is bits [lo, lo+n) of a bitmap from the first bit on.
func bitsFrom(bits []byte, lo, n int) []byte {
	if bits == nil || n == 0 {
		return nil
	}
	if lo%8 == 0 {
		return bits[lo/8 : (lo+n+7)/8]
	}
	out := array.AllocBytes((n + 7) / 8)
	array.CopyBits(out, 0, bits, lo, n)
	return out
}

// addParts appends the parts of an array that has a fixed number of their rows in each of its own.
func (b *body) addParts(ctx context.Context, node *node, d arrow.ArrayData, lo, n int) error {
	times := 1
	if t, ok := node.typ.(*arrow.FixedSizeListType); ok {
		times = int(t.Len())
	}
	for i, c := range node.children {
		child := d.Children()[i]
		if err := b.add(ctx, c, child, child.Offset()+lo*times, n*times); err != nil {
			return err
		}
	}
	return nil
}

// rebased is offsets that begin at 0: those of the rows, and of their end.
func rebased[O int32 | int64](d arrow.ArrayData, lo, n int) (offsets []byte, first, last int) {
	if n == 0 {
		return array.Bytes(make([]O, 1)), 0, 0
	}
	all := array.View[O](bufferOf(d, 1))[lo : lo+n+1]
	first, last = int(all[0]), int(all[n])
	if first == 0 {
		return array.Bytes(all), first, last
	}
	out := make([]O, n+1)
	for i, o := range all {
		out[i] = o - O(first)
	}
	return array.Bytes(out), first, last
}

func addBinary[O int32 | int64](b *body, d arrow.ArrayData, lo, n int) {
	offsets, first, last := rebased[O](d, lo, n)
	b.buffers = append(b.buffers, offsets, part(bufferOf(d, 2), first, last-first))
}

func addList[O int32 | int64](ctx context.Context, b *body, node *node, d arrow.ArrayData, lo, n int) error {
	offsets, first, last := rebased[O](d, lo, n)
	b.buffers = append(b.buffers, offsets)
	child := d.Children()[0]
	return b.add(ctx, node.children[0], child, child.Offset()+first, last-first)
}

// addListView appends the lists' places and lengths, and what they refer to: from the first element that one of them has to the last.
func addListView[O int32 | int64](ctx context.Context, b *body, node *node, d arrow.ArrayData, lo, n int) error {
	offsets, sizes := make([]O, n), make([]O, n)
	var first, last O = -1, 0
	for i := range n {
		if !isNull(d, lo-d.Offset()+i) {
			offsets[i], sizes[i] = array.View[O](bufferOf(d, 1))[lo+i], array.View[O](bufferOf(d, 2))[lo+i]
		}
		if sizes[i] > 0 {
			if first < 0 || offsets[i] < first {
				first = offsets[i]
			}
			last = max(last, offsets[i]+sizes[i])
		}
	}
	first = max(first, 0)
	for i := range offsets {
		offsets[i] = max(offsets[i]-first, 0) // an empty list's may be anywhere
		if sizes[i] == 0 {
			offsets[i] = 0
		}
	}
	b.buffers = append(b.buffers, array.Bytes(offsets), array.Bytes(sizes))
	child := d.Children()[0]
	return b.add(ctx, node.children[0], child, child.Offset()+int(first), int(last-first))
}

// addDense appends a dense union: of each part the rows that it refers to.
func (b *body) addDense(ctx context.Context, node *node, d arrow.ArrayData, t *arrow.DenseUnionType, lo, n int) error {
	codes := part(bufferOf(d, 1), lo, n)
	offsets := slices.Clone(array.View[int32](part(bufferOf(d, 2), 4*lo, 4*n)))
	var first, end [256]int32
	for i := range first {
		first[i] = -1
	}
	for i, c := range codes {
		if o := offsets[i]; first[c] < 0 || o < first[c] {
			first[c] = o
		}
		end[c] = max(end[c], offsets[i]+1)
	}
	for i, c := range codes {
		offsets[i] -= first[c]
	}
	b.buffers = append(b.buffers, codes, array.Bytes(offsets))
	for i, c := range node.children {
		code, child := uint8(t.TypeCodes()[i]), d.Children()[i]
		from := max(first[code], 0)
		if err := b.add(ctx, c, child, child.Offset()+int(from), int(end[code]-from)); err != nil {
			return err
		}
	}
	return nil
}

// addRuns appends the runs that rows are of, their ends counted from the first row.
func (b *body) addRuns(ctx context.Context, node *node, d arrow.ArrayData, lo, n int) error {
	ends := d.Children()[0]
	var cut []byte
	var first, count int
	switch t := storage(ends.DataType()); t.ID() {
	case arrow.INT16:
		cut, first, count = cutRuns[int16](ends, lo, n)
	case arrow.INT32:
		cut, first, count = cutRuns[int32](ends, lo, n)
	case arrow.INT64:
		cut, first, count = cutRuns[int64](ends, lo, n)
	default:
		return fmt.Errorf("runs end at %s", t)
	}
	b.nodes = append(b.nodes, pair{count, 0})
	b.buffers = append(b.buffers, nil, cut)
	values := d.Children()[1]
	return b.add(ctx, node.children[1], values, values.Offset()+first, count)
}

func cutRuns[E int16 | int32 | int64](d arrow.ArrayData, lo, n int) (cut []byte, first, count int) {
	if n == 0 {
		return nil, 0, 0
	}
	ends := array.View[E](bufferOf(d, 1))[d.Offset() : d.Offset()+d.Len()]
	first, _ = slices.BinarySearchFunc(ends, lo+1, func(e E, at int) int { return int(e) - at })
	last, _ := slices.BinarySearchFunc(ends, lo+n, func(e E, at int) int { return int(e) - at })
	out := make([]E, 0, last+1-first)
	for _, e := range ends[first : last+1] {
		out = append(out, E(min(int(e)-lo, n)))
	}
	return array.Bytes(out), first, len(out)
}
