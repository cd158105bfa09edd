package arrowipc

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sort"

	"github.com/darray-go/darray/array"
)

// part is the rows [lo, hi) of one column in one batch.
type part struct {
	piece
	lo, hi int
}

// Read gives the rows [lo, hi) of a column as one 1-D block. Rows within one batch that is not compressed are a view of
// the mapping, which the block keeps alive; all others are copied. Columns of bool and the number types can be read. It
// allocates at most Options.Budget; ctx ends it between steps of a few MiB.
func (f *File) Read(ctx context.Context, column, lo, hi int) (b *array.Block, err error) {
	defer guard(f.Path, &err, debug.SetPanicOnFault(true))
	if b, err = f.read(ctx, column, lo, hi); err != nil {
		name := fmt.Sprintf("column %d", column)
		if column >= 0 && column < len(f.layout.columns) {
			name = fmt.Sprintf("column %q", f.Schema.Field(column).Name)
		}
		return nil, fmt.Errorf("%s: %s: %w", f.Path, name, err)
	}
	return b, nil
}

// Close ends reading. Blocks that were read stay valid; the mapping goes with the last of them. Close is safe twice.
func (f *File) Close() error {
	f.mu.Lock()
	src := f.src
	f.src = nil
	f.mu.Unlock()
	if src == nil {
		return nil
	}
	return src.close()
}

func (f *File) source() (source, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.src == nil {
		return nil, errClosed
	}
	return f.src, nil
}

func (f *File) read(ctx context.Context, i, lo, hi int) (*array.Block, error) {
	src, err := f.source()
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(src) // Close may drop the file's own reference meanwhile
	if i < 0 || i >= len(f.layout.columns) {
		return nil, fmt.Errorf("there are %d columns", len(f.layout.columns))
	}
	c := f.layout.columns[i]
	if !c.dtype.Valid() {
		return nil, fmt.Errorf("%w: arrays cannot be made of %s; %s", array.ErrDType, f.Schema.Field(i).Type, readable(f.Schema, f.layout))
	}
	if lo < 0 || hi < lo || hi > f.Rows {
		return nil, fmt.Errorf("%w: rows [%d, %d) of %d", array.ErrShape, lo, hi, f.Rows)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	parts, nulls, err := f.parts(ctx, src, c, lo, hi)
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 && parts[0].values.codec == codecNone {
		return parts[0].view(src, c.dtype)
	}
	need := c.dtype.BufferSize(hi - lo)
	if nulls {
		need += array.Bool.BufferSize(hi - lo)
	}
	if need > f.budget {
		return nil, fmt.Errorf("rows [%d, %d) take %d bytes, over the budget of %d; read fewer rows at a time or raise Options.Budget", lo, hi, need, f.budget)
	}
	return join(ctx, src, c.dtype, parts, nulls)
}

// parts finds the rows [lo, hi) of a column in the batches that hold them, and whether some may be null.
func (f *File) parts(ctx context.Context, src source, c column, lo, hi int) (parts []part, nulls bool, err error) {
	first := sort.SearchInts(f.starts, lo+1) - 1 // the last batch that starts at or before lo
	for i := first; i < len(f.at) && f.starts[i] < hi; i++ {
		if f.Batches[i] == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		p, err := f.piece(src, i, c)
		if err != nil {
			return nil, false, fmt.Errorf("batch %d: %w", i, err)
		}
		parts = append(parts, part{p, max(lo-f.starts[i], 0), min(hi-f.starts[i], p.rows)})
		nulls = nulls || p.validity.n > 0
	}
	return parts, nulls, nil
}

// piece reads the metadata of batch i again; Open has checked it, but the file may have been written to since.
func (f *File) piece(src source, i int, c column) (piece, error) {
	m, err := readMessage(src, f.at[i], int(f.Bytes))
	if err != nil {
		return piece{}, err
	}
	if m.kind != kindBatch {
		return piece{}, errChanged
	}
	b, err := parseBatch(m, f.layout)
	if err != nil {
		return piece{}, err
	}
	if b.rows != f.Batches[i] {
		return piece{}, errChanged
	}
	return b.piece(c)
}

// view is the rows as a block over the source's own bytes. It starts at a byte of the bitmaps, so that values and validity
// begin at the same element.
func (p *part) view(src source, d array.DType) (*array.Block, error) {
	base := p.lo &^ (8*array.Alignment - 1) // keeps bitmaps aligned too
	values, err := src.view(p.cut(p.values.extent, d, base))
	if err != nil {
		return nil, err
	}
	var validity []byte
	if p.validity.n > 0 {
		if validity, err = src.view(p.cut(p.validity.extent, array.Bool, base)); err != nil {
			return nil, err
		}
	}
	return array.WrapBlock(d, p.hi-p.lo, p.lo-base, values, validity, src)
}

// cut is the bytes of a buffer that hold the elements [base, hi).
func (p *part) cut(e extent, d array.DType, base int) extent {
	skip := d.BufferSize(base)
	return extent{e.at + skip, d.BufferSize(p.hi) - skip}
}

// join copies parts of several batches, or of compressed ones, into one block.
func join(ctx context.Context, src source, d array.DType, parts []part, nulls bool) (*array.Block, error) {
	n := 0
	for _, p := range parts {
		n += p.hi - p.lo
	}
	b := array.NewBlock(d, array.Shape{n}, nulls)
	values, validity, _ := b.Raw()
	u := &unpacker{src: src}
	defer u.done()
	at := 0
	for _, p := range parts {
		var err error
		if d == array.Bool {
			err = u.fillBits(ctx, values, at, p.values, p.lo, p.hi)
		} else {
			err = u.fill(ctx, values[d.BufferSize(at):d.BufferSize(at+p.hi-p.lo)], p.values, d.BufferSize(p.lo))
		}
		if err == nil && p.validity.n > 0 {
			err = u.fillBits(ctx, validity, at, p.validity, p.lo, p.hi)
		}
		if err != nil {
			return nil, err
		}
		at += p.hi - p.lo
	}
	return b, nil
}
