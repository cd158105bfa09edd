package array

import (
	"cmp"
	"fmt"
	"math"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
)

// Scalar is one value with its element type. The zero Scalar is not valid.
type Scalar struct {
	dtype DType
	bits  uint64 // two's complement sign-extended, math.Float64bits for both float types, 0 or 1 for bool
}

// ScalarOf wraps a Go value.
func ScalarOf[T Element](v T) Scalar {
	s, _ := ScalarFrom(v)
	return s
}

// ScalarFrom wraps a Go value of any Element type; false for other types.
func ScalarFrom(v any) (Scalar, bool) {
	s := Scalar{dtype: dtypeOfValue(v)}
	switch v := v.(type) {
	case bool:
		if v {
			s.bits = 1
		}
	case int:
		s.bits = uint64(v)
	case int8:
		s.bits = uint64(int64(v))
	case int16:
		s.bits = uint64(int64(v))
	case int32:
		s.bits = uint64(int64(v))
	case int64:
		s.bits = uint64(v)
	case uint:
		s.bits = uint64(v)
	case uint8:
		s.bits = uint64(v)
	case uint16:
		s.bits = uint64(v)
	case uint32:
		s.bits = uint64(v)
	case uint64:
		s.bits = v
	case float32:
		s.bits = math.Float64bits(float64(v))
	case float64:
		s.bits = math.Float64bits(v)
	default:
		return Scalar{}, false
	}
	return s, true
}

// ScalarFromBits rebuilds a Scalar from Bits; the wire form uses it.
func ScalarFromBits(d DType, bits uint64) Scalar { return Scalar{d, bits} }

// DType is the scalar's element type.
func (s Scalar) DType() DType { return s.dtype }

// Bits is the value as 64 bits: an integer sign-extended, a float as math.Float64bits of it, a bool as 0 or 1.
func (s Scalar) Bits() uint64 { return s.bits }

// Float is the value as a float64 (integers rounded to nearest).
func (s Scalar) Float() float64 {
	switch {
	case s.dtype.Float():
		return math.Float64frombits(s.bits)
	case s.dtype.Signed():
		return float64(int64(s.bits))
	}
	return float64(s.bits)
}

// Value is the value as the Go type of its element type.
func (s Scalar) Value() any {
	switch s.dtype {
	case Bool:
		return s.bits != 0
	case Int8:
		return int8(s.bits)
	case Int16:
		return int16(s.bits)
	case Int32:
		return int32(s.bits)
	case Int64:
		return int64(s.bits)
	case Uint8:
		return uint8(s.bits)
	case Uint16:
		return uint16(s.bits)
	case Uint32:
		return uint32(s.bits)
	case Uint64:
		return s.bits
	case Float32:
		return float32(math.Float64frombits(s.bits))
	case Float64:
		return math.Float64frombits(s.bits)
	}
	return nil
}

// String prints the value with the fewest digits that read back to it.
func (s Scalar) String() string {
	switch {
	case s.dtype == Bool:
		return strconv.FormatBool(s.bits != 0)
	case s.dtype == Float32:
		return formatFloat(math.Float64frombits(s.bits), 32)
	case s.dtype == Float64:
		return formatFloat(math.Float64frombits(s.bits), 64)
	case s.dtype.Signed():
		return strconv.FormatInt(int64(s.bits), 10)
	case s.dtype.Unsigned():
		return strconv.FormatUint(s.bits, 10)
	}
	return fmt.Sprintf("scalar(%s)", s.dtype)
}

// Cast converts as the op cast does: integers wrap, floats truncate toward zero and saturate, NaN is 0, bool is v != 0.
func (s Scalar) Cast(d DType) Scalar {
	out := Scalar{dtype: d}
	switch {
	case d == Bool:
		if s.dtype.Float() && math.Float64frombits(s.bits) != 0 || !s.dtype.Float() && s.bits != 0 {
			out.bits = 1
		}
	case d == Float32:
		f := s.Float()
		if s.dtype.Integer() { // one rounding, not two
			f = float64(s.float32())
		}
		out.bits = math.Float64bits(float64(float32(f)))
	case d == Float64:
		out.bits = math.Float64bits(s.Float())
	case s.dtype.Float():
		out.bits = saturate(math.Float64frombits(s.bits), d)
	default:
		out.bits = wrap(s.bits, d)
	}
	return out
}

func (s Scalar) float32() float32 {
	if s.dtype.Signed() {
		return float32(int64(s.bits))
	}
	return float32(s.bits)
}

// wrap keeps the low bits of an integer and extends them by d's sign.
func wrap(bits uint64, d DType) uint64 {
	shift := 64 - 8*d.Size()
	if d.Signed() {
		return uint64(int64(bits<<shift) >> shift)
	}
	return bits << shift >> shift
}

// saturate truncates f toward zero into the range of d; NaN is 0 (what PTX's cvt.rzi does, so that all devices agree).
func saturate(f float64, d DType) uint64 {
	if math.IsNaN(f) {
		return 0
	}
	f = math.Trunc(f)
	width := 8 * d.Size()
	if d.Unsigned() {
		if f <= 0 {
			return 0
		}
		if f >= math.Ldexp(1, width) {
			return math.MaxUint64 >> (64 - width)
		}
		return uint64(f)
	}
	if limit := math.Ldexp(1, width-1); f >= limit {
		return math.MaxInt64 >> (64 - width)
	} else if f < -limit {
		low := int64(math.MinInt64) >> (64 - width)
		return uint64(low)
	}
	return uint64(int64(f))
}

// Compare is -1, 0 or 1 as s is below, equal to or above t, of the same type; a NaN compares as equal to everything.
func (s Scalar) Compare(t Scalar) int {
	switch {
	case s.dtype.Float():
		switch x, y := s.Float(), t.Float(); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case s.dtype.Signed():
		return cmp.Compare(int64(s.bits), int64(t.bits))
	}
	return cmp.Compare(s.bits, t.bits)
}

// ScalarAt is the first element of an Arrow array of numbers or bools; false where it is null, not there or of another type.
func ScalarAt(a arrow.Array) (Scalar, bool) {
	if a.Len() == 0 || a.IsNull(0) {
		return Scalar{}, false
	}
	b, err := FromStorage(a)
	if err != nil || b.Len() == 0 {
		return Scalar{}, false
	}
	s, ok := b.Scalar(0)
	return s, ok
}
