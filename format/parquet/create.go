package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	arrowparquet "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/darray-go/darray/format"
)

// Row groups end where their values are about so many bytes, or so many rows.
const (
	groupBytes = 64 << 20
	groupRows  = 1 << 20
)

// encoder writes one file: each column of a row group through a writer of the library's into memory, all columns at once, and then page
// by page to the file, with checksums.
type encoder struct {
	w       io.Writer
	at      int // bytes written
	stored  *arrow.Schema
	codec   compress.Compression
	plain   bool                   // no dictionary encoding, but of dictionaries
	meta    *metadata.FileMetaData // of the file, to which row groups are added
	columns []*columnWriter
	limit   int // rows of a row group; 0 until the first rows tell
	rows    int // in the open row group
	all     int
}

func create(w io.Writer, s *arrow.Schema, o format.WriteOptions) (format.Encoder, error) {
	codec, err := codecOf(o.Compression)
	if err != nil {
		return nil, err
	}
	if s.NumFields() == 0 {
		return nil, errors.New("a file of no columns; Parquet files need one at least")
	}
	e := &encoder{w: w, limit: o.BatchRows, codec: codec, plain: o.Plain}
	if e.stored, err = storedSchema(s); err != nil {
		return nil, err
	}
	if err := e.begin(s); err != nil {
		return nil, err
	}
	return e, e.write(magic)
}

// properties are how a column of a type is written. What is a dictionary in Arrow is one in the file, as Polars expects it.
func (e *encoder) properties(t arrow.DataType) *arrowparquet.WriterProperties {
	return arrowparquet.NewWriterProperties(
		arrowparquet.WithCompression(e.codec), arrowparquet.WithDictionaryDefault(!e.plain || categorical(t)), arrowparquet.WithVersion(arrowparquet.V2_LATEST),
		arrowparquet.WithMaxRowGroupLength(1<<62), arrowparquet.WithStats(true),
	)
}

// categorical reports whether a type is or holds dictionaries.
func categorical(t arrow.DataType) bool {
	if n, ok := t.(arrow.NestedType); ok {
		return slices.ContainsFunc(n.Fields(), func(f arrow.Field) bool { return categorical(f.Type) })
	}
	return t.ID() == arrow.DICTIONARY
}

// codecOf finds a compression by its name.
func codecOf(name string) (compress.Compression, error) {
	switch name {
	case "":
		return compress.Codecs.Snappy, nil
	case "none":
		return compress.Codecs.Uncompressed, nil
	}
	for codec, n := range codecs {
		if n == name {
			return codec, nil
		}
	}
	return 0, fmt.Errorf("compression %q is not one of Parquet; use none, snappy, gzip, brotli, zstd or lz4", name)
}

// begin makes the metadata of the file, as the library does for one without rows, and tries each column: what cannot be read back is
// refused here.
func (e *encoder) begin(s *arrow.Schema) error {
	for i, f := range e.stored.Fields() {
		one := arrow.NewSchema([]arrow.Field{f}, nil)
		if _, err := emptyFile(one, e.properties(f.Type)); err != nil {
			return fmt.Errorf("column %q: Parquet does not hold %s (%w); cast it first", s.Field(i).Name, s.Field(i).Type, err)
		}
	}
	stored := e.stored
	if restored(s) {
		stored = withSchema(stored, s)
	}
	raw, err := emptyFile(stored, e.properties(arrow.StructOf(stored.Fields()...)))
	if err != nil {
		return err
	}
	e.meta, err = parseFooter(raw)
	return err
}

// emptyFile is a file without rows, which must be readable.
func emptyFile(s *arrow.Schema, props *arrowparquet.WriterProperties) ([]byte, error) {
	var out bytes.Buffer
	options := pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema())
	if s.Metadata().FindKey(schemaKey) >= 0 {
		options = pqarrow.NewArrowWriterProperties()
	}
	w, err := pqarrow.NewFileWriter(s, &out, props, options)
	if err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// Write appends rows to the open row group, and ends it where it is full.
func (e *encoder) Write(ctx context.Context, r arrow.RecordBatch) error {
	if r.Schema().NumFields() != e.stored.NumFields() {
		return fmt.Errorf("%d columns, the file has %d", r.Schema().NumFields(), e.stored.NumFields())
	}
	n := int(r.NumRows())
	if e.limit == 0 && n > 0 {
		e.limit = groupSize(r)
	}
	for at := 0; at < n; {
		k := min(n-at, e.limit-e.rows, stepRows*4)
		if err := e.append(ctx, r, at, at+k); err != nil {
			return err
		}
		at += k
		if e.rows += k; e.rows == e.limit {
			if err := e.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// append gives rows [lo, hi) to the writers of the columns.
func (e *encoder) append(ctx context.Context, r arrow.RecordBatch, lo, hi int) error {
	if e.columns == nil {
		e.columns = make([]*columnWriter, e.stored.NumFields())
	}
	return format.Each(ctx, len(e.columns), func(_ context.Context, i int) error {
		if e.columns[i] == nil {
			var err error
			if e.columns[i], err = newColumnWriter(e.stored.Field(i), e.properties(e.stored.Field(i).Type)); err != nil {
				return err
			}
		}
		if err := e.columns[i].write(arrowarray.NewSlice(r.Column(i), int64(lo), int64(hi))); err != nil {
			return fmt.Errorf("column %q: %w", e.stored.Field(i).Name, err)
		}
		return nil
	})
}

// flush ends the open row group.
func (e *encoder) flush(ctx context.Context) error {
	if e.rows == 0 {
		return nil
	}
	ends := make([]*ended, len(e.columns))
	err := format.Each(ctx, len(e.columns), func(_ context.Context, i int) (err error) {
		ends[i], err = e.columns[i].end()
		return err
	})
	if err != nil {
		return err
	}
	group := *ends[0].meta.RowGroups[0]
	start := int64(e.at)
	group.Columns = group.Columns[:0:0]
	group.FileOffset, group.TotalByteSize = &start, 0
	size := int64(0)
	for _, c := range ends {
		if got := c.meta.RowGroups[0].NumRows; got != int64(e.rows) {
			return fmt.Errorf("%d rows were written of %d", got, e.rows)
		}
		for _, column := range c.meta.RowGroups[0].Columns {
			m := column.MetaData
			m.DataPageOffset += int64(e.at)
			if m.DictionaryPageOffset != nil {
				*m.DictionaryPageOffset += int64(e.at)
			}
			column.FileOffset = 0
			group.Columns = append(group.Columns, column)
			group.TotalByteSize += m.TotalUncompressedSize
			size += m.TotalCompressedSize
		}
		if err := e.write(c.pages); err != nil {
			return err
		}
	}
	ordinal := int16(len(e.meta.RowGroups))
	group.Ordinal, group.TotalCompressedSize = &ordinal, &size
	if len(e.meta.RowGroups) >= 1<<15 {
		group.Ordinal = nil // it has 16 bits, and may be left out
	}
	e.meta.RowGroups = append(e.meta.RowGroups, &group)
	e.all += e.rows
	e.rows, e.columns = 0, nil
	return nil
}

// write adds bytes to the file.
func (e *encoder) write(b []byte) error {
	n, err := e.w.Write(b)
	e.at += n
	return err
}

// Close ends the last row group and writes the footer.
func (e *encoder) Close() error {
	if err := e.flush(context.Background()); err != nil {
		return err
	}
	e.meta.NumRows = int64(e.all)
	var footer bytes.Buffer
	n, err := e.meta.WriteTo(&footer, nil)
	if err != nil {
		return err
	}
	tail := []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
	if n >= 1<<32 {
		return fmt.Errorf("a footer of %d bytes, which Parquet does not hold; use larger row groups", n)
	}
	if err := e.write(footer.Bytes()[:n]); err != nil {
		return err
	}
	return e.write(append(tail, magic...))
}
