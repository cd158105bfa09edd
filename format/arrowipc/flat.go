package arrowipc

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// flat is a column of values of one width that is put together of several batches, or of compressed ones.
type flat struct {
	node     *node
	pieces   []*piece
	rows     int
	values   []byte
	validity []byte   // nil: no nulls
	bits     [][]byte // of each piece: values of a bool column
	valid    [][]byte // of each piece: its validity
}

// planFlat adds one task a piece, which unpacks or copies the values into place. Pieces may share bytes of bitmaps, so these are joined
// at the end.
func (s *session) planFlat(ctx context.Context, w *work, n *node, pieces []*piece, out *arrow.Array) error {
	f := &flat{node: n, pieces: pieces, bits: make([][]byte, len(pieces)), valid: make([][]byte, len(pieces))}
	nullable := false
	for _, p := range pieces {
		f.rows += p.rows()
		nullable = nullable || p.nullable(n)
	}
	var err error
	if f.values, err = s.alloc(n.kinds[1].bytes(f.rows)); err != nil {
		return err
	}
	if nullable {
		if f.validity, err = s.alloc(validity.bytes(f.rows)); err != nil {
			return err
		}
	}
	at := 0
	for i, p := range pieces {
		row := at
		w.tasks = append(w.tasks, func(ctx context.Context, u *unpacker) error { return named(n, f.fill(ctx, s, u, i, row)) })
		at += p.rows()
	}
	w.ends = append(w.ends, func(ctx context.Context) error { return named(n, f.end(ctx, s, out)) })
	return nil
}

// fill puts piece i at row at.
func (f *flat) fill(ctx context.Context, s *session, u *unpacker, i, at int) error {
	p, first := f.pieces[i], f.pieces[i].first(f.node)
	values, err := p.buffer(first+1, p.batch.rows, f.node.kinds[1])
	if err != nil {
		return err
	}
	if width := f.node.width(); width%8 != 0 {
		f.bits[i], err = u.bits(ctx, s, values, p.lo, p.hi)
	} else {
		width /= 8
		err = u.fill(ctx, s, f.values[at*width:(at+p.rows())*width], values, p.lo*width)
	}
	if err != nil || !p.nullable(f.node) {
		return err
	}
	valid, err := p.buffer(first, p.batch.rows, validity)
	if err == nil {
		f.valid[i], err = u.bits(ctx, s, valid, p.lo, p.hi)
	}
	return err
}

// end joins the bitmaps and makes the array.
func (f *flat) end(ctx context.Context, s *session, out *arrow.Array) error {
	at := 0
	for i, p := range f.pieces {
		if f.bits[i] != nil {
			array.CopyBits(f.values, at, f.bits[i], p.lo%8, p.rows())
		}
		switch {
		case f.valid[i] != nil:
			array.CopyBits(f.validity, at, f.valid[i], p.lo%8, p.rows())
		case f.validity != nil:
			array.SetBits(f.validity, at, p.rows())
		}
		at += p.rows()
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(f.values)}
	nulls := 0
	if f.validity != nil {
		if nulls = f.rows - array.CountBits(f.validity, 0, f.rows); nulls > 0 {
			buffers[0] = memory.NewBufferBytes(f.validity)
		}
	}
	if f.node.dictionary == nil {
		*out = arrowarray.MakeFromData(arrowarray.NewData(f.node.declared, f.rows, buffers, nil, nulls, 0))
		return nil
	}
	return f.endDictionary(ctx, s, buffers, nulls, out)
}

// endDictionary checks the indices of each piece against the dictionary as it was at that batch.
func (f *flat) endDictionary(ctx context.Context, s *session, buffers []*memory.Buffer, nulls int, out *arrow.Array) error {
	at := 0
	for _, p := range f.pieces {
		values, bound, err := s.dictionary(ctx, nil, f.node, p.seq)
		if err != nil {
			return err
		}
		data := arrowarray.NewDataWithDictionary(f.node.declared, p.rows(), buffers, arrowarray.UnknownNullCount, at, values.(*arrowarray.Data))
		if err := checkIndices(data, bound); err != nil {
			return err
		}
		at += p.rows()
		if at == f.rows {
			all := arrowarray.NewDataWithDictionary(f.node.declared, f.rows, buffers, nulls, 0, values.(*arrowarray.Data))
			*out = arrowarray.MakeFromData(all)
		}
	}
	return nil
}
