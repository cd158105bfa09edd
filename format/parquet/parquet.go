// Package parquet is the format of Apache Parquet files. Reading takes only the row groups, columns and pages that are asked for, on all
// threads; page checksums are verified where there are any. Columns of numbers are read straight into one Arrow array each; texts,
// decimals and nested columns through Arrow's own library, one row group and column a goroutine.
//
// It links some 20 MB, most of it not of use here, so programs have to ask for it: darray.UseFormat(parquet.Format).
package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/darray-go/darray/format"
)

// Format reads and writes Parquet files. Timestamps in seconds come back in milliseconds, and views of texts as texts: Parquet has neither.
var Format = format.Format{
	Name:       "parquet",
	What:       "Parquet files (.parquet, .pq)",
	Extensions: []string{".parquet", ".pq"},
	Is: func(head []byte, _ string) bool {
		return bytes.HasPrefix(head, magic) || bytes.HasPrefix(head, magicEncrypted)
	},
	Open:   open,
	Create: create,
}

// reader is an open file.
type reader struct {
	in       *format.Input
	budget   int
	meta     *metadata.FileMetaData
	end      int // where the footer begins
	schema   *arrow.Schema
	columns  []column
	starts   []int // first row of each row group, and the number of rows
	unpacker unpacker
}

// column is a column of the file's top level.
type column struct {
	field  *pqarrow.SchemaField
	leaves []int                                  // columns of values that it is made of
	flat   bool                                   // one leaf, each of whose values is a row
	alone  func() (*metadata.FileMetaData, error) // what the footer would say if there were no other column
}

func open(ctx context.Context, in *format.Input, o format.Options) (*format.File, error) {
	r := &reader{in: in, budget: o.Budget}
	var err error
	if r.meta, r.end, err = readFooter(ctx, in, o.Budget); err != nil {
		return nil, err
	}
	if err := checkArrowSchema(r.meta.KeyValueMetadata()); err != nil {
		return nil, err
	}
	if err := r.describe(); err != nil {
		return nil, err
	}
	batches, err := r.checkGroups()
	if err != nil {
		return nil, err
	}
	file := &format.File{
		Schema: r.schema, Rows: r.starts[len(batches)], Batches: batches,
		Compression: r.compression(), Reader: r, Bounds: r.bounds(),
	}
	return file, nil
}

// describe finds the Arrow schema and which leaves each column is made of.
func (r *reader) describe() error {
	manifest, err := pqarrow.NewSchemaManifest(r.meta.Schema, r.meta.KeyValueMetadata(), &pqarrow.ArrowReadProperties{})
	if err != nil {
		return err
	}
	fields := make([]arrow.Field, len(manifest.Fields))
	for i := range manifest.Fields {
		f := &manifest.Fields[i]
		if f.Field == nil || f.Field.Type == nil {
			return fmt.Errorf("column %d has no type", i)
		}
		fields[i] = *f.Field
		c := column{field: f, leaves: leaves(f, nil)}
		c.alone = sync.OnceValues(func() (*metadata.FileMetaData, error) { return r.alone(i, manifest.OriginSchema) })
		if c.flat = len(c.leaves) == 1; c.flat {
			leaf := r.meta.Schema.Column(c.leaves[0])
			c.flat = leaf.MaxRepetitionLevel() == 0
		}
		r.columns = append(r.columns, c)
	}
	r.schema = arrow.NewSchema(fields, manifest.SchemaMeta)
	return nil
}

func leaves(f *pqarrow.SchemaField, all []int) []int {
	if f.IsLeaf() {
		return append(all, f.ColIndex)
	}
	for i := range f.Children {
		all = leaves(&f.Children[i], all)
	}
	return all
}

// checkGroups checks what the footer says of row groups, and gives their rows.
func (r *reader) checkGroups() ([]int, error) {
	batches := make([]int, len(r.meta.RowGroups))
	r.starts = make([]int, len(batches)+1)
	for g, group := range r.meta.RowGroups {
		rows := int(group.NumRows)
		// A bit is the least that a row takes in memory, and a byte of a page the least in the file.
		if rows < 0 || rows/8 > r.budget {
			return nil, fmt.Errorf("row group %d claims %d rows, the budget is %d bytes; raise Options.Budget", g, rows, r.budget)
		}
		if len(group.Columns) != r.meta.Schema.NumColumns() {
			return nil, fmt.Errorf("row group %d has %d columns, the schema %d", g, len(group.Columns), r.meta.Schema.NumColumns())
		}
		if rows > 0 && len(group.Columns) == 0 {
			return nil, fmt.Errorf("row group %d claims %d rows of no columns", g, rows)
		}
		for leaf := range group.Columns {
			if err := r.checkChunk(g, leaf); err != nil {
				return nil, fmt.Errorf("row group %d, column %q: %w", g, r.meta.Schema.Column(leaf).Path(), err)
			}
		}
		batches[g], r.starts[g+1] = rows, r.starts[g]+rows
		if r.starts[g+1] < 0 {
			return nil, errors.New("claims more rows than can be counted")
		}
	}
	if int(r.meta.NumRows) != r.starts[len(batches)] {
		return nil, fmt.Errorf("claims %d rows, its row groups have %d", r.meta.NumRows, r.starts[len(batches)])
	}
	return batches, nil
}

// checkChunk checks what the footer says of one column in one row group.
func (r *reader) checkChunk(group, leaf int) error {
	g := r.meta.RowGroups[group]
	c := g.Columns[leaf]
	switch {
	case c.IsSetCryptoMetadata():
		return errEncrypted
	case c.GetFilePath() != "":
		return fmt.Errorf("its values lie in another file, %q; open that one", c.GetFilePath())
	case c.MetaData == nil:
		return errors.New("nothing is said of it")
	}
	// Indexes and filters of pages are not used, and the library is not to look for them.
	c.OffsetIndexOffset, c.OffsetIndexLength, c.ColumnIndexOffset, c.ColumnIndexLength = nil, nil, nil, nil
	m := c.MetaData
	m.BloomFilterOffset, m.BloomFilterLength = nil, nil
	if int(m.Type) != int(r.meta.Schema.Column(leaf).PhysicalType()) {
		return fmt.Errorf("its values are of %s, the schema says %s", m.Type, r.meta.Schema.Column(leaf).PhysicalType())
	}
	if _, ok := codecs[compress.Compression(m.Codec)]; !ok {
		return fmt.Errorf("compression %s cannot be read; write the file again with zstd or snappy", m.Codec)
	}
	if m.NumValues < 0 || r.meta.Schema.Column(leaf).MaxRepetitionLevel() == 0 && m.NumValues != g.NumRows {
		return fmt.Errorf("it has %d values, the row group %d rows", m.NumValues, g.NumRows)
	}
	if m.NumValues/8 > int64(r.budget) {
		return fmt.Errorf("it claims %d values, the budget is %d bytes; raise Options.Budget", m.NumValues, r.budget)
	}
	if m.NumValues == 0 {
		return nil
	}
	at, end := chunkRange(m.DataPageOffset, m.DictionaryPageOffset, m.TotalCompressedSize)
	if m.TotalCompressedSize <= 0 || at < len(magic) || end < at || end > r.end {
		return fmt.Errorf("it lies at bytes [%d, %d), the values of the file at [%d, %d)", at, end, len(magic), r.end)
	}
	return nil
}

// compression is the name of the codec of all columns, or "mixed".
func (r *reader) compression() string {
	name, first := "", true
	for _, g := range r.meta.RowGroups {
		for _, c := range g.Columns {
			next := codecs[compress.Compression(c.MetaData.Codec)]
			if !first && next != name {
				return "mixed"
			}
			name, first = next, false
		}
	}
	return name
}

// Close has nothing to free: the input is the file's.
func (r *reader) Close() error { return nil }
