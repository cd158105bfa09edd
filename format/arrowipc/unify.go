package arrowipc

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// known is a dictionary that was written. A file may extend it but not replace it, so other values are appended, and indices are
// written as of this one.
type known struct {
	rows    int
	sum     [sha256.Size]byte // of what was written first
	values  arrow.Array       // a copy of that; nil of values that cannot be unified
	unifier arrowarray.DictionaryUnifier
	back    []int32 // where each value of the unifier is in the file

	current *arrowarray.Data // the last dictionary of this Write, and where its values are in the file; nil: where they are in it
	places  []int32
	same    bool
}

// indices are those of rows [lo, lo+n) of a dictionary array, as of the dictionary in the file, which is written first.
func (e *encoder) indices(ctx context.Context, node *node, d arrow.ArrayData, lo, n int) ([]byte, error) {
	k := e.known[node.id]
	dictionary := d.Dictionary().(*arrowarray.Data)
	if k == nil || k.current != dictionary {
		var err error
		if k, err = e.place(ctx, node, k, dictionary); err != nil {
			return nil, err
		}
	}
	width := node.width() / 8
	indices := part(bufferOf(d, 1), lo*width, n*width)
	if k.same || n == 0 {
		return indices, nil
	}
	return transpose(node.typ.(*arrow.DictionaryType).IndexType, indices, d, lo-d.Offset(), k.places)
}

// place writes what the file lacks of a dictionary.
func (e *encoder) place(ctx context.Context, node *node, k *known, d *arrowarray.Data) (*known, error) {
	values := node.dictionary.columns[0]
	b := &body{e: e}
	if err := b.add(ctx, values, d, d.Offset(), d.Len()); err != nil {
		return nil, err
	}
	sum := b.sum()
	switch {
	case k == nil:
		k = &known{rows: d.Len(), sum: sum, same: true}
		if u, err := arrowarray.NewDictionaryUnifier(memory.DefaultAllocator, values.typ); err == nil {
			k.unifier = u
			if k.values, err = arrowarray.Concatenate([]arrow.Array{storageOf(d)}, memory.DefaultAllocator); err != nil {
				return nil, err
			}
		}
		at, err := e.send(ctx, b, d.Len(), &header{id: node.id})
		e.dictionaries, e.known[node.id] = append(e.dictionaries, at), k
		if err != nil {
			return nil, err
		}
	case sum == k.sum:
		k.same = true
	default:
		if err := e.extend(ctx, node, k, storageOf(d)); err != nil {
			return nil, err
		}
	}
	k.current = d
	return k, nil
}

// storageOf is an array over data, without extensions.
func storageOf(d *arrowarray.Data) arrow.Array {
	a := arrowarray.MakeFromData(d)
	for {
		e, ok := a.(arrowarray.ExtensionArray)
		if !ok {
			return a
		}
		a = e.Storage()
	}
}

// extend writes the values of a dictionary that the file's lacks, and notes where each value is.
func (e *encoder) extend(ctx context.Context, node *node, k *known, values arrow.Array) error {
	if k.unifier == nil {
		return fmt.Errorf("its dictionary of %s changes from one record to the next, which a file cannot hold; use one dictionary for all, or plain values", values.DataType())
	}
	if k.back == nil {
		first, err := k.unifier.UnifyAndTranspose(k.values)
		if err != nil {
			return err
		}
		for i, at := range array.View[int32](first.Bytes()) {
			if int(at) == len(k.back) {
				k.back = append(k.back, int32(i))
			}
		}
		k.values = nil
	}
	numbers, err := k.unifier.UnifyAndTranspose(values)
	if err != nil {
		return err
	}
	k.places, k.same = nil, false
	var fresh []arrow.Array
	rows, from := k.rows, 0
	run := func(to int) { // values [from, to) are new
		if from < to {
			fresh = append(fresh, arrowarray.NewSlice(values, int64(from), int64(to)))
		}
		from = to + 1
	}
	for i, at := range array.View[int32](numbers.Bytes()) {
		if int(at) == len(k.back) {
			k.back = append(k.back, int32(rows))
			rows++
		} else {
			run(i)
		}
		k.places = append(k.places, k.back[at])
	}
	run(values.Len())
	if len(fresh) == 0 {
		return nil
	}
	if most := mostValues(node.typ.(*arrow.DictionaryType).IndexType); uint64(rows) > most {
		return fmt.Errorf("its dictionaries have %d values together, and its indices can name %d; use a wider type of index", rows, most)
	}
	k.rows = rows
	return e.sendDelta(ctx, node, fresh)
}

func (e *encoder) sendDelta(ctx context.Context, node *node, fresh []arrow.Array) error {
	values, err := arrowarray.Concatenate(fresh, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	b := &body{e: e}
	if err := b.add(ctx, node.dictionary.columns[0], values.Data(), 0, values.Len()); err != nil {
		return err
	}
	at, err := e.send(ctx, b, values.Len(), &header{id: node.id, delta: true})
	e.dictionaries = append(e.dictionaries, at)
	return err
}

// sum tells what a batch holds.
func (b *body) sum() (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, n := range b.nodes {
		fmt.Fprintln(h, n)
	}
	for _, p := range b.buffers {
		fmt.Fprintln(h, len(p))
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// mostValues is how many values indices of a type can name.
func mostValues(t arrow.DataType) uint64 {
	bits := t.(arrow.FixedWidthDataType).BitWidth()
	if !arrow.IsUnsignedInteger(t.ID()) {
		bits--
	}
	return 1 << min(bits, 31) // places are int32
}

// transpose replaces indices by those in the file's dictionary.
func transpose(t arrow.DataType, indices []byte, d arrow.ArrayData, row int, places []int32) ([]byte, error) {
	switch t.ID() {
	case arrow.INT8:
		return replace[int8](indices, d, row, places)
	case arrow.UINT8:
		return replace[uint8](indices, d, row, places)
	case arrow.INT16:
		return replace[int16](indices, d, row, places)
	case arrow.UINT16:
		return replace[uint16](indices, d, row, places)
	case arrow.INT32:
		return replace[int32](indices, d, row, places)
	case arrow.UINT32:
		return replace[uint32](indices, d, row, places)
	case arrow.INT64:
		return replace[int64](indices, d, row, places)
	default:
		return replace[uint64](indices, d, row, places)
	}
}

func replace[I interface {
	int8 | uint8 | int16 | uint16 | int32 | uint32 | int64 | uint64
}](indices []byte, d arrow.ArrayData, row int, places []int32) ([]byte, error) {
	from := array.View[I](indices)
	out := make([]I, len(from))
	for i, x := range from {
		switch {
		case isNull(d, row+i):
		case uint64(x) >= uint64(len(places)):
			return nil, errIndices
		default:
			out[i] = I(places[x])
		}
	}
	return array.Bytes(out), nil
}
