package darray

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// WriteOptions of Frame.WriteWith. The zero value works.
type WriteOptions struct {
	Format      string // by its name or usual extension, as "arrow"; "": what the path's extension says, of a directory Arrow
	Compression string // "lz4" or "zstd" of Arrow IPC, those and "snappy", "gzip", "brotli" of Parquet, "gzip" of CSV; "none"; "": the format's usual one
	BatchRows   int    // rows of a record batch or row group; 0: about 64 MiB of them
	Plain       bool   // Parquet: no dictionary encoding, but of columns that are dictionaries

	Progress func(done, total int) `json:"-"` // is told how many rows are written; it must return quickly. Nil: nobody asks
}

// Write computes all columns on the default cluster and writes them, in order, as one file of the format that the path's extension names: to
// a file without a name, which gets it when all is on disk. A failure leaves the old file whole and no other. Large frames are
// computed and written piece by piece. It blocks.
func (f *Frame) Write(path string) error {
	return f.WriteWith(context.Background(), path, WriteOptions{})
}

// WriteContext is Write with a context.
func (f *Frame) WriteContext(ctx context.Context, path string) error {
	return f.WriteWith(ctx, path, WriteOptions{})
}

// WriteWith is Write with options.
func (f *Frame) WriteWith(ctx context.Context, path string, o WriteOptions) error {
	c, err := Default()
	if err != nil {
		return err
	}
	return c.WriteFrame(ctx, f, path, o)
}

// WriteFrame is Frame.WriteWith on this cluster. Of the ranks of Over all call it, and rank 0 writes.
func (c *Cluster) WriteFrame(ctx context.Context, f *Frame, path string, o WriteOptions) error {
	to, err := o.format(path)
	if err != nil {
		return fmt.Errorf("write %w", err)
	}
	if f, err = c.resolveFrame(ctx, f); err != nil {
		return err
	}
	if c.spmd {
		r, err := c.CollectFrame(ctx, f)
		if err != nil || r == nil {
			return err
		}
		return writeFile(ctx, to, path, f.Schema(), o, f.rows, oneBatch(r))
	}
	next, stop := c.pieces(ctx, f)
	defer stop()
	return writeFile(ctx, to, path, f.Schema(), o, f.rows, next)
}

// format is what to write; a name that ends in .gz says how to compress, too.
func (o *WriteOptions) format(path string) (format.Format, error) {
	if o.Compression == "" && strings.HasSuffix(path, ".gz") {
		o.Compression = "gzip"
	}
	if o.Format != "" {
		return format.ToWrite(o.Format, formats())
	}
	if _, ok, _ := storeOf(path); ok {
		path, _, _ = strings.Cut(path, "?")
	}
	return format.ByExtension(path, formats())
}

// oneBatch gives one batch and then io.EOF.
func oneBatch(r arrow.RecordBatch) func() (arrow.RecordBatch, error) {
	return func() (arrow.RecordBatch, error) {
		if r == nil {
			return nil, io.EOF
		}
		out := r
		r = nil
		return out, nil
	}
}

// writeFile writes the batches that next gives, until io.EOF, as a file in the place of path.
func writeFile(ctx context.Context, to format.Format, path string, s *arrow.Schema, o WriteOptions, rows int, next func() (arrow.RecordBatch, error)) error {
	out, err := newOutput(ctx, path)
	if err != nil {
		return err
	}
	defer out.Abort()
	if err := encode(ctx, to, out, s, o, rows, next); err != nil {
		return err
	}
	return out.Commit()
}

// encode writes batches to a new file, which is then to be committed; after an error it has failed.
func encode(ctx context.Context, to format.Format, out format.Upload, s *arrow.Schema, o WriteOptions, rows int, next func() (arrow.RecordBatch, error)) error {
	e, err := format.Create(to, out, s, format.WriteOptions{Compression: o.Compression, BatchRows: o.BatchRows, Plain: o.Plain, Rows: rows})
	if err != nil {
		return out.Fail(err)
	}
	done := 0
	for {
		r, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = e.Write(ctx, r)
		}
		if err != nil {
			return out.Fail(err)
		}
		if done += int(r.NumRows()); o.Progress != nil {
			o.Progress(done, rows)
		}
	}
	if done != rows {
		return out.Fail(fmt.Errorf("%d rows came of %d; this is a fault", done, rows))
	}
	if err := e.Close(); err != nil {
		return out.Fail(err)
	}
	if err := ctx.Err(); err != nil {
		return out.Fail(err)
	}
	return nil
}

// newOutput begins a file, here or in a store.
func newOutput(ctx context.Context, path string) (format.Upload, error) {
	store, ok, err := storeOf(path)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return format.NewOutput(path)
	case store.Create == nil:
		return nil, fmt.Errorf("write %s: files can only be read there; write a local one and copy it", path)
	}
	return store.Create(ctx, path)
}

const (
	pieceBytes   = 32 << 20 // of values that are computed at once
	carriedBytes = 32       // that a value of a carried column is taken to have
)

// pieces gives a frame, whose filters have been run, batch by batch: while one is written the next one is computed. Columns that have to be
// computed whole are so first. stop ends it.
func (c *Cluster) pieces(ctx context.Context, f *Frame) (next func() (arrow.RecordBatch, error), stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	type result struct {
		r   arrow.RecordBatch
		err error
	}
	results := make(chan result)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(results)
		give := func(r arrow.RecordBatch, err error) bool {
			select {
			case results <- result{r, err}:
				return err == nil
			case <-ctx.Done():
				return false
			}
		}
		f, err := c.computeWhole(ctx, f)
		if err != nil {
			give(nil, err)
			return
		}
		step := f.pieceRows()
		for lo := 0; lo < f.rows || lo == 0; lo += step {
			part, ok := f.cut(lo, min(lo+step, f.rows))
			if !ok {
				give(nil, errors.New("a column cannot be computed in pieces; this is a fault"))
				return
			}
			r, err := c.CollectFrame(ctx, part)
			if !give(r, err) {
				return
			}
		}
	}()
	next = func() (arrow.RecordBatch, error) {
		r, ok := <-results
		switch {
		case ok:
			return r.r, r.err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
		return nil, io.EOF
	}
	return next, func() {
		cancel()
		<-done
	}
}

// pieceRows is how many rows are computed at once: a multiple of 64, so that bits stay aligned where pieces are joined.
func (f *Frame) pieceRows() int {
	bits := 1
	for _, c := range f.columns {
		n := c.a.n()
		if isCarried(n) {
			bits += 8 * carriedBytes
			continue
		}
		bits += 1 + n.DType().BufferSize(8)*n.Shape()[1:].Len()
	}
	return max(64, pieceBytes*8/bits&^63)
}

// cut is rows [lo, hi) of a frame, if all columns can be computed for them alone.
func (f *Frame) cut(lo, hi int) (*Frame, bool) {
	if lo == 0 && hi == f.rows {
		return f, true
	}
	out := &Frame{rows: hi - lo, columns: make([]column, len(f.columns))}
	for i, c := range f.columns {
		n := array.Cut(c.a.n(), lo, hi)
		if n == nil {
			return nil, false
		}
		out.columns[i] = column{c.name, Array{n}}
	}
	return out, true
}

// computeWhole collects the columns that cannot be cut, or for which each piece would compute the same sums again.
func (c *Cluster) computeWhole(ctx context.Context, f *Frame) (*Frame, error) {
	if f.rows <= f.pieceRows() {
		return f, nil
	}
	var arrays []Array
	var at []int
	for i, col := range f.columns {
		whole := false
		array.Walk([]*array.Node{col.a.n()}, func(n *array.Node) {
			switch n.Kind() {
			case array.KindReduce, array.KindScan, array.KindMatmul, array.KindParts:
				whole = true
			}
		})
		if whole || array.Cut(col.a.n(), 0, 1) == nil {
			arrays, at = append(arrays, col.a), append(at, i)
		}
	}
	if len(arrays) == 0 {
		return f, nil
	}
	blocks, err := c.Collect(ctx, arrays...)
	if err != nil {
		return nil, err
	}
	out := &Frame{rows: f.rows, columns: append([]column(nil), f.columns...)}
	for k, i := range at {
		out.columns[i].a = FromBlock(blocks[k])
	}
	return out, nil
}

// WriteBlocks writes blocks of equal length as the columns of one file: see Frame.Write. ErrShape where a block has no axis, or another length
// than the first.
func WriteBlocks(ctx context.Context, path string, names []string, blocks []*Block) error {
	if len(names) != len(blocks) {
		return fmt.Errorf("write %s: %w: %d names for %d columns", path, ErrShape, len(names), len(blocks))
	}
	f := &Frame{}
	columns := make([]arrow.Array, len(blocks))
	for i, b := range blocks {
		if f = f.With(names[i], FromBlock(b)); f.columns[len(f.columns)-1].a.Err() != nil || len(f.columns) != i+1 {
			return fmt.Errorf("write %s: %w: column %q has shape %v, or its name comes twice", path, ErrShape, names[i], b.Shape())
		}
		var err error
		if columns[i], err = b.ArrowRows(); err != nil {
			return fmt.Errorf("write %s: column %q: %w", path, names[i], err)
		}
	}
	o := WriteOptions{}
	to, err := o.format(path)
	if err != nil {
		return fmt.Errorf("write %w", err)
	}
	r := arrowarray.NewRecordBatch(f.Schema(), columns, int64(f.rows))
	return writeFile(ctx, to, path, f.Schema(), o, f.rows, oneBatch(r))
}
