package ref

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/darray-go/darray/array"
)

// unpack reads the elements of a block from its buffers.
func unpack(b *array.Block) []any {
	values, validity, offset := b.Raw()
	xs := make([]any, b.Len())
	for i := range xs {
		if at := offset + i; validity == nil || bit(validity, at) {
			xs[i] = read(b.DType(), values, at)
		}
	}
	return xs
}

// pack makes a block of elements, with validity where one of them is null. What lies under a null is zero.
func pack(d array.DType, shape array.Shape, xs []any) *array.Block {
	nulls := false
	for _, x := range xs {
		nulls = nulls || x == nil
	}
	b := array.NewBlock(d, shape, nulls)
	values, validity, _ := b.Raw()
	for i, x := range xs {
		if x == nil {
			validity[i/8] &^= 1 << (i % 8)
			continue
		}
		write(values, i, x)
	}
	return b
}

func bit(bitmap []byte, i int) bool { return bitmap[i/8]&(1<<(i%8)) != 0 }

// read is element i of a buffer of values as a Go value of type d.
func read(d array.DType, values []byte, i int) any {
	order := binary.LittleEndian
	switch d {
	case array.Bool:
		return bit(values, i)
	case array.Int8:
		return int8(values[i])
	case array.Int16:
		return int16(order.Uint16(values[2*i:]))
	case array.Int32:
		return int32(order.Uint32(values[4*i:]))
	case array.Int64:
		return int64(order.Uint64(values[8*i:]))
	case array.Uint8:
		return values[i]
	case array.Uint16:
		return order.Uint16(values[2*i:])
	case array.Uint32:
		return order.Uint32(values[4*i:])
	case array.Uint64:
		return order.Uint64(values[8*i:])
	case array.Float32:
		return math.Float32frombits(order.Uint32(values[4*i:]))
	case array.Float64:
		return math.Float64frombits(order.Uint64(values[8*i:]))
	}
	return nil
}

// write stores x as element i of a buffer of values of its type.
func write(values []byte, i int, x any) {
	order := binary.LittleEndian
	switch x := x.(type) {
	case bool:
		values[i/8] &^= 1 << (i % 8)
		if x {
			values[i/8] |= 1 << (i % 8)
		}
	case int8:
		values[i] = byte(x)
	case int16:
		order.PutUint16(values[2*i:], uint16(x))
	case int32:
		order.PutUint32(values[4*i:], uint32(x))
	case int64:
		order.PutUint64(values[8*i:], uint64(x))
	case uint8:
		values[i] = x
	case uint16:
		order.PutUint16(values[2*i:], x)
	case uint32:
		order.PutUint32(values[4*i:], x)
	case uint64:
		order.PutUint64(values[8*i:], x)
	case float32:
		order.PutUint32(values[4*i:], math.Float32bits(x))
	case float64:
		order.PutUint64(values[8*i:], math.Float64bits(x))
	}
}

// Equal reports the first difference between two blocks: element type, shape, nulls, or the bits of a value that is not
// null. Any NaN equals any NaN; -0 and +0 differ. Whether a block without nulls carries validity does not matter.
func Equal(a, b *array.Block) error {
	if a.DType() != b.DType() || !a.Shape().Equal(b.Shape()) {
		return fmt.Errorf("%s%v and %s%v differ in type or shape", a.DType(), a.Shape(), b.DType(), b.Shape())
	}
	xs, ys := unpack(a), unpack(b)
	for i := range xs {
		if !same(xs[i], ys[i]) {
			return fmt.Errorf("%s%v: element %v is %s and %s", a.DType(), a.Shape(), coordinates(i, a.Shape()), text(xs[i]), text(ys[i]))
		}
	}
	return nil
}

// same compares two elements of one type.
func same(x, y any) bool {
	switch x := x.(type) {
	case float32:
		y, ok := y.(float32)
		return ok && (math.Float32bits(x) == math.Float32bits(y) || x != x && y != y)
	case float64:
		y, ok := y.(float64)
		return ok && (math.Float64bits(x) == math.Float64bits(y) || x != x && y != y)
	}
	return x == y
}

// text prints an element so that two different ones look different.
func text(x any) string {
	switch x := x.(type) {
	case nil:
		return "null"
	case float32:
		return fmt.Sprintf("%v (%#08x)", x, math.Float32bits(x))
	case float64:
		return fmt.Sprintf("%v (%#016x)", x, math.Float64bits(x))
	}
	return fmt.Sprint(x)
}
