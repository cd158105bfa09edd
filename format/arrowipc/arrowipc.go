// Package arrowipc reads and writes Arrow IPC: the file format and the stream format, column by column, by rows.
//
// Files are mapped, and arrays of uncompressed columns view the mapping without a copy. The metadata is read by a parser of this
// package that takes no length on trust, and what arrays rely on (offsets, indices, run ends, UTF-8) is checked before they are given away.
package arrowipc

import (
	"bytes"
	"encoding/binary"
	"path"
	"slices"
	"strings"

	"github.com/darray-go/darray/format"
)

// Format is the Arrow IPC file format, also called Feather V2, and the stream format. Both are read; the file format is written,
// uncompressed unless WriteOptions say otherwise, so that it can be mapped; each record becomes a batch, or several. A dictionary that changes
// from record to record is extended.
var Format = format.Format{
	Name:       "arrowipc",
	What:       "Arrow IPC files and streams",
	Extensions: []string{".arrow", ".feather", ".ipc"},
	Is:         is,
	Open:       open,
	Create:     create,
}

const (
	magic        = "ARROW1"   // opens and closes the file format
	continuation = 0xFFFFFFFF // before each message, since 2019
)

// streamNames are what streams are called; those from before 2019 have no mark of their own.
var streamNames = []string{".arrow", ".arrows", ".ipc"}

// is knows a file by its magic, and a stream by the mark of its first message, or by its name and the length of a schema.
func is(head []byte, name string) bool {
	if bytes.HasPrefix(head, []byte(magic)) || len(head) >= 8 && binary.LittleEndian.Uint32(head) == continuation {
		return true
	}
	if len(head) < 8 || !slices.Contains(streamNames, strings.ToLower(path.Ext(name))) {
		return false
	}
	length, at := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	return length > 0 && length < 1<<24 && at < min(length, 1<<16)
}
