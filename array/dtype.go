// Package array says what an array is: element types, shapes, blocks of values with validity, the table of operations
// and the expression graph over them. It does no I/O and starts no goroutine; exec runs what it describes.
package array

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// DType is the element type of an array, named as in NumPy.
type DType uint8

// The element types. The order is part of the wire form.
const (
	Invalid DType = iota
	Bool
	Int8
	Int16
	Int32
	Int64
	Uint8
	Uint16
	Uint32
	Uint64
	Float32
	Float64
)

// dtypes holds one row an element type: name, bytes an element (bool is a bitmap in a block, a byte in a Go slice), Arrow type.
var dtypes = [...]struct {
	name  string
	size  int
	arrow arrow.DataType
}{
	Invalid: {"invalid", 0, nil},
	Bool:    {"bool", 1, arrow.FixedWidthTypes.Boolean},
	Int8:    {"int8", 1, arrow.PrimitiveTypes.Int8},
	Int16:   {"int16", 2, arrow.PrimitiveTypes.Int16},
	Int32:   {"int32", 4, arrow.PrimitiveTypes.Int32},
	Int64:   {"int64", 8, arrow.PrimitiveTypes.Int64},
	Uint8:   {"uint8", 1, arrow.PrimitiveTypes.Uint8},
	Uint16:  {"uint16", 2, arrow.PrimitiveTypes.Uint16},
	Uint32:  {"uint32", 4, arrow.PrimitiveTypes.Uint32},
	Uint64:  {"uint64", 8, arrow.PrimitiveTypes.Uint64},
	Float32: {"float32", 4, arrow.PrimitiveTypes.Float32},
	Float64: {"float64", 8, arrow.PrimitiveTypes.Float64},
}

// DTypes lists every element type, in wire order.
func DTypes() []DType {
	all := make([]DType, 0, len(dtypes)-1)
	for d := Bool; d <= Float64; d++ {
		all = append(all, d)
	}
	return all
}

// String is NumPy's name: "float64".
func (d DType) String() string {
	if int(d) >= len(dtypes) {
		return fmt.Sprintf("dtype(%d)", uint8(d))
	}
	return dtypes[d].name
}

// ParseDType reads NumPy's name of an element type.
func ParseDType(name string) (DType, error) {
	for d := Bool; d <= Float64; d++ {
		if dtypes[d].name == name {
			return d, nil
		}
	}
	names := make([]string, 0, len(dtypes))
	for _, d := range DTypes() {
		names = append(names, d.String())
	}
	return Invalid, fmt.Errorf("%w: no element type %q; there are %s", ErrDType, name, strings.Join(names, ", "))
}

// Valid reports whether d is one of the element types.
func (d DType) Valid() bool { return d > Invalid && d <= Float64 }

// Size is the bytes of one element in a Go slice; a block of bools, and a register of a device, packs eight to a byte.
func (d DType) Size() int { return dtypes[d].size }

// BufferSize is the bytes of n elements in a block: ceil(n/8) for bool, n*Size otherwise.
func (d DType) BufferSize(n int) int {
	if d == Bool {
		return bitmapBytes(n)
	}
	return n * d.Size()
}

// Integer reports int8 to int64 and uint8 to uint64; bool is neither integer nor float.
func (d DType) Integer() bool { return d >= Int8 && d <= Uint64 }

// Signed reports int8 to int64.
func (d DType) Signed() bool { return d >= Int8 && d <= Int64 }

// Unsigned reports uint8 to uint64.
func (d DType) Unsigned() bool { return d >= Uint8 && d <= Uint64 }

// Float reports float32 and float64.
func (d DType) Float() bool { return d == Float32 || d == Float64 }

// Arrow is the Arrow type with the same values.
func (d DType) Arrow() arrow.DataType { return dtypes[d].arrow }

// FromArrowType gives the element type of an Arrow type, or an ErrDType that names it.
func FromArrowType(t arrow.DataType) (DType, error) {
	for d := Bool; d <= Float64; d++ {
		if dtypes[d].arrow.ID() == t.ID() {
			return d, nil
		}
	}
	return Invalid, fmt.Errorf("%w: arrow type %s holds no numbers that arrays compute with", ErrDType, t)
}

// Element is a Go type that an array can be made of; int and uint are int64 and uint64.
type Element interface {
	bool | int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// Number is an Element that is not bool.
type Number interface {
	int | int8 | int16 | int32 | int64 | uint | uint8 | uint16 | uint32 | uint64 | float32 | float64
}

// DTypeOf is the element type of the Go type T.
func DTypeOf[T Element]() DType {
	var zero T
	return dtypeOfValue(zero)
}

func dtypeOfValue(v any) DType {
	switch v.(type) {
	case bool:
		return Bool
	case int, int64:
		return Int64
	case int8:
		return Int8
	case int16:
		return Int16
	case int32:
		return Int32
	case uint, uint64:
		return Uint64
	case uint8:
		return Uint8
	case uint16:
		return Uint16
	case uint32:
		return Uint32
	case float32:
		return Float32
	case float64:
		return Float64
	}
	return Invalid
}
