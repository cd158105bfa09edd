package parquet

import (
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/format"
)

// Read decodes each column of each row group on a goroutine of its own, as many at a time as there are threads.
func (r *reader) Read(ctx context.Context, columns []int, lo, hi int) ([]arrow.Array, error) {
	out := make([]arrow.Array, len(columns))
	if lo == hi {
		for i, c := range columns {
			out[i] = arrowarray.NewBuilder(memory.DefaultAllocator, r.columns[c].field.Field.Type).NewArray()
		}
		return out, nil
	}
	first, last := r.groups(lo, hi)
	results := make([]result, len(columns))
	memoryOf := &budget{}
	memoryOf.left.Store(int64(r.budget))
	for i, c := range columns {
		if err := results[i].prepare(r, c, hi-lo, last-first, memoryOf); err != nil {
			return nil, err
		}
	}
	err := format.Each(ctx, (last-first)*len(columns), func(ctx context.Context, i int) error {
		g, k := first+i/len(columns), i%len(columns)
		a, b := max(lo, r.starts[g])-r.starts[g], min(hi, r.starts[g+1])-r.starts[g]
		if a == b {
			return nil
		}
		if err := results[k].read(ctx, r, g, g-first, a, b, r.starts[g]+a-lo, memoryOf); err != nil {
			return fmt.Errorf("column %q, row group %d: %w", r.schema.Field(columns[k]).Name, g, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range results {
		if out[i], err = results[i].array(hi-lo, memoryOf); err != nil {
			return nil, fmt.Errorf("column %q: %w", r.schema.Field(columns[i]).Name, err)
		}
	}
	return out, nil
}

// groups gives the row groups [first, last) that hold rows [lo, hi).
func (r *reader) groups(lo, hi int) (first, last int) {
	for first < len(r.starts)-2 && r.starts[first+1] <= lo {
		first++
	}
	for last = first + 1; last < len(r.starts)-1 && r.starts[last] < hi; last++ {
	}
	return first, last
}

// result is a column as it is put together: numbers into one array, everything else into arrays of the row groups.
type result struct {
	column *column
	number number
	direct bool
	data   []byte  // of numbers
	pieces []piece // by row group, of numbers
	parts  [][]arrow.Array
}

// prepare takes the memory for n rows of a column in so many row groups.
func (s *result) prepare(r *reader, c, n, groups int, b *budget) error {
	s.column = &r.columns[c]
	if s.column.flat && s.column.field.IsLeaf() {
		s.number, s.direct = direct(s.column.field.Field.Type, r.meta.Schema.Column(s.column.leaves[0]))
	}
	if !s.direct {
		s.parts = make([][]arrow.Array, groups)
		return nil
	}
	s.pieces = make([]piece, groups)
	bits := n * max(1, 8*s.number.out)
	if err := b.take(bits/8 + n/8); err != nil {
		return fmt.Errorf("column %q: %d rows: %w", s.column.field.Field.Name, n, err)
	}
	s.data = alloc((bits + 7) / 8)
	return nil
}

// read decodes rows [lo, hi) of a row group, which are the column's from row at on.
func (s *result) read(ctx context.Context, r *reader, group, i, lo, hi, at int, b *budget) (err error) {
	if !s.direct {
		s.parts[i], err = r.readArrays(ctx, s.column, group, lo, hi, b)
		return err
	}
	c, err := r.openChunk(ctx, group, s.column.leaves[0])
	if err != nil {
		return err
	}
	defer c.release()
	p := &s.pieces[i]
	p.number, p.at, p.rows = s.number, at, hi-lo
	if w := s.number.out; w > 0 {
		p.data = s.data[at*w : (at+hi-lo)*w : (at+hi-lo)*w]
	} else {
		p.data = alloc((hi - lo + 7) / 8) // bits of neighbours share bytes, so they come together at the end
	}
	return p.read(ctx, r, c, s.column, group, lo, hi)
}

// array puts the column together.
func (s *result) array(rows int, b *budget) (arrow.Array, error) {
	if !s.direct {
		var all []arrow.Array
		for _, parts := range s.parts {
			all = append(all, parts...)
		}
		return join(all, b)
	}
	var valid *memory.Buffer
	nulls := 0
	for i := range s.pieces {
		nulls += s.pieces[i].nulls
	}
	if nulls > 0 {
		valid = memory.NewBufferBytes(alloc((rows + 7) / 8))
	}
	for i := range s.pieces {
		s.pieces[i].join(s.data, valid)
	}
	data := arrowarray.NewData(s.column.field.Field.Type, rows, []*memory.Buffer{valid, memory.NewBufferBytes(s.data)}, nil, nulls, 0)
	return arrowarray.MakeFromData(data), nil
}

// join makes one array of those of row groups, where there are several in memory that is taken for it.
func join(all []arrow.Array, b *budget) (arrow.Array, error) {
	if len(all) > 1 {
		size := uint64(0)
		for _, a := range all {
			size += a.Data().SizeInBytes()
		}
		if err := b.take(int(min(size, math.MaxInt64))); err != nil {
			return nil, err
		}
	}
	return format.Concat(all)
}
