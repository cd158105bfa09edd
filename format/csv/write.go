package csv

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/klauspost/compress/gzip"

	"github.com/darray-go/darray/format"
)

// encoder writes one file: commas, \n, and quotes where fields need them.
type encoder struct {
	out   io.Writer
	zip   *gzip.Writer // nil where it is not compressed
	names []string
	rows  int // written before
	spare [][]byte
}

// chunkRows is how many rows are made text at a time, by each thread.
const chunkRows = 8 << 10

// create begins a file by its header.
func create(w io.Writer, s *arrow.Schema, o format.WriteOptions) (format.Encoder, error) {
	e := &encoder{out: w}
	switch o.Compression {
	case "", "none":
	case "gzip":
		e.zip = gzip.NewWriter(w)
		e.out = e.zip
	default:
		return nil, fmt.Errorf("CSV is not compressed by %q; use gzip, or none", o.Compression)
	}
	if s.NumFields() == 0 {
		return nil, fmt.Errorf("CSV has no rows without columns; write a column at least")
	}
	if s.NumFields() > columnsMax {
		return nil, fmt.Errorf("%d columns are more than the %d that are read", s.NumFields(), columnsMax)
	}
	var head []byte
	for i, f := range s.Fields() {
		if err := writable(f.Type); err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		if !validText([]byte(f.Name)) {
			return nil, fmt.Errorf("column %q: the name is not UTF-8, or has a NUL", f.Name)
		}
		if i > 0 {
			head = append(head, ',')
		}
		if c := classify([]byte(f.Name)); c != isText {
			head = appendQuoted(head, f.Name) // which says that it is no value
		} else {
			head = appendText(head, f.Name)
		}
		e.names = append(e.names, f.Name)
	}
	_, err := e.out.Write(append(head, '\n'))
	return e, err
}

// Write makes text of the rows, chunks in parallel, and writes it in their order.
func (e *encoder) Write(ctx context.Context, r arrow.RecordBatch) error {
	columns := make([]appender, r.NumCols())
	for i := range columns {
		var err error
		if columns[i], err = newAppender(r.Column(i)); err != nil {
			return fmt.Errorf("column %q: %w", e.names[i], err)
		}
	}
	rows, threads := int(r.NumRows()), runtime.GOMAXPROCS(0)
	for len(e.spare) < threads {
		e.spare = append(e.spare, nil)
	}
	for lo := 0; lo < rows; lo += threads * chunkRows {
		n := min(threads, (rows-lo+chunkRows-1)/chunkRows)
		err := format.Each(ctx, n, func(_ context.Context, i int) (err error) {
			from := lo + i*chunkRows
			e.spare[i], err = e.text(e.spare[i][:0], columns, from, min(from+chunkRows, rows))
			return err
		})
		for i := 0; i < n && err == nil; i++ {
			_, err = e.out.Write(e.spare[i])
		}
		if err != nil {
			return err
		}
	}
	e.rows += rows
	return nil
}

// text is rows [lo, hi) appended to b.
func (e *encoder) text(b []byte, columns []appender, lo, hi int) ([]byte, error) {
	alone := len(columns) == 1
	for row := lo; row < hi; row++ {
		for c, add := range columns {
			if c > 0 {
				b = append(b, ',')
			}
			at := len(b)
			var err error
			if b, err = add(b, row); err != nil {
				return nil, fmt.Errorf("column %q, row %d: %w", e.names[c], e.rows+row, err)
			}
			if alone && at == len(b) { // an empty line would be no record
				b = append(b, usualNulls[1]...)
			}
		}
		b = append(b, '\n')
	}
	return b, nil
}

// Close ends the file.
func (e *encoder) Close() error {
	if e.zip != nil {
		return e.zip.Close()
	}
	return nil
}
