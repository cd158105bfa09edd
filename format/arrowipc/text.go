package arrowipc

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow"
	arrowarray "github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/darray-go/darray/array"
	"github.com/darray-go/darray/format"
)

// errLong is more text than the offsets of a type can name.
var errLong = errors.New("the values take more bytes than 32-bit offsets can name; read fewer rows at a time")

// joinColumn makes one array of a column's parts, which have rows.
func (s *session) joinColumn(ctx context.Context, n *node, parts []arrow.Array) (arrow.Array, error) {
	if len(parts) > 1 {
		switch n.typ.(type) {
		case *arrow.StringType, *arrow.BinaryType:
			return joinText[int32](ctx, s, n, parts)
		case *arrow.LargeStringType, *arrow.LargeBinaryType:
			return joinText[int64](ctx, s, n, parts)
		}
	}
	return s.join(n, parts)
}

// joinText joins strings or bytes, one goroutine a part: large columns are of these, and arrow-go would take no end of a context.
func joinText[O int32 | int64](ctx context.Context, s *session, n *node, parts []arrow.Array) (arrow.Array, error) {
	rows, length, nulls := 0, 0, 0
	at := make([]pair, len(parts)) // where the rows and the bytes of each part begin
	offsetsOf := func(d arrow.ArrayData) []O {
		return array.View[O](d.Buffers()[1].Bytes())[d.Offset() : d.Offset()+d.Len()+1]
	}
	for i, p := range parts {
		offsets := offsetsOf(p.Data())
		at[i] = pair{rows, length}
		rows, nulls = rows+p.Len(), nulls+p.NullN()
		length += int(offsets[p.Len()] - offsets[0])
	}
	if int(O(length)) != length {
		return nil, errLong
	}
	width := n.kinds[1].bits / 8
	raw, err := s.alloc((rows + 1) * width)
	if err != nil {
		return nil, err
	}
	data, err := s.alloc(length)
	if err != nil {
		return nil, err
	}
	out := array.View[O](raw)
	out[rows] = O(length)
	if err := format.Each(ctx, len(parts), func(ctx context.Context, i int) error {
		d := parts[i].Data()
		offsets := offsetsOf(d)
		first, base := offsets[0], O(at[i][1])
		for k, o := range offsets[:d.Len()] {
			out[at[i][0]+k] = base + (o - first)
		}
		return copySteps(ctx, data[base:], bufferOf(d, 2)[first:offsets[d.Len()]])
	}); err != nil {
		return nil, err
	}
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(raw), memory.NewBufferBytes(data)}
	if nulls > 0 {
		valid, err := s.alloc(validity.bytes(rows))
		if err != nil {
			return nil, err
		}
		for i, p := range parts {
			if b := bufferOf(p.Data(), 0); b != nil {
				array.CopyBits(valid, at[i][0], b, p.Data().Offset(), p.Len())
			} else {
				array.SetBits(valid, at[i][0], p.Len())
			}
		}
		buffers[0] = memory.NewBufferBytes(valid)
	}
	return arrowarray.MakeFromData(arrowarray.NewData(n.declared, rows, buffers, nil, nulls, 0)), nil
}

// copySteps copies src to dst and looks at the context in between.
func copySteps(ctx context.Context, dst, src []byte) error {
	for len(src) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := copy(dst, src[:min(chunk, len(src))])
		dst, src = dst[n:], src[n:]
	}
	return nil
}
