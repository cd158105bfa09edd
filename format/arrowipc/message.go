package arrowipc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/darray-go/darray/format"
)

// Slots of the FlatBuffers tables in Message.fbs, Schema.fbs and File.fbs of the Arrow format.
const (
	messageVersion, messageKind, messageHeader, messageBody           = 0, 1, 2, 3
	batchRows, batchNodes, batchBuffers, batchCompression, batchViews = 0, 1, 2, 3, 4
	dictionaryID, dictionaryBatch, dictionaryDelta                    = 0, 1, 2
	schemaEndianness, schemaFields, schemaMetadata                    = 0, 1, 2
	fieldName, fieldTypeCode, fieldType                               = 0, 2, 3
	fieldDictionary, fieldChildren, fieldMetadata                     = 4, 5, 6
	footerVersion, footerSchema, footerDictionaries, footerBatches    = 0, 1, 2, 3
)

// Codes and sizes in them.
const (
	kindSchema, kindDictionary, kindBatch = 1, 2, 3
	versionV4, versionV5                  = 3, 4       // V4: of 2017 to 2020
	nodeSize, bufferSize, blockSize       = 16, 16, 24 // bytes
)

const (
	maxMetadata = 256 << 20        // bytes of one message's metadata; a million columns take about 100 MB
	maxRows     = math.MaxInt / 64 // so that rows times bytes never overflows
)

// errEnd is the end of a stream without its marker; errTruncated is a file that ends within a message.
var (
	errEnd       = errors.New("end of the stream")
	errTruncated = errors.New("truncated: the file ends within a message; copy or write it again")
)

// message is one encapsulated message: metadata, then a body of buffers.
type message struct {
	end     bool // the end-of-stream marker, which is nothing else
	kind    uint8
	version int
	header  table
	meta    []byte // the metadata with its prefix
	body    extent
}

// extent is a range of bytes in a file.
type extent struct{ at, n int }

func (e extent) end() int { return e.at + e.n }

// slice is e from its byte skip on; skip lies within e.
func (e extent) slice(skip int) extent { return extent{e.at + skip, e.n - skip} }

// readMessage reads the metadata of the message at a position; its body must end by limit.
func readMessage(ctx context.Context, in *format.Input, at, limit int) (message, error) {
	if at == limit {
		return message{}, errEnd
	}
	prefix, length, err := readPrefix(ctx, in, at, limit)
	if err != nil {
		return message{}, err
	}
	if length == 0 {
		return message{end: true, body: extent{at + prefix, 0}}, nil
	}
	if length < 0 || length > maxMetadata {
		return message{}, fmt.Errorf("the message at byte %d says that its metadata has %d bytes", at, length)
	}
	if length > limit-at-prefix {
		return message{}, errTruncated
	}
	meta, err := in.View(ctx, at, prefix+length)
	if err != nil {
		return message{}, err
	}
	t, f := root(meta[prefix:])
	m := message{kind: t.u8(messageKind), version: int(t.u16(messageVersion)), meta: meta}
	m.header, _ = t.table(messageHeader)
	m.body = extent{at + prefix + length, int(t.i64(messageBody))}
	switch {
	case f.bad || m.header.f == nil:
		return message{}, fmt.Errorf("the metadata of the message at byte %d is corrupt", at)
	case m.body.n < 0:
		return message{}, fmt.Errorf("the message at byte %d says that its body has %d bytes", at, m.body.n)
	case m.body.n > limit-m.body.at:
		return message{}, errTruncated
	}
	return m, nil
}

// readPrefix reads a message's length, with the continuation mark before it or, as until 2019, without.
func readPrefix(ctx context.Context, in *format.Input, at, limit int) (prefix, length int, err error) {
	for _, prefix = range []int{4, 8} {
		if limit-at < prefix {
			return 0, 0, errTruncated
		}
		b, err := in.View(ctx, at+prefix-4, 4)
		if err != nil {
			return 0, 0, err
		}
		if v := binary.LittleEndian.Uint32(b); prefix == 8 || v != continuation {
			return prefix, int(int32(v)), nil
		}
	}
	return 0, 0, errTruncated
}

// batch is the metadata of a record batch, or of the one in a dictionary.
type batch struct {
	rows                  int
	codec                 codec
	nodes, buffers, views vector
	data                  []int // how many buffers of views come before each view
	body                  extent
}

// parseBatch reads what a record batch says of itself and holds it against the layout of the schema: each buffer of columns lies within
// the body, and has room for the rows.
func parseBatch(h table, body extent, l *layout, columns []*node) (*batch, error) {
	b := &batch{
		rows: int(h.i64(batchRows)), nodes: h.vector(batchNodes, nodeSize), buffers: h.vector(batchBuffers, bufferSize),
		views: h.vector(batchViews, 8), body: body,
	}
	if c, ok := h.table(batchCompression); ok {
		b.codec = codec(c.u8(0) + 1)
		if method := c.u8(1); method != 0 {
			return nil, fmt.Errorf("it is compressed otherwise than by buffers (%d); write it again with a program of today", method)
		}
	}
	data := 0
	for i := range b.views.n {
		n := b.views.i64(i, 0)
		if n < 0 || n > int64(b.buffers.n) {
			return nil, fmt.Errorf("it says that a view has %d buffers", n)
		}
		b.data = append(b.data, data)
		data += int(n)
	}
	b.data = append(b.data, data)
	switch {
	case h.f.bad:
		return nil, errors.New("its metadata is corrupt")
	case b.rows < 0 || b.rows > maxRows:
		return nil, fmt.Errorf("it says that it has %d rows", b.rows)
	case b.codec > codecZstd:
		return nil, fmt.Errorf("it is compressed by method %d, which is neither lz4 nor zstd; write it again with one of them", b.codec-1)
	case b.nodes.n != l.nodes || b.views.n != l.views || b.buffers.n != l.buffers+data:
		return nil, fmt.Errorf("it has %d arrays and %d buffers where its schema asks for %d and %d",
			b.nodes.n, b.buffers.n, l.nodes, l.buffers+data)
	}
	for _, c := range columns {
		if err := b.check(c, b.rows, true); err != nil {
			return nil, fmt.Errorf("column %q: %w", c.name, err)
		}
	}
	if h.f.bad {
		return nil, errors.New("its metadata is corrupt")
	}
	return b, nil
}

// check holds an array of a batch, and those in it, against what it says of itself. It has rows rows, or at least, or any (-1).
func (b *batch) check(n *node, rows int, exact bool) error {
	has, nulls := b.length(n), b.nodes.i64(n.node, 8)
	switch {
	case exact && has != rows:
		return fmt.Errorf("it has %d rows in a batch of %d", has, rows)
	case has < rows:
		return fmt.Errorf("it has %d rows where %d are needed", has, rows)
	case has < 0 || has > maxRows:
		return fmt.Errorf("it says that it has %d rows", has)
	case nulls > int64(has):
		return fmt.Errorf("it says that %d of %d rows are null", nulls, has)
	}
	first := b.first(n)
	for i, k := range n.kinds {
		if k.validity && !b.nullable(n) {
			continue
		}
		_, err := b.buffer(first+i, has, k)
		switch {
		case err != nil && k.validity:
			return fmt.Errorf("validity of %d nulls: %w", nulls, err)
		case err != nil:
			return fmt.Errorf("values: %w", err)
		}
	}
	for i := range b.dataBuffers(n) {
		if _, err := b.buffer(first+len(n.kinds)+i, has, kind{}); err != nil {
			return fmt.Errorf("data: %w", err)
		}
	}
	for i, c := range n.children {
		need, err := n.need(has)
		if err == nil {
			err = b.check(c, need, false)
		}
		if err != nil {
			return fmt.Errorf("its part %d: %w", i, err)
		}
	}
	return nil
}

// length is how many rows an array has.
func (b *batch) length(n *node) int { return int(b.nodes.i64(n.node, 0)) }

// nullable reports whether rows of an array may be null.
func (b *batch) nullable(n *node) bool { return b.nodes.i64(n.node, 8) != 0 && b.length(n) > 0 }

// first is the number of an array's first buffer.
func (b *batch) first(n *node) int { return n.buffer + b.data[n.view] }

// dataBuffers is how many buffers of data a view has; 0 for other arrays.
func (b *batch) dataBuffers(n *node) int {
	if !n.isView {
		return 0
	}
	return b.data[n.view+1] - b.data[n.view]
}

// buffer is where buffer i lies in the file. What a compressed one holds is seen when it is read.
func (b *batch) buffer(i, rows int, k kind) (packed, error) {
	at, n := b.buffers.i64(i, 0), b.buffers.i64(i, 8)
	if at < 0 || n < 0 || at > int64(b.body.n) || n > int64(b.body.n)-at {
		return packed{}, fmt.Errorf("bytes %d to %d+%d lie outside the batch of %d", at, at, n, b.body.n)
	}
	whole := k.bytes(rows)
	need := whole
	if b.codec != codecNone {
		need = min(whole, packedPrefix)
	}
	if n < int64(need) {
		return packed{}, fmt.Errorf("%d rows need %d bytes, the buffer has %d", rows, need, n)
	}
	return packed{extent{b.body.at + int(at), int(n)}, b.codec, whole}, nil
}
