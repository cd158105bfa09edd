package csv

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/format"
)

// open finds the dialect, the types and where the records are.
func open(ctx context.Context, in *format.Input, o format.Options) (*format.File, error) {
	return openSteps(ctx, in, o, stepUsual)
}

// openSteps is open with an index of so many bytes a step.
func openSteps(ctx context.Context, in *format.Input, o format.Options, step int) (*format.File, error) {
	if in.Size == 0 {
		return nil, errors.New("is empty; write it again")
	}
	t, err := newText(ctx, in, o.Budget)
	if err != nil {
		return nil, err
	}
	r := &reader{text: t, nulls: newNulls(o.CSV.Nulls), budget: o.Budget - len(t.data)}
	options := sumOptions(o.CSV)
	var l *layout
	if o.Index != nil {
		if l, err = decodeLayout(o.Index, t, options); err == nil && !l.agrees(o.CSV.Types) {
			err = errOtherIndex
		}
	} else {
		l, err = r.tell(ctx, o.CSV, step)
	}
	if err != nil {
		return nil, err
	}
	r.layout = l
	fields := make([]arrow.Field, len(l.names))
	r.columns = make([]column, len(l.names))
	for i, name := range l.names {
		fields[i] = arrow.Field{Name: name, Type: l.types[i], Nullable: true}
		if r.columns[i], err = newColumn(l.types[i]); err != nil {
			return nil, fmt.Errorf("column %q: %w", name, err)
		}
	}
	f := &format.File{Schema: arrow.NewSchema(fields, nil), Rows: l.rows(), Batches: l.batches(), Reader: r}
	if f.Index = o.Index; f.Index == nil {
		f.Index = l.encode(t, options)
	}
	if t.data != nil {
		f.Compression = "gzip"
	}
	return f, nil
}

// batches is the rows between the entries.
func (l *layout) batches() []int {
	b := make([]int, len(l.entries)-1)
	for i := range b {
		b[i] = l.entries[i+1].row - l.entries[i].row
	}
	return b
}

// tell finds out what the text does not say, by a sample and by counting its records.
func (r *reader) tell(ctx context.Context, o format.CSVOptions, step int) (l *layout, err error) {
	l = &layout{}
	size := min(r.text.size, stepBytes)
	sample, release, err := r.text.view(ctx, 0, size)
	if err != nil {
		return nil, err
	}
	l.dialect, l.names, err = tellDialect(sample, size == r.text.size, r.text.in.Path, o)
	release()
	if err != nil {
		return nil, err
	}
	s := scanner{text: r.text, start: l.start, line: l.line, comma: l.comma, step: step}
	if l.entries, err = s.scan(ctx); err != nil {
		return nil, err
	}
	if l.types, err = l.tellTypes(ctx, r.text, r.nulls); err != nil {
		return nil, err
	}
	return l, l.override(o.Types)
}

// override sets the types of the columns that the options name.
func (l *layout) override(types []arrow.Field) error {
	for i, f := range types {
		if slices.ContainsFunc(types[:i], func(g arrow.Field) bool { return g.Name == f.Name }) {
			return fmt.Errorf("CSVOptions.Types names column %q twice", f.Name)
		}
		at := slices.Index(l.names, f.Name)
		if at < 0 {
			return fmt.Errorf("CSVOptions.Types: there is no column %q; there are %s", f.Name, list(l.names))
		}
		if slices.Contains(l.names[at+1:], f.Name) {
			return fmt.Errorf("CSVOptions.Types: two columns are called %q; rename one in the file", f.Name)
		}
		if _, err := newColumn(f.Type); err != nil {
			return fmt.Errorf("CSVOptions.Types: column %q: %w", f.Name, err)
		}
		l.types[at] = f.Type
	}
	return nil
}

// list is the first names.
func list(names []string) string {
	const most = 20
	quoted := make([]string, min(len(names), most))
	for i := range quoted {
		quoted[i] = fmt.Sprintf("%q", names[i])
	}
	text := strings.Join(quoted, ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}
