package arrowipc

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
)

// errNotArrow is a file of another format.
var errNotArrow = errors.New("does not begin with an Arrow schema; is it an Arrow file?")

// readSchema turns a schema message into a schema, by arrow-go once the message is known to be finite, and the layout of its batches.
func readSchema(m message) (*arrow.Schema, *layout, error) {
	s, err := parseSchema(m)
	if err != nil {
		return nil, nil, err
	}
	l, err := newLayout(s, m)
	return s, l, err
}

func parseSchema(m message) (*arrow.Schema, error) {
	if m.kind != kindSchema {
		return nil, errNotArrow
	}
	if m.version < versionV4 || m.version > versionV5 {
		return nil, fmt.Errorf("it is of version %d of the format, and versions 4 and 5 are known; write it again with a program of today", m.version+1)
	}
	if m.header.u16(schemaEndianness) != 0 {
		return nil, errors.New("it is big-endian; write it again on a little-endian machine, or with little-endian byte order")
	}
	if m.body.n != 0 { // arrow-go would allocate it
		return nil, fmt.Errorf("the schema message has a body of %d bytes; it is corrupt", m.body.n)
	}
	if err := checkSchema(m); err != nil {
		return nil, err
	}
	r, err := ipc.NewReader(bytes.NewReader(m.meta))
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	defer r.Release()
	return r.Schema(), nil
}

// checkSchema bounds what a schema unpacks to by the bytes that describe it. FlatBuffers may share parts, so that a few
// hundred bytes can describe more fields than fit in memory; no program writes that.
func checkSchema(m message) error {
	c := schemaCheck{left: len(m.meta)}
	c.metadata(m.header.vector(schemaMetadata, 4))
	c.fields(m.header.vector(schemaFields, 4), maxDepth)
	if m.header.f.bad || c.left < 0 {
		return errors.New("the schema is corrupt")
	}
	return nil
}

// maxDepth is how deep types may nest: that of arrow-go's writer.
const maxDepth = 64

// Codes in the type union of Schema.fbs whose tables hold something of variable length.
const (
	typeTimestamp, timestampZone = 10, 1
	typeUnion, unionIDs          = 14, 1
)

type schemaCheck struct {
	left int // bytes not accounted for; below 0: parts are shared
}

func (c *schemaCheck) take(n int) bool {
	c.left -= n
	return c.left >= 0
}

func (c *schemaCheck) fields(fields vector, depth int) {
	if depth == 0 {
		c.left = -1
	}
	for i := range fields.n {
		t := fields.table(i)
		if !c.take(fields.size+t.vector(fieldName, 1).n) || t.f.bad {
			return
		}
		if inner, ok := t.table(fieldType); ok {
			switch t.u8(fieldTypeCode) {
			case typeTimestamp:
				c.take(inner.vector(timestampZone, 1).n)
			case typeUnion:
				c.take(4 * inner.vector(unionIDs, 4).n)
			}
		}
		c.metadata(t.vector(fieldMetadata, 4))
		c.fields(t.vector(fieldChildren, 4), depth-1)
	}
}

// metadata accounts for a list of keys and values.
func (c *schemaCheck) metadata(pairs vector) {
	for i := range pairs.n {
		t := pairs.table(i)
		if !c.take(pairs.size + t.vector(0, 1).n + t.vector(1, 1).n) {
			return
		}
	}
}

// addRows adds a batch's rows to a total that stays countable.
func addRows(total, rows int) (int, error) {
	if rows > maxRows-total {
		return 0, errors.New("it says that it has more rows than can be addressed")
	}
	return total + rows, nil
}
