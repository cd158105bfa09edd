package darray

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/exec"
)

// openSource opens a column of files for one rank.
func (ts *tables) openSource(ctx context.Context, s *array.Source) (exec.Reader, error) {
	t, key, err := ts.take(ctx, s)
	if err != nil {
		return nil, err
	}
	r := &columnReader{tables: ts, key: key, table: t, width: max(1, s.Width)}
	if r.column, err = t.at(s.Column); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// columnReader is a column of a table as an executor reads it.
type columnReader struct {
	tables *tables
	key    string
	table  *table
	column int
	width  int // elements of a row
	once   sync.Once
	err    error
}

// Len is the number of elements.
func (r *columnReader) Len() int { return r.table.rows() * r.width }

// Read gives elements [lo, hi).
func (r *columnReader) Read(ctx context.Context, lo, hi int) ([]*array.Block, error) {
	blocks, err := r.ReadJoint(ctx, []exec.Reader{r}, lo, hi)
	if err != nil {
		return nil, err
	}
	return blocks[0], nil
}

// Joins reports whether another column is of the same files.
func (r *columnReader) Joins(other exec.Reader) bool {
	o, ok := other.(*columnReader)
	return ok && o.table == r.table && o.width == r.width
}

// ReadJoint gives elements [lo, hi) of several columns.
func (r *columnReader) ReadJoint(ctx context.Context, readers []exec.Reader, lo, hi int) ([][]*array.Block, error) {
	var columns []int // each once: two readers may be of one
	at := make([]int, len(readers))
	for i, other := range readers {
		c := other.(*columnReader).column
		if at[i] = slices.Index(columns, c); at[i] < 0 {
			at[i], columns = len(columns), append(columns, c)
		}
	}
	first, end := lo/r.width, (hi+r.width-1)/r.width
	pieces, err := r.table.pieces(ctx, columns, first, end)
	if err != nil {
		return nil, err
	}
	blocks := make([][]*array.Block, len(readers))
	for i := range readers {
		n := first * r.width
		for _, a := range pieces[at[i]] {
			b, err := array.OverStorage(a)
			if err != nil {
				return nil, err
			}
			from, to := max(lo-n, 0), min(hi-n, b.Len())
			if n += b.Len(); from < to || lo == hi && len(blocks[i]) == 0 {
				blocks[i] = append(blocks[i], b.Slice(from, max(from, to)))
			}
		}
		if n < hi {
			return nil, fmt.Errorf("%w: rows [%d, %d) have %d elements", ErrShape, first, end, n-first*r.width)
		}
	}
	return blocks, nil
}

// stepElements is about how many elements of a column are decoded before they are used: enough for all threads to have a batch each, and little
// enough to be used again for the next ones.
const stepElements = 2 << 20

// takes says what memory reading a column takes: elements in memory at once where Steps are used one after another, or the views that it is.
func (t *table) takes(column int) (step, views int) {
	if column >= t.files[0].Schema.NumFields() { // a folder's name
		return 0, 0
	}
	_, row := array.Width(t.schema.Field(column).Type)
	most, copied := 0, false
	for _, f := range t.files {
		if f.Views {
			views += len(f.Batches)
			continue
		}
		for _, n := range f.Batches {
			most = max(most, n)
		}
		copied = true
	}
	if !copied {
		return 0, max(1, views)
	}
	return stepElements + most*max(1, row.Len()), 0
}

// Steps gives where steps through elements [lo, hi) end, at ends of batches: none within files whose batches are views.
func (r *columnReader) Steps(lo, hi int) []int {
	var ends []int
	last := lo
	for i, f := range r.table.files {
		if f.Views || r.table.starts[i+1]*r.width <= lo {
			continue
		}
		at := r.table.starts[i]
		for _, n := range f.Batches {
			if at += n; at*r.width >= hi {
				break
			}
			if end := at * r.width; end-last >= stepElements {
				ends, last = append(ends, end), end
			}
		}
	}
	return append(ends, hi)
}

// Close gives the files back; blocks read from them stay good. Safe twice.
func (r *columnReader) Close() error {
	r.once.Do(func() { r.err = r.tables.give(r.key) })
	return r.err
}
