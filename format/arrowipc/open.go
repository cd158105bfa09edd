package arrowipc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/format"
)

// reader is an open file or stream.
type reader struct {
	in           *format.Input
	schema       *arrow.Schema
	layout       *layout
	stream       bool
	codec        string
	rows         []int // of each batch
	starts       []int // the first row of each batch; one more for the end
	at, seq      []int // where each batch's message begins, and how many messages come before it
	messages     int
	dictionaries map[int64][]*dictionary // in the order of the file
	budget       int
	unpackers    sync.Pool // of *unpacker
	cached       atomic.Int64
	mu           sync.Mutex
	cache        map[place]arrow.ArrayData
}

// open reads the metadata of every batch: the row counts and where each buffer lies. It reads no values.
func open(ctx context.Context, in *format.Input, o format.Options) (*format.File, error) {
	r := &reader{
		in: in, starts: []int{0}, dictionaries: make(map[int64][]*dictionary), budget: o.Budget,
		unpackers: sync.Pool{New: func() any { return &unpacker{in: in} }}, cache: make(map[place]arrow.ArrayData),
	}
	if in.Size == 0 {
		return nil, errors.New("is empty; write it again")
	}
	if err := r.scan(ctx, o); err != nil {
		return nil, err
	}
	return &format.File{Schema: r.schema, Rows: r.starts[len(r.rows)], Batches: r.rows, Compression: r.codec, Views: in.Mapped && r.codec == "", Reader: r}, nil
}

// scan finds the schema, all dictionaries and all batches.
func (r *reader) scan(ctx context.Context, o format.Options) error {
	size := r.in.Size
	head, err := r.in.View(ctx, 0, min(len(magic), size))
	if err != nil {
		return err
	}
	r.stream = string(head) != magic
	limit := size
	var dictionaries, batches vector
	var m message
	if r.stream {
		if m, err = readMessage(ctx, r.in, 0, limit); err != nil {
			return fmt.Errorf("schema: %w", err)
		}
	} else if m, dictionaries, batches, limit, err = r.footer(ctx); err != nil {
		return err
	}
	if r.schema, r.layout, err = readSchema(m); err != nil {
		return err
	}
	if r.stream {
		return r.scanStream(ctx, m.body.end(), limit, o)
	}
	if err := r.scanBlocks(ctx, "dictionary", dictionaries, limit, r.addDictionary); err != nil {
		return err
	}
	return r.scanBlocks(ctx, "batch", batches, limit, r.addBatch)
}

// footer finds the schema and the lists of dictionaries and batches at the end of a file, and where the footer begins. The schema before the
// first batch is not looked at: files by Apache Arrow for JavaScript have none there, and those that Polars streams have it without its length.
func (r *reader) footer(ctx context.Context) (schema message, dictionaries, batches vector, limit int, err error) {
	const tail = 4 + len(magic) // length, magic
	size := r.in.Size
	if size < 8+tail {
		return message{}, vector{}, vector{}, 0, errTruncated
	}
	end, err := r.in.View(ctx, size-tail, tail)
	if err != nil {
		return message{}, vector{}, vector{}, 0, err
	}
	if string(end[4:]) != magic {
		return message{}, vector{}, vector{}, 0, errors.New("truncated: the footer of the file is missing; copy or write it again")
	}
	n := int(int32(binary.LittleEndian.Uint32(end)))
	if n <= 0 || n > size-8-tail {
		return message{}, vector{}, vector{}, 0, fmt.Errorf("the footer says that it has %d bytes", n)
	}
	limit = size - tail - n
	b, err := r.in.View(ctx, limit, n)
	if err != nil {
		return message{}, vector{}, vector{}, 0, err
	}
	t, fb := root(b)
	dictionaries, batches = t.vector(footerDictionaries, blockSize), t.vector(footerBatches, blockSize)
	if schema = footerMessage(b, t); fb.bad || schema.meta == nil {
		return message{}, vector{}, vector{}, 0, errors.New("the footer is corrupt")
	}
	return schema, dictionaries, batches, limit, nil
}

// scanBlocks reads the metadata of the messages that a footer lists.
func (r *reader) scanBlocks(ctx context.Context, what string, blocks vector, limit int, add func(message, int) error) error {
	for i := range blocks.n {
		if err := ctx.Err(); err != nil {
			return err
		}
		at, meta, body := blocks.i64(i, 0), blocks.i32(i, 8), blocks.i64(i, 16)
		if at < 8 || at > int64(limit) {
			return fmt.Errorf("%s %d: the footer says that it is at byte %d of %d", what, i, at, limit)
		}
		m, err := readMessage(ctx, r.in, int(at), limit)
		if err == nil && (m.end || len(m.meta) != int(meta) || m.body.n != int(body)) {
			err = fmt.Errorf("what lies at byte %d is not what the footer says", at)
		}
		if err == nil {
			err = add(m, int(at))
		}
		if err != nil {
			return fmt.Errorf("%s %d: %w", what, i, err)
		}
	}
	return nil
}

// scanStream reads the metadata of the messages up to the end-of-stream marker.
func (r *reader) scanStream(ctx context.Context, at, limit int, o format.Options) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		m, err := readMessage(ctx, r.in, at, limit)
		switch {
		case errors.Is(err, errEnd) && o.Unmarked:
			return nil
		case errors.Is(err, errEnd):
			return fmt.Errorf("truncated: the stream has no end marker %s; write it again, or accept it with Options.Unmarked", r.done())
		case err != nil:
			return fmt.Errorf("%s: %w", r.done(), err)
		}
		if m.end {
			if rest := limit - m.body.end(); rest > 0 {
				return fmt.Errorf("%d bytes follow the end-of-stream marker; keep one stream a file", rest)
			}
			return nil
		}
		switch m.kind {
		case kindBatch:
			err = r.addBatch(m, at)
		case kindDictionary:
			err = r.addDictionary(m, at)
		default:
			err = fmt.Errorf("an unexpected message of kind %d at byte %d", m.kind, at)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.done(), err)
		}
		at = m.body.end()
	}
}

// done is how far a stream was read.
func (r *reader) done() string {
	return fmt.Sprintf("after %d batches of %d rows", len(r.rows), r.starts[len(r.rows)])
}

// addBatch checks a batch, so that reading a column of it finds its buffers, and adds it.
func (r *reader) addBatch(m message, at int) error {
	if m.kind != kindBatch {
		return errKind
	}
	b, err := parseBatch(m.header, m.body, r.layout, r.layout.columns)
	if err != nil {
		return err
	}
	total, err := addRows(r.starts[len(r.rows)], b.rows)
	if err != nil {
		return err
	}
	r.addCodec(b.codec)
	r.rows, r.at, r.seq, r.starts = append(r.rows, b.rows), append(r.at, at), append(r.seq, r.messages), append(r.starts, total)
	r.messages++
	return nil
}

// errKind is a message where another was announced.
var errKind = errors.New("what lies there is not what the footer says")

// addCodec notes the compression of a batch, of which there may be several.
func (r *reader) addCodec(c codec) {
	if name := c.String(); len(r.rows) == 0 {
		r.codec = name
	} else if r.codec != name {
		r.codec = "mixed"
	}
}

// Close frees nothing: arrays keep the input, and all else is the garbage collector's.
func (r *reader) Close() error { return nil }
