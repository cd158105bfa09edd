package comm

import "reflect"

// Elem is what a message is made of. int and uint travel as 64 bits.
type Elem interface {
	Number | ~bool | ~complex64 | ~complex128 |
		Loc[int] | Loc[int8] | Loc[int16] | Loc[int32] | Loc[int64] |
		Loc[uint] | Loc[uint8] | Loc[uint16] | Loc[uint32] | Loc[uint64] |
		Loc[float32] | Loc[float64]
}

// Integer is what the bitwise reductions work on.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 |
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// Number is what the ready reductions work on.
type Number interface {
	Integer | ~float32 | ~float64
}

// Loc is a value and where it was found, for MinLoc and MaxLoc. It travels as 16 bytes.
type Loc[T Number] struct {
	Value T
	Index int64
}

// Element type codes on the wire. Do not renumber.
const (
	dtypeNone uint8 = iota // raw bytes, or no payload
	dtypeBool
	dtypeInt8
	dtypeInt16
	dtypeInt32
	dtypeInt64
	dtypeUint8
	dtypeUint16
	dtypeUint32
	dtypeUint64
	dtypeFloat32
	dtypeFloat64
	dtypeComplex64
	dtypeComplex128
	dtypeLoc uint8 = 0x40 // added to the code of the value
)

// dtypeOf returns the code of T; int counts as int64 and uint as uint64.
func dtypeOf[T Elem]() uint8 {
	t := reflect.TypeFor[T]()
	if t.Kind() == reflect.Struct {
		return dtypeLoc + dtypeOfKind(t.Field(0).Type.Kind())
	}
	return dtypeOfKind(t.Kind())
}

func dtypeOfKind(k reflect.Kind) uint8 {
	switch k {
	case reflect.Bool:
		return dtypeBool
	case reflect.Int8:
		return dtypeInt8
	case reflect.Int16:
		return dtypeInt16
	case reflect.Int32:
		return dtypeInt32
	case reflect.Int, reflect.Int64:
		return dtypeInt64
	case reflect.Uint8:
		return dtypeUint8
	case reflect.Uint16:
		return dtypeUint16
	case reflect.Uint32:
		return dtypeUint32
	case reflect.Uint, reflect.Uint64:
		return dtypeUint64
	case reflect.Float32:
		return dtypeFloat32
	case reflect.Float64:
		return dtypeFloat64
	case reflect.Complex64:
		return dtypeComplex64
	case reflect.Complex128:
		return dtypeComplex128
	default:
		return dtypeNone
	}
}

// dtypeName names a code for messages, also one that a peer made up.
func dtypeName(code uint8) string {
	names := [...]string{
		"bytes", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
		"float32", "float64", "complex64", "complex128",
	}
	switch value := code &^ dtypeLoc; {
	case int(value) >= len(names):
		return "an unknown type"
	case value != code:
		return "located " + names[value]
	}
	return names[code]
}

// dtypeSize is the number of bytes of one element; 1 for raw bytes.
func dtypeSize(code uint8) int {
	sizes := [...]int{1, 1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8, 16}
	switch {
	case code >= dtypeLoc:
		return 16
	case int(code) >= len(sizes):
		return 1
	}
	return sizes[code]
}

// sizeOf is the number of bytes of one T.
func sizeOf[T Elem]() int { return dtypeSize(dtypeOf[T]()) }
