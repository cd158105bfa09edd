package comm

import "reflect"

// Elem is what a message is made of. int and uint travel as 64 bits.
type Elem interface {
	Number | ~bool | ~complex64 | ~complex128
}

// Number is what the ready reductions work on.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 |
		~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 |
		~float32 | ~float64
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
)

// dtypeOf returns the code of T; int counts as int64 and uint as uint64.
func dtypeOf[T Elem]() uint8 {
	switch reflect.TypeFor[T]().Kind() {
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
	if int(code) >= len(names) {
		return "an unknown type"
	}
	return names[code]
}

// dtypeSize is the number of bytes of one element; 1 for raw bytes.
func dtypeSize(code uint8) int {
	sizes := [...]int{1, 1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 8, 16}
	if int(code) >= len(sizes) {
		return 1
	}
	return sizes[code]
}
