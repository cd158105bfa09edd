package darray

import (
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/internal/nearest"
)

// Frame is a table of named columns of equal length: columns of files, and arrays put beside them. It is immutable and a
// description, as arrays are; the zero Frame has no columns. It holds no file open.
type Frame struct {
	columns []column
	rows    int      // array.Unknown after a Filter
	stats   []*stats // of the files that columns are of
}

type column struct {
	name string
	a    Array
}

// newFrame is the columns of a table.
func newFrame(t *table, source array.Source, stem string) *Frame {
	f := &Frame{rows: t.rows(), stats: []*stats{statsOf(t, source.Paths)}}
	seen := make(map[string]bool)
	for _, field := range t.schema.Fields() {
		i, err := t.at(field.Name)
		if err == nil && t.schema.Field(i).Name != field.Name || seen[field.Name] {
			continue
		}
		seen[field.Name] = true
		s := source
		s.Column, s.Name = field.Name, stem+"."+field.Name
		var a Array
		if err != nil { // two of that name
			a = Array{array.Failed(0, err)}
		} else {
			s.Step, s.Views = t.takes(i)
			a = columnArray(&s, t.schema.Field(i), t.rows())
		}
		f.columns = append(f.columns, column{field.Name, a})
	}
	return f
}

// columnArray is a column of files as an array, or carried along.
func columnArray(s *array.Source, field arrow.Field, rows int) Array {
	d, row := array.Width(field.Type)
	if _, err := array.FromArrowType(field.Type); err != nil && (len(row) == 0 || !d.Valid()) || len(row) > 0 && row.Len() == 0 {
		return Array{array.Carried(s, field, rows)}
	}
	if len(row) == 0 {
		return Array{array.File(s, d, rows, 0)}
	}
	s.Width = row.Len()
	return Array{array.Reshape(array.File(s, d, rows*s.Width, 0), append(Shape{rows}, row...), 0)}
}

// Col is a column as an array. An unknown name is an error that comes with Collect, says which columns there are and
// which is nearest. A column whose type arrays do not compute with can be filtered, sliced and put into frames; times can be cast to int64.
func (f *Frame) Col(name string) Array {
	for _, c := range f.columns {
		if c.name == name {
			return c.a
		}
	}
	return Array{array.Failed(caller(1), f.unknown(name))}
}

// unknown says that name is no column.
func (f *Frame) unknown(name string) error {
	have, hint := "there are none", ""
	if len(f.columns) > 0 {
		have = "there are " + list(f.Names())
	}
	if near := nearest.Name(name, f.Names()); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return fmt.Errorf("no column %q; %s%s", name, have, hint)
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
	out := &Frame{columns: slices.Clone(f.columns), rows: f.rows, stats: f.stats}
	n := a.n()
	_, carried := n.Carried()
	good := n.Err() == nil || carried
	if good && len(out.columns) == 0 && len(n.Shape()) > 0 {
		out.rows = n.Shape()[0]
	}
	if good && (len(n.Shape()) == 0 || n.Shape()[0] != out.rows) {
		a = Array{array.Failed(caller(1), fmt.Errorf("%w: column %q has shape %v, the frame %s", ErrShape, name, n.Shape(), rowsText(out.rows)))}
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

func rowsText(rows int) string {
	if rows == array.Unknown {
		return "as many rows as its filter leaves"
	}
	return fmt.Sprintf("%d rows", rows)
}

// Select is the frame of the named columns, in that order.
func (f *Frame) Select(names ...string) *Frame {
	out := &Frame{rows: f.rows, stats: f.stats}
	for _, name := range names {
		a := f.Col(name)
		out.columns = append(out.columns, column{name, a})
	}
	return out
}

// Filter is the rows for which mask, a bool a row, is true; where it is null they go. Nothing is computed: how many rows there are is known
// when something of them is collected, and NumRows is negative until then. Comparisons of a file's columns with numbers spare reading the
// parts of files whose statistics say that no row can be meant.
func (f *Frame) Filter(mask Array) *Frame {
	pc := caller(1)
	f, node := f.prune(mask.n())
	return f.each(func(a *array.Node) *array.Node { return array.Filter(a, node, pc) })
}

// Head is the first n rows, or all where there are fewer.
func (f *Frame) Head(n int) *Frame {
	pc := caller(1)
	return f.each(func(a *array.Node) *array.Node { return array.Slice(a, 0, n, pc) })
}

// Slice is rows [lo, hi), 0 <= lo <= hi; as in Python an end beyond the last row is the last row.
func (f *Frame) Slice(lo, hi int) *Frame {
	pc := caller(1)
	return f.each(func(a *array.Node) *array.Node { return array.Slice(a, lo, hi, pc) })
}

// each is the frame of what each column becomes.
func (f *Frame) each(change func(*array.Node) *array.Node) *Frame {
	out := &Frame{rows: f.rows, stats: f.stats, columns: make([]column, len(f.columns))}
	for i, c := range f.columns {
		n := change(c.a.n())
		out.columns[i] = column{c.name, Array{n}}
		if _, carried := n.Carried(); (carried || n.Err() == nil) && len(n.Shape()) > 0 {
			out.rows = n.Shape()[0]
		}
	}
	return out
}

// NumRows is the number of rows; negative after a Filter, which has to be run to know: see Resolve.
func (f *Frame) NumRows() int { return f.rows }

// Names lists the columns in order.
func (f *Frame) Names() []string {
	names := make([]string, len(f.columns))
	for i, c := range f.columns {
		names[i] = c.name
	}
	return names
}

// Schema lists the columns with their Arrow types; arrays of more axes are fixed-size lists. A column that is an error has type null.
func (f *Frame) Schema() *arrow.Schema {
	fields := make([]arrow.Field, len(f.columns))
	for i, c := range f.columns {
		fields[i] = fieldOf(c.name, c.a.n())
	}
	return arrow.NewSchema(fields, nil)
}

func fieldOf(name string, n *array.Node) arrow.Field {
	if field, ok := n.Carried(); ok {
		field.Name = name
		return field
	}
	if n.Err() != nil {
		return arrow.Field{Name: name, Type: arrow.Null, Nullable: true}
	}
	t := n.DType().Arrow()
	for i := len(n.Shape()) - 1; i > 0; i-- {
		t = arrow.FixedSizeListOfField(int32(n.Shape()[i]), arrow.Field{Name: "item", Type: t, Nullable: i == len(n.Shape())-1})
	}
	return arrow.Field{Name: name, Type: t, Nullable: true}
}
