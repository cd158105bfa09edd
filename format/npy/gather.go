package npy

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// values are those of some rows of a field as the file has them, in order of rows and axes.
type values struct {
	bytes []byte
	owned bool // may be changed, and begins where Arrow likes it; else a view of the source
}

// perRow is the values of a field in a row.
func (h *header) perRow(field int) int {
	n := h.width()
	for _, d := range h.fields[field].axes {
		n *= d
	}
	return n
}

// bytes is how long a field is in one element.
func (f *field) bytes() int {
	n := f.size
	for _, d := range f.axes {
		n *= d
	}
	return n
}

// whole reports whether an element is the field alone.
func (h *header) whole(field int) bool { return h.fields[field].bytes() == h.record }

// across reports whether the values of a row do not lie beside each other.
func (h *header) across() bool { return h.fortran && h.width() > 1 && h.rows() > 1 }

// cost is the bytes that reading rows of a field may take: none where it is a view.
func (m *member) cost(field, rows int) int {
	f := &m.head.fields[field]
	n := rows * m.head.perRow(field)
	need := 0
	mapped := m.packed != nil || m.src.in.Mapped
	numbers := f.kind == number || f.kind == instant || f.kind == day
	switch {
	case !mapped || !m.head.whole(field) || m.head.across():
		need += n * f.size
	case numbers && (f.swap > 0 || m.odd%f.size != 0):
		need += n * f.size
	}
	if m.head.across() && !mapped {
		need += n * m.head.record
	}
	switch f.kind {
	case number:
	case truth:
		need += n / 8
	case instant:
		need += n / 8
	case day:
		need += 4*n + n/8
	default:
		need += n*f.size + 4*n
	}
	return need
}

// gather gives the values of rows of fields.
func (m *member) gather(ctx context.Context, src source, fields []int, lo, hi int) ([]values, error) {
	out := make([]values, len(fields))
	h := m.head
	switch {
	case h.across():
		from, err := m.strips(ctx, src, lo, hi)
		if err != nil {
			return nil, err
		}
		for i, k := range fields {
			if out[i], err = m.transpose(ctx, from, k, hi-lo); err != nil {
				return nil, err
			}
		}
		return out, nil
	case !h.whole(fields[0]):
		return out, m.records(ctx, src, fields, lo, hi, out)
	}
	row := h.record * h.width()
	at, n := h.length+lo*row, (hi-lo)*row
	for i := range out {
		if src.in.Mapped {
			b, err := src.view(ctx, at, n)
			if err != nil {
				return nil, err
			}
			out[i].bytes = b
			continue
		}
		out[i] = values{alloc(n), true}
		if err := src.fetch(ctx, out[i].bytes, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// records takes fields out of records that lie one behind the other.
func (m *member) records(ctx context.Context, src source, fields []int, lo, hi int, out []values) error {
	h := m.head
	n := (hi - lo) * h.width()
	for i, k := range fields {
		out[i] = values{alloc(n * h.fields[k].bytes()), true}
	}
	if h.record == 0 {
		return nil
	}
	each := max(1, stepBytes/h.record)
	first := h.length + lo*h.width()*h.record
	return format.Each(ctx, (n+each-1)/each, func(ctx context.Context, i int) error {
		from, to := i*each, min(n, (i+1)*each)
		b, err := src.view(ctx, first+from*h.record, (to-from)*h.record)
		if err != nil {
			return err
		}
		for i, k := range fields {
			f := &h.fields[k]
			w := f.bytes()
			dst := out[i].bytes[from*w : to*w]
			for at := f.at; len(dst) > 0; at += h.record {
				dst = dst[copy(dst[:w], b[at:]):]
			}
		}
		return nil
	})
}

// strips is where the elements of some rows lie in Fortran's order: row i of the j-th column of the array at first+j*step+i*record.
type strips struct {
	bytes       []byte
	first, step int
}

// strips views the whole array, or reads no more than the rows.
func (m *member) strips(ctx context.Context, src source, lo, hi int) (strips, error) {
	h := m.head
	n, rows, width := hi-lo, h.rows(), h.width()
	if src.in.Mapped {
		b, err := src.view(ctx, h.length, rows*width*h.record)
		return strips{b, lo * h.record, rows * h.record}, err
	}
	s := strips{alloc(n * width * h.record), 0, n * h.record}
	if n == rows {
		return s, src.fetch(ctx, s.bytes, h.length)
	}
	if len(s.bytes) == 0 {
		return s, nil
	}
	step, each := rows*h.record, 1 // columns that are read at once, with what lies between the rows of them
	if step-s.step <= nearBytes {
		each = max(1, stepBytes/step)
	}
	return s, format.Each(ctx, (width+each-1)/each, func(ctx context.Context, i int) error {
		from, to := i*each, min(width, (i+1)*each)
		at := h.length + from*step + lo*h.record
		if to-from == 1 {
			return src.in.Fill(ctx, s.bytes[from*s.step:to*s.step], src.base+at)
		}
		b, err := src.view(ctx, at, (to-from-1)*step+s.step)
		if err != nil {
			return err
		}
		for j := from; j < to; j++ {
			copy(s.bytes[j*s.step:(j+1)*s.step], b[(j-from)*step:])
		}
		return nil
	})
}

// nearBytes between two runs cost less to read than to skip.
const nearBytes = 64 << 10

// A transposition goes by tiles: tileColumns runs of the source are followed at a time, so that the processor's table of pages holds
// them, and each by a cache line of values, so that no line is loaded twice. A run of tileRows values is a page or less for the next
// lines to come from a near cache.
const (
	tileRows    = 512
	tileColumns = 64
	lineBytes   = 64
)

// transpose gives a field of rows that lie in Fortran's order in C's.
func (m *member) transpose(ctx context.Context, from strips, field, rows int) (values, error) {
	h, f := m.head, &m.head.fields[field]
	width, w := h.width(), f.bytes()
	out := values{alloc(rows * width * w), true}
	if w == 0 {
		return out, nil
	}
	tall := max(1, min(tileRows, stepBytes/w))
	wide := max(tileColumns, stepBytes/(tall*w))
	across := (width + wide - 1) / wide
	return out, format.Each(ctx, across*((rows+tall-1)/tall), func(_ context.Context, i int) error {
		r0, c0 := i/across*tall, i%across*wide
		t := tile{h: h, w: w, rows: min(rows-r0, tall), dst: out.bytes[r0*width*w:], src: from.bytes}
		for c := c0; c < min(width, c0+wide); c += tileColumns {
			var at [tileColumns]int
			n := min(width, c0+wide, c+tileColumns) - c
			for k := range n {
				at[k] = from.first + h.fortranIndex(c+k)*from.step + r0*h.record + f.at
			}
			t.copy(c, at[:n])
		}
		return nil
	})
}

// fortranIndex is the place in Fortran's order of the c-th element of a row in C's.
func (h *header) fortranIndex(c int) int {
	if len(h.shape) == 2 {
		return c
	}
	out, above := 0, h.width()
	for i := len(h.shape) - 1; i > 0; i-- {
		above /= h.shape[i] // elements of the axes before
		out += c % h.shape[i] * above
		c /= h.shape[i]
	}
	return out
}

// tile is rows of a few columns on their way from src to dst.
type tile struct {
	h        *header
	w, rows  int
	dst, src []byte
}

// copy moves the elements that begin at those places, one run a column, to columns c, c+1, ...
func (t *tile) copy(c int, at []int) {
	if t.w == t.h.record && aligned(t.src, t.w) {
		switch t.w {
		case 1:
			transposeTile[uint8](t, c, at)
			return
		case 2:
			transposeTile[uint16](t, c, at)
			return
		case 4:
			transposeTile[uint32](t, c, at)
			return
		case 8:
			transposeTile[uint64](t, c, at)
			return
		}
	}
	width := t.h.width()
	for r := range t.rows {
		for k, from := range at {
			to := (r*width + c + k) * t.w
			copy(t.dst[to:to+t.w], t.src[from+r*t.h.record:])
		}
	}
}

// transposeTile is copy for elements that are numbers. dst begins where they may, as AllocBytes says. Eight columns go at a time, so that
// what is written to a row lies side by side.
func transposeTile[T uint8 | uint16 | uint32 | uint64](t *tile, c int, at []int) {
	width := t.h.width()
	src := array.View[T](t.src)
	dst := array.View[T](t.dst)
	line := lineBytes / t.w
	for r := 0; r < t.rows; r += line {
		n := min(line, t.rows-r)
		to := r*width + c
		k := 0
		for ; k+8 <= len(at); k += 8 {
			var s [8][]T
			for i := range s {
				s[i] = src[at[k+i]/t.w+r:][:n]
			}
			transposeEight(dst[to+k:], width, &s)
		}
		for ; k < len(at); k++ {
			for i, x := range src[at[k]/t.w+r:][:n] {
				dst[to+k+i*width] = x
			}
		}
	}
}

// transposeEight puts eight columns of one length side by side in rows of dst.
func transposeEight[T uint8 | uint16 | uint32 | uint64](dst []T, width int, columns *[8][]T) {
	s0, n := columns[0], len(columns[0])
	s1, s2, s3, s4, s5, s6, s7 := columns[1][:n], columns[2][:n], columns[3][:n], columns[4][:n], columns[5][:n], columns[6][:n], columns[7][:n]
	to := 0
	for i := range s0 {
		d := dst[to : to+8 : to+8]
		d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7] = s0[i], s1[i], s2[i], s3[i], s4[i], s5[i], s6[i], s7[i]
		to += width
	}
}

// list nests n rows of values in the lists of a column's type.
func list(t arrow.DataType, n int, leaf arrow.ArrayData) arrow.ArrayData {
	l, ok := t.(*arrow.FixedSizeListType)
	if !ok {
		return leaf
	}
	return listOf(l, n, list(l.Elem(), n*int(l.Len()), leaf))
}
