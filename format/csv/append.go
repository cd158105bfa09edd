package csv

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
)

// appender appends one value of a column as a field; nothing for null.
type appender func(b []byte, row int) ([]byte, error)

// writable is why columns of a type cannot be written, or nil.
func writable(t arrow.DataType) error {
	switch t := t.(type) {
	case *arrow.NullType, *arrow.BooleanType, *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type,
		*arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Uint64Type, *arrow.Float16Type, *arrow.Float32Type, *arrow.Float64Type,
		*arrow.StringType, *arrow.LargeStringType, *arrow.StringViewType, *arrow.Date32Type, *arrow.Date64Type,
		*arrow.Time32Type, *arrow.Time64Type, *arrow.TimestampType,
		*arrow.Decimal32Type, *arrow.Decimal64Type, *arrow.Decimal128Type, *arrow.Decimal256Type:
		return nil
	case *arrow.DictionaryType:
		return writable(t.ValueType)
	}
	return fmt.Errorf("CSV has no text for %s; leave the column out, or make strings or numbers of it", t)
}

// newAppender is the appender of a column's values, nulls as nothing.
func newAppender(a arrow.Array) (appender, error) {
	add, err := valueAppender(a)
	if err != nil || a.NullN() == 0 {
		return add, err
	}
	return func(b []byte, row int) ([]byte, error) {
		if a.IsNull(row) {
			return b, nil
		}
		return add(b, row)
	}, nil
}

// valueAppender is the appender of values that are not null.
func valueAppender(a arrow.Array) (appender, error) {
	switch a := a.(type) {
	case *arrowarray.Null:
		return func(b []byte, _ int) ([]byte, error) { return b, nil }, nil
	case *arrowarray.Boolean:
		return func(b []byte, row int) ([]byte, error) { return strconv.AppendBool(b, a.Value(row)), nil }, nil
	case *arrowarray.Int8:
		return signed(a.Int8Values()), nil
	case *arrowarray.Int16:
		return signed(a.Int16Values()), nil
	case *arrowarray.Int32:
		return signed(a.Int32Values()), nil
	case *arrowarray.Int64:
		return signed(a.Int64Values()), nil
	case *arrowarray.Uint8:
		return unsigned(a.Uint8Values()), nil
	case *arrowarray.Uint16:
		return unsigned(a.Uint16Values()), nil
	case *arrowarray.Uint32:
		return unsigned(a.Uint32Values()), nil
	case *arrowarray.Uint64:
		return unsigned(a.Uint64Values()), nil
	case *arrowarray.Float16:
		return func(b []byte, row int) ([]byte, error) {
			return appendFloat(b, float64(a.Value(row).Float32()), 32), nil
		}, nil
	case *arrowarray.Float32:
		values := a.Float32Values()
		return func(b []byte, row int) ([]byte, error) { return appendFloat(b, float64(values[row]), 32), nil }, nil
	case *arrowarray.Float64:
		values := a.Float64Values()
		return func(b []byte, row int) ([]byte, error) { return appendFloat(b, values[row], 64), nil }, nil
	case *arrowarray.Dictionary:
		values, err := newAppender(a.Dictionary())
		return func(b []byte, row int) ([]byte, error) { return values(b, a.GetValueIndex(row)) }, err
	case arrowarray.StringLike:
		return func(b []byte, row int) ([]byte, error) { return appendValue(b, a.Value(row)) }, nil
	}
	if add := decimalAppender(a); add != nil {
		return add, nil
	}
	return timeAppender(a)
}

func signed[T int8 | int16 | int32 | int64](values []T) appender {
	return func(b []byte, row int) ([]byte, error) { return strconv.AppendInt(b, int64(values[row]), 10), nil }
}

func unsigned[T uint8 | uint16 | uint32 | uint64](values []T) appender {
	return func(b []byte, row int) ([]byte, error) { return strconv.AppendUint(b, uint64(values[row]), 10), nil }
}

// errNotText is a string that would not be read back.
var errNotText = errors.New("the string is not UTF-8, or has a NUL; write the file in another format")

func appendValue(b []byte, s string) ([]byte, error) {
	special := false // beside NUL and what is not ASCII, what needs quotes
	for i := range len(s) {
		switch c := s[i]; {
		case c == ',' || c == '"' || c == '\n' || c == '\r' || c == '\t' || c == ';' || c == '|':
			special = true
		case c == 0:
			return nil, errNotText
		case c >= utf8.RuneSelf:
			if !validText([]byte(s)) {
				return nil, errNotText
			}
			return appendText(b, s), nil
		}
	}
	if special || len(s) <= nullMax {
		return appendText(b, s), nil
	}
	return append(b, s...), nil
}

// nullMax is the length of the longest text that is null.
const nullMax = 4

// appendText appends a string, in quotes where it would be read as something else: a delimiter of any kind, so that which one it is can be
// told; an end of line; a text that is null; a byte order mark.
func appendText(b []byte, s string) []byte {
	quote := s == "" || len(s) >= len(utf8Mark) && s[:len(utf8Mark)] == utf8Mark
	for i := range len(s) {
		switch s[i] {
		case ',', '"', '\n', '\r', '\t', ';', '|':
			quote = true
		}
	}
	if len(s) <= nullMax {
		for _, n := range usualNulls {
			quote = quote || s == n
		}
		quote = quote || s == "NaN"
	}
	if quote {
		return appendQuoted(b, s)
	}
	return append(b, s...)
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// appendFloat appends the shortest decimal that reads back as the same number, with a point or an exponent, so that its type is told again.
func appendFloat(b []byte, v float64, size int) []byte {
	abs := math.Abs(v)
	switch {
	case v != v:
		return append(b, "NaN"...)
	case math.IsInf(v, 0):
		if v < 0 {
			b = append(b, '-')
		}
		return append(b, "Inf"...)
	case size == 64:
		if short, ok := appendShort(b, v); ok {
			return short
		}
	}
	if v == 0 || abs >= 1e-6 && abs < 1e16 {
		from := len(b)
		b = strconv.AppendFloat(b, v, 'f', -1, size)
		for _, c := range b[from:] {
			if c == '.' {
				return b
			}
		}
		return append(b, ".0"...)
	}
	return strconv.AppendFloat(b, v, 'e', -1, size)
}

// appendShort appends a number that is n/10^k for a small k and an n of at most 15 digits. Two such decimals are never the same float64,
// so that what it finds, without zeros at the end, is the shortest one.
func appendShort(b []byte, v float64) ([]byte, bool) {
	for _, k := range [...]int{2, 6} {
		scaled := v * tens[k]
		if math.Abs(scaled) >= 1e15 {
			return b, false
		}
		n := int64(math.Round(scaled))
		if n == 0 || float64(n)/tens[k] != v {
			continue
		}
		if n < 0 {
			b = append(b, '-')
			n = -n
		}
		unit := uint64(tens[k])
		rest := uint64(n) % unit
		b = append(strconv.AppendInt(b, n/int64(unit), 10), '.')
		for {
			unit /= 10
			b = append(b, '0'+byte(rest/unit))
			if rest %= unit; rest == 0 {
				return b, true
			}
		}
	}
	return b, false
}

// decimalAppender is the appender of decimals, exactly; nil of other types.
func decimalAppender(a arrow.Array) appender {
	switch a := a.(type) {
	case *arrowarray.Decimal32:
		return scaled(a.DataType(), func(row int) *big.Int { return big.NewInt(int64(a.Value(row))) })
	case *arrowarray.Decimal64:
		return scaled(a.DataType(), func(row int) *big.Int { return big.NewInt(int64(a.Value(row))) })
	case *arrowarray.Decimal128:
		return scaled(a.DataType(), func(row int) *big.Int { return a.Value(row).BigInt() })
	case *arrowarray.Decimal256:
		return scaled(a.DataType(), func(row int) *big.Int { return a.Value(row).BigInt() })
	}
	return nil
}

// scaled appends integers divided by the power of ten of a decimal type's scale.
func scaled(t arrow.DataType, value func(row int) *big.Int) appender {
	scale := int(t.(arrow.DecimalType).GetScale())
	return func(b []byte, row int) ([]byte, error) {
		v := value(row)
		if v.Sign() < 0 {
			b = append(b, '-')
			v.Abs(v)
		}
		digits := v.Append(make([]byte, 0, 80), 10)
		if scale <= 0 {
			b = append(b, digits...)
			for range -scale {
				b = append(b, '0')
			}
			return b, nil
		}
		for len(digits) <= scale {
			digits = append([]byte{'0'}, digits...)
		}
		point := len(digits) - scale
		b = append(b, digits[:point]...)
		return append(append(b, '.'), digits[point:]...), nil
	}
}
