package arrowipc

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/darray-go/darray/array"
)

// Slots of the FlatBuffers tables in Message.fbs, Schema.fbs and File.fbs of the Arrow format.
const (
	messageVersion, messageKind, messageHeader, messageBody           = 0, 1, 2, 3
	batchRows, batchNodes, batchBuffers, batchCompression, batchViews = 0, 1, 2, 3, 4
	schemaEndianness, schemaFields, schemaMetadata                    = 0, 1, 2
	fieldName, fieldTypeCode, fieldType, fieldChildren, fieldMetadata = 0, 2, 3, 5, 6
	footerBatches                                                     = 3
)

// Codes and sizes in them.
const (
	kindSchema, kindDictionary, kindBatch = 1, 2, 3
	versionV4                             = 3          // of 2017 to 2020
	nodeSize, bufferSize, blockSize       = 16, 16, 24 // bytes
	continuation                          = 0xFFFFFFFF // before each message, since 2019
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
func readMessage(src source, at, limit int) (message, error) {
	if at == limit {
		return message{}, errEnd
	}
	prefix, length, err := readPrefix(src, at, limit)
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
	meta, err := src.view(extent{at, prefix + length})
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
func readPrefix(src source, at, limit int) (prefix, length int, err error) {
	for _, prefix = range []int{4, 8} {
		if limit-at < prefix {
			return 0, 0, errTruncated
		}
		b, err := src.view(extent{at + prefix - 4, 4})
		if err != nil {
			return 0, 0, err
		}
		if v := binary.LittleEndian.Uint32(b); prefix == 8 || v != continuation {
			return prefix, int(int32(v)), nil
		}
	}
	return 0, 0, errTruncated
}

// batch is the metadata of a record batch.
type batch struct {
	rows                  int
	codec                 codec
	nodes, buffers, views vector
	body                  extent
}

// parseBatch reads what a record batch says of itself and holds it against the layout of the schema.
func parseBatch(m message, l *layout) (batch, error) {
	h := m.header
	b := batch{
		rows: int(h.i64(batchRows)), nodes: h.vector(batchNodes, nodeSize), buffers: h.vector(batchBuffers, bufferSize),
		views: h.vector(batchViews, 8), body: m.body,
	}
	if c, ok := h.table(batchCompression); ok {
		b.codec = codec(c.u8(0) + 1)
	}
	views := 0
	for i := range b.views.n {
		if n := b.views.i64(i, 0); n >= 0 && n <= int64(b.buffers.n) {
			views += int(n)
		}
	}
	switch {
	case h.f.bad:
		return b, errors.New("its metadata is corrupt")
	case b.rows < 0 || b.rows > maxRows:
		return b, fmt.Errorf("it says that it has %d rows", b.rows)
	case b.codec > codecZstd:
		return b, fmt.Errorf("it is compressed by method %d, which is neither lz4 nor zstd; write it again with one of them", b.codec-1)
	case b.nodes.n != l.nodes || b.views.n != l.views || b.buffers.n != l.buffers+views:
		return b, fmt.Errorf("it has %d arrays and %d buffers where its schema asks for %d and %d",
			b.nodes.n, b.buffers.n, l.nodes, l.buffers+views)
	}
	return b, nil
}

// piece is one column's part of a batch: where its values and its validity lie in the file. No validity: no nulls.
type piece struct {
	rows             int
	values, validity packed
}

// piece finds a readable column in the batch and checks that its buffers hold as many rows as the batch says.
func (b *batch) piece(c column) (piece, error) {
	p := piece{rows: b.rows}
	if rows := b.nodes.i64(c.node, 0); rows != int64(b.rows) {
		return p, fmt.Errorf("it has %d rows in a batch of %d", rows, b.rows)
	}
	nulls := b.nodes.i64(c.node, 8)
	if nulls > int64(b.rows) {
		return p, fmt.Errorf("it says that %d of %d rows are null", nulls, b.rows)
	}
	first := c.buffer
	for i := range c.views {
		first += int(b.views.i64(i, 0))
	}
	if first+1 >= b.buffers.n {
		return p, errors.New("its buffers are not listed")
	}
	var err error
	if p.values, err = b.buffer(first+1, c.dtype.BufferSize(b.rows)); err != nil {
		return p, fmt.Errorf("values: %w", err)
	}
	if nulls == 0 || b.rows == 0 {
		return p, nil
	}
	if p.validity, err = b.buffer(first, array.Bool.BufferSize(b.rows)); err != nil {
		return p, fmt.Errorf("validity of %d nulls: %w", nulls, err)
	}
	return p, nil
}

// buffer is where buffer i lies in the file. Its rows take whole bytes; what a compressed one holds is seen when
// it is read.
func (b *batch) buffer(i, whole int) (packed, error) {
	at, n := b.buffers.i64(i, 0), b.buffers.i64(i, 8)
	if at < 0 || n < 0 || at > int64(b.body.n) || n > int64(b.body.n)-at {
		return packed{}, fmt.Errorf("bytes %d to %d+%d lie outside the batch of %d", at, at, n, b.body.n)
	}
	need := whole
	if b.codec != codecNone {
		need = min(whole, packedPrefix)
	}
	if n < int64(need) {
		return packed{}, fmt.Errorf("%d rows need %d bytes, the buffer has %d", b.rows, need, n)
	}
	return packed{extent{b.body.at + int(at), int(n)}, b.codec, whole}, nil
}
