//go:build cgo

package cdata

// #include "taken.h"
import "C"

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	arrowcdata "github.com/apache/arrow-go/v18/arrow/cdata"

	"github.com/darray-go/darray/array"
)

// Import takes what the ArrowArray and ArrowSchema at these addresses hold as a block over the producer's memory: 1-D of numbers or bools, and
// of more axes of fixed-size lists of them. See the package for who owns what, and what is copied. The block is Borrowed: views of its values
// (array.Values) are good as long as the block is reachable. C memory is unknown to the garbage collector, which therefore may take its time
// to see that a block is gone; runtime.GC has it look.
// array.ErrDType where the type is another (ImportBatch takes columns of all types), arrow.ErrInvalid and others where the structs are not as
// the interface has them. They are released in any case.
func Import(arr, schema uintptr) (b *array.Block, err error) {
	defer guard("import", &err)
	field, data, err := take(arr, schema)
	if err != nil {
		return nil, err
	}
	defer data.Release()
	d, row := array.Width(field.Type)
	if len(row) == 0 {
		_, err = array.FromArrowType(field.Type) // which takes no times for numbers
	} else if !d.Valid() {
		err = fmt.Errorf("%w: %s are no rows of numbers", array.ErrDType, field.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("cdata: %w; make it a column of a struct and take that by ImportBatch", err)
	}
	a := arrowarray.MakeFromData(data)
	defer a.Release()
	if b, err = array.FromStorage(a); err == nil && len(row) > 0 {
		b, err = b.Reshape(append(array.Shape{a.Len()}, row...))
	}
	if err != nil {
		return nil, fmt.Errorf("cdata: %w", err)
	}
	return b, nil
}

// ImportBatch takes what the ArrowArray and ArrowSchema at these addresses hold, a struct, as a record batch over the producer's memory, of
// columns of any type. Release gives the memory back at once, if nobody has retained the batch or a column; where it is not called, the
// garbage collector does. Either way values are good as long as their array is, however long slices of them are kept. Offsets of strings and lists and
// indices of dictionaries are read once, to see that they lead to their values.
// array.ErrNull where a row of the struct is null, arrow.ErrInvalid and others where the structs are not as the interface has them. They are
// released in any case.
func ImportBatch(arr, schema uintptr) (batch arrow.RecordBatch, err error) {
	defer guard("import", &err)
	field, data, err := take(arr, schema)
	if err != nil {
		return nil, err
	}
	defer data.Release()
	t, ok := field.Type.(*arrow.StructType)
	if !ok {
		return nil, fmt.Errorf("cdata: %w: %s is no record batch, which is a struct of its columns; take it by Import", array.ErrDType, field.Type)
	}
	a := arrowarray.NewStructData(data)
	defer a.Release()
	if n := a.NullN(); n > 0 {
		return nil, fmt.Errorf("cdata: %w: %d of %d rows are null as such, which a record batch cannot say; make their columns null", array.ErrNull, n, a.Len())
	}
	columns := make([]arrow.Array, a.NumField())
	for i := range columns {
		columns[i] = a.Field(i)
	}
	return arrowarray.NewRecordBatch(arrow.NewSchema(t.Fields(), &field.Metadata), columns, int64(a.Len())), nil
}

// take moves the structs here and gives them as an Arrow array that releases them at its end.
func take(arr, schema uintptr) (field arrow.Field, data *arrowarray.Data, err error) {
	taken := C.darray_take(C.uintptr_t(arr), C.uintptr_t(schema))
	if taken == nil {
		return field, nil, errMemory
	}
	release := func() { C.darray_drop(taken) } // all that is left of them
	defer func() {
		if release != nil {
			release()
		}
	}()
	if arr == 0 || schema == 0 {
		return field, nil, errAddress
	}
	if err := check(taken); err != nil {
		return field, nil, err
	}
	C.darray_hand(taken)
	field, err = arrowcdata.ImportCArrowField(arrowcdata.SchemaFromPtr(uintptr(C.darray_handed_schema(taken))))
	if err == nil {
		err = checkType(field.Type)
	}
	if err != nil {
		return field, nil, fmt.Errorf("cdata: %w", err)
	}
	a, err := arrowcdata.ImportCArrayWithType(arrowcdata.ArrayFromPtr(uintptr(C.darray_handed_array(taken))), field.Type)
	if err != nil {
		return field, nil, fmt.Errorf("cdata: %s: %w", field.Type, err)
	}
	h := newHold(func() {
		a.Release()
		C.darray_drop(taken)
	})
	release = nil
	defer h.Free(nil)
	if err := errors.Join(lists(a.Data()), arrowarray.ValidateFull(a)); err != nil {
		return field, nil, fmt.Errorf("cdata: %s: %w", field.Type, err)
	}
	h.collected()
	return field, h.over(a.Data()), nil
}

// lists holds that fixed-size lists have the values that they say, in numbers that do not overflow.
func lists(data arrow.ArrayData) error {
	if t, ok := data.DataType().(*arrow.FixedSizeListType); ok {
		if n, has := data.Offset()+data.Len(), data.Children()[0].Len(); n > has/int(t.Len()) {
			return fmt.Errorf("%w: %d lists of %d over %d values", arrow.ErrInvalid, n, t.Len(), has)
		}
	}
	for _, child := range data.Children() {
		if err := lists(child); err != nil {
			return err
		}
	}
	return nil
}

// checkType finds types whose sizes in bits overflow.
func checkType(t arrow.DataType) error {
	switch t := t.(type) {
	case *arrow.FixedSizeBinaryType:
		if t.ByteWidth > math.MaxInt32 {
			return fmt.Errorf("%w: %s is wider than %d bytes", arrow.ErrInvalid, t, math.MaxInt32)
		}
	case *arrow.DictionaryType:
		return checkType(t.ValueType)
	case arrow.NestedType:
		for _, f := range t.Fields() {
			if err := checkType(f.Type); err != nil {
				return err
			}
		}
	}
	return nil
}
