package arrowipc

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/darray-go/darray/format"
)

// errChanged is a file that was written to while it was open.
var errChanged = errors.New("the file was changed while it was open; open it again")

// Read gives rows [lo, hi) of columns. Rows within one batch that is not compressed are a view of the input, others are copied: those
// of one width straight into place, by one goroutine a column and batch.
func (r *reader) Read(ctx context.Context, columns []int, lo, hi int) ([]arrow.Array, error) {
	s := r.session()
	out := make([]arrow.Array, len(columns))
	pieces, err := s.pieces(ctx, columns, lo, hi)
	if err != nil {
		return nil, err
	}
	var work work
	for i, c := range columns {
		n := r.layout.columns[c]
		if len(pieces[i]) == 0 {
			out[i] = empty(n.declared)
			continue
		}
		if err := s.plan(ctx, &work, n, pieces[i], &out[i]); err != nil {
			return nil, named(n, err)
		}
	}
	if err := format.Each(ctx, len(work.tasks), func(ctx context.Context, i int) error {
		u := r.unpackers.Get().(*unpacker)
		defer r.unpackers.Put(u)
		return work.tasks[i](ctx, u)
	}); err != nil {
		return nil, err
	}
	return out, format.Each(ctx, len(work.ends), func(ctx context.Context, i int) error { return work.ends[i](ctx) })
}

// work is what a Read has to do: tasks at once, and when they are all done the ends, which put together what they made.
type work struct {
	tasks []func(context.Context, *unpacker) error
	ends  []func(context.Context) error
}

// named adds a column's name to an error.
func named(n *node, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("column %q: %w", n.name, err)
}

// pieces finds the rows [lo, hi) of columns in the batches that hold them. Open has looked at them, but the file may have been written
// to since.
func (s *session) pieces(ctx context.Context, columns []int, lo, hi int) ([][]*piece, error) {
	r := s.r
	nodes := make([]*node, len(columns))
	for i, c := range columns {
		nodes[i] = r.layout.columns[c]
	}
	out := make([][]*piece, len(columns))
	first := sort.SearchInts(r.starts, lo+1) - 1 // the last batch that starts at or before lo
	for i := first; i < len(r.at) && r.starts[i] < hi; i++ {
		if r.rows[i] == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		m, err := readMessage(ctx, r.in, r.at[i], r.in.Size)
		if err == nil && (m.end || m.kind != kindBatch) {
			err = errChanged
		}
		var b *batch
		if err == nil {
			b, err = parseBatch(m.header, m.body, r.layout, nodes)
		}
		if err == nil && b.rows != r.rows[i] {
			err = errChanged
		}
		if err != nil {
			return nil, fmt.Errorf("batch %d: %w", i, err)
		}
		for k, n := range nodes {
			out[k] = append(out[k], &piece{b, n, r.seq[i], max(lo-r.starts[i], 0), min(hi-r.starts[i], b.rows)})
		}
	}
	return out, nil
}

// plan adds what is to be done for one column, which comes to lie in out.
func (s *session) plan(ctx context.Context, w *work, n *node, pieces []*piece, out *arrow.Array) error {
	u := s.r.unpackers.Get().(*unpacker)
	defer s.r.unpackers.Put(u)
	one := true // dictionary
	first, _ := s.r.find(n.id, pieces[0].seq)
	for _, p := range pieces {
		if err := s.loadDictionaries(ctx, u, n, p.seq); err != nil {
			return err
		}
		mine, _ := s.r.find(n.id, p.seq)
		one = one && (n.dictionary == nil || mine == first)
	}
	if n.flat() && one && (len(pieces) > 1 || pieces[0].codec != codecNone) {
		return s.planFlat(ctx, w, n, pieces, out)
	}
	parts := make([]arrow.Array, len(pieces))
	for i, p := range pieces {
		w.tasks = append(w.tasks, func(ctx context.Context, u *unpacker) (err error) {
			parts[i], err = s.array(ctx, u, p)
			return named(n, err)
		})
	}
	w.ends = append(w.ends, func(ctx context.Context) (err error) {
		*out, err = s.joinColumn(ctx, n, parts)
		return named(n, err)
	})
	return nil
}
