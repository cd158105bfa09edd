//go:build cgo

package cdata

// #include "taken.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	arrowcdata "github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// Export makes the ArrowArray and the ArrowSchema at these addresses b: an array of b's type with an element a row, which is a fixed-size list
// of numbers (of lists of them) where b has more than one axis, and whose validity is b's. A scalar is an array of one element. A schema of 0
// is for a consumer that knows the type. See the package for who owns what, and what is copied: no values.
// array.ErrShape and array.ErrDType for blocks that Arrow cannot say, as those of Block.ArrowRows; the structs then stay as they were.
func Export(b *array.Block, arr, schema uintptr) (err error) {
	defer guard("export", &err)
	if arr == 0 {
		return errAddress
	}
	if b == nil {
		return fmt.Errorf("cdata: %w: there is no block to export", array.ErrShape)
	}
	rows, err := b.ArrowRows()
	if err != nil {
		return fmt.Errorf("cdata: %w", err)
	}
	defer rows.Release()
	return export(rows.Data(), nil, arr, schema)
}

// ExportBatch makes the ArrowArray and the ArrowSchema at these addresses a record batch: a struct whose fields are the columns, with the
// metadata of the batch's schema. A schema of 0 is for a consumer that knows it. The batch is retained until the consumer releases it.
// An error where a column's type is none that the interface can say; the structs then stay as they were.
func ExportBatch(batch arrow.RecordBatch, arr, schema uintptr) (err error) {
	defer guard("export", &err)
	if arr == 0 {
		return errAddress
	}
	if batch == nil {
		return errors.New("cdata: there is no record batch to export")
	}
	of := batch.Schema()
	for _, f := range of.Fields() {
		if err := exportable(f.Type); err != nil {
			return fmt.Errorf("cdata: column %q: %w", f.Name, err)
		}
	}
	columns := make([]arrow.ArrayData, batch.NumCols())
	for i := range columns {
		columns[i] = batch.Column(i).Data()
	}
	data := arrowarray.NewData(arrow.StructOf(of.Fields()...), int(batch.NumRows()), []*memory.Buffer{nil}, columns, 0, 0)
	defer data.Release()
	return export(data, of, arr, schema)
}

var (
	errAddress = errors.New("cdata: an address is 0; give those of an ArrowArray and an ArrowSchema, as of NewStructs")
	errMemory  = errors.New("cdata: the system has no memory for the structs")
)

// export fills the structs with data over pinned memory: a batch of the schema of, or an array where that is nil. They are made apart and
// moved to their place as the last step, so that nothing is half done where arrow-go panics.
func export(data arrow.ArrayData, of *arrow.Schema, arr, schema uintptr) error {
	apart := NewStructs()
	defer apart.Close()
	if apart.c == nil {
		return errMemory
	}
	pins := new(runtime.Pinner)
	data.Retain()
	h := newHold(func() {
		pins.Unpin()
		data.Release()
	})
	defer h.Free(nil)
	held := h.over(data)
	defer held.Release()
	pin(pins, held)
	a := arrowarray.MakeFromData(held)
	defer a.Release()

	toSchema := arrowcdata.SchemaFromPtr(apart.Schema())
	if of != nil {
		arrowcdata.ExportArrowSchema(of, toSchema)
		toSchema = nil
	}
	arrowcdata.ExportArrowArray(a, arrowcdata.ArrayFromPtr(apart.Array()), toSchema)
	if of == nil {
		C.darray_set_nullable(apart.c) // any block can have nulls
	}
	C.darray_structs_move(apart.c, C.uintptr_t(arr), C.uintptr_t(schema))
	return nil
}

// pin lets C have the buffers' addresses where they are the garbage collector's; others it leaves as they are.
func pin(pins *runtime.Pinner, data arrow.ArrayData) {
	for _, b := range data.Buffers() {
		if b != nil && b.Len() > 0 {
			pins.Pin(&b.Bytes()[0])
		}
	}
	for _, child := range data.Children() {
		pin(pins, child)
	}
	if dictionary, ok := data.Dictionary().(*arrowarray.Data); ok && dictionary != nil {
		pin(pins, dictionary)
	}
}

// exportable finds what arrow-go would write a wrong schema for: it leaves out the children and the dictionary of an extension type.
func exportable(t arrow.DataType) error {
	switch t := t.(type) {
	case arrow.ExtensionType:
		_, nested := t.StorageType().(arrow.NestedType)
		if id := t.StorageType().ID(); nested || id == arrow.DICTIONARY || id == arrow.EXTENSION {
			return fmt.Errorf("the extension type %s is stored as %s, which cannot be exported under it; export the storage", t, t.StorageType())
		}
	case *arrow.DictionaryType:
		return exportable(t.ValueType)
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if err := exportable(f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}

// guard makes an error of a panic of the library.
func guard(what string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("cdata: %s: %v", what, r)
	}
}
