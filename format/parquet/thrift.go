package parquet

import (
	"encoding/binary"
	"errors"
)

// Footers and page headers are Thrift in its compact protocol. The library that decodes footers takes memory by what they claim, so
// they are gone through here first; page headers are both read and written here.

// compact reads Thrift's compact protocol. After the first error everything reads as zero and as ended.
type compact struct {
	b     []byte
	at    int
	depth int
	err   error
	cost  int // values, lists and structs seen: what a decoder makes objects of
}

// The types of values in the compact protocol.
const (
	thriftStop = iota
	thriftTrue
	thriftFalse
	thriftByte
	thriftI16
	thriftI32
	thriftI64
	thriftDouble
	thriftBinary
	thriftList
	thriftSet
	thriftMap
	thriftStruct
	thriftUUID
)

// maxDepth is how deep structures lie in each other: those of Parquet do eight deep.
const maxDepth = 32

var (
	errThriftCut  = errors.New("ends within a value")
	errThriftSize = errors.New("claims more values than it has bytes")
	errThriftDeep = errors.New("is nested too deep")
	errThriftType = errors.New("holds a value of no known type")
)

func (c *compact) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.at = len(c.b)
}

func (c *compact) byte() byte {
	if c.at >= len(c.b) {
		c.fail(errThriftCut)
		return 0
	}
	c.at++
	return c.b[c.at-1]
}

func (c *compact) uvarint() uint64 {
	v, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 {
		c.fail(errThriftCut)
		return 0
	}
	c.at += n
	return v
}

// int is a zigzag number of any width.
func (c *compact) int() int {
	u := c.uvarint()
	return int(u>>1) ^ -int(u&1)
}

// size is a length in bytes or values, each of at least a byte.
func (c *compact) size(n uint64) int {
	if n > uint64(len(c.b)-c.at) {
		c.fail(errThriftSize)
		return 0
	}
	c.cost += int(n)
	return int(n)
}

// fields calls f for each field of a struct; f takes the value, or leaves it to skip.
func (c *compact) fields(f func(id int, kind byte)) {
	if c.depth++; c.depth > maxDepth {
		c.fail(errThriftDeep)
	}
	id := 0
	for c.err == nil {
		head := c.byte()
		if head&15 == thriftStop {
			break
		}
		if head>>4 == 0 {
			id = c.int()
		} else {
			id += int(head >> 4)
		}
		c.cost++
		f(id, head&15)
	}
	c.depth--
}

// list reads the head of a list: the type of its values and how many there are.
func (c *compact) list() (kind byte, n int) {
	head := c.byte()
	size := uint64(head >> 4)
	if size == 15 {
		size = c.uvarint()
	}
	return head & 15, c.size(size)
}

// skip passes a value. Of lists a bool is a byte; as a field it is none.
func (c *compact) skip(kind byte, field bool) {
	switch kind {
	case thriftTrue, thriftFalse:
		if !field {
			c.byte()
		}
	case thriftByte:
		c.byte()
	case thriftI16, thriftI32, thriftI64:
		c.uvarint()
	case thriftDouble:
		c.pass(8)
	case thriftUUID:
		c.pass(16)
	case thriftBinary:
		c.pass(c.size(c.uvarint()))
	case thriftList, thriftSet:
		c.skipList()
	case thriftMap:
		c.skipMap()
	case thriftStruct:
		c.fields(func(_ int, kind byte) { c.skip(kind, true) })
	default:
		c.fail(errThriftType)
	}
}

func (c *compact) pass(n int) {
	if n > len(c.b)-c.at {
		c.fail(errThriftCut)
		return
	}
	c.at += n
}

func (c *compact) skipList() {
	if c.depth++; c.depth > maxDepth {
		c.fail(errThriftDeep)
	}
	kind, n := c.list()
	for i := 0; i < n && c.err == nil; i++ {
		c.skip(kind, false)
	}
	c.depth--
}

func (c *compact) skipMap() {
	n := c.size(c.uvarint())
	if n == 0 {
		return
	}
	kinds := c.byte()
	for i := 0; i < n && c.err == nil; i++ {
		c.skip(kinds>>4, false)
		c.skip(kinds&15, false)
	}
}

// writer writes the compact protocol, of structs with small positive field numbers.
type compactWriter struct {
	b    []byte
	last int
}

func (w *compactWriter) head(id int, kind byte) {
	w.b = append(w.b, byte(id-w.last)<<4|kind)
	w.last = id
}

func (w *compactWriter) i32(id, v int) {
	w.head(id, thriftI32)
	w.b = binary.AppendUvarint(w.b, uint64(v)<<1^uint64(v>>63))
}

func (w *compactWriter) bool(id int, v bool) {
	if v {
		w.head(id, thriftTrue)
	} else {
		w.head(id, thriftFalse)
	}
}

// nest writes a struct as a field.
func (w *compactWriter) nest(id int, f func()) {
	w.head(id, thriftStruct)
	w.last = 0
	f()
	w.b = append(w.b, thriftStop)
	w.last = id
}
