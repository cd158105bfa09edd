package npy

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// nat is the whole number that stands for no time.
const nat = math.MinInt64

// convert makes values of a field, those of rows from lo on, an Arrow array.
func (m *member) convert(ctx context.Context, src source, field int, v values, lo, rows int) (arrow.Array, error) {
	f := &m.head.fields[field]
	perRow := m.head.perRow(field)
	n := rows * perRow
	c := conversion{field: f, src: src, values: v, n: n, row: func(i int) int { return lo + i/perRow }}
	var buffers []*memory.Buffer
	var err error
	switch f.kind {
	case number:
		buffers = []*memory.Buffer{nil, nil}
		buffers[1], err = c.numbers(ctx)
	case truth:
		buffers = []*memory.Buffer{nil, nil}
		buffers[1], err = c.bits(ctx)
	case instant:
		buffers = []*memory.Buffer{nil, nil}
		if buffers[1], err = c.numbers(ctx); err == nil {
			buffers[0], err = c.validity(ctx, buffers[1].Bytes())
		}
	case day:
		buffers, err = c.days(ctx)
	default:
		buffers, err = c.strings(ctx)
	}
	if err != nil {
		return nil, err
	}
	leaf := arrowarray.NewData(f.arrow, n, buffers, nil, c.nulls, 0)
	return arrowarray.MakeFromData(list(f.nested(m.head.axes(field)), rows, leaf)), nil
}

func listOf(t *arrow.FixedSizeListType, n int, child arrow.ArrayData) arrow.ArrayData {
	return arrowarray.NewData(t, n, []*memory.Buffer{nil}, []arrow.ArrayData{child}, 0, 0)
}

// conversion is n values on their way to Arrow.
type conversion struct {
	field *field
	src   source
	values
	n     int
	nulls int
	row   func(i int) int // of value i, for messages
}

// numbers are the values in Arrow's order of bytes, and where the type may lie.
func (c *conversion) numbers(ctx context.Context) (*memory.Buffer, error) {
	if c.field.swap == 0 {
		if c.owned {
			return memory.NewBufferBytes(c.bytes), nil
		}
		if aligned(c.bytes, c.field.size) {
			return c.src.in.Buffer(c.bytes), nil
		}
	}
	out := c.bytes
	if !c.owned {
		out = alloc(len(c.bytes))
	}
	err := chunks(ctx, len(out), func(_ context.Context, lo, hi int) error {
		swap(out[lo:hi], c.bytes[lo:hi], c.field.swap)
		return nil
	})
	return memory.NewBufferBytes(out), err
}

// swap copies values, turning round the bytes of each unit. dst may be src.
func swap(dst, src []byte, unit int) {
	switch unit {
	case 2:
		for i := 0; i+2 <= len(src) && i+2 <= len(dst); i += 2 {
			binary.LittleEndian.PutUint16(dst[i:], binary.BigEndian.Uint16(src[i:]))
		}
	case 4:
		for i := 0; i+4 <= len(src) && i+4 <= len(dst); i += 4 {
			binary.LittleEndian.PutUint32(dst[i:], binary.BigEndian.Uint32(src[i:]))
		}
	case 8:
		for i := 0; i+8 <= len(src) && i+8 <= len(dst); i += 8 {
			binary.LittleEndian.PutUint64(dst[i:], binary.BigEndian.Uint64(src[i:]))
		}
	default:
		copy(dst, src)
	}
}

// bits packs a byte each into bits; what is not zero is true, as in NumPy.
func (c *conversion) bits(ctx context.Context) (*memory.Buffer, error) {
	out := alloc((c.n + 7) / 8)
	err := chunks(ctx, c.n, func(_ context.Context, lo, hi int) error {
		i := lo
		for ; i+8 <= hi; i += 8 {
			x := binary.LittleEndian.Uint64(c.bytes[i:])
			x |= x >> 4 // the lowest bit of each byte becomes the or of all of it
			x |= x >> 2
			x |= x >> 1
			out[i/8] = byte(x & 0x0101010101010101 * 0x0102040810204080 >> 56)
		}
		for ; i < hi; i++ {
			if c.bytes[i] != 0 {
				out[i/8] |= 1 << (i % 8)
			}
		}
		return nil
	})
	return memory.NewBufferBytes(out), err
}

// validity is the bitmap of values that are times; nil where all are.
func (c *conversion) validity(ctx context.Context, b []byte) (*memory.Buffer, error) {
	var nulls atomic.Int64
	err := chunks(ctx, len(b), func(_ context.Context, lo, hi int) error {
		n := int64(0)
		for ; lo < hi; lo += 8 {
			if int64(binary.LittleEndian.Uint64(b[lo:])) == nat {
				n++
			}
		}
		nulls.Add(n)
		return nil
	})
	if c.nulls = int(nulls.Load()); err != nil || c.nulls == 0 {
		return nil, err
	}
	out := alloc((c.n + 7) / 8)
	err = chunks(ctx, len(b), func(_ context.Context, lo, hi int) error {
		for i := lo / 8; i < hi/8; i++ {
			if int64(binary.LittleEndian.Uint64(b[8*i:])) != nat {
				out[i/8] |= 1 << (i % 8)
			}
		}
		return nil
	})
	return memory.NewBufferBytes(out), err
}

// days are days since 1970, narrowed to Arrow's 4 bytes.
func (c *conversion) days(ctx context.Context) ([]*memory.Buffer, error) {
	wide, err := c.numbers(ctx)
	if err != nil {
		return nil, err
	}
	valid, err := c.validity(ctx, wide.Bytes())
	if err != nil {
		return nil, err
	}
	b, out := wide.Bytes(), alloc(4*c.n)
	err = chunks(ctx, len(b), func(_ context.Context, lo, hi int) error {
		for i := lo / 8; i < hi/8; i++ {
			x := int64(binary.LittleEndian.Uint64(b[8*i:]))
			if x == nat {
				continue
			}
			if x != int64(int32(x)) {
				return fmt.Errorf("row %d: %d days from 1970 is beyond a date; save a.astype('M8[s]')", c.row(i), x)
			}
			binary.LittleEndian.PutUint32(out[4*i:], uint32(x))
		}
		return nil
	})
	return []*memory.Buffer{valid, memory.NewBufferBytes(out)}, err
}
