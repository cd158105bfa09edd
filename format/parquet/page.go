package parquet

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"

	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
)

// The kinds of pages.
const (
	pageV1         = 0
	pageIndex      = 1
	pageDictionary = 2
	pageV2         = 3
)

// page is what the header of a page says, and where its body lies.
type page struct {
	at, size     int // the body in the file
	unpacked     int // bytes of the body without compression
	kind         int
	values       int // nulls included
	rows         int // of V2 pages
	nulls        int // of V2 pages
	encoding     arrowparquet.Encoding
	defEncoding  arrowparquet.Encoding // of V1 pages
	repEncoding  arrowparquet.Encoding // of V1 pages
	defs, reps   int                   // bytes of levels in a V2 page, which are never compressed
	uncompressed bool                  // a V2 page that is stored as it is, whatever the codec
	crc          uint32
	checked      bool // crc is there
}

// parse reads a page header; n is its size, 0 where b ends within it.
func (p *page) parse(b []byte) (n int, err error) {
	c := &compact{b: b}
	number := func(to *int) { *to = c.int() }
	p.kind = -1
	c.fields(func(id int, kind byte) {
		switch {
		case id == 1 && kind == thriftI32:
			number(&p.kind)
		case id == 2 && kind == thriftI32:
			number(&p.unpacked)
		case id == 3 && kind == thriftI32:
			number(&p.size)
		case id == 4 && kind == thriftI32:
			p.crc, p.checked = uint32(c.int()), true
		case (id == 5 || id == 7 || id == 8) && kind == thriftStruct:
			p.parseKind(c, id)
		default:
			c.skip(kind, true)
		}
	})
	switch {
	case errors.Is(c.err, errThriftCut), errors.Is(c.err, errThriftSize):
		return 0, nil
	case c.err != nil:
		return 0, fmt.Errorf("a page's header %w", c.err)
	}
	for _, v := range []int{p.size, p.unpacked, p.values, p.rows, p.nulls, p.defs, p.reps} {
		if v < 0 || v > maxPage {
			return 0, fmt.Errorf("a page's header says %d bytes or values", v)
		}
	}
	return c.at, nil
}

// maxPage is the largest number that a page header may hold: they are signed and of 32 bits.
const maxPage = 1<<31 - 1

// parseKind reads the part of the header that is of a kind of pages only, by its field in the header.
func (p *page) parseKind(c *compact, field int) {
	encoding := func() arrowparquet.Encoding { return arrowparquet.Encoding(c.int()) }
	c.fields(func(id int, kind byte) {
		v2 := field == 8
		switch {
		case v2 && id == 7 && (kind == thriftTrue || kind == thriftFalse):
			p.uncompressed = kind == thriftFalse
		case kind != thriftI32:
			c.skip(kind, true)
		case id == 1:
			p.values = c.int()
		case id == 2 && !v2, id == 4 && v2:
			p.encoding = encoding()
		case id == 3 && !v2:
			p.defEncoding = encoding()
		case id == 4 && !v2:
			p.repEncoding = encoding()
		case id == 2:
			p.nulls = c.int()
		case id == 3:
			p.rows = c.int()
		case id == 5:
			p.defs = c.int()
		case id == 6:
			p.reps = c.int()
		default:
			c.skip(kind, true)
		}
	})
}

// header is the header of the page with a body of size bytes, and its checksum where that is there. Statistics are left out.
func (p *page) header(size int) []byte {
	w := &compactWriter{}
	w.i32(1, p.kind)
	w.i32(2, p.unpacked)
	w.i32(3, size)
	if p.checked {
		w.i32(4, int(int32(p.crc)))
	}
	switch p.kind {
	case pageV1:
		w.nest(5, func() {
			w.i32(1, p.values)
			w.i32(2, int(p.encoding))
			w.i32(3, int(p.defEncoding))
			w.i32(4, int(p.repEncoding))
		})
	case pageDictionary:
		w.nest(7, func() {
			w.i32(1, p.values)
			w.i32(2, int(p.encoding))
		})
	case pageV2:
		w.nest(8, func() {
			w.i32(1, p.values)
			w.i32(2, p.nulls)
			w.i32(3, p.rows)
			w.i32(4, int(p.encoding))
			w.i32(5, p.defs)
			w.i32(6, p.reps)
			w.bool(7, !p.uncompressed)
		})
	}
	return append(w.b, thriftStop)
}

// stored gives the page's bytes as they are in the file, after its checksum was verified, and how many of them are levels that are
// never compressed.
func (c *chunk) stored(ctx context.Context, p *page) (b []byte, levels int, err error) {
	b, err = c.view(ctx, p.at, p.size)
	if err != nil {
		return nil, 0, err
	}
	if p.checked && crc32.ChecksumIEEE(b) != p.crc {
		return nil, 0, fmt.Errorf("the page at byte %d does not have its checksum; the file is damaged, copy or write it again", p.at)
	}
	if p.kind == pageV2 {
		levels = p.defs + p.reps
	}
	if levels > p.size || levels > p.unpacked {
		return nil, 0, fmt.Errorf("the page at byte %d has levels of %d bytes in %d", p.at, levels, min(p.size, p.unpacked))
	}
	if !c.packed(p) && p.size != p.unpacked {
		return nil, 0, fmt.Errorf("the page at byte %d holds %d bytes, its header says %d", p.at, p.size, p.unpacked)
	}
	return b, levels, nil
}

// packed reports whether a page is compressed.
func (c *chunk) packed(p *page) bool {
	return c.codec != compress.Codecs.Uncompressed && !p.uncompressed
}

// body gives the page's bytes without compression: a view of the input, or of the chunk's scratch memory, good until the next call.
func (c *chunk) body(ctx context.Context, p *page) ([]byte, error) {
	stored, levels, err := c.stored(ctx, p)
	if err != nil || !c.packed(p) {
		return stored, err
	}
	if cap(c.scratch) < p.unpacked+slack {
		c.scratch = c.unpacker.memory(p.unpacked + slack)
	}
	out := c.scratch[:p.unpacked]
	copy(out, stored[:levels])
	if levels == p.unpacked && p.kind == pageV2 {
		return out, nil // nulls alone, for which some writers store nothing packed
	}
	return out, c.unpack(p, out[levels:], stored[levels:])
}

// unpack fills dst with a page's packed bytes.
func (c *chunk) unpack(p *page, dst, packed []byte) error {
	if err := c.unpacker.unpack(c.codec, dst, packed); err != nil {
		return fmt.Errorf("the page at byte %d does not unpack: %w", p.at, err)
	}
	return nil
}

// release gives scratch memory back, when nothing refers to it any more.
func (c *chunk) release() {
	c.unpacker.keep(c.scratch)
	c.scratch, c.open, c.opened = nil, nil, nil
}
