package npy

import (
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// kind is how the values of a type are turned into Arrow's.
type kind uint8

const (
	number  kind = iota // Arrow's values are the same
	truth               // a byte each, Arrow's are bits
	instant             // whole numbers, of which the lowest is null
	day                 // the same, of 8 bytes; Arrow's are of 4
	chars               // bytes, ended by zeros
	codes32             // code points of 4 bytes, ended by zeros
	padding             // bytes between fields
)

// dtype is a type of values.
type dtype struct {
	kind  kind
	size  int // bytes
	swap  int // bytes of a unit whose order is to be turned round; 0 where it is Arrow's
	arrow arrow.DataType
}

// nulls reports whether values may be null.
func (d dtype) nulls() bool { return d.kind == instant || d.kind == day }

// plain are the types of numbers, and bool.
var plain = map[string]arrow.DataType{
	"b1": arrow.FixedWidthTypes.Boolean, "f2": arrow.FixedWidthTypes.Float16,
	"i1": arrow.PrimitiveTypes.Int8, "i2": arrow.PrimitiveTypes.Int16, "i4": arrow.PrimitiveTypes.Int32, "i8": arrow.PrimitiveTypes.Int64,
	"u1": arrow.PrimitiveTypes.Uint8, "u2": arrow.PrimitiveTypes.Uint16, "u4": arrow.PrimitiveTypes.Uint32, "u8": arrow.PrimitiveTypes.Uint64,
	"f4": arrow.PrimitiveTypes.Float32, "f8": arrow.PrimitiveTypes.Float64,
}

// times are the units of times and durations.
var times = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}

// parseType reads a type: '<f8', '|S5', '>M8[ms]'.
func parseType(l *literal) (d dtype, err error) {
	text, err := l.str()
	if err != nil {
		return d, err
	}
	code := strings.TrimLeft(text, "<>|=")
	if len(text)-len(code) > 1 || len(code) < 2 && code != "O" {
		return d, l.errorf("the type %.40q is not known", text)
	}
	if t := plain[code]; t != nil {
		d.arrow, d.size = t, int(code[1]-'0')
		if code == "b1" {
			d.kind = truth
		}
	} else if d, err = parseOther(l, text, code); err != nil {
		return d, err
	}
	if unit := min(d.size, 8); strings.HasPrefix(text, ">") && unit > 1 && d.kind != chars && d.kind != padding {
		if d.swap = unit; d.kind == codes32 {
			d.swap = 4
		}
	}
	return d, nil
}

// parseOther reads the types that are neither numbers nor bool.
func parseOther(l *literal, text, code string) (d dtype, err error) {
	if unit, ok := strings.CutPrefix(code, "M8["); ok {
		return parseTime(l, text, unit, func(u arrow.TimeUnit) arrow.DataType { return &arrow.TimestampType{Unit: u} })
	}
	if unit, ok := strings.CutPrefix(code, "m8["); ok && unit != "D]" {
		return parseTime(l, text, unit, func(u arrow.TimeUnit) arrow.DataType { return &arrow.DurationType{Unit: u} })
	}
	switch code[0] {
	case 'O':
		return d, l.errorf("Python objects are pickled, which cannot be read without running what the file says; save them as numbers or strings, by a.astype('U')")
	case 'c':
		return d, l.errorf("complex numbers have no Arrow type; save a.real and a.imag")
	case 'f':
		return d, l.errorf("floats of %.40q have no Arrow type; save a.astype('f8')", text)
	case 'm', 'M':
		return d, l.errorf("times of %.40q have no Arrow type; save a.astype('%c8[s]')", text, code[0])
	}
	n, err := strconv.ParseUint(code[1:], 10, 31)
	if err != nil || n > 1<<28 {
		return d, l.errorf("the type %.40q is not known, or too long", text)
	}
	d = dtype{size: int(n), arrow: arrow.BinaryTypes.String}
	switch code[0] {
	case 'S', 'a':
		d.kind = chars
	case 'U':
		d.kind, d.size = codes32, 4*d.size
	case 'V':
		d.kind = padding
	default:
		return d, l.errorf("the type %.40q is not known", text)
	}
	return d, nil
}

func parseTime(l *literal, text, unit string, of func(arrow.TimeUnit) arrow.DataType) (dtype, error) {
	unit, closed := strings.CutSuffix(unit, "]")
	if u, ok := times[unit]; ok && closed {
		return dtype{kind: instant, size: 8, arrow: of(u)}, nil
	}
	if unit == "D" && closed {
		return dtype{kind: day, size: 8, arrow: arrow.FixedWidthTypes.Date32}, nil
	}
	return dtype{}, l.errorf("times of %.40q have no Arrow type; save a.astype('%c8[s]')", text, strings.TrimLeft(text, "<>|=")[0])
}

// nested is the type of a column: lists of the lengths of axes, of values.
func (d dtype) nested(axes []int) arrow.DataType {
	t, nullable := d.arrow, d.nulls()
	for i := len(axes) - 1; i >= 0; i-- {
		t, nullable = arrow.FixedSizeListOfField(int32(axes[i]), arrow.Field{Name: "item", Type: t, Nullable: nullable}), false
	}
	return t
}
