package parquet

import (
	"context"
	"fmt"

	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"

	"github.com/darray-go/darray/format"
)

// chunk is the values of one leaf column in one row group: its pages, of which only headers were read.
type chunk struct {
	unpacker *unpacker
	in       *format.Input
	codec    compress.Compression
	dict     *page
	pages    []page // of data, in order
	values   int
	budget   int
	maxRep   int16
	maxDef   int16
	width    int  // of a plain value in bytes, at least
	fixed    bool // all plain values are of that width
	isBool   bool // a plain value is a bit

	start   int    // where bytes begins in the file
	bytes   []byte // the whole chunk, where the input is not mapped and it is small
	scratch []byte
	open    *page  // the page of current
	opened  []byte // its body
}

// wholeChunk is the largest chunk that is read at once from an input that is not mapped, in bytes.
const wholeChunk = 32 << 20

// headBytes is how much is looked at for a page's header at first; statistics of long texts make them larger.
const headBytes = 256

// openChunk reads the headers of a chunk's pages and checks what they say against the footer and the budget.
func (r *reader) openChunk(ctx context.Context, group, leaf int) (*chunk, error) {
	meta := r.meta.RowGroups[group].Columns[leaf].MetaData
	at, end := chunkRange(meta.DataPageOffset, meta.DictionaryPageOffset, meta.TotalCompressedSize)
	c := &chunk{unpacker: &r.unpacker, in: r.in, codec: compress.Compression(meta.Codec), values: int(meta.NumValues), start: at}
	column := r.meta.Schema.Column(leaf)
	c.budget, c.maxRep, c.maxDef = r.budget, column.MaxRepetitionLevel(), column.MaxDefinitionLevel()
	if !r.in.Mapped && end-at <= wholeChunk {
		var err error
		if c.bytes, err = r.in.View(ctx, at, end-at); err != nil {
			return nil, err
		}
	}
	width := r.width(leaf)
	c.width, c.isBool = width, column.PhysicalType() == arrowparquet.Types.Boolean
	c.fixed = column.PhysicalType() != arrowparquet.Types.ByteArray
	if column.PhysicalType() == arrowparquet.Types.FixedLenByteArray && width*min(stepRows, c.values) > r.budget {
		return nil, fmt.Errorf("its values are of %d bytes, the budget is %d; raise Options.Budget", width, r.budget)
	}
	for seen := 0; seen < c.values; {
		p, next, err := c.header(ctx, at, r.end)
		if err != nil {
			return nil, err
		}
		if at = next; p.unpacked > r.budget {
			return nil, fmt.Errorf("the page at byte %d claims %d bytes, the budget is %d; raise Options.Budget", p.at, p.unpacked, r.budget)
		}
		switch {
		case p.kind == pageDictionary:
			if c.dict != nil || len(c.pages) > 0 {
				return nil, fmt.Errorf("the dictionary at byte %d is not the first page of its column", p.at)
			}
			if p.values > p.unpacked/width {
				return nil, fmt.Errorf("the dictionary at byte %d claims %d values in %d bytes", p.at, p.values, p.unpacked)
			}
			c.dict = &p
		case p.kind == pageV1 || p.kind == pageV2:
			if seen += p.values; seen > c.values {
				return nil, fmt.Errorf("the page at byte %d ends %d values past the %d that the footer says", p.at, seen-c.values, c.values)
			}
			c.pages = append(c.pages, p)
		}
	}
	return c, nil
}

// chunkRange is where a chunk lies, its dictionary included.
func chunkRange(data int64, dictionary *int64, size int64) (at, end int) {
	at = int(data)
	if dictionary != nil && *dictionary > 0 && int(*dictionary) < at {
		at = int(*dictionary)
	}
	return at, at + int(size)
}

// width is the least number of bytes that one plain value of a leaf takes.
func (r *reader) width(leaf int) int {
	column := r.meta.Schema.Column(leaf)
	switch column.PhysicalType() {
	case arrowparquet.Types.Int64, arrowparquet.Types.Double:
		return 8
	case arrowparquet.Types.Int96:
		return 12
	case arrowparquet.Types.FixedLenByteArray:
		return max(1, column.TypeLength())
	case arrowparquet.Types.Boolean:
		return 1
	default:
		return 4 // of byte arrays it is the length
	}
}

// header reads the page header at a position; next is the position behind the page, at most end.
func (c *chunk) header(ctx context.Context, at, end int) (p page, next int, err error) {
	for look := headBytes; ; look *= 8 {
		look = min(look, end-at)
		b, err := c.view(ctx, at, look)
		if err != nil {
			return p, 0, err
		}
		p = page{}
		n, err := p.parse(b)
		switch {
		case err != nil:
			return p, 0, fmt.Errorf("byte %d: %w", at, err)
		case n > 0:
			p.at = at + n
			if p.size > end-p.at {
				return p, 0, fmt.Errorf("the page at byte %d claims %d bytes, %d are left", p.at, p.size, end-p.at)
			}
			return p, p.at + p.size, nil
		case look == end-at:
			return p, 0, fmt.Errorf("byte %d: the pages end before the %d values that the footer says", at, c.values)
		}
	}
}

// view gives bytes of the file.
func (c *chunk) view(ctx context.Context, at, n int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if i := at - c.start; i >= 0 && n >= 0 && i <= len(c.bytes)-n {
		return c.bytes[i : i+n : i+n], nil
	}
	return c.in.View(ctx, at, n)
}

// span is a run of a chunk's values over whole pages: pages [from, to), which hold values [first, last).
type span struct{ from, to, first, last int }

// overlap gives the pages that hold values [lo, hi) of a column in which each value is a row.
func (c *chunk) overlap(lo, hi int) span {
	s := span{from: -1}
	at := 0
	for i := range c.pages {
		next := at + c.pages[i].values
		if next > lo && at < hi {
			if s.from < 0 {
				s.from, s.first = i, at
			}
			s.to, s.last = i+1, next
		}
		at = next
	}
	return s
}
