//go:build cgo

package cdata

// #include "taken.h"
import "C"

import (
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
)

// Bounds of what is taken for a tree of structs, well beyond any in use: a pointer back to a parent is a tree without end.
const (
	maxDepth    = 64
	maxStructs  = 1 << 20
	maxFormat   = 1 << 16 // bytes of a format
	maxPairs    = 1 << 16 // of metadata, in one field
	maxMetadata = 1 << 26 // bytes of it
	maxLength   = 1 << 48 // elements with those before the offset: as many as there are bytes that a process could have
)

// check looks at all that arrow-go follows without a look: pointers, released structs, and counts that memory is taken for.
func check(taken *C.struct_darray_taken) error {
	var w walk
	if err := w.schema(&taken.schema, 0); err != nil {
		return fmt.Errorf("cdata: %w: the ArrowSchema: %w", arrow.ErrInvalid, err)
	}
	w = walk{}
	if err := w.array(&taken.array, 0); err != nil {
		return fmt.Errorf("cdata: %w: the ArrowArray: %w", arrow.ErrInvalid, err)
	}
	return nil
}

// walk counts the structs of a tree.
type walk struct{ n int }

var (
	errNull     = errors.New("is a null pointer")
	errReleased = errors.New("has been released")
	errEndless  = fmt.Errorf("more than %d structs or %d levels, as if one pointed back to itself", maxStructs, maxDepth)
)

func (w *walk) schema(s *C.struct_ArrowSchema, depth int) error {
	w.n++
	children := int64(s.n_children)
	switch {
	case w.n > maxStructs || depth > maxDepth:
		return errEndless
	case s.release == nil:
		return errReleased
	case s.format == nil:
		return errors.New("has no format")
	case C.darray_string_ok(s.format, maxFormat) == 0:
		return fmt.Errorf("has a format of more than %d bytes", maxFormat)
	case C.darray_metadata_ok(s.metadata, maxPairs, maxMetadata) == 0:
		return fmt.Errorf("has metadata of a negative length, or of more than %d pairs or %d bytes", maxPairs, maxMetadata)
	case children < 0 || children > maxStructs || children > 0 && s.children == nil:
		return fmt.Errorf("says %d children, and where they are: %t", children, s.children != nil)
	}
	for i := range children {
		err := errNull
		if child := C.darray_schema_child(s, C.int64_t(i)); child != nil {
			err = w.schema(child, depth+1)
		}
		if err != nil {
			return fmt.Errorf("child %d: %w", i, err)
		}
	}
	if s.dictionary != nil {
		if err := w.schema(s.dictionary, depth+1); err != nil {
			return fmt.Errorf("dictionary: %w", err)
		}
	}
	return nil
}

func (w *walk) array(a *C.struct_ArrowArray, depth int) error {
	w.n++
	buffers, children := int64(a.n_buffers), int64(a.n_children)
	switch {
	case w.n > maxStructs || depth > maxDepth:
		return errEndless
	case a.release == nil:
		return errReleased
	case a.length < 0 || a.offset < 0 || a.null_count < -1:
		return fmt.Errorf("has length %d, offset %d, null count %d", a.length, a.offset, a.null_count)
	case a.length > maxLength || a.offset > maxLength-a.length:
		return fmt.Errorf("has length %d and offset %d, which no memory holds", a.length, a.offset)
	case buffers < 0 || buffers > maxStructs || buffers > 0 && a.buffers == nil:
		return fmt.Errorf("says %d buffers, and where they are: %t", buffers, a.buffers != nil)
	case children < 0 || children > maxStructs || children > 0 && a.children == nil:
		return fmt.Errorf("says %d children, and where they are: %t", children, a.children != nil)
	}
	for i := range children {
		err := errNull
		if child := C.darray_array_child(a, C.int64_t(i)); child != nil {
			err = w.array(child, depth+1)
		}
		if err != nil {
			return fmt.Errorf("child %d: %w", i, err)
		}
	}
	if a.dictionary != nil {
		if err := w.array(a.dictionary, depth+1); err != nil {
			return fmt.Errorf("dictionary: %w", err)
		}
	}
	return nil
}
