package npy

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
)

// column is how a column is written.
type column struct {
	name  string
	descr string // NumPy's name of the type of values
	kind  kind
	size  int // bytes of a value in Arrow's memory
	axes  []int
	each  int // values of a row
}

// descrs are NumPy's names of types.
var descrs = map[arrow.Type]string{
	arrow.BOOL: "|b1", arrow.INT8: "|i1", arrow.UINT8: "|u1", arrow.INT16: "<i2", arrow.UINT16: "<u2", arrow.INT32: "<i4", arrow.UINT32: "<u4",
	arrow.INT64: "<i8", arrow.UINT64: "<u8", arrow.FLOAT16: "<f2", arrow.FLOAT32: "<f4", arrow.FLOAT64: "<f8", arrow.DATE32: "<M8[D]",
}

// units are NumPy's names of units of time.
var units = map[arrow.TimeUnit]string{arrow.Second: "s", arrow.Millisecond: "ms", arrow.Microsecond: "us", arrow.Nanosecond: "ns"}

// newColumn finds how to write a field, of so many rows.
func newColumn(f arrow.Field, rows int) (column, error) {
	c := column{name: f.Name, each: 1}
	t := f.Type
	for {
		l, ok := t.(*arrow.FixedSizeListType)
		if !ok {
			break
		}
		c.axes = append(c.axes, int(l.Len()))
		t = l.Elem()
	}
	if len(c.axes) >= maxAxes {
		return c, fmt.Errorf("column %q: %d lists within each other; NumPy has arrays of %d axes at most", f.Name, len(c.axes), maxAxes)
	}
	switch t := t.(type) {
	case *arrow.TimestampType:
		if t.TimeZone != "" {
			return c, fmt.Errorf("column %q: NumPy's times have no zone, this has %s; cast it to times without one", f.Name, t.TimeZone)
		}
		c.descr, c.kind = "<M8["+units[t.Unit]+"]", instant
	case *arrow.DurationType:
		c.descr, c.kind = "<m8["+units[t.Unit]+"]", instant
	default:
		c.descr = descrs[t.ID()]
		switch t.ID() {
		case arrow.BOOL:
			c.kind = truth
		case arrow.DATE32:
			c.kind = day
		}
	}
	if c.descr == "" {
		return c, fmt.Errorf("column %q: NumPy's files have no values of %s; cast it to a number, or write Arrow or Parquet", f.Name, f.Type)
	}
	if c.kind != truth {
		c.size = t.(arrow.FixedWidthDataType).Bytes()
	}
	if rows < 0 {
		return c, fmt.Errorf("%d rows; say how many there will be in WriteOptions.Rows", rows)
	}
	if _, err := product(8, append([]int{rows}, c.axes...)); err != nil {
		return c, fmt.Errorf("column %q: %w", f.Name, err)
	}
	for _, n := range c.axes {
		c.each *= n
	}
	return c, nil
}

// values are those of all lists of a column, as one array.
func (c *column) values(a arrow.Array, row int) (arrow.Array, error) {
	perRow := 1
	for {
		l, ok := a.(*arrowarray.FixedSizeList)
		if a.NullN() > 0 && (ok || c.kind != instant && c.kind != day) {
			for i := range a.Len() {
				if a.IsNull(i) {
					return nil, fmt.Errorf("column %q, row %d is null, which NumPy's arrays have no place for; use fill_null", c.name, row+i/perRow)
				}
			}
		}
		if !ok {
			return a, nil
		}
		n := int(l.DataType().(*arrow.FixedSizeListType).Len())
		from := l.Data().Offset() * n
		a = arrowarray.NewSlice(l.ListValues(), int64(from), int64(from+l.Len()*n))
		perRow *= n
	}
}

// check is an error where a column cannot be written.
func (c *column) check(a arrow.Array, row int) error {
	_, err := c.values(a, row)
	return err
}

// write appends the values of a column, whose first row is that of the file.
func (c *column) write(ctx context.Context, w io.Writer, a arrow.Array, row int) error {
	v, err := c.values(a, row)
	if err != nil {
		return err
	}
	if v.Len() == 0 {
		return nil
	}
	var scratch []byte
	step := stepBytes / 8
	for lo := 0; lo < v.Len(); lo += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi := min(v.Len(), lo+step)
		b := scratch
		switch c.kind {
		case number:
			at := v.Data().Offset()
			b = v.Data().Buffers()[1].Bytes()[(at+lo)*c.size : (at+hi)*c.size]
		case truth:
			b = appendBools(b[:0], v.(*arrowarray.Boolean), lo, hi)
			scratch = b
		default:
			if b, err = c.appendTimes(b[:0], v, lo, hi, row); err != nil {
				return err
			}
			scratch = b
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func appendBools(out []byte, a *arrowarray.Boolean, lo, hi int) []byte {
	bits, at := a.Data().Buffers()[1].Bytes(), a.Data().Offset()
	for i := at + lo; i < at+hi; i++ {
		out = append(out, bits[i/8]>>(i%8)&1)
	}
	return out
}

// appendTimes appends 8 bytes a time, NaT for nulls.
func (c *column) appendTimes(out []byte, a arrow.Array, lo, hi, row int) ([]byte, error) {
	b, at := a.Data().Buffers()[1].Bytes(), a.Data().Offset()
	for i := lo; i < hi; i++ {
		var x int64
		if c.kind == day {
			x = int64(int32(binary.LittleEndian.Uint32(b[4*(at+i):])))
		} else if x = int64(binary.LittleEndian.Uint64(b[8*(at+i):])); x == nat && a.IsValid(i) {
			return nil, fmt.Errorf("column %q, row %d: %d is what NumPy calls no time (NaT)", c.name, row+i/c.each, x)
		}
		if a.IsNull(i) {
			x = nat
		}
		out = binary.LittleEndian.AppendUint64(out, uint64(x))
	}
	return out, nil
}
