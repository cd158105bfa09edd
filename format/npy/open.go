package npy

import (
	"context"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/format"
)

// batchBytes is about what a batch of File.Batches holds; a file has no batches of its own, any run of rows is as cheap.
const batchBytes = 64 << 20

// open reads the header of a .npy file.
func open(ctx context.Context, in *format.Input, o format.Options) (*format.File, error) {
	if o.Member != "" {
		return nil, fmt.Errorf("is one array, without a member %q", o.Member)
	}
	m := &member{src: source{in, 0, in.Size}}
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	return newFile(&reader{members: []*member{m}, budget: o.Budget}), nil
}

// member is one array.
type member struct {
	name   string // "" in a .npy file
	head   *header
	src    source
	packed *packed // nil where src holds the array itself
	odd    int     // bytes that the values begin behind a multiple of 8
}

// open reads the header of a member that is not packed, and looks where the values lie.
func (m *member) open(ctx context.Context) (err error) {
	if m.head, err = readHeader(ctx, m.src); err != nil || !m.src.in.Mapped {
		return err
	}
	values, err := m.src.view(ctx, m.head.length, m.src.size-m.head.length)
	m.odd = oddness(values)
	return err
}

// reader reads the columns of arrays that have the same number of rows.
type reader struct {
	members []*member
	budget  int
	columns []place
	cache   cache
}

// place is where a column lies.
type place struct{ member, field int }

// newFile is what members say: the reader has nothing but them.
func newFile(r *reader) *format.File {
	f := &format.File{Reader: r}
	var fields []arrow.Field
	row := 1 // bytes
	for i, m := range r.members {
		f.Rows = m.head.rows()
		row += m.head.record * m.head.width()
		if m.packed != nil {
			f.Compression = "deflate"
		}
		for k, d := range m.head.fields {
			name := m.name
			switch {
			case d.name != "" && name != "":
				name += "." + d.name
			case d.name != "":
				name = d.name
			case name == "":
				name = "data"
			}
			axes := m.head.axes(k)
			fields = append(fields, arrow.Field{Name: name, Type: d.nested(axes), Nullable: d.nulls() && len(axes) == 0})
			r.columns = append(r.columns, place{i, k})
		}
	}
	f.Schema = arrow.NewSchema(fields, nil)
	each := max(1, batchBytes/row)
	if f.Views = r.views(); f.Views {
		each = max(1, f.Rows)
	}
	f.Batches = batches(f.Rows, each)
	return f
}

// views reports whether all columns are views of a mapped file: then it is one batch.
func (r *reader) views() bool {
	return !slices.ContainsFunc(r.columns, func(c place) bool {
		m := r.members[c.member]
		return m.packed != nil || !m.src.in.Mapped || m.head.fields[c.field].kind != number || m.cost(c.field, 1) > 0
	})
}

// batches cuts rows into even runs, unless they take no bytes and are very many.
func batches(rows, each int) []int {
	if rows == 0 {
		return nil
	}
	n := (rows-1)/each + 1
	if n > 1<<16 {
		n = 1 << 16
	}
	out := make([]int, n)
	for i := range out {
		out[i] = rows / n
		if i < rows%n {
			out[i]++
		}
	}
	return out
}

// axes are the lengths of the lists that a column's values are nested in.
func (h *header) axes(field int) []int {
	var out []int
	if len(h.shape) > 1 {
		out = append(out, h.shape[1:]...)
	}
	return append(out, h.fields[field].axes...)
}

// Read gives rows of columns: views of the file where its bytes are Arrow's, else new memory.
func (r *reader) Read(ctx context.Context, columns []int, lo, hi int) ([]arrow.Array, error) {
	need := 0
	for i, c := range columns {
		at := r.columns[c]
		if p := r.members[at.member].packed; p != nil && !slices.ContainsFunc(columns[:i], func(k int) bool { return r.columns[k].member == at.member }) {
			need += p.length
		}
		need += r.members[at.member].cost(at.field, hi-lo)
		if need < 0 || need > r.budget {
			return nil, fmt.Errorf("rows [%d, %d) of %d columns take more than the %d bytes of Options.Budget; read fewer at a time, or raise it", lo, hi, len(columns), r.budget)
		}
	}
	out := make([]arrow.Array, len(columns))
	for i, m := range r.members {
		var at, fields []int
		for k, c := range columns {
			if r.columns[c].member == i {
				at, fields = append(at, k), append(fields, r.columns[c].field)
			}
		}
		if len(at) == 0 {
			continue
		}
		arrays, err := r.readMember(ctx, m, fields, lo, hi)
		if err != nil {
			if m.name != "" {
				err = fmt.Errorf("member %q: %w", m.name, err)
			}
			return nil, err
		}
		for k, a := range arrays {
			out[at[k]] = a
		}
	}
	return out, nil
}

func (r *reader) readMember(ctx context.Context, m *member, fields []int, lo, hi int) (_ []arrow.Array, err error) {
	src := m.src
	if m.packed != nil {
		if src, err = r.cache.unpacked(ctx, m, r.budget); err != nil {
			return nil, err
		}
	}
	values, err := m.gather(ctx, src, fields, lo, hi)
	if err != nil {
		return nil, err
	}
	out := make([]arrow.Array, len(fields))
	for i, k := range fields {
		if out[i], err = m.convert(ctx, src, k, values[i], lo, hi-lo); err != nil {
			return nil, fmt.Errorf("column %q: %w", r.nameOf(m, k), err)
		}
	}
	return out, nil
}

// nameOf is how messages call a field.
func (r *reader) nameOf(m *member, field int) string {
	if name := m.head.fields[field].name; name != "" {
		return name
	}
	if m.name != "" {
		return m.name
	}
	return "data"
}

// Close forgets what was unpacked.
func (r *reader) Close() error {
	r.cache.clear()
	return nil
}
