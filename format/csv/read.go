package csv

import (
	"context"
	"fmt"
	"math"
	"sort"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// reader reads one text.
type reader struct {
	*layout
	text    *text
	columns []column
	nulls   *nulls
	budget  int
}

func (r *reader) Close() error { return nil }

// part is what one piece of the index gives: rows of the result, from at on.
type part struct {
	piece int // of the index
	skip  int // rows of it before
	at, n int
	asked []sink // in the order asked for
}

// Read parses the pieces that hold the rows, each once for all columns.
func (r *reader) Read(ctx context.Context, columns []int, lo, hi int) ([]arrow.Array, error) {
	left := &budget{}
	left.left.Store(int64(r.budget))
	wholes := make([]*whole, len(columns))
	for i, c := range columns {
		var err error
		if wholes[i], err = newWhole(&r.columns[c], hi-lo, left); err != nil {
			return nil, fmt.Errorf("column %q: %w", r.names[c], err)
		}
	}
	parts := r.parts(lo, hi)
	if err := r.parseAll(ctx, parts, columns, wholes, left); err != nil {
		return nil, err
	}
	out := make([]arrow.Array, len(columns))
	err := format.Each(ctx, len(columns), func(ctx context.Context, i int) (err error) {
		if out[i], err = wholes[i].join(ctx, parts, i, hi-lo, left); err != nil {
			err = fmt.Errorf("column %q: %w", r.names[columns[i]], err)
		}
		return err
	})
	return out, err
}

// parts are the pieces that hold rows [lo, hi).
func (r *reader) parts(lo, hi int) (parts []part) {
	if lo == hi {
		return nil
	}
	first := sort.Search(len(r.entries), func(i int) bool { return r.entries[i].row > lo }) - 1
	for i := first; r.entries[i].row < hi; i++ {
		from, to := max(lo, r.entries[i].row), min(hi, r.entries[i+1].row)
		parts = append(parts, part{piece: i, skip: from - r.entries[i].row, at: from - lo, n: to - from})
	}
	return parts
}

// parseAll parses the parts. Of several that are wrong it tells the first, so that a file has one error, whoever reads it.
func (r *reader) parseAll(ctx context.Context, parts []part, columns []int, wholes []*whole, left *budget) error {
	var good atomic.Int64 // parts before the first wrong one known
	good.Store(int64(len(parts)))
	wrong := make([]error, len(parts))
	err := format.Each(ctx, len(parts), func(ctx context.Context, i int) error {
		if int64(i) > good.Load() {
			return nil
		}
		wrong[i] = r.parse(ctx, &parts[i], columns, wholes, left)
		for n := good.Load(); wrong[i] != nil && int64(i) < n && !good.CompareAndSwap(n, int64(i)); n = good.Load() {
		}
		return nil
	})
	if n := good.Load(); err == nil && n < int64(len(parts)) {
		err = wrong[n]
	}
	return err
}

// parse fills the part's rows of the columns.
func (r *reader) parse(ctx context.Context, part *part, columns []int, wholes []*whole, left *budget) error {
	from, to := r.entries[part.piece], r.entries[part.piece+1]
	before := 1 // the end of the line before
	if part.piece == 0 {
		before = 0
	}
	b, release, err := r.text.view(ctx, from.at-before, to.at-from.at+before)
	if err != nil {
		return err
	}
	defer release()
	if before > 0 && b[0] != '\n' {
		return errChanged
	}
	p := parser{b: b[before:], at: from.at, row: from.row, line: from.line, comma: r.comma, names: r.names, nulls: r.nulls, budget: left}
	p.sinks = make([]sink, len(r.columns))
	none := column{kind: skipped}
	for i := range p.sinks {
		p.sinks[i].column = &none
	}
	for i, c := range columns {
		p.sinks[c] = wholes[i].part(part.at, part.n, left)
		p.sinks[c].guess = len(b) / len(p.sinks) * part.n / (to.row - from.row)
	}
	p.check()
	if err := p.skip(part.skip); err != nil {
		return err
	}
	if err := p.parse(ctx, part.n); err != nil {
		return err
	}
	if part.skip+part.n == to.row-from.row && skipBlank(p.b, p.i) < len(p.b) {
		return errChanged
	}
	part.asked = make([]sink, len(columns))
	for i, c := range columns {
		part.asked[i] = p.sinks[c]
	}
	return nil
}

// join makes the array of n values of column i of the parts.
func (w *whole) join(ctx context.Context, parts []part, i, n int, left *budget) (arrow.Array, error) {
	validity, nulls := joinValidity(parts, i, n)
	buffers := []*memory.Buffer{validity, nil}
	switch {
	case w.kind == bools:
		bits := array.AllocBytes((n + 7) / 8)
		for k := range parts {
			array.CopyBits(bits, parts[k].at, parts[k].asked[i].bits, 0, parts[k].n)
		}
		buffers[1] = memory.NewBufferBytes(bits)
	case w.text():
		chars, err := w.joinText(ctx, parts, i, left)
		if err != nil {
			return nil, err
		}
		buffers[1] = memory.NewBufferBytes(w.values)
		buffers = append(buffers, memory.NewBufferBytes(chars))
	default:
		buffers[1] = memory.NewBufferBytes(w.values)
	}
	data := arrowarray.NewData(w.datatype, n, buffers, nil, nulls, 0)
	defer data.Release()
	return arrowarray.MakeFromData(data), nil
}

// joinValidity is the bitmap of all parts; nil where there are no nulls.
func joinValidity(parts []part, i, n int) (*memory.Buffer, int) {
	nulls := 0
	for k := range parts {
		nulls += parts[k].asked[i].nulls
	}
	if nulls == 0 {
		return nil, 0
	}
	valid := array.AllocBytes((n + 7) / 8)
	array.SetBits(valid, 0, n)
	for k := range parts {
		if v := parts[k].asked[i].valid; v != nil {
			array.CopyBits(valid, parts[k].at, v, 0, parts[k].n)
		}
	}
	return memory.NewBufferBytes(valid), nulls
}

// joinText puts the texts of all parts one after the other, and makes their ends those of the whole.
func (w *whole) joinText(ctx context.Context, parts []part, i int, left *budget) ([]byte, error) {
	if len(parts) == 1 {
		return parts[0].asked[i].chars, nil
	}
	size := 0
	for k := range parts {
		size += len(parts[k].asked[i].chars)
	}
	if w.kind == strings32 && size > math.MaxInt32 {
		return nil, errLong
	}
	if err := left.take(size); err != nil {
		return nil, err
	}
	chars := make([]byte, 0, size)
	for k := range parts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := &parts[k].asked[i]
		for j := range s.short {
			s.short[j] += int32(len(chars))
		}
		for j := range s.long {
			s.long[j] += int64(len(chars))
		}
		chars = append(chars, s.chars...)
		left.left.Add(int64(cap(s.chars)))
		s.chars = nil
	}
	return chars, nil
}
