package parquet

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"

	"github.com/darray-go/darray/array"
)

// number is how a type's values are stored and given, in bytes; 0 is a bit.
type number struct{ in, out int }

// direct tells how values of a type are read without the library's arrays; false where the stored ones are not the array's but for
// their width.
func direct(t arrow.DataType, leaf *schema.Column) (number, bool) {
	n := number{}
	switch t.ID() {
	case arrow.BOOL:
	case arrow.INT8, arrow.UINT8:
		n = number{4, 1}
	case arrow.INT16, arrow.UINT16:
		n = number{4, 2}
	case arrow.INT32, arrow.UINT32, arrow.DATE32, arrow.TIME32, arrow.FLOAT32:
		n = number{4, 4}
	case arrow.INT64, arrow.UINT64, arrow.TIME64, arrow.TIMESTAMP, arrow.DURATION, arrow.FLOAT64:
		n = number{8, 8}
	default:
		return n, false
	}
	physical := leaf.PhysicalType()
	switch {
	case t.ID() == arrow.FLOAT32:
		return n, physical == arrowparquet.Types.Float
	case t.ID() == arrow.FLOAT64:
		return n, physical == arrowparquet.Types.Double
	case n.in == 4:
		return n, physical == arrowparquet.Types.Int32
	case n.in == 8:
		return n, physical == arrowparquet.Types.Int64
	default:
		return n, physical == arrowparquet.Types.Boolean
	}
}

// piece is a column's values of one row group.
type piece struct {
	number
	at, rows int    // of the column
	data     []byte // of the column's array; bits are the piece's own
	valid    []byte // nil until there are nulls
	nulls    int
	bits     []byte // scratch: the validity of a page
}

// read decodes rows [lo, hi) of a chunk: plain pages here, other encodings by the library.
func (p *piece) read(ctx context.Context, r *reader, c *chunk, column *column, group, lo, hi int) error {
	optional := r.meta.Schema.Column(column.leaves[0]).MaxDefinitionLevel() > 0
	s := c.overlap(lo, hi)
	if s.from < 0 || s.first > lo || s.last < hi {
		return fmt.Errorf("its pages do not hold rows [%d, %d)", lo, hi)
	}
	at, first := 0, s.first
	for i := s.from; i < s.to; {
		run := span{from: i, to: i + 1, first: first, last: first + c.pages[i].values}
		simple := c.pages[i].simple(optional)
		for !simple && run.to < s.to && !c.pages[run.to].simple(optional) {
			run.last += c.pages[run.to].values
			run.to++
		}
		skip := max(lo-run.first, 0)
		n := min(hi, run.last) - run.first - skip
		var err error
		if simple {
			err = p.plain(ctx, c, &c.pages[i], optional, skip, n, at)
		} else {
			nulls := p.nulls
			err = p.decode(ctx, r, c, column, group, run, skip, n, at)
			if err != nil && ctx.Err() == nil && c.wraps(run, r.meta.Schema.Column(column.leaves[0]), optional) { // which may be why
				p.nulls = nulls
				err = p.undelta(ctx, c, run, optional, skip, n, at)
			}
		}
		if err != nil {
			return err
		}
		at, first, i = at+n, run.last, run.to
	}
	return nil
}

// unpack lets a whole page without nulls be unpacked right where its values belong, as rows from at on; false if it is not such a page.
// Of V1 pages the levels are packed with the values: they come to lie over the rows before, which get their values back.
func (p *piece) unpack(ctx context.Context, c *chunk, pg *page, optional bool, at int) (bool, error) {
	levels := 0
	if pg.kind == pageV2 {
		levels = pg.defs + pg.reps
	} else if optional {
		levels = 4 + len(allValid(pg.values))
	}
	if !c.packed(pg) || p.in != p.out || p.out == 0 || pg.unpacked != levels+pg.values*p.in {
		return false, nil
	}
	values := p.data[at*p.out : (at+pg.values)*p.out]
	if pg.kind == pageV2 {
		stored, _, err := c.stored(ctx, pg)
		if err != nil {
			return false, err
		}
		if optional {
			if set, err := p.levels(stored[pg.reps:levels], pg.values); err != nil || set < pg.values {
				return false, err
			}
		}
		return true, c.unpack(pg, values, stored[levels:])
	}
	if levels > at*p.out {
		return false, nil
	}
	stored, _, err := c.stored(ctx, pg)
	if err != nil {
		return false, err
	}
	var before [maxLevels]byte
	out := p.data[at*p.out-levels : (at+pg.values)*p.out]
	copy(before[:levels], out)
	err = c.unpack(pg, out, stored)
	valid := err == nil && (!optional || bytes.Equal(out[4:levels], allValid(pg.values)) && int(binary.LittleEndian.Uint32(out)) == levels-4)
	copy(out, before[:levels])
	return valid, err
}

// maxLevels is the most that the levels of a V1 page without nulls take: their length, that of the one run, and its level.
const maxLevels = 4 + binary.MaxVarintLen32 + 1

// allValid is the one run of n levels that are 1.
func allValid(n int) []byte { return append(binary.AppendUvarint(nil, uint64(n)<<1), 1) }

// simple reports whether a page's values lie as they do in memory.
func (p *page) simple(optional bool) bool {
	return p.encoding == arrowparquet.Encodings.Plain && (p.kind == pageV2 || !optional || p.defEncoding == arrowparquet.Encodings.RLE)
}

var errShortPage = errors.New("has fewer values than its header says")

// plain takes values [skip, skip+n) of a page as rows from at on.
func (p *piece) plain(ctx context.Context, c *chunk, pg *page, optional bool, skip, n, at int) error {
	if n == 0 {
		return nil
	}
	if skip == 0 && n == pg.values {
		if done, err := p.unpack(ctx, c, pg, optional, at); done || err != nil {
			return err
		}
	}
	body, err := c.body(ctx, pg)
	if err != nil {
		return err
	}
	levels, values, err := pg.split(body, optional)
	if err == nil && pg.encoding == arrowparquet.Encodings.DeltaBinaryPacked {
		values, err = c.wrapped(values, pg.values)
	}
	if err == nil {
		err = p.place(levels, values, pg.values, optional, skip, n, at)
	}
	if err != nil {
		return fmt.Errorf("the page at byte %d: %w", pg.at, err)
	}
	return nil
}

// split parts a page's definition levels from its values.
func (p *page) split(body []byte, optional bool) (levels, values []byte, err error) {
	if p.kind == pageV2 {
		return body[p.reps : p.reps+p.defs], body[p.reps+p.defs:], nil
	}
	if !optional {
		return nil, body, nil
	}
	if len(body) < 4 {
		return nil, nil, errShortPage
	}
	n := int(binary.LittleEndian.Uint32(body))
	if n > len(body)-4 {
		return nil, nil, errShortPage
	}
	return body[4 : 4+n], body[4+n:], nil
}

// place decodes levels and plain values.
func (p *piece) place(levels, values []byte, all int, optional bool, skip, n, at int) error {
	dense, before := n, skip
	if optional {
		set, err := p.levels(levels, all)
		if err != nil {
			return err
		}
		if set < all {
			before = bitutil.CountSetBits(p.bits, 0, skip)
			dense = bitutil.CountSetBits(p.bits, skip, n)
		}
	}
	if p.out == 0 {
		if len(values) < (before+dense+7)/8 {
			return errShortPage
		}
		bitutil.CopyBitmap(values, before, dense, p.data, at)
	} else {
		if len(values)/p.in < before+dense {
			return errShortPage
		}
		p.copy(values[before*p.in:(before+dense)*p.in], at)
	}
	if dense < n {
		p.spread(p.bits, skip, n, dense, at)
	}
	return nil
}

// copy takes stored values as rows from at on.
func (p *piece) copy(values []byte, at int) {
	dst := p.data[at*p.out:]
	switch {
	case p.in == p.out:
		copy(dst, values)
	case p.out == 2:
		out := array.View[uint16](dst[:len(values)/2])
		for i := range out {
			out[i] = binary.LittleEndian.Uint16(values[4*i:])
		}
	default:
		for i := range len(values) / 4 {
			dst[i] = values[4*i]
		}
	}
}

// levels decodes n definition levels, which are 0 or 1, to the piece's bits, and tells how many are 1: runs of one level, a byte, and of
// groups of eight levels, a byte each.
func (p *piece) levels(b []byte, n int) (set int, err error) {
	p.bits = sized(p.bits, (n+7)/8)
	for at := 0; at < n; {
		head, used := binary.Uvarint(b)
		if used <= 0 || head>>1 == 0 || len(b) <= used {
			return 0, errors.New("has definition levels that end early")
		}
		b = b[used:]
		if head&1 == 0 {
			run := int(min(head>>1, uint64(n-at)))
			if b[0] > 1 {
				return 0, errors.New("has a definition level above 1")
			}
			bitutil.SetBitsTo(p.bits, int64(at), int64(run), b[0] == 1)
			set += run * int(b[0])
			at, b = at+run, b[1:]
			continue
		}
		groups := int(min(head>>1, uint64(n-at+7)/8))
		if groups > len(b) {
			return 0, errors.New("has definition levels that end early")
		}
		run := min(8*groups, n-at)
		bitutil.CopyBitmap(b, 0, run, p.bits, at)
		set += bitutil.CountSetBits(b, 0, run)
		at, b = at+run, b[groups:]
	}
	return set, nil
}

// spread moves the dense values that lie from row at on to the places of the n bits that are set from skip on, and notes the nulls.
func (p *piece) spread(bits []byte, skip, n, dense, at int) {
	if p.valid == nil {
		p.valid = alloc((p.rows + 7) / 8)
		bitutil.SetBitsTo(p.valid, 0, int64(p.rows), true)
	}
	bitutil.CopyBitmap(bits, skip, n, p.valid, at)
	p.nulls += n - dense
	switch p.out {
	case 0:
		for i, from := n-1, dense-1; i >= 0; i-- {
			value := false
			if bitutil.BitIsSet(bits, skip+i) {
				value = bitutil.BitIsSet(p.data, at+from)
				from--
			}
			bitutil.SetBitTo(p.data, at+i, value)
		}
	case 1:
		spread(p.data[at:at+n], bits, skip, dense)
	case 2:
		spread(array.View[uint16](p.data[2*at:2*(at+n)]), bits, skip, dense)
	case 4:
		spread(array.View[uint32](p.data[4*at:4*(at+n)]), bits, skip, dense)
	case 8:
		spread(array.View[uint64](p.data[8*at:8*(at+n)]), bits, skip, dense)
	}
}

// spread goes from the end, so that no value is overwritten before it is moved. What is null becomes 0.
func spread[T uint8 | uint16 | uint32 | uint64](x []T, bits []byte, skip, dense int) {
	for i, from := len(x)-1, dense-1; i > from; i-- {
		if bitutil.BitIsSet(bits, skip+i) {
			x[i] = x[from]
			from--
		} else {
			x[i] = 0
		}
	}
}

// join adds what pieces have of their own to the column's: bits.
func (p *piece) join(data []byte, valid *memory.Buffer) {
	if p.rows == 0 {
		return
	}
	if p.out == 0 {
		bitutil.CopyBitmap(p.data, 0, p.rows, data, p.at)
	}
	switch {
	case valid == nil:
	case p.nulls == 0:
		bitutil.SetBitsTo(valid.Bytes(), int64(p.at), int64(p.rows), true)
	default:
		bitutil.CopyBitmap(p.valid, 0, p.rows, valid.Bytes(), p.at)
	}
}
