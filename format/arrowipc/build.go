package arrowipc

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
)

// piece is rows [lo, hi) of one column in one batch, which is the message of number seq.
type piece struct {
	*batch
	node   *node
	seq    int
	lo, hi int
}

func (p *piece) rows() int { return p.hi - p.lo }

// array gives the rows of a piece, checked: views of the input where it is mapped and not compressed.
func (s *session) array(ctx context.Context, u *unpacker, p *piece) (arrow.Array, error) {
	data, err := s.build(ctx, u, p)
	if err != nil {
		return nil, err
	}
	a := arrowarray.MakeFromData(data)
	if err := check(ctx, a); err != nil {
		return nil, err
	}
	return a, nil
}

// build makes the data of an array out of the buffers of a batch. Parts of nested arrays are there in whole.
func (s *session) build(ctx context.Context, u *unpacker, p *piece) (arrow.ArrayData, error) {
	base := p.lo
	if len(p.node.children) > 0 {
		base = 0 // the parts begin there
	}
	base &^= 8*array.Alignment - 1 // values and validity begin at one row, and bitmaps stay aligned
	buffers, nulls, err := s.buffers(ctx, u, p, base)
	if err != nil {
		return nil, err
	}
	n, t := p.rows(), p.node.declared
	if p.node.dictionary != nil {
		values, bound, err := s.dictionary(ctx, u, p.node, p.seq)
		if err != nil {
			return nil, err
		}
		data := arrowarray.NewDataWithDictionary(t, n, buffers, nulls, p.lo-base, values.(*arrowarray.Data))
		return data, checkIndices(data, bound)
	}
	var children []arrow.ArrayData
	for i, c := range p.node.children {
		child, err := s.build(ctx, u, &piece{p.batch, c, p.seq, 0, p.length(c)})
		if err != nil {
			return nil, fmt.Errorf("part %d: %w", i, err)
		}
		children = append(children, child)
	}
	return arrowarray.NewData(t, n, buffers, children, nulls, p.lo-base), nil
}

// buffers are those of an array of rows [base, hi), and how many of [lo, hi) are null.
func (s *session) buffers(ctx context.Context, u *unpacker, p *piece, base int) (buffers []*memory.Buffer, nulls int, err error) {
	n := p.node
	if n.typ.ID() == arrow.NULL {
		return []*memory.Buffer{nil}, p.rows(), nil
	}
	if len(n.kinds) == 0 || !n.kinds[0].validity {
		buffers = append(buffers, nil) // arrow-go has a place for what the format leaves out
	}
	first := p.first(n)
	for i, k := range n.kinds {
		switch {
		case k.validity && !p.nullable(n):
			buffers = append(buffers, nil)
			continue
		case k.validity && n.typ.ID() == arrow.SPARSE_UNION, k.validity && n.typ.ID() == arrow.DENSE_UNION:
			return nil, 0, errors.New("it is a union with nulls of its own, as until 2020; write it again with a newer program")
		}
		at, err := p.buffer(first+i, p.length(n), k)
		if err != nil {
			return nil, 0, err
		}
		lo, hi := 0, -1
		if k.bits > 0 {
			lo, hi = base*k.bits/8, k.bytes(p.hi)
		}
		b, err := s.buffer(ctx, u, at, lo, hi)
		if err != nil {
			return nil, 0, err
		}
		if k.validity {
			if nulls = p.rows() - array.CountBits(b.Bytes(), p.lo-base, p.rows()); nulls == 0 {
				b = nil
			}
		}
		buffers = append(buffers, b)
	}
	for i := range p.dataBuffers(n) {
		at, err := p.buffer(first+len(n.kinds)+i, 0, kind{})
		if err != nil {
			return nil, 0, err
		}
		b, err := s.buffer(ctx, u, at, 0, -1)
		if err != nil {
			return nil, 0, err
		}
		buffers = append(buffers, b)
	}
	return buffers, nulls, nil
}
