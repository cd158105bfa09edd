package arrowipc

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/darray-go/darray/array"
)

// WriteOptions of a new file. The zero value writes uncompressed batches, which can be mapped.
type WriteOptions struct {
	Compression string // "", "lz4" or "zstd"
	BatchBytes  int    // about how large a record batch becomes; 0 is 64 MiB, as other readers refuse batches above 256 MiB
}

const defaultBatchBytes = 64 << 20

// NewSchema is the schema of columns with these names and element types, all of them nullable.
func NewSchema(names []string, dtypes []array.DType) (*arrow.Schema, error) {
	if len(names) != len(dtypes) {
		return nil, fmt.Errorf("%w: %d names for %d columns", array.ErrShape, len(names), len(dtypes))
	}
	fields := make([]arrow.Field, len(names))
	for i, d := range dtypes {
		if !d.Valid() {
			return nil, fmt.Errorf("%w: column %q has no element type", array.ErrDType, names[i])
		}
		fields[i] = arrow.Field{Name: names[i], Type: d.Arrow(), Nullable: true}
	}
	return arrow.NewSchema(fields, nil), nil
}

// WriteFile writes columns of equal length as an Arrow file, put in place at once when it is complete and on the disk.
// If it fails or ctx ends, no file is made and one of that name stays as it was.
func WriteFile(ctx context.Context, path string, names []string, columns []*array.Block, o WriteOptions) error {
	schema, err := schemaOf(names, columns)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	w, err := NewWriter(path, schema, o)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := w.Write(ctx, columns...); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return w.fail(err)
	}
	return w.Commit()
}

// Write writes columns of equal length in the file format to w.
func Write(ctx context.Context, w io.Writer, names []string, columns []*array.Block, o WriteOptions) error {
	schema, err := schemaOf(names, columns)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	e, err := newEncoder(w, schema, o)
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err = e.write(ctx, columns); err == nil {
		err = e.close()
	}
	if err != nil {
		return fmt.Errorf("write: %w; what was written is no whole file", err)
	}
	return nil
}

func schemaOf(names []string, columns []*array.Block) (*arrow.Schema, error) {
	dtypes := make([]array.DType, len(columns))
	for i, c := range columns {
		dtypes[i] = c.DType()
	}
	return NewSchema(names, dtypes)
}

// encoder cuts columns into record batches.
type encoder struct {
	schema   *arrow.Schema
	dtypes   []array.DType
	ipc      *ipc.FileWriter
	perRow   int // bits
	perBatch int // rows
}

func newEncoder(w io.Writer, schema *arrow.Schema, o WriteOptions) (*encoder, error) {
	e := &encoder{schema: schema}
	seen := make(map[string]bool)
	for _, f := range schema.Fields() {
		d, err := array.FromArrowType(f.Type)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", f.Name, err)
		}
		if seen[f.Name] {
			return nil, fmt.Errorf("two columns are called %q; rename one", f.Name)
		}
		seen[f.Name] = true
		e.dtypes = append(e.dtypes, d)
		e.perRow += d.BufferSize(8) + 1 // bits: those of 8 rows are its bytes, and one of validity
	}
	options := []ipc.Option{ipc.WithSchema(schema)}
	switch o.Compression {
	case "":
	case "lz4":
		options = append(options, ipc.WithLZ4())
	case "zstd":
		options = append(options, ipc.WithZstd())
	default:
		return nil, fmt.Errorf("compression %q is not known; use lz4 or zstd, or none", o.Compression)
	}
	if o.BatchBytes < 0 {
		return nil, fmt.Errorf("batches of %d bytes; use a positive number, or 0 for %d", o.BatchBytes, defaultBatchBytes)
	}
	if o.BatchBytes == 0 {
		o.BatchBytes = defaultBatchBytes
	}
	// Multiples of 64 rows keep bitmaps aligned where batches are joined again.
	e.perBatch = max(64, o.BatchBytes/max(1, e.perRow)*8&^63)
	var err error
	e.ipc, err = ipc.NewFileWriter(w, options...)
	return e, err
}

// check holds columns against the schema and gives their length.
func (e *encoder) check(columns []*array.Block) (rows int, err error) {
	if len(columns) != len(e.dtypes) {
		return 0, fmt.Errorf("%w: %d columns for a schema of %d", array.ErrShape, len(columns), len(e.dtypes))
	}
	for i, c := range columns {
		f := e.schema.Field(i)
		switch {
		case c == nil:
			return 0, fmt.Errorf("column %q is nil", f.Name)
		case c.DType() != e.dtypes[i]:
			return 0, fmt.Errorf("%w: column %q is %s, the schema says %s", array.ErrDType, f.Name, c.DType(), e.dtypes[i])
		case len(c.Shape()) != 1:
			return 0, fmt.Errorf("%w: column %q has shape %v; reshape it to one axis", array.ErrShape, f.Name, c.Shape())
		case c.Len() != columns[0].Len():
			return 0, fmt.Errorf("%w: column %q has %d rows, column %q has %d", array.ErrShape, f.Name, c.Len(), e.schema.Field(0).Name, columns[0].Len())
		case !f.Nullable && c.NullN() > 0:
			return 0, fmt.Errorf("%w: column %q has %d nulls, the schema allows none", array.ErrNull, f.Name, c.NullN())
		}
		rows = c.Len()
	}
	return rows, nil
}

// write appends columns in batches.
func (e *encoder) write(ctx context.Context, columns []*array.Block) (err error) {
	defer rescue(&err)
	rows, err := e.check(columns)
	if err != nil {
		return err
	}
	for lo := 0; lo < rows; lo += e.perBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.batch(columns, lo, min(lo+e.perBatch, rows)); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) batch(columns []*array.Block, lo, hi int) error {
	arrays := make([]arrow.Array, len(columns))
	for i, c := range columns {
		arrays[i] = c.Slice(lo, hi).Arrow()
		defer arrays[i].Release()
	}
	r := arrowarray.NewRecordBatch(e.schema, arrays, int64(hi-lo))
	defer r.Release()
	return e.ipc.Write(r)
}

// close writes the footer.
func (e *encoder) close() (err error) {
	defer rescue(&err)
	return e.ipc.Close()
}

// rescue turns a panic of arrow-go into an error.
func rescue(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("arrow: %v", r)
	}
}
