package csv

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
)

// kind is how the fields of a column are read.
type kind uint8

const (
	skipped kind = iota // not asked for
	float64s
	int64s // also of narrower types, within bounds
	uint64s
	float32s
	bools
	strings32
	strings64
	dates32
	dates64
	clocks // times of a day
	stamps
	decimals
)

// column is a column's type as it is read.
type column struct {
	kind     kind
	width    int   // bytes of a value; 0 where they are bits or text
	lo, hi   int64 // of int64s
	top      uint64
	unit     arrow.TimeUnit
	zoned    bool // a stamp is an instant, its text has an offset
	digits   int32
	scale    int32
	datatype arrow.DataType
}

// readable are the types that columns can be given, for messages.
const readable = "bool, the integers and unsigned integers of 8 to 64 bits, float32, float64, utf8, large_utf8, date32, date64, time32, time64, " +
	"timestamp with or without a time zone, decimal128"

// newColumn is how a type is read.
func newColumn(t arrow.DataType) (column, error) {
	c := column{datatype: t}
	if fixed, ok := t.(arrow.FixedWidthDataType); ok {
		c.width = fixed.BitWidth() / 8
	}
	switch t := t.(type) {
	case *arrow.BooleanType:
		c.kind = bools
	case *arrow.Int8Type, *arrow.Int16Type, *arrow.Int32Type, *arrow.Int64Type:
		c.kind = int64s
		c.hi = math.MaxInt64 >> (64 - 8*c.width)
		c.lo = -c.hi - 1
	case *arrow.Uint8Type, *arrow.Uint16Type, *arrow.Uint32Type, *arrow.Uint64Type:
		c.kind, c.top = uint64s, math.MaxUint64>>(64-8*c.width)
	case *arrow.Float32Type:
		c.kind = float32s
	case *arrow.Float64Type:
		c.kind = float64s
	case *arrow.StringType:
		c.kind = strings32
	case *arrow.LargeStringType:
		c.kind = strings64
	case *arrow.Date32Type:
		c.kind = dates32
	case *arrow.Date64Type:
		c.kind = dates64
	case *arrow.Time32Type:
		c.kind, c.unit = clocks, t.Unit
	case *arrow.Time64Type:
		c.kind, c.unit = clocks, t.Unit
	case *arrow.TimestampType:
		c.kind, c.unit, c.zoned = stamps, t.Unit, t.TimeZone != ""
	case *arrow.Decimal128Type:
		c.kind, c.digits, c.scale = decimals, t.Precision, t.Scale
		if c.digits < 1 || c.digits > 38 || c.scale < 0 || c.scale > c.digits {
			return c, fmt.Errorf("%s: use 1 to 38 digits, and a scale from 0 to as many", t)
		}
	default:
		return c, fmt.Errorf("fields cannot be read as %v; use one of %s", t, readable)
	}
	return c, nil
}

// text reports whether a column's values are strings.
func (c *column) text() bool { return c.kind == strings32 || c.kind == strings64 }
