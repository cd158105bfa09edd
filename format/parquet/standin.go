package parquet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
)

// standIn is what the library reads instead of the file: some pages of one row group, checked and unpacked when they are reached, and
// new headers that say so. It is for one goroutine, and the time of one call.
type standIn struct {
	ctx   context.Context
	pages []standPage
	size  int
	at    int64
	meta  metadata.FileMetaData
}

// standPage is a page and where it begins.
type standPage struct {
	at     int
	header []byte
	page   *page
	chunk  *chunk
}

// part is pages of one leaf of a column, with its dictionary.
type part struct {
	chunk *chunk
	span  span
}

// openStandIn makes a file of one column and one row group, whose pages hold that many rows, and gives the library's reader of it.
func (r *reader) openStandIn(ctx context.Context, column *column, group, rows int, parts []part, b *budget) (*file.Reader, error) {
	alone, err := column.alone()
	if err != nil {
		return nil, err
	}
	s := &standIn{ctx: ctx, size: len(magic), meta: *alone}
	g := *r.meta.RowGroups[group]
	g.NumRows = int64(rows)
	columns := g.Columns
	g.Columns = columns[:0:0]
	for i, p := range parts {
		c := *columns[column.leaves[i]]
		m := *c.MetaData
		start := s.size
		m.Codec = 0 // uncompressed
		m.DictionaryPageOffset = nil
		if p.chunk.dict != nil {
			at := int64(s.size)
			m.DictionaryPageOffset = &at
			s.add(p.chunk, p.chunk.dict)
		}
		m.DataPageOffset = int64(s.size)
		m.NumValues = 0
		for i := p.span.from; i < p.span.to; i++ {
			m.NumValues += int64(p.chunk.pages[i].values)
			s.add(p.chunk, &p.chunk.pages[i])
		}
		m.TotalCompressedSize = int64(s.size - start)
		m.TotalUncompressedSize = m.TotalCompressedSize
		c.MetaData = &m
		g.Columns = append(g.Columns, &c)
	}
	f := *alone.FileMetaData
	f.RowGroups = append(f.RowGroups[:0:0], &g)
	s.meta.FileMetaData = &f
	s.meta.SetSourceFileSize(int64(s.size))
	props := arrowparquet.NewReaderProperties(b)
	props.BufferedStreamEnabled = true
	props.MaxCompressedPageSize, props.MaxUncompressedPageSize = int64(r.budget), int64(r.budget)
	return file.NewParquetReader(s, file.WithMetadata(&s.meta), file.WithReadProps(props))
}

// alone makes the metadata of a file that has but one of the columns, so that what reading a column takes does not grow with the number
// of the others.
func (r *reader) alone(index int, origin *arrow.Schema) (*metadata.FileMetaData, error) {
	f := *r.meta.FileMetaData
	from := 1
	for range index {
		from = subtree(r.meta, from)
	}
	root, one := *f.Schema[0], int32(1)
	root.NumChildren = &one
	f.Schema = append(append(f.Schema[:0:0], &root), f.Schema[from:subtree(r.meta, from)]...)
	f.RowGroups, f.NumRows, f.ColumnOrders = f.RowGroups[:0:0], 0, nil
	pairs := f.KeyValueMetadata
	f.KeyValueMetadata = pairs[:0:0]
	for _, pair := range pairs {
		if pair.Key == schemaKey && origin != nil && index < origin.NumFields() {
			stored := arrow.NewSchema([]arrow.Field{origin.Field(index)}, nil)
			value := base64.StdEncoding.EncodeToString(flight.SerializeSchema(stored, memory.DefaultAllocator))
			only := *pair
			only.Value = &value
			f.KeyValueMetadata = append(f.KeyValueMetadata, &only)
			break
		}
	}
	all := *r.meta
	all.FileMetaData = &f
	raw, err := all.Serialize(context.Background())
	if err != nil {
		return nil, err
	}
	return metadata.NewFileMetaData(raw, nil)
}

// subtree is the element of the schema behind the one at a position and all that are nested in it.
func subtree(m *metadata.FileMetaData, at int) int {
	children := int(m.FileMetaData.Schema[at].GetNumChildren())
	for at++; children > 0; children-- {
		at = subtree(m, at)
	}
	return at
}

func (s *standIn) add(c *chunk, p *page) {
	plain := *p
	plain.checked, plain.uncompressed = false, true
	header := plain.header(p.unpacked)
	s.pages = append(s.pages, standPage{s.size, header, p, c})
	s.size += len(header) + p.unpacked
}

// ReadAt copies headers and bodies.
func (s *standIn) ReadAt(dst []byte, at int64) (int, error) {
	n := 0
	for n < len(dst) {
		pos := int(at) + n
		if pos < len(magic) || pos >= s.size {
			return n, io.EOF
		}
		p := &s.pages[sort.Search(len(s.pages), func(i int) bool { return s.pages[i].at > pos })-1]
		pos -= p.at
		if pos < len(p.header) {
			n += copy(dst[n:], p.header[pos:])
			continue
		}
		body, err := p.chunk.current(s.ctx, p.page)
		if err != nil {
			return n, err
		}
		n += copy(dst[n:], body[pos-len(p.header):])
	}
	return n, nil
}

// current is body, which is not unpacked again for each part of it that is read.
func (c *chunk) current(ctx context.Context, p *page) ([]byte, error) {
	if c.open != p {
		c.open = nil
		var err error
		if c.opened, err = c.body(ctx, p); err != nil {
			return nil, err
		}
		if err := c.checkEncoding(p, c.opened); err != nil {
			return nil, fmt.Errorf("the page at byte %d %w", p.at, err)
		}
		c.open = p
	}
	return c.opened, nil
}

// Seek is asked for by the library's interface of files.
func (s *standIn) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += int64(s.size)
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	s.at = offset
	return offset, nil
}
