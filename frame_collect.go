package darray

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/partition"
)

// Collect computes all columns on the default cluster, as one plan, and gives them as an Arrow record batch, without a copy. Columns that are
// carried along are read by rank 0. The memory is the garbage collector's. It blocks.
func (f *Frame) Collect() (arrow.RecordBatch, error) { return f.CollectContext(context.Background()) }

// CollectContext is Collect with a context.
func (f *Frame) CollectContext(ctx context.Context) (arrow.RecordBatch, error) {
	c, err := Default()
	if err != nil {
		return nil, err
	}
	return c.CollectFrame(ctx, f)
}

// CollectFrame is Frame.Collect on this cluster. Of the ranks of Over, rank 0 gets the batch and the others nil.
func (c *Cluster) CollectFrame(ctx context.Context, f *Frame) (arrow.RecordBatch, error) {
	f, err := c.resolveFrame(ctx, f)
	if err != nil {
		return nil, err
	}
	var arrays []Array
	for _, col := range f.columns {
		if _, carried := col.a.n().Carried(); !carried {
			arrays = append(arrays, col.a)
		}
	}
	var blocks []*Block
	if len(arrays) > 0 {
		if blocks, err = c.Collect(ctx, arrays...); err != nil || blocks == nil {
			return nil, err
		}
	}
	if c.spmd && c.ranks.Rank() != 0 {
		return nil, nil
	}
	t := &carrier{tables: c.tables}
	defer t.close()
	columns := make([]arrow.Array, len(f.columns))
	next := 0
	for i, col := range f.columns {
		if n := col.a.n(); isCarried(n) {
			if columns[i], err = t.collect(ctx, n); err != nil {
				return nil, err
			}
			continue
		}
		if columns[i], err = blocks[next].ArrowRows(); err != nil {
			return nil, fmt.Errorf("column %q: %w", col.name, err)
		}
		next++
	}
	return arrowarray.NewRecordBatch(f.Schema(), columns, int64(f.rows)), nil
}

func isCarried(n *array.Node) bool {
	_, carried := n.Carried()
	return carried
}

// Resolve runs the frame's filters on the default cluster, so that NumRows is known and what is collected of it later does not run them again.
func (f *Frame) Resolve(ctx context.Context) (*Frame, error) {
	c, err := Default()
	if err != nil {
		return nil, err
	}
	return c.resolveFrame(ctx, f)
}

func (c *Cluster) resolveFrame(ctx context.Context, f *Frame) (*Frame, error) {
	roots := make([]*array.Node, len(f.columns))
	for i, col := range f.columns {
		if n := col.a.n(); n.Err() != nil && !isCarried(n) {
			return nil, fmt.Errorf("column %q: %w", col.name, n.Err())
		}
		roots[i] = col.a.n()
	}
	roots, err := c.resolve(ctx, roots)
	if err != nil {
		return nil, err
	}
	at := 0
	out := f.each(func(*array.Node) *array.Node { at++; return roots[at-1] })
	for _, col := range out.columns {
		n := col.a.n()
		switch {
		case n.Err() != nil && !isCarried(n):
			return nil, fmt.Errorf("column %q: %w", col.name, n.Err())
		case len(n.Shape()) == 0 || n.Shape()[0] != out.rows:
			return nil, fmt.Errorf("%w: column %q has shape %v, the frame %d rows: its filter leaves others than theirs", ErrShape, col.name, n.Shape(), out.rows)
		}
	}
	return out, nil
}

// carrier reads columns that are carried along, in this process.
type carrier struct {
	tables *tables
	open   []*columnReader
}

// collect gives the rows of a carried column whose filters have been run.
func (t *carrier) collect(ctx context.Context, n *array.Node) (arrow.Array, error) {
	switch n.Kind() {
	case array.KindFile:
		return t.read(ctx, n.Source(), n.Shape()[0])
	case array.KindFilter:
		of, err := t.collect(ctx, n.Args()[0])
		if err != nil {
			return nil, err
		}
		if b := n.Args()[1].Block(); b != nil {
			return choose(of, b)
		}
	}
	return nil, errors.New("a column that is carried along has rows that are not known; this is a fault")
}

// read gives all rows of a column, so many.
func (t *carrier) read(ctx context.Context, s *array.Source, n int) (arrow.Array, error) {
	reader, err := t.reader(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.Name, err)
	}
	spans := s.Spans(0, n)
	if len(spans) == 0 {
		spans = []partition.Range{{}}
	}
	var parts []arrow.Array
	for _, rows := range spans {
		if rows.Lo < 0 || rows.Hi < rows.Lo || rows.Hi > reader.table.rows() {
			return nil, fmt.Errorf("read %s: %w: rows %v of %d", s.Name, ErrShape, rows, reader.table.rows())
		}
		arrays, err := reader.table.read(ctx, []int{reader.column}, rows.Lo, rows.Hi)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.Name, err)
		}
		parts = append(parts, arrays[0])
	}
	return format.Concat(parts)
}

func (t *carrier) reader(ctx context.Context, s *array.Source) (*columnReader, error) {
	r, err := t.tables.openSource(ctx, s)
	if err != nil {
		return nil, err
	}
	reader := r.(*columnReader)
	t.open = append(t.open, reader)
	return reader, nil
}

func (t *carrier) close() {
	for _, r := range t.open {
		_ = r.Close() // its arrays stay good
	}
}

// choose is the elements of a for which mask is true: runs of them, joined.
func choose(a arrow.Array, mask *Block) (arrow.Array, error) {
	var runs []arrow.Array
	for _, r := range trueRuns(mask) {
		runs = append(runs, arrowarray.NewSlice(a, int64(r.Lo), int64(r.Hi)))
	}
	if len(runs) == 0 {
		return arrowarray.NewSlice(a, 0, 0), nil
	}
	return format.Concat(runs)
}

// trueRuns are the runs of true in a mask without nulls.
func trueRuns(mask *Block) []partition.Range {
	var runs []partition.Range
	values, _, offset := mask.Raw()
	for i, n := 0, mask.Len(); i < n; i++ {
		at := offset + i
		if values[at>>3] == 0 && at&7 == 0 { // eight that are not
			i += 7
			continue
		}
		if values[at>>3]>>(at&7)&1 == 0 {
			continue
		}
		if k := len(runs) - 1; k >= 0 && runs[k].Hi == i {
			runs[k].Hi++
		} else {
			runs = append(runs, partition.Range{Lo: i, Hi: i + 1})
		}
	}
	return runs
}
