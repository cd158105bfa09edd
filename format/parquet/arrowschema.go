package parquet

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// The Arrow schema that a writer stores is FlatBuffers in base64. The library follows its tables as they point, which may be to the same
// table many times over, and takes memory by the lengths of its vectors; so it is gone through here first.

// schemaKey is the footer's key of the Arrow schema.
const schemaKey = "ARROW:schema"

var errArrowSchema = errors.New("the stored Arrow schema (ARROW:schema) is malformed; write the file again without it")

// checkArrowSchema looks at the stored schema, where there is one.
func checkArrowSchema(kv metadata.KeyValueMetadata) error {
	stored := kv.FindValue(schemaKey)
	if stored == nil {
		return nil
	}
	raw, err := decode64(*stored)
	if err != nil {
		return fmt.Errorf("%w (%w)", errArrowSchema, err)
	}
	limit := int64(len(raw))
	messages := ipc.NewMessageReader(bytes.NewReader(raw), ipc.WithMetadataSizeLimit(limit), ipc.WithBodySizeLimit(limit))
	defer messages.Release()
	if _, err := messages.Message(); err != nil {
		return fmt.Errorf("%w (%w)", errArrowSchema, err)
	}
	f := &flat{b: raw}
	pos := 4
	if f.u32(0) == 1<<32-1 { // continuation mark before the length
		pos = 8
	}
	message := f.follow(pos)
	schema := f.table(message, 2)
	f.pairs(schema, 2)
	fields, n := f.vector(schema, 1, 4)
	for i := range n {
		f.field(f.follow(fields+4*i), 0)
	}
	if f.bad {
		return errArrowSchema
	}
	return nil
}

// decode64 takes base64 with padding and without, as the library does.
func decode64(s string) ([]byte, error) {
	if len(s)%4 == 0 {
		if raw, err := base64.StdEncoding.DecodeString(s); err == nil && len(raw) > 0 {
			return raw, nil
		}
	}
	return base64.RawStdEncoding.DecodeString(s)
}

// flat is a FlatBuffers buffer; positions that lie outside mark it bad.
type flat struct {
	b    []byte
	seen int // fields gone through
	bad  bool
}

// field goes through one field and those nested in it.
func (f *flat) field(at, depth int) {
	const leastBytes = 16 // what a field takes in the buffer, unless tables are shared
	if f.seen++; depth > maxNested || f.seen > len(f.b)/leastBytes {
		f.bad = true
	}
	if f.bad {
		return
	}
	f.pairs(at, 6)
	const union = 14 // the one type whose table has a vector
	if kind := f.slot(at, 2); kind != 0 && kind < len(f.b) && f.b[kind] == union {
		f.vector(f.table(at, 3), 1, 4)
	}
	children, n := f.vector(at, 5, 4)
	for i := 0; i < n && !f.bad; i++ {
		f.field(f.follow(children+4*i), depth+1)
	}
}

// pairs goes through keys and values.
func (f *flat) pairs(table, slot int) {
	at, n := f.vector(table, slot, 4)
	if f.seen += n; f.seen > len(f.b) {
		f.bad = true
	}
	for i := 0; i < n && !f.bad; i++ {
		pair := f.follow(at + 4*i)
		f.vector(pair, 0, 1)
		f.vector(pair, 1, 1)
	}
}

func (f *flat) u32(at int) int {
	if at < 0 || at > len(f.b)-4 {
		f.bad = true
		return 0
	}
	return int(binary.LittleEndian.Uint32(f.b[at:]))
}

func (f *flat) u16(at int) int {
	if at < 0 || at > len(f.b)-2 {
		f.bad = true
		return 0
	}
	return int(binary.LittleEndian.Uint16(f.b[at:]))
}

func (f *flat) follow(at int) int { return at + f.u32(at) }

// slot is where a table's value lies; 0 if it has none.
func (f *flat) slot(table, slot int) int {
	if table == 0 {
		return 0
	}
	vtable := table - int(int32(f.u32(table)))
	if entry := 4 + 2*slot; entry < f.u16(vtable) { // as the library compares
		if offset := f.u16(vtable + entry); offset != 0 {
			return table + offset
		}
	}
	return 0
}

// table is where a table in a slot lies; 0 if there is none.
func (f *flat) table(table, slot int) int {
	if at := f.slot(table, slot); at != 0 {
		return f.follow(at)
	}
	return 0
}

// vector is where the n elements of a vector lie.
func (f *flat) vector(table, slot, size int) (at, n int) {
	if at = f.slot(table, slot); at == 0 {
		return 0, 0
	}
	at = f.follow(at)
	if n = f.u32(at); n > (len(f.b)-at-4)/size {
		f.bad = true
		return 0, 0
	}
	return at + 4, n
}
