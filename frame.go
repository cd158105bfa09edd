package darray

import (
	"context"
	"fmt"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/internal/nearest"
)

// Frame is a table of named columns of equal length: columns of files, and arrays put beside them. It is immutable and a
// description, as arrays are; the zero Frame has no columns. It holds no file open.
type Frame struct {
	columns []column
	rows    int
	hidden  []arrow.Field // columns of the files whose types arrays do not compute with
}

type column struct {
	name string
	a    Array
}

// Open describes the files as one frame, their rows in order; schemas must agree. What a file is, is told by its content.
// It reads schemas and row counts only; every rank then reads the rows that it works on, or gets them from rank 0 where
// it cannot reach a file.
func Open(path string, more ...string) (*Frame, error) {
	f := &Frame{}
	source := array.Source{}
	var first *format.File
	for _, p := range append([]string{path}, more...) {
		abs, err := filepath.Abs(p) // ranks of this host may run in another directory
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", p, err)
		}
		file, err := format.Open(abs, format.Options{})
		if err != nil {
			return nil, err
		}
		if err := file.Close(); err != nil { // what it says of itself stays good
			return nil, err
		}
		if first == nil {
			first = file
		} else if err := format.SameSchema(first, file); err != nil {
			return nil, err
		}
		f.rows += file.Rows
		source.Paths, source.Version = append(source.Paths, abs), append(source.Version, file.Version)
	}
	source.Format = first.Format
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	for _, field := range first.Schema.Fields() {
		d, err := array.FromArrowType(field.Type)
		if err != nil {
			f.hidden = append(f.hidden, field)
			continue
		}
		s := source
		s.Column, s.Name = field.Name, stem+"."+field.Name
		a := Array{array.File(&s, d, f.rows, 0)}
		if _, err := first.Column(field.Name); err != nil { // two of that name
			a = Array{array.Failed(0, err)}
		}
		f.columns = append(f.columns, column{field.Name, a})
	}
	return f, nil
}

// Col is a column as an array. An unknown name is an error that comes with Collect, says which columns there are and
// which is nearest.
func (f *Frame) Col(name string) Array {
	for _, c := range f.columns {
		if c.name == name {
			return c.a
		}
	}
	return Array{array.Failed(caller(1), f.unknown(name))}
}

// unknown says why name is not a column to compute with.
func (f *Frame) unknown(name string) error {
	for _, field := range f.hidden {
		if field.Name == name {
			return fmt.Errorf("%w: column %q is %s, which arrays do not compute with; %s", ErrDType, name, field.Type, f.have())
		}
	}
	hint := ""
	if near := nearest.Name(name, f.Names()); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("no column %q; %s%s", name, f.have(), hint)
}

func (f *Frame) have() string {
	if len(f.columns) == 0 {
		return "there are no numeric columns"
	}
	return "there are " + list(f.Names())
}

// list names columns in a sentence, in quotes where a name would not stand out as one.
func list(names []string) string {
	const most = 20
	var out []string
	for _, name := range names[:min(len(names), most)] {
		if !slices.ContainsFunc(strings.Split(name, "."), func(part string) bool { return !token.IsIdentifier(part) }) {
			out = append(out, name)
		} else {
			out = append(out, strconv.Quote(name))
		}
	}
	text := strings.Join(out, ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// With is the frame with one more column, or with the column of that name replaced. A column of another length than the
// frame's becomes an error of the column.
func (f *Frame) With(name string, a Array) *Frame {
	out := &Frame{columns: slices.Clone(f.columns), rows: f.rows, hidden: f.hidden}
	if len(out.columns) == 0 {
		out.rows = a.Len()
	}
	if a.Err() == nil && (a.NDim() != 1 || a.Len() != out.rows) {
		a = Array{array.Failed(caller(1), fmt.Errorf("%w: column %q has shape %v, the frame %d rows", ErrShape, name, a.Shape(), out.rows))}
	}
	for i := range out.columns {
		if out.columns[i].name == name {
			out.columns[i].a = a
			return out
		}
	}
	out.columns = append(out.columns, column{name, a})
	return out
}

// Select is the frame of the named columns, in that order.
func (f *Frame) Select(names ...string) *Frame {
	out := &Frame{rows: f.rows}
	for _, name := range names {
		out.columns = append(out.columns, column{name, f.Col(name)})
	}
	return out
}

// NumRows is the number of rows.
func (f *Frame) NumRows() int { return f.rows }

// Names lists the columns that arrays compute with, in order.
func (f *Frame) Names() []string {
	names := make([]string, len(f.columns))
	for i, c := range f.columns {
		names[i] = c.name
	}
	return names
}

// Schema lists the columns that arrays compute with, then those of the files that they do not.
func (f *Frame) Schema() *arrow.Schema {
	fields := make([]arrow.Field, 0, len(f.columns)+len(f.hidden))
	for _, c := range f.columns {
		fields = append(fields, arrow.Field{Name: c.name, Type: c.a.DType().Arrow(), Nullable: true})
	}
	return arrow.NewSchema(append(fields, f.hidden...), nil)
}

// Write collects all columns on the default cluster and writes them as one Arrow IPC file: to a temporary name beside
// path, which is renamed when all is on disk. A failure leaves the old file whole and no temporary one. It blocks.
func (f *Frame) Write(path string) error { return f.WriteContext(context.Background(), path) }

// WriteContext is Write with a context.
func (f *Frame) WriteContext(ctx context.Context, path string) error {
	c, err := Default()
	if err != nil {
		return err
	}
	if len(f.hidden) > 0 {
		return fmt.Errorf("write %s: %w: column %q is %s, which cannot be written yet; choose columns with Select", path, ErrDType, f.hidden[0].Name, f.hidden[0].Type)
	}
	arrays := make([]Array, len(f.columns))
	for i, col := range f.columns {
		arrays[i] = col.a
	}
	blocks, err := c.Collect(ctx, arrays...)
	if err != nil {
		return err
	}
	return WriteBlocks(ctx, path, f.Names(), blocks)
}
