package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// columnWriter encodes one column of one row group.
type columnWriter struct {
	schema *arrow.Schema
	out    bytes.Buffer
	w      *pqarrow.FileWriter
}

func newColumnWriter(f arrow.Field, props *arrowparquet.WriterProperties) (*columnWriter, error) {
	c := &columnWriter{schema: arrow.NewSchema([]arrow.Field{f}, nil)}
	var err error
	c.w, err = pqarrow.NewFileWriter(c.schema, &c.out, props, pqarrow.DefaultWriterProps())
	return c, err
}

// write appends an array.
func (c *columnWriter) write(a arrow.Array) error {
	a, err := storedArray(a, c.schema.Field(0).Type)
	if err != nil {
		return err
	}
	return c.w.WriteBuffered(arrowarray.NewRecordBatch(c.schema, []arrow.Array{a}, int64(a.Len())))
}

// ended is a column that is encoded: its pages, and what the footer says of them, with positions in these pages.
type ended struct {
	pages []byte
	meta  *metadata.FileMetaData
}

// end gives the pages with checksums, which the library does not write.
func (c *columnWriter) end() (*ended, error) {
	if err := c.w.Close(); err != nil {
		return nil, err
	}
	raw := c.out.Bytes()
	meta, err := parseFooter(raw)
	if err != nil {
		return nil, err
	}
	if len(meta.RowGroups) != 1 {
		return nil, fmt.Errorf("was written as %d row groups", len(meta.RowGroups))
	}
	e := &ended{meta: meta, pages: make([]byte, 0, len(raw)+len(raw)/256)}
	for _, column := range meta.RowGroups[0].Columns {
		m := column.MetaData
		at, end := chunkRange(m.DataPageOffset, m.DictionaryPageOffset, m.TotalCompressedSize)
		start, first := len(e.pages), true
		for at < end {
			var p page
			n, err := p.parse(raw[at:end])
			if err != nil || n == 0 || p.size > end-at-n {
				return nil, errors.Join(errors.New("a page was not written as it can be read"), err)
			}
			body := raw[at+n : at+n+p.size]
			p.crc, p.checked = crc32.ChecksumIEEE(body), true
			pos := int64(len(e.pages))
			switch {
			case p.kind == pageDictionary:
				m.DictionaryPageOffset = &pos
			case first:
				m.DataPageOffset, first = pos, false
			}
			e.pages = append(append(e.pages, p.header(p.size)...), body...)
			at += n + p.size
		}
		m.TotalUncompressedSize += int64(len(e.pages)-start) - m.TotalCompressedSize
		m.TotalCompressedSize = int64(len(e.pages) - start)
	}
	return e, nil
}

// parseFooter gives the metadata of a file that was just written.
func parseFooter(raw []byte) (*metadata.FileMetaData, error) {
	n := int(binary.LittleEndian.Uint32(raw[len(raw)-tailBytes:]))
	return metadata.NewFileMetaData(raw[len(raw)-tailBytes-n:len(raw)-tailBytes], nil)
}
