// Package npy reads and writes NumPy's files: .npy of one array, and .npz, a zip archive of several.
//
// The first axis of an array is its rows. One axis becomes a column called "data"; further axes become nested fixed-size lists, an
// array of records becomes a column a field, and one without axes is a row. Native little-endian values are viewed where the file
// lies; others are read in parallel into fresh memory. Times that are NaT are null.
//
// Each member of a .npz is a column of its name. Members that are stored are read as .npy files are, and their checksums are not
// looked at; those that are deflated are unpacked as a whole, checked, and kept while they fit into Options.Budget.
package npy

import (
	"bytes"
	"strings"

	"github.com/darray-go/darray/format"
)

// Format is .npy.
var Format = format.Format{
	Name:       "npy",
	What:       "NumPy arrays (.npy)",
	Extensions: []string{".npy"},
	Is:         func(head []byte, _ string) bool { return bytes.HasPrefix(head, []byte(magic)) },
	Open:       open,
	Create:     create,
}

// Zip is .npz.
var Zip = format.Format{
	Name:       "npz",
	What:       "NumPy archives (.npz)",
	Extensions: []string{".npz"},
	Is:         isZip,
	Open:       openZip,
	Create:     createZip,
}

// isZip knows a zip archive by its first member's name, or its own.
func isZip(head []byte, name string) bool {
	if !bytes.HasPrefix(head, []byte("PK\x03\x04")) && !bytes.HasPrefix(head, []byte("PK\x05\x06")) {
		return false
	}
	if strings.HasSuffix(strings.ToLower(name), ".npz") {
		return true
	}
	const fixed = 30 // bytes of a member's header before its name
	if len(head) < fixed {
		return false
	}
	n := int(head[26]) | int(head[27])<<8
	return bytes.HasSuffix(head[fixed:min(len(head), fixed+n)], []byte(suffix))
}

// suffix of a member's name, which is not part of its column's.
const suffix = ".npy"
