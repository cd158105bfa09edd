package parquet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
)

// Delta encodings are the ones in which few bytes stand for many values by design. The library takes memory by what their headers
// say, so pages that have them are gone through before it sees them.

// maxBlock is the largest block of deltas that is read, in values; writers make blocks of some hundreds.
const maxBlock = 1 << 16

var errDelta = errors.New("has deltas that its bytes do not hold")

// checkEncoding looks at an unpacked page: the library waits for ever for values that are not there.
func (c *chunk) checkEncoding(p *page, body []byte) error {
	if p.kind == pageDictionary {
		return nil
	}
	e := arrowparquet.Encodings
	values, err := c.behindLevels(p, body)
	if err == nil && c.maxDef == 0 {
		err = c.checkCount(p, values)
	}
	if err != nil || p.encoding != e.DeltaBinaryPacked && p.encoding != e.DeltaLengthByteArray && p.encoding != e.DeltaByteArray {
		return err
	}
	if p.values > c.budget/8 { // lengths are taken all at once
		return fmt.Errorf("claims %d values, the budget is %d bytes; raise Options.Budget", p.values, c.budget)
	}
	if p.encoding != e.DeltaByteArray {
		_, err := deltas(values, p.values, nil)
		return err
	}
	// Each value is the beginning of the one before, and what follows in the page.
	total := 0
	sum := func(v int64) {
		if length := int32(v); length > 0 && total <= c.budget { // as the library cuts them
			total += int(length)
		}
	}
	n, err := deltas(values, p.values, sum)
	if err == nil {
		_, err = deltas(values[n:], p.values, sum)
	}
	if err == nil && total > c.budget {
		err = fmt.Errorf("holds %d bytes of text or more, the budget is %d; raise Options.Budget", total, c.budget)
	}
	return err
}

// checkCount checks that a page of a column without nulls has as many values as it says.
func (c *chunk) checkCount(p *page, values []byte) error {
	e := arrowparquet.Encodings
	switch p.encoding {
	case e.Plain, e.ByteStreamSplit:
		if c.isBool && len(values) < (p.values+7)/8 || !c.isBool && c.fixed && len(values)/c.width < p.values {
			return errShortPage
		}
	case e.RLE:
		if len(values) < 4 {
			return errShortPage
		}
		return runs(values[4:], 1, p.values)
	case e.RLEDict, e.PlainDict:
		if len(values) < 1 && p.values > 0 {
			return errShortPage
		}
		if len(values) > 0 {
			return runs(values[1:], int(values[0]), p.values)
		}
	case e.DeltaBinaryPacked, e.DeltaLengthByteArray, e.DeltaByteArray:
		head := &compact{b: values}
		_, _ = head.uvarint(), head.uvarint()
		if head.uvarint() != uint64(p.values) {
			return errShortPage
		}
	}
	return nil
}

// runs checks that a hybrid of runs and bit-packed groups, of width bits, has n values.
func runs(b []byte, width, n int) error {
	if width > 64 {
		return errShortPage
	}
	for at := 0; at < n; {
		head, used := binary.Uvarint(b)
		if used <= 0 {
			return errShortPage
		}
		b = b[used:]
		count, size := int(min(head>>1, maxPage)), (width+7)/8
		if head&1 == 1 {
			count, size = 8*count, count*width
		}
		if size > len(b) { // padding at the end may lack
			if head&1 == 1 && width > 0 && at+8*len(b)/width >= n {
				return nil
			}
			return errShortPage
		}
		at, b = at+count, b[size:]
	}
	return nil
}

// behindLevels is the part of an unpacked page behind its levels, of which there must be as many as values.
func (c *chunk) behindLevels(p *page, body []byte) ([]byte, error) {
	if p.kind == pageV2 {
		if c.maxRep > 0 {
			if err := runs(body[:p.reps], bits.Len16(uint16(c.maxRep)), p.values); err != nil {
				return nil, err
			}
		}
		if c.maxDef > 0 {
			if err := runs(body[p.reps:p.reps+p.defs], bits.Len16(uint16(c.maxDef)), p.values); err != nil {
				return nil, err
			}
		}
		return body[p.defs+p.reps:], nil
	}
	for i, top := range []int16{c.maxRep, c.maxDef} {
		if top == 0 {
			continue
		}
		width := bits.Len16(uint16(top))
		if []arrowparquet.Encoding{p.repEncoding, p.defEncoding}[i] == arrowparquet.Encodings.BitPacked {
			n := (p.values*width + 7) / 8
			if n > len(body) {
				return nil, errShortPage
			}
			body = body[n:]
			continue
		}
		if len(body) < 4 {
			return nil, errShortPage
		}
		n := int(binary.LittleEndian.Uint32(body))
		if body = body[4:]; n > len(body) {
			return nil, errShortPage
		}
		if err := runs(body[:n], width, p.values); err != nil {
			return nil, err
		}
		body = body[n:]
	}
	return body, nil
}

// deltas goes through one run of delta-encoded integers, at most limit of them; it calls visit for each, and gives the run's size in bytes.
func deltas(b []byte, limit int, visit func(int64)) (int, error) {
	c := &compact{b: b} // its integers are those of Thrift
	block, minis, count := c.uvarint(), c.uvarint(), c.uvarint()
	value := int64(c.int())
	if c.err != nil || block == 0 || block > maxBlock || minis == 0 || minis > block/32 || block%minis != 0 || count > uint64(limit) {
		return 0, errDelta
	}
	each := int(block / minis)
	left := int(count)
	if visit != nil && left > 0 {
		visit(value)
	}
	for left--; left > 0 && c.err == nil; {
		least := int64(c.int())
		widths := c.at
		c.pass(int(minis))
		for i := 0; i < int(minis) && left > 0 && c.err == nil; i++ {
			width, from := int(b[widths+i]), c.at
			if width > 64 {
				return 0, errDelta
			}
			c.pass(each * width / 8)
			for k := 0; visit != nil && c.err == nil && k < min(each, left); k++ {
				value += least + int64(bitsAt(b[from:c.at], k*width, width))
				visit(value)
			}
			left -= each
		}
	}
	if c.err != nil {
		return 0, errDelta
	}
	return c.at, nil
}

// wraps reports whether pages are 32-bit integers as deltas, which some writers, as DuckDB, let wrap around at 64 bits: the library refuses the first
// value or a width then.
func (c *chunk) wraps(run span, leaf *schema.Column, optional bool) bool {
	if leaf.PhysicalType() != arrowparquet.Types.Int32 {
		return false
	}
	for i := run.from; i < run.to; i++ {
		p := &c.pages[i]
		if p.encoding != arrowparquet.Encodings.DeltaBinaryPacked || p.kind != pageV2 && optional && p.defEncoding != arrowparquet.Encodings.RLE {
			return false
		}
	}
	return true
}

// undelta takes values [skip, skip+n) of such pages as rows from at on.
func (p *piece) undelta(ctx context.Context, c *chunk, run span, optional bool, skip, n, at int) error {
	for i := run.from; i < run.to && n > 0; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		pg := &c.pages[i]
		from := min(skip, pg.values)
		some := min(n, pg.values-from)
		if err := p.plain(ctx, c, pg, optional, from, some, at); err != nil {
			return err
		}
		skip, n, at = skip-from, n-some, at+some
	}
	return nil
}

// wrapped is a page's deltas as plain 32-bit integers: the lower halves of the sums.
func (c *chunk) wrapped(values []byte, most int) ([]byte, error) {
	if most > c.budget/8 {
		return nil, fmt.Errorf("claims %d values, the budget is %d bytes; raise Options.Budget", most, c.budget)
	}
	var out []byte
	_, err := deltas(values, most, func(v int64) { out = binary.LittleEndian.AppendUint32(out, uint32(v)) })
	return out, err
}

// bitsAt is a number of width bits at a position in bits.
func bitsAt(b []byte, at, width int) (v uint64) {
	for got := 0; got < width; {
		take := min(8-at%8, width-got)
		part := uint64(b[at/8]>>(at%8)) & (1<<take - 1)
		v |= part << got
		got, at = got+take, at+take
	}
	return v
}
