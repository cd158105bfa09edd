package npy

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/klauspost/compress/flate"

	"github.com/darray-go/darray/format"
)

// create begins a .npy file of one column.
func create(w io.Writer, s *arrow.Schema, o format.WriteOptions) (format.Encoder, error) {
	if o.Compression != "" && o.Compression != "none" {
		return nil, fmt.Errorf("a .npy file is not compressed; write .npz, or leave %q out", o.Compression)
	}
	if s.NumFields() != 1 {
		return nil, fmt.Errorf("a .npy file holds one column, not %d; write .npz", s.NumFields())
	}
	c, err := newColumn(s.Field(0), o.Rows)
	if err != nil {
		return nil, err
	}
	e := &encoder{w: w, column: c, rows: o.Rows}
	_, err = w.Write(c.header(o.Rows))
	return e, err
}

// encoder writes a .npy file.
type encoder struct {
	w             io.Writer
	column        column
	rows, written int
}

func (e *encoder) Write(ctx context.Context, r arrow.RecordBatch) error {
	n := int(r.NumRows())
	if n > e.rows-e.written {
		return e.miscounted(e.written + n)
	}
	if err := e.column.write(ctx, e.w, r.Column(0), e.written); err != nil {
		return err
	}
	e.written += n
	return nil
}

func (e *encoder) miscounted(n int) error {
	return fmt.Errorf("%d rows or more were written to an array of %d; say how many there are in WriteOptions.Rows", n, e.rows)
}

func (e *encoder) Close() error {
	if e.written != e.rows {
		return fmt.Errorf("%d rows were written to an array of %d; say how many there are in WriteOptions.Rows", e.written, e.rows)
	}
	return nil
}

// createZip begins a .npz file, a member a column.
func createZip(w io.Writer, s *arrow.Schema, o format.WriteOptions) (format.Encoder, error) {
	e := &zipEncoder{count: &counter{w: w}, rows: o.Rows}
	switch o.Compression {
	case "", "none":
	case "gzip", "deflate":
		e.method = zip.Deflate
	default:
		return nil, fmt.Errorf("a .npz file is compressed by deflate or not at all, not by %q", o.Compression)
	}
	for _, f := range s.Fields() {
		c, err := newColumn(f, 1)
		if err != nil {
			return nil, err
		}
		e.columns = append(e.columns, c)
	}
	return e, nil
}

// zipEncoder keeps the arrays that it is given, and writes them column by column once all are there.
type zipEncoder struct {
	count   *counter
	method  uint16
	columns []column
	records []arrow.RecordBatch
	rows    int // expected, or 0
	have    int
	begun   int         // where the bytes of the latest member begin
	done    *zip.Writer // once members are being written
}

func (e *zipEncoder) Write(ctx context.Context, r arrow.RecordBatch) error {
	for i, c := range e.columns {
		if err := c.check(r.Column(i), e.have); err != nil {
			return err
		}
	}
	if e.have += int(r.NumRows()); e.rows > 0 && e.have > e.rows || e.done != nil && r.NumRows() > 0 {
		return fmt.Errorf("%d rows were written to arrays of %d; say how many there are in WriteOptions.Rows", e.have, e.rows)
	}
	if r.NumRows() == 0 {
		return nil
	}
	r.Retain()
	if e.records = append(e.records, r); e.have == e.rows {
		return e.members(ctx)
	}
	return nil
}

func (e *zipEncoder) Close() error {
	if e.done == nil {
		if e.rows > 0 && e.have < e.rows {
			return fmt.Errorf("%d rows were written to arrays of %d; say how many there are in WriteOptions.Rows", e.have, e.rows)
		}
		if err := e.members(context.Background()); err != nil {
			return err
		}
	}
	return e.done.Close()
}

// members writes all columns and lets go of the arrays.
func (e *zipEncoder) members(ctx context.Context) error {
	defer func() {
		for _, r := range e.records {
			r.Release()
		}
		e.records = nil
	}()
	e.done = zip.NewWriter(e.count)
	e.done.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	for i, c := range e.columns {
		w, err := e.member(c.name)
		if err != nil {
			return err
		}
		if _, err := w.Write(c.header(e.have)); err != nil {
			return err
		}
		row := 0
		for _, r := range e.records {
			if err := c.write(ctx, w, r.Column(i), row); err != nil {
				return err
			}
			row += int(r.NumRows())
		}
	}
	return nil
}

const (
	zipFixed   = 30     // bytes of a member's header before its name
	zipSizes   = 16     // bytes after a member
	zipSizes64 = 24     // after one of 4 GiB or more
	padID      = 0xd935 // of the extra field that others align members with, too
	padMinimum = 6      // its id, its length, and the alignment that it states
)

// member begins a member whose bytes start at a multiple of headerAlign, so that readers can view its values.
func (e *zipEncoder) member(name string) (io.Writer, error) {
	if err := e.done.Flush(); err != nil {
		return nil, err
	}
	h := &zip.FileHeader{Name: name + suffix, Method: e.method}
	if e.method == zip.Store {
		begin := e.count.n + zipFixed + len(h.Name) + padMinimum
		if size := e.count.n - e.begun; e.begun > 0 { // the member before is ended by its sizes
			begin += zipSizes
			if size >= math.MaxUint32 {
				begin += zipSizes64 - zipSizes
			}
		}
		fill := -begin & (headerAlign - 1)
		h.Extra = binary.LittleEndian.AppendUint16(h.Extra, padID)
		h.Extra = binary.LittleEndian.AppendUint16(h.Extra, uint16(2+fill))
		h.Extra = binary.LittleEndian.AppendUint16(h.Extra, headerAlign)
		h.Extra = append(h.Extra, make([]byte, fill)...)
	}
	w, err := e.done.CreateHeader(h)
	if err == nil {
		err = e.done.Flush()
	}
	e.begun = e.count.n
	return w, err
}

// counter knows how many bytes went through it.
type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += n
	return n, err
}

// headerAlign is what NumPy pads headers to.
const headerAlign = 64

// header is that of a .npy file of version 1.0.
func (c *column) header(rows int) []byte {
	var shape strings.Builder
	fmt.Fprintf(&shape, "%d,", rows)
	for i, n := range c.axes {
		if i > 0 {
			shape.WriteByte(',')
		}
		fmt.Fprintf(&shape, " %d", n)
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", c.descr, shape.String())
	n := (prefixV1 + len(text) + headerAlign) &^ (headerAlign - 1) // and the end of line
	out := append([]byte(magic), 1, 0)
	out = binary.LittleEndian.AppendUint16(out, uint16(n-prefixV1))
	out = append(out, text...)
	out = append(out, bytes.Repeat([]byte{' '}, n-len(out)-1)...)
	return append(out, '\n')
}
