package parquet

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/darray-go/darray/array"
)

// stepRows is how many values the library decodes at a time: the context is looked at in between.
const stepRows = 64 << 10

// decode takes values [skip, skip+n) of a run of pages as rows from at on, through the library's reader of numbers.
func (p *piece) decode(ctx context.Context, r *reader, c *chunk, column *column, group int, run span, skip, n, at int) (err error) {
	defer catch(&err)
	memory := &budget{}
	memory.left.Store(int64(r.budget))
	f, err := r.openStandIn(ctx, column, group, run.last-run.first, []part{{c, run}}, memory)
	if err != nil {
		return err
	}
	pages, err := f.RowGroup(0).Column(0)
	if err != nil {
		return err
	}
	defer pages.Close()
	d := &decoder{pages: pages, optional: pages.Descriptor().MaxDefinitionLevel() > 0}
	for skip > 0 {
		k, err := d.step(ctx, min(skip, stepRows))
		if err != nil {
			return err
		}
		skip -= k
	}
	for n > 0 {
		k, err := d.step(ctx, min(n, stepRows))
		if err != nil {
			return err
		}
		d.place(p, k, at)
		n, at = n-k, at+k
	}
	return nil
}

// decoder reads numbers in steps.
type decoder struct {
	pages    file.ColumnChunkReader
	optional bool
	levels   []int16
	values   []byte // of the last step, dense, as they are stored
	bools    []bool
	int32s   []int32
	int64s   []int64
	floats   []float32
	doubles  []float64
	dense    int
	bits     []byte
}

// step decodes up to n values, nulls included.
func (d *decoder) step(ctx context.Context, n int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if d.optional && len(d.levels) < n {
		d.levels = make([]int16, n)
	}
	var levels []int16
	if d.optional {
		levels = d.levels[:n]
	}
	var total int64
	var err error
	switch pages := d.pages.(type) {
	case *file.BooleanColumnChunkReader:
		d.bools = sized(d.bools, n)
		total, d.dense, err = pages.ReadBatch(int64(n), d.bools, levels, nil)
	case *file.Int32ColumnChunkReader:
		d.int32s = sized(d.int32s, n)
		total, d.dense, err = pages.ReadBatch(int64(n), d.int32s, levels, nil)
		d.values = array.Bytes(d.int32s[:d.dense])
	case *file.Int64ColumnChunkReader:
		d.int64s = sized(d.int64s, n)
		total, d.dense, err = pages.ReadBatch(int64(n), d.int64s, levels, nil)
		d.values = array.Bytes(d.int64s[:d.dense])
	case *file.Float32ColumnChunkReader:
		d.floats = sized(d.floats, n)
		total, d.dense, err = pages.ReadBatch(int64(n), d.floats, levels, nil)
		d.values = array.Bytes(d.floats[:d.dense])
	case *file.Float64ColumnChunkReader:
		d.doubles = sized(d.doubles, n)
		total, d.dense, err = pages.ReadBatch(int64(n), d.doubles, levels, nil)
		d.values = array.Bytes(d.doubles[:d.dense])
	default:
		err = fmt.Errorf("values of %s are no numbers", d.pages.Type())
	}
	if err == nil {
		err = d.pages.Err()
	}
	if err == nil && d.optional && total > 0 && int(total) <= n {
		set := 0
		for _, level := range levels[:total] {
			if level > 0 {
				set++
			}
		}
		if set != d.dense {
			err = errShortPage
		}
	}
	if err == nil && (total <= 0 || int(total) > n || d.dense > int(total) || !d.optional && d.dense != int(total)) {
		err = errors.New("its pages hold fewer values than their headers say")
	}
	return int(total), err
}

func sized[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

// place takes the last step's n values as rows from at on.
func (d *decoder) place(p *piece, n, at int) {
	if p.out == 0 {
		for i, v := range d.bools[:d.dense] {
			bitutil.SetBitTo(p.data, at+i, v)
		}
	} else {
		p.copy(d.values, at)
	}
	if d.dense == n {
		return
	}
	d.bits = sized(d.bits, (n+7)/8)
	for i, level := range d.levels[:n] {
		bitutil.SetBitTo(d.bits, i, level > 0)
	}
	p.spread(d.bits, 0, n, d.dense, at)
}

// readArrays decodes rows [lo, hi) of a column in a row group through the library's arrays.
func (r *reader) readArrays(ctx context.Context, column *column, group, lo, hi int, b *budget) (out []arrow.Array, err error) {
	defer catch(&err)
	rows := r.starts[group+1] - r.starts[group]
	skip := lo
	parts := make([]part, len(column.leaves))
	wanted := make(map[int]bool, len(column.leaves))
	for i, leaf := range column.leaves {
		c, err := r.openChunk(ctx, group, leaf)
		if err != nil {
			return nil, err
		}
		defer c.release()
		parts[i] = part{c, span{0, len(c.pages), 0, rows}}
		wanted[i] = true
	}
	if column.flat {
		s := parts[0].chunk.overlap(lo, hi)
		parts[0].span, skip, rows = s, lo-s.first, s.last-s.first
	}
	f, err := r.openStandIn(ctx, column, group, rows, parts, b)
	if err != nil {
		return nil, err
	}
	arrays, err := pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{}, b)
	if err != nil {
		return nil, err
	}
	values, err := arrays.GetFieldReader(ctx, 0, wanted, []int{0})
	if err != nil {
		return nil, err
	}
	for skip > 0 {
		n := min(skip, stepRows)
		chunks, err := nextBatch(ctx, values, n)
		if err != nil {
			return nil, err
		}
		skip -= n
		chunks.Release()
	}
	for n := hi - lo; n > 0; {
		k := min(n, stepRows)
		chunks, err := nextBatch(ctx, values, k)
		if err != nil {
			return nil, err
		}
		out = append(out, chunks.Chunks()...)
		n -= k
	}
	return out, nil
}

// nextBatch reads exactly n rows.
func nextBatch(ctx context.Context, values *pqarrow.ColumnReader, n int) (*arrow.Chunked, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	chunks, err := values.NextBatch(int64(n))
	if err != nil {
		return nil, err
	}
	if chunks == nil || chunks.Len() != n {
		got := 0
		if chunks != nil {
			got = chunks.Len()
		}
		return nil, fmt.Errorf("gave %d rows where the footer says there are %d", got, n)
	}
	for _, a := range chunks.Chunks() {
		if err := checkLists(a); err != nil {
			return nil, err
		}
	}
	return chunks, nil
}
