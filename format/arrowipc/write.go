package arrowipc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

const (
	batchBytes  = 64 << 20 // about how large a record batch becomes, as other readers refuse more than 256 MiB
	rowMultiple = 64       // rows of a batch are a multiple of it, so that bitmaps stay aligned where batches are joined again
)

// encoder cuts records into batches and writes them in the file format, each buffer at a multiple of array.Alignment in the file.
type encoder struct {
	out     io.Writer
	at      int // bytes written
	schema  *arrow.Schema
	said    []byte // the schema's message, for the footer
	layout  *layout
	packer  *packer
	perRows int // of WriteOptions

	dictionaries, batches []block
	known                 map[int64]*known
}

// block is where a message lies, as the footer lists it.
type block struct{ at, meta, body int }

func create(w io.Writer, s *arrow.Schema, o format.WriteOptions) (format.Encoder, error) {
	p, err := newPacker(o.Compression)
	if err != nil {
		return nil, err
	}
	if !s.IsNativeEndian() {
		return nil, errors.New("the schema says that its values have the other byte order; make one without")
	}
	payload := ipc.GetSchemaPayload(s, memory.DefaultAllocator)
	meta := payload.Meta()
	e := &encoder{out: w, schema: s, said: meta.Bytes(), packer: p, perRows: o.BatchRows, known: make(map[int64]*known)}
	if e.layout, err = layoutOf(s, e.said); err != nil {
		return nil, err
	}
	if err := e.write([]byte(magic + "\x00\x00")); err != nil {
		return nil, err
	}
	_, err = e.message(e.said, nil)
	return e, err
}

// layoutOf is the layout of the batches of a schema, by the message that says it.
func layoutOf(s *arrow.Schema, meta []byte) (*layout, error) {
	t, f := root(meta)
	m := message{kind: t.u8(messageKind), version: int(t.u16(messageVersion)), meta: meta}
	m.header, _ = t.table(messageHeader)
	if f.bad || m.header.f == nil {
		return nil, errors.New("the schema cannot be written")
	}
	if err := checkSchema(m); err != nil {
		return nil, fmt.Errorf("%w, or nested more than %d deep", err, maxDepth)
	}
	return newLayout(s, m)
}

// Write appends the rows of r, as one batch or several.
func (e *encoder) Write(ctx context.Context, r arrow.RecordBatch) error {
	if err := e.check(r); err != nil {
		return err
	}
	defer func() {
		for _, k := range e.known {
			k.current = nil // its memory may be another's by the next call
		}
	}()
	rows := int(r.NumRows())
	per := e.batchRows(r)
	for lo := 0; lo < rows; lo += per {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.batch(ctx, r, lo, min(per, rows-lo)); err != nil {
			return err
		}
	}
	return nil
}

// check holds a record against the schema.
func (e *encoder) check(r arrow.RecordBatch) error {
	if int(r.NumCols()) != e.schema.NumFields() {
		return fmt.Errorf("%w: %d columns for a schema of %d", array.ErrShape, r.NumCols(), e.schema.NumFields())
	}
	for i, c := range r.Columns() {
		f := e.schema.Field(i)
		switch {
		case !arrow.TypeEqual(c.DataType(), f.Type):
			return fmt.Errorf("%w: column %q is %s, the schema says %s", array.ErrDType, f.Name, c.DataType(), f.Type)
		case c.Len() != int(r.NumRows()):
			return fmt.Errorf("%w: column %q has %d rows of %d", array.ErrShape, f.Name, c.Len(), r.NumRows())
		case !f.Nullable && c.NullN() > 0 && c.DataType().ID() != arrow.NULL:
			return fmt.Errorf("%w: column %q has %d nulls, the schema allows none", array.ErrNull, f.Name, c.NullN())
		}
	}
	return nil
}

// batchRows is how many rows of a record go into one batch.
func (e *encoder) batchRows(r arrow.RecordBatch) int {
	if e.perRows > 0 {
		return e.perRows
	}
	total, rows := 0, int(r.NumRows())
	for i, c := range r.Columns() {
		total += bytesOf(e.layout.columns[i], c.Data(), c.Data().Offset(), rows)
	}
	if total <= batchBytes {
		return max(rows, 1)
	}
	per := int(float64(batchBytes) / float64(total) * float64(rows))
	return max(per, rowMultiple) / rowMultiple * rowMultiple
}

// batch writes n rows from lo on.
func (e *encoder) batch(ctx context.Context, r arrow.RecordBatch, lo, n int) error {
	b := &body{e: e}
	for i, c := range r.Columns() {
		if err := b.add(ctx, e.layout.columns[i], c.Data(), c.Data().Offset()+lo, n); err != nil {
			return fmt.Errorf("column %q: %w", e.schema.Field(i).Name, err)
		}
	}
	at, err := e.send(ctx, b, n, nil)
	e.batches = append(e.batches, at)
	return err
}

// send writes a batch, or that of a dictionary.
func (e *encoder) send(ctx context.Context, b *body, rows int, d *header) (block, error) {
	if err := e.packer.pack(ctx, b.buffers, b.wide); err != nil {
		return block{}, err
	}
	return e.message(b.message(rows, e.packer.codec, d), b.buffers)
}

// message writes metadata and the buffers behind it.
func (e *encoder) message(meta []byte, buffers [][]byte) (block, error) {
	const prefix = 8
	start := e.at
	padded := len(meta) + padding(e.at+prefix+len(meta))
	at := block{start, prefix + padded, 0}
	if err := e.write(messagePrefix(padded), meta, zeros[:padded-len(meta)]); err != nil {
		return at, err
	}
	for _, b := range buffers {
		if err := e.write(b, zeros[:padding(len(b))]); err != nil {
			return at, err
		}
	}
	at.body = e.at - start - at.meta
	return at, nil
}

func (e *encoder) write(parts ...[]byte) error {
	for _, p := range parts {
		if len(p) == 0 {
			continue
		}
		n, err := e.out.Write(p)
		if e.at += n; err != nil {
			return err
		}
	}
	return nil
}

// zeros is what lies between buffers.
var zeros [array.Alignment]byte

// padding is what n lacks to a multiple of the alignment.
func padding(n int) int { return -n & (array.Alignment - 1) }

// Close writes the end-of-stream marker and the footer.
func (e *encoder) Close() error {
	e.packer.close()
	footer := e.footer()
	length := messagePrefix(len(footer))[4:]
	return e.write(messagePrefix(0), footer, length, []byte(magic))
}
