package darray

import (
	"slices"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
	"github.com/darray-go/darray/partition"
)

// stats is what the files of a frame say of the values in their batches.
type stats struct {
	paths   []string // the same slice as in the sources of its columns
	batches []partition.Range
	columns map[string][]format.Bounds // by batch; nil where some file says nothing
}

func statsOf(t *table, paths []string) *stats {
	s := &stats{paths: paths, columns: make(map[string][]format.Bounds)}
	for i, f := range t.files {
		at := t.starts[i]
		for _, n := range f.Batches {
			s.batches = append(s.batches, partition.Range{Lo: at, Hi: at + n})
			at += n
		}
		for c, field := range f.Schema.Fields() {
			if c >= len(f.Bounds) || f.Bounds[c] == nil || i > 0 && s.columns[field.Name] == nil {
				delete(s.columns, field.Name)
				continue
			}
			s.columns[field.Name] = append(s.columns[field.Name], f.Bounds[c]...)
		}
	}
	for k, field := range t.keys.fields {
		delete(s.columns, field.Name)
		var bounds []format.Bounds
		for i, f := range t.files {
			v, ok := array.ScalarAt(t.keys.values[k][i])
			for range f.Batches {
				bounds = append(bounds, format.Bounds{Min: v, Max: v, Known: ok})
			}
		}
		s.columns[field.Name] = bounds
	}
	return s
}

// maxRanges bounds the pieces that a column is read in.
const maxRanges = 4096

// prune leaves out of the frame and of a mask the rows of batches for which statistics say that the mask is not true, where all columns
// can be read without them.
func (f *Frame) prune(mask *array.Node) (*Frame, *array.Node) {
	if mask.Err() != nil || f.rows <= 0 || len(mask.Shape()) != 1 || mask.Shape()[0] != f.rows {
		return f, mask
	}
	p := pruner{f.stats, f.rows}
	ranges := p.possible(mask, 0)
	if covered(ranges) == f.rows || len(ranges) > maxRanges {
		return f, mask
	}
	less := array.Restrict(mask, ranges)
	if less == nil {
		return f, mask
	}
	out := &Frame{rows: covered(ranges), stats: f.stats, columns: slices.Clone(f.columns)}
	for i, c := range f.columns {
		n := c.a.n()
		if _, carried := n.Carried(); n.Err() != nil && !carried {
			continue
		}
		part := array.Restrict(n, ranges)
		if part == nil {
			return f, mask
		}
		out.columns[i].a = Array{part}
	}
	return out, less
}

func covered(ranges []partition.Range) int {
	n := 0
	for _, r := range ranges {
		n += r.Len()
	}
	return n
}

// pruner finds the rows for which a mask may be true.
type pruner struct {
	stats []*stats
	rows  int
}

// maxDepth bounds how deep a mask is looked into.
const maxDepth = 100

func (p *pruner) all() []partition.Range { return []partition.Range{{Lo: 0, Hi: p.rows}} }

// possible gives rows outside of which n is not true.
func (p *pruner) possible(n *array.Node, depth int) []partition.Range {
	if n.Kind() != array.KindOp || depth > maxDepth || len(n.Args()) != 2 {
		return p.all()
	}
	x, y := n.Args()[0], n.Args()[1]
	switch op := n.Op(); op {
	case array.LogicalAnd, array.BitwiseAnd:
		if x.Shape().Equal(y.Shape()) && x.DType() == array.Bool {
			return intersect(p.possible(x, depth+1), p.possible(y, depth+1))
		}
	case array.LogicalOr, array.BitwiseOr:
		if x.Shape().Equal(y.Shape()) && x.DType() == array.Bool {
			return unite(p.possible(x, depth+1), p.possible(y, depth+1))
		}
	case array.Less, array.LessEqual, array.Greater, array.GreaterEqual, array.Equal:
		if y.Kind() == array.KindFull && len(y.Shape()) == 0 {
			return p.compared(op, x, y.Scalar())
		}
		if x.Kind() == array.KindFull && len(x.Shape()) == 0 {
			return p.compared(mirrored[op], y, x.Scalar())
		}
	}
	return p.all()
}

// mirrored is the comparison with its operands exchanged.
var mirrored = map[array.Op]array.Op{
	array.Less: array.Greater, array.LessEqual: array.GreaterEqual, array.Greater: array.Less, array.GreaterEqual: array.LessEqual, array.Equal: array.Equal,
}

// compared gives the rows of a column for which its comparison with a number may be true.
func (p *pruner) compared(op array.Op, x *array.Node, with array.Scalar) []partition.Range {
	d := x.DType()
	for x.Kind() == array.KindOp && x.Op() == array.Cast && grows(x.Args()[0].DType(), x.DType()) {
		x = x.Args()[0]
	}
	if x.Kind() != array.KindFile || x.Source().Width > 0 {
		return p.all()
	}
	s := x.Source()
	at := slices.IndexFunc(p.stats, func(st *stats) bool { return len(st.paths) > 0 && len(s.Paths) > 0 && &st.paths[0] == &s.Paths[0] })
	if at < 0 || p.stats[at].columns[s.Column] == nil {
		return p.all()
	}
	var may []partition.Range
	for i, b := range p.stats[at].columns[s.Column] {
		if !b.Known || possibly(op, b.Min.Cast(d), b.Max.Cast(d), with) {
			may = append(may, p.stats[at].batches[i])
		}
	}
	if s.Rows == nil {
		return merged(may)
	}
	var out []partition.Range // as rows of the column
	from := 0
	for _, have := range s.Rows {
		for _, r := range may {
			if part := r.Intersect(have); !part.Empty() {
				out = append(out, partition.Range{Lo: part.Lo - have.Lo + from, Hi: part.Hi - have.Lo + from})
			}
		}
		from += have.Len()
	}
	return merged(out)
}

// grows reports whether a cast keeps the order of all values.
func grows(from, to array.DType) bool {
	switch {
	case from == array.Bool || to == array.Bool:
		return false
	case to.Float():
		return !from.Float() || to.Size() >= from.Size()
	case from.Float():
		return false
	}
	return to.Size() > from.Size() && (to.Signed() || from.Unsigned()) || from == to
}

// possibly reports whether some value between lo and hi may compare so; all are of one type.
func possibly(op array.Op, lo, hi, with array.Scalar) bool {
	switch op {
	case array.Less:
		return lo.Compare(with) < 0
	case array.LessEqual:
		return lo.Compare(with) <= 0
	case array.Greater:
		return hi.Compare(with) > 0
	case array.GreaterEqual:
		return hi.Compare(with) >= 0
	}
	return lo.Compare(with) <= 0 && hi.Compare(with) >= 0
}

func intersect(a, b []partition.Range) []partition.Range {
	var out []partition.Range
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if part := a[i].Intersect(b[j]); !part.Empty() {
			out = append(out, part)
		}
		if a[i].Hi < b[j].Hi {
			i++
		} else {
			j++
		}
	}
	return out
}

func unite(a, b []partition.Range) []partition.Range {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(x, y partition.Range) int { return x.Lo - y.Lo })
	return merged(all)
}

// merged joins ascending ranges that touch.
func merged(ranges []partition.Range) []partition.Range {
	var out []partition.Range
	for _, r := range ranges {
		if k := len(out) - 1; k >= 0 && r.Lo <= out[k].Hi {
			out[k].Hi = max(out[k].Hi, r.Hi)
			continue
		}
		if !r.Empty() {
			out = append(out, r)
		}
	}
	return out
}
